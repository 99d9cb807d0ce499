# SPDX-License-Identifier: MIT
# Workers that wait for each other in a circle are told so, by name; who waits long hears why.
source "$TESTS/lib.sh"

cat > topo.yaml <<YAML
lpad: 1
name: waiting
vars: {alone: false}
defaults: {module: $TESTS/nodes/waiting.c}
nodes:
  worker: {replicas: 2}
  store: {}
  driver: {params: {alone: \$alone}}
edges:
  - worker.peers -> worker
  - worker.store -> store
  - driver.workers -> worker
  - driver.store -> store
YAML

run_lpad launch
assert_equal 0 "$code" "$err"
said=$out$err
assert_contains "$said" "offers get, idempotent"
assert_contains "$said" "offers task"
circle=$(grep -oE 'waiting in a circle: .*' <<< "$said" | head -n 1)
# Either worker may be the one whose call fails first; the other one goes on then, or fails too.
[[ $circle =~ ^'waiting in a circle: worker/'([01])' (task, '[0-9]+' ms) → get on worker/'([01])' (busy in task) → get on worker/'([01])$ ]] ||
	fail "$circle"
assert_equal "${BASH_REMATCH[1]}" "${BASH_REMATCH[3]}" "the circle closes"
[ "${BASH_REMATCH[1]}" != "${BASH_REMATCH[2]}" ] || fail "$circle"
assert_contains "$said" ": the callers wait for each other in a circle"
assert_contains "$said" "then: answered"

start_lpad launch --set alone=true
wait_until file_has err 'driver has waited 1[0-9] s for store.meet: driver is here, 1 of 2'
is_seen() { "$LPAD" status | grep -qE '^driver waits for store\.meet \([0-9]+ s\): driver is here, 1 of 2$'; }
wait_until is_seen
kill -INT "$lpad_pid"
finish_lpad
assert_exit 130
