# SPDX-License-Identifier: MIT
# lpad sweep: all combinations, each with its record, the best first; goes on after failures, stops and resumes.
source "$TESTS/lib.sh"
records=$XDG_STATE_HOME/lpad/runs
cat > score.c <<'END'
#include <lpad/node.h>
struct score { double x, y; const char *fault; };
static int run(lpad_node *node)
{
	struct score *me = lpad_state(node);
	for (int i = 0; i < 3; i++)
		lpad_report(node, "height", 10 - (me->x - 2) * (me->x - 2) - me->y * i, i);
	printf("{\"not\": \"an event of lpad\"}\n");
	if (me->fault[0] == 'f')
		return lpad_fail(node, "as told");
	if (me->fault[0] == 'w')
		lpad_wait_stop(node, lpad_never());
	return 0;
}
static int check(lpad_node *node)
{
	struct score *me = lpad_state(node);
	return me->x == 3 && me->y == 3 ? lpad_fail(node, "params.x: 3 goes with any y but 3") : 0;
}
static const lpad_param params[] = { LPAD_REAL(struct score, x, "0", NULL, "where"), LPAD_REAL(struct score, y, "0", "0..", "slope"),
	LPAD_TEXT(struct score, fault, "none", "fail or wait"), LPAD_END };
LPAD_MODULE({ .name = "score", .state = sizeof(struct score), .params = params, .check = check, .run = run });
END
sed -i '1i #include <stdio.h>' score.c
cat > topo.yaml <<'END'
lpad: 1
name: hill
vars: {x: 0, y: 0, fault: none, words: [a, b]}
nodes:
  score: {module: score.c, params: {x: $x, y: $y, fault: $fault}}
  echo: {module: score.c, implementation: score, env: {WORDS: "${words}"}, when: {mode: never}}
END
sed -i '/echo/d; s/, words: \[a, b\]//' topo.yaml

# ---- all of them, best first ----

run_lpad sweep --vary x=0..4 --vary y=0,1.5 -j 3 --by score.height
assert_exit 0
assert_equal "x y score.height status exit" "$(head -n 1 out | awk '{ print $1, $2, $3, $4, $5 }')"
assert_equal "2:0:10 2:1.5:7 1:0:9 3:0:9" "$(for at in "2 0" "2 1.5" "1 0" "3 0"; do
	awk -v at="$at" '$1 " " $2 == at { printf "%s:%s:%s", $1, $2, $3 }' out; echo; done | paste -sd' ')" "values"
assert_equal "10" "$(sed -n 2p out | awk '{ print $3 }')" "the best is first"
assert_equal 10 "$(grep -c completed out)"
assert_contains "$err" "10 of 10"
assert_equal 10 "$(find "$records" -maxdepth 2 -name result.json | wc -l)" "records"
run_lpad sweep --vary x=0..4 --by score.height.min --vary y=1 --csv
assert_exit 0
assert_equal "x,y,status,exit,seconds,run,score.height.min,score.height" "$(head -n 1 out)"
assert_equal "0 4 1 3 2" "$(tail -n +2 out | cut -d, -f1 | paste -sd' ')" "the least first"
assert_equal "4,4" "$(sed -n 2p out | cut -d, -f7,8)"
run_lpad sweep --vary y=1 --vary x=3,1 --by score.height.mean --json
assert_exit 0
assert_equal '[["3","1",8],["1","1",8]]' "$(jq -c '[.runs[] | [.vars.x, .vars.y, .metrics["score.height"].mean]]' out)"
assert_equal '["score.height.mean",false,1]' "$(jq -c '[.by, .lowest, .schema]' out)"

run_lpad sweep --vary x=2,1 --by score.height --csv
assert_equal "x,status,exit,seconds,run,score.height" "$(head -n 1 out)" "a column once"
# What was measured stays, whatever becomes of the records.
"$LPAD" rm $(tail -n +2 out | cut -d, -f5) 2> /dev/null || fail "lpad rm"
run_lpad launch --set x=4
run_lpad sweep --resume latest --csv
assert_exit 0
assert_equal "2:10 1:9" "$(awk -F, 'NR > 1 { print $1 ":" $6 }' out | paste -sd' ')"

# ---- what goes wrong ----

