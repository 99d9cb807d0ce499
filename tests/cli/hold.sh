# SPDX-License-Identifier: MIT
# lpad launch --hold: a node is made and serves, but its run is not started and not waited for.
source "$TESTS/lib.sh"

record=$XDG_STATE_HOME/lpad/runs/latest
topology() {
	cat > topo.yaml <<-YAML
	lpad: 1
	name: hold
	defaults: {module: $TESTS/nodes/restart.c}
	nodes:
	  server: {implementation: haunted, on_failure: {restart: 5, backoff: 1ms}}
	  a: {implementation: victim, replicas: 2}
	  b: {implementation: victim}
	YAML
}
topology

# The others go their way; the run is complete without it.
run_lpad launch --hold a
assert_exit 0
assert_equal 'b      | b runs as 1' "$out"
run_lpad launch --hold a/1,b
assert_exit 0
assert_equal 'a/0    | a/0 runs as 1' "$out"
run_lpad launch --hold a/1 --hold b --json
assert_exit 0
assert_equal 'a/0' "$(jq -r 'select(.event == "output") | .node' out)"

# All of them: it ends when it is stopped, and serves until then, restarts included.
start_lpad launch --hold a,b
wait_until file_has err 'no node is waited for: the run ends when it is stopped'
assert_equal '{"bytes": "AQAAAAAAAAA="}' "$("$LPAD" call server.who)"
run=$(basename "$(readlink -f "$record")")
kill -KILL $(processes_with "LPAD_NODE=$run/server/0/1")
serves_again() { [ "$("$LPAD" call server.who 2>/dev/null)" = '{"bytes": "AgAAAAAAAAA="}' ]; }
wait_until serves_again
kill -TERM "$lpad_pid"
finish_lpad
assert_exit 143
assert_equal "" "$out"

# A held one that dies is held again.
sed -i 's/  b: .*/  b: {implementation: victim, on_failure: {restart: 5, backoff: 1ms}}/' topo.yaml
start_lpad launch --hold a,b --json
is_there() { [ -n "$(processes_with "$1")" ]; }
wait_until file_has out '"phase":"run"'
run=$(basename "$(readlink -f "$record")")
kill -KILL $(processes_with "LPAD_NODE=$run/b/0/1")
wait_until is_there "LPAD_NODE=$run/b/0/2"
kill -TERM "$lpad_pid"
finish_lpad
assert_exit 143
assert_equal "" "$(jq -r 'select(.event == "output") | .text' out)"

run_lpad launch --hold b --threads -q
assert_exit 0
assert_equal "2" "$(wc -l < out)"

# What cannot be held.
run_lpad launch --hold a,server
assert_exit 125
assert_contains "$err" "--hold server: it has no run: it serves from the start"
run_lpad launch --hold c
assert_exit 125
assert_contains "$err" 'lpad: --hold c: there is no such node'
run_lpad launch --hold sever
assert_contains "$err" 'there is no such node: did you mean server?'
run_lpad launch --hold a/2
assert_exit 125
assert_contains "$err" 'lpad: --hold: there is no replica a/2: a has '
assert_equal "" "$(ls "$XDG_RUNTIME_DIR/lpad")" "socket folders"
