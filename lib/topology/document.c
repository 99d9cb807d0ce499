/* SPDX-License-Identifier: MIT */
#include "topology/document.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "topology/joins.h"
#include "topology/value.h"
#include "topology/writer.h"

enum { FIRST_INCARNATION = 1 };

/* ---- addresses: ID.INCARNATION.N ---- */

int writer_incarnation(const struct writer *writer, int replica)
{
	const struct run_places *places = writer->places;
	return places && places->incarnation ? places->incarnation(places->supervisor, replica) : FIRST_INCARNATION;
}

int writer_own_number(const struct writer *writer)
{
	return writer->group->first + writer->index;
}

int writer_where(const struct writer *writer, int replica)
{
	const struct run_places *places = writer->places;
	return carrier_is_inproc(places->carrier, places->processes, writer_own_number(writer), replica) ? WITHIN : OUTSIDE;
}

int writer_topic_place(const struct group *group, const char *topic)
{
	for (size_t i = 0; group->spec && i < group->spec->topics.count; i++)
		if (!strcmp(group->spec->topics.at[i].name, topic))
			return (int)i;
	return 0;
}

int writer_socket(const struct group *group, int kind, const char *topic)
{
	return kind == SERVE ? 0 : kind + 2 * writer_topic_place(group, topic);
}

json_t *writer_address(const struct writer *writer, int at, const struct group *group, int index, int number)
{
	int replica = group->first + index, incarnation = writer_incarnation(writer, replica);
	if (at == OUTSIDE && writer->places->carrier == CARRIER_TCP)
		return json_null();
	char *cleanup_free text = at == WITHIN ? memory_format("inproc://%d.%d.%d", replica, incarnation, number) :
		memory_format("ipc://%s/%d.%d.%d", writer->places->sockets, replica, incarnation, number);
	return json_string(text);
}

json_t *writer_listens(const struct writer *writer, int neighbours, int number)
{
	json_t *list = json_array();
	if (neighbours & WITHIN)
		json_array_append_new(list, writer_address(writer, WITHIN, writer->group, writer->index, number));
	if (neighbours & OUTSIDE && writer->places->carrier == CARRIER_TCP)
		json_array_append_new(list, json_string("tcp://127.0.0.1:0"));
	else if (neighbours & OUTSIDE)
		json_array_append_new(list, writer_address(writer, OUTSIDE, writer->group, writer->index, number));
	return list;
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
	json_object_set_new(out, "incarnation", json_integer(writer_incarnation(writer, writer_own_number(writer))));
	json_object_set_new(out, "id", json_integer(group->first + writer->index));
	json_object_set_new(out, "axes", axes_of(writer));
	json_object_set_new(out, "shown", json_string(group->interface ? group->interface->shown : group->label));
	json_object_set_new(out, "implementation", json_string(group->spec->name));
	json_object_set_new(out, "waited", json_boolean(document_waited(group)));
	json_object_set_new(out, "start_within", seconds(group->start_within_ns));
	json_object_set_new(out, "stop_within", seconds(group->stop_within_ns));
}

static void write_places(const struct writer *writer, json_t *out, const char *folder)
{
	const struct run_places *places = writer->places;
	json_object_set_new(out, "folder", json_string(folder));
	if (writer->group->command)
		json_object_set_new(out, "command", writer_command(writer, folder));
	else
		json_object_set_new(out, "module", json_string(places->module(places->context, writer->group)));
	json_object_set_new(out, "serve", writer_listens(writer, writer->neighbours, 0));
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
	struct topic_neighbours *cleanup_free topics = memory_array(group->spec->topics.count + 1, sizeof *topics);
	json_t *out = json_object(), *mirrored;
	writer->topics = topics;
	write_identity(writer, out, name);
	json_object_set_new(out, "params", group->command ? json_object() :
		values_filled(group->spec, group->values, writer->index, folder));
	json_object_set_new(out, "handles", writer_handles(writer));
	if (writer->places)             /* a check calls nobody: it does not need to know who calls it */
		json_object_set_new(out, "callers", writer_callers(writer));
	if ((mirrored = writer_mirrored(writer)))
		json_object_set_new(out, "mirrored", mirrored);
	json_object_set_new(out, "topics", writer_topics(writer));
	json_object_set_new(out, "subscriptions", writer_subscriptions(writer));
	json_object_set_new(out, "max_message", json_integer(writer->topology->joins->max_message));
	if (writer->places)
		write_places(writer, out, folder);
	return out;
}

json_t *document_node(const struct topology *topology, const struct run_places *places, const struct group *group, int index)
{
	struct writer writer = { .topology = topology, .places = places, .group = group, .index = index };
	return write_node(&writer);
}

/* Groups stand in the order of their replicas' numbers. */
static const struct group *group_of(const struct topology *topology, int replica)
{
	size_t low = 0, high = topology->groups.count;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (topology->groups.at[middle].first <= replica)
			low = middle;
		else
			high = middle;
	}
	return &topology->groups.at[low];
}

json_t *document_process(const struct topology *topology, const struct run_places *places, int number)
{
	const struct process *process = &places->processes->at[number];
	json_t *nodes = json_array();
	for (int i = 0; i < process->count; i++) {
		const struct group *group = group_of(topology, process->members[i]);
		json_array_append_new(nodes, document_node(topology, places, group, process->members[i] - group->first));
	}
	return json_pack("{s:i, s:s, s:s, s:s, s:I, s:s, s:s, s:o}", "lpad", 1, "run", places->run, "name", topology->name,
		"token", places->token, "seed", (json_int_t)topology->seed, "sockets", places->sockets,
		"process", process->name, "nodes", nodes);
}

json_t *document_check(const struct topology *topology, const struct group *group, int index)
{
	struct writer writer = { .topology = topology, .group = group, .index = index };
	return write_node(&writer);
}
