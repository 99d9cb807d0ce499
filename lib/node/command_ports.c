/* SPDX-License-Identifier: MIT */
/* A command as an implementation: the ports are those that the file declares. */
#include "node/command.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "node/command_inside.h"
#include "node/talk.h"

struct command *command_of(const lpad_node *node)
{
	return (struct command *)(uintptr_t)node->implementation;
}

/* Before run there is nobody yet who could be asked: the call waits in the link. */
static int command_call(lpad_node *node, lpad_call *call)
{
	return talk_request(command_of(node)->talk, call);
}

static void command_gone(lpad_node *node, lpad_call *call)
{
	talk_gone(command_of(node)->talk, call);
}

static const char *name_of(const json_t *entry)
{
	return json_is_string(entry) ? json_string_value(entry) : json_string_value(json_object_get(entry, "name"));
}

/* Every port has a word of the state. */
static size_t place(struct command *command)
{
	size_t at = command->implementation.state;
	command->implementation.state += sizeof(void *);
	return at;
}

static void declare_handles(struct command *command, json_t *list)
{
	lpad_handle_decl *out = memory_array(json_array_size(list) + 1, sizeof *out);
	for (size_t i = 0; i < json_array_size(list); i++)
		out[i] = (lpad_handle_decl){ .name = name_of(json_array_get(list, i)), .into = place(command), .many = LPAD_MANY };
	command->implementation.handles = json_array_size(list) ? out : NULL;
	if (!json_array_size(list))
		free(out);
}

static void declare_methods(struct command *command, json_t *list)
{
	lpad_method *out = memory_array(json_array_size(list) + 1, sizeof *out);
	for (size_t i = 0; i < json_array_size(list); i++)
		out[i] = (lpad_method){ .name = name_of(json_array_get(list, i)), .call = command_call, .gone = command_gone };
	command->implementation.methods = out;
}

static void declare_topics(struct command *command, json_t *list)
{
	lpad_topic_decl *out = memory_array(json_array_size(list) + 1, sizeof *out);
	for (size_t i = 0; i < json_array_size(list); i++)
		out[i] = (lpad_topic_decl){ .name = name_of(json_array_get(list, i)), .into = place(command) };
	command->implementation.topics = out;
}

static void declare_subscriptions(struct command *command, json_t *list)
{
	lpad_subscription_decl *out = memory_array(json_array_size(list) + 1, sizeof *out);
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *entry = json_array_get(list, i);
		out[i] = (lpad_subscription_decl){ .name = name_of(entry), .into = place(command),
			.keep = (int32_t)json_integer_value(json_object_get(entry, "keep")), .optional = true };
	}
	command->implementation.subscriptions = out;
}

struct command *command_new(json_t *document)
{
	struct command *command = memory_new(sizeof *command);
	command->document = document;
	command->stop = command->over = -1;
	command->program = (struct program){ .ended = -1, .in = -1, .out = -1, .ready = -1 };
	command->implementation = (lpad_implementation){ .name = "command", .init = command_init, .run = command_run,
		.fini = command_fini };
	declare_handles(command, json_object_get(document, "handles"));
	declare_methods(command, json_object_get(document, "methods"));
	declare_topics(command, json_object_get(document, "topics"));
	declare_subscriptions(command, json_object_get(document, "subscriptions"));
	return command;
}

const lpad_implementation *command_implementation(const struct command *command)
{
	return &command->implementation;
}
