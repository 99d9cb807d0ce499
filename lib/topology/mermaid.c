/* SPDX-License-Identifier: MIT */
/* A topology as a mermaid flowchart: solid arrows are calls, dotted ones topics. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "topology/graph.h"

/* Mermaid ends a text at a quote and reads markup in it; entities it shows as they are meant. */
static char *quoted(const char *text)
{
	static const char special[] = "\"#<>&|`;\\";
	struct text out = { 0 };
	text_add_char(&out, '"');
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || strchr(special, *text))
			text_format(&out, "#%d;", (unsigned char)*text);
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
	char *cleanup_free plain = group->replicas == 1 && !group->axes.count ?
		memory_format("%s: %s", group->label, program) : memory_format("%s x %s: %s", group->label, count, program);
	char *cleanup_free label = quoted(plain);
	fprintf(out, group->command ? "    n%d[[%s]]\n" : "    n%d[%s]\n", group->number, label);
}

/* "weights to weights, keep latest, round-robin". */
static void print_edge(const struct edge *edge, FILE *out)
{
	struct text cleanup_text words = { 0 };
	char *cleanup_free map = graph_map(edge);
	char *cleanup_free keep = graph_keep(edge);
	text_add(&words, edge->from_port ? edge->from_port : "");
	if (edge->to_port && !text_equal(edge->from_port, edge->to_port))
		text_format(&words, " to %s", edge->to_port);
	if (edge->map != MAP_ALL)
		text_format(&words, ", %s", map);
	if (*keep)
		text_format(&words, ", %s", keep);
	char *cleanup_free label = quoted(text_string(&words));
	fprintf(out, "    n%d %s|%s| n%d\n", edge->from, edge->to_port ? "-.->" : "-->", label, edge->to);
}

void topology_print_mermaid(const struct topology *topology, FILE *out)
{
	fputs("flowchart LR\n", out);
	for (size_t i = 0; i < topology->groups.count; i++)
		print_node(topology, &topology->groups.at[i], out);
	for (size_t i = 0; i < topology->edges.count; i++)
		print_edge(&topology->edges.at[i], out);
}
