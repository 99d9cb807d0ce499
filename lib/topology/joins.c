/* SPDX-License-Identifier: MIT */
#include "topology/joins.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Counting sort of the edges by one of their ends. */
static void sort_edges(const struct topology *topology, bool by_from, int **start_out, int **edges_out)
{
	size_t groups = topology->groups.count, count = topology->edges.count;
	int *start = memory_array(groups + 2, sizeof *start), *edges = memory_array(count, sizeof *edges);
	for (size_t i = 0; i < count; i++) {
		const struct edge *edge = &topology->edges.at[i];
		start[(by_from ? edge->from : edge->to) + 2]++;
	}
	for (size_t g = 2; g < groups + 2; g++)
		start[g] += start[g - 1];
	for (size_t i = 0; i < count; i++) {
		const struct edge *edge = &topology->edges.at[i];
		edges[start[(by_from ? edge->from : edge->to) + 1]++] = (int)i;
	}
	*start_out = start;
	*edges_out = edges;
}

struct joins *joins_new(const struct topology *topology)
{
	struct joins *joins = memory_new(sizeof *joins);
	joins->groups = topology->groups.count;
	joins->count = topology->edges.count;
	joins->edges = memory_array(joins->count, sizeof *joins->edges);
	sort_edges(topology, true, &joins->from_start, &joins->from);
	sort_edges(topology, false, &joins->to_start, &joins->to);
	joins->behind = memory_array(joins->groups, sizeof *joins->behind);
	for (size_t g = 0; g < joins->groups; g++)
		joins->behind[g] = -1;
	joins->max_message = joins->count ? 0 : 1 << 30;
	for (size_t i = 0; i < joins->count; i++) {
		const struct edge *edge = &topology->edges.at[i];
		joins->edges[i].call = !edge->to_port;
		if (edge->max_message > joins->max_message)
			joins->max_message = edge->max_message;
	}
	return joins;
}

void joins_free(struct joins *joins)
{
	if (!joins)
		return;
	free(joins->from_start), free(joins->from);
	free(joins->to_start), free(joins->to);
	free(joins->edges), free(joins->behind);
	free(joins);
}

const int *joins_from(const struct joins *joins, int group, size_t *count)
{
	*count = (size_t)(joins->from_start[group + 1] - joins->from_start[group]);
	return joins->from + joins->from_start[group];
}

const int *joins_to(const struct joins *joins, int group, size_t *count)
{
	*count = (size_t)(joins->to_start[group + 1] - joins->to_start[group]);
	return joins->to + joins->to_start[group];
}

/* What one subscriber asks of the publisher's buffer. */
static int64_t demand(const struct join *join)
{
	if (join->keep == KEEP_ALL)
		return join->window + BUFFER_SPARE;
	return (join->keep > WINDOW_DEFAULT ? join->keep : WINDOW_DEFAULT) + BUFFER_SPARE;
}

struct topic_demand {
	const char *topic;
	int64_t buffer;
};

/* A node has few topics, whatever the number of its edges. */
static struct topic_demand *demand_of(struct topic_demand *demands, size_t *count, const char *topic)
{
	for (size_t i = 0; i < *count; i++)
		if (!strcmp(demands[i].topic, topic))
			return &demands[i];
	demands[*count] = (struct topic_demand){ .topic = topic };
	return &demands[(*count)++];
}

static void set_group_buffers(struct joins *joins, const struct topology *topology, int group)
{
	size_t count, topics = 0;
	const int *edges = joins_from(joins, group, &count);
	struct topic_demand *cleanup_free demands = memory_array(count, sizeof *demands);
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < count; i++) {
			struct join *join = &joins->edges[edges[i]];
			const char *topic = topology->edges.at[edges[i]].from_port;
			if (join->call || !topic)
				continue;
			struct topic_demand *all = demand_of(demands, &topics, topic);
			if (!pass && demand(join) > all->buffer)
				all->buffer = demand(join);
			join->buffer = (int)(all->buffer < BUFFER_MOST ? all->buffer : BUFFER_MOST);
		}
}

void joins_set_buffers(struct joins *joins, const struct topology *topology)
{
	for (size_t i = 0; i < joins->count; i++) {
		int64_t window = topology->edges.at[i].keep_window;
		joins->edges[i].window = window <= 0 ? WINDOW_DEFAULT : window < WINDOW_MOST ? window : WINDOW_MOST;
	}
	for (size_t g = 0; g < joins->groups; g++)
		set_group_buffers(joins, topology, (int)g);
}
