# SPDX-License-Identifier: MIT
# Secure aggregation: the sum of those who stay is right whenever the others are killed; too few, and there is none.
source "$TESTS/lib.sh"
share_modules

checks() { sed -n 's/^.*CHECK //p' out | awk '{ print $1, $NF }' | sort; }
secure() { run_lpad launch federated-averaging/secure.yaml --set rounds=5 --record record "$@"; }
all='bits_per_client PASS
clients_left PASS
formula_2_10_clients PASS
formula_2_14_clients PASS
round_1_correlation PASS
round_1_hidden_before PASS
round_1_wrong_sums PASS
round_2_correlation PASS
round_2_hidden_before PASS
round_2_wrong_sums PASS
target_reached_by_fedavg PASS'
bits() { sed 's/^[^|]*| //' out | awk '$1 == "fedavg" { print $NF }'; }

secure --set drop=0
assert_exit 0
assert_equal "$all" "$(checks)"
whole=$(bits)
secure --set drop=0 --threads
assert_exit 0
assert_equal "$whole" "$(bits)" "as threads"

for step in share mask unmask; do
	secure --set drop=3 --set drop_in=$step
	assert_exit 0
	assert_equal "$all" "$(checks)" "three killed before they answer $step"
	assert_equal 3 "$(jq '[.nodes[] | select(.failure.signal == 9)] | length' record/latest/result.json)" "killed"
done

secure --set drop=4
assert_exit 1
assert_contains "$err" '6 clients answered mask, 7 are needed; the sum stays hidden'

run_lpad check federated-averaging/secure.yaml --set threshold=5
assert_exit 1
assert_contains "$out" 'more than half of the 10 clients'
