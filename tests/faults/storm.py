#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""storm.py [options] -- LPAD [launch option...]: launches tests/faults/topo.yaml, kills, stops and resumes its nodes at random
moments, and reads from the ledgers what came of it.

Every choice of this program comes from --seed, as those of the nodes do; the moments at which they fall are the machine's. What is checked:
  - a method that is not idempotent executes no call twice; what succeeded was executed; every call has an end;
  - no call outlives its deadline (by more than --late seconds, while its own process was not stopped);
  - `all` delivers every message between living ends, in order; queues and `latest` never go back; the newest arrives;
  - published = received + dropped + lost, on every edge;
  - the program completes, and leaves no process behind.
Prints figures and the line "storm: N faults, ..."; exit 0 if all holds.
"""
import argparse, collections, glob, json, os, random, selectors, signal, subprocess, sys, time

PLAIN = {"plain", "threaded", "boxed", "kept", "batched", "refused"}
problems = []


def problem(text):
    problems.append(text)


class Storm:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.pids, self.stopped, self.pauses = {}, {}, collections.defaultdict(list)
        self.record, self.running, self.faults = None, False, collections.Counter()

    def launch(self):
        here = os.path.dirname(os.path.abspath(__file__))
        command = self.options.command + ["launch", here, "--json", "--set", f"seed={self.options.seed}",
                                          "--set", f"calls={self.options.calls}", "--set", f"messages={self.options.messages}",
                                          "--set", f"cuts={self.options.cuts}", "--set", f"topic_cuts={self.options.topic_cuts}", "--set", f"forks={self.options.forks}"]
        self.errors = open("storm.err", "w")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.rest = b""

    def take_lines(self):
        data = self.process.stdout.read()
        if data is None:
            return True
        if not data:
            return False
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            event = json.loads(line)
            kind = event["event"]
            if kind == "start":
                self.record = event["record"]
            elif kind == "spawn":
                self.pids[event["node"]] = event["pid"]
            elif kind == "end":
                self.pids.pop(event["node"], None)
                self.stopped.pop(event["node"], None)
            elif kind == "phase":
                self.running = event["phase"] == "run"
        return True

    def send(self, node, number):
        try:
            os.kill(self.pids[node], number)
        except (KeyError, ProcessLookupError):
            return False
        return True

    def resume(self, node):
        due, began = self.stopped.pop(node)
        self.send(node, signal.SIGCONT)
        self.pauses[node].append((began, time.monotonic()))

    def one_fault(self):
        node = self.random.choice(sorted(self.pids))
        if self.random.random() < self.options.kill:
            if self.send(node, signal.SIGKILL):
                self.faults["kill"] += 1
                if node in self.stopped:
                    self.pauses[node].append((self.stopped.pop(node)[1], time.monotonic()))
        elif node not in self.stopped and self.send(node, signal.SIGSTOP):
            self.faults["stop"] += 1
            self.stopped[node] = (time.monotonic() + self.random.uniform(0.001, 0.3), time.monotonic())

    def run(self):
        selector = selectors.DefaultSelector()
        selector.register(self.process.stdout, selectors.EVENT_READ)
        limit, left, next_fault = time.monotonic() + self.options.limit, self.options.faults, 0
        open_end = True
        while open_end:
            now = time.monotonic()
            if now > limit:
                problem(f"it has not ended within {self.options.limit} s")
                self.process.terminate()
                limit = now + 30
            for node in [n for n, (due, _) in self.stopped.items() if now >= due]:
                self.resume(node)
            if self.running and left and self.pids and now >= next_fault:
                self.one_fault()
                left -= 1
                next_fault = now + self.random.expovariate(1 / self.options.every)
            wait = [due for due, _ in self.stopped.values()] + ([next_fault] if left and self.running else [])
            selector.select(max(0.0005, min(wait) - time.monotonic()) if wait else 0.5)
            open_end = self.take_lines()
        self.code = self.process.wait()
        self.errors.close()


def ledgers(record, node, what):
    for path in glob.glob(f"{record}/nodes/{node}/*/{what}.*"):
        replica = path.split("/nodes/")[1].rsplit("/", 1)[0]
        with open(path) as file:
            yield replica, int(path.rsplit(".", 1)[1]), [line.split() for line in file]


def last_incarnations(record, node, what):
    last = {}
    for replica, incarnation, _ in ledgers(record, node, what):
        last[replica] = max(last.get(replica, 0), incarnation)
    return last


def check_calls(storm):
    executed, late, codes, calls = collections.Counter(), 0.0, collections.Counter(), 0
    for _, _, lines in ledgers(storm.record, "server", "executed"):
        for line in lines:
            executed[int(line[1])] += 1
    last = last_incarnations(storm.record, "client", "called")
    for replica, incarnation, lines in ledgers(storm.record, "client", "called"):
        began = {}
        for line in lines:
            if line[0] == "began":
                began[int(line[1])] = (line[2], line[3] == "1", int(line[4]))
            elif line[0] == "ended":
                number, code, took, at = int(line[1]), int(line[2]), int(line[3]), int(line[4])
                method, idempotent, deadline = began.pop(number)
                calls += 1
                codes[code] += 1
                if code == 0 and not executed[number]:
                    problem(f"{replica}.{incarnation}: call {number} of {method} succeeded and was never executed")
                if not idempotent and executed[number] > 1:
                    problem(f"call {number} of {method} was executed {executed[number]} times")
                start, end = (at - took) / 1e6, at / 1e6
                paused = any(b < end and e > start for b, e in storm.pauses[replica])
                if deadline >= 0 and not paused:
                    late = max(late, (took - deadline) / 1e6)
        if incarnation == last[replica]:
            if began:
                problem(f"{replica}.{incarnation}: {len(began)} calls have no end: {list(began.items())[:3]}")
            if lines[-1:] != [["complete"]]:
                problem(f"{replica}.{incarnation} did not complete")
    if late > storm.options.late:
        problem(f"a call outlived its deadline by {late:.3f} s")
    twice = sum(1 for count in executed.values() if count > 1)
    return (f"{calls} calls ended ({', '.join(f'{code}: {count}' for code, count in sorted(codes.items()))}), "
            f"{twice} idempotent ones executed again, latest end {late * 1000:.1f} ms behind its deadline")


def check_topics(storm):
    published, received = {}, 0
    for replica, incarnation, lines in ledgers(storm.record, "source", "published"):
        for line in lines:
            if line[0] == "published":
                published[replica, incarnation, line[1]] = int(line[2])
    sources = last_incarnations(storm.record, "source", "published")
    sinks = last_incarnations(storm.record, "sink", "received")
    for replica, incarnation, lines in ledgers(storm.record, "sink", "received"):
        seen = {}
        for line in lines:
            if line[0] != "received":
                continue
            key, number = (line[2], int(line[3]), line[1]), int(line[4])
            received += 1
            if key in seen and number <= seen[key]:
                problem(f"{replica}.{incarnation}: {key} went from {seen[key]} to {number}")
            if key in seen and key[2] == "every" and number != seen[key] + 1:
                problem(f"{replica}.{incarnation}: {key} lost what is between {seen[key]} and {number}")
            seen[key] = number
        if incarnation != sinks[replica]:
            continue
        for source, last in sources.items():
            for topic in ("every", "newest", "pushed"):
                got = seen.get((source, last, topic), 0)
                if not got and (topic == "every" or ["complete"] in lines):
                    continue            # the sink before it had all; or a source began again when every reader had ended
                if got != published.get((source, last, topic), 0):
                    problem(f"{replica}.{incarnation} has not seen the last of {source}.{last} {topic}: "
                            f"{got} of {published.get((source, last, topic))}")
    return f"{received} messages received of {sum(published.values())} published"


def check_result(storm):
    with open(f"{storm.record}/result.json") as file:
        result = json.load(file)
    if storm.code != 0 or result["status"] != "completed":
        problem(f"exit {storm.code}, status {result['status']}, cause {result.get('cause')}")
    for edge in result["edges"]:
        if "published" in edge and edge["published"] != edge["received"] + edge["dropped"] + edge["lost"]:
            problem(f"{edge['edge']}: published {edge['published']} != received {edge['received']} + dropped "
                    f"{edge['dropped']} + lost {edge['lost']}")
    return f"{sum(node['restarts'] for node in result['nodes'].values())} restarts"


def check_leftovers(storm):
    run = os.path.basename(storm.record)
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as file:
                if f"LPAD_NODE={run}/".encode() in file.read():
                    problem(f"a process is left: {path}")
        except OSError:
            pass


def main():
    parser = argparse.ArgumentParser()
    for name, kind, value in (("seed", int, 1), ("faults", int, 40), ("calls", int, 400), ("messages", int, 400), ("cuts", int, 1000), ("topic-cuts", int, 0),
                              ("forks", int, 500), ("every", float, 0.03), ("kill", float, 0.5), ("late", float, 2.0),
                              ("limit", float, 200)):
        parser.add_argument(f"--{name}", type=kind, default=value)
    parser.add_argument("command", nargs="+")
    storm = Storm(parser.parse_args())
    storm.launch()
    storm.run()
    if not storm.record or not os.path.exists(f"{storm.record}/result.json"):
        print(open("storm.err").read(), file=sys.stderr)
        print("storm: there is no result")
        return 1
    lines = [check_calls(storm), check_topics(storm), check_result(storm)]
    check_leftovers(storm)
    for line in lines:
        print(line)
    for text in problems[:30]:
        print("WRONG", text)
    print(f"storm: seed {storm.options.seed}, {sum(storm.faults.values())} faults ({dict(storm.faults)}), {len(problems)} problems")
    return 1 if problems else 0


sys.exit(main())
