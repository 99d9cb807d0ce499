# SPDX-License-Identifier: MIT
# Every round is one batch of all clients, so that each of them hears the same sums, whatever came first.
source "$TESTS/lib.sh"
cp -R "$TESTS/../topologies/batching" mine

# batching N ARGUMENT...: launches it with N clients and writes the output, sorted and without names in front, to `sorted`.
batching() {
	local clients=$1 first
	shift
	run_lpad launch mine --set clients="$clients" "$@"
	assert_exit 0
	sed 's/^[^|]*| //' out | sort > sorted
	first=$((10 * clients * (clients - 1) / 2 + 45 * clients))
	assert_equal "$clients" "$(grep -c "Result: \[$first, $((first + 10 * clients))\]$" sorted)" "last results of $clients"
	assert_equal $((2 * clients)) "$(grep -c 'CHECK .* PASS$' sorted)" "checks of $clients"
	assert_equal $((10 * clients)) "$(grep -c 'Result: ' sorted)" "results of $clients"
	assert_equal 10 "$(sed -n 's/.*Result: //p' sorted | sort -u | wc -l)" "different results of $clients"
}

batching 2
assert_contains "$out" 'Result: [100, 120]'
mv sorted two
batching 2
cmp two sorted || fail "another output the second time"
batching 2 --threads
cmp two sorted || fail "another output as threads"
batching 8
mv sorted eight
sed -i 's/replicas: $clients}/replicas: $clients, per_process: 2}/' mine/topo.yaml
batching 2
cmp two sorted || fail "another output with both clients in one process"
batching 8
cmp eight sorted || fail "another output with clients in pairs"
batching 1

run_lpad describe mine/batching.c
assert_exit 0
assert_contains "$out" 'batches of 1024'
