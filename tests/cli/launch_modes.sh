# SPDX-License-Identifier: MIT
# --output: where lines are shown changes; what a failure leads to, its report and its code do not.
source "$TESTS/lib.sh"

cat > topo.yaml <<YAML
lpad: 1
name: modes
defaults: {module: $TESTS/nodes/life.c}
nodes:
  chat: {params: {lines: 20000}}
  stay: {replicas: 9}
  crash: {module: $TESTS/nodes/misbehave.c, on_failure: {restart: 1, within: 1m, backoff: 10ms..10ms}}
YAML
latest=$XDG_STATE_HOME/lpad/runs/latest

for mode in prefix files json quiet; do
	run_lpad launch --output $mode
	assert_exit 139
	assert_equal 20000 "$(grep -cE '^chat says line [0-9]+$' "$latest/logs/chat.log")" "lines in the log with $mode"
	report=$(grep '^lpad: ' err)
	assert_contains "$report" "crash: signal 11 (segmentation fault); starting it again in "
	assert_contains "$report" " s (1 of 1 within 1m)"
	assert_contains "$report" \
		"lpad: crash failed 2 times within 1m: last signal 11 (segmentation fault); program stopped (on_failure.then: stop)"
	assert_contains "$report" $'\nlpad: 10 others ended because of it' "with $mode"
	case $mode in
	prefix) assert_equal 20000 "$(grep -c '^chat   | chat says' out)" ;;
	files) assert_equal "" "$out" ;;
	json) assert_equal 20000 "$(jq -r 'select(.event == "output" and .node == "chat") | .text' out | wc -l)" ;;
	quiet) assert_equal 20000 "$(grep -c '^chat says' out)" ;;
	esac
	[ $mode != files ] || assert_contains "$report" $'lpad: last lines of crash:\nlpad:   about to crash'
	[ $mode != files ] || assert_lacks "$err" '| '
	assert_equal '"crash"' "$(jq -c .cause.node "$latest/result.json")" "root cause with $mode"
done

# One mode, however it is written.
run_lpad launch --json --output json --time-limit 1ms
assert_exit 124
run_lpad launch --output=none
assert_exit 2
assert_contains "$err" "not \`none\`"
for two in '--json --quiet' '-q --output files' '--output json --output prefix'; do
	run_lpad launch $two
	assert_exit 2
	assert_contains "$err" "not both"
done
