# SPDX-License-Identifier: MIT
# The console's `follow`: what happens, to guests that read, and to one that does not; and questions that are none.
source "$TESTS/lib.sh"

cat > node.c <<'C'
#include <lpad/node.h>
#include <stdio.h>

static int steady(lpad_node *node)
{
	lpad_report(node, "loss", 0.5, lpad_incarnation(node));
	return lpad_wait_stop(node, lpad_never());
}

static int flood(lpad_node *node)
{
	for (long i = 0; !lpad_stopping(node); i++)
		printf("%0*ld\n", i < 20000 ? 1000 : 5, i);
	return 0;
}

static int parting(lpad_node *node)
{
	lpad_wait_stop(node, lpad_never());
	puts("goodbye");
	return 0;
}

LPAD_MODULE({ .name = "steady", .run = steady }, { .name = "parting", .run = parting }, { .name = "flood", .run = flood });
C
cat > topo.yaml <<'YAML'
lpad: 1
name: followed
defaults: {module: node.c, implementation: steady}
nodes:
  a: {replicas: 2}
  b: {}
YAML
# ask SOCKET [FILE]: questions, a line each, on stdin; prints what comes, until the end. FILE: reads one answer,
# and nothing more before it has grown by 12 MB.
cat > ask.py <<'PY'
import os, socket, sys, time
guest = socket.socket(socket.AF_UNIX)
guest.connect(sys.argv[1])
guest.sendall(sys.stdin.buffer.read())
if len(sys.argv) > 2:
    sys.stdout.buffer.write(guest.recv(1))
    end = os.path.getsize(sys.argv[2]) + 12e6
    while os.path.getsize(sys.argv[2]) < end:
        time.sleep(0.05)
while piece := guest.recv(1 << 16):
    sys.stdout.buffer.write(piece)
    sys.stdout.flush()
PY
begin() {
	: > events
	: > events                               # not those of the launch before
	"$LPAD" launch --json topo.yaml > events 2> messages &
	pid=$!
	wait_until file_has events '"phase":"run"'
	socket=$(echo "$XDG_RUNTIME_DIR"/lpad/*)/control
}

begin
echo '{"ask": "follow", "events": ["state", "report"], "nodes": ["a/1"], "id": 7}' | python3 ask.py "$socket" > one &
guests=$!
echo '{"ask": "follow"}' | python3 ask.py "$socket" > all &
guests="$guests $!"
printf '%s\n' '{"ask": "follow", "nodes": ["c"]}' '{"ask": "dance", "id": "x"}' '[]' '{"ask": "stop", "code": 300}' '{"ask": "stop", "nodes": []}' \
	'{"ask": "restart"}' '{"ask": "kill", "nodes": ["a"], "signal": 0}' '{"ask": "follow"}' '{"ask": "follow"}' |
	python3 ask.py "$socket" > odd &
guests="$guests $!"
wait_until file_has one following
wait_until file_has all following
wait_until file_has odd follows
run_lpad restart a
assert_exit 0
has_reported() { grep -q '"report"' one && grep -q '"node":"a/0".*"step":2' all; }
wait_until has_reported
run_lpad stop --code 0
assert_exit 0
wait $pid || fail "the launch"
wait $guests
assert_equal '{"schema":1,"following":true,"id":7}' "$(head -n 1 one)"
assert_equal "stopping draining finishing dead waiting starting wiring running stopping draining finishing dead" \
	"$(jq -r 'select(.event == "state").state' one | tr '\n' ' ' | sed 's/ $//')"
assert_equal "a/1" "$(jq -r '.node // empty' one | sort -u)"
assert_equal "stopped 0" "$(tail -n 1 one | jq -r 'select(.event == "result") | "\(.status) \(.exit)"')"
assert_equal "end phase report result spawn state" "$(jq -r '.event // empty' all | sort -u | tr '\n' ' ' | sed 's/ $//')"
assert_equal "2 2" "$(jq -r 'select(.event == "report" and .step == 2).step' all | tr '\n' ' ' | sed 's/ $//')"
assert_equal 8 "$(jq -c 'select(.error)' odd | grep -c .)" "$(cat odd)"
assert_contains "$(cat odd)" '{"error":"this version of lpad does not know the question `dance`","id":"x"}'
assert_contains "$(cat odd)" '"unknown":true'

# One that does not read loses events, and hears how many; the run is not held up by it.
sed -i 's/b: {}/b: {implementation: flood}/' topo.yaml
begin
echo '{"ask": "follow", "events": ["output"]}' | timeout 60 python3 ask.py "$socket" events > slow &
guest=$!
wait_until file_has slow dropped
run_lpad stop --code 0
assert_exit 0
wait $pid || fail "the launch"
wait $guest
assert_equal true "$(jq -s '[.[] | select(.event == "dropped").count] | add > 0' slow)"
assert_equal result "$(tail -n 1 slow | jq -r .event)"

# More guests than there is room for hear so, and do not take it for the end of the run.
sed -i 's/b: {implementation: flood}/b: {}/' topo.yaml
echo '  pair: {implementation: parting, replicas: 2, process: both}' >> topo.yaml
begin
cat > crowd.py <<'PY'
import socket, sys
guests = []
for i in range(64):
    guests.append(socket.socket(socket.AF_UNIX))
    guests[-1].connect(sys.argv[1])
    guests[-1].sendall(b'{"ask": "status", "nodes": ["b"]}\n')
    guests[-1].recv(1)
print("all in", flush=True)
sys.stdin.read()
PY
mkfifo hold
python3 crowd.py "$socket" < hold > crowd &
guests=$!
exec 8> hold
wait_until file_has crowd 'all in'
run_lpad stop
assert_exit 1
assert_contains "$err" "too many commands are connected to this run at once (64)"
exec 8>&-
wait $guests
answers() { "$LPAD" status > out 2>&1; }
wait_until answers

# One that asks and asks, and does not read, is not read either, and loses nothing.
cat > asks.py <<'PY'
import json, select, socket, sys
guest = socket.socket(socket.AF_UNIX)
guest.connect(sys.argv[1])
guest.setblocking(False)
number, sent, held, got = 12000, 0, False, b""
def questions():
    for i in range(number):
        yield json.dumps({"ask": "status", "id": i, "pad": "x" * 1000}).encode() + b"\n"
waiting = b"".join(questions())
while sent < len(waiting) and not held:
    held = not select.select([], [guest], [], 1)[1]
    if not held:
        sent += guest.send(waiting[sent:sent + 65536])
print("held" if held else "all taken")
count = 0
while count < number:
    readable, writable, _ = select.select([guest], [guest] if sent < len(waiting) else [], [])
    if writable:
        sent += guest.send(waiting[sent:sent + 65536])
    if readable:
        piece = guest.recv(1 << 16)
        if not piece:
            break
        count += piece.count(b"\n")
print(count)
PY
assert_equal "held 12000" "$(timeout 200 python3 asks.py "$socket" | xargs)"

# Lines of a process that several share come to who follows one of them.
for node in b pair/1; do
	echo '{"ask": "follow", "events": ["output"], "nodes": ["'$node'"]}' | python3 ask.py "$socket" > "of_${node%/1}" &
	guests="$guests $!"
	wait_until file_has "of_${node%/1}" following
done
run_lpad stop --code 0
assert_exit 0
wait $pid || fail "the launch"
wait $guests
assert_equal "both both" "$(jq -r 'select(.event == "output").node' of_pair | xargs)"
assert_equal "" "$(jq -r 'select(.event == "output").node' of_b)"
