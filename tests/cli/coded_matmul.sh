# SPDX-License-Identifier: MIT
# Every code gives the same product, however it is run and whichever n - k workers are killed; lpad's counts are the program's own.
source "$TESTS/lib.sh"
share_modules
cp -R "$TESTS/../topologies/coded-matmul" "$TESTS/../topologies/common" .

# run FILE ARGUMENT...: a short run that must succeed; FILE gets its CHECK lines, without the one figure that depends on who was first.
run() {
	local file=$1
	shift
	run_lpad launch coded-matmul --quiet --record record --set timing=false --set unit=1ms --set trials=20 "$@"
	assert_exit 0
	grep -oE 'CHECK .*' out | sed -E 's/^(CHECK decode_error_[^ ]+) [^ ]+/\1 -/' > "$file"
}
edge() { jq -r ".edges[0].$1" record/latest/result.json; }
metric() { jq -r ".nodes.master.metrics.$1.last" record/latest/result.json; }

codes=(--set k=10,7,5 --set replication=2,5)
run one "${codes[@]}"
assert_equal 15 "$(grep -c '^CHECK .* PASS$' one)" "checks that passed"
for code in uncoded10 mds7 mds5 replicated2 replicated5; do
	for check in product decode_error drawn; do
		grep -q "^CHECK ${check}_$code " one || fail "no check ${check}_$code"
	done
done
assert_equal 1 "$(awk '/product/ { print $3 }' one | sort -u | wc -l)" "products"
assert_equal "$(metric requests) $(metric request_bytes)" "$(edge messages) $(edge bytes)" "requests, counted twice"
assert_equal $((20 * 5 * 10)) "$(metric requests)"

run other "${codes[@]}" --threads
diff one other || fail "as threads"
sed -i 's/replicas: $workers/&, per_process: 4/' coded-matmul/topo.yaml
run_lpad check coded-matmul
assert_contains "$out" '11 replicas, 4 processes'
run other "${codes[@]}"
diff one other || fail "four workers in a process"
cp "$TESTS/../topologies/coded-matmul/topo.yaml" coded-matmul

# Uncoded every answer is waited for, so these can be compared too.
run counted --set k=10
assert_equal "$(metric answers) $(metric answer_bytes)" "$(edge received) $(edge delivered_bytes)" "answers, counted twice"
assert_equal "$((20 * 10)) $((20 * 2520 * 8))" "$(metric answers) $(metric answer_bytes)"

for seed in 1 2; do
	run whole --set k=5,7 --set seed=$seed
	run five --set k=5 --set kills=5 --set seed=$seed
	assert_contains "$(cat five)" 'CHECK workers_killed 5 5 0 PASS'
	assert_equal 5 "$(jq '[.nodes | to_entries[] | select(.key | startswith("worker")) | select(.value.signal == 9)] | length' record/latest/result.json)" "killed by signal 9"
	run three --set k=7 --set kills=3 --set seed=$seed
	assert_equal "$(awk '/product/ { print $3 }' whole | sort -u)" "$(awk '/product/ { print $3 }' five three | sort -u)" "the product, seed $seed"
done

# One more than the code bears is refused; uncoded, one is too many.
run_lpad check coded-matmul --set k=5 --set kills=6
assert_exit 1
assert_contains "$out" 'k = 5 of 10 workers survives the loss of 5, not of 6'
run_lpad check coded-matmul --set k=11
assert_contains "$out" '11 is more than there are workers: 10'
run_lpad check coded-matmul --set workers=12 --set k=11
assert_contains "$out" '11 does not divide the 2520 rows'
run_lpad check coded-matmul --set replication=3
assert_contains "$out" '10 workers cannot be shared out among 3 blocks'
run_lpad check coded-matmul --set k=[]
assert_exit 1
assert_contains "$out" 'no code to run'
run_lpad check coded-matmul --set unit=0s
assert_exit 1
assert_contains "$out" 'unit'

# Killed from outside, uncoded: the run ends at once and says why. Coded it goes on.
runs() { [ "$("$LPAD" status -r "$1/latest" --json 2> /dev/null | jq -r .phase)" = run ]; }
start_lpad launch coded-matmul --quiet --record gone --set k=10 --set unit=1h
wait_until runs gone
"$LPAD" kill -r gone/latest worker/3 -9
finish_lpad
assert_exit 1
assert_contains "$err" 'too many workers are dead'
start_lpad launch coded-matmul --quiet --record survived --set k=5 --set trials=100000 --set unit=1ms
wait_until runs survived
"$LPAD" kill -r survived/latest worker/{0,2,4,6,8} -9
dead() { "$LPAD" status -r survived/latest --json | jq '[.nodes[] | select(.signal == 9)] | length'; }
five_dead() { [ "$(dead)" = 5 ]; }
wait_until five_dead
"$LPAD" stop -r survived/latest --code 0 > stopped 2>&1
finish_lpad
assert_exit 0
