# SPDX-License-Identifier: MIT
# Writers of overlapping sequences, one of them killed, and one that checks every sample, around a replay that is killed in the middle
# and comes back with less than it had.
source "$TESTS/lib.sh"
share_modules

cat > topo.yaml <<YAML
lpad: 1
name: replay-client
defaults: {module: $TESTS/nodes/replay_actors.c}
nodes:
  replay:
    module: replay.so
    on_failure: restart
    params:
      tables:
        sequences:
          sampler: prioritized
          max_size: 500
          limiter: {samples_per_insert: 8, min_size: 50, error_buffer: 400}
        steps: {max_size: 100}
  writer: {replicas: 2, on_failure: restart}
  checker: {}
edges:
  - writer.replay -> replay
  - checker.replay -> replay
YAML

export LPAD_RUN=replay-client-1
start_lpad launch topo.yaml
wait_until -t 120 file_has err 'checked incarnation 1'
inserts() { "$LPAD" call replay.status | jq '.tables.sequences.inserts'; }
assert "$LPAD" call replay.checkpoint > checkpoint
before=$(inserts)
inserted_more() { [ "$(inserts)" -gt $((before + $1)) ]; }
wait_until inserted_more 100
assert "$LPAD" kill writer/0 -9 2> killed
wait_until file_has err 'writer/0: signal 9'
wait_until inserted_more 300
assert "$LPAD" kill replay -9 2> killed
finish_lpad
assert_exit 0
for incarnation in 1 2; do
	assert_contains "$err" "checked incarnation $incarnation, of writers 1 1, padded 1"
done
assert_contains "$err" "table sequences goes on with 500 items from"
assert_contains "$err" "all samples were right"
assert_equal "1 1 0" "$(jq -r '[.nodes["replay", "writer/0", "writer/1"].restarts] | join(" ")' "$XDG_STATE_HOME/lpad/runs/latest/result.json")" restarts
