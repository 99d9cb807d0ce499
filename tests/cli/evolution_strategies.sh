# SPDX-License-Identifier: MIT
# CartPole is solved within 20 generations of 32 episodes, and the output depends on the seed alone.
source "$TESTS/lib.sh"
share_modules

# evolve ARGUMENT...: its output, sorted, without the names in front.
evolve() {
	run_lpad launch evolution-strategies "$@"
	assert_exit 0
	sed 's/^[^|]*| //' out | sort
}

evolve > one
assert_equal 3 "$(grep -c '^CHECK .* PASS$' one)" "checks that passed"
assert_equal "" "$(grep FAIL one)"
awk '$1 ~ /^[0-9]+$/ && $2 != 32 { exit 1 }' one || fail "a generation of other than 32 episodes"
generations=$(awk '$1 ~ /^[0-9]+$/' one | wc -l)
[ "$generations" -ge 1 ] && [ "$generations" -le 20 ] || fail "$generations generations"

for evaluators in 1 3 8; do
	evolve --set evaluators=$evaluators > other
	cmp one other || fail "with $evaluators evaluators"
done
evolve --threads > other
cmp one other || fail "as threads"
cp -R "$(dirname "$TESTS")/topologies/evolution-strategies" packed
cp -R "$(dirname "$TESTS")/topologies/common" .
sed -i 's/replicas: $evaluators/&, per_process: 3/' packed/topo.yaml
run_lpad launch packed
assert_exit 0
sed 's/^[^|]*| //' out | sort | cmp one - || fail "three evaluators in a process"
run_lpad check packed
assert_contains "$out" '5 replicas, 3 processes'
sed -i -e 's/, per_process: 3/, process: one/' -e 's/evolver:   {/&process: one, /' packed/topo.yaml
run_lpad launch packed
assert_exit 0
sed 's/^[^|]*| //' out | sort | cmp one - || fail "all in a process"
run_lpad check packed
assert_contains "$out" '5 replicas, 1 process,'
evolve --set seed=2 > other
cmp -s one other && fail "another seed, the same output"

run_lpad launch evolution-strategies --set generations=1
assert_exit 1
assert_contains "$out" 'CHECK solved 0 1 0 FAIL'
