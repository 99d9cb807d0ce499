# SPDX-License-Identifier: MIT
# Sliced all-reduce equals SGD in one process, bit by bit, also when a worker is killed; and lpad counts what the workers count.
source "$TESTS/lib.sh"
share_modules

checks() { sed -n 's/^.*CHECK //p' out | awk '{ print $1, $NF }' | sort; }
weights() { sed -n 's/^.*weights \([0-9a-f]\{16\}\)$/\1/p' out; }
always='accuracy_as_serial PASS
difference_to_serial PASS
same_bits_as_one_process PASS
tasks_run_again PASS'
traffic() { printf '%s\n' "$always"; printf 'worker_%d_received PASS\nworker_%d_sent PASS\n' 0 0 1 1 2 2 3 3; }

run_lpad launch allreduce-sgd --set steps=40 --record record
assert_exit 0
assert_equal "$(traffic)" "$(checks)"
bits=$(weights)
assert_equal 16 ${#bits}
# 16 bytes of block number in each message, four in each number: 2K(N-1)/N of them per worker and iteration.
assert_equal $((40 * 2 * 3340 * 3)) "$(jq '[.edges[] | select(.edge == "worker.owners -> worker")][0]
	| (.bytes + .delivered_bytes - 16 * .messages) / 4' record/latest/result.json)" "numbers that lpad has counted"

for die in forward synchronise; do
	run_lpad launch allreduce-sgd --set steps=40 --set die=$die --set die_at=20 --record record
	assert_exit 0
	assert_equal "$always" "$(checks)" "killed in $die"
	assert_equal "$bits" "$(weights)" "killed in $die"
	assert_equal 1 "$(jq '.nodes["worker/1"].restarts' record/latest/result.json)" "restarts"
done

for how in '--threads' '--set servers=server' '--set group=7' '--set group=7 --set die=forward --set die_at=20'; do
	# shellcheck disable=SC2086 # words on purpose
	run_lpad launch allreduce-sgd --set steps=40 $how
	assert_exit 0
	assert_equal "$bits" "$(weights)" "$how"
	checks | grep -q FAIL && fail "$how: $out"
done

mkdir systems
cp -R "$TESTS/../topologies/allreduce-sgd" "$TESTS/../topologies/common" systems
sed -i 's/replicas: $workers/&\n    per_process: 2/' systems/allreduce-sgd/topo.yaml
run_lpad launch systems/allreduce-sgd --set steps=40
assert_exit 0
assert_equal "$bits" "$(weights)" "two in a process"

run_lpad check allreduce-sgd --set workers=3
assert_exit 1
assert_contains "$out" 'cannot be cut into 3 equal slices'
run_lpad check allreduce-sgd            # all combinations of its words
assert_exit 0
run_lpad launch allreduce-sgd --set workers=1 --set die=forward
assert_exit 1
assert_contains "$err" 'there is one worker'
run_lpad launch allreduce-sgd --set servers=server --set die=synchronise
assert_exit 1
assert_contains "$err" 'nothing to synchronise'
