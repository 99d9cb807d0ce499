# SPDX-License-Identifier: MIT
# The example mixed: C, Python, jq and a shell, both ways; to its end, and stopped in the middle.
source "$TESTS/lib.sh"

record=$XDG_STATE_HOME/lpad/runs/latest
result=$record/result.json
run_lpad check "$TESTS/../topologies/mixed"
assert_exit 0
assert_lacks "$out" warning
run_lpad launch "$TESTS/../topologies/mixed" --set rate=20
assert_exit 0
assert_equal 3 "$(grep -c 'CHECK .* PASS$' out)" "checks that passed"
assert_contains "$err" "tuner  | set the rate to 2000.0"
assert_equal "200 200 200" "$(jq -r '[.edges[0, 1, 2].received] | join(" ")' "$result")" "readings, smoothed, to whom"
kept=$(jq -s 'length' "$record/nodes/keep/high.jsonl")
assert test "$kept" -gt 5
assert jq -es 'all(.value > 0.9)' "$record/nodes/keep/high.jsonl"
assert_equal "$kept" "$(jq '.edges[4].received' "$result")"
assert_equal "200 1" "$(jq -r '"\(.nodes.tuner.metrics.value.count) \(.edges[5].messages)"' "$result")" "reports, calls"

# Stopped in the middle: all end well, and what the sensor had published has come to the end of the pipe.
start_lpad launch "$TESTS/../topologies/mixed" --set rate=20 --set readings=1000000
wait_until file_has err 'set the rate'
wait_until file_has "$record/nodes/keep/high.jsonl" value
kill -TERM $lpad_pid
finish_lpad
assert_exit 143
assert_lacks "$err" "in time"
assert_equal "" "$(jq -r '.nodes[] | select(.failure or .killed)' "$result")"
assert_equal "true" "$(jq '[.edges[0, 1, 4]] | all(.published == .received)' "$result")"
