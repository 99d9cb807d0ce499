# SPDX-License-Identifier: MIT
# Asynchronous workers come as near to least squares as the example says; a run that does not says so.
source "$TESTS/lib.sh"
share_modules

checks() { grep -oE 'CHECK .*' out | awk '{ print $2, $NF }' | sort; }
pass='distance_to_least_squares PASS
mse_over_least_squares PASS
pushes PASS'

for set in workers=4 workers=1 workers=7 shards=1 shards=10 weights_from=cache; do
	run_lpad launch parameter-server --set seed=${#set} --set "$set"
	assert_exit 0
	assert_equal "$pass" "$(checks)" "$set"
done

run_lpad launch parameter-server --threads --set weights_from=cache
assert_exit 0
assert_equal "$pass" "$(checks)" "as threads, with the cache"

# The shards apply so many and no more, and the workers stop by themselves.
run_lpad launch parameter-server --set workers=3 --set pushes=10 --record record
assert_exit 1
assert_contains "$out" 'CHECK pushes 10 10 0 PASS'
assert_contains "$out" 'FAIL'
assert_equal failed "$(jq -r .status record/latest/result.json)"
made=$(jq '[.nodes[].metrics.pushes.last // 0] | add' record/latest/result.json)
[ "$made" -ge 10 ] && [ "$made" -le 13 ] || fail "3 workers made $made pushes for 10"

run_lpad check parameter-server --set shards=11
assert_exit 1
assert_contains "$out" 'there are 10 weights to share out'
