# SPDX-License-Identifier: MIT
# lpad new: what it writes runs, is checked without a warning, passes its own test, and replaces nothing.
source "$TESTS/lib.sh"
run_lpad new deep/my-own_1/
assert_exit 0
assert_equal "deep/my-own_1: topo.yaml, my-own_1.c, test.c" "$out"
cd deep/my-own_1 || exit 2
for command in check launch; do
	run_lpad $command
	assert_exit 0
	assert_lacks "$out$err" warning
done
assert_contains "$out$err" "pi is about 3.1"
assert_equal 10 "$(grep -c '"pi"' "$XDG_STATE_HOME/lpad/runs/latest/metrics.jsonl")" "reports"
run_lpad launch --set samples=20000 --set seed=7
assert_exit 0
assert_equal 2 "$(grep -c '"pi"' "$XDG_STATE_HOME/lpad/runs/latest/metrics.jsonl")" "reports of fewer samples"

flags=$(grep -oE -- '-f(sanitize|no-sanitize)[^ ]*' "$O/flags" | tr '\n' ' ')
# shellcheck disable=SC2086 # several flags
$(cut -d' ' -f1 "$O/flags") -std=c11 -Wall -Wextra -Werror $flags -I"$TESTS/../lib/include" test.c my-own_1.c -o own -L"$O" -llpad-test \
	-lyaml -ljansson -lm -pthread || fail "the test does not compile"
assert_equal "1 test passed" "$(./own)"

cd ../.. || exit 2
echo mine > deep/my-own_1/topo.yaml
run_lpad new deep/my-own_1
assert_exit 1
assert_contains "$err" "cannot make the folder deep/my-own_1: File exists"
assert_equal mine "$(cat deep/my-own_1/topo.yaml)"
for name in Upper 1st a.b test ..; do
	run_lpad new "deep/$name"
	assert_exit 2
	assert_contains "$err" "the name of a node is made of"
done
run_lpad new
assert_exit 2
ls deep > list
assert_equal my-own_1 "$(cat list)"
