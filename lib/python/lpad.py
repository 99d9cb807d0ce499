# SPDX-License-Identifier: MIT
"""What a Python program says to the lpad node that it is: see lpad-command(7).

    import lpad

    node = lpad.node()
    sensor = node.handle("sensor")

    @node.method
    def double(value):
        return 2 * value

    for value in node.subscription("value"):
        node.report("value", value)
        if value > 10:
            sensor.call("set_rate", 5.0)

One file, nothing but the standard library. The ports are those that the topology declares of the command. Programs that are
filters need none of it: read() and write() are their standard input and output.
"""

import base64
import collections
import concurrent.futures
import inspect
import json
import math
import os
import queue
import socket
import sys
import threading

__all__ = ["node", "read", "write", "Node", "Message", "Call", "LATER", "Error", "Stopped", "Lost", "TimedOut", "Busy", "Invalid",
           "Again", "Gone", "Deadlock", "Ended", "Cancelled", "NoMethod", "Failed", "TooBig", "NotFound", "Broken", "IOFailed",
           "Unsupported"]

LATER = object()
"""What a method returns that keeps its call, and answers it later."""


# ---- errors: one class for each code of lpad-node(3) ----

class Error(Exception):
    """What went wrong in lpad; `code` is the name of it, "ELOST"."""
    code = "EFAILED"

    def __init__(self, text="", code=None):
        super().__init__(text)
        if code:
            self.code = code


_errors = {}


def _error(name, code, text):
    _errors[code] = type(name, (Error,), {"code": code, "__doc__": text, "__module__": __name__})
    return _errors[code]


Stopped = _error("Stopped", "ESTOPPED", "The program is stopping.")
Lost = _error("Lost", "ELOST", "The server died with the call in flight; it may have been executed.")
TimedOut = _error("TimedOut", "ETIMEDOUT", "The deadline passed.")
Busy = _error("Busy", "EBUSY", "The queue is full.")
Invalid = _error("Invalid", "EINVALID", "Not valid.")
Again = _error("Again", "EAGAIN", "Not now; try again.")
Gone = _error("Gone", "EGONE", "The peer will never come back.")
Deadlock = _error("Deadlock", "EDEADLK", "The callers wait for each other in a circle.")
Ended = _error("Ended", "EENDED", "Every publisher has ended.")
Cancelled = _error("Cancelled", "ECANCELLED", "The call was cancelled.")
NoMethod = _error("NoMethod", "ENOMETHOD", "No such method.")
Failed = _error("Failed", "EFAILED", "Failed.")
TooBig = _error("TooBig", "ETOOBIG", "Larger than max_message.")
NotFound = _error("NotFound", "ENOTFOUND", "Not there.")
Broken = _error("Broken", "EBROKEN", "Damaged or malformed.")
IOFailed = _error("IOFailed", "EIO", "Input or output failed.")
Unsupported = _error("Unsupported", "EUNSUPPORTED", "Not supported by this version.")


def _error_of(line):
    return _errors.get(line.get("code"), Error)(line.get("text", ""), line.get("code"))


# ---- values ----

def _plain(value):
    """What JSON does not know: arrays of numpy and the like are their nested lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError("%s cannot be written as JSON" % type(value).__name__)


def _text(value):
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError) as error:
        raise Invalid(str(error)) from None


def _put_value(line, value, signature):
    if isinstance(value, (bytes, bytearray, memoryview)):
        value, signature = {"bytes": base64.b64encode(value).decode()}, signature or "bytes"
    line["value"] = value
    if signature:
        line["as"] = signature
    return line


def read():
    """The messages that come on standard input, until every publisher has ended."""
    for line in sys.stdin:
        yield json.loads(line)


def write(value):
    """Publishes it on the topic `stdout`."""
    sys.stdout.write(_text(value) + "\n")
    sys.stdout.flush()


Message = collections.namedtuple("Message", "value sender index incarnation")
Message.__doc__ = """A message with its sender: "actor/3", 3, 1."""


# ---- ports ----

class Handle:
    """The servers that one may call, by their places 0, 1, ...; `place` is one's own, or None."""

    def __init__(self, owner, name, servers, methods, place):
        self._node, self.name, self.servers, self.methods = owner, name, servers, methods
        self.place = place if place >= 0 else None

    def __len__(self):
        return len(self.servers)

    def start(self, method, value=None, place=None, deadline=None, signature=None):
        """A call as a concurrent.futures.Future. place None: the next in turn. deadline: seconds; None: the edge's."""
        line = _put_value({"do": "call", "handle": self.name, "method": method}, value, signature)
        if place is not None:
            line["place"] = place
        if deadline is not None:
            line["deadline"] = deadline
        return self._node._ask(line, lambda answer: answer.get("value"))

    def call(self, method, value=None, place=None, deadline=None, signature=None):
        """Calls one of them, and waits for what it answers."""
        return self.start(method, value, place, deadline, signature).result()

    def start_each(self, method, value=None, deadline=None, signature=None):
        """One call to each place: a list of futures."""
        return [self.start(method, value, place, deadline, signature) for place in range(len(self))]

    def call_each(self, method, value=None, deadline=None, signature=None):
        """Calls each place, and waits for all of them: a list of answers. The first failure is raised."""
        futures = self.start_each(method, value, deadline, signature)
        concurrent.futures.wait(futures)
        return [future.result() for future in futures]


