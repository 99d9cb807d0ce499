/* SPDX-License-Identifier: MIT */
/* The graph alone as JSON: what topology_to_json has without parameters, policies and limits. */
#include <stdlib.h>

#include "base/dump.h"
#include "base/memory.h"
#include "topology/graph.h"
#include "topology/joins.h"

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static json_t *node_json(const struct group *group)
{
	char *cleanup_free program = graph_program(group);
	json_t *axes = json_object();
	for (size_t i = 0; i < group->axes.count; i++)
		json_object_set_new(axes, group->axes.at[i].name, json_integer(group->axes.at[i].extent));
	return json_pack("{ss ss so si so}", "node", group->label, "kind", group->command ? "command" : "module",
		"program", text_or_null(program), "replicas", group->replicas, "axes", axes);
}

/* As the file writes it: "latest", a number, "all", {"all": 512}. */
static json_t *keep_json(const struct edge *edge)
{
	if (!edge->has_keep)
		return json_null();
	if (edge->keep > 0)
		return json_integer(edge->keep);
	if (edge->keep_window > 0)
		return json_pack("{sI}", "all", (json_int_t)edge->keep_window);
	return json_string(edge->keep == KEEP_ALL ? "all" : "latest");
}

static json_t *edge_json(const struct topology *topology, const struct edge *edge)
{
	char *cleanup_free map = graph_map(edge);
	return json_pack("{ss ss so ss so ss so sI}", "kind", edge->to_port ? "topic" : "calls",
		"from", topology->groups.at[edge->from].label, "from_port", text_or_null(edge->from_port),
		"to", topology->groups.at[edge->to].label, "to_port", text_or_null(edge->to_port),
		"map", map, "keep", keep_json(edge), "pairs", (json_int_t)edge_pairs(topology, edge));
}

void topology_print_graph_json(const struct topology *topology, FILE *out)
{
	json_t *nodes = json_array(), *edges = json_array();
	for (size_t i = 0; i < topology->groups.count; i++)
		json_array_append_new(nodes, node_json(&topology->groups.at[i]));
	for (size_t i = 0; i < topology->edges.count; i++)
		json_array_append_new(edges, edge_json(topology, &topology->edges.at[i]));
	json_t *graph = json_pack("{si ss so so}", "schema", 1, "name", topology->name, "nodes", nodes, "edges", edges);
	char *cleanup_free text = dump_json(graph, JSON_INDENT(2));
	json_decref(graph);
	fputs(text, out);
	fputc('\n', out);
}
