/* SPDX-License-Identifier: MIT */
/* The first line that a program hears: who it is, and its ports with those behind them. */
#include <string.h>

#include "node/talk_inside.h"

static json_t *names_of(json_t *peers)
{
	size_t i;
	json_t *peer, *out = json_array();
	json_array_foreach(peers, i, peer)
		json_array_append(out, json_object_get(peer, "node"));
	return out;
}

/* Those of all servers, each once. */
static json_t *methods_of(json_t *groups)
{
	const char *group, *name;
	size_t i;
	json_t *list, *method, *all = json_object(), *out = json_array();
	json_object_foreach(groups, group, list)
		json_array_foreach(list, i, method)
			json_object_set(all, json_string_value(json_object_get(method, "name")), json_object_get(method, "name"));
	json_object_foreach(all, name, method)
		json_array_append(out, method);
	json_decref(all);
	return out;
}

static json_t *handles_of(json_t *document)
{
	const char *name;
	json_t *handle, *out = json_object();
	json_object_foreach(json_object_get(document, "handles"), name, handle)
		json_object_set_new(out, name, json_pack("{s:o, s:o, s:O}", "servers", names_of(json_object_get(handle, "servers")),
			"methods", methods_of(json_object_get(handle, "methods")), "place", json_object_get(handle, "place")));
	return out;
}

static json_t *subscriptions_of(json_t *document)
{
	const char *name;
	json_t *subscription, *out = json_object();
	json_object_foreach(json_object_get(document, "subscriptions"), name, subscription)
		if (strcmp(name, "stdin"))
			json_object_set_new(out, name, json_pack("{s:o}", "publishers",
				names_of(json_object_get(subscription, "publishers"))));
	return out;
}

static json_t *topics_of(json_t *document)
{
	size_t i;
	json_t *topic, *out = json_array();
	json_array_foreach(json_object_get(json_object_get(document, "command"), "topics"), i, topic)
		if (i)                          /* the first is stdout */
			json_array_append(out, json_object_get(topic, "name"));
	return out;
}

json_t *talk_hello(const struct talk *talk)
{
	const struct lpad_node *node = talk->command->node;
	const struct replica_document *replica = node->document;
	json_t *document = replica->json;
	return json_pack("{s:s, s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:I, s:s, s:O*, s:o, s:O, s:o, s:o}", "is", "hello", "schema", 1,
		"run", node->process->run, "node", replica->node, "group", replica->group, "index", replica->index,
		"replicas", replica->replicas, "incarnation", replica->incarnation, "seed", (json_int_t)node->process->seed,
		"folder", replica->folder, "axes", json_object_get(document, "axes"), "handles", handles_of(document),
		"methods", json_object_get(replica->command, "methods"), "topics", topics_of(document),
		"subscriptions", subscriptions_of(document));
}
