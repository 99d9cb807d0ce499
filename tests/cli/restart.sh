# SPDX-License-Identifier: MIT
# on_failure: restart: kill -9 in each step, the limit, what comes then, and stops in between.
source "$TESTS/lib.sh"

record=$XDG_STATE_HOME/lpad/runs/latest
topology() {
	cat > topo.yaml <<-YAML
	lpad: 1
	name: restart
	defaults: {module: $TESTS/nodes/restart.c}
	nodes: {$1}
	edges: [${2:-}]
	YAML
}
run_id() { sed -n 's/^lpad: run \([^,]*\),.*/\1/p' err; }
# The process of NODE/INDEX/INCARNATION.
node_pid() {
	processes_with "LPAD_NODE=$(run_id)/$1" | while read -r pid; do
		[[ "$(tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null)" == "lpad node "* ]] && echo "$pid"
	done
}
result() { jq -r "$1" "$record/result.json"; }
quick='{restart: 5, within: 1m, backoff: 1ms}'

# Killed in init and in run: the next incarnation goes on, in the same folder, under the same name.
for step in init:0 run:1; do
	topology "a: {implementation: victim, params: {step: ${step%:*}}, on_failure: $quick}, b: {implementation: victim, replicas: 2}"
	start_lpad launch
	wait_until file_has out "a waits in step ${step#*:}"
	kill -KILL "$(node_pid a/0/1)"
	finish_lpad
	assert_exit 0
	assert_contains "$out" 'a runs as 2'
	assert_contains "$err" 'lpad: a: signal 9 (killed)'
	assert_contains "$err" '; starting it again in 0.00'
	assert_contains "$err" '(1 of 5 within 1m)'
	assert_equal "completed 1 1 0 9" "$(result '[.status, .nodes.a.restarts, (.nodes.a.incarnations | length), .nodes["b/0"].restarts,
		.nodes.a.incarnations[0].signal] | map(tostring) | join(" ")')"
	assert_equal "a" "$(ls "$record/nodes" | grep a)"
	assert file_has "$record/logs/a.log" 'a runs as 2'
done

# Killed in fini: the program stops, nothing is started again, and the failure counts.
topology "a: {implementation: victim, params: {step: fini}, on_failure: $quick}"
start_lpad launch
wait_until file_has out 'a waits in step 2'
kill -KILL "$(node_pid a/0/1)"
finish_lpad
assert_exit 137
assert_lacks "$err" 'starting it again'
assert_equal "failed 0" "$(result '"\(.status) \(.nodes.a.restarts)"')"

# An init that found damaged data would find it again: what comes after the last restart comes at once.
topology "a: {implementation: damaged, on_failure: $quick}"
run_lpad launch
assert_exit 1
assert_contains "$err" 'lpad: a failed in init: the file is damaged'
assert_lacks "$err" 'starting it again'
topology 'a: {implementation: damaged, on_failure: {restart: 5, then: ignore}}, b: {implementation: failing, params: {code: 0}}'
run_lpad launch
assert_exit 0
assert_contains "$err" 'the run goes on without it (on_failure.then: ignore)'
assert_lacks "$err" 'starting it again'

# Too often: the last code, and the words for it; or on without it.
topology 'a: {implementation: failing, params: {code: 3}, on_failure: {restart: 2, within: 90s, backoff: 1ms}}, b: {implementation: victim, params: {stays: true}}'
run_lpad launch
assert_exit 3
assert_contains "$err" '(1 of 2 within 90s)'
assert_contains "$err" '(2 of 2 within 90s)'
assert_contains "$err" 'lpad: a failed 3 times within 90s: last run returned 3; program stopped (on_failure.then: stop)'
assert_contains "$err" '1 other ended because of it'
assert_equal "a" "$(result .cause.node)"
topology 'a: {implementation: failing, on_failure: {restart: 1, within: 1m, backoff: 1ms, then: ignore}}'
run_lpad launch
assert_exit 0
assert_contains "$err" 'lpad: a failed 2 times within 1m: last run returned 1; the run goes on without it (on_failure.then: ignore)'

# The short form, and failures that end.
topology 'a: {implementation: failing, params: {times: 3, code: 9}, on_failure: restart, replicas: 2}'
run_lpad launch
assert_exit 0
assert_equal "3 3" "$(result '"\(.nodes["a/0"].restarts) \(.nodes["a/1"].restarts)"')"
assert_contains "$err" '(3 of 5 within 1m)'

# The waits: each between half and all of what is due, which doubles.
topology 'a: {implementation: failing, on_failure: {restart: 4, backoff: 10ms..40ms}}'
run_lpad launch --json
assert_exit 1
assert_equal true "$(jq -s '[.[] | select(.event == "restart") | .wait * 1000] as $w | [10, 20, 40, 40] as $whole
	| ($w | length) == 4 and all(range(4); $w[.] >= $whole[.] / 2 and $w[.] <= $whole[.])' out)" "$out"
assert_equal "1 2 3 4 5" "$(jq -r 'select(.event == "spawn") | .incarnation' out | paste -sd' ')"

# A stop while one waits for its backoff comes at once, and is what the user sees.
topology 'a: {implementation: failing, on_failure: {restart: 5, backoff: 1h}}, b: {implementation: victim, params: {stays: true}}'
start_lpad launch
wait_until file_has err 'starting it again in'
kill -TERM "$lpad_pid"
finish_lpad
assert_exit 143
assert_equal "stopped 0 1" "$(result '"\(.status) \(.nodes.a.restarts) \(.nodes.a.failure.code)"')"

# A module that is refused is not tried twice.
topology 'a: {implementation: victim, on_failure: restart}'
sed -i 's/implementation: victim/implementation: victim, params: {step: run}/' topo.yaml
start_lpad launch
wait_until file_has out 'a waits in step 1'
rm -f "$record"/modules/*
kill -KILL "$(node_pid a/0/1)"
finish_lpad
assert_exit 125
assert_contains "$err" 'a failed in load: '

# What escaped from the dead, with the sockets that it listened on, is gone before the successor starts. A call that was under way
# is lost, an idempotent one comes again.
for method in die:-2:0 retry:0:2; do
	IFS=: read -r name answer incarnation <<< "$method"
	topology "server: {implementation: haunted, on_failure: $quick}, asker: {params: {method: $name}}" 'asker.server -> server'
	run_lpad launch
	assert_exit 0
	assert_contains "$out" 'the child of the first is gone'
	assert_contains "$out" "$name: $answer $incarnation"
	assert_contains "$out" 'who: 0 2'
	assert_equal "" "$(processes_with "LPAD_NODE=$(run_id)/server/0/1")" "left behind"
done

# A server that its caller has restarted.
topology "server: {implementation: haunted, on_failure: $quick}, asker: {implementation: replacer, params: {method: who}}" 'asker.server -> server'
run_lpad launch
assert_exit 0
assert_contains "$out" 'now it is 2'
assert_contains "$out" 'who: 0 2'
assert_contains "$err" 'server: restarted by asker: missed its deadline'
