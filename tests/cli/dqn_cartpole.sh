# SPDX-License-Identifier: MIT
# DQN learns CartPole: in one loop, where a seed is a result to the last bit, and as a program with replay, however weights travel and
# wherever nodes run. Most runs stop at a lower goal, several times what actions at random reach.
source "$TESTS/lib.sh"
share_modules

checks() { grep -oE 'CHECK .*' out | awk '{ print $2, $NF }' | sort; }
held='limiter_error_max PASS
limiter_error_min PASS
samples_per_insert PASS
solved PASS'

run_lpad launch dqn-cartpole/solo.yaml --set seed=4 --set fresh=100
assert_exit 0
assert_equal "$(printf 'actor_steps PASS\nfresh_episodes PASS\n%s' "$held")" "$(checks)" "one loop"
mv out first
run_lpad launch dqn-cartpole/solo.yaml --set seed=4 --set fresh=100 --threads
assert_exit 0
cmp <(sed 's/^[^|]*| //' first) <(sed 's/^[^|]*| //' out) || fail "the same seed, another result"

run_lpad launch dqn-cartpole/solo.yaml --set max_steps=1500
assert_exit 1
assert_contains "$out" 'CHECK solved 0 500 25 FAIL'

# learn ARGUMENT...: a run of the program; every check is there, and passes.
learn() {
	run_lpad launch "$@" --set fresh=0
	assert_exit 0
	assert_equal "$(printf 'actor_steps PASS\ninserted_twice PASS\n%s' "$held")" "$(checks)" "$*"
	assert_contains "$err" 'evaluator stops the run with 0: solved'
	assert_lacks "$err" 'starting it again'
}
if grep -q sanitize= "$O/flags"; then           # a learner step takes twenty times as long
	learn dqn-cartpole --set goal=40
	learn dqn-cartpole --set goal=40 --set parameters=topic --threads
	exit 0
fi
learn dqn-cartpole --set max_steps=1000000
for parameters in topic cache; do
	learn dqn-cartpole --set goal=100 --set parameters=$parameters --set seed=2
done
learn dqn-cartpole --set goal=100 --set actors=8 --threads
cp -R "$(dirname "$TESTS")/topologies/dqn-cartpole" packed
cp -R "$(dirname "$TESTS")/topologies/common" .
sed -i 's/replicas: $actors$/&\n    per_process: 2/' packed/topo.yaml
learn packed --set goal=100
run_lpad check packed
assert_contains "$out" '9 replicas, 7 processes'

# Slow games: now it is the learner that waits.
learn dqn-cartpole --set goal=20 --set actors=2 --set step_delay=3ms
waited=$(sed -n 's/.* samples: \([0-9]*\) calls waited.*/\1/p' out)
[ "$waited" -ge 20 ] || fail "the learner waited for $waited samples"

run_lpad launch dqn-cartpole --set max_steps=2000 --set seed=3
assert_exit 1
assert_contains "$out" 'CHECK solved'
assert_contains "$out" 'FAIL'
