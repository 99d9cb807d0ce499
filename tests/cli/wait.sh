# SPDX-License-Identifier: MIT
# lpad wait: for the end of a run, for a number, for a state, and no longer than it should.
source "$TESTS/lib.sh"

# Reports 10, 9, 8 ... each time a file with that number appears, and ends with 0.
cat > steps.c <<'C'
#include <lpad/node.h>
#include <stdio.h>
#include <unistd.h>

static int run(lpad_node *node)
{
	for (int value = 10; value >= 0; value--) {
		char name[20];
		snprintf(name, sizeof name, "go%d", value);
		while (access(name, F_OK))
			if (lpad_wait_stop(node, lpad_in(0.01)) == 0)
				return 0;
		lpad_report(node, "loss", value, 10 - value);
	}
	return 7;
}

LPAD_MODULE({ .name = "steps", .run = run });
C
cat > topo.yaml <<'YAML'
lpad: 1
name: steps
nodes:
  learner: {module: steps.c, replicas: 2}
YAML
runs=$XDG_STATE_HOME/lpad/runs

# waits EXIT ARGUMENT...
waits() {
	local wanted=$1
	shift
	run_lpad wait "$@"
	assert_exit "$wanted"
}

# ---- what is wrong ----

waits 3
assert_contains "$err" "there is no record of one"
waits 2 --until 'learner.loss'
assert_contains "$err" "is no condition"
waits 2 --until 'learner.loss<1' --timeout 5
assert_contains "$err" "a duration needs a unit"
waits 2 learner

# ---- a run that goes on ----

touch go10 go9
start_lpad launch --quiet
running=$lpad_pid
wait_until file_has "$runs/steps-1/metrics.jsonl" '"value":9'
waits 3 --until 'lerner.loss<1'
assert_contains "$err" "did you mean learner?"
waits 3 --until 'learner/2.loss<1'
assert_contains "$err" "there is no replica learner/2 in run steps-1: learner has 2"
waits 0 --until 'learner.loss <= 9' --timeout 1m
waits 0 --until 'learner/1.loss.max==10' --timeout 1m
waits 0 --until 'learner.loss.count >= 2' --timeout 1m
waits 0 --until 'learner/0 running' --timeout 1m
waits 0 --until 'learner.loss!=10' --json
assert_equal '{"schema":1,"run":"steps-1","state":"running","status":null,"exit":null,"met":true}' "$out"
waits 124 --until 'learner.loss<9' --timeout 100ms
assert_contains "$err" "lpad wait: run steps-1: learner.loss<9 did not come in time"
waits 124 --until 'learner/0 dead' --timeout 100ms
waits 124 --timeout 100ms
assert_contains "$err" "its end did not come in time"

# Each number counts, also one that is gone by the next look.
"$LPAD" wait --until 'learner/0.loss==5' --timeout 1m & equal=$!
"$LPAD" wait --until 'learner.loss<8' --timeout 1m & less=$!
"$LPAD" wait --until 'learner.loss.mean<6' --timeout 1m & mean=$!
"$LPAD" wait --until 'learner.loss<-1' --timeout 1m 2> never.err & never=$!
"$LPAD" wait --json > end & end=$!
is_waiting() { ls -l "/proc/$1/fd" 2> /dev/null | grep -q metrics.jsonl; }
for pid in $equal $less $never; do
	wait_until is_waiting "$pid"
done
touch go8 go7 go6 go5 go4 go3
code_of() { code=0; wait "$1" || code=$?; }
for pid in $equal $less; do
	code_of "$pid"
	assert_equal 0 $code "met while it went on"
done
touch go2 go1 go0
code_of $mean
assert_equal 0 $code "mean"
code_of "$running"
assert_equal 7 $code "the run"
code_of $never
assert_equal 1 $code "never"
assert_contains "$(cat never.err)" "run steps-1 has ended (failed, exit 7) without \`learner.loss<-1\`"
code_of $end
assert_equal 7 $code "the end"
assert_equal '{"schema":1,"run":"steps-1","state":"ended","status":"failed","exit":7}' "$(cat end)"

# ---- a run that is over ----

waits 7
waits 0 -r steps-1 --until 'learner.loss<1'
waits 0 -r "$runs/steps-1" --until 'learner.loss.count>=10'
waits 1 -r latest --until 'learner.loss>9'
LPAD_RUN=steps-1 waits 1 --until 'learner running'
waits 3 -r step-1
assert_contains "$err" "did you mean steps-1?"

# ---- a run that is lost ----

rm -f go?
start_lpad launch --quiet
wait_until file_has "$runs/steps-2/metrics.jsonl" '"learner/1".*"value":10'
sockets=$(jq -r .sockets "$runs/steps-2/manifest.json")
"$LPAD" wait 2> lost.err & lost=$!
"$LPAD" wait --until 'learner.loss<3' 2> lost.until & until=$!
wait_until is_waiting $until
kill -KILL "$lpad_pid" "$(jq .pid "$runs/steps-2/manifest.json")"
code_of $lost
assert_equal 1 $code "a lost run"
assert_contains "$(cat lost.err)" "run steps-2 has no exit code: lost: its processes were killed, or could not write the result"
code_of $until
assert_equal 1 $code "a lost run, with --until"
waits 0 --until 'learner.loss==10'              # from metrics.jsonl
rm -r "$sockets"
wait "$lpad_pid" 2> killed
true
