/* SPDX-License-Identifier: MIT */
/* A server that counts what it executes, and callers that all ask the same at once. */
#include <inttypes.h>
#include <stdio.h>

#include <lpad/node.h>

struct server {
	int64_t served, put;
};

static int answer_number(lpad_node *node, lpad_call *call, int64_t number)
{
	char text[100];
	snprintf(text, sizeof text, "{\"number\": %" PRId64 ", \"incarnation\": %d}", number, lpad_incarnation(node));
	return lpad_answer(call, lpad_json(text));
}

static int get(lpad_node *node, lpad_call *call)
{
	struct server *me = lpad_state(node);
	return answer_number(node, call, ++me->served);
}

static int put(lpad_node *node, lpad_call *call)
{
	struct server *me = lpad_state(node);
	return answer_number(node, call, ++me->put);
}

static int sick(lpad_node *node, lpad_call *call)
{
	(void)node;
	return lpad_refuse(call, LPAD_EBUSY, "not today");
}

/* Long enough for all callers to come. */
static int slow(lpad_node *node, lpad_call *call)
{
	struct server *me = lpad_state(node);
	lpad_wait_stop(node, lpad_in(0.5));
	return answer_number(node, call, ++me->served);
}

struct client {
	lpad_handle *server;
};

static int run(lpad_node *node)
{
	struct client *me = lpad_state(node);
	lpad_message *reply;
	int code = lpad_call_to(me->server, 0, "slow", lpad_json("[1]"), &reply, lpad_in(30));
	if (code)
		return code;
	printf("got %s\n", lpad_json_text(reply));
	lpad_free(reply);
	return 0;
}

static const lpad_method methods[] = {
	LPAD_METHOD(get, "how often it was executed", .idempotent = true),
	LPAD_METHOD(put, "the same, but not idempotent"),
	LPAD_METHOD(sick, "refuses", .idempotent = true),
	LPAD_METHOD(slow, "takes half a second", .idempotent = true),
	LPAD_END
};
static const lpad_handle_decl handles[] = {
	LPAD_HANDLE(struct client, server, LPAD_ONE, "slow", "whom to ask"),
	LPAD_END
};

LPAD_MODULE({ .name = "server", .state = sizeof(struct server), .methods = methods },
	{ .name = "client", .state = sizeof(struct client), .handles = handles, .run = run });
