# SPDX-License-Identifier: MIT
# Programs as nodes where nobody may wait in vain: callers that give up before a program has connected, lines that are no JSON here,
# handlers that leave, callbacks of the stop that call, one that publishes faster than its subscriber takes.
source "$TESTS/lib.sh"

result=$XDG_STATE_HOME/lpad/runs/latest/result.json

cat > server.py <<'END'
import os, sys, time, lpad

while not os.path.exists("connect"):
    time.sleep(0.01)
node = lpad.node()

@node.method
def ask(value):
    print("asked", value, flush=True)
    return value

@node.method
def big(value):
    return 1 << 64

@node.method
def leave(value):
    print("leaving", end="")
    sys.exit(9)

@node.on_stop
def last_words():
    node.topic("out").publish("last words")
    print("they were published", flush=True)

node.wait_stop()
END
cat > client.py <<'END'
import os, unittest, lpad

node = lpad.node()
server = node.handle("server")


class Calls(unittest.TestCase):
    def fails(self, error, text, function, *arguments, **names):
        with self.assertRaises(error) as caught:
            function(*arguments, **names)
        self.assertIn(text, str(caught.exception))

    def test_a_gone_before_anybody_is_connected(self):
        self.fails(lpad.TimedOut, "", server.call, "ask", "never", place=0, deadline=0.2)
        self.fails(lpad.TimedOut, "", server.call, "ask", "perhaps", place=0, deadline=0.2)     # the cancel of the first is there
        open("connect", "w").close()
        self.assertEqual(server.call("ask", "heard", place=0), "heard")

    def test_b_no_json_for_lpad(self):
        self.fails(lpad.Invalid, "integer", server.call, "ask", 1 << 64)
        self.fails(lpad.Invalid, "not JSON", server.call, "ask", {"id": [7], "do": "\udcff"})
        self.fails(lpad.Failed, "cannot be read", server.call, "big", place=0)
        self.assertEqual(server.call("ask", [], place=0), [])

    def test_b_numbers_beyond_64_bits(self):
        self.assertEqual(node.subscription("numbers").take().value, {"n": float(1 << 64)})

    def test_c_reports_that_json_has_no_number_for(self):
        for value in (1.5, float("nan"), float("inf"), float("-inf")):
            node.report("loss", value)

    def test_d_forked(self):
        pid = os.fork()
        if not pid:
            try:
                server.call("ask", "a child", place=0)
            except lpad.Unsupported:
                os._exit(5)
            os._exit(6)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 5)

    def test_e_handler_that_leaves(self):
        self.fails(lpad.Lost, "", server.call, "leave", place=1)
        while True:                     # until lpad knows that it has failed
            try:
                server.call("ask", 1, place=1)
            except lpad.Gone:
                break
            except lpad.Lost:
                pass


program = unittest.main(exit=False, argv=["client"])
node.stop(0 if program.result.wasSuccessful() else 1, "that was all")
END
cat > topo.yaml <<'END'
lpad: 1
name: odd
nodes:
  server:
    command: [python3, server.py]
    replicas: 2
    methods: [ask, big, leave]
    topics: [out]
    on_failure: ignore
  client: {command: [python3, client.py], handles: {server: [ask, big, leave]}, subscriptions: {numbers: all}}
  last: {command: [cat]}
  numbers: {command: [echo, '{"n": 18446744073709551616}']}
edges:
  - client.server -> server
  - server.out -> last.stdin
  - numbers.stdout -> client.numbers
END
run_lpad launch
assert_exit 0
assert_contains "$err" "Ran 6 tests"
assert_lacks "$out$err" "asked never"
assert_contains "$out$err" "leaving"
assert_contains "$err" "server/1 failed: exit 9"
assert_contains "$out$err" "they were published"
assert_equal "4 -Infinity" "$(jq -r '.nodes.client.metrics.loss | "\(.count) \(.last)"' "$result")"

# One that publishes without waiting for answers is held back, and loses nothing.
cat > flood.py <<'END'
import json, os, select, socket

MESSAGES, SIZE = 5000, 8192
end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
end.connect(os.environ["LPAD_SOCKET"])
end.setblocking(False)
data = b"".join(json.dumps({"do": "publish", "id": n, "topic": "out", "value": "x" * SIZE}).encode() + b"\n" for n in range(MESSAGES))
sent, answers, rest, held = 0, 0, b"", False
while answers < MESSAGES:
    able = select.select([end], [end] if sent < len(data) else [], [], None if held else 2)
    if not able[0] and not able[1]:
        held = True
        print("held back:", sent < 30e6, flush=True)
        open("take", "w").close()
    if able[0]:
        lines = (rest + end.recv(1 << 20)).split(b"\n")
        rest = lines.pop()
        answers += sum(1 for line in lines if b'"answer"' in line)
    if able[1]:
        sent += end.send(data[sent:sent + (1 << 20)])
END
cat > slow.py <<'END'
import os, time, lpad
node = lpad.node()
numbers = node.subscription("in")
while not os.path.exists("take"):
    time.sleep(0.01)
print("taken:", sum(1 for message in numbers.messages()))
END
cat > topo.yaml <<'END'
lpad: 1
name: flood
nodes:
  flood: {command: [python3, flood.py], topics: [out]}
  slow: {command: [python3, slow.py], subscriptions: {in: all}}
edges:
  - flood.out -> slow.in
END
run_lpad launch
assert_exit 0
assert_contains "$out$err" "held back: True"
assert_contains "$out$err" "taken: 5000"
