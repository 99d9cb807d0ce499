/* SPDX-License-Identifier: MIT */
/* Places in the state that overlap and lie beyond it, a double name, a subscription that does not say what it keeps. */
#include <lpad/node.h>

struct state {
	int64_t steps;
	lpad_handle *server;
};
struct other {
	char before[64];
	lpad_topic *topic;
};

static int run(lpad_node *node)
{
	(void)node;
	return 0;
}

static int on(lpad_node *node, const lpad_message *message)
{
	(void)node;
	(void)message;
	return 0;
}

static const lpad_param params[] = {
	LPAD_INT(struct state, steps, "1", NULL, "steps"),
	LPAD_PARAM_("again", struct state, steps, int64_t, LPAD_T_INT, 0, "1", NULL, "the same place"),
	LPAD_END
};
static const lpad_handle_decl handles[] = {
	LPAD_HANDLE(struct state, server, LPAD_ONE, "work", "a server"),
	LPAD_HANDLE_AS("server", struct state, server, LPAD_ONE, "work", "the same name"),
	LPAD_END
};
static const lpad_topic_decl topics[] = { LPAD_TOPIC(struct other, topic, "of another struct"), LPAD_END };
static const lpad_subscription_decl subscriptions[] = { LPAD_ON(on, 0, "keeps nothing"), LPAD_END };

LPAD_MODULE({ .name = "node", .state = sizeof(struct state), .params = params, .handles = handles, .topics = topics,
	.subscriptions = subscriptions, .run = run });
