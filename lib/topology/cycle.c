/* SPDX-License-Identifier: MIT */
/*
 * Circles of topics: an edge lies on one when its two groups lie in one strongly connected component of the topic
 * edges. Tarjan's algorithm with a stack of its own: a chain of topics may be as long as the file.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "topology/build.h"

struct search {
	const struct topology *topology;
	int *start, *edges;             /* edges[start[g] .. start[g + 1]): where the topic edges of g go */
	int *next_edge;                 /* the next to follow */
	int *order, *low;               /* place in the order of discovery, from 1; the lowest that can be reached */
	int *component;                 /* -1: not yet known */
	int *stack, *path;              /* found and not in a component yet; the way of the search */
	int found, on_stack, depth, components;
};

static void add_edge(struct search *search, const struct edge *edge)
{
	search->edges[search->next_edge[edge->from]++] = edge->to;
}

static void index_edges(struct search *search)
{
	const struct topology *topology = search->topology;
	size_t groups = topology->groups.count;
	for (size_t i = 0; i < topology->edges.count; i++)
		if (topology->edges.at[i].to_port)
			search->start[topology->edges.at[i].from + 1]++;
	for (size_t g = 0; g < groups; g++) {
		search->start[g + 1] += search->start[g];
		search->next_edge[g] = search->start[g];
	}
	for (size_t i = 0; i < topology->edges.count; i++)
		if (topology->edges.at[i].to_port)
			add_edge(search, &topology->edges.at[i]);
	for (size_t g = 0; g < groups; g++)
		search->next_edge[g] = search->start[g];
}

static void enter(struct search *search, int group)
{
	search->order[group] = search->low[group] = ++search->found;
	search->stack[search->on_stack++] = group;
	search->path[search->depth++] = group;
}

static void lower(struct search *search, int group, int value)
{
	if (value < search->low[group])
		search->low[group] = value;
}

static void leave(struct search *search, int group)
{
	search->depth--;
	if (search->depth)
		lower(search, search->path[search->depth - 1], search->low[group]);
	if (search->low[group] != search->order[group])
		return;
	int member;
	do {
		member = search->stack[--search->on_stack];
		search->component[member] = search->components;
	} while (member != group);
	search->components++;
}

static void explore(struct search *search, int root)
{
	enter(search, root);
	while (search->depth) {
		int group = search->path[search->depth - 1];
		if (search->next_edge[group] == search->start[group + 1]) {
			leave(search, group);
			continue;
		}
		int to = search->edges[search->next_edge[group]++];
		if (!search->order[to])
			enter(search, to);
		else if (search->component[to] < 0)
			lower(search, group, search->order[to]);
	}
}

void cycle_mark(struct topology *topology)
{
	size_t groups = topology->groups.count, edges = topology->edges.count;
	int *cleanup_free memory = memory_array(groups * 7 + edges + 1, sizeof(int));
	struct search search = { .topology = topology, .start = memory, .next_edge = memory + groups + 1,
		.order = memory + groups * 2 + 1, .low = memory + groups * 3 + 1,
		.component = memory + groups * 4 + 1,
		.stack = memory + groups * 5 + 1, .path = memory + groups * 6 + 1,
		.edges = memory + groups * 7 + 1 };
	index_edges(&search);
	for (size_t g = 0; g < groups; g++)
		search.component[g] = -1;
	for (size_t g = 0; g < groups; g++)
		if (!search.order[g])
			explore(&search, (int)g);
	for (size_t i = 0; i < edges; i++) {
		struct edge *edge = &topology->edges.at[i];
		edge->cycle = edge->to_port && search.component[edge->from] == search.component[edge->to];
	}
}
