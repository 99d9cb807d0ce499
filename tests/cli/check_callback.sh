# SPDX-License-Identifier: MIT
# The check callback runs in a throw-away child: its complaints stand at the parameter, the replicas or the edge they name,
# and a crash or a hang is one problem that does not stop the rest.
source "$TESTS/lib.sh"
cp "$TESTS/nodes/check_callback.c" .

# check_node PARAMS [REPLICAS [SERVERS]]
check_node() {
	cat > topo.yaml <<END
lpad: 1
name: t
defaults: {module: check_callback.c}
nodes:
  node:
    replicas: ${2:-1}
    params: {$1}
  server: {replicas: ${3:-1}}
edges:
  - node.server -> server
END
	run_lpad check
}

check_node 'rows: 12, parts: 4'
assert_exit 0

check_node 'rows: 12, parts: 5'
assert_exit 1
assert_contains "$out" 'topo.yaml:7:24: error: node: parts: 12 rows cannot be cut into 5 parts [node-check]'

check_node 'parts: 4' 3
assert_exit 1
assert_contains "$out" 'topo.yaml:6:'
assert_contains "$out" 'at most 2, not 3'

check_node 'parts: 4' 1 2
assert_exit 1
assert_contains "$out" 'topo.yaml:10:'
assert_contains "$out" 'one server is enough'

check_node 'mode: plain'
assert_exit 1
assert_contains "$out" 'topo.yaml:5:3: error: node: it is the wrong day'

check_node 'mode: crash'
assert_exit 1
assert_contains "$out" 'topo.yaml:5:3: error: node: its check crashes: signal '

export LPAD_STEP_LIMIT=1
check_node 'mode: hang'
assert_exit 1
assert_contains "$out" 'topo.yaml:5:3: error: node: its check hangs: no answer within 1 s'
unset LPAD_STEP_LIMIT

# Calls are refused there, not made.
check_node 'mode: call'
assert_exit 1
assert_contains "$out" 'topo.yaml:5:3: error: node: '

# After a crash the same module is asked again for the next node.
cat > topo.yaml <<'END'
lpad: 1
name: t
defaults: {module: check_callback.c}
nodes:
  first: {implementation: node, params: {mode: crash}}
  second: {implementation: node, params: {parts: 5}}
  third: {implementation: node, params: {parts: 6}}
  server: {}
edges:
  - first.server -> server
  - second.server -> server
  - third.server -> server
END
run_lpad check
assert_exit 1
assert_equal 2 "$(grep -c ': error: ' out)"
assert_contains "$out" 'first: its check crashes'
assert_contains "$out" 'second: parts: 12 rows cannot be cut into 5 parts'
