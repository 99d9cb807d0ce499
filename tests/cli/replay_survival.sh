# SPDX-License-Identifier: MIT
# An actor, the learner, replay, several of them and everything at once are killed: no item comes twice, none that was saved is lost,
# and samples and inserts stay in their ratio. SURVIVAL=all: 200 deaths at any moment, too.
source "$TESTS/lib.sh"
share_modules

command -v python3 > found || { echo "skipped: there is no python3"; exit 0; }
cat > topo.yaml <<YAML
lpad: 1
name: survival
on_failure: {restart: 1000, within: 1m, backoff: 1ms..10ms}
defaults: {module: $TESTS/nodes/survival.c}
nodes:
  replay:
    module: replay.so
    params:
      checkpoint: {every: 200ms}
      tables:
        sequences:
          sampler: prioritized
          sampler_exponent: 0.6
          max_size: 10000000
          limiter: {samples_per_insert: 16, min_size: 100, error_buffer: 640}
  learner: {}
  actor: {replicas: 2}
edges:
  - actor.replay -> replay
  - learner.replay -> replay
YAML
options=(--kill actor/0 --kill learner --kill replay --kill replay,actor/1 --whole 1)
[ "${SURVIVAL:-}" != all ] || options+=(--random 200 --whole 5 --seed "${SEED:-1}")
python3 "$TESTS/faults/survival.py" "${options[@]}" "$LPAD" topo.yaml > report 2>&1 || { cat report err; fail "it has not survived"; }
cat report
assert_contains "$(cat report)" "killed everything"
