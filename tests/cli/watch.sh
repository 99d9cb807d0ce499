# SPDX-License-Identifier: MIT
# lpad watch: topics, metrics, nodes and everything of a running program, from the shell.
source "$TESTS/lib.sh"

cat > pub.c <<'C'
#include <lpad/node.h>
#include <stdio.h>
#include <string.h>

struct pub { double pause; int64_t crash; lpad_topic *all, *newest, *bytes, *alone; };

static int publish(lpad_node *node, struct pub *me, int64_t i)
{
	char text[100];
	snprintf(text, sizeof text, "{\"i\": %d,\n \"who\": \"%s\"}", (int)i, lpad_name(node));
	lpad_message *tensors = lpad_tensors(2, (const lpad_tensor[]){ { "x", LPAD_F32, 1, { 3 } }, { "long", LPAD_I64, 2, { 10, 20 } } });
	memset(lpad_data(tensors, "x"), 0, 3 * sizeof(float));
	memset(lpad_data(tensors, "long"), 0, 200 * sizeof(int64_t));
	int rc = lpad_publish(me->newest, tensors);
	rc = rc ? rc : lpad_publish(me->bytes, lpad_bytes("hello\xff", 6));
	rc = rc ? rc : lpad_publish(me->alone, lpad_bytes("hello", 5));
	return rc ? rc : lpad_publish(me->all, lpad_json(text));
}

/* The first incarnation dies when somebody says so. */
static int run(lpad_node *node)
{
	struct pub *me = lpad_state(node);
	int rc = 0;
	for (int64_t i = 1; !rc && lpad_wait_stop(node, lpad_in(me->pause)); i++) {
		FILE *wish = lpad_incarnation(node) == 1 ? fopen("crash", "r") : NULL;
		if (wish)
			__builtin_trap();
		rc = publish(node, me, i);
		lpad_report(node, "loss", 1.0 / (double)i, i);
		lpad_report(node, "alone", 1.0, i);
	}
	return rc;
}

struct sub { lpad_subscription *all, *newest; };
static int take(lpad_node *node)
{
	struct sub *me = lpad_state(node);
	lpad_message *message;
	int rc;
	while (!(rc = lpad_take(me->all, &message, lpad_never())))
		lpad_free(message);
	return rc == LPAD_EENDED ? 0 : rc;
}

static const lpad_param params[] = { LPAD_REAL(struct pub, pause, "0.02", "0..", "seconds"), LPAD_END };
static const lpad_topic_decl topics[] = { LPAD_TOPIC(struct pub, all, "objects"), LPAD_TOPIC(struct pub, newest, "tensors"),
	LPAD_TOPIC(struct pub, bytes, "bytes"), LPAD_TOPIC(struct pub, alone, "nobody subscribes"), LPAD_END };
static const lpad_subscription_decl subscriptions[] = { LPAD_SUBSCRIPTION(struct sub, all, LPAD_ALL, "every one"),
	LPAD_SUBSCRIPTION(struct sub, newest, LPAD_LATEST, "fetched, if ever"), LPAD_END };
LPAD_MODULE({ .name = "pub", .state = sizeof(struct pub), .params = params, .topics = topics, .run = run },
	{ .name = "sub", .state = sizeof(struct sub), .subscriptions = subscriptions, .run = take });
C
cat > topo.yaml <<'YAML'
lpad: 1
name: watched
on_failure: restart
defaults: {module: pub.c}
nodes:
  pub: {replicas: 2}
  sub: {}
  near: {implementation: pub, process: together}
  by: {implementation: sub, process: together}
  late: {implementation: pub, params: {pause: 1000}}
edges:
  - pub.all -> sub.all
  - pub.newest -> sub.newest
  - near.all -> by.all
  - near.newest -> by.newest
YAML

run_lpad watch
assert_exit 3
assert_contains "$err" "no run is under way"
for wrong in "a b" ".x" "x." "--rate" "--rate pub" "-n 0 pub" "--timeout 3 pub" "--nonsense"; do
	# shellcheck disable=SC2086 # words on purpose
	run_lpad watch $wrong
	assert_exit 2
done

"$LPAD" launch --json > events 2> messages &
launch=$!
wait_until file_has events '"phase":"run"'

