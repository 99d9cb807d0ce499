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
