# SPDX-License-Identifier: MIT
# Decoded rows are the rows that were meant, by as many XORs as the closed form says; published and delivered bytes are two counts.
source "$TESTS/lib.sh"
share_modules
cp -R "$TESTS/../topologies/coded-shuffle" "$TESTS/../topologies/common" .

# run FILE ARGUMENT...: a run that must succeed; FILE gets its table and its CHECK lines.
run() {
	local file=$1
	shift
	run_lpad launch coded-shuffle --quiet --record record --set shuffles=4 "$@"
	assert_exit 0
	sed -E 's/^[a-z]+ *\| //' out > "$file"
}
result() { jq "$1" record/latest/result.json; }
workers() { result "[.nodes | to_entries[] | select(.key | startswith(\"worker\")) | .value.metrics.$1.last] | add"; }

run one
assert_equal 11 "$(grep -c '^CHECK .* PASS$' one)" "checks that passed"
for check in bad_rows decoded_rows uncoded_rows shared_rows_at_first shared_rows coded_bytes uncoded_bytes received_bytes ratio_of_multicasts ratio_of_copies \
	distance_to_truth; do
	grep -q "^CHECK $check " one || fail "no check $check"
done
published=$(result '.nodes.master.metrics.coded_bytes.last')
assert_equal "$published" "$(result '.edges[0].bytes')" "published"
assert_equal $((4 * published)) "$(result '.edges[0].to.delivered_bytes')" "delivered to four"
assert_equal $((4 * published)) "$(workers coded_bytes)" "delivered, as the workers say"
assert_equal "$(result '.nodes.master.metrics.uncoded_bytes.last')" "$(result '.edges[1].bytes')" "sent row by row"
assert_equal "$(workers uncoded_bytes)" "$(result '.edges[1].bytes')" "come row by row"

run other --threads
diff one other || fail "as threads"
sed -i 's/replicas: $workers/&, per_process: 2/' coded-shuffle/topo.yaml
run_lpad check coded-shuffle
assert_contains "$out" '5 replicas, 3 processes'
run other
diff one other || fail "two workers in a process"
run other --set seed=2
cmp -s one other && fail "another seed, the same output"

# Other caches and numbers of workers: the ratio is another one, the rows are right. Few rows share badly, and it says so.
run half --set cache=25000
assert_contains "$(cat half)" 'exact ratio 2.8235'
run_lpad launch coded-shuffle --quiet --set shuffles=1 --set workers=10 --set rows=2000 --set cache=740
assert_exit 1
assert_contains "$out" 'CHECK bad_rows 0 0 0 PASS'
assert_contains "$out" 'ratio_of_multicasts'
grep -q 'CHECK ratio_of_multicasts .* FAIL' out || fail "2000 rows of 10 workers share well?"
run_lpad launch coded-shuffle --quiet --set shuffles=2 --set workers=2 --set rows=10 --set cache=5
assert_contains "$out" 'CHECK bad_rows 0 0 0 PASS'

run_lpad check coded-shuffle --set rows=40001
assert_exit 1
assert_contains "$out" 'cannot be shared out evenly among 4 workers'
run_lpad check coded-shuffle --set cache=9999
assert_contains "$out" 'from a batch, 10000, to less than all rows, 40000'
run_lpad check coded-shuffle --set workers=1
assert_contains "$out" '2 to 10 workers, not 1'
