# SPDX-License-Identifier: MIT
# Nodes that share a process: what it is called, whose failure it is, and its restart.
source "$TESTS/lib.sh"

record=$XDG_STATE_HOME/lpad/runs/latest
run_id() { sed -n 's/^lpad: run \([^,]*\),.*/\1/p' err; }
result() { jq -r "$1" "$record/result.json"; }
topology() {
	cat > topo.yaml <<-YAML
	lpad: 1
	name: shared
	defaults: {module: $TESTS/nodes/restart.c}
	nodes: {$1}
	edges: [${2:-}]
	YAML
}
node_pid() {
	processes_with "LPAD_NODE=$(run_id)/$1" | while read -r pid; do
		[[ "$(tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null)" == "lpad node "* ]] && echo "$pid"
	done
}

# Packed: two and one.
topology 'a: {implementation: victim, replicas: 3, per_process: 2}'
run_lpad launch --json
assert_exit 0
assert_equal "a/0-1 a/0-1 a/2" "$(jq -r 'select(.event == "spawn") | .process' out | paste -sd' ')"
assert_equal "a/0 a/1 a/2" "$(jq -r 'select(.event == "spawn") | .node' out | paste -sd' ')"
assert_equal true "$(result '.nodes["a/0"].pid == .nodes["a/1"].pid and .nodes["a/0"].pid != .nodes["a/2"].pid')"
assert_equal "a/0-1 null" "$(result '"\(.nodes["a/1"].process) \(.nodes["a/2"].process)"')"
assert_contains "$(cat "$record/logs/a/0-1.log")" 'a/1 runs as 1'
assert_equal 'a/2 runs as 1' "$(cat "$record/logs/a/2.log")"
assert test -d "$record/nodes/a/1"
run_lpad launch
assert_contains "$out" 'a/0-1 | a/1 runs as 1'
assert_contains "$out" 'a/2   | a/2 runs as 1'

# Named: a caller beside its server, whose calls stay in the process.
topology 'server: {implementation: haunted, process: both}, asker: {params: {method: who}, process: both}' 'asker.server -> server'
run_lpad launch
assert_exit 0
assert_equal $'both | who: 0 1\nboth | who: 0 1' "$out"

# Whose failure it is: of the one that says so; of all that is known, when the process dies.
topology 'a: {implementation: failing, params: {code: 3}, process: both}, b: {implementation: victim, params: {step: run}, process: both},
    c: {implementation: victim, params: {stays: true}}'
run_lpad launch
assert_exit 3
assert_contains "$err" 'lpad: a failed: run returned 3'
assert_contains "$err" 'lpad: 2 others ended because of it'
assert_equal "a 3 shared its process with a" "$(result '"\(.cause.node) \(.cause.failure.code) \(.nodes.b.failure.text)"')"
topology 'a: {implementation: victim, params: {step: run}, process: both}, b: {implementation: victim, params: {stays: true}, process: both}'
start_lpad launch
wait_until file_has out 'a waits in step 1'
kill -USR2 "$(node_pid a/0/1)"
finish_lpad
assert_exit 140
assert_contains "$err" 'lpad: both failed: signal 12 (user defined signal 2)'
assert_equal both "$(result .cause.node)"

# Killed, all that live in it are started again together, and their neighbour finds them.
topology 'server: {implementation: haunted, replicas: 2, per_process: 2, on_failure: {restart: 5, backoff: 1ms}}, asker: {params: {method: retry}}' \
	'"asker.server -> server: {map: round-robin}"'
sed -i 's/edges: .*/edges: ["asker.server -> server"]/; s/asker: {/asker: {replicas: 2, /; s/"asker.server -> server"/asker.server -> server: {map: one-to-one}/' topo.yaml
run_lpad launch
assert_exit 0
assert_contains "$err" 'lpad: server/0-1: signal 9 (killed); starting it again in '
assert_equal 4 "$(grep -c ': 0 [23]$' out)" "$out"
assert_equal true "$(result '.nodes["server/0"].restarts == .nodes["server/1"].restarts and .nodes["server/0"].pid == .nodes["server/1"].pid')"

# They must agree on what they share.
topology 'a: {implementation: victim, process: both, on_failure: restart}, b: {implementation: victim, process: both, on_failure: ignore}'
run_lpad launch
assert_exit 125
