# SPDX-License-Identifier: MIT
# DQN solves CartPole: in one loop, where a seed is a result to the last bit.
source "$TESTS/lib.sh"

checks() { grep -oE 'CHECK .*' out | awk '{ print $2, $NF }' | sort; }
solved='actor_steps PASS
fresh_episodes PASS
limiter_error_max PASS
limiter_error_min PASS
samples_per_insert PASS
solved PASS'

run_lpad launch dqn-cartpole/solo.yaml --set seed=4 --set fresh=100
assert_exit 0
assert_equal "$solved" "$(checks)" "one loop"
mv out first
run_lpad launch dqn-cartpole/solo.yaml --set seed=4 --set fresh=100 --threads
assert_exit 0
cmp <(sed 's/^[^|]*| //' first) <(sed 's/^[^|]*| //' out) || fail "the same seed, another result"

run_lpad launch dqn-cartpole/solo.yaml --set max_steps=1500
assert_exit 1
assert_contains "$out" 'CHECK solved 0 500 25 FAIL'