run_lpad sweep --vary fault=none,fail,none2 --vary x=1 --by score.height
assert_exit 1
assert_equal "completed completed failed" "$(awk 'NR > 1 { print $4 }' out | sort | paste -sd' ')"
assert_contains "$err" "fault=fail x=1: failed, exit 1, score.height 9"
assert_equal failed "$(awk 'END { print $4 }' out)" "what failed is last"
run_lpad sweep --vary x=1,3 --vary y=0,3
assert_exit 1
assert_contains "$err" "x=3 y=3: not started, exit 125"
assert_contains "$err" 'topo.yaml:5:37: score: x: 3 goes with any y but 3'
for values in nought,1 1,nought; do
	run_lpad sweep --vary x=$values
	assert_exit 125
	assert_equal "" "$out"
	assert_contains "$err" 'a number is needed, not "nought"'
done
assert_contains "$err" "nothing was started: x=nought is refused"
run_lpad sweep --vary z=1
assert_exit 125
assert_contains "$err" "no variable of that name"
run_lpad sweep --vary x=1,2 --by score.hight
assert_exit 1
assert_contains "$err" "no run has reported score.hight"
assert_contains "$err" "has not reported score.hight; it has reported: score.height"
sed 's/  score: {/  many: {replicas: 3, implementation: score, module: score.c}\n&/' topo.yaml > many.yaml
run_lpad sweep many.yaml --vary x=1,2 --by score.hight
assert_exit 1
assert_contains "$err" "it has reported: many/0.height, score.height"$'\n' "a replica of each node"
for bad in "--vary x" "--vary x=" "--vary x=1,1" "--vary x=5..1" "--vary x=1 --set x=2" "--vary x=1 --vary x=2" "--vary x=1 -j 0" \
	"--vary x=1 --by height" "--vary x=1 --retry" "--resume latest --vary x=1" "" "--vary x=1..999999" "--vary x=1 -"; do
	# shellcheck disable=SC2086 # several words
	run_lpad sweep $bad
	assert_exit 2
done
run_lpad sweep --resume nothing-1
assert_exit 3
assert_contains "$err" "there is no sweep nothing-1"

# ---- stopped, and gone on with ----

started() { [ "$(grep -l '"height"' "$records"/hill-*/metrics.jsonl 2>/dev/null | wc -l)" = "$1" ]; }
rm -rf "$records"
start_lpad sweep --vary x=1..3 --vary fault=none,wait -j 6 --by score.height
wait_until started 6
three_done() { [ "$(grep -c '"completed"' "$records/.sweeps/hill-1/trials.jsonl")" = 3 ]; }
wait_until three_done
kill -INT "$lpad_pid"
finish_lpad
assert_exit 130
assert_contains "$err" "lpad sweep --resume hill-1"
assert_equal 3 "$(grep -c stopped out)"
# Now those that wait have a limit, and those that were done are not run again.
cat > edit.jq <<'END'
.time_limit = "300ms"
END
jq -f edit.jq "$records/.sweeps/hill-1/sweep.json" > changed && mv changed "$records/.sweeps/hill-1/sweep.json"
printf '{"trial": 4, "ru' >> "$records/.sweeps/hill-1/trials.jsonl"     # cut off; what comes is not lost with it
mkdir elsewhere
cd elsewhere || exit 2
run_lpad sweep --resume hill-1 -j 3
cd "$SCRATCH" || exit 2
assert_exit 1
assert_equal 9 "$(find "$records" -maxdepth 2 -name result.json | wc -l)" "6 records and 3 more"
assert_equal "3 3" "$(grep -c completed <<< "$out") $(grep -c 'time limit' <<< "$out")"
run_lpad sweep --resume latest
assert_exit 1
assert_equal 9 "$(find "$records" -maxdepth 2 -name result.json | wc -l)" "nothing is run again"
run_lpad sweep --resume latest --retry -j 3
assert_equal 12 "$(find "$records" -maxdepth 2 -name result.json | wc -l)" "what failed is"

# Killed: its runs end as well, and it can be resumed.
start_lpad sweep --vary x=1..2 --set fault=wait -j 2 --record killed
killed_started() { [ "$(grep -l '"height"' killed/hill-*/metrics.jsonl 2>/dev/null | wc -l)" = 2 ]; }
wait_until killed_started
kill -KILL "$lpad_pid"
finish_lpad
ended() { [ "$(find killed -maxdepth 2 -name result.json | wc -l)" = 2 ]; }
wait_until ended
start_lpad sweep --resume "$PWD/killed/.sweeps/hill-1" -j 2
more() { [ "$(grep -l '"height"' killed/hill-*/metrics.jsonl 2>/dev/null | wc -l)" = 4 ]; }
wait_until more
run_other() { "$LPAD" sweep --resume "$PWD/killed/.sweeps/hill-1" 2> other; }
run_other && fail "two at once"
assert_contains "$(cat other)" "is under way already"
kill -TERM "$lpad_pid"
finish_lpad
assert_exit 143
