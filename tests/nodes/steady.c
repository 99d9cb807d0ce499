/* SPDX-License-Identifier: MIT */
/* Two nodes that talk in both ways and notice if anything is lost: half of it, then they wait for a file, then the rest. */
#include <lpad/node.h>

#include <stdio.h>
#include <unistd.h>

enum { COUNT = 2000 };

struct source {
	lpad_topic *number;
	lpad_handle *adder;
};

struct sink {
	lpad_subscription *number;
};

static int add(lpad_node *node, lpad_call *call)
{
	(void)node;
	const int64_t *pair = lpad_body(lpad_request(call), 2 * sizeof *pair);
	if (!pair)
		return LPAD_EINVALID;
	int64_t sum = pair[0] + pair[1];
	return lpad_answer(call, lpad_bytes(&sum, sizeof sum));
}

static int await_file(lpad_node *node, const char *path)
{
	while (access(path, F_OK))
		if (lpad_wait_stop(node, lpad_in(0.02)) == 0)
			return LPAD_ESTOPPED;
	return 0;
}

static int one(struct source *me, int64_t i)
{
	int64_t pair[2] = { i, i };
	lpad_message *reply = NULL;
	int code = lpad_publish(me->number, lpad_bytes(&i, sizeof i));
	if (!code)
		code = lpad_call_to(me->adder, 0, "add", lpad_bytes(pair, sizeof pair), &reply, lpad_in(60));
	if (code)
		return code;
	const int64_t *sum = lpad_body(reply, sizeof *sum);
	code = sum && *sum == 2 * i ? 0 : LPAD_EBROKEN;
	lpad_free(reply);
	return code;
}

static int source_run(lpad_node *node)
{
	struct source *me = lpad_state(node);
	int code = 0;
	for (int64_t i = 0; i < COUNT && !code; i++) {
		if (i == COUNT / 2) {
			puts("half");
			code = await_file(node, "go-on");
		}
		code = code ? code : one(me, i);
	}
	return code;
}

static int sink_run(lpad_node *node)
{
	const struct sink *me = lpad_state(node);
	int64_t expected = 0;
	lpad_message *message;
	int code;
	while (!(code = lpad_take(me->number, &message, lpad_never()))) {
		const int64_t *i = lpad_body(message, sizeof *i);
		if (!i || *i != expected++)
			return lpad_fail(node, "%lld came instead of %lld", i ? (long long)*i : -1, (long long)expected - 1);
		lpad_free(message);
	}
	printf("%lld numbers in order, then %d\n", (long long)expected, code);
	return code == LPAD_EENDED ? 0 : code;
}

static const lpad_method methods[] = { LPAD_METHOD(add, "the sum of two numbers"), LPAD_END };
static const lpad_topic_decl topics[] = { LPAD_TOPIC(struct source, number, "0, 1, 2..."), LPAD_END };
static const lpad_handle_decl handles[] = { LPAD_HANDLE(struct source, adder, LPAD_ONE, "add", "who adds"), LPAD_END };
static const lpad_subscription_decl subscriptions[] = {
	LPAD_SUBSCRIPTION(struct sink, number, LPAD_ALL, "the numbers"), LPAD_END };

LPAD_MODULE(
	{ .name = "source", .state = sizeof(struct source), .handles = handles, .topics = topics, .run = source_run },
	{ .name = "sink", .state = sizeof(struct sink), .methods = methods, .subscriptions = subscriptions, .run = sink_run });
