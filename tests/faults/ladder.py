# SPDX-License-Identifier: MIT
"""ladder.py [--rounds N] [--seed N] LPAD NODES: SIGKILL of whom, when: what is promised of each must hold.

Whom: the guardian, the supervisor, both, both with --isolate, their process group, a node. When: at a random moment of the start,
of the run, of the stop. Each round kills once, in a launch of its own; then

  - nothing is left of it (of `both` without --isolate: only children of nodes that had detached themselves),
  - `lpad ps -a` tells what became of it: ended, as its record and its exit code say; lost, if nobody was left to say it,
  - no folder of sockets is left, or only that of a lost run, and `lpad rm` removes it,
  - a new launch works.

NODES is the folder of life.c. Runs in a test's folders (tests/run).
"""
import argparse
import collections
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import leavings

WHOM = ["guardian", "supervisor", "both", "isolated", "group", "node"]
WHEN = ["start", "run", "stop"]
LIMIT = 60              # seconds for anything, however loaded the machine
NORMAL = {"killed": 137, "stopped": 143, "failed": 137, "not started": 137}

TOPOLOGY = """lpad: 1
name: ladder
defaults: {{module: {nodes}/life.c}}
nodes:
  stay: {{replicas: 2}}
  escape: {{replicas: 2, on_failure: {{restart: 1, within: 1m, backoff: 1ms..1ms}}}}
  chat: {{params: {{lines: 200}}}}
  linger: {{}}
"""


class Wrong(Exception):
    pass


def wait_for(what, condition):
    end = time.monotonic() + LIMIT
    while not (found := condition()):
        if time.monotonic() > end:
            raise Wrong(f"waited {LIMIT} s for {what}")
        time.sleep(0.002)
    return found


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Launch:
    def __init__(self, lpad, *options):
        with open("out", "w") as out, open("err", "w") as err:
            self.process = subprocess.Popen([lpad, "launch", "--json", *options], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            preexec_fn=os.setpgrp)
        self.guardian = self.process.pid

    def events(self):
        with open("out") as file:
            lines = file.read().split("\n")
        return [json.loads(line) for line in lines[:-1]]

    def runs(self):
        """Whether it does; it may have ended instead."""
        return self.process.poll() is not None or any(event["event"] == "phase" and event["phase"] == "run" for event in self.events())

    def nodes(self):
        """Their processes that have not ended."""
        pids = {}
        for event in self.events():
            if event["event"] == "spawn":
                pids[event["node"]] = event["pid"]
            elif event["event"] == "end":
                pids.pop(event["node"], None)
        return list(pids.values())


