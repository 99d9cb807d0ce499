# SPDX-License-Identifier: MIT
# on_failure: ignore: the run goes on without the dead, whose callers hear that it will not come back.
source "$TESTS/lib.sh"

cat > topo.yaml <<YAML
lpad: 1
name: ignore
defaults: {module: $TESTS/nodes/misbehave.c}
nodes:
  server: {on_failure: ignore}
  asker: {params: {method: crash_in_call}}
  late: {implementation: asker, params: {method: refuse, patient: true}}
edges:
  - asker.server -> server
  - late.server -> server
YAML
run_lpad launch --quiet
assert_equal 0 "$code" "$err"
assert_contains "$err" "server failed: signal 11 (segmentation fault); the run goes on without it (on_failure: ignore)"
assert_contains "$out" "-2 "    # LPAD_ELOST: it was under way
assert_contains "$out" "-7 "    # LPAD_EGONE: the server will never come back
