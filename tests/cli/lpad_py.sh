# SPDX-License-Identifier: MIT
# lpad.py: handles, methods, topics, subscriptions, reports, the stop, readiness, between programs and from outside.
source "$TESTS/lib.sh"

record=$XDG_STATE_HOME/lpad/runs/latest
result=$record/result.json

listens() { test -S "$XDG_RUNTIME_DIR"/lpad/*/0.1.program; }

cat > server.py <<'END'
import os, threading, lpad

node = lpad.node()
late = []

@node.method
def double(value):
    return 2 * value

@node.method
def who(value, call):
    return [node.name, call.caller, call.caller_index, call.caller_incarnation, call.method, value]

@node.method
def boom(value):
    raise ValueError("boom of %s" % value)

@node.method
def busy(value):
    raise lpad.Busy("come back")

@node.method
def nothing(value):
    pass

@node.method
def no_json(value):
    return float("nan")

@node.method
def slow(value, call):
    late.append(call)
    return lpad.LATER

@node.method_as("is-gone")
def is_gone(value):
    return [call.gone for call in late]

@node.method
def release(value):
    threading.Thread(target=lambda: [call.answer("at last") for call in late if not call.answered]).start()

@node.method
def die(value):
    os._exit(3)

node.on_stop(lambda: node.log("server", node.index, "stops"))
node.wait_stop()
END
cat > client.py <<'END'
import sys, unittest, lpad

node = lpad.node()
server = node.handle("server")


class Calls(unittest.TestCase):
    def fails(self, error, text, function, *arguments, **names):
        with self.assertRaises(error) as caught:
            function(*arguments, **names)
        self.assertIn(text, str(caught.exception))
        self.assertEqual(caught.exception.code, error.code)

    def test_identity(self):
        self.assertEqual((node.name, node.group, node.index, node.replicas, node.incarnation, node.seed),
                         ("client", "client", 0, 1, 1, 4))
        self.assertEqual((len(server), server.servers, server.place), (2, ["server/0", "server/1"], None))
        self.assertIn("double", server.methods)
        self.assertIs(lpad.node(), node)

    def test_places(self):
        self.assertEqual(server.call("who", {"a": [1, None]}, place=1), ["server/1", "client", 0, 1, "who", {"a": [1, None]}])
        self.assertEqual({server.call("who")[0] for _ in range(4)}, {"server/0", "server/1"})
        self.assertEqual(server.call_each("double", 2.5), [5.0, 5.0])
        futures = [server.start("double", n) for n in range(100)]
        self.assertEqual([future.result() for future in futures], [2 * n for n in range(100)])
        self.assertIsNone(server.call("nothing", 1))

    def test_failures(self):
        self.fails(lpad.Failed, "ValueError: boom of 3", server.call, "boom", 3)
        self.fails(lpad.Busy, "come back", server.call, "busy")
        self.fails(lpad.Invalid, "", server.call, "no_json")
        self.fails(lpad.NoMethod, "nope", server.call, "nope")
        self.fails(lpad.NoMethod, "unserved", server.call, "unserved")
        self.fails(lpad.Invalid, "no such place", server.call, "double", 1, place=2)
        self.fails(lpad.Invalid, "it has: server", node.handle, "nobody")
        self.fails(lpad.Invalid, "NaN" if sys.version_info >= (3, 12) else "", server.call, "double", float("nan"))
        self.fails(lpad.TooBig, "max_message", server.call, "double", "x" * 2000000)
        self.fails(lpad.Invalid, "declares no method", node.method, lambda value: 1)

    def test_later(self):
        self.fails(lpad.TimedOut, "", server.call, "slow", place=0, deadline=0.05)
        while server.call("is-gone", place=0) != [True]:
            pass
        future = server.start("slow", place=0)
        server.call("release", place=0)
        self.assertEqual(future.result(), "at last")

    def test_other_messages(self):
        self.assertEqual(server.call("who", b"\0\1\2")[5], {"bytes": "AAEC"})
        self.assertEqual(server.call("who", {"x": [1, 0.5]}, signature="x f32[2]")[5], {"x": [1, 0.5]})
        self.fails(lpad.Invalid, "x", server.call, "who", {"x": [1]}, signature="x f32[2]")

    def test_topics(self):
        out, back = node.topic("out"), node.subscription("back")
        self.fails(lpad.TimedOut, "", back.take, 0.01)
        for n in range(300):
            out.publish({"n": n})
        first = back.take()
        self.assertEqual((first.value, first.sender, first.index, first.incarnation), ({"n": 0}, "echo", 0, 1))
        got = []
        while len(got) < 299:
            got += back.take_many(50)
        self.assertEqual([message.value["n"] for message in got], list(range(1, 300)))
        self.fails(lpad.Invalid, "it has: out", node.topic, "in")


program = unittest.main(exit=False, argv=["client"])
if not program.result.wasSuccessful():
    sys.exit(1)
try:
    server.call("die", place=1)
except (lpad.Lost, lpad.Gone) as lost:
    node.log("lost:", lost.code)
while True:                             # until lpad knows that it will not come back
    try:
        server.call("double", 1, place=1)
    except lpad.Gone:
        break
    except lpad.Lost:
        pass
node.report("tests", program.result.testsRun, 7)
node.stop(7, "that was all")
END
cat > echo.py <<'END'
import lpad
node = lpad.node()
back = node.topic("back")
done = []
@node.subscription("in").on
def echo(value):
    back.publish(value)
    done.append(value)
node.wait_stop()
node.log("echoed", len(done))
END
cat > topo.yaml <<'END'
lpad: 1
name: python
nodes:
  server:
    command: [python3, server.py]
    replicas: 2
    methods: [double, who, boom, busy, nothing, no_json, slow, is-gone, release, die, unserved]
    on_failure: ignore
  client:
    command: [python3, client.py]
    handles: {server: [double, who]}
    topics: [out]
    subscriptions: {back: all}
  echo: {command: [python3, echo.py], topics: {back: {}}, subscriptions: {in: 1000}}
edges:
  - client.server -> server: {max_message: 1MiB}
  - client.out -> echo.in: {max_message: 1MiB}
  - echo.back -> client.back: {max_message: 1MiB}
END
sed -i 's/topics: {back: {}}/topics: [back]/' topo.yaml
run_lpad check
assert_exit 0
run_lpad launch --set seed=4
assert_exit 7
assert_contains "$err" "Ran 6 tests"
assert_contains "$err" "client stops the run with 7: that was all"
assert_contains "$err" "server/1 failed: exit 3; the run goes on without it"
assert_contains "$err" "lost: ELOST"
assert_contains "$err" "server/0 | server 0 stops"
assert_contains "$err" "echo     | echoed 300"
assert_equal "6 7" "$(jq -r '.nodes.client.metrics.tests | "\(.last) \(.step)"' "$result")"
assert_equal "300 300" "$(jq -r '.edges[1, 2] | .received' "$result" | paste -sd' ')"

# From outside; calls wait for a program that has not connected yet; who is called when its program has ended hears so.
cat > late.py <<'END'
import os, sys, time
while not os.path.exists("go"):
    time.sleep(0.02)
import lpad
node = lpad.node()
@node.method
def ask(value):
    return value + 1
while not os.path.exists("end"):
    time.sleep(0.02)
END
cat > topo.yaml <<'END'
lpad: 1
name: late
nodes:
  late: {command: [python3, late.py], methods: [ask]}
  stay: {command: "echo runs; exec sleep 1000"}
END
start_lpad launch
wait_until file_has out runs
assert listens
assert_equal "srw-------" "$(stat -c %A "$XDG_RUNTIME_DIR"/lpad/*/0.1.program)"
"$LPAD" call late.ask 4 > answer &
call_pid=$!
touch go
wait $call_pid
assert_equal 5 "$(cat answer)"
touch end
says_ended() { ! "$LPAD" call late.ask 4 > answer 2>&1 && file_has answer 'its program has ended'; }
wait_until says_ended
kill -TERM $lpad_pid
finish_lpad
assert_exit 143
assert_equal "" "$(ls "$XDG_RUNTIME_DIR/lpad")" "sockets that are left"