class Topic:
    def __init__(self, owner, name):
        self._node, self.name = owner, name

    def publish(self, value, signature=None):
        """Waits as the edge has it: of `keep: all`, while a subscriber is too far behind."""
        line = _put_value({"do": "publish", "topic": self.name}, value, signature)
        self._node._ask(line, lambda answer: None).result()


class Subscription:
    """An iterator over the values of its messages; it ends when every publisher has ended, or the program stops."""

    def __init__(self, owner, name, publishers):
        self._node, self.name, self.publishers = owner, name, publishers

    def take_many(self, most, deadline=None):
        """At least one message, and what else is there, up to `most`; deadline: seconds; None: as long as it takes."""
        line = {"do": "take", "subscription": self.name, "most": most}
        if deadline is not None:
            line["deadline"] = deadline
        answer = self._node._ask(line, lambda answer: answer["messages"]).result()
        return [Message(one["value"], one["sender"], one["index"], one["incarnation"]) for one in answer]

    def take(self, deadline=None):
        """The next message. Raises Ended, Stopped or TimedOut."""
        return self.take_many(1, deadline)[0]

    def messages(self):
        """As iterating over it, but with the senders."""
        while True:
            try:
                message = self.take()
            except (Ended, Stopped):
                return
            yield message

    def __iter__(self):
        return (message.value for message in self.messages())

    def on(self, function):
        """Calls function(value) with each message, on a thread of this subscription. Its failure ends the program."""
        threading.Thread(target=self._node._guard, args=(self._feed, function), daemon=True).start()
        return function

    def _feed(self, function):
        for value in self:
            function(value)


class Call:
    """A call to a method of this node."""

    def __init__(self, owner, line):
        self._node, self._id = owner, line["id"]
        self.method, self.value = line["method"], line["value"]
        self.caller, self.caller_index = line["caller"], line["caller_index"]
        self.caller_incarnation = line["caller_incarnation"]
        self.gone = False       # the caller no longer waits
        self.answered = False

    def _end(self, line):
        with self._node._lock:
            if self.answered:
                raise Invalid("the call of %s to %s was answered already" % (self.caller, self.method))
            self.answered = True
            self._node._calls.pop(self._id, None)
        self._node._send(dict(line, id=self._id))

    def answer(self, value=None, signature=None):
        line = _put_value({"do": "answer"}, value, signature)
        _text(value if "as" not in line else line["value"])     # what is no JSON is the method's failure
        self._end(line)

    def refuse(self, text, code="EFAILED"):
        self._end({"do": "refuse", "code": code, "text": text})


# ---- the node ----

