# SPDX-License-Identifier: MIT
# Nodes that share a process, by name, in packs or all of them, over every transport: the same results, logs by process,
# lines that say whose they are, and the one that fails is named.
source "$TESTS/lib.sh"

cat > sums.c <<'END'
#include <lpad/node.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Asks everybody of its group, itself too, for his square, and publishes the sum. */
struct member { lpad_handle *all; lpad_topic *sum; int64_t fail; bool crash; };

static const lpad_param member_params[] = {
	LPAD_INT(struct member, fail, "-1", "-1..", "the replica that fails"),
	LPAD_BOOL(struct member, crash, "false", "by a signal"), LPAD_END };
static const lpad_handle_decl member_handles[] = {
	LPAD_HANDLE(struct member, all, LPAD_MANY, "square", "its group"), LPAD_END };
static const lpad_topic_decl member_topics[] = { LPAD_TOPIC(struct member, sum, "of the squares"), LPAD_END };

static int square(lpad_node *node, lpad_call *call)
{
	int64_t value = (int64_t)lpad_index(node) * lpad_index(node);
	return lpad_answer(call, lpad_bytes(&value, sizeof value));
}

static const lpad_method member_methods[] = { LPAD_METHOD(square, "of its number", .idempotent = true), LPAD_END };

static int64_t number(const lpad_message *message)
{
	const int64_t *value = lpad_body(message, sizeof *value);
	return value ? *value : -1000000;
}

static int member(lpad_node *node)
{
	struct member *me = lpad_state(node);
	char thread[16] = "";
	int64_t sum = 0;
	prctl(PR_GET_NAME, thread);
	lpad_log(node, "thread %s of %d\nincarnation %d", thread, (int)getpid(), lpad_incarnation(node));
	for (int i = 0; i < lpad_count(me->all); i++) {
		lpad_message *reply = NULL;
		int code = lpad_call_to(me->all, i, "square", lpad_bytes(NULL, 0), &reply, lpad_never());
		if (code)
			return code;
		sum += number(reply);
		lpad_free(reply);
	}
	if (me->fail == lpad_index(node) && lpad_incarnation(node) == 1) {
		if (me->crash)
			abort();
		return 7;
	}
	return lpad_publish(me->sum, lpad_bytes(&sum, sizeof sum));
}

struct judge { lpad_subscription *sums; };

static const lpad_subscription_decl judge_subscriptions[] = { LPAD_SUBSCRIPTION(struct judge, sums, LPAD_ALL, "of all"), LPAD_END };

static int judge(lpad_node *node)
{
	struct judge *me = lpad_state(node);
	int64_t total = 0, count = 0, seen = 0;
	lpad_message *message;
	int code;
	while (!(code = lpad_take(me->sums, &message, lpad_never()))) {
		int64_t sender = INT64_C(1) << lpad_sender_index(message);
		total += seen & sender ? 0 : number(message);   /* who shares a process with a dead one may have spoken before */
		count += !(seen & sender);
		seen |= sender;
		lpad_free(message);
	}
	printf("%s: %" PRId64 " from %" PRId64 "\n", lpad_name(node), total, count);
	return code == LPAD_EENDED ? 0 : code;
}

LPAD_MODULE({ .name = "member", .state = sizeof(struct member), .params = member_params, .handles = member_handles,
		.methods = member_methods, .topics = member_topics, .run = member },
	{ .name = "judge", .state = sizeof(struct judge), .subscriptions = judge_subscriptions, .run = judge });
END
cat > topo.yaml <<'END'
lpad: 1
name: sums
vars: {fail: -1, crash: false, policy: stop}
defaults: {module: sums.c}
nodes:
  member: {replicas: 5, per_process: 2, params: {fail: $fail, crash: $crash}, on_failure: $policy}
  judge: {process: judges}
  lazy: {implementation: judge, process: judges}
  eager: {implementation: judge}
edges:
  - member.all -> member
  - member.sum -> judge.sums
  - member.sum -> lazy.sums: {keep: latest}
  - member.sum -> eager.sums: {keep: latest, fetch: eager}
