# SPDX-License-Identifier: MIT
# lpad ps: runs under way, ended and lost; columns, sorting, JSON; what a stuck supervisor and a second user can do.
source "$TESTS/lib.sh"

cat > reports.c <<'C'
#include <lpad/node.h>

struct reports { double base; bool waits; };

static int run(lpad_node *node)
{
	struct reports *me = lpad_state(node);
	for (int step = 1; step <= 4; step++)
		lpad_report(node, "return.total", me->base * (1 + lpad_index(node)) + step, step);
	return me->waits ? lpad_wait_stop(node, lpad_never()) : 0;
}

static const lpad_param params[] = {
	LPAD_REAL(struct reports, base, "0", "", "added"),
	LPAD_BOOL(struct reports, waits, "false", "for the stop"),
	LPAD_END
};
LPAD_MODULE({ .name = "reports", .state = sizeof(struct reports), .params = params, .run = run });
C
cat > topo.yaml <<'YAML'
lpad: 1
name: try
vars: {base: 10, waits: false}
nodes:
  evaluator: {module: reports.c, replicas: 2, params: {base: $base, waits: $waits}}
YAML

# ---- none ----

run_lpad ps
assert_exit 0
assert_contains "$err" "no run is under way"
run_lpad ps --json
assert_equal '{"schema":1,"runs":[]}' "$out"

# ---- ended ----

for base in 10 9 200; do
	"$LPAD" launch --quiet --set base=$base || fail "launch"
done
run_lpad ps
assert_exit 0
assert_lacks "$out" try-
run_lpad ps -a --columns state,exit,status,vars.base,nodes,seed
assert_exit 0
assert_equal "run    state  exit  status     vars.base  nodes  seed
try-3  ended     0  completed  200            2     1
try-2  ended     0  completed  9              2     1
try-1  ended     0  completed  10             2     1" "$out" "the newest first"

# Variables are sorted as numbers; of replicas: least, greatest, sum, means.
ids() { tail -n +2 <<< "$out" | cut -d' ' -f1 | xargs; }
run_lpad ps -a --sort vars.base
assert_equal "try-2 try-1 try-3" "$(ids)"
run_lpad ps -a --sort -evaluator.return.total.max
assert_equal "try-3 try-1 try-2" "$(ids)"
run_lpad ps -a --json -c evaluator.return.total.min,evaluator.return.total.max,evaluator.return.total.count,evaluator.return.total,evaluator.return.total.mean,evaluator/1.return.total
assert_equal '[11,24,8,19,17.5,24]' "$(jq -c '.runs[] | select(.run == "try-1") | del(.run) | [.[]]' <<< "$out")"

# ---- what is not there ----

refused() {
	local code_wanted=$1 text=$2
	shift 2
	run_lpad ps -a "$@"
	assert_exit "$code_wanted"
	assert_contains "$err" "$text"
}
refused 2 'there is no column `tim`: did you mean time?' --columns run,tim
refused 2 'there is no column `what`' --sort -what
refused 2 "a name is missing" --columns run,,time
refused 2 "--sort takes one column" --sort run,time
refused 1 'the variable `bse`: did you mean vars.base?' --columns vars.bse
refused 1 'the node `evaluater`: did you mean evaluator?' --columns evaluater.return.total
refused 1 'the metric `return.totl`: did you mean evaluator.return.total?' --sort evaluator.return.totl

# ---- under way ----

start_lpad launch --quiet --set waits=true
record=$XDG_STATE_HOME/lpad/runs/try-4
wait_until file_has "$record/metrics.jsonl" '"evaluator/1".*"step":4'
run_lpad ps --json -c state,exit,vars.waits,evaluator.return.total.max,nodes,time
assert_equal '["try-4","running",null,"true",24,2]' "$(jq -c '.runs[0] | [.run, .state, .exit, .["vars.waits"], .["evaluator.return.total.max"], .nodes]' <<< "$out")"
assert_equal 1 "$(jq '.runs | length' <<< "$out")" "runs under way"
assert_equal true "$(jq '.runs[0].time > 0' <<< "$out")" time
run_lpad ps -c evaluator.never            # it may still come
assert_exit 0

# A supervisor that does not answer holds up nothing for long, and its record says the rest.
supervisor=$(jq .pid "$record/manifest.json")
kill -STOP "$supervisor"
for ((i = 0; i < 20; i++)); do
	"$LPAD" ps --json > "stuck$i" &         # more than its socket takes
done
wait $(jobs -p | grep -vx "$lpad_pid")
for ((i = 0; i < 20; i++)); do
	assert_equal '["try-4","running"]' "$(jq -c '.runs[0] | [.run, .state]' "stuck$i")" "a stopped supervisor"
done
run_lpad ps --json -c evaluator.return.total.max
assert_equal 24 "$(jq '.runs[0]["evaluator.return.total.max"]' <<< "$out")" "from metrics.jsonl"
kill -CONT "$supervisor"

# A second user cannot ask it, nor see its sockets.
sockets=$(jq -r .sockets "$record/manifest.json")
assert_equal "700 600" "$(stat -c %a "$sockets" "$sockets/control" | xargs)" "modes"
if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null; then
	other=(setpriv --reuid 65534 --regid 65534 --clear-groups env "XDG_STATE_HOME=$XDG_STATE_HOME")
	chmod 711 "$SCRATCH/.." "$XDG_STATE_HOME" "$XDG_RUNTIME_DIR" "$(dirname "$sockets")"
	code=0
	"${other[@]}" ls "$sockets" > out 2>&1 || code=$?
	assert_equal 2 $code "another user lists the sockets"
	# Even with the folder open to all, who connects is looked at.
	chmod 711 "$sockets"
	chmod 666 "$sockets/control"
	cp "$LPAD" lpad.copy
	chmod 755 lpad.copy .
	code=0
	"${other[@]}" timeout 20 ./lpad.copy call -r "$record" evaluator/0.x > out 2>&1 || code=$?
	assert_equal 3 $code "another user calls: $(cat out)"
	assert_contains "$(cat out)" "the run belongs to another user"
	chmod 600 "$sockets/control"
	chmod 700 "$sockets" "$(dirname "$sockets")"
fi

# ---- lost ----

run_lpad ps
assert_equal "try-4" "$(ids)"
kill -KILL "$lpad_pid" "$supervisor"
wait "$lpad_pid" 2> wait.err
is_lost() { [ "$("$LPAD" ps -a --json -c state,time | jq -r '.runs[0].state')" = lost ]; }
wait_until is_lost
run_lpad ps
assert_equal "" "$(ids)"
run_lpad ps -a -c state,exit,time,evaluator.return.total.max
assert_contains "$out" "try-4  lost      -      -"
assert_contains "$out" "24"
LPAD_RUN=try-4 run_lpad call evaluator/0.x
assert_exit 3
assert_contains "$err" "run try-4 is not under way: it has ended (lost: its processes were killed, or could not write the result)"
run_lpad call -r tri-4 evaluator/0.x
assert_exit 3
assert_contains "$err" "did you mean try-4?"
rm -r "$sockets"

# ---- other folders ----

"$LPAD" launch --quiet --record elsewhere || fail "launch"
mkdir elsewhere/no-record
touch elsewhere/file
run_lpad ps -a --record elsewhere
assert_equal "try-1" "$(ids)"
run_lpad ps -a --record nowhere
assert_exit 0
assert_contains "$err" "there are no records"
