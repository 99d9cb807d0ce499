# SPDX-License-Identifier: MIT
"""misbehave.py [--all] LPAD NODES: each misbehaviour x output mode x policy: the right cause, the right code, nothing left behind.

NODES is the folder of misbehave.c. Without --all twelve of the combinations: each misbehaviour once, each mode twice. Runs in a
test's folders (tests/run).
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
import time

import leavings

LIMIT = 60              # seconds for any of them, however loaded the machine
SEGMENTATION = "signal 11 (segmentation fault)"
LINES = 20000           # of flood

Misbehaviour = collections.namedtuple("Misbehaviour", "name keys code text options step tells", defaults=("", "run", ""))
# What it fails of ("text"; None: it does not fail, the run's time limit ends it), and what else must be told.
MISBEHAVIOURS = [
    Misbehaviour("crash", "", 139, SEGMENTATION),
    Misbehaviour("hang", "stop_within: 300ms", 124, None, "--time-limit 500ms"),
    Misbehaviour("deaf", "stop_within: 300ms", 124, None, "--time-limit 500ms", tells="victim has not ended after TERM: killed"),
    Misbehaviour("fork_away", "", 1, "its process exited with 0 before it was told to finish"),
    Misbehaviour("fork_and_crash", "", 139, SEGMENTATION),
    Misbehaviour("daemon_and_fail", "", 5, "run returned 5"),
    Misbehaviour("close_all", "", 1, "its process closed its control channel"),
    Misbehaviour("flood", "", 6, "run returned 6"),
    Misbehaviour("eat_memory", "resources: {memory: 96MiB}", None, "memory limit of 96MiB"),
    Misbehaviour("init_hang", "start_within: 500ms", 125, "init has not returned within 500 ms (start_within)", step="init"),
    Misbehaviour("leave_early", "", 1, "its process exited with 0 before it was told to finish"),
    Misbehaviour("frozen", "health: 600ms", 1, "did not answer for 600 ms"),
]
MODES = ["prefix", "files", "json", "quiet", "tmux", "detach"]
POLICIES = {"stop": "stop", "restart": "{restart: 1, within: 1m, backoff: 10ms..10ms}", "ignore": "ignore"}


class Wrong(Exception):
    pass


def need(true, *what):
    if not true:
        raise Wrong(" ".join(str(word) for word in what))


def write_topology(misbehaviour, policy, nodes):
    # The other is a service: the run does not wait for it.
    with open("topo.yaml", "w") as file:
        file.write(f"lpad: 1\nname: bad\ndefaults: {{module: {nodes}/misbehave.c}}\nnodes:\n  other: {{implementation: server}}\n"
                   f"  victim:\n    implementation: {misbehaviour.name}\n    on_failure: {POLICIES[policy]}\n    {misbehaviour.keys}\n")


def read(path):
    with open(path, errors="replace") as file:
        return file.read()


def run(lpad, misbehaviour, mode):
    """Exit code, and what lpad said, once all is over."""
    options = ["--detach"] if mode == "detach" else ["--output", mode]
    with open("out", "w") as out, open("err", "w") as err:
        code = subprocess.run([lpad, "launch", *options, *misbehaviour.options.split()], stdout=out, stderr=err,
                              stdin=subprocess.DEVNULL, timeout=LIMIT).returncode
    said = read("err")
    if mode != "detach":
        return code, said
    # The name alone, and the run goes on; or nothing but the report.
    name = read("out")
    need(re.fullmatch(r"bad-\d+\n", name) if code == 0 else not name, f"exit {code} and stdout {name!r}")
    if code == 0:
        subprocess.run([lpad, "wait", "-r", name.strip()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=LIMIT)
        said = read(f"{leavings.RUNS}/latest/lpad.log")
    return code, said


def expected(misbehaviour, policy, result):
    """Exit code and status of the run."""
    if misbehaviour.text is None:
        return misbehaviour.code, "time limit"
    if policy == "ignore":
        return 0, "completed"
    if misbehaviour.code is None:               # aborted, or killed by the kernel
        need(result["exit"] in (134, 137), "exit", result["exit"])
        return result["exit"], "failed"
    return misbehaviour.code, "not started" if misbehaviour.code == 125 else "failed"


def check_cause(misbehaviour, policy, result):
    cause = result["cause"]
    if misbehaviour.text is None:
        need(cause == {"what": "time limit"}, "cause", cause)
    elif policy == "ignore":
        need(cause is None, "cause", cause)
    else:
        need(cause["what"] == "failure" and cause["node"] == "victim" and cause["failure"]["step"] == misbehaviour.step, "cause", cause)


def check_report(misbehaviour, policy, said):
    if misbehaviour.text is None:
        need("the time limit of 500 ms is reached" in said, "no time limit in the report")
        need(misbehaviour.tells in said, "not told:", misbehaviour.tells)
        return
    where = "" if misbehaviour.step == "run" else f" in {misbehaviour.step}"
    last = f" (in {misbehaviour.step})" if where else ""
    why = ".*" + re.escape(misbehaviour.text) + ".*"
    pattern = {
        "stop": f"^lpad: victim failed{where}: {why}$",
        "ignore": f"^lpad: victim failed{where}: {why}; the run goes on without it \\(on_failure: ignore\\)$",
        "restart": f"^lpad: victim failed 2 times within 1m: last {why}{re.escape(last)}; program stopped \\(on_failure.then: stop\\)$",
    }[policy]
    need(re.search(pattern, said, re.M), "not reported:", pattern)
    need(len(re.findall("; starting it again in ", said)) == (policy == "restart"), "restarts are not told as they were")


def check_flood(mode, times):
    need(read(f"{leavings.RUNS}/latest/logs/victim.log").count("\n") == LINES * times, "lines in the log")
    pattern = {"prefix": r"^victim \| [a-z]{99}$", "json": r'"text":"[a-z]{99}"', "quiet": r"^[a-z]{99}$"}.get(mode)
    if pattern:
        need(len(re.findall(pattern, read("out"), re.M)) == LINES * times, "lines that are shown")


def check(lpad, misbehaviour, mode, policy):
    before = leavings.look()
    code, said = run(lpad, misbehaviour, mode)
    left = leavings.since(before)
    need(not left, *left)
    result = json.loads(read(f"{leavings.RUNS}/latest/result.json"))
    want, status = expected(misbehaviour, policy, result)
    need((result["exit"], result["status"]) == (want, status), f"result {result['exit']} {result['status']}, not {want} {status}")
    shown = want if mode != "detach" or want == 125 else 0
    need(code == shown, f"exit {code}, not {shown}")
    fails_again = policy == "restart" and misbehaviour.text is not None
    need(result["nodes"]["victim"]["restarts"] == fails_again, "restarts", result["nodes"]["victim"]["restarts"])
    check_cause(misbehaviour, policy, result)
    check_report(misbehaviour, policy, said)
    if misbehaviour.name == "flood":
        check_flood(mode, 1 + fails_again)


def combinations(everything, misbehaviours, modes):
    policies = list(POLICIES)
    if everything:
        return [(one, mode, policy) for one in misbehaviours for mode in modes for policy in policies]
    return [(one, modes[i % len(modes)], policies[(i + i // len(modes)) % 3]) for i, one in enumerate(misbehaviours)]


def available(options):
    modes = MODES if any(os.access(f"{folder}/tmux", os.X_OK) for folder in os.environ["PATH"].split(":")) else \
        [mode for mode in MODES if mode != "tmux"]
    if len(modes) < len(MODES):
        print("skipped: there is no tmux")
    misbehaviours = [one for one in MISBEHAVIOURS if options.limits or "memory" not in one.keys]
    if len(misbehaviours) < len(MISBEHAVIOURS):
        print("skipped: no limits of memory under a sanitizer")
    return [one for one in misbehaviours if not options.only or one.name in options.only], modes


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", action="append", help="these misbehaviours")
    parser.add_argument("--no-limits", dest="limits", action="store_false")
    parser.add_argument("lpad")
    parser.add_argument("nodes")
    options = parser.parse_args()
    os.environ["TERM"] = "xterm"                # for tmux
    write_topology(MISBEHAVIOURS[0], "stop", options.nodes)
    subprocess.run([options.lpad, "check"], stdout=subprocess.DEVNULL, check=True)      # compiled once, for all
    wrong, longest, chosen = 0, 0, combinations(options.all, *available(options))
    for misbehaviour, mode, policy in chosen:
        write_topology(misbehaviour, policy, options.nodes)
        began = time.monotonic()
        try:
            check(options.lpad, misbehaviour, mode, policy)
        except (Wrong, OSError, KeyError, TypeError, subprocess.TimeoutExpired) as problem:
            wrong += 1
            print(f"WRONG {misbehaviour.name}, {mode}, {policy}: {problem!r}")
            print("      " + "\n      ".join(read("err").splitlines()[-12:]))
        longest = max(longest, time.monotonic() - began)
    print(f"misbehave: {len(chosen)} runs, {wrong} wrong, the longest {longest:.1f} s")
    return wrong != 0 or not chosen


sys.exit(main())
