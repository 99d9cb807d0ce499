# SPDX-License-Identifier: MIT
# A day in the shell: what a researcher types, line by line.
source "$TESTS/lib.sh"
mkdir bin
ln -s "$LPAD" bin/lpad
export PATH=$SCRATCH/bin:$PATH
runs=$XDG_STATE_HOME/lpad/runs

# $ lpad new bandit && cd bandit && lpad launch
(lpad new bandit && cd bandit && lpad launch) > new 2>&1 || { cat new; fail "lpad new and launch"; }

# $ $EDITOR topo.yaml dqn.c
mkdir dqn
cd dqn || exit 2
cp "$TESTS/nodes/dqn.c" .
cat > topo.yaml <<'END'
lpad: 1
name: dqn
vars:
  actors: 2
  lr: 1e-3
  steps: 0
  mode: {default: plain, one_of: [plain, watched]}
defaults: {module: dqn.c, on_failure: restart}
nodes:
  replay:
  learner: {params: {steps: $steps}}
  actor: {replicas: $actors, background: true}
  evaluator: {params: {lr: $lr}}
  second: {implementation: evaluator, params: {lr: $lr}, when: {mode: watched}}
edges:
  - actor.replay -> replay
  - learner.weights -> evaluator.weights
  - learner.weights -> second.weights
END

# $ lpad check
sed 's/replay:$/replay: {replicas: 2}/' topo.yaml > wrong.yaml
run_lpad check wrong.yaml
assert_exit 1
assert_contains "$out$err" 'actor.replay takes one server, but replay has 2 replicas [edge-arity]'
run_lpad check
assert_exit 0

# $ lpad launch        ^C
start_lpad launch
first_line() { grep -qE "^lpad: run dqn-1, seed 1, $runs/dqn-1$" err; }
wait_until first_line
running() { [ "$(lpad status --json | jq -r .phase)" = run ]; }
wait_until running 2> /dev/null
kill -INT "$lpad_pid"
finish_lpad
assert_exit 130

# $ export LPAD_RUN=$(lpad launch --detach --set actors=8)
LPAD_RUN=$(lpad launch --detach --set actors=8) || fail "lpad launch --detach"
export LPAD_RUN
assert_equal dqn-2 "$LPAD_RUN"
launch_pid=$(lpad status --json | jq .pid)
# $ lpad status
assert_equal 11 "$(lpad status --json | jq '.nodes | length')"
assert_equal 8 "$(lpad status | grep -c 'actor/. *running')"
# $ lpad logs learner -f
lpad logs learner -f > learner.log 2>&1 &
logs_pid=$!
# $ lpad watch evaluator.return
run_lpad watch evaluator.return -n 2
assert_exit 0
assert_equal 2 "$(wc -l < out)"
# $ lpad call replay.status | jq .tables.transitions
has_transitions() { [ "$(lpad call replay.status | jq .tables.transitions)" -gt 0 ]; }
wait_until has_transitions
# $ lpad kill actor/3 -9 && lpad status actor/3
lpad kill actor/3 -9 || fail "lpad kill"
restarted() { [ "$(lpad status actor/3 --json | jq -r '.nodes[0] | "\(.restarts) \(.state)"')" = "1 running" ]; }
wait_until restarted
# $ lpad restart learner
before=$(lpad status learner --json --metrics | jq '.nodes[0].metrics.loss.step')
lpad restart learner || fail "lpad restart"
assert_equal 1 "$(lpad status learner --json | jq '.nodes[0].restarts')"
# $ lpad wait --until 'learner.loss<0.1' --timeout 10m || echo no
assert_equal "" "$(lpad wait --until 'learner.loss<0.1' --timeout 10m 2> /dev/null || echo no)"
# $ lpad stop
run_lpad stop
assert_exit 0
wait_until process_gone "$launch_pid"
wait "$logs_pid" || fail "lpad logs -f: exit $?"
[ "$(sed -n 's/.*goes on at step //p' learner.log)" -ge "$before" ] || { cat learner.log; fail "restored at $before"; }
assert_equal "143 1" "$(jq -r '"\(.exit) \(.nodes["actor/3"].restarts)"' "$runs/$LPAD_RUN/result.json")"
unset LPAD_RUN

# $ lpad sweep . --vary lr=1e-3,1e-4 --vary seed=1..5 -j 2 --by evaluator.return.max
run_lpad sweep . --vary lr=1e-3,1e-4 --vary seed=1..3 -j 2 --by evaluator.return.max --set steps=5 --set actors=1
assert_exit 0
assert_equal "1e-3 1e-3 1e-3 1e-4 1e-4 1e-4" "$(awk 'NR > 1 { print $1 }' out | paste -sd' ')" "the best first"
best=$(awk 'NR == 2 { print $NF }' out)
worst=$(awk 'END { print $NF }' out)
# $ lpad ps -a --columns vars.lr,vars.seed,evaluator.return.max,time --sort -evaluator.return.max | head
lpad ps -a --columns vars.lr,vars.seed,evaluator.return.max,time --sort -evaluator.return.max > list || fail "lpad ps"
assert_contains "$(head -n 1 list)" vars.lr
assert_equal 10 "$(wc -l < list)" "9 runs"
# $ lpad diff dqn-23 dqn-31
run_lpad diff "$best" "$worst"
assert_exit 1
assert_contains "$out" "1e-3"
# $ lpad launch --again dqn-23
echo nonsense > dqn.c
echo nonsense > topo.yaml
run_lpad launch --again "$best"
assert_exit 0
assert_equal "$(jq -c .vars "$runs/$best/manifest.json")" "$(jq -c .vars "$runs/latest/manifest.json")" "the same variables"
# $ lpad rm --older 30d
run_lpad rm --older 30d
assert_exit 0
assert_equal 9 "$(find "$runs" -maxdepth 2 -name result.json -path '*dqn-*' | wc -l)" "none is so old"
run_lpad rm "$worst"
assert_exit 0
assert test ! -e "$runs/$worst"
