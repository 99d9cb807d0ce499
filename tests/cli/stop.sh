# SPDX-License-Identifier: MIT
# lpad stop: a run, with its exit codes, and nodes of one, which is no failure; in every state and race.
source "$TESTS/lib.sh"

topology() {
	cat > topo.yaml <<-YAML
	lpad: 1
	name: stopped
	defaults: {module: $TESTS/nodes/talked_to.c}
	nodes: {$1}
	edges: [${2:-}]
	YAML
}
begin() {
	: > events                               # not those of the launch before
	"$LPAD" launch --json topo.yaml > events 2> messages &
	pid=$!
	wait_until file_has events "${1:-\"phase\":\"run\"}"
}
# ends CODE: the launch, and nothing is left of its sockets.
ends() {
	local code=0
	wait $pid || code=$?
	assert_equal "$1" $code "exit of the launch"
	assert_equal "" "$(ls "$XDG_RUNTIME_DIR/lpad")" "socket folders"
}
stops() {
	local expected=$1
	shift
	run_lpad stop "$@"
	assert_exit "$expected"
}
result() { jq -r "$1" "$XDG_STATE_HOME/lpad/runs/latest/result.json"; }
state() { "$LPAD" status --json "$1" | jq -r '.nodes[0].state'; }

stops 3
assert_contains "$err" "lpad stop: no run is under way"
stops 2 --code 126
stops 2 --code x
stops 2 --why because actor

# The run: 143, or the code that is given.
topology 'a: {implementation: steady}'
begin
stops 0 --why "it is late"
assert_contains "$err" "run stopped-1 has ended: stopped, exit 143"
ends 143
assert_contains "$(cat messages)" "lpad: stopped by lpad stop: it is late"
assert_equal 'stopped lpad stop 143 it is late' "$(result '"\(.status) \(.cause.what) \(.cause.code) \(.cause.why)"')"
for wanted in 0 7; do
	begin
	stops 0 --code $wanted --json
	assert_equal $wanted "$(jq .exit out)"
	ends $wanted
	assert_equal stopped "$(result .status)"
done

# Nodes of it: no failure, peers learn that they are gone, the policy does not act, and the rest completes.
topology 'server: {on_failure: restart}, asker: {background: true}, last: {implementation: steady, replicas: 2}, pair: {implementation: steady,
	replicas: 2, process: both, background: true}' 'asker.server -> server, server.beat -> asker.beat'
begin '"text":"who 1"'
stops 0 server
assert_contains "$err" "lpad stop: server is down"
wait_until file_has events '"text":"who -7"'
wait_until file_has events '"text":"take -9"'
assert_contains "$(jq -r 'select(.event == "output").text' events)" "fini of 1"
stops 0 --json pair/1
assert_equal '["pair/0","pair/1"]' "$(jq -c .nodes out)"
assert_equal "stopped stopped" "$(state server) $(state pair/0)"
stops 0 server
stops 3 lost
assert_contains "$err" 'did you mean last?'
stops 0 last
ends 0
assert_equal "completed true true null 0" "$(result '[.status, .nodes.server.stopped, .nodes["last/1"].stopped, .nodes.server.failure,
	.nodes.server.restarts] | map(tostring) | join(" ")')"

# One that does not hear is killed, one that crashes says so; neither decides how the run ends.
topology 'deaf: {stop_within: 200ms}, crash: {implementation: crash_at_stop, on_failure: restart}, other: {implementation: steady}'
begin '"text":"deaf"'
stops 1 crash
assert_contains "$err" "crash failed: signal 6"
stops 0 --timeout 30s deaf
assert_contains "$err" "lpad stop: deaf did not end in time, and had to be killed"
assert_equal stopped "$(state deaf)"
stops 0 other
ends 0
assert_equal "completed true 0" "$(result '"\(.status) \(.nodes.deaf.killed) \(.nodes.crash.restarts)"')"

# Told to stop twice while it does not end; the second waits too. Then the run is killed.
topology 'deaf: {stop_within: 1h}'
begin '"text":"deaf"'
stops 124 --timeout 100ms deaf
assert_equal stopping "$(state deaf)"
stops 124 --timeout 3s deaf
assert_contains "$err" "lpad stop: waiting for deaf (stopping, in run)"
run_lpad restart deaf
assert_exit 1
assert_contains "$err" "deaf is just being stopped"
stops 124 --timeout 100ms
stops 124 --timeout 100ms
assert_contains "$err" "is stopping already"
stops 1 deaf
assert_contains "$err" "the run is stopping"
run_lpad kill
assert_exit 0
ends 143

# One that waits for its backoff.
topology 'weak: {implementation: steady, on_failure: {restart: 5, backoff: 1h}}, other: {implementation: steady}'
begin
run_lpad kill weak -KILL
assert_exit 0
is_waiting() { [ "$(state weak)" = waiting ]; }
wait_until is_waiting
stops 0 weak
assert_equal stopped "$(state weak)"
stops 0 --code 0
ends 0

# Who is stopping has as much time after a pause as before it.
topology 'late: {implementation: late_at_stop, stop_within: 4s}, other: {implementation: steady}'
begin
"$LPAD" stop late 2> stop.err &
stopper=$!
is_stopping() { [ "$(state "$1")" = stopping ]; }
wait_until is_stopping late
kill -TSTP $pid
is_stopped() { [ "$(process_state "$1")" = T ]; }
wait_until is_stopped $pid
since=$SECONDS
passed() { [ $((SECONDS - since)) -ge 5 ]; }
wait_until passed
touch release
kill -CONT $pid
wait $stopper || fail "stop of one that was paused"
assert_equal "lpad stop: late is down" "$(grep -v waiting stop.err)"
stops 0 --code 0
ends 0
assert_equal null "$(result .nodes.late.killed)"

# Its supervisor is killed meanwhile: the end is that of the guardian.
topology 'deaf: {stop_within: 1h}'
begin '"text":"deaf"'
supervisor=$("$LPAD" status --json | jq .pid)
"$LPAD" stop 2> stop.err &
stopper=$!
wait_until is_stopping deaf
kill -STOP $pid
kill -KILL "$supervisor"
wait_until process_gone "$supervisor"
kill -CONT $pid
wait $stopper || fail "stop of one that was killed"
assert_contains "$(cat stop.err)" "has ended: killed, exit 137"
run_lpad status
assert_contains "$out" "deaf "
run_lpad status deaf
assert_exit 0
ends 137
