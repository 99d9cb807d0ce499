/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "topology/processes.h"

/*
 * Estimates, by what was measured on nng 1.5.2 (lpad-wire(7)):
 *   a process       2 threads of its own: the main one, which reads the control channel, and the one that keeps time
 *   a replica       its service thread, the thread of its `run` if it has one, those of its `threads: N` methods
 *   a process with  nng's: two tasks per core, at most 16; one expiry thread per core; 4 resolvers and 4 more
 *   any edge out
 *   a command       its host's, as above, one that waits for its program, and the one that the program itself begins with
 * A group whose module is not known counts as one with a run and no method threads.
 */
enum { OWN_THREADS = 2, PROGRAM_THREADS = 2, NNG_TASKS_MOST = 16, NNG_OTHERS = 8 };

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

/* nng is in a process with a replica of a group that `leaves`. */
static void add_group(struct topology_size *size, const struct group *group, const struct processes *processes,
	const bool *leaves, bool *has_nng)
{
	size->replicas += group->replicas;
	size->threads += group->replicas * (replica_threads(group) + (group->command ? PROGRAM_THREADS : 0));
	for (int i = 0; leaves[group->number] && i < group->replicas; i++)
		has_nng[processes->of[group->first + i]] = true;
}

/* Between processes a call edge's pair is one connection; a topic's two, one for the messages and one for the subscriber's
   requests. At most: edges between the same two replicas share the one for requests. */
static void add_edge(struct topology_size *size, const struct topology *topology, const struct edge *edge,
	const struct processes *processes, bool *leaves)
{
	int64_t pairs = edge_pairs(topology, edge) - processes_pairs_within(processes, topology, edge);
	size->connections += edge->to_port ? 2 * pairs : pairs;
	if (pairs)
		leaves[edge->from] = leaves[edge->to] = true;
}

static void add_all(struct topology_size *size, const struct topology *topology, const struct processes *processes)
{
	bool *cleanup_free leaves = memory_array(topology->groups.count, sizeof *leaves);
	bool *cleanup_free has_nng = memory_array((size_t)processes->count, sizeof *has_nng);
	int64_t nng = nng_threads();
	for (size_t i = 0; i < topology->edges.count; i++)
		add_edge(size, topology, &topology->edges.at[i], processes, leaves);
	for (size_t i = 0; i < topology->groups.count; i++)
		add_group(size, &topology->groups.at[i], processes, leaves, has_nng);
	size->processes = processes->count;
	size->threads += processes->count * OWN_THREADS;
	for (int i = 0; i < processes->count; i++)
		size->threads += has_nng[i] ? nng : 0;
}

void processes_threads(const struct topology *topology, const struct processes *processes, int64_t *out)
{
	struct topology_size size = { 0 };
	bool *cleanup_free leaves = memory_array(topology->groups.count, sizeof *leaves);
	bool *cleanup_free has_nng = memory_array((size_t)processes->count, sizeof *has_nng);
	int64_t nng = nng_threads();
	for (size_t i = 0; i < topology->edges.count; i++)
		add_edge(&size, topology, &topology->edges.at[i], processes, leaves);
	for (int i = 0; i < processes->count; i++)
		out[i] = OWN_THREADS;
	for (size_t i = 0; i < topology->groups.count; i++) {
		const struct group *group = &topology->groups.at[i];
		add_group(&size, group, processes, leaves, has_nng);
		for (int k = 0; k < group->replicas; k++)
			out[processes->of[group->first + k]] += replica_threads(group);
	}
	for (int i = 0; i < processes->count; i++)
		out[i] += has_nng[i] ? nng : 0;
}

struct topology_size topology_measure(const struct topology *topology, const struct processes *processes)
{
	struct topology_size size = { .nodes = (int64_t)topology->groups.count };
	struct processes *own = processes ? NULL : processes_new(topology, false);
	add_all(&size, topology, processes ? processes : own);
	processes_free(own);
	return size;
}
