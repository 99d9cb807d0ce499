# SPDX-License-Identifier: MIT
# What check prints and how it exits.
source "$TESTS/lib.sh"
cp -R "$TESTS/../topologies/hello" "$TESTS/../topologies/consumer-producers" .

run_lpad check hello
assert_exit 0
assert_contains "$out" 'hello/topo.yaml: 1 node, 1 replica, 1 process, '
assert_contains "$out" ', 0 connections'
assert_equal "" "$err"

(cd hello && "$LPAD" check) > out || fail "the current folder's topo.yaml"
assert_contains "$(cat out)" 'topo.yaml: 1 node'
run_lpad check hello/topo.yaml
assert_exit 0
run_lpad check - < hello/topo.yaml
assert_exit 1          # hello.c is not in this folder
assert_contains "$out" 'there is no `hello.c` in'

run_lpad check consumer-producers --set producers=8
assert_exit 0
assert_contains "$out" '2 nodes, 9 replicas, 9 processes'

# Warnings alone are clean.
cp "$TESTS/nodes/globals.c" .
printf 'lpad: 1\nname: t\nnodes:\n  node: {module: globals.c, replicas: 4, per_process: 2}\n' > topo.yaml
run_lpad check
assert_exit 0
assert_contains "$out" 'warning: globals.c has writable globals ('
assert_contains "$out" 'topo.yaml: 1 warning, 1 node'

# Problems as JSON Lines, and the counts behind them.
printf 'lpad: 1\nname: t\nnodes:\n  node: {module: globls.c}\n' > topo.yaml
run_lpad check --json
assert_exit 1
assert_equal 'topo.yaml 4 18 4 26 error module-missing did you mean globals.c?' \
	"$(jq -r 'select(.rule) | "\(.file) \(.line) \(.column) \(.end_line) \(.end_column) \(.severity) \(.rule) \(.hint)"' out)"
assert_equal '1 1 0 1' "$(jq -r 'select(.schema) | "\(.schema) \(.errors) \(.warnings) \(.nodes)"' out)"

# Every combination of one_of variables, each problem once, with the combination in front of what is not in the first.
cat > topo.yaml <<'END'
lpad: 1
name: t
vars:
  mode: {default: one, one_of: [one, two, three]}
defaults: {module: consumer-producers/consumer_producers.c}
nodes:
  producer: {}
  consumer: {}
edges:
  - consumer.producers -> producer: {when: {mode: [one, three]}}
END
run_lpad check
assert_exit 1
assert_contains "$out" 'with mode=two, consumer.producers has no server'
assert_lacks "$out" 'mode=three'
assert_contains "$out" '(3 combinations checked)'
run_lpad check --set mode=three
assert_exit 0

run_lpad check nowhere.yaml
assert_exit 3
assert_contains "$out" 'nowhere.yaml'
run_lpad check --json nowhere.yaml
assert_exit 3
run_lpad check hello hello
assert_exit 2
run_lpad check --set producers
assert_exit 2
assert_contains "$err" '--set wants NAME=VALUE'
run_lpad check --jsn
assert_exit 2
assert_contains "$err" 'did you mean --json?'
run_lpad check --color sometimes hello
assert_exit 2
run_lpad check hello -- file
assert_exit 1
assert_contains "$out" 'has no $args'

# Colour only when asked for.
printf 'lpad: 1\nname: t\nnodes:\n  node: {module: globls.c}\n' > topo.yaml
run_lpad check --color always
assert_contains "$out" $'\033['
run_lpad check
assert_lacks "$out" $'\033['
