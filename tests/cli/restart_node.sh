# SPDX-License-Identifier: MIT
# lpad restart: running ones end orderly and come back, those that were down are started, neighbours talk to them again.
source "$TESTS/lib.sh"

cat > topo.yaml <<YAML
lpad: 1
name: again
defaults: {module: $TESTS/nodes/talked_to.c}
nodes:
  server: {}
  asker: {}
  once: {}
  pair: {implementation: steady, replicas: 2, process: both}
  lost: {implementation: steady, on_failure: ignore}
  slow: {implementation: steady, on_failure: {restart: 5, backoff: 1h}}
  fails: {implementation: fail_again, on_failure: ignore}
  deaf: {stop_within: 200ms, background: true}
edges:
  - asker.server -> server
  - server.beat -> asker.beat
YAML
export LPAD_RUN=again-1
"$LPAD" launch --json topo.yaml > events 2> messages &
pid=$!
wait_until file_has events '"text":"who 1"'
wait_until file_has events '"text":"deaf"'
restarts() {
	local expected=$1
	shift
	run_lpad restart "$@"
	assert_exit "$expected"
}
node() { "$LPAD" status --json "$1" | jq -r ".nodes[0] | $2"; }
is_in() { [ "$(node "$1" .state)" = "$2" ]; }

restarts 2
restarts 3 servr
restarts 0 server
assert_contains "$err" "lpad restart: server runs again"
wait_until file_has events '"text":"who 2"'
assert_contains "$(jq -r 'select(.event == "output").text' events)" "fini of 1"
assert_equal "running 2 1 null" "$(node server '"\(.state) \(.incarnation) \(.restarts) \(.last_failure)"')"

# Gone, and back: whoever had been told that it will not come back talks to it again.
run_lpad stop server
wait_until file_has events '"text":"who -7"'
restarts 0 server
wait_until file_has events '"text":"who 3"'
taken() { [ "$(jq -r 'select(.node == "asker" and .event == "output").text' events | grep take | tail -n 1)" = "take 0" ]; }
wait_until taken

# The one who asks, with what it subscribes to; one of two that share a process; one that had ended; one whose failure was final;
# one in its backoff; one that does not hear.
restarts 0 asker
asked_again() { [ "$(grep -c '"text":"who 3"' events)" = 2 ]; }
wait_until asked_again
restarts 0 --json pair/0
assert_equal '["pair/0","pair/1"]' "$(jq -c .nodes out)"
restarts 0 once
assert_equal 2 "$(node once .incarnation)"
run_lpad kill lost -9
wait_until is_in lost dead
restarts 0 lost
assert_equal "running 9" "$(node lost '"\(.state) \(.last_failure.signal)"')"
run_lpad kill slow -9
wait_until is_in slow waiting
restarts 0 --timeout 60s slow
assert_equal "running 2" "$(node slow '"\(.state) \(.incarnation)"')"
restarts 0 deaf
assert_equal "running 2 null" "$(node deaf '"\(.state) \(.incarnation) \(.last_failure)"')"

# One that fails when it is started again: the answer says why.
restarts 1 fails
assert_contains "$err" "lpad restart: fails failed in init: not twice"

# Those that are down are no reason to end: this run has only one node that it waits for.
cat > one.yaml <<YAML
lpad: 1
name: one
nodes:
  only: {module: $TESTS/nodes/talked_to.c, implementation: steady}
YAML
"$LPAD" launch --json one.yaml > one.events 2> /dev/null &
one=$!
wait_until file_has one.events '"phase":"run"'
restarts 0 -r one-1 only
run_lpad stop -r one-1 --code 0
wait $one || fail "the run with one node"
assert_equal 1 "$(jq .nodes.only.restarts "$XDG_STATE_HOME/lpad/runs/one-1/result.json")"

# Many at once; then the run ends as it should: nobody was lost, and nothing counts as a failure.
restarts 0 server pair lost
run_lpad stop deaf
assert_exit 0
run_lpad stop --code 0
code=0
wait $pid || code=$?
assert_equal 0 $code
assert_equal "stopped 3 2" "$(jq -r '"\(.status) \(.nodes.server.restarts) \(.nodes["pair/0"].restarts)"' "$XDG_STATE_HOME/lpad/runs/again-1/result.json")"
assert_equal "" "$(ls "$XDG_RUNTIME_DIR/lpad")" "socket folders"
