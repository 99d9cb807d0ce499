/* SPDX-License-Identifier: MIT */
/* A topology as a table for people: lpad graph. */
#include "topology/graph.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* ---- words, shared with mermaid.c ---- */

char *graph_replicas(const struct group *group)
{
	struct text out = { 0 };
	text_format(&out, "%d", group->replicas);
	for (size_t i = 0; i < group->axes.count; i++)
		text_format(&out, "%s%s %d", i ? ", " : " (", group->axes.at[i].name, group->axes.at[i].extent);
	if (group->axes.count)
		text_add_char(&out, ')');
	return text_take(&out);
}

/* Words, and what they begin with is left out if it is the folder `without`. */
static void add_tree(struct text *out, const struct tree *tree, const char *without)
{
	size_t length = without ? strlen(without) : 0;
	if (tree->kind == TREE_SCALAR)
		text_add(out, length && !strncmp(tree->text, without, length) && tree->text[length] == '/' ? tree->text + length + 1 : tree->text);
	for (size_t i = 0; i < tree->count; i++) {
		text_add(out, i ? " " : "");
		add_tree(out, tree->items[i], without);
	}
}

static void add_implementation(struct text *out, const struct group *group)
{
	const char *implementation = group->implementation.text;
	if (!implementation && group->spec)
		implementation = group->spec->name;
	if (implementation && strcmp(implementation, group->label))
		text_format(out, ": %s", implementation);
}

char *graph_program(const struct group *group)
{
	struct text out = { 0 };
	if (group->command)
		add_tree(&out, group->command, NULL);
	for (size_t i = 0; i < group->module.count; i++)
		text_format(&out, "%s%s", i ? " " : "", group->module.at[i].text);
	add_implementation(&out, group);
	return text_take(&out);
}

char *graph_caption(const struct topology *topology, const struct group *group)
{
	struct text out = { 0 };
	if (group->command)
		add_tree(&out, group->command, topology->source->folder);
	if (group->module.count)
		text_add(&out, group->module.at[0].text);
	if (group->module.count > 1)
		text_add(&out, ", ...");        /* no number: a picture would be another one with each new file */
	add_implementation(&out, group);
	return text_take(&out);
}

char *graph_map(const struct edge *edge)
{
	static const char *const names[] = {
		[MAP_ALL] = "all", [MAP_ONE_TO_ONE] = "one-to-one", [MAP_ROUND_ROBIN] = "round-robin",
		[MAP_NEXT] = "next", [MAP_PREVIOUS] = "previous", [MAP_ALONG] = "along"
	};
	if (edge->axis)
		return memory_format("%s %s", names[edge->map], edge->axis);
	return memory_copy_text(names[edge->map]);
}

char *graph_keep(const struct edge *edge)
{
	if (!edge->has_keep)
		return memory_copy_text("");
	if (edge->keep > 0)
		return memory_format("keep %d", edge->keep);
	if (edge->keep_window > 0)
		return memory_format("keep all, window %" PRId64, edge->keep_window);
	return memory_copy_text(edge->keep == -2 ? "keep all" : "keep latest");
}

/* ---- the table ---- */

static char *end(const struct topology *topology, int group, const char *port)
{
	const char *label = topology->groups.at[group].label;
	return port ? memory_format("%s.%s", label, port) : memory_copy_text(label);
}

static char *arrow(const struct topology *topology, const struct edge *edge)
{
	char *cleanup_free from = end(topology, edge->from, edge->from_port);
	char *cleanup_free to = end(topology, edge->to, edge->to_port);
	return memory_format("%s -> %s", from, to);
}

static int wider(int width, const char *text)
{
	int length = (int)strlen(text);
	return length > width ? length : width;
}

static void print_nodes(const struct topology *topology, FILE *out)
{
	int width = 0, count_width = 0;
	for (size_t i = 0; i < topology->groups.count; i++) {
		char *cleanup_free count = graph_replicas(&topology->groups.at[i]);
		width = wider(width, topology->groups.at[i].label);
		count_width = wider(count_width, count);
	}
	fputs("nodes\n", out);
	for (size_t i = 0; i < topology->groups.count; i++) {
		const struct group *group = &topology->groups.at[i];
		char *cleanup_free count = graph_replicas(group);
		char *cleanup_free program = graph_program(group);
		fprintf(out, "  %-*s  %*s  %s%s\n", width, group->label, group->axes.count ? -count_width : count_width,
			count, program, group->background ? "  (background)" : "");
	}
}

static void print_edge(const struct topology *topology, const struct edge *edge, int width, FILE *out)
{
	int64_t pairs = edge_pairs(topology, edge);
	char *cleanup_free text = arrow(topology, edge);
	char *cleanup_free map = graph_map(edge);
	char *cleanup_free keep = graph_keep(edge);
	fprintf(out, "  %-*s  %s  %" PRId64 " %s", width, text, edge->to_port ? "topic" : "calls", pairs,
		pairs == 1 ? "pair" : "pairs");
	if (edge->map != MAP_ALL)
		fprintf(out, ", %s", map);
	if (*keep)
		fprintf(out, ", %s", keep);
	if (edge->deadline_ns >= 0)
		fprintf(out, ", deadline %g s", (double)edge->deadline_ns / 1e9);
	fputc('\n', out);
}

void topology_print_text(const struct topology *topology, FILE *out)
{
	int width = 0;
	fprintf(out, "%s, seed %" PRId64 "\n\n", topology->name, topology->seed);
	print_nodes(topology, out);
	if (!topology->edges.count)
		return;
	for (size_t i = 0; i < topology->edges.count; i++) {
		char *cleanup_free text = arrow(topology, &topology->edges.at[i]);
		width = wider(width, text);
	}
	fputs("\nedges\n", out);
	for (size_t i = 0; i < topology->edges.count; i++)
		print_edge(topology, &topology->edges.at[i], width, out);
}
