# SPDX-License-Identifier: MIT
# Nodes that crash, hang, lie or leave things behind: the right cause, the right code, nothing left.
source "$TESTS/lib.sh"

# victim IMPLEMENTATION [KEY: VALUE...]: one misbehaving node beside one that would stay for ever
victim() {
	local implementation=$1
	shift
	cat > topo.yaml <<-YAML
	lpad: 1
	name: bad
	defaults: {module: $TESTS/nodes/misbehave.c}
	nodes:
	  victim:
	    implementation: $implementation
	$(printf '    %s\n' "$@")
	YAML
}

# server METHOD: an asker that calls it once and prints what came
server() {
	cat > topo.yaml <<-YAML
	lpad: 1
	name: bad
	defaults: {module: $TESTS/nodes/misbehave.c}
	nodes:
	  server: {}
	  asker: {params: {method: $1}}
	edges:
	  - asker.server -> server
	YAML
}

victim crash
run_lpad launch
assert_equal 139 "$code" "a crash is 128 + 11"
assert_contains "$err" "victim failed: signal 11 (segmentation fault)"
assert_contains "$err" "about to crash"

victim init_crash
run_lpad launch
assert_equal 139 "$code" "a crash in init"
assert_contains "$err" "victim failed in init: signal 11 (segmentation fault)"

victim init_hang 'start_within: 1s'
run_lpad launch
assert_equal 125 "$code" "an init that hangs"
assert_contains "$err" "victim failed in init: init has not returned within 1 s (start_within)"

victim hang 'stop_within: 500ms'
run_lpad launch --time-limit 1s
assert_equal 124 "$code" "a run that hangs"
assert_contains "$err" "the time limit of 1 s is reached"

victim fini_hang 'stop_within: 500ms'
run_lpad launch
assert_equal 137 "$code" "a fini that hangs"
assert_contains "$err" "victim has not ended in time (fini): sent TERM"

victim deaf 'stop_within: 500ms'
run_lpad launch --time-limit 1s
assert_equal 124 "$code" "a node that ignores TERM"
assert_contains "$err" "victim has not ended after TERM: killed"

victim close_all
run_lpad launch
assert_equal 1 "$code" "a node that closes its descriptors"
assert_contains "$err" "victim failed"
assert_contains "$err" "control channel"

victim fork_and_crash
run_lpad launch
assert_equal 139 "$code" "a node that leaves children"
run=$(basename "$(readlink -f "$XDG_STATE_HOME/lpad/runs/latest")")
assert_equal "" "$(processes_with "LPAD_NODE=$run/victim/0/1")" "children of the dead node"

victim long_line
run_lpad launch --quiet
assert_equal 0 "$code" "a line of 10 MB"
assert_equal 10000000 "$(tr -cd x < out | wc -c)" "bytes of the line"

victim exit_seven
run_lpad launch
assert_equal 7 "$code" "the node's own code"
assert_contains "$err" "seven it is"

victim call_exit
run_lpad launch --quiet
assert_equal 9 "$code" "exit() in a node"
assert_contains "$err" "lpad: the record is in $(readlink -f "$XDG_STATE_HOME/lpad/runs/latest")"

victim fails
run_lpad launch
assert_equal 1 "$code" "a failure without a code"
assert_contains "$err" "victim failed: the disk of victim is full of sand"

server forget
run_lpad launch --quiet
assert_equal 0 "$code" "the caller hears of it, the server goes on"
assert_contains "$out" "server.forget returned without answering: return lpad_answer(…) or LPAD_LATER"

server refuse
run_lpad launch --quiet
assert_equal "-4 server.refuse: come back on Tuesday" "$out"

server nonsense
run_lpad launch --quiet
assert_contains "$out" "-11 "
assert_contains "$out" "forget, refuse, crash_in_call"

server crash_in_call
run_lpad launch
assert_equal 139 "$code" "the server's signal, not the caller's error"
assert_contains "$err" "server failed: signal 11 (segmentation fault)"

assert_equal "" "$(ls -A "$XDG_RUNTIME_DIR/lpad" 2>/dev/null | grep -v '^\.' || true)" "socket folders left behind"
