# SPDX-License-Identifier: MIT
# lpad graph: the file alone is enough.
source "$TESTS/lib.sh"

cat > topo.yaml <<'END'
lpad: 1
name: federated
vars:
  mode: {default: central, one_of: [central, ring]}
  clients: 10
defaults: {module: missing.c}
nodes:
  client: {replicas: $clients}
  server: {when: {mode: central}}
edges:
  - client.parent -> server
  - client.right -> client: {map: next, when: {mode: ring}}
END

run_lpad graph
assert_equal 0 "$code" "$err"
assert_equal 'federated, seed 1

nodes
  client  10  missing.c
  server   1  missing.c

edges
  client.parent -> server  calls  10 pairs' "$out"

run_lpad graph --set mode=ring --set clients=3 --format mermaid .
assert_equal 0 "$code" "$err"
assert_equal 'flowchart LR
    n0["client x 3: missing.c"]
    n0 -->|"right, next"| n0' "$out"

run_lpad graph --format dot
assert_equal 2 "$code"
assert_contains "$err" '--format is text or mermaid, not `dot`'

run_lpad graph --set mode=rng
assert_equal 1 "$code"
assert_equal '' "$out"
assert_contains "$err" 'mode is one of central, ring: did you mean ring?'

run_lpad graph nowhere.yaml
assert_equal 3 "$code"
assert_equal '' "$out"
