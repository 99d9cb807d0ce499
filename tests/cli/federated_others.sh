# SPDX-License-Identifier: MIT
# The other files of federated averaging: two parties with other features, and noise for privacy.
source "$TESTS/lib.sh"
share_modules

checks() { sed -n 's/^.*CHECK //p' out | awk '{ print $1, $NF }' | sort; }
for how in '' --threads; do
	# shellcheck disable=SC2086 # nothing, if nothing
	run_lpad launch federated-averaging/vertical.yaml --set steps=100 --record record $how
	assert_exit 0
	assert_equal 'difference_to_central PASS
joint_over_alone PASS' "$(checks)" "vertical $how"
	# Two numbers of eight bytes for each of 6000 samples in each step, and nothing else.
	assert_equal $((16 * 6000 * 100)) "$(jq '[.edges[] | select(.edge == "a.partner -> b")][0] | .bytes + .delivered_bytes' \
		record/latest/result.json)" "bytes that lpad has counted"
done

run_lpad launch federated-averaging/private.yaml --set rounds=20
assert_exit 0
assert_equal 'bytes_received_per_round PASS
deviation_of_z0_1 PASS
deviation_of_z0_3 PASS
deviation_of_z1 PASS
sent_as_received PASS
z0_1_no_better_than_z0 PASS
z0_3_no_better_than_z0_1 PASS
z1_no_better_than_z0_3 PASS' "$(checks)"

cp -R "$TESTS/../topologies/federated-averaging" "$TESTS/../topologies/common" .
sed -i 's/lr: 0.5, clip: $clip, noise: 1.0/lr: 0.5, noise: 1.0/' federated-averaging/private.yaml
run_lpad check federated-averaging/private.yaml
assert_exit 1
assert_contains "$out" 'it is so many times clip'
