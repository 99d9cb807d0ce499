/* SPDX-License-Identifier: MIT */
/* A topology for Graphviz: solid arrows are calls, dashed ones topics. */
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "topology/graph.h"

/* A text in double quotes; a backslash would begin an escape of Graphviz. */
static char *quoted(const char *text)
{
	struct text out = { 0 };
	text_add_char(&out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			text_add_char(&out, '\\');
		if (*text == '\n')
			text_add(&out, "\\n");
		else
			text_add_char(&out, *text);
	}
	text_add_char(&out, '"');
	return text_take(&out);
}

static void print_node(const struct topology *topology, const struct group *group, FILE *out)
{
	char *cleanup_free count = graph_replicas(group);
	char *cleanup_free program = graph_caption(topology, group);
	bool alone = group->replicas == 1 && !group->axes.count;
	char *cleanup_free plain = alone ? memory_format("%s\n%s", group->label, program)
		: memory_format("%s x %s\n%s", group->label, count, program);
	char *cleanup_free name = quoted(group->label);
	char *cleanup_free label = quoted(plain);
	fprintf(out, "\t%s [label=%s%s%s];\n", name, label, group->command ? ", shape=component" : "",
		alone ? "" : ", peripheries=2");
}

static void print_edge(const struct topology *topology, const struct edge *edge, FILE *out)
{
	struct text cleanup_text words = { 0 };
	char *cleanup_free map = graph_map(edge);
	char *cleanup_free keep = graph_keep(edge);
	text_add(&words, edge->from_port ? edge->from_port : "");
	if (edge->to_port && !text_equal(edge->from_port, edge->to_port))
		text_format(&words, " to %s", edge->to_port);
	if (edge->map != MAP_ALL)
		text_format(&words, "\n%s", map);
	if (*keep)
		text_format(&words, "\n%s", keep);
	char *cleanup_free from = quoted(topology->groups.at[edge->from].label);
	char *cleanup_free to = quoted(topology->groups.at[edge->to].label);
	char *cleanup_free label = quoted(text_string(&words));
	fprintf(out, "\t%s -> %s [label=%s%s];\n", from, to, label, edge->to_port ? ", style=dashed" : "");
}

void topology_print_dot(const struct topology *topology, FILE *out)
{
	char *cleanup_free name = quoted(topology->name);
	fprintf(out, "digraph %s {\n\trankdir=LR;\n\tnode [shape=box];\n", name);
	for (size_t i = 0; i < topology->groups.count; i++)
		print_node(topology, &topology->groups.at[i], out);
	for (size_t i = 0; i < topology->edges.count; i++)
		print_edge(topology, &topology->edges.at[i], out);
	fputs("}\n", out);
}
