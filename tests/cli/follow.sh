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

LPAD_MODULE({ .name = "steady", .run = steady }, { .name = "flood", .run = flood });
C
cat > topo.yaml <<'YAML'
lpad: 1
name: followed
defaults: {module: node.c, implementation: steady}
nodes:
  a: {replicas: 2}
  b: {}
YAML
# ask SOCKET [FILE]: questions, a line each, on stdin; prints what comes, until the end. FILE: reads nothing before it has 30 MB.
cat > ask.py <<'PY'
import os, socket, sys, time
guest = socket.socket(socket.AF_UNIX)
guest.connect(sys.argv[1])
guest.sendall(sys.stdin.buffer.read())
while len(sys.argv) > 2 and os.path.getsize(sys.argv[2]) < 30e6:
    time.sleep(0.05)
while piece := guest.recv(1 << 16):
    sys.stdout.buffer.write(piece)
    sys.stdout.flush()
PY
begin() {
	: > events
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
