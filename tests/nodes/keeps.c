/* SPDX-License-Identifier: MIT */
/* One topic, and a node that has subscribed to it in every way; either is killed once if its parameter says so. */
#include <lpad/node.h>

#include <signal.h>
#include <stdio.h>

struct source {
	int64_t count, die_after;
	lpad_topic *number;
};

struct reader {
	int64_t die_after, called, last_called;
	lpad_subscription *every, *newest, *pushed, *few;
};

static int source_run(lpad_node *node)
{
	struct source *me = lpad_state(node);
	for (int64_t i = 1; i <= me->count; i++) {
		int code = lpad_publish(me->number, lpad_bytes(&i, sizeof i));
		if (code)
			return code;
		if (lpad_incarnation(node) == 1 && i == me->die_after)
			raise(SIGKILL);
	}
	return 0;
}

static int on_number(lpad_node *node, const lpad_message *message)
{
	struct reader *me = lpad_state(node);
	const int64_t *number = lpad_body(message, sizeof *number);
	if (!number)
		return LPAD_EBROKEN;
	me->called++;
	me->last_called = *number;
	return 0;
}

/* Until every publisher has ended. */
static int drain(lpad_node *node, lpad_subscription *from, const char *name, int64_t die_after)
{
	int64_t count = 0, last = 0;
	lpad_message *message;
	int code;
	while (!(code = lpad_take(from, &message, lpad_never()))) {
		const int64_t *number = lpad_body(message, sizeof *number);
		last = number ? *number : -1;
		lpad_free(message);
		if (++count == die_after && lpad_incarnation(node) == 1)
			raise(SIGKILL);
	}
	printf("%s ends with %lld\n", name, (long long)last);
	return code == LPAD_EENDED ? 0 : code;
}

static int reader_run(lpad_node *node)
{
	struct reader *me = lpad_state(node);
	int code = drain(node, me->every, "every", me->die_after);
	code = code ? code : drain(node, me->newest, "newest", 0);
	code = code ? code : drain(node, me->pushed, "pushed", 0);
	return code ? code : drain(node, me->few, "few", 0);
}

static void reader_fini(lpad_node *node)
{
	struct reader *me = lpad_state(node);
	printf("called ends with %lld\n", (long long)me->last_called);
}

static const lpad_param source_params[] = {
	LPAD_INT(struct source, count, "500", "1..", "how many"),
	LPAD_INT(struct source, die_after, "0", "0..", "the first life ends behind this one"), LPAD_END };
static const lpad_param reader_params[] = {
	LPAD_INT(struct reader, die_after, "0", "0..", "the first life ends behind so many"), LPAD_END };
static const lpad_topic_decl topics[] = { LPAD_TOPIC(struct source, number, "1, 2, 3..."), LPAD_END };
static const lpad_subscription_decl subscriptions[] = {
	LPAD_SUBSCRIPTION(struct reader, every, LPAD_ALL, "all of them"),
	LPAD_SUBSCRIPTION(struct reader, newest, LPAD_LATEST, "the newest, fetched"),
	LPAD_SUBSCRIPTION(struct reader, pushed, 100, "the edge says that it keeps the latest, pushed"),
	LPAD_SUBSCRIPTION(struct reader, few, LPAD_ALL, "the edge says that it keeps 5"),
	LPAD_ON_AS("called", on_number, LPAD_LATEST, "the newest, by callback"), LPAD_END };

LPAD_MODULE(
	{ .name = "source", .state = sizeof(struct source), .params = source_params, .topics = topics, .run = source_run },
	{ .name = "reader", .state = sizeof(struct reader), .params = reader_params, .subscriptions = subscriptions,
	  .run = reader_run, .fini = reader_fini });
