# SPDX-License-Identifier: MIT
"""survival.py [options] LPAD TOPOLOGY: does a run with replay in it survive what may happen to it?

Its nodes are killed with signal 9 in the middle of the work, one after the other, in pairs, and with --random in any order at any
moment; with --whole everything at once, and the run is continued. All along, and at the end, replay says what it holds: the ratio of
samples to inserts must be inside its range at every event, and its last checkpoint must hold no item twice, nor lack one that an
earlier checkpoint had. At the end the run is stopped; with --finish it is continued with another value of a variable, and must end
well by itself.
Runs in a test's folders (tests/run).
"""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time

import leavings

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tools"))
import replay_checkpoint

LIMIT = 120             # seconds for anything that is waited for
PIECE = 20000           # samples that show that it goes on


class Wrong(Exception):
    pass


def until(what, condition, *arguments):
    """The first result that is true."""
    end = time.monotonic() + LIMIT
    while True:
        result = condition(*arguments)
        if result:
            return result
        if time.monotonic() > end:
            raise Wrong(f"waited {LIMIT} s for: {what}")
        time.sleep(0.02)


class Run:
    def __init__(self, options):
        self.options = options
        self.launched = None
        self.held = set()               # what a checkpoint held that could be read: it must be there ever after
        self.deaths = 0
        self.may_end = False
        self.others = leavings.processes().keys()

    # ---- lpad ----

    def ask(self, *words):
        """None: it could not be answered now."""
        done = subprocess.run([self.options.lpad, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def launch(self, *words):
        self.err = open("err", "a")
        self.out = open("out", "a")
        self.launched = subprocess.Popen([self.options.lpad, "launch", *words], stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err)

    def over(self):
        return self.launched.poll() is not None

    def nodes(self):
        status = self.ask("status", "--json")
        return {node["node"]: node for node in status["nodes"]} if status else {}

    # ---- replay ----

    def replay(self):
        """How it says that it is."""
        if self.over() and not self.may_end:
            raise Wrong(f"the run has ended with {self.launched.returncode}")
        said = self.ask("call", "replay.status", "--timeout", "20s")
        for name, table in (said or {"tables": {}})["tables"].items():
            self.check_ratio(name, table)
        return said and said["tables"][self.options.table]

    @staticmethod
    def check_ratio(name, table):
        """The least and the most since the first sample, restarts included."""
        for key in ("error_min", "error_max"):
            if table[key] is not None and not table["min_error"] - 1e-6 <= table[key] <= table["max_error"] + 1e-6:
                raise Wrong(f"table {name}: {key} is {table[key]}, its range is {table['min_error']} to {table['max_error']}")

    def goes_on(self):
        """Samples are drawn; replay may die and forget some meanwhile."""
        first = until("replay's status", lambda: self.replay() or self.over())
        if self.over():
            return
        until("samples", lambda: self.over() or ((self.replay() or first)["samples"] >= first["samples"] + PIECE))

    def is_saved(self, before_ns):
        """There is a newer checkpoint."""
        try:
            return self.over() or os.stat(self.checkpoint()).st_mtime_ns > before_ns
        except FileNotFoundError:
            return False

    def checkpoint(self):
        return f"{leavings.RUNS}/{self.record}/nodes/replay/replay.checkpoint"

    def check_items(self):
        """What the last checkpoint holds."""
        saved = replay_checkpoint.read(self.checkpoint())
        table = next(table for table in saved["tables"] if table["name"] == self.options.table)
        rows = saved["pools"][table["pool"]]
        names = [self.name_of(item["key"], [rows[step]["id"] for step in item["steps"]]) for item in table["items"]]
        distinct = set(names)
        if len(distinct) != len(names):
            raise Wrong(f"of {len(names)} items in the checkpoint only {len(distinct)} are different ones")
        if not table["deletes"] and table["inserts"] != len(names):
            raise Wrong(f"there were {table['inserts']} inserts, and there are {len(names)} items")
        if not table["deletes"] and self.held - distinct:
            raise Wrong(f"{len(self.held - distinct)} of {len(self.held)} items of an earlier checkpoint are not there any more")
        self.held = distinct
        return table

    @staticmethod
    def name_of(key, ids):
        """Of several steps, which follow each other in all parts of the id but the last, it is the last one's."""
        for before, after in zip(ids, ids[1:]):
            if after != before[:-1] + [before[-1] + 1]:
                raise Wrong(f"item {key} has steps {ids}")
        return tuple(ids[-1])

    # ---- deaths ----

    def kill(self, *names):
        nodes = self.nodes()
        before = {name: nodes[name]["restarts"] for name in names if name in nodes}
        for name in before:
            try:
                os.kill(nodes[name]["pid"] or 0x7fffffff, signal.SIGKILL)
                self.deaths += 1
            except ProcessLookupError:          # it is dead already
                pass
        print(f"killed {', '.join(before)}", flush=True)
        return before

    def is_back(self, before):
        nodes = self.nodes()
        return self.over() or all(nodes.get(name, {}).get("state") == "running" and nodes[name]["restarts"] > count
                                  for name, count in before.items())

    def kill_and_see(self, *names):
        if not self.over():
            self.check_items()
            before = self.kill(*names)
            until(f"{', '.join(names)} to come back", self.is_back, before)
            self.goes_on()
            until("a checkpoint", self.is_saved, time.time_ns())

    def kill_at_random(self):
        names = sorted(self.nodes())
        for _ in range(self.options.random):
            time.sleep(self.chance.random() * 0.5)
            if self.over() or not names:
                return
            self.kill(*self.chance.sample(names, self.chance.choice([1, 1, 1, 2, 3])))
        self.goes_on()

    def counted(self):
        """What the node counter has added up, if there is one, once it has saved that."""
        if "counter" not in self.nodes():
            return 0
        steps, now_ns = self.steps_counted(), time.time_ns()
        path = f"{leavings.RUNS}/{self.record}/nodes/counter/counts.safetensors"
        until("the counter to save", lambda: os.stat(path).st_mtime_ns > now_ns)
        return steps

    def steps_counted(self):
        counts = until("the counter", lambda: self.ask("call", "counter.counts") or (self.may_end and self.over()))
        return float("inf") if counts is True else sum(counts["actor_steps"])

    def kill_whole(self, *sets):
        """Both of lpad's own processes at once, so that nobody ends the nodes in order."""
        supervisor, counted = self.ask("status", "--json")["pid"], self.counted()
        os.kill(self.launched.pid, signal.SIGSTOP)
        os.kill(supervisor, signal.SIGKILL)
        os.kill(self.launched.pid, signal.SIGKILL)
        self.launched.wait()
        until("all processes to be gone", lambda: not leavings.processes().keys() - self.others)
        saved = self.check_items()
        print(f"killed everything; the checkpoint has {saved['inserts']} inserts", flush=True)
        self.launch("--continue", self.record, *sets)
        said = until("replay's status", lambda: self.replay() or (self.may_end and self.over()))
        if said is True:                        # that was quick
            said = self.check_items()
        if said["inserts"] < saved["inserts"]:
            raise Wrong(f"it goes on with {said['inserts']} inserts, and had {saved['inserts']}")
        if counted and not self.over() and self.steps_counted() < counted:
            raise Wrong(f"the counter goes on with less than {counted} steps")
        if not self.may_end:
            self.goes_on()
            until("a checkpoint", self.is_saved, time.time_ns())

    # ---- all of it ----

    def go(self):
        self.chance = random.Random(self.options.seed)
        sets = [word for pair in self.options.set for word in ("--set", pair)]
        self.launch(*sets, self.options.topology)
        self.record = until("the run", lambda: (self.ask("status", "--json") or {}).get("run"))
        self.goes_on()
        until("a checkpoint", self.is_saved, 0)
        for names in self.options.kill:
            self.kill_and_see(*names.split(","))
        if self.options.random:
            self.kill_at_random()
        for _ in range(self.options.whole):
            self.kill_whole()
        if self.options.finish:
            self.may_end = True
            self.kill_whole("--set", self.options.finish)
        else:
            subprocess.run([self.options.lpad, "stop", "--code", "0"], stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT)
        self.launched.wait(LIMIT)
        if self.launched.returncode:
            raise Wrong(f"the run has ended with {self.launched.returncode}")
        table = self.check_items()
        restarts = sum(node["restarts"] for node in self.result()["nodes"].values())
        print(f"{self.deaths} were killed, {restarts} restarts in the last launch; {table['inserts']} inserts, {table['samples']} samples")

    def result(self):
        with open(f"{leavings.RUNS}/{self.record}/result.json") as file:
            return json.load(file)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kill", action="append", default=[], help="nodes that die together")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--table", default="sequences")
    parser.add_argument("--finish")
    for name in ("random", "whole", "seed"):
        parser.add_argument("--" + name, type=int, default=0)
    parser.add_argument("lpad")
    parser.add_argument("topology")
    run = Run(parser.parse_args())
    try:
        run.go()
        return 0
    except Wrong as wrong:
        print(f"WRONG {wrong}", flush=True)
        subprocess.run([run.options.lpad, "status"])
        return 1
    finally:
        if run.launched and not run.over():
            run.launched.terminate()
            run.launched.wait()


sys.exit(main())
