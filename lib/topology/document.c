/* SPDX-License-Identifier: MIT */
#include "topology/document.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "topology/joins.h"
#include "topology/value.h"

enum { FIRST_INCARNATION = 1 };

/* What every step of one replica's document needs. places NULL: for `check`, without addresses. */
struct writer {
	const struct topology *topology;
	const struct run_places *places;
	const struct group *group;
	int index, incarnation;
};

/* ---- peers ---- */

/* ipc://SOCKETS/ID.INCARNATION.N: N is 0 for calls, 1 + its place for a topic. */
static json_t *address(const struct writer *writer, const struct group *group, int index, int incarnation, int n)
{
	char *cleanup_free text = memory_format("ipc://%s/%d.%d.%d", writer->places->sockets, group->first + index,
		incarnation, n);
	return json_string(text);
}

static json_t *peer(const struct writer *writer, const struct group *group, int index)
{
	char *cleanup_free name = group_replica_name(group, index);
	bool self = group == writer->group && index == writer->index;
	json_t *out = json_object();
	json_object_set_new_nocheck(out, "node", json_string_nocheck(name));
	json_object_set_new_nocheck(out, "number", json_integer(group->number));
	json_object_set_new_nocheck(out, "index", json_integer(index));
	json_object_set_new_nocheck(out, "incarnation", json_integer(self ? writer->incarnation : FIRST_INCARNATION));
	return out;
}

static int incarnation_of(const json_t *peer)
{
	return (int)json_integer_value(json_object_get(peer, "incarnation"));
}

static const struct group *group_at(const struct writer *writer, int number)
{
	return &writer->topology->groups.at[number];
}

/* ---- handles ---- */

static json_t *handle_of(json_t *handles, const char *name)
{
	json_t *handle = json_object_get(handles, name);
	if (handle)
		return handle;
	handle = json_pack("{s:i, s:n, s:[]}", "place", -1, "deadline", "servers");
	json_object_set_new(handles, name, handle);
	return handle;
}

static void add_servers(struct writer *writer, const struct edge *edge, json_t *handle)
{
	size_t count;
	int *cleanup_free indexes = edge_servers(writer->topology, edge, writer->index, &count);
	json_t *servers = json_object_get(handle, "servers");
	const struct group *to = group_at(writer, edge->to);
	for (size_t i = 0; i < count; i++) {
		if (to == writer->group && indexes[i] == writer->index)
			json_object_set_new(handle, "place", json_integer((json_int_t)json_array_size(servers)));
		json_t *server = peer(writer, to, indexes[i]);
		if (writer->places)
			json_object_set_new_nocheck(server, "address",
				address(writer, to, indexes[i], incarnation_of(server), 0));
		json_array_append_new(servers, server);
	}
}

static json_t *handles_of(struct writer *writer)
{
	size_t count;
	const int *edges = joins_from(writer->topology->joins, writer->group->number, &count);
	json_t *handles = json_object();
	for (size_t i = 0; i < count; i++) {
		const struct edge *edge = &writer->topology->edges.at[edges[i]];
		if (edge->to_port)
			continue;
		json_t *handle = handle_of(handles, edge->from_port);
		add_servers(writer, edge, handle);
		if (edge->deadline_ns >= 0 && json_is_null(json_object_get(handle, "deadline")))
			json_object_set_new(handle, "deadline", json_real((double)edge->deadline_ns / 1e9));
	}
	return handles;
}

/* ---- callers: each member once, however many handles it has here ---- */

struct member {
	int number, index;
};

static int compare_members(const void *a, const void *b)
{
	const struct member *left = a, *right = b;
	if (left->number != right->number)
		return left->number < right->number ? -1 : 1;
	return (left->index > right->index) - (left->index < right->index);
}

static json_t *callers_of(struct writer *writer)
{
	LIST(struct member) members = { 0 };
	size_t count, callers;
	const int *edges = joins_to(writer->topology->joins, writer->group->number, &count);
	for (size_t i = 0; i < count; i++) {
		const struct edge *edge = &writer->topology->edges.at[edges[i]];
		if (edge->to_port)
			continue;
		int *cleanup_free indexes = edge_callers(writer->topology, edge, writer->index, &callers);
		for (size_t j = 0; j < callers; j++)
			*list_add(&members) = (struct member){ edge->from, indexes[j] };
	}
	if (members.count)
		qsort(members.at, members.count, sizeof members.at[0], compare_members);
	json_t *list = json_array();
	for (size_t i = 0; i < members.count; i++)
		if (!i || compare_members(&members.at[i - 1], &members.at[i]))
			json_array_append_new(list, peer(writer, group_at(writer, members.at[i].number), members.at[i].index));
	list_release(&members);
	return list;
}

