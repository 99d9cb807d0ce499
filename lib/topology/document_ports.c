/* SPDX-License-Identifier: MIT */
/* The edges of one replica, as its document has them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "topology/joins.h"
#include "topology/mirrors.h"
#include "topology/writer.h"

/* ---- peers ---- */

static json_t *peer(const struct writer *writer, const struct group *group, int index)
{
	char *cleanup_free name = group_replica_name(group, index);
	json_t *out = json_object();
	json_object_set_new_nocheck(out, "node", json_string_nocheck(name));
	json_object_set_new_nocheck(out, "number", json_integer(group->number));
	json_object_set_new_nocheck(out, "index", json_integer(index));
	json_object_set_new_nocheck(out, "incarnation", json_integer(writer_incarnation(writer, group->first + index)));
	return out;
}

static const struct group *group_at(const struct writer *writer, int number)
{
	return &writer->topology->groups.at[number];
}

static json_t *address_of(const struct writer *writer, const struct group *group, int index, int number)
{
	return writer_address(writer, writer_where(writer, group->first + index), group, index, number);
}

/* ---- handles ---- */

static json_t *handle_of(json_t *handles, const char *name)
{
	json_t *handle = json_object_get(handles, name);
	if (handle)
		return handle;
	handle = json_pack("{s:i, s:n, s:[], s:{}}", "place", -1, "deadline", "servers", "methods");
	json_object_set_new(handles, name, handle);
	return handle;
}

/* Its own and those of the node behind it, if it stands in front of one; from `from` on. */
static json_t *methods_of(const struct method_list *methods, size_t from, bool whole)
{
	json_t *out = json_array();
	for (size_t i = from; i < methods->list.count; i++) {
		const struct method_spec *method = methods->list.at[i];
		json_t *one = json_pack("{s:s, s:b}", "name", method->name, "idempotent", method->idempotent);
		if (whole)
			json_object_update_new(one, json_pack("{s:s?, s:s?}", "request", method->request, "reply", method->reply));
		json_array_append_new(out, one);
	}
	return out;
}

static void add_methods(const struct writer *writer, int group, json_t *handle)
{
	struct method_list methods;
	char number[16];
	snprintf(number, sizeof number, "%d", group);
	mirrors_methods(writer->topology, group, &methods);
	json_object_set_new(json_object_get(handle, "methods"), number, methods_of(&methods, 0, writer->group->command));
	list_release(&methods.list);
}

static void add_servers(const struct writer *writer, const struct edge *edge, json_t *handle)
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
			json_object_set_new_nocheck(server, "address", address_of(writer, to, indexes[i], 0));
		json_array_append_new(servers, server);
	}
}

json_t *writer_handles(const struct writer *writer)
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
		add_methods(writer, edge->to, handle);
		if (edge->deadline_ns >= 0 && json_is_null(json_object_get(handle, "deadline")))
			json_object_set_new(handle, "deadline", json_real((double)edge->deadline_ns / 1e9));
	}
	return handles;
}

json_t *writer_mirrored(const struct writer *writer)
{
	struct method_list methods;
	mirrors_methods(writer->topology, writer->group->number, &methods);
	json_t *out = methods.list.count > methods.own ? methods_of(&methods, methods.own, true) : NULL;
	list_release(&methods.list);
	return out;
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

json_t *writer_callers(struct writer *writer)
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
	for (size_t i = 0; i < members.count; i++) {
		const struct group *group = group_at(writer, members.at[i].number);
		if (i && !compare_members(&members.at[i - 1], &members.at[i]))
			continue;
		writer->neighbours |= writer_where(writer, group->first + members.at[i].index);
		json_array_append_new(list, peer(writer, group, members.at[i].index));
	}
	list_release(&members);
	return list;
}

/* ---- topics ---- */

