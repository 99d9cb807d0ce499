# SPDX-License-Identifier: MIT
"""soak.py [--launches N] [--nodes N] [--restarts N] [--seed N] LPAD NODES: what grows, if lpad is used for long?

First many launches in a row, of nodes that fail at random under a random policy; then one run whose nodes are started again very
often. Descriptors, memory and threads of the supervisor are looked at all along: they must be as at the beginning, and nothing may
be left behind. NODES is the folder of restart.c. Runs in a test's folders (tests/run).
"""
import argparse
import collections
import json
import os
import random
import shutil
import subprocess
import sys
import time

import leavings

LIMIT = 120
Look = collections.namedtuple("Look", "descriptors memory threads")
POLICIES = ["stop", "ignore", "{restart: 3, within: 1m, backoff: 1ms..5ms}", "{restart: 1, within: 1m, backoff: 1ms..1ms, then: ignore}"]


def supervisor_of(launch):
    with open(f"/proc/{launch.pid}/task/{launch.pid}/children") as file:
        found = file.read().split()
    return found[0] if found else None


def look_at(pid):
    """Of a process; None: it has ended."""
    try:
        with open(f"/proc/{pid}/status") as file:
            status = dict(line.split(":", 1) for line in file)
        return Look(len(os.listdir(f"/proc/{pid}/fd")), int(status["VmRSS"].split()[0]), int(status["Threads"]))
    except (OSError, KeyError):
        return None


class Soak:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.wrong = 0

    def complain(self, text):
        self.wrong += 1
        print(f"WRONG {text}", flush=True)

    def launch(self, topology):
        with open("topo.yaml", "w") as file:
            file.write(topology)
        return subprocess.Popen([self.options.lpad, "launch", "--output", "files"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=open("err", "w"))

    def watch(self, launch):
        """What the supervisor was like, all along."""
        looks, end = [], time.monotonic() + LIMIT
        while launch.poll() is None:
            pid = supervisor_of(launch)
            look = look_at(pid) if pid else None
            if look:
                looks.append(look)
            if time.monotonic() > end:
                self.complain(f"it has not ended within {LIMIT} s")
                launch.terminate()
                end += LIMIT
            time.sleep(0.01)
        return looks

    # ---- many launches ----

    def some_nodes(self):
        lines = [f"lpad: 1\nname: soak\ndefaults: {{module: {self.options.module}, implementation: failing}}\nnodes:"]
        groups = 5
        for i in range(groups):
            fails = self.random.random() < 0.4
            times = self.random.choice([1, 2, 1000]) if fails else 0
            lines.append(f"  group{i}: {{replicas: {self.options.nodes // groups}, params: {{code: {self.random.randrange(1, 100)}, "
                         f"times: {times}}}, on_failure: {self.random.choice(POLICIES)}}}")
        return "\n".join(lines) + "\n"

    def launches(self):
        before, codes, most = None, collections.Counter(), []
        for number in range(self.options.launches):
            launch = self.launch(self.some_nodes())
            looks = self.watch(launch)
            codes[0 if launch.returncode == 0 else "the node's own" if 1 <= launch.returncode < 100 else launch.returncode] += 1
            with open(f"{leavings.RUNS}/latest/result.json") as file:
                if json.load(file)["exit"] != launch.returncode or not 0 <= launch.returncode < 100:
                    self.complain(f"launch {number} ended with {launch.returncode}")
            if looks:
                most.append(Look(*(max(look[i] for look in looks) for i in range(3))))
            if before:
                for text in leavings.since(before):
                    self.complain(f"after launch {number}: {text}")
            before = leavings.look()
            shutil.rmtree(os.path.realpath(f"{leavings.RUNS}/latest"))
        self.report(f"{self.options.launches} launches of {self.options.nodes} nodes ({dict(codes)}), the most of each", most, 2.0)

    # ---- one run ----

    def restarts(self):
        nodes = 4
        launch = self.launch(f"lpad: 1\nname: again\nnodes:\n  again:\n    module: {self.options.module}\n    implementation: failing\n"
                             f"    replicas: {nodes}\n    params: {{code: 1, times: {self.options.restarts // nodes}}}\n"
                             f"    on_failure: {{restart: 1000000, within: 1s, backoff: 1ms..2ms}}\n")
        looks = self.watch(launch)
        with open(f"{leavings.RUNS}/latest/result.json") as file:
            result = json.load(file)
        restarts = sum(node["restarts"] for node in result["nodes"].values())
        if launch.returncode or restarts != self.options.restarts // nodes * nodes:
            self.complain(f"exit {launch.returncode} after {restarts} restarts")
        self.report(f"one run with {restarts} restarts, looked at {len(looks)} times", looks[len(looks) // 10:], 1.5)

    def report(self, what, looks, memory):
        """The last quarter beside the first; memory may have grown so much."""
        print(what)
        quarter = max(len(looks) // 4, 1)
        for i, name in enumerate(Look._fields):
            first, last = (sorted(look[i] for look in part)[len(part) // 2] for part in (looks[:quarter], looks[-quarter:]))
            print(f"  {name}: {first} in the first quarter, {last} in the last, {max(look[i] for look in looks)} at most")
            if last > first * memory + 8:
                self.complain(f"{name} have grown from {first} to {last}")

    def run(self):
        subprocess.run([self.options.lpad, "describe", self.options.module], capture_output=True)
        self.launches()
        self.restarts()
        print(f"soak: seed {self.options.seed}, {self.wrong} wrong")


def main():
    parser = argparse.ArgumentParser()
    for name, value in (("launches", 200), ("nodes", 50), ("restarts", 2000), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("lpad")
    parser.add_argument("nodes_folder")
    options = parser.parse_args()
    options.module = f"{options.nodes_folder}/restart.c"
    soak = Soak(options)
    soak.run()
    return soak.wrong != 0


sys.exit(main())
