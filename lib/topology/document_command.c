/* SPDX-License-Identifier: MIT */
/* A command in its replica's document: the program with its $index and $folder, and the ports that the file declares. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "topology/joins.h"
#include "topology/value.h"
#include "topology/writer.h"

static json_t *word(const struct writer *writer, const struct tree *tree, const char *folder)
{
	char *cleanup_free text = tree->template ? value_fill(tree->text, writer->index, folder) : NULL;
	return json_string(text ? text : tree->text);
}

static json_t *words_of(const struct writer *writer, const char *folder)
{
	const struct tree *command = writer->group->command;
	json_t *words = json_array();
	if (command->kind == TREE_SCALAR)
		json_array_append_new(words, word(writer, command, folder));
	for (size_t i = 0; command->kind == TREE_LIST && i < command->count; i++)
		json_array_append_new(words, word(writer, command->items[i], folder));
	return words;
}

/* What the subscription on the other side of an edge is declared with; NULL: any message. */
static const char *wanted(const struct writer *writer, const struct edge *edge)
{
	const struct group *to = &writer->topology->groups.at[edge->to];
	const struct subscription_spec *subscription = to->spec ? implementation_subscription(to->spec, edge->to_port) : NULL;
	return subscription ? subscription->signature : NULL;
}

/* A program writes JSON: it becomes what all who subscribe to the topic want, if they want the same. */
static const char *signature_of(const struct writer *writer, const char *topic)
{
	size_t count;
	const int *edges = joins_from(writer->topology->joins, writer->group->number, &count);
	const char *common = NULL;
	bool first = true;
	for (size_t i = 0; i < count; i++) {
		const struct edge *edge = &writer->topology->edges.at[edges[i]];
		if (!edge->to_port || !text_equal(edge->from_port, topic))
			continue;
		const char *one = wanted(writer, edge);
		if (!first && !text_equal(one, common))
			return NULL;
		common = one;
		first = false;
	}
	return common;
}

static json_t *topics_of(const struct writer *writer)
{
	const struct implementation_spec *spec = writer->group->spec;
	json_t *out = json_array();
	for (size_t i = 0; i < spec->topics.count; i++)
		json_array_append_new(out, json_pack("{s:s, s:s?}", "name", spec->topics.at[i].name,
			"signature", signature_of(writer, spec->topics.at[i].name)));
	return out;
}

static json_t *subscriptions_of(const struct implementation_spec *spec)
{
	json_t *out = json_array();
	for (size_t i = 0; i < spec->subscriptions.count; i++)
		json_array_append_new(out, json_pack("{s:s, s:i}", "name", spec->subscriptions.at[i].name,
			"keep", spec->subscriptions.at[i].keep));
	return out;
}

json_t *writer_command(const struct writer *writer, const char *folder)
{
	const struct group *group = writer->group;
	const struct implementation_spec *spec = group->spec;
	json_t *handles = json_array(), *methods = json_array();
	for (size_t i = 0; i < spec->handles.count; i++)
		json_array_append_new(handles, json_string(spec->handles.at[i].name));
	for (size_t i = 0; i < spec->methods.count; i++)
		json_array_append_new(methods, json_string(spec->methods.at[i].name));
	return json_pack("{s:o, s:b, s:b, s:o, s:o, s:o, s:o}", "words", words_of(writer, folder),
		"shell", group->command->kind == TREE_SCALAR, "ready", group->says_ready, "handles", handles, "methods", methods,
		"topics", topics_of(writer), "subscriptions", subscriptions_of(spec));
}
