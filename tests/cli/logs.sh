# SPDX-License-Identifier: MIT
# lpad logs: of one node, of several in their order, as JSON, from a moment on, and followed to the end of the run.
source "$TESTS/lib.sh"

# Prints a line for each file NODE.N that appears, N from 1; NODE.crash crashes, NODE.end ends it.
cat > says.c <<'C'
#include <lpad/node.h>
#include <stdio.h>
#include <unistd.h>

static bool there(lpad_node *node, const char *what)
{
	char name[100];
	snprintf(name, sizeof name, "%s.%s", lpad_name(node), what);
	for (char *at = name; *at; at++)
		if (*at == '/')
			*at = '_';
	if (access(name, F_OK))
		return false;
	return what[0] != 'c' || !unlink(name);
}

static int run(lpad_node *node)
{
	for (int line = 1; ; ) {
		char number[20];
		snprintf(number, sizeof number, "%d", line);
		if (there(node, number))
			printf("%s says %d\n", lpad_name(node), line++), fflush(stdout);
		else if (there(node, "crash"))
			__builtin_trap();
		else if (there(node, "end"))
			return 0;
		else if (!lpad_wait_stop(node, lpad_in(0.01)))
			return 0;
	}
}

LPAD_MODULE({ .name = "says", .run = run });
C
cat > topo.yaml <<'YAML'
lpad: 1
name: talk
defaults: {module: says.c}
nodes:
  a: {}
  bee: {replicas: 2, on_failure: restart}
  pack: {replicas: 2, per_process: 2}
YAML
record=$XDG_STATE_HOME/lpad/runs/talk-1

run_lpad logs
assert_exit 3
assert_contains "$err" "there is no record of one"

start_lpad launch --quiet --name talk
wait_until test -e "$record/metrics.jsonl"

# ---- followed from the start; logs appear later ----

"$LPAD" logs -f --color always > all & all=$!
"$LPAD" logs -f a > only & only=$!
"$LPAD" logs -f bee pack/1 > some & some=$!
says() { touch "$1.$2"; wait_until file_has "$record/logs/$3.log" "says $2"; }
says a 1 a
wait_until file_has only "a says 1"
says bee_1 1 bee/1
wait_until file_has some "^bee/1    | bee/1 says 1"
assert_equal "a says 1" "$(cat only)"
# The notes of two lines are apart when a quarter of a second is.
noted() { [ "$(wc -l < "$record/logs/$1.times")" -ge "$2" ]; }
next_moment() { local now; now=$(date +%s%3N); until [ "$(date +%s%3N)" -gt $((now + 300)) ]; do read -rt 0.05 < <(:) || :; done; }
next_moment
says a 2 a
assert noted a 2
next_moment
middle=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
next_moment
says bee_1 2 bee/1
says pack_0 1 pack/0-1

# ---- printed ----

prints() {
	local expected=$1
	shift
	run_lpad logs "$@"
	assert_exit 0
	assert_equal "$expected" "$out" "logs $*"
}
prints "a says 1
a says 2" a
prints "bee/1 says 1
bee/1 says 2" bee/1
prints "a says 2" a -n 1
prints "" a -n 0
prints "bee/1    | bee/1 says 2
pack/0-1 | pack/0 says 1" --since "$middle"
prints "bee/1 says 2" bee/1 --since "$middle" -n 5
prints "" a --since "$middle"
prints "a says 1
a says 2" a --since 1h
prints "a says 1
a says 2" a --since "$(date -d '1 hour ago' '+%Y-%m-%d %H:%M')"
prints "pack/0 says 1" pack/0 pack/1 pack               # one log, once
# In the order in which they came, from all logs.
run_lpad logs --json
assert_equal '"a says 1","bee/1 says 1","a says 2","bee/1 says 2","pack/0 says 1"' "$(jq -sc 'map(.text)' <<< "$out" | tr -d '[]')"
assert_equal true "$(jq -s 'map(.time) | . == sort and (.[0] | . > 1600000000000)' <<< "$out")" "times"
assert_equal '"output","a"' "$(head -n 1 <<< "$out" | jq -c '[.event, .node]' | tr -d '[]')"

refused() {
	local wanted=$1 text=$2
	shift 2
	run_lpad logs "$@"
	assert_exit "$wanted"
	assert_contains "$err" "$text"
}
refused 3 'there is no node `be` in run talk-1' be
refused 3 'there is no replica bee/7 in run talk-1: bee has 2' bee/7
refused 3 'did you mean talk-1?' -r tlak-1
refused 2 'is neither a duration' --since yesterday
refused 2 'a number of lines is wanted' -n many

# ---- across a restart, to the end ----

touch bee_1.crash
wait_until file_has "$record/logs/bee/1.log" "says 1$"
twice() { [ "$(grep -c "bee/1 says 1" "$record/logs/bee/1.log")" = 2 ]; }
wait_until twice
"$LPAD" logs -f -n 0 -r "$record" pack > late & late=$!
is_following() { ls -l "/proc/$1/fd" 2> /dev/null | grep -q inotify; }
wait_until is_following $late
says pack_1 1 pack/0-1
wait_until file_has late "pack/1 says 1"
"$LPAD" logs -f a > /dev/full & full=$!
code=0
wait $full 2> full.err || code=$?
assert_equal 1 $code "no room for standard output"
touch a.end bee_0.end bee_1.end pack_0.end pack_1.end
finish_lpad
assert_exit 0
for pid in $all $only $some $late; do
	wait "$pid" || fail "a follower: exit $?"
done
assert_equal "pack/1 says 1" "$(cat late)"
assert_equal "2" "$(grep -c 'bee/1 says 1' some)" "lines of both incarnations"
assert_contains "$(cat some)" "pack/0-1 | pack/0 says 1"
assert_lacks "$(cat some)" "a says"
assert_contains "$(cat all)" $'\033[0;36ma        |\033[0m a says 1'
assert_equal "$(cat "$record"/logs/{a,bee/*,pack/*}.log | sort)" "$(sed 's/.*| [^ ]*m* *//; s/.*\[0m //' all | sort)" "all lines, each once"
prints "a says 1
a says 2" -f a          # it is over

# ---- a lost run ends for its followers ----

rm -f -- *.[0-9] *.end
start_lpad launch --quiet --name talk
lost=$XDG_STATE_HOME/lpad/runs/talk-2
wait_until test -e "$lost/metrics.jsonl"
"$LPAD" logs -f a > lost.out & follower=$!
touch a.1
wait_until file_has lost.out "a says 1"
sockets=$(jq -r .sockets "$lost/manifest.json")
kill -KILL "$lpad_pid" "$(jq .pid "$lost/manifest.json")"
wait $follower || fail "a follower of a lost run: exit $?"
rm -r "$sockets"
wait "$lpad_pid" 2> killed
true
