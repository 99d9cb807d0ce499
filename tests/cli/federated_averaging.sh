# SPDX-License-Identifier: MIT
# Federated averaging in three arrangements: the same bits wherever sums are formed, the bytes that the formula says, gossip's bound.
source "$TESTS/lib.sh"
share_modules

checks() { sed -n 's/^.*CHECK //p' out | awk '{ print $1, $NF }' | sort; }
bits() { sed 's/^[^|]*| //' out | awk '$1 ~ /^fed.*iid$/ { print $1, $NF }' | sort; }
cp -R "$TESTS/../topologies/federated-averaging" "$TESTS/../topologies/common" .
sed -i '/^        fed.*_noniid/d' federated-averaging/topo.yaml
launch() { run_lpad launch federated-averaging --set rounds=60 "$@"; }
server='bytes_received_per_round PASS
fewer_rounds_iid PASS
rounds_fedavg_iid PASS
sent_as_received PASS
target_reached_by_fedavg_iid PASS
target_reached_by_fedsgd_iid PASS'

launch --set seed=4 --record record
assert_exit 0
assert_equal "$server" "$(checks)"
bits > central
assert_equal 2 "$(wc -l < central)" "runs"
assert_equal $(((120 * 10 + 10) * (8 + 4 * 3562))) \
	"$(jq '[.edges[] | select(.edge == "client.parent -> server")][0].bytes' record/latest/result.json)" "bytes that lpad has counted"

for how in '--set mode=hierarchical' '--set mode=hierarchical --set edges=3 --set clients=7' '--threads' '--set clients=4'; do
	# shellcheck disable=SC2086 # words on purpose
	launch --set seed=4 $how
	assert_exit 0
	bits | cmp - central || fail "$how: other weights"
done
sed -i 's/client: {replicas: $clients,/& per_process: 5,/' federated-averaging/topo.yaml
launch --set seed=4
assert_exit 0
bits | cmp - central || fail "packed: other weights"

for peers in 3 8; do
	run_lpad launch federated-averaging --set mode=ring --set clients=$peers
	assert_exit 0
	assert_contains "$out" 'CHECK distance_after_gossip'
done
run_lpad check federated-averaging --set mode=ring --set clients=2
assert_exit 1
assert_contains "$out" 'a ring has 3 or more'
sed -i -e '/^        fed/d' -e 's/^      runs:.*/      runs: {}/' federated-averaging/topo.yaml
run_lpad check federated-averaging
assert_exit 1
assert_contains "$out" 'runs: from 1 to 32 trainings'