class Ladder:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.took = {"start": 0.3, "run": 0.05, "stop": 0.3}
        self.slowest = collections.Counter()
        self.seen = collections.Counter()
        self.wrong = 0

    def lpad(self, *words):
        return subprocess.run([self.options.lpad, *words], capture_output=True, text=True, timeout=LIMIT)

    def measure(self):
        """How long a start and a stop take here, after all is compiled."""
        self.lpad("check")
        for _ in range(2):
            began = time.monotonic()
            launch = Launch(self.options.lpad)
            wait_for("a start", launch.runs)
            running = time.monotonic()
            launch.process.terminate()
            if launch.process.wait(LIMIT) != 143:
                raise Wrong(f"a launch that nobody disturbs ends with {launch.process.returncode}")
            self.took["start"], self.took["stop"] = running - began, time.monotonic() - running

    # ---- the kill ----

    def come_to(self, launch, when):
        if when != "start":
            wait_for("the run", launch.runs)
        if when == "stop":
            launch.process.terminate()
        time.sleep(self.random.uniform(0, self.took[when]))

    def kill_both(self, launch, supervisors):
        """At one moment: neither can do anything between."""
        if self.random.random() < 0.5:
            os.kill(launch.guardian, signal.SIGSTOP)
        for pid in supervisors + [launch.guardian]:
            kill(pid)

    def strike(self, launch, whom):
        """False: whoever was meant was not there, or not any more."""
        supervisors = children_of(launch.guardian)[:1]
        if launch.process.poll() is not None or (not supervisors and whom in ("supervisor", "both", "isolated")):
            return False
        if whom in ("both", "isolated"):
            self.kill_both(launch, supervisors)
        elif whom == "supervisor":
            kill(supervisors[0])
        elif whom == "guardian":
            kill(launch.guardian)
        elif whom == "group":
            os.killpg(launch.guardian, signal.SIGKILL)
        else:
            nodes = launch.nodes()
            if nodes:
                kill(self.random.choice(nodes))
            return bool(nodes)
        return True

    # ---- what is there afterwards ----

    def survivors(self, before, whom):
        new = leavings.processes().items() - before.items()
        return {pid: words for pid, words in new if not (whom == "both" and words == "sleep 100000")}

    def wait_until_gone(self, launch, before, whom, when):
        began = time.monotonic()
        launch.process.wait(LIMIT)
        wait_for("the end of all processes", lambda: not self.survivors(before, whom))
        self.slowest[whom, when] = max(self.slowest[whom, when], time.monotonic() - began)
        for pid in leavings.processes().keys() - before.keys():
            kill(pid)
        wait_for("the end of what had detached itself", lambda: not leavings.processes().keys() - before.keys())

    def check_record(self, launch, record, whom):
        """What became of it: as `lpad ps -a` says, and as the record does."""
        run = os.path.basename(record)
        listed = [one for one in json.loads(self.lpad("ps", "-a", "--json").stdout)["runs"] if one["run"] == run]
        result = None
        if os.path.exists(f"{record}/result.json"):
            with open(f"{record}/result.json") as file:
                result = json.load(file)
        if not os.path.exists(f"{record}/manifest.json"):
            if listed or result or whom not in ("both", "isolated"):
                raise Wrong(f"{run} has no manifest, {sorted(os.listdir(record))}, listed as {listed}")
            shutil.rmtree(record)
            return "begun"
        if len(listed) != 1:
            raise Wrong(f"{run} is listed {len(listed)} times")
        state = listed[0]["state"]
        if state == "lost" and not result and whom in ("both", "isolated"):
            if (rm := self.lpad("rm", run)).returncode and "is no record" in rm.stderr:
                shutil.rmtree(record)           # its manifest was not whole yet
                return "begun"
            elif rm.returncode:
                raise Wrong(f"lpad rm {run}: {rm.stderr}")
            return state
        if state != "ended" or not result or (listed[0]["exit"], listed[0]["status"]) != (result["exit"], result["status"]):
            raise Wrong(f"{run} is listed as {listed[0]}, and the result is {result}")
        if NORMAL.get(result["status"]) != result["exit"]:
            raise Wrong(f"{run} ended as {result['status']} with {result['exit']}")
        code = launch.process.returncode
        if code != -signal.SIGKILL and code != result["exit"]:
            raise Wrong(f"{run}: exit {code}, and {result['exit']} in the record")
        return result["status"]

    def new_launch_works(self):
        launch = self.lpad("launch", "-q", "ends.yaml")
        if launch.returncode:
            raise Wrong(f"a new launch ends with {launch.returncode}: {launch.stderr}")

    def one(self, whom, when):
        cold = when == "start" and self.random.random() < self.options.cold
        if cold:
            shutil.rmtree(os.environ["XDG_CACHE_HOME"])
            os.mkdir(os.environ["XDG_CACHE_HOME"])
        before, processes = leavings.look(), leavings.processes()
        records = set(glob.glob(f"{leavings.RUNS}/*-*"))
        launch = Launch(self.options.lpad, *(["--isolate"] if whom == "isolated" else []))
        self.come_to(launch, when)
        struck = self.strike(launch, whom)
        if not struck or whom == "node":        # the run may go on
            launch.process.terminate()
        self.wait_until_gone(launch, processes, whom, when)
        became = [self.check_record(launch, record, whom) for record in set(glob.glob(f"{leavings.RUNS}/*-*")) - records]
        self.seen[whom if struck else "nobody", when, became[0] if became else "nothing begun"] += 1
        left = [text for text in leavings.since(before) if not text.startswith("file in the cache")]
        if whom in ("both", "isolated"):        # of a compiler that was killed with them
            left = [text for text in left if not text.startswith("temporary file") or leavings.RUNS in text]
            if not became or became == ["begun"]:       # before there was a record that `lpad rm` knows
                left = [text for text in left if not text.startswith("folder of sockets")]
                for folder in leavings.sockets():
                    shutil.rmtree(folder)
        if left or len(became) > 1:
            raise Wrong("; ".join(left or became))

    def round(self, number, whom, when):
        try:
            self.one(whom, when)
            if number % 10 == 0:
                self.new_launch_works()
        except (Wrong, OSError, ValueError, KeyError, subprocess.TimeoutExpired) as problem:
            self.wrong += 1
            print(f"WRONG round {number}, {whom} in {when}: {problem!r}", flush=True)
            with open("err") as file:
                print("      " + "\n      ".join(file.read().splitlines()[-6:]), flush=True)
            for folder in leavings.sockets():       # for the next one
                shutil.rmtree(folder, ignore_errors=True)

    def run(self):
        with open("topo.yaml", "w") as file:
            file.write(TOPOLOGY.format(nodes=self.options.nodes))
        with open("ends.yaml", "w") as file:
            file.write(f"lpad: 1\nname: ends\nnodes: {{chat: {{module: {self.options.nodes}/life.c}}}}\n")
        self.measure()
        rounds = [(whom, when) for whom in self.options.whom for when in self.options.when for _ in range(self.options.rounds)]
        self.random.shuffle(rounds)
        for number, (whom, when) in enumerate(rounds):
            self.round(number, whom, when)
        self.new_launch_works()
        for (whom, when), slowest in sorted(self.slowest.items()):
            became = ", ".join(f"{count} {end}" for (who, at, end), count in sorted(self.seen.items()) if (who, at) == (whom, when))
            print(f"{whom} in {when}: {became or 'nobody was there'}; gone after {slowest:.2f} s at most")
        print(f"ladder: seed {self.options.seed}, {len(rounds)} kills, {self.wrong} wrong")


def isolation_is_possible(lpad):
    with open("probe.yaml", "w") as file:
        file.write("lpad: 1\nname: probe\nnodes: {}\n")
    tried = subprocess.run([lpad, "launch", "--isolate", "probe.yaml"], capture_output=True, text=True)
    return "a PID namespace cannot be made here" not in tried.stderr


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=1, help="of each whom and when")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cold", type=float, default=0.1, help="so many of the starts compile")
    parser.add_argument("--whom", action="append", choices=WHOM)
    parser.add_argument("--when", action="append", choices=WHEN)
    parser.add_argument("lpad")
    parser.add_argument("nodes")
    options = parser.parse_args()
    options.whom, options.when = options.whom or WHOM, options.when or WHEN
    if "isolated" in options.whom and not isolation_is_possible(options.lpad):
        print("skipped: no PID namespaces")
        options.whom = [whom for whom in options.whom if whom != "isolated"]
    ladder = Ladder(options)
    ladder.run()
    return ladder.wrong != 0


sys.exit(main())
