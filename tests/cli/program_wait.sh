# SPDX-License-Identifier: MIT
source "$TESTS/lib.sh"
share_modules

run_lpad launch program-wait --set after=100ms --set pause=50ms
assert_exit 0
assert_equal 4 "$(cat out err | grep -c 'Clean termination')" "four nodes end cleanly"
for node in timed blocking event handler; do
	grep -h 'Clean termination' out err | grep -q "$node" || fail "$node"
done
