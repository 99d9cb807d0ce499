/* SPDX-License-Identifier: MIT */
/* The consumer gives every producer its number and prints what comes back; the calls of a round overlap. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <lpad/node.h>

enum { ROUNDS = 10 };

static int work(lpad_node *node, lpad_call *call)
{
	(void)node;
	return lpad_answer(call, lpad_share(lpad_request(call)));
}

struct consumer {
	lpad_handle *producers;
};

static int gather(lpad_future **futures, int count)
{
	printf("Results: [");
	for (int i = 0; i < count; i++) {
		lpad_message *reply;
		int code = lpad_wait(futures[i], &reply);
		futures[i] = NULL;
		if (code)
			return code;
		const int64_t *number = lpad_body(reply, sizeof *number);
		if (number)
			printf("%s%" PRId64, i ? ", " : "", *number);
		lpad_free(reply);
		if (!number)
			return LPAD_EBROKEN;
	}
	puts("]");
	return 0;
}

static int run(lpad_node *node)
{
	struct consumer *me = lpad_state(node);
	int count = lpad_count(me->producers), code = 0;
	lpad_future **futures = calloc((size_t)count, sizeof(lpad_future *));
	if (!futures)
		return lpad_fail(node, "out of memory");
	for (int round = 0; round < ROUNDS && !code; round++) {
		for (int64_t i = 0; i < count; i++)
			futures[i] = lpad_start(me->producers, (int)i, "work", lpad_bytes(&i, sizeof i), lpad_default());
		code = gather(futures, count);
	}
	free(futures);          /* what was not waited for ends with run */
	return code;
}

static const lpad_method producer_methods[] = {
	LPAD_METHOD(work, "returns its argument", .idempotent = true),
	LPAD_END
};
static const lpad_handle_decl consumer_handles[] = {
	LPAD_HANDLE(struct consumer, producers, LPAD_MANY, "work", "who does the work"),
	LPAD_END
};

LPAD_MODULE(
	{ .name = "producer", .help = "answers with what it was given", .methods = producer_methods },
	{ .name = "consumer", .help = "asks all producers, ten times", .state = sizeof(struct consumer),
	  .handles = consumer_handles, .run = run });
