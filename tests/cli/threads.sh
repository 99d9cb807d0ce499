# SPDX-License-Identifier: MIT
# lpad launch --threads: the whole topology in one process, with the same results.
source "$TESTS/lib.sh"
share_modules

record=$XDG_STATE_HOME/lpad/runs/latest
result() { jq -r "$1" "$record/result.json"; }

run_lpad launch wordcount --set out=counts
assert_exit 0
run_lpad launch wordcount --threads --set out=counts_of_threads
assert_exit 0
cmp counts counts_of_threads || fail "the counts of threads"
assert_contains "$out" 'wordcount | '
assert_equal 1 "$(result '[.nodes[].pid] | unique | length')"
assert_equal "wordcount" "$(result '.nodes["mapper/0"].process')"
assert test -s "$record/logs/wordcount.log"
run_lpad launch consumer-producers --threads -q
assert_exit 0
assert_equal "10" "$(grep -c 'Results: \[0, 1\]' out)"
run_lpad launch wordcount --threads --dry-run
assert_exit 0
assert_contains "$out" 'would start 1 process'

# A failure ends the run and names its node, whatever the policies say.
cat > topo.yaml <<YAML
lpad: 1
name: all
defaults: {module: $TESTS/nodes/restart.c}
nodes:
  a: {implementation: failing, params: {code: 7}, on_failure: restart}
  b: {implementation: victim, params: {stays: true}, on_failure: ignore, replicas: 3}
YAML
run_lpad launch --threads
assert_exit 7
assert_contains "$err" 'lpad: a failed: run returned 7'
assert_contains "$err" 'lpad: 3 others ended because of it'
assert_equal "a 0" "$(result '"\(.cause.node) \(.nodes["b/2"].restarts)"')"

# A command cannot be a thread.
cat > topo.yaml <<YAML
lpad: 1
name: all
nodes:
  a: {module: $TESTS/nodes/restart.c, implementation: victim}
  plot: {command: [cat]}
YAML
run_lpad launch --threads
assert_exit 125
assert_contains "$err" 'plot is a command'
