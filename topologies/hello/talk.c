/* SPDX-License-Identifier: MIT */
/* talker publishes greetings; listener prints them and asks at the end how many there were. */
#include <inttypes.h>
#include <stdio.h>

#include <lpad/node.h>

struct talker {
	int64_t greetings;
	lpad_topic *greeting;
};

static int talk(lpad_node *node)
{
	struct talker *me = lpad_state(node);
	for (int64_t i = 1; i <= me->greetings; i++) {
		char text[64];
		int length = snprintf(text, sizeof text, "hello number %" PRId64, i);
		int code = lpad_publish(me->greeting, lpad_bytes(text, (size_t)length));
		if (code)
			return code;
	}
	return 0;       /* the topic ends here; calls are answered until the program stops */
}

static int count(lpad_node *node, lpad_call *call)
{
	const struct talker *me = lpad_state(node);
	return lpad_answer(call, lpad_bytes(&me->greetings, sizeof me->greetings));
}

struct listener {
	lpad_subscription *greeting;
	lpad_handle *talker;
};

static int hear(lpad_node *node)
{
	struct listener *me = lpad_state(node);
	lpad_message *message;
	int64_t heard = 0;
	int code;
	while (!(code = lpad_take(me->greeting, &message, lpad_never()))) {
		size_t size = lpad_size(message);
		printf("%.*s\n", (int)size, (const char *)lpad_body(message, size));
		lpad_free(message);
		heard++;
	}
	if (code != LPAD_EENDED || (code = lpad_call_to(me->talker, 0, "count", NULL, &message, lpad_default())))
		return code;
	const int64_t *sent = lpad_body(message, sizeof *sent);
	if (sent)
		printf("heard %" PRId64 " of %" PRId64 "\n", heard, *sent);
	lpad_free(message);
	return sent ? 0 : LPAD_EBROKEN;
}

static const lpad_param talker_params[] = {
	LPAD_INT(struct talker, greetings, "3", "0..", "how many to publish"),
	LPAD_END
};
static const lpad_topic_decl talker_topics[] = {
	LPAD_TOPIC(struct talker, greeting, "a text"),
	LPAD_END
};
static const lpad_method talker_methods[] = {
	LPAD_METHOD(count, "how many greetings there are", .idempotent = true),
	LPAD_END
};
static const lpad_subscription_decl listener_subscriptions[] = {
	LPAD_SUBSCRIPTION(struct listener, greeting, LPAD_ALL, "what to print"),
	LPAD_END
};
static const lpad_handle_decl listener_handles[] = {
	LPAD_HANDLE(struct listener, talker, LPAD_ONE, "count", "who has published them"),
	LPAD_END
};

LPAD_MODULE(
	{ .name = "talker", .help = "publishes greetings", .state = sizeof(struct talker), .params = talker_params,
	  .methods = talker_methods, .topics = talker_topics, .run = talk },
	{ .name = "listener", .help = "prints greetings", .state = sizeof(struct listener), .handles = listener_handles,
	  .subscriptions = listener_subscriptions, .run = hear });
