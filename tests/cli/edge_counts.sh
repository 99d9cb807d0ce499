# SPDX-License-Identifier: MIT
# What result.json counts on an edge: every message at every subscriber, published bytes once, delivered bytes at each.
source "$TESTS/lib.sh"

cat > topo.yaml <<YAML
lpad: 1
name: counts
defaults: {module: $TESTS/nodes/steady.c}
nodes:
  source: {}
  sink: {replicas: 3}
  adder: {implementation: sink}
edges:
  - source.number -> sink.number
  - source.number -> adder.number
  - source.adder -> adder
YAML
touch go-on
run_lpad launch --quiet
assert_equal 0 "$code" "$err"
result=$XDG_STATE_HOME/lpad/runs/latest/result.json
counts() { jq -r ".edges[$1] | \"\(.published) \(.received // .to.received) \(.dropped) \(.lost) \(.bytes) \(.to.delivered_bytes)\"" "$result"; }
assert_equal "6000 6000 0 0 16000 48000" "$(counts 0)" "three subscribers"
assert_equal "2000 2000 0 0 16000 16000" "$(counts 1)" "one subscriber"
assert_equal "2000 32000 16000" "$(jq -r '.edges[2] | "\(.messages) \(.bytes) \(.delivered_bytes)"' "$result")" "calls"
