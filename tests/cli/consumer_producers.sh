# SPDX-License-Identifier: MIT
source "$TESTS/lib.sh"
cp -R "$TESTS/../topologies/consumer-producers" mine

run_lpad launch mine
assert_exit 0
assert_equal 10 "$(grep -c 'Results: \[0, 1\]$' out)" "rounds"
run_lpad launch mine --set producers=8
assert_exit 0
assert_equal 10 "$(grep -c 'Results: \[0, 1, 2, 3, 4, 5, 6, 7\]$' out)" "rounds with eight"
run_lpad launch mine --set producers=1
assert_exit 0
assert_equal 10 "$(grep -c 'Results: \[0\]$' out)" "rounds with one"

# Held: everything is up, the consumer's run is not started; one round at a time from outside.
start_lpad launch mine --hold consumer --set producers=3
steps() { "$LPAD" call consumer.step > reply 2> problems; }
wait_until steps
assert_equal '[0, 1, 2]' "$(cat reply)"
for ((i = 0; i < 9; i++)); do
	assert steps
	assert_equal '[0, 1, 2]' "$(cat reply)"
done
kill -TERM "$lpad_pid"
finish_lpad
assert_exit 143
assert_lacks "$out" Results
