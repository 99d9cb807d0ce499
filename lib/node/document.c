/* SPDX-License-Identifier: MIT */
#include "node/document.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- members that must be there ---- */

static const char *text_of(json_t *object, const char *key, struct error *error)
{
	const char *text = json_string_value(json_object_get(object, key));
	if (!text && error && !error->text[0])
		error_set(error, "the document of this process lacks \"%s\"", key);
	return text ? text : "";
}

static int64_t number_of(json_t *object, const char *key, int64_t fallback)
{
	json_t *value = json_object_get(object, key);
	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

static void read_axes(json_t *list, struct replica_document *out)
{
	size_t i;
	json_t *axis;
	out->axis_count = json_array_size(list);
	out->axes = memory_array(out->axis_count, sizeof *out->axes);
	json_array_foreach(list, i, axis)
		out->axes[i] = (struct axis_document){ .name = text_of(axis, "name", NULL),
			.extent = (int)number_of(axis, "extent", 0), .coordinate = (int)number_of(axis, "coordinate", 0) };
}

static void read_replica(json_t *json, struct replica_document *out, bool check, struct error *error)
{
	*out = (struct replica_document){ .json = json, .params = json_object_get(json, "params") };
	out->node = text_of(json, "node", error);
	out->group = text_of(json, "group", error);
	out->folder = text_of(json, "folder", check ? NULL : error);
	out->command = json_object_get(json, "command");
	out->module = text_of(json, "module", check || out->command ? NULL : error);
	out->shown = text_of(json, "shown", NULL);
	out->implementation = text_of(json, "implementation", error);
	out->index = (int)number_of(json, "index", 0);
	out->replicas = (int)number_of(json, "replicas", 1);
	out->incarnation = (int)number_of(json, "incarnation", 1);
	out->waited = json_is_true(json_object_get(json, "waited"));
	read_axes(json_object_get(json, "axes"), out);
}

int document_read(json_t *json, struct node_document *out, struct error *error)
{
	struct error local = { 0 };
	size_t i;
	json_t *node, *nodes = json_object_get(json, "nodes");
	*out = (struct node_document){ .json = json };
	out->run = text_of(json, "run", &local);
	out->name = text_of(json, "name", &local);
	out->seed = number_of(json, "seed", 1);
	out->token = strtoull(text_of(json, "token", &local), NULL, 16);
	out->count = json_array_size(nodes);
	out->nodes = memory_array(out->count, sizeof *out->nodes);
	json_array_foreach(nodes, i, node)
		read_replica(node, &out->nodes[i], false, &local);
	if (number_of(json, "lpad", 0) != 1)
		error_set(&local, "the document of this process is of another version of lpad");
	else if (!out->count && !local.text[0])
		error_set(&local, "the document of this process names no node");
	if (!local.text[0])
		return 0;
	document_release(out);
	return error_set(error, "%s", local.text);
}

int document_read_check(json_t *json, struct node_document *out, struct error *error)
{
	struct error local = { 0 };
	*out = (struct node_document){ .json = json, .run = "check", .name = "check", .seed = 1, .count = 1 };
	out->nodes = memory_array(1, sizeof *out->nodes);
	read_replica(json, &out->nodes[0], true, &local);
	if (!local.text[0])
		return 0;
	document_release(out);
	return error_set(error, "%s", local.text);
}

void document_release(struct node_document *document)
{
	for (size_t i = 0; i < document->count; i++)
		free(document->nodes[i].axes);
	free(document->nodes);
	json_decref(document->json);
	*document = (struct node_document){ 0 };
}
