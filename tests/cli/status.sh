# SPDX-License-Identifier: MIT
# lpad status: of a run under way, of one that has ended, and of one that was lost, in one shape.
source "$TESTS/lib.sh"

cat > topo.yaml <<YAML
lpad: 1
name: seen
defaults: {module: $TESTS/nodes/talked_to.c}
nodes:
  server: {}
  asker: {replicas: 2}
  once: {}
  pair: {implementation: steady, replicas: 2, process: both}
  weak: {implementation: steady, on_failure: {restart: 5, backoff: 1ms}}
edges:
  - asker.server -> server
  - server.beat -> asker.beat
YAML

run_lpad status
assert_exit 3
run_lpad status --frobnicate
assert_exit 2

"$LPAD" launch --json topo.yaml > events 2> messages &
pid=$!
wait_until file_has events '"text":"who 1"'
run_lpad kill weak -9
assert_exit 0
is_back() { "$LPAD" status --json weak | jq -e '.nodes[0] | .restarts == 1 and .state == "running"' > /dev/null; }
wait_until is_back
has_reported() { "$LPAD" status --json --metrics server | jq -e '.nodes[0].metrics.loss.last == 0.5' > /dev/null; }
wait_until has_reported

# The table: the run first, then a line for each node, and what failed.
run_lpad status
assert_exit 0
assert_contains "$out" "run seen-1, running, "
assert_equal "node state step pid restarts cpu memory uptime" "$(sed -n 2p out | tr -s ' ' | sed 's/ $//' | tr A-Z a-z)"
assert_equal 8 "$(grep -c '' <(sed -n '2,$p' out | grep -v 'had failed'))"
assert_contains "$out" "weak had failed in run: signal 9"
assert_equal "" "$(awk 'length > 80' out)" "lines beyond 80 columns"
run_lpad status --metrics --edges server
assert_contains "$out" "server.loss"
assert_contains "$out" "server.beat -> asker.beat"
assert_lacks "$out" "pair/0"

# The document.
run_lpad status --json
assert_equal "1 seen-1 seen run true running 7 6" "$(jq -r '[.schema, .run, .name, .phase, .running, .state, .waited, .unfinished]
	| map(tostring) | join(" ")' out)"
assert_equal "$(head -n 1 events | jq -r .record)" "$(jq -r .record out)"
assert_equal "server asker/0 asker/1 once pair/0 pair/1 weak" "$(jq -r '[.nodes[].node] | join(" ")' out)"
assert_equal "both pair" "$(jq -r '.nodes[4] | "\(.process) \(.group)"' out)"
assert_equal true "$(jq '.nodes | all(.pid > 0 and .memory > 0 and .cpu >= 0 and .uptime > 0)' out)"
assert_equal ended "$(jq -r '.nodes[3].state' out)"
assert_equal '9 2' "$(jq -r '.nodes[6] | "\(.last_failure.signal) \(.incarnation)"' out)"
assert_equal "null null" "$(jq -r '"\(.nodes[0].metrics) \(.edges)"' out)"
jq -r '[keys_unsorted, (.nodes[0] | keys_unsorted)] | tojson' out > shape
run_lpad status --json asker pair/1
assert_equal "asker/0 asker/1 pair/1" "$(jq -r '[.nodes[].node] | join(" ")' out)"
run_lpad status askr
assert_exit 3
assert_contains "$err" 'there is no node `askr`: did you mean asker?'

# It ends: the same shape, from the record.
kill -TERM $pid
code=0
wait $pid || code=$?
assert_equal 143 $code
run_lpad status
assert_exit 0
assert_contains "$out" "run seen-1, ended, "
assert_contains "$out" "exit 143"
assert_contains "$out" "weak had failed in run: signal 9"
run_lpad status --json --metrics -r seen-1
assert_equal "over ended 143 0.5" "$(jq -r '"\(.phase) \(.state) \(.exit) \(.nodes[0].metrics.loss.last)"' out)"
run_lpad status --json
assert_equal '[[],[]]' "$(jq -c --slurpfile was shape '[(keys_unsorted), (.nodes[0] | keys_unsorted)] as $is
	| [$was[0][0] - $is[0], $was[0][1] - $is[1]]' out)" "the shape of what has ended"
run_lpad status --json asker/1
assert_equal "asker/1 dead" "$(jq -r '.nodes[] | "\(.node) \(.state)"' out)"
run_lpad status askr/1
assert_exit 3

# Both processes killed at once: lost.
: > events
"$LPAD" launch --json topo.yaml > events 2> messages &
pid=$!
wait_until file_has events '"phase":"run"'
supervisor=$("$LPAD" status --json | jq .pid)
kill -STOP $pid
kill -KILL "$supervisor" $pid
wait $pid
is_lost() { [ "$("$LPAD" status --json -r seen-2 | jq -r .state)" = lost ]; }
wait_until is_lost
run_lpad status -r seen-2
assert_exit 0
assert_contains "$out" "run seen-2, lost, "
run_lpad status --json -r seen-2 asker pair/1
assert_exit 0
assert_equal "asker/0 dead asker/1 dead pair/1 both" "$(jq -r '[.nodes[0].node, .nodes[0].state, .nodes[1].node, .nodes[1].state,
	.nodes[2].node, .nodes[2].process] | join(" ")' out)"
