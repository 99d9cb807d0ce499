# SPDX-License-Identifier: MIT
# What could not be made is never sent as something else: each send fails with the reason.
source "$TESTS/lib.sh"

cat > topo.yaml <<YAML
lpad: 1
name: broken
nodes:
  broken: {module: $TESTS/nodes/broken.c}
edges:
  - broken.self -> broken
YAML
run_lpad launch --quiet
assert_equal 0 "$code" "$err"
for what in call start save; do
	assert_contains "$(grep "^$what " out)" "$what -5 not one JSON text"
done
assert_contains "$(grep '^publish ' out)" "publish -5 "
assert_contains "$(grep '^answer ' out)" "broken.spoil: not one JSON text"
assert_contains "$out" "fine 0"
assert_contains "$out" "kind 0 size 0 body 0"
assert [ ! -e broken.safetensors ]
