/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "topology/topology.h"

/*
 * Estimates, by what was measured on nng 1.5.2 (lpad-wire(7)):
 *   a process       2 threads of its own: the main one, which reads the control channel, and the one that keeps time
 *   a replica       its service thread, the thread of its `run` if it has one, those of its `threads: N` methods
 *   a process with  nng's: two tasks per core, at most 16; one expiry thread per core; 4 resolvers and 4 more
 *   any edge
 *   a command       the one thread that the program itself begins with
 * A group whose module is not known counts as one with a run and no method threads.
 */
enum { OWN_THREADS = 2, NNG_TASKS_MOST = 16, NNG_OTHERS = 8 };

static int64_t nng_threads(void)
{
	int64_t cores = sysconf(_SC_NPROCESSORS_ONLN);
	if (cores < 1)
		cores = 1;
	return (2 * cores < NNG_TASKS_MOST ? 2 * cores : NNG_TASKS_MOST) + cores + NNG_OTHERS;
}

static int64_t replica_threads(const struct group *group)
{
	if (!group->spec)
		return 2;
	int64_t threads = group->spec->has_run ? 2 : 1;
	for (size_t i = 0; i < group->spec->methods.count; i++)
		threads += group->spec->methods.at[i].threads;
	return threads;
}

/* A named process counts for the first group that names it, and has nng if any of its groups has an edge. */
struct named {
	const char *name;
	bool joined;
};

static int compare_named(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static void add_named(struct topology_size *size, struct named *named, size_t count, int64_t nng)
{
	if (count)
		qsort(named, count, sizeof *named, compare_named);
	for (size_t i = 0, next; i < count; i = next) {
		bool joined = false;
		for (next = i; next < count && !strcmp(named[next].name, named[i].name); next++)
			joined |= named[next].joined;
		size->processes++;
		size->threads += OWN_THREADS + (joined ? nng : 0);
	}
}

static void add_group(struct topology_size *size, const struct group *group, int64_t nng)
{
	int64_t per = group->per_process > 0 ? group->per_process : 1;
	int64_t processes = (group->replicas + per - 1) / per;
	size->replicas += group->replicas;
	if (group->command) {
		size->processes += group->replicas;
		size->threads += group->replicas;
		return;
	}
	size->threads += group->replicas * replica_threads(group);
	if (group->process)
		return;
	size->processes += processes;
	size->threads += processes * (OWN_THREADS + nng);
}

/* Pairs of a call edge that lead back to the caller: no connection. */
static int64_t own_places(const struct topology *topology, const struct edge *edge)
{
	if (edge->from != edge->to)
		return 0;
	const struct group *group = &topology->groups.at[edge->from];
	if (edge->map != MAP_NEXT && edge->map != MAP_PREVIOUS)
		return group->replicas;
	int extent = group->replicas;
	for (size_t i = 0; edge->axis && i < group->axes.count; i++)
		if (!strcmp(group->axes.at[i].name, edge->axis))
			extent = group->axes.at[i].extent;
	return extent == 1 ? group->replicas : 0;
}

/* A call edge's pair is one connection; a topic's two, one for the messages and one for the subscriber's requests. At most:
   edges between the same two replicas share the one for requests. */
static int64_t connections(const struct topology *topology, const struct edge *edge)
{
	int64_t pairs = edge_pairs(topology, edge);
	return edge->to_port ? 2 * pairs : pairs - own_places(topology, edge);
}

struct topology_size topology_measure(const struct topology *topology)
{
	struct topology_size size = { .nodes = (int64_t)topology->groups.count };
	bool *cleanup_free joined = memory_array(topology->groups.count, sizeof *joined);
	struct named *cleanup_free named = memory_array(topology->groups.count, sizeof *named);
	size_t named_count = 0;
	int64_t nng = nng_threads();
	for (size_t i = 0; i < topology->edges.count; i++) {
		const struct edge *edge = &topology->edges.at[i];
		joined[edge->from] = joined[edge->to] = true;
		size.connections += connections(topology, edge);
	}
	for (size_t i = 0; i < topology->groups.count; i++) {
		const struct group *group = &topology->groups.at[i];
		add_group(&size, group, joined[i] ? nng : 0);
		if (group->process && !group->command)
			named[named_count++] = (struct named){ group->process, joined[i] };
	}
	add_named(&size, named, named_count, nng);
	return size;
}
