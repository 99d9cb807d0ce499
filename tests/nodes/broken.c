/* SPDX-License-Identifier: MIT */
/* Messages that could not be made, sent all the same. Prints what comes of it. */
#include <lpad/node.h>

#include <stdio.h>

struct broken {
	lpad_handle *self;
	lpad_topic *topic;
};

static int echo(lpad_node *node, lpad_call *call)
{
	(void)node;
	return lpad_answer(call, lpad_share(lpad_request(call)));
}

static int spoil(lpad_node *node, lpad_call *call)
{
	(void)node;
	lpad_answer(call, lpad_json("{'single': 1}"));
	return LPAD_LATER;
}

static void show(const char *what, int code)
{
	printf("%s %d %s\n", what, code, code ? lpad_error() : "");
}

static int run(lpad_node *node)
{
	struct broken *me = lpad_state(node);
	lpad_tensor impossible = { .name = "x", .type = LPAD_F32, .rank = 1, .shape = { -5 } };
	lpad_message *message = lpad_json("[1,");
	show("call", lpad_call_to(me->self, 0, "echo", lpad_share(message), NULL, lpad_default()));
	show("start", lpad_wait(lpad_start(me->self, 0, "echo", lpad_share(message), lpad_default()), NULL));
	show("publish", lpad_publish(me->topic, lpad_tensors(1, &impossible)));
	show("save", lpad_save(message, "broken.safetensors"));
	show("answer", lpad_call_to(me->self, 0, "spoil", NULL, NULL, lpad_default()));
	show("fine", lpad_call_to(me->self, 0, "echo", lpad_json("[1]"), NULL, lpad_default()));
	printf("kind %d size %zu body %d\n", lpad_kind(message), lpad_size(message), lpad_json_text(message) != NULL);
	lpad_free(message);
	return 0;
}

static const lpad_method methods[] = {
	LPAD_METHOD(echo, "the request"), LPAD_METHOD(spoil, "an answer that cannot be made"), LPAD_END };
static const lpad_handle_decl handles[] = { LPAD_HANDLE(struct broken, self, LPAD_ONE, "echo spoil", "oneself"), LPAD_END };
static const lpad_topic_decl topics[] = { LPAD_TOPIC(struct broken, topic, "nothing that could be made"), LPAD_END };

LPAD_MODULE({ .name = "broken", .state = sizeof(struct broken), .handles = handles, .methods = methods, .topics = topics,
	.run = run });