/* ---- topics ---- */

static int topic_place(const struct group *group, const char *topic)
{
	for (size_t i = 0; group->spec && i < group->spec->topics.count; i++)
		if (!strcmp(group->spec->topics.at[i].name, topic))
			return (int)i;
	return 0;
}

static json_t *topic_address(const struct writer *writer, const struct group *group, int index, int incarnation,
	const char *topic)
{
	return address(writer, group, index, incarnation, 1 + 2 * topic_place(group, topic));
}

static json_t *topic_of(const struct writer *writer, json_t *topics, const char *name, const struct join *join)
{
	json_t *topic = json_object_get(topics, name);
	if (topic)
		return topic;
	topic = json_pack("{s:i, s:i, s:[]}", "buffer", join->buffer, "window", 0, "subscribers");
	if (writer->places)
		json_object_set_new(topic, "bodies", json_pack("[o]", topic_address(writer, writer->group, writer->index,
			writer->incarnation, name)));
	json_object_set_new(topics, name, topic);
	return topic;
}

static void add_subscribers(struct writer *writer, json_t *topics, int number)
{
	size_t count;
	const struct edge *edge = &writer->topology->edges.at[number];
	const struct join *join = &writer->topology->joins->edges[number];
	int *cleanup_free indexes = edge_servers(writer->topology, edge, writer->index, &count);
	if (!count)
		return;
	json_t *topic = topic_of(writer, topics, edge->from_port, join);
	json_t *subscribers = json_object_get(topic, "subscribers");
	if (join->window > json_integer_value(json_object_get(topic, "window")))
		json_object_set_new(topic, "window", json_integer(join->window));
	for (size_t i = 0; i < count; i++) {
		json_t *subscriber = peer(writer, group_at(writer, edge->to), indexes[i]);
		json_object_set_new_nocheck(subscriber, "port", json_string_nocheck(edge->to_port));
		json_object_set_new_nocheck(subscriber, "keep", json_integer(join->keep));
		json_object_set_new_nocheck(subscriber, "window", json_integer(join->window));
		json_array_append_new(subscribers, subscriber);
	}
}

static json_t *topics_of(struct writer *writer)
{
	size_t count;
	const int *edges = joins_from(writer->topology->joins, writer->group->number, &count);
	json_t *topics = json_object();
	for (size_t i = 0; i < count; i++) {
		const struct edge *edge = &writer->topology->edges.at[edges[i]];
		if (!edge->to_port)
			continue;
		add_subscribers(writer, topics, edges[i]);
	}
	return topics;
}

/* ---- subscriptions ---- */

static json_t *subscription_of(json_t *subscriptions, const char *name, const struct join *join)
{
	json_t *subscription = json_object_get(subscriptions, name);
	if (subscription)
		return subscription;
	subscription = json_pack("{s:i, s:I, s:b, s:[]}", "keep", join->keep, "window", (json_int_t)join->window,
		"cycle", 0, "publishers");
	json_object_set_new(subscriptions, name, subscription);
	return subscription;
}

static void add_publishers(struct writer *writer, json_t *subscriptions, int number)
{
	size_t count;
	const struct edge *edge = &writer->topology->edges.at[number];
	const struct join *join = &writer->topology->joins->edges[number];
	const struct group *from = group_at(writer, edge->from);
	int *cleanup_free indexes = edge_callers(writer->topology, edge, writer->index, &count);
	json_t *subscription = subscription_of(subscriptions, edge->to_port, join);
	json_t *publishers = json_object_get(subscription, "publishers");
	if (edge->cycle)
		json_object_set_new(subscription, "cycle", json_true());
	for (size_t i = 0; i < count; i++) {
		json_t *publisher = peer(writer, from, indexes[i]);
		json_object_set_new_nocheck(publisher, "topic", json_string_nocheck(edge->from_port));
		json_object_set_new_nocheck(publisher, "keep", json_integer(join->keep));
		json_object_set_new_nocheck(publisher, "window", json_integer(join->window));
		json_object_set_new_nocheck(publisher, "buffer", json_integer(join->buffer));
		if (writer->places) {
			json_object_set_new_nocheck(publisher, "address", topic_address(writer, from, indexes[i],
				incarnation_of(publisher), edge->from_port));
			json_object_set_new_nocheck(publisher, "serve",
				address(writer, from, indexes[i], incarnation_of(publisher), 0));
		}
		json_array_append_new(publishers, publisher);
	}
}

static json_t *subscriptions_of(struct writer *writer)
{
	size_t count;
	const int *edges = joins_to(writer->topology->joins, writer->group->number, &count);
	json_t *subscriptions = json_object();
	for (size_t i = 0; i < count; i++) {
		const struct edge *edge = &writer->topology->edges.at[edges[i]];
		if (!edge->to_port)
			continue;
		add_publishers(writer, subscriptions, edges[i]);
	}
	return subscriptions;
}

