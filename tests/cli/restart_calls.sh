# SPDX-License-Identifier: MIT
# lpad restart and lpad stop of one node: the calls that it has go on with its next incarnation, or end as the contract says; nobody hears
# that the program stops.
source "$TESTS/lib.sh"

cat > topo.yaml <<YAML
lpad: 1
name: calls
defaults: {module: $TESTS/nodes/kept.c}
nodes:
  server: {}
  caller: {}
edges:
  - caller.server -> server
YAML
start() {
	rm -f release
	export LPAD_RUN=$1
	"$LPAD" launch --json topo.yaml > events 2> messages &
	pid=$!
	wait_until file_has events 'has them'
	wait_until file_has events 'took two'
}
# While its fini runs, the calls wait.
order() {
	"$LPAD" "$1" server > order 2>&1 &
	order=$!
	wait_until file_has events 'fini of 1'
	touch release
	wait $order || { cat order; fail "lpad $1"; }
}
said() { jq -r 'select(.node == "caller" and .event == "output").text' events; }
finish() {
	run_lpad stop --code 0
	code=0
	wait $pid || code=$?
	assert_equal 0 $code
}

start calls-1
order restart
wait_until file_has events 'afterwards'
LOST="the server died with the call in flight; it may have been executed-2"
assert_equal "synchronous safe by 2
future keep $LOST
future safe by 2
future box $LOST
future safe_box by 2
future keep $LOST
future safe by 2
future box by 2
future safe_box by 2
afterwards keep by 2" "$(said)"
finish
assert_equal 1 "$(jq .nodes.server.restarts "$XDG_STATE_HOME/lpad/runs/calls-1/result.json")"

start calls-2
order stop
wait_until file_has events 'afterwards'
GONE="the peer will never come back-7"
assert_equal "synchronous safe $GONE
future keep $LOST
future safe $GONE
future box $LOST
future safe_box $GONE
future keep $LOST
future safe $GONE
future box $GONE
future safe_box $GONE
afterwards keep $GONE" "$(said)"
finish
assert_lacks "$(cat events)" "is stopping\""
