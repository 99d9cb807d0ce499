# SPDX-License-Identifier: MIT
# DQN on CartPole is solved though an actor, the learner, replay, the counter and everything at once are killed on the way.
# SURVIVAL=all: 60 deaths at any moment, too.
source "$TESTS/lib.sh"
share_modules

command -v python3 > found || { echo "skipped: there is no python3"; exit 0; }
cp -R "$(dirname "$TESTS")/topologies/dqn-cartpole" "$(dirname "$TESTS")/topologies/common" .
# It comes back at once, saves often, and is not evaluated before everything has been killed.
sed -i -e 's/^on_failure: restart$/on_failure: {restart: 1000, within: 1m, backoff: 1ms..10ms}/' -e 's/checkpoint: {every: 1s}/checkpoint: {every: 200ms}/' \
	-e 's/params: {goal: \$goal,/params: {every: $every, goal: $goal,/' -e 's/^vars:$/&\n  every: 1000000000/' dqn-cartpole/topo.yaml
options=(--kill actor/0 --kill learner --kill replay --kill replay,actor/1,counter)
[ "${SURVIVAL:-}" != all ] || options+=(--random 60 --whole 2 --seed "${SEED:-1}")
python3 "$TESTS/faults/survival.py" "${options[@]}" --table transitions --finish every=500 --set actors=2 --set max_steps=10000000 \
	--set fresh=0 "$LPAD" dqn-cartpole > report 2>&1 || { cat report out err; fail "it has not survived"; }
cat report
assert_contains "$(cat report)" "killed everything"
assert_equal 6 "$(grep -c 'CHECK .* PASS$' out)" "checks that passed"
