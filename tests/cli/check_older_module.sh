# SPDX-License-Identifier: MIT
# A module of an older header, with shorter rows, works: what it lacks counts as absent.
source "$TESTS/lib.sh"

cp "$TESTS/nodes/short_rows.c" .
cat > topo.yaml <<'END'
lpad: 1
name: t
nodes:
  early: {module: short_rows.c, params: {second: 5}}
  late:  {module: short_rows.c}
END
run_lpad check
assert_exit 0
run_lpad describe short_rows.c
assert_exit 0
assert_contains "$out" "early"
assert_contains "$out" "second  int  = 2  two"
assert_contains "$out" "late"