# ready: fd. The others begin when it has said so; not in time, never, and dead before it.
cat > ready.py <<'END'
import os, sys, time, lpad
node = lpad.node()
while not os.path.exists("now"):
    time.sleep(0.02)
node.ready()
print("ready said", flush=True)
node.wait_stop()
END
topology() { printf 'lpad: 1\nname: ready\nnodes:\n  slow: {command: %s, ready: fd%s}\n  other: {command: [touch, began]}\n' "$1" "${2:-}" > topo.yaml; }
topology '[python3, ready.py]' ', background: true'
start_lpad launch
wait_until listens
assert test ! -e began
touch now
finish_lpad
assert_exit 0
assert test -e began
assert_contains "$out" "ready said"
topology '"printf x >&$$LPAD_READY_FD; exec sleep 0.05"'
run_lpad launch
assert_exit 0
topology '[sleep, "1000"]' ', start_within: 200ms'
run_lpad launch
assert_exit 125
assert_contains "$err" "slow failed"
assert_contains "$err" "200 ms (start_within)"
topology '"exec 3>&-; exec sleep 1000"'
run_lpad launch
assert_contains "$err" 'it closed $LPAD_READY_FD before it had written to it'
topology '"exit 5"'
run_lpad launch
assert_exit 5
topology '"exit 0"'
run_lpad launch
assert_contains "$err" 'slow failed in init: it ended before it was ready'
printf 'lpad: 1\nname: ready\nnodes:\n  a: {module: a.c, ready: fd}\n  b: {command: [cat], ready: soon}\n' > topo.yaml
run_lpad check
assert_contains "$out" '`ready` is for commands'
assert_contains "$out" '`ready` is one of start, fd, not "soon"'