/* ---- the node itself ---- */

static json_t *axes_of(const struct writer *writer)
{
	const struct group *group = writer->group;
	json_t *axes = json_array();
	int *cleanup_free coordinates = memory_array(group->axes.count, sizeof *coordinates);
	if (group->axes.count)
		group_coordinates(group, writer->index, coordinates);
	for (size_t i = 0; i < group->axes.count; i++)
		json_array_append_new(axes, json_pack("{s:s, s:i, s:i}", "name", group->axes.at[i].name,
			"extent", group->axes.at[i].extent, "coordinate", coordinates[i]));
	return axes;
}

bool document_waited(const struct group *group)
{
	if (group->background)
		return false;
	return group->command || (group->spec && group->spec->has_run && !group->spec->service && !group->service_declared);
}

static json_t *seconds(int64_t ns)
{
	return ns < 0 ? json_integer(-1) : json_real((double)ns / 1e9);
}

static void write_identity(const struct writer *writer, json_t *out, const char *name)
{
	const struct group *group = writer->group;
	json_object_set_new(out, "node", json_string(name));
	json_object_set_new(out, "group", json_string(group->label));
	json_object_set_new(out, "number", json_integer(group->number));
	json_object_set_new(out, "index", json_integer(writer->index));
	json_object_set_new(out, "replicas", json_integer(group->replicas));
	json_object_set_new(out, "incarnation", json_integer(writer->incarnation));
	json_object_set_new(out, "id", json_integer(group->first + writer->index));
	json_object_set_new(out, "axes", axes_of(writer));
	json_object_set_new(out, "shown", json_string(group->interface->shown));
	json_object_set_new(out, "implementation", json_string(group->spec->name));
	json_object_set_new(out, "waited", json_boolean(document_waited(group)));
	json_object_set_new(out, "start_within", seconds(group->start_within_ns));
	json_object_set_new(out, "stop_within", seconds(group->stop_within_ns));
}

static void write_places(const struct writer *writer, json_t *out, const char *folder)
{
	const struct run_places *places = writer->places;
	bool served = json_array_size(json_object_get(out, "callers")) || json_object_size(json_object_get(out, "topics"));
	json_object_set_new(out, "folder", json_string(folder));
	json_object_set_new(out, "module", json_string(places->module(places->context, writer->group)));
	json_object_set_new(out, "serve", served ?
		json_pack("[o]", address(writer, writer->group, writer->index, writer->incarnation, 0)) : json_array());
}

static json_t *write_node(struct writer *writer)
{
	static const char somewhere[] = "/folder-of-the-replica";       /* for check: nothing there is touched */
	const struct group *group = writer->group;
	if (!group->spec || !writer->topology->joins)
		BUG("the document of %s is wanted before it is bound to a module", group->label);
	char *cleanup_free name = group_replica_name(group, writer->index);
	char *cleanup_free folder = writer->places ? memory_format("%s/%s", writer->places->nodes, name) :
		memory_copy_text(somewhere);
	json_t *out = json_object();
	write_identity(writer, out, name);
	json_object_set_new(out, "params", values_filled(group->spec, group->values, writer->index, folder));
	json_object_set_new(out, "handles", handles_of(writer));
	if (writer->places)             /* a check calls nobody: it does not need to know who calls it */
		json_object_set_new(out, "callers", callers_of(writer));
	json_object_set_new(out, "topics", topics_of(writer));
	json_object_set_new(out, "subscriptions", subscriptions_of(writer));
	json_object_set_new(out, "max_message", json_integer(writer->topology->joins->max_message));
	if (writer->places)
		write_places(writer, out, folder);
	return out;
}

json_t *document_node(const struct topology *topology, const struct run_places *places, const struct group *group,
	int index, int incarnation)
{
	struct writer writer = { .topology = topology, .places = places, .group = group, .index = index,
		.incarnation = incarnation };
	return write_node(&writer);
}

json_t *document_process(const struct topology *topology, const struct run_places *places,
	const struct group *group, int index, int incarnation)
{
	return json_pack("{s:i, s:s, s:s, s:s, s:I, s:s, s:[o]}", "lpad", 1, "run", places->run, "name", topology->name,
		"token", places->token, "seed", (json_int_t)topology->seed, "sockets", places->sockets,
		"nodes", document_node(topology, places, group, index, incarnation));
}

json_t *document_check(const struct topology *topology, const struct group *group, int index)
{
	struct writer writer = { .topology = topology, .group = group, .index = index, .incarnation = FIRST_INCARNATION };
	return write_node(&writer);
}
