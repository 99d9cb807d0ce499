# SPDX-License-Identifier: MIT
# Who is held back by a limiter of replay, on either side, and why: in a note after ten seconds, and in lpad status all along.
source "$TESTS/lib.sh"
share_modules

cat > topo.yaml <<YAML
lpad: 1
name: held
defaults: {module: $TESTS/nodes/survival.c}
nodes:
  empty: {module: replay.so, params: {tables: {sequences: {max_size: 5000, limiter: {min_size: 1000}}}}}
  full: {module: replay.so, params: {tables: {sequences: {max_size: 5000, limiter: {samples_per_insert: 2, min_size: 100, error_buffer: 50}}}}}
  learner: {}
  actor: {}
edges:
  - learner.replay -> empty
  - actor.replay -> full
YAML
empty='table sequences: 0 of 1000 items, samples wait until there are 1000; nobody has inserted yet'
full='table sequences: 50 samples behind (inserts wait until samples are drawn; range -50 to 50); nobody has sampled yet'
says() { "$LPAD" status | grep -qE -- "$1"; }

start_lpad launch
wait_until says '^empty sequences: 0 of 1000 items that samples wait for, 0 inserted, 0 sampled; 2 samples wait, learner for [0-9]+ s; nobody has inserted yet$'
wait_until says '^full sequences: 125 of 5000 items, 125 inserted, 0 sampled, error 50 in -50 to 50; [0-9]+ inserts? waits?, actor for [0-9]+ s; nobody has sampled yet$'
wait_until file_has err "^lpad: learner has waited 1[0-9] s for empty.sample: $empty$"
wait_until file_has err "^lpad: actor has waited 1[0-9] s for full.append: $full$"
run_lpad status
assert_contains "$(sed -E 's/ \([0-9]+ s\)//' out)" "
learner waits for empty.sample: $empty"
assert_contains "$(sed -E 's/ \([0-9]+ s\)//' out)" "
actor waits for full.append: $full"
run_lpad call full.status
assert_equal 'insert actor' "$(jq -r '.tables.sequences.waiting[0] | "\(.side) \(.caller)"' out)"

kill -TERM "$lpad_pid"
finish_lpad
assert_exit 143
run_lpad status full
assert_contains "$out" "full sequences: 125 of 5000 items, 125 inserted"
