/* SPDX-License-Identifier: MIT */
/* What stands before and behind a program: a node that publishes messages of each kind, and nodes that print what comes. */
#include <lpad/node.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct feed {
	int64_t count, size;
	int32_t kind;
	bool stay;
	lpad_topic *number;
};

struct sink {
	lpad_subscription *lines;
};

/* {"n": 3,\n "pad": "xxx"}: JSON that was not written on one line. */
static lpad_message *json(const struct feed *me, int64_t n)
{
	char *text = malloc((size_t)me->size + 64);
	int length = snprintf(text, 64, "{\"n\": %lld,\n \"pad\": \"", (long long)n);
	memset(text + length, 'x', (size_t)me->size);
	strcpy(text + length + me->size, "\"}");
	lpad_message *message = lpad_json(text);
	free(text);
	return message;
}

static lpad_message *tensors(int64_t n)
{
	static const lpad_tensor list[] = { { "x", LPAD_F32, 1, { 2 } } };
	lpad_message *message = lpad_tensors(1, list);
	float *x = lpad_data(message, "x");
	x[0] = (float)n, x[1] = 0.5f;
	return message;
}

static lpad_message *next(const struct feed *me, int64_t n)
{
	return me->kind == 0 ? json(me, n) : me->kind == 1 ? lpad_bytes("\0\1\2", 3) : me->kind == 2 ? tensors(n) : lpad_bytes(NULL, 0);
}

static int feed_run(lpad_node *node)
{
	struct feed *me = lpad_state(node);
	for (int64_t n = 1; n <= me->count; n++) {
		int code = lpad_publish(me->number, next(me, n));
		if (code)
			return code;
		lpad_report(node, "published", (double)n, n);
	}
	lpad_log(node, "all published");
	return me->stay ? lpad_wait_stop(node, lpad_never()) : 0;
}

static int sink_run(lpad_node *node)
{
	struct sink *me = lpad_state(node);
	lpad_message *message;
	int code;
	while (!(code = lpad_take(me->lines, &message, lpad_never()))) {
		const char *text = lpad_json_text(message);
		printf("%s says %s\n", lpad_sender(message), text ? text : "something else");
		lpad_free(message);
	}
	printf("the end\n");
	return code == LPAD_EENDED || lpad_stopping(node) ? 0 : code;
}

static int pair_run(lpad_node *node)
{
	struct sink *me = lpad_state(node);
	static const int64_t shape[] = { 2 };
	lpad_message *message;
	while (!lpad_take(me->lines, &message, lpad_never())) {
		const float *x = lpad_view(message, "x", LPAD_F32, 1, shape);
		printf("x is %g and %g\n", x ? x[0] : 0, x ? x[1] : 0);
		lpad_free(message);
	}
	return 0;
}

static const lpad_param feed_params[] = {
	LPAD_INT(struct feed, count, "3", "0..", "messages"),
	LPAD_INT(struct feed, size, "1", "1..", "bytes of padding in each"),
	LPAD_CHOICE(struct feed, kind, "json", "json bytes tensors nothing", "what they are"),
	LPAD_BOOL(struct feed, stay, "false", "does not end by itself"),
	LPAD_END
};
static const lpad_topic_decl feed_topics[] = { LPAD_TOPIC(struct feed, number, "1, 2, 3"), LPAD_END };
static const lpad_subscription_decl sink_subscriptions[] = {
	LPAD_SUBSCRIPTION(struct sink, lines, LPAD_ALL, "what is printed"), LPAD_END
};
static const lpad_subscription_decl pair_subscriptions[] = {
	{ .name = "lines", .into = offsetof(struct sink, lines), .keep = LPAD_ALL, .help = "pairs", .signature = "x f32[2]" }, LPAD_END
};
LPAD_MODULE({ .name = "feed", .state = sizeof(struct feed), .params = feed_params, .topics = feed_topics, .run = feed_run },
	{ .name = "sink", .state = sizeof(struct sink), .subscriptions = sink_subscriptions, .run = sink_run },
	{ .name = "pair", .state = sizeof(struct sink), .subscriptions = pair_subscriptions, .run = pair_run });
