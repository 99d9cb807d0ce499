/* SPDX-License-Identifier: MIT */
/* The consumer gives every producer its number and prints what comes back; the calls of a round overlap. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <lpad/node.h>

enum { ROUNDS = 10, TEXT_MOST = 8192 };

static int work(lpad_node *node, lpad_call *call)
{
	(void)node;
	return lpad_answer(call, lpad_share(lpad_request(call)));
}

struct consumer {
	lpad_handle *producers;
};

/* One round: all are asked before the first answer is waited for. The results as JSON: "[0, 1]". */
static int one_round(lpad_node *node, char *text, size_t room)
{
	struct consumer *me = lpad_state(node);
	int count = lpad_count(me->producers), code = 0;
	size_t length = (size_t)snprintf(text, room, "[");
	lpad_future **futures = calloc((size_t)count, sizeof(lpad_future *));
	if (!futures)
		return lpad_fail(node, "out of memory");
	for (int64_t i = 0; i < count; i++)
		futures[i] = lpad_start(me->producers, (int)i, "work", lpad_bytes(&i, sizeof i), lpad_default());
	for (int i = 0; i < count; i++) {
		lpad_message *reply;
		int failed = lpad_wait(futures[i], &reply);
		const int64_t *number = failed ? NULL : lpad_body(reply, sizeof *number);
		code = code ? code : failed ? failed : number ? 0 : LPAD_EBROKEN;
		if (number && length < room)
			length += (size_t)snprintf(text + length, room - length, "%s%" PRId64, i ? ", " : "", *number);
		lpad_free(reply);
	}
	if (length < room)
		snprintf(text + length, room - length, "]");
	free(futures);
	return code;
}

/* For tests, of a consumer whose run is held: one round, from outside. */
static int step(lpad_node *node, lpad_call *call)
{
	char text[TEXT_MOST];
	int code = one_round(node, text, sizeof text);
	return code ? code : lpad_answer(call, lpad_json(text));
}

static int run(lpad_node *node)
{
	char text[TEXT_MOST];
	for (int round = 0; round < ROUNDS; round++) {
		int code = one_round(node, text, sizeof text);
		if (code)
			return code;
		printf("Results: %s\n", text);
	}
	return 0;
}

static const lpad_method producer_methods[] = {
	LPAD_METHOD(work, "returns its argument", .idempotent = true),
	LPAD_END
};
static const lpad_method consumer_methods[] = {
	LPAD_METHOD(step, "one round; its results"),
	LPAD_END
};
static const lpad_handle_decl consumer_handles[] = {
	LPAD_HANDLE(struct consumer, producers, LPAD_MANY, "work", "who does the work"),
	LPAD_END
};

LPAD_MODULE(
	{ .name = "producer", .help = "answers with what it was given", .methods = producer_methods },
	{ .name = "consumer", .help = "asks all producers, ten times", .state = sizeof(struct consumer),
	  .handles = consumer_handles, .methods = consumer_methods, .run = run });
