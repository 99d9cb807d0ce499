# SPDX-License-Identifier: MIT
# lpad kill: a signal to nodes is a failure where it ends them, and their policy acts; the whole run at once.
source "$TESTS/lib.sh"

cat > topo.yaml <<YAML
lpad: 1
name: killed
defaults: {module: $TESTS/nodes/talked_to.c, implementation: steady}
nodes:
  actor: {replicas: 4, on_failure: {restart: 5, backoff: 1ms}}
  lost: {on_failure: ignore}
  frail: {}
YAML
begin() {
	: > events                               # not those of the launch before
	"$LPAD" launch --json topo.yaml > events 2> messages &
	pid=$!
	wait_until file_has events '"phase":"run"'
}
ends() {
	local code=0
	wait $pid || code=$?
	assert_equal "$1" $code "exit of the launch"
}
kills() {
	local expected=$1
	shift
	run_lpad kill "$@"
	assert_exit "$expected"
}
# actor_is INDEX RESTARTS: it runs again.
actor_is() { "$LPAD" status --json "actor/$1" | jq -e ".nodes[0] | .restarts == $2 and .state == \"running\"" > /dev/null; }

kills 3 actor
begin
kills 0 actor/3 -9
wait_until actor_is 3 1
kills 0 -KILL actor/2
wait_until actor_is 2 1
kills 0 -s kill actor/1
wait_until actor_is 1 1
kills 0 actor/0
wait_until actor_is 0 1
assert_equal 15 "$("$LPAD" status --json actor/0 | jq '.nodes[0].last_failure.signal')"
kills 0 --json -9 actor
assert_equal 4 "$(jq '.nodes | length' out)"
wait_until actor_is 0 2
kills 0 lost -9
is_dead() { [ "$("$LPAD" status --json lost | jq -r '.nodes[0] | "\(.state) \(.failure.signal)"')" = "dead 9" ]; }
wait_until is_dead
kills 1 lost -9
assert_contains "$err" "lost has no process now (dead)"
kills 2 actor/3 -NONE
assert_contains "$err" 'there is no signal `NONE`'
kills 2 -s 900 actor
kills 3 actr/3 -9
kills 0 -CONT
# Its policy is to stop the run: by its signal, 128 + 6.
kills 0 -ABRT frail
ends 134

begin
kills 0
assert_contains "$err" "has ended: stopped, exit 137"
ends 137
assert_equal "lpad kill" "$(jq -r .cause.what "$XDG_STATE_HOME/lpad/runs/latest/result.json")"
assert_equal "" "$(ls "$XDG_RUNTIME_DIR/lpad")" "socket folders"
