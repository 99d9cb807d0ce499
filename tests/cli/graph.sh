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

run_lpad graph --format pdf
assert_equal 2 "$code"
assert_contains "$err" '--format is text, mermaid, dot or json, not `pdf`'

run_lpad graph --set mode=rng
assert_equal 1 "$code"
assert_equal '' "$out"
assert_contains "$err" 'mode is one of central, ring: did you mean ring?'

run_lpad graph nowhere.yaml
assert_equal 3 "$code"
assert_equal '' "$out"

# A picture is the same on each machine.
cat > paths.yaml <<'END'
lpad: 1
name: paths
nodes:
  plot: {command: [python3, $here/plot.py, /tmp/plot.py]}
END
run_lpad graph -f mermaid paths.yaml
assert_exit 0
assert_contains "$out" '"plot: python3 plot.py /tmp/plot.py"'
run_lpad graph paths.yaml
assert_contains "$out" "python3 $PWD/plot.py /tmp/plot.py"

# For Graphviz, and for programs.
cat > both.yaml <<'END'
lpad: 1
name: both
nodes:
  sensor: {module: 'a"b\c.c', replicas: {row: 2, column: 3}}
  filter: {command: [jq, .]}
edges:
  - sensor.reading -> filter.stdin: {keep: latest}
  - sensor.peers -> sensor: {map: {along: row}}
END
run_lpad graph -f dot both.yaml
assert_exit 0
assert_equal 'digraph "both" {
	rankdir=LR;
	node [shape=box];
	"sensor" [label="sensor x 6 (row 2, column 3)\na\"b\\c.c", peripheries=2];
	"filter" [label="filter\njq .", shape=component];
	"sensor" -> "filter" [label="reading to stdin\nkeep latest", style=dashed];
	"sensor" -> "sensor" [label="peers\nalong row"];
}' "$out"
run_lpad graph --json both.yaml
assert_exit 0
assert_equal '{"node":"sensor","kind":"module","program":"a\"b\\c.c","replicas":6,"axes":{"row":2,"column":3}}' "$(jq -c '.nodes[0]' out)"
assert_equal '{"kind":"topic","from":"sensor","from_port":"reading","to":"filter","to_port":"stdin","map":"all","keep":"latest","pairs":6}' "$(jq -c '.edges[0]' out)"
