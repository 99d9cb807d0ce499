# SPDX-License-Identifier: MIT
# health: who does not answer has failed; who computes, in init, run or a callback, answers; Ctrl-Z does not count.
source "$TESTS/lib.sh"

topology() {
	cat > topo.yaml <<-YAML
	lpad: 1
	name: health
	defaults: {module: $TESTS/nodes/talked_to.c, health: ${2:-600ms}}
	nodes: {$1}
	YAML
}
begin() {
	: > events                               # not those of the launch before
	"$LPAD" launch --json topo.yaml > events 2> messages &
	pid=$!
	wait_until file_has events "${1:-\"phase\":\"run\"}"
}
ends() {
	local code=0
	wait $pid || code=$?
	assert_equal "$1" $code "exit of the launch"
}
node() { "$LPAD" status --json "$1" | jq -r ".nodes[0] | $2"; }
is_back() { [ "$(node "$1" '"\(.state) \(.restarts)"')" = "running 1" ]; }

# A stopped process: its policy brings it back, others go on without it, two that share it fail together.
topology 'hung: {implementation: steady, on_failure: {restart: 5, backoff: 1ms}}, lost: {implementation: steady, on_failure: ignore},
	pair: {implementation: steady, replicas: 2, process: both, on_failure: {restart: 5, backoff: 1ms}}, off: {implementation: steady, health: off}'
begin
"$LPAD" kill -STOP hung lost pair/0 off
wait_until is_back hung
wait_until is_back pair/1
wait_until file_has messages 'lost failed: did not answer for 600 ms; the run goes on without it'
assert_contains "$(cat messages)" 'hung: did not answer for 600 ms; starting it again in'
assert_contains "$(cat messages)" 'both: did not answer for 600 ms; starting it again in'
assert_equal "run did not answer for 600 ms" "$(node hung '.last_failure | "\(.step) \(.text)"')"
assert_equal "running 0" "$(node off '"\(.state) \(.restarts)"')"
assert_equal "0.6 null" "$("$LPAD" expand --json topo.yaml | jq -r '"\(.nodes[0].health) \(.nodes[-1].health)"')"
"$LPAD" kill -CONT off
run_lpad stop --code 0
assert_exit 0
ends 0

# One that has the launcher's own streams as well.
topology 'hung: {implementation: steady}' 300ms
"$LPAD" launch --foreground hung topo.yaml > out 2> messages &
pid=$!
is_running() { [ "$(node hung .state)" = running ]; }
wait_until is_running
"$LPAD" kill -STOP hung
ends 1
assert_contains "$(cat messages)" 'hung failed: did not answer for 300 ms'

# Computing is not hanging, and a pause of all is none.
topology 'busy: {}'
begin '"text":"run is over"'
run_lpad call busy.busy
assert_exit 0
kill -TSTP $pid
is_stopped() { [ "$(process_state "$1")" = T ]; }
wait_until is_stopped $pid
process=$(node busy .pid)
assert is_stopped "$process"
cpu_since=$SECONDS
passed() { [ $((SECONDS - cpu_since)) -ge 2 ]; }
wait_until passed
kill -CONT $pid
wait_until -t 10 eval '! is_stopped '"$process"
run_lpad call busy.busy
assert_exit 0
assert_equal "running 0 null" "$(node busy '"\(.state) \(.restarts) \(.failure)"')"
run_lpad stop --code 0
ends 0

# It ends the run, unless something else is said: with 1.
topology 'hung: {implementation: steady}' 300ms
begin
"$LPAD" kill -STOP hung
ends 1
assert_contains "$(cat messages)" 'lpad: hung failed: did not answer for 300 ms'
