# SPDX-License-Identifier: MIT
# Exit codes, signals, the time limit, Ctrl-Z, and what stands in the record afterwards.
source "$TESTS/lib.sh"

topology() {
	cat > topo.yaml <<-YAML
	lpad: 1
	name: ends
	defaults: {module: $TESTS/nodes/life.c}
	nodes: {$1}
	YAML
}
record=$XDG_STATE_HOME/lpad/runs/latest
status() { jq -r .status "$record/result.json"; }

topology 'a: {implementation: chat, params: {lines: 2}}'
run_lpad launch
assert_exit 0
assert_equal completed "$(status)"
assert_equal $'a | a says line 0\na | a says line 1' "$out"
assert_equal "lpad: run ends-1, seed 1, $(readlink -f "$record")" "$(head -1 err)" "the first line"
assert_equal $'a says line 0\na says line 1' "$(cat "$record/logs/a.log")" "the log"
assert_equal "$(sha256sum < topo.yaml | cut -d' ' -f1)" "$(jq -r '.hashes["topology.yaml"]' "$record/manifest.json")"
assert_equal '["lpad","launch"]' "$(jq -c .command_line "$record/manifest.json")"
assert cmp topo.yaml "$record/topology.yaml"
assert test "$(jq '.nodes.a.memory > 100000 and .nodes.a.exit == 0 and .nodes.a.restarts == 0' "$record/result.json")" = true
assert jq -e '.times | 0 < .running and .running <= .stopped and .stopped <= .ended' "$record/result.json"
assert test -d "$record/nodes/a"
assert jq -e .schema "$record/resolved.json" > /dev/null

topology 'a: {implementation: stop_with, params: {lines: 0}}, b: {implementation: stay}'
run_lpad launch --name other
assert_exit 0
assert_contains "$err" "lpad: run other-1, seed 1"
assert_contains "$err" "a stops the run with 0: because"
assert_equal stopped "$(status)"

topology 'a: {implementation: stop_with, params: {lines: 6}}, b: {implementation: stay}'
run_lpad launch
assert_exit 6
assert_equal '"a" 6' "$(jq -c '.cause.node, .cause.code' "$record/result.json" | paste -sd' ')"

topology 'a: {implementation: environment, env: {WHO: "number $index", WHERE: $folder}, replicas: 2}'
run_lpad launch -q
assert_exit 0
assert_contains "$err" "a/1 sees its environment: number 1 in $(readlink -f "$record")/nodes/a/1"

topology 'a: {implementation: stay}'
run_lpad launch --time-limit 300ms
assert_exit 124
assert_contains "$err" "the time limit of 300 ms is reached"
assert_equal "time limit" "$(status)"
run_lpad launch --time-limit soon
assert_exit 2
run_lpad launch --dry-run
assert_exit 0
assert_contains "$out" "would start 1 process"
assert_equal "$(basename "$(readlink -f "$record")")" "$(ls -t "$XDG_STATE_HOME/lpad/runs" | grep -v latest | head -1)" "no record of a dry run"

# A stop at any moment of a start ends it at once: nobody has to be told twice.
for limit in 1 2 3 5 8 13; do
	run_lpad launch --time-limit ${limit}ms
	assert_exit 124
	assert_lacks "$err" "sent TERM"
done

for signal in INT TERM HUP; do
	start_lpad launch
	wait_until file_has out 'is ready'
	kill -s $signal "$lpad_pid"
	finish_lpad
	assert_exit $((128 + $(kill -l $signal)))
	assert_equal stopped "$(status)"
done

# nohup stays what it is; stdin may be closed.
: > out
(trap '' HUP; exec "$LPAD" launch > out 2> err <&-) &
lpad_pid=$!
wait_until file_has out 'is ready'
kill -HUP "$lpad_pid"
kill -TERM "$lpad_pid"
finish_lpad
assert_exit 143

# Ctrl-Z stops the launch and every node; fg continues; a stopped run does not use up its time.
start_lpad launch
wait_until file_has out 'is ready'
run=$(basename "$(readlink -f "$record")")
node=$(processes_with "LPAD_NODE=$run/a/0/1")
kill -TSTP "$lpad_pid"
is_stopped() { [ "$(process_state "$1")" = T ]; }
wait_until is_stopped "$lpad_pid"
wait_until is_stopped "$node"
kill -CONT "$lpad_pid"
runs_again() { [ "$(process_state "$1")" = S ]; }
wait_until runs_again "$lpad_pid"
wait_until runs_again "$node"
kill -INT "$lpad_pid"
finish_lpad
assert_exit 130

# Who is slow: said after 10 s.
topology "a: {implementation: gate, params: {file: $SCRATCH/open}, replicas: 2}, b: {implementation: stay}"
start_lpad launch
wait_until -t 30 file_has err 'lpad: 2 of 3 not ready after 10 s: a/0, a/1 in init'
touch open
wait_until file_has out 'b .* is ready'
kill -TERM "$lpad_pid"
finish_lpad
assert_exit 143

# Two launches at once do not get in each other's way.
topology 'a: {implementation: chat}'
"$LPAD" launch --name twin -q > one 2>&1 & one=$!
"$LPAD" launch --name twin -q > two 2>&1 & two=$!
wait $one; assert_equal 0 $?
wait $two; assert_equal 0 $?
assert_equal "twin-1 twin-2" "$(cd "$XDG_STATE_HOME/lpad/runs" && echo twin-*)"
assert_equal "" "$(ls "$XDG_RUNTIME_DIR/lpad")" "socket folders"