static json_t *topic_of(json_t *topics, const char *name, const struct join *join)
{
	json_t *topic = json_object_get(topics, name);
	if (topic)
		return topic;
	topic = json_pack("{s:i, s:i, s:[]}", "buffer", join->buffer, "window", 0, "subscribers");
	json_object_set_new(topics, name, topic);
	return topic;
}

/* Of `latest`, unless the edge says eager: versions are published, bodies fetched when they are read. */
static bool is_lazy(const struct writer *writer, int number)
{
	return writer->topology->joins->edges[number].keep == KEEP_LATEST && !writer->topology->edges.at[number].eager;
}

static void add_neighbour(struct writer *writer, int number, int replica)
{
	const char *topic = writer->topology->edges.at[number].from_port;
	struct topic_neighbours *neighbours = &writer->topics[writer_topic_place(writer->group, topic)];
	int at = writer_where(writer, replica);
	neighbours->all |= at;
	neighbours->lazy |= is_lazy(writer, number) ? at : 0;
	writer->neighbours |= at;
}

static void write_listens(const struct writer *writer, json_t *topics)
{
	const char *name;
	json_t *topic;
	json_object_foreach(topics, name, topic) {
		const struct topic_neighbours *neighbours = &writer->topics[writer_topic_place(writer->group, name)];
		json_object_set_new(topic, "bodies",
			writer_listens(writer, neighbours->all, writer_socket(writer->group, BODIES, name)));
		json_object_set_new(topic, "notices",
			writer_listens(writer, neighbours->lazy, writer_socket(writer->group, NOTICES, name)));
	}
}

static void add_subscribers(struct writer *writer, json_t *topics, int number)
{
	size_t count;
	const struct edge *edge = &writer->topology->edges.at[number];
	const struct join *join = &writer->topology->joins->edges[number];
	int *cleanup_free indexes = edge_servers(writer->topology, edge, writer->index, &count);
	if (!count)
		return;
	json_t *topic = topic_of(topics, edge->from_port, join);
	json_t *subscribers = json_object_get(topic, "subscribers");
	if (join->window > json_integer_value(json_object_get(topic, "window")))
		json_object_set_new(topic, "window", json_integer(join->window));
	for (size_t i = 0; i < count; i++) {
		const struct group *to = group_at(writer, edge->to);
		json_t *subscriber = peer(writer, to, indexes[i]);
		if (writer->places)
			add_neighbour(writer, number, to->first + indexes[i]);
		json_object_set_new_nocheck(subscriber, "port", json_string_nocheck(edge->to_port));
		json_object_set_new_nocheck(subscriber, "keep", json_integer(join->keep));
		json_object_set_new_nocheck(subscriber, "window", json_integer(join->window));
		json_object_set_new_nocheck(subscriber, "eager", json_boolean(edge->eager));
		json_array_append_new(subscribers, subscriber);
	}
}

json_t *writer_topics(struct writer *writer)
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
	if (writer->places)
		write_listens(writer, topics);
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

static void write_publisher_addresses(const struct writer *writer, int number, const struct group *from, int index,
	json_t *publisher)
{
	const char *topic = writer->topology->edges.at[number].from_port;
	json_object_set_new_nocheck(publisher, "address",
		address_of(writer, from, index, writer_socket(from, BODIES, topic)));
	json_object_set_new_nocheck(publisher, "notice", is_lazy(writer, number) ?
		address_of(writer, from, index, writer_socket(from, NOTICES, topic)) : json_null());
	json_object_set_new_nocheck(publisher, "serve", address_of(writer, from, index, 0));
}

static void add_publishers(const struct writer *writer, json_t *subscriptions, int number)
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
		json_object_set_new_nocheck(publisher, "eager", json_boolean(edge->eager));
		if (writer->places)
			write_publisher_addresses(writer, number, from, indexes[i], publisher);
		json_array_append_new(publishers, publisher);
	}
}

json_t *writer_subscriptions(const struct writer *writer)
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
