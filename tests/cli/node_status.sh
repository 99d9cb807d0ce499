# SPDX-License-Identifier: MIT
# lpad_status: what nodes say of how they are, of a run under way, over a restart, and of one that has ended.
source "$TESTS/lib.sh"

cat > told.py <<'PY'
import lpad
node = lpad.node()
node.status("python", "knows %d words" % 3)
node.status("gone", "soon")
node.status("gone")
node.wait_stop()
PY
cat > topo.yaml <<YAML
lpad: 1
name: told
defaults: {module: $TESTS/nodes/statuses.c}
nodes:
  plain: {}
  again: {on_failure: {restart: 5, backoff: 1ms}}
  pair: {implementation: many, replicas: 2, process: both}
  program: {command: [python3, told.py], background: true}
YAML

texts_of() { "$LPAD" status --json ${2:+-r "$2"} "$1" | jq -cS '.nodes[0].status'; }
says() { [ "$(texts_of "$1")" = "$2" ]; }

start_lpad launch
wait_until says plain '{"":"without a name","gone":"will go","odd":"a b [1mc two","transitions":"1 of 1000 items"}'
touch go-on
wait_until says plain '{"":"without a name","odd":"a b [1mc two","transitions":"312 of 1000 items"}'
wait_until says program '{"python":"knows 3 words"}'
wait_until says again '{"first":"only of the first life","life":"1"}'
"$LPAD" kill again -9
wait_until says again '{"life":"2"}'

# At most 64 of a node, each on its own in a shared process; the user is told once.
wait_until file_has err 'pair/1: lpad_status: "n64" is not shown: a node has at most 64 names'
has_64() { "$LPAD" status --json pair | jq -e '[.nodes[].status | length] == [64, 64]' > /dev/null; }
wait_until has_64
assert_equal 2 "$(grep -c 'is not shown' err)"

run_lpad status
assert_contains "$out" "
plain transitions: 312 of 1000 items
plain: without a name
plain odd: a b [1mc two
again life: 2
again had failed in run: signal 9
pair/0 n0: 0
"
assert_contains "$out" "program python: knows 3 words"
assert_lacks "$out" "gone"

if command -v script > found; then
	script -qec "stty rows 30 cols 60; '$LPAD' watch -n 1" /dev/null < /dev/null > table
	assert_contains "$(tr -d '\r' < table)" "plain transitions  312 of 1000 items"
fi

kill -TERM "$lpad_pid"
finish_lpad
assert_exit 143
run_lpad status plain again
assert_contains "$out" "
plain transitions: 312 of 1000 items"
assert_contains "$out" "
plain end: has seen it all"
assert_contains "$out" "
again life: 2"
assert_equal '{"":"without a name","end":"has seen it all","odd":"a b [1mc two","transitions":"312 of 1000 items"}' "$(texts_of plain told-1)"
assert_equal '{"python":"knows 3 words"}' "$(texts_of program)"
