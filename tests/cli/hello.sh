# SPDX-License-Identifier: MIT
source "$TESTS/lib.sh"
cp -R "$TESTS/../topologies/hello" mine

run_lpad launch mine
assert_exit 0
assert_contains "$out$err" 'hello from hello'

run_lpad launch mine/talk.yaml --set greetings=100
assert_exit 0
assert_equal 100 "$(grep -c 'hello number ' out)"
assert_contains "$out" 'hello number 1'$'\n'
assert_contains "$out" 'heard 100 of 100'
# In the order they were published.
grep -o 'hello number [0-9]*' out | cut -d' ' -f3 | sort -nc || fail "out of order"

# The examples that come with lpad need no path.
for name in hello hello/talk.yaml; do
	run_lpad launch "$name"
	assert_exit 0
done
assert_contains "$out" 'heard 3 of 3'
run_lpad launch hello/talk.yaml --set greetings=0
assert_exit 0
assert_contains "$out" 'heard 0 of 0'
run_lpad launch hello/talk.yaml --set greetings=-1
assert_exit 125