END
expected=$(printf '%s: 150 from 5\n' eager judge lazy)
record=${XDG_STATE_HOME:-$HOME/.local/state}/lpad/runs/latest

# check counts what leaves a process: of 25 calls 9 do not, of 15 subscriptions all do.
run_lpad check
assert_exit 0
assert_contains "$out" '8 replicas, 5 processes,'
assert_contains "$out" '46 connections'

# same_results WHAT: of the run that has just ended.
same_results() {
	assert_exit 0
	assert_equal "$expected" "$(sed 's/^.*| //' out | sort)" "$1"
}
for transport in '' ipc tcp; do
	export LPAD_TRANSPORT=$transport
	run_lpad launch
	same_results "in packs over ${transport:-the best}"
	assert_equal 'eager.log judges.log member' "$(ls "$record/logs" | grep -v '\.times$' | tr '\n' ' ' | sed 's/ $//')"
	assert_equal '0-1.log 2-3.log 4.log' "$(ls "$record/logs/member" | grep -v '\.times$' | tr '\n' ' ' | sed 's/ $//')"
	run_lpad launch --threads
	same_results "as threads over ${transport:-the best}"
	assert_equal sums.log "$(ls "$record/logs" | grep -v '\.times$')"
done
LPAD_TRANSPORT=inproc run_lpad launch --threads
same_results 'as threads over inproc'
assert_equal 5 "$(grep -c "member/[0-4]: thread member/[0-4] of " err)"
assert_equal 1 "$(grep -o 'thread member/[0-4] of [0-9]*' err | sed 's/.* of //' | sort -u | wc -l)" 'one process'
assert_equal 5 "$(grep -c 'member/[0-4]: incarnation 1' err)"

# What cannot be carried, and what is no transport.
LPAD_TRANSPORT=inproc run_lpad launch
assert_exit 125
assert_contains "$err" 'topo.yaml:11:5: error: LPAD_TRANSPORT=inproc carries nothing from one process to another, and member and its own replicas do not share one'
LPAD_TRANSPORT=pigeon run_lpad launch
assert_exit 125
assert_contains "$err" 'LPAD_TRANSPORT is ipc, tcp or inproc, not `pigeon`'
unset LPAD_TRANSPORT

# A process shared under its name says who writes; one's own replica needs no name in its line.
run_lpad launch
assert_exit 0
assert_contains "$err" 'member/0-1 | member/1: thread member/1 of '
assert_contains "$(grep 'member/4 *| ' err)" '| thread member/4 of '

# One that fails ends its process, and with it the program, by its own name and code.
run_lpad launch --set fail=3
assert_exit 7
assert_contains "$err" 'member/3 failed: run returned 7'
assert_equal '["member/3",7]' "$(jq -c '[.cause.node, .exit]' "$record/result.json")"
run_lpad launch --threads --set fail=2
assert_exit 7
assert_contains "$err" 'member/2 failed: run returned 7'

# Restarted as a whole: the two of the pack are in their second life, what they say comes once, and all is well.
run_lpad launch --set fail=3 --set crash=true --set policy=restart
assert_exit 0
assert_equal 'judge: 150 from 5' "$(sed 's/^.*| //' out | grep judge)" 'after a restart'
assert_contains "$err" 'member/2: incarnation 2'
assert_contains "$err" 'member/3: incarnation 2'
assert_lacks "$err" 'member/1: incarnation 2'

# With --threads nothing is restarted, and what one process cannot be is said before it starts.
sed -i 's/^  eager: {/  eager: {env: {OMP_NUM_THREADS: 1}, /; s/^  lazy: {/  lazy: {env: {OMP_NUM_THREADS: 2}, /' topo.yaml
run_lpad launch --threads
assert_exit 125
assert_contains "$err" 'env.OMP_NUM_THREADS is not the same for eager and lazy (topo.yaml:8), but with --threads they share one process'
run_lpad launch
assert_exit 0
