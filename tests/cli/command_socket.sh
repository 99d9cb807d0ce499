# SPDX-License-Identifier: MIT
# The socket of a program, by itself: lines that make no sense, two connections, none, one that is too long, calls left behind.
source "$TESTS/lib.sh"

cat > raw.py <<'END'
import json, os, socket, sys, unittest

path = os.environ["LPAD_SOCKET"]


class Raw:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")

    def say(self, line):
        self.socket.sendall((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")

    def hear(self):
        line = self.lines.readline()
        return json.loads(line) if line else None

    def close(self):
        self.lines.close()
        self.socket.close()


class Lines(unittest.TestCase):
    def setUp(self):
        self.raw = Raw()
        self.assertEqual(self.raw.hear()["is"], "hello")

    def tearDown(self):
        self.raw.close()

    def refused(self, line, text, code="EINVALID", id=None):
        self.raw.say(line)
        answer = self.raw.hear()
        self.assertEqual((answer["is"], answer["code"], answer.get("id")), ("error", code, id), line)
        self.assertIn(text, answer["text"], line)

    def test_nonsense(self):
        self.refused(b"hello", "not JSON")
        self.refused(b"\xff\x00\x01", "not JSON")
        self.refused(b"{", "not JSON")
        self.refused([], '"do"')
        self.refused(3, '"do"')
        self.refused({}, '"do"')
        self.refused({"do": 3, "id": 1}, '"do"', id=1)
        self.refused({"do": "dance", "id": 1}, 'no such "do"', id=1)
        self.refused({"do": "call", "handle": "me", "method": "ask"}, '"id"')
        self.refused({"do": "call", "id": "x", "handle": "me", "method": "ask"}, '"id"', id="x")
        self.refused({"do": "call", "id": 2}, "names", id=2)
        self.refused({"do": "call", "id": 2, "handle": "you", "method": "ask"}, "no such handle", id=2)
        self.refused({"do": "call", "id": 2, "handle": "me", "method": "ask", "place": -7}, "no such place", id=2)
        self.refused({"do": "call", "id": 2, "handle": "me", "method": "ask", "as": "x f33"}, "", id=2)
        self.refused({"do": "publish", "id": 3, "topic": "stdout", "value": 1}, "no such topic", id=3)
        self.refused({"do": "take", "id": 3, "subscription": "x"}, "no such subscription", id=3)
        self.refused({"do": "take", "id": 3, "subscription": "unjoined"}, "no edge", id=3)
        self.refused({"do": "answer", "id": 99, "value": 1}, "no request")
        self.refused({"do": "refuse", "id": 99}, "no request")
        self.refused({"do": "report", "name": "x", "value": "much"}, "a report")
        self.refused({"do": "log"}, "a log")
        self.refused({"do": "stop", "code": 126}, "0 to 125")
        self.raw.say({"do": "report", "name": "fine", "value": 1})

    def test_second_connection(self):
        second = Raw()
        self.assertEqual(second.hear()["code"], "EBUSY")
        self.assertIsNone(second.hear())
        second.close()
        self.refused({}, '"do"')

    def test_too_long(self):
        try:
            self.raw.socket.sendall(b"x" * 8000000)
        except OSError:
            pass
        answer = self.raw.hear()
        self.assertIn("longer than", answer["text"])

    def ask(self):
        self.raw.say({"do": "call", "id": 1, "handle": "me", "method": "ask", "value": {"x": 1}})
        request = self.raw.hear()
        self.assertEqual((request["is"], request["method"], request["value"], request["caller"]),
                         ("request", "ask", {"x": 1}, "raw"))
        return request["id"]

    def test_request(self):
        id = self.ask()
        self.raw.say({"do": "answer", "id": id, "value": [2]})
        self.assertEqual(self.raw.hear(), {"is": "answer", "id": 1, "value": [2]})
        id = self.ask()
        self.raw.say({"do": "refuse", "id": id, "code": "EAGAIN", "text": "later"})
        answer = self.raw.hear()
        self.assertEqual((answer["code"], answer["id"]), ("EAGAIN", 1))
        self.assertIn("later", answer["text"])
        id = self.ask()
        self.raw.say({"do": "answer", "id": id, "value": {}, "as": "x f32[2]"})
        answers = [self.raw.hear(), self.raw.hear()]
        self.assertEqual({answer["is"] for answer in answers}, {"error"})
        self.assertEqual(sorted(str(answer.get("id")) for answer in answers), ["1", "None"])

    def test_left_behind(self):
        self.ask()
        self.raw.close()
        self.raw = Raw()
        self.assertEqual(self.raw.hear()["is"], "hello")
        self.refused({}, '"do"')
        self.raw.say({"do": "take", "id": 4, "subscription": "own"})
        self.raw.close()                # what it would have been given goes to the next
        self.raw = Raw()
        self.raw.hear()
        self.raw.say({"do": "publish", "id": 5, "topic": "out", "value": "kept"})
        self.assertEqual(self.raw.hear(), {"is": "answer", "id": 5})
        self.raw.say({"do": "take", "id": 6, "subscription": "own", "deadline": 60})
        answer = self.raw.hear()
        self.assertEqual([message["value"] for message in answer["messages"]], ["kept"])
        self.raw.say({"do": "take", "id": 7, "subscription": "own", "deadline": 0})
        self.assertEqual(self.raw.hear()["code"], "ETIMEDOUT")


unittest.main()
END
cat > topo.yaml <<'END'
lpad: 1
name: raw
nodes:
  raw:
    command: [python3, raw.py]
    handles: {me: [ask]}
    methods: [ask]
    topics: [out]
    subscriptions: {own: all}
  mirror: {command: [python3, -c, "import lpad; n = lpad.node(); t = n.topic('out')\nfor v in n.subscription('in'): t.publish(v)"], topics: [out], subscriptions: {in: all}}
edges:
  - raw.me -> raw: {max_message: 64KiB}
  - raw.out -> mirror.in: {max_message: 64KiB}
  - mirror.out -> raw.own: {max_message: 64KiB}
END
run_lpad launch
assert_exit 0
assert_contains "$err" "Ran 5 tests"
assert_equal 1 "$(jq '.nodes.raw.metrics.fine.count' "$XDG_STATE_HOME/lpad/runs/latest/result.json")"

# Without lpad, and without its socket.
export PYTHONPATH=$O/python
assert_contains "$(python3 -c 'import lpad; lpad.node()' 2>&1)" 'NotFound: there is no $LPAD_SOCKET'
assert_contains "$(LPAD_SOCKET=/nowhere python3 -c 'import lpad; lpad.node()' 2>&1)" 'IOFailed: cannot connect to lpad at /nowhere'
assert_equal '[{"a":1},2]' "$(printf '{"a": 1}\n2\n' | python3 -c 'import lpad; lpad.write(list(lpad.read()))')"
