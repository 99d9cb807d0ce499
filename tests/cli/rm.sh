# SPDX-License-Identifier: MIT
# lpad rm: records by name, by age and by how they ended; never one under way, never what a link points at.
source "$TESTS/lib.sh"

cat > one.c <<'C'
#include <lpad/node.h>

struct one { int64_t code; bool waits; };

static int run(lpad_node *node)
{
	struct one *me = lpad_state(node);
	return me->waits ? lpad_wait_stop(node, lpad_never()) : (int)me->code;
}

static const lpad_param params[] = {
	LPAD_INT(struct one, code, "0", "0..125", "to end with"),
	LPAD_BOOL(struct one, waits, "false", "for the stop"),
	LPAD_END
};
LPAD_MODULE({ .name = "one", .state = sizeof(struct one), .params = params, .run = run });
C
cat > topo.yaml <<'YAML'
lpad: 1
name: one
vars: {code: 0, waits: false}
nodes:
  one: {module: one.c, params: {code: $code, waits: $waits}}
YAML
runs=$XDG_STATE_HOME/lpad/runs
left() { ls "$runs" | grep -v latest | xargs; }

# removes EXIT STDOUT ARGUMENT...
removes() {
	local wanted=$1 text=$2
	shift 2
	run_lpad rm "$@"
	assert_exit "$wanted"
	assert_equal "$text" "$out" "rm $*"
}
launches() { "$LPAD" launch --quiet "$@" 2> launch.err; }

# ---- what is wrong ----

removes 2 ""
assert_contains "$err" "Runs are named, or --older"
removes 2 "" --older 30d one-1
removes 2 "" --older 30
removes 3 "" one-1
removes 0 "" --older 0s
assert_contains "$err" "there is no such run"

# ---- by name ----

for code in 0 3 0 0 0; do
	launches --set code=$code
done
removes 3 "" one-1 one-9
assert_contains "$err" "there is no run one-9"
assert_contains "$err" "nothing was removed"
removes 0 "would remove one-1 (completed, exit 0)" --dry-run one-1
assert_equal "one-1 one-2 one-3 one-4 one-5" "$(left)"
mkdir outside
touch outside/kept
ln -s "$PWD/outside" "$runs/one-1/nodes/link"
ln -s "$PWD/outside/kept" "$runs/one-1/nodes/file"
removes 0 "removed one-1 (completed, exit 0)" one-1 one-1
assert test -f outside/kept
assert_equal "one-5" "$(readlink "$runs/latest")"
removes 0 "removed one-5 (completed, exit 0)" "$runs/one-5/"
assert_equal "one-4" "$(readlink "$runs/latest")" "latest"
assert_equal "one-2 one-3 one-4" "$(left)"

# A folder that only looks like a record is left alone, and so is what a link names.
mkdir project
echo '{"name": "a page of the web"}' > project/manifest.json
removes 1 "" ./project
assert_contains "$err" "is no record of a run project"
assert test -f project/manifest.json
ln -s "$PWD/project" "$runs/one-6"
removes 1 "" one-6
assert test -f project/manifest.json
rm "$runs/one-6"

# ---- by age and end ----

touch -d '40 days ago' "$runs/one-3/result.json"
removes 0 "would remove one-3 (completed, exit 0)" --older 30d -n
removes 0 '{"schema":1,"dry_run":false,"removed":[{"run":"one-3","record":"'"$runs"'/one-3"}]}' --older 30d --json
removes 0 "" --older 30d --failed
removes 0 "removed one-2 (failed, exit 3)" --failed
assert_equal "one-4" "$(left)"

# ---- never one that is under way ----

start_lpad launch --quiet --set waits=true
wait_until test -e "$runs/one-5/metrics.jsonl"
removes 1 "" one-4 one-5
assert_contains "$err" "run one-5 is under way"
removes 0 "removed one-4 (completed, exit 0)" --older 0s
assert_equal "one-5" "$(left)"
# Not even half removed when it begins between the look and the act: its guardian alone holds it.
kill -STOP "$lpad_pid"
kill -KILL "$(jq .pid "$runs/one-5/manifest.json")"
removes 1 "" one-5
kill -CONT "$lpad_pid"
finish_lpad
removes 0 "removed one-5 (killed, exit 137)" one-5
assert_equal "" "$(left)"
assert test ! -L "$runs/latest"

# ---- of a lost one, its sockets, too; of another one's that has its number by now, nothing ----

lose() {
	start_lpad launch --quiet --set waits=true
	record=$runs/one-1
	wait_until test -e "$record/metrics.jsonl"
	sockets=$(jq -r .sockets "$record/manifest.json")
	kill -KILL "$lpad_pid" "$(jq .pid "$record/manifest.json")"
	wait "$lpad_pid" 2> killed
	is_lost() { [ "$("$LPAD" ps -a --json | jq -r '.runs[0].state')" = lost ]; }
	wait_until is_lost
}
lose
assert test -d "$sockets"
removes 0 "removed one-1 (lost: its processes were killed, or could not write the result)" --failed
assert test ! -e "$sockets"
lose
ln -sfn "$runs/other-1" "$sockets/record"
removes 0 "removed one-1 (lost: its processes were killed, or could not write the result)" one-1
assert test -d "$sockets"
rm -r "$sockets"

# ---- elsewhere ----

launches --record elsewhere
removes 0 "removed one-1 (completed, exit 0)" --record elsewhere one-1
assert_equal "" "$(ls -A elsewhere)"