class Node:
    """The connection to lpad. Use node()."""

    def __init__(self, path):
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._asked, self._ids = {}, 0
        self._calls, self._methods, self._waiting = {}, {}, collections.deque()
        self._requests, self._serving, self._complete = queue.SimpleQueue(), False, False
        self._stop, self._stop_functions, self._closed = threading.Event(), [], None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(path)
        except OSError as error:
            raise IOFailed("cannot connect to lpad at %s: %s" % (path, error)) from None
        self._lines = self._socket.makefile("rb")
        self._hello(self._lines.readline())
        threading.Thread(target=self._listen, daemon=True).start()

    def _hello(self, line):
        hello = json.loads(line) if line else {}
        if hello.get("is") == "error":
            raise _error_of(hello)
        if hello.get("is") != "hello":
            raise IOFailed("lpad has closed the connection")
        self.run, self.name, self.group = hello["run"], hello["node"], hello["group"]
        self.index, self.replicas, self.incarnation = hello["index"], hello["replicas"], hello["incarnation"]
        self.seed, self.folder = hello["seed"], hello["folder"]
        self.axes = {axis["name"]: (axis["coordinate"], axis["extent"]) for axis in hello.get("axes", [])}
        self.methods = hello["methods"]
        self.handles = {name: Handle(self, name, one["servers"], one["methods"], one["place"])
                        for name, one in hello["handles"].items()}
        self.topics = {name: Topic(self, name) for name in hello["topics"]}
        self.subscriptions = {name: Subscription(self, name, one["publishers"])
                              for name, one in hello["subscriptions"].items()}
        if hello["stopping"]:
            self._stop.set()

    # -- lines --

    def _send(self, line):
        data = (_text(line) + "\n").encode()
        if os.getpid() != self._process:
            raise Unsupported("the connection to lpad is that of process %d: one that it forked has none" % self._process)
        with self._writing:
            if self._closed:
                raise self._closed
            try:
                self._socket.sendall(data)
            except OSError as error:
                raise IOFailed("lpad does not listen any more: %s" % error) from None

    def _ask(self, line, take):
        future = concurrent.futures.Future()
        future.set_running_or_notify_cancel()
        with self._lock:
            self._ids += 1
            line["id"] = self._ids
            self._asked[self._ids] = (future, take)
        try:
            self._send(line)
        except Error:
            with self._lock:
                self._asked.pop(line["id"], None)
            raise
        return future

    def _listen(self):
        try:
            for line in self._lines:
                self._hear(json.loads(line))
            self._close(Gone("lpad has closed the connection"))
        except (Error, OSError, ValueError) as error:
            self._close(IOFailed("the connection to lpad broke: %s" % error))

    def _close(self, error):
        with self._lock:
            self._closed = error
            asked, self._asked = self._asked, {}
        for future, _ in asked.values():
            future.set_exception(error)
        self._stops()

    def _hear(self, line):
        kind = line.get("is")
        if kind in ("answer", "error") and line.get("id") is not None:
            self._finish(line)
        elif kind == "error":
            print("lpad: %s: %s" % (line.get("code"), line.get("text")), file=sys.stderr, flush=True)
        elif kind == "request":
            self._take_request(Call(self, line))
        elif kind == "gone":
            with self._lock:
                call = self._calls.get(line["id"])
            if call:
                call.gone = True
        elif kind == "stopping":
            self._stops()

    def _finish(self, line):
        with self._lock:
            future, take = self._asked.pop(line["id"], (None, None))
        if future and line["is"] == "error":
            future.set_exception(_error_of(line))
        elif future:
            future.set_result(take(line))

    # -- ports --

    def _port(self, ports, name, what):
        if name not in ports:
            raise Invalid("%s has no %s \"%s\"; it has: %s" % (self.name, what, name, ", ".join(ports) or "none"))
        return ports[name]

    def handle(self, name):
        return self._port(self.handles, name, "handle that an edge begins at,")

    def topic(self, name):
        return self._port(self.topics, name, "topic")

    def subscription(self, name):
        return self._port(self.subscriptions, name, "subscription that an edge leads to,")

    def coordinate(self, axis):
        return self._port(self.axes, axis, "axis")[0]

    def extent(self, axis):
        return self._port(self.axes, axis, "axis")[1]

    # -- methods: one after the other, on one thread --

    def method(self, function, name=None):
        """@node.method: serves the method of the function's name; @node.method_as("name"): another one. It gets the value, and if
        it has a second parameter the Call. What it returns is the answer; what it raises refuses the call."""
        name = name or function.__name__
        if name not in self.methods:
            raise Invalid("the topology declares no method \"%s\" of %s; it declares: %s"
                          % (name, self.name, ", ".join(self.methods) or "none"))
        parameters = inspect.signature(function).parameters.values()
        places = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
        with self._lock:
            self._methods[name] = (function, len(places) > 1)
            waiting, self._waiting = self._waiting, collections.deque()
            begin, self._serving = not self._serving, True
        if begin:
            threading.Thread(target=self._guard, args=(self._serve,), daemon=True).start()
        for call in waiting:
            self._take_request(call)
        return function

    def method_as(self, name):
        return lambda function: self.method(function, name)

    def _take_request(self, call):
        """One of a method that is not there yet waits for it, until the program says that it has none to add."""
        with self._lock:
            self._calls[call._id] = call
            known = call.method in self._methods
            if not known and not self._complete:
                self._waiting.append(call)
                return
        if known:
            self._requests.put(call)
        else:
            call.refuse("%s serves no method \"%s\"" % (self.name, call.method), "ENOMETHOD")

    def _serve(self):
        while True:
            call = self._requests.get()
            try:
                self._serve_one(call)
            except Error as error:
                if self._closed:
                    return
                print("lpad: %s: %s" % (call.method, error), file=sys.stderr, flush=True)

    def _serve_one(self, call):
        function, wants_call = self._methods[call.method]
        try:
            result = function(call.value, call) if wants_call else function(call.value)
            if result is not LATER and not call.answered:
                call.answer(result)
        except Error as error:
            if not call.answered:
                call.refuse(str(error), error.code)
        except Exception as error:      # the caller's business, as of any method
            if not call.answered:
                call.refuse("%s: %s" % (type(error).__name__, error))

    # -- life --

    def report(self, name, value, step=0):
        """A number of a metric."""
        try:
            value, step = float(value), int(step)
        except (TypeError, ValueError, OverflowError) as error:
            raise Invalid("report of %s: %s" % (name, error)) from None
        if not math.isfinite(value):
            value = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        self._send({"do": "report", "name": name, "value": value, "step": step})

    def status(self, name, text=""):
        """How this node is now, a line that `lpad status` shows; the newest of each name counts, and "" takes it away."""
        self._send({"do": "status", "name": str(name), "text": str(text)})

    def log(self, *words):
        """One line of output."""
        self._send({"do": "log", "text": " ".join(str(word) for word in words)})

    def stop(self, code=0, why=""):
        """Ends the whole program with this exit code, 0 to 125; returns at once."""
        if not isinstance(code, int) or not 0 <= code <= 125:
            raise Invalid("the code of a stop is 0 to 125, not %r" % (code,))
        self._send({"do": "stop", "code": int(code), "why": str(why)})

    @property
    def stopping(self):
        return self._stop.is_set()

    def wait_stop(self, timeout=None):
        """Until the program stops, or so many seconds: True if it stops. Methods go on being served. The run waits for a program
        that only serves: it needs `background: true` in the topology, or somebody calls node.stop()."""
        with self._lock:
            self._complete = True
            waiting, self._waiting = self._waiting, collections.deque()
        for call in waiting:
            self._take_request(call)
        return self._stop.wait(timeout)

    def on_stop(self, function):
        """Called once when the program stops, at once if it does already."""
        with self._lock:
            now = self._stop.is_set()
            if not now:
                self._stop_functions.append(function)
        if now:
            function()
        return function

    def _stops(self):
        """The functions have a thread each: they may call, and wait for what the listening one hears. Python waits for them."""
        with self._lock:
            functions, self._stop_functions = self._stop_functions, []
            for function in functions:
                try:
                    threading.Thread(target=self._guard, args=(self._call_at_stop, function), daemon=False).start()
                except RuntimeError:        # the program is ending anyway
                    break
            self._stop.set()

    def _call_at_stop(self, function):
        self._stop.wait()
        function()

    def ready(self):
        """`ready: fd` in the topology: says that this node is ready."""
        fd = os.environ.pop("LPAD_READY_FD", None)
        if fd is not None:
            os.write(int(fd), b"\n")
            os.close(int(fd))

    def _guard(self, function, *arguments):
        try:
            function(*arguments)
        except SystemExit as end:
            if end.code is not None and not isinstance(end.code, int):
                print(end.code, file=sys.stderr)
            self._exit(end.code if isinstance(end.code, int) else 1 if end.code else 0)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            self._exit(1)

    @staticmethod
    def _exit(code):
        """From whatever thread."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                pass
        os._exit(code)


_node = None
_node_lock = threading.Lock()


def node():
    """The node that this program is; the same one each time."""
    global _node
    with _node_lock:
        if _node is None:
            path = os.environ.get("LPAD_SOCKET")
            if not path:
                raise NotFound("there is no $LPAD_SOCKET: this program was not started by lpad")
            _node = Node(path)
        return _node