# watches EXIT ARGUMENT...
watches() {
	local expected=$1
	shift
	run_lpad watch "$@"
	assert_exit "$expected"
}
field() { head -n 1 <<< "$out" | jq -rc "$1"; }

# Messages: of one replica and of a group, over sockets, within a process, of a topic without subscribers, of a lazy latest.
watches 0 pub/1.all -n 3
assert_equal 3 "$(wc -l <<< "$out")"
assert_equal "pub/1 1 all pub/1" "$(field '"\(.node) \(.incarnation) \(.topic) \(.message.who)"')"
assert_equal "$(field .number)" "$(field .message.i)"
assert_equal "1 1" "$(jq -s -r '"\(.[1].number - .[0].number) \(.[2].number - .[1].number)"' <<< "$out")"
watches 0 pub.all -n 12
assert_equal "pub/0 pub/1" "$(jq -r .node <<< "$out" | sort -u | xargs)"
watches 0 near.all -n 2
assert_equal near "$(field .message.who)"
watches 0 pub/0.newest -n 1
assert_equal '{"x":[0,0,0],"long":{"dtype":"i64","shape":[10,20],"first":[0,0,0,0,0,0,0,0]}}' "$(field .message)"
watches 0 near.newest --full -n 1
assert_equal "10 20" "$(field '"\(.message.long | length) \(.message.long[0] | length)"')"
watches 0 near.bytes -n 1
assert_equal '{"bytes":"aGVsbG//"}' "$(field .message)"
watches 0 pub/0.alone -n 1
assert_equal '{"text":"hello"}' "$(field .message)"
assert_contains "$err" "pub/0.alone is a topic and a metric; this is the topic"
watches 0 pub.all --rate --json --interval 200ms -n 2
assert_equal "true true 0" "$(field '"\(.messages > 0) \(.bytes > .messages) \(.missed)"')"
watches 0 pub.all --rate --interval 200ms -n 1
assert_contains "$out" "messages/s"

# Metrics and nodes.
watches 0 pub/0.loss -n 2
assert_equal "report pub/0 loss true" "$(field '"\(.event) \(.node) \(.name) \(.value <= 1)"')"
watches 0 near -n 2
assert_equal near "$(field .node)"
watches 124 late.return --timeout 300ms
assert_contains "$err" "late has no topic \`return\`, and has reported no metric of that name yet, which is waited for; its topics: all, newest, bytes, alone; it has reported nothing so far"
watches 124 late.all --timeout 300ms
assert_equal "" "$out"

# What is not there.
watches 3 pub.los
assert_contains "$err" "pub has no topic or metric \`los\`: did you mean loss?"
watches 3 pub.newset
assert_contains "$err" "did you mean newest?"
watches 3 pbu.all
assert_contains "$err" "there is no node \`pbu\`: did you mean pub?"
watches 3 pub/2.all
watches 3 pub.loss --rate
watches 3 -r nothing pub.loss

# Everything.
watches 0 -n 2 --interval 200ms
assert_equal "2 run 6 4" "$(jq -s -r '"\(length) \(.[0].phase) \(.[0].nodes | length) \(.[0].edges | length)"' <<< "$out")"
watches 124 --timeout 300ms
if command -v script > /dev/null; then
	timeout 60 script -qec "stty rows 8 cols 60; '$LPAD' watch -n 2 --interval 200ms" /dev/null < /dev/null > table
	assert file_has table "node .*state .*restarts"
	assert file_has table "and .* lines more"
fi

# Several at once, one of which is killed and one of which does not read; the next incarnation is seen, and so is the end.
"$LPAD" watch pub/0.alone > seen 2> said &
first=$!
"$LPAD" watch pub.all > killed 2>&1 &
second=$!
mkfifo full
"$LPAD" watch --full pub.newest > full 2> full.said &
third=$!
exec 7< full
wait_until file_has killed '"incarnation":1'
kill -9 $second
wait_until file_has seen '"incarnation":1'
: > crash
wait_until file_has seen '"incarnation":2'
assert_equal 1 "$(grep '"incarnation":2' seen | head -n 1 | jq '.number < 50 | if . then 1 else 0 end')"
code=0
kill -TERM $launch
wait $launch || code=$?
assert_equal 143 $code "exit of the launch"
code=0
wait $first || code=$?
assert_equal 0 $code "exit of the first"
assert file_has said "pub/0.alone has ended"
exec 7<&-
wait $third
