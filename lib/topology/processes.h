/* SPDX-License-Identifier: MIT */
/*
 * Which replicas share a process: by `process: NAME`, `per_process: N`, or all of them (`lpad launch --threads`).
 *
 *     struct processes *processes = processes_new(topology, false);
 *     for (int i = 0; i < processes->count; i++)
 *         for (int k = 0; k < processes->at[i].count; k++)
 *             ... processes->at[i].members[k] ...             // a replica's global number
 *     processes_free(processes);
 *
 * A process is called as its only replica, NAME, "worker/4-7" (places in the group, also of a grid), or as the topology
 * with --threads. Commands never share one.
 */
#ifndef TOPOLOGY_PROCESSES_H
#define TOPOLOGY_PROCESSES_H

#include <stdbool.h>

#include "topology/topology.h"

struct process {
	char *name;
	int count;
	const int *members;             /* global numbers of its replicas, ascending; borrowed from `processes` */
	bool shared;                    /* more than one replica lives in it */
	struct policy policy;           /* what its members say; `stop` with --threads */
	const struct resources *resources;      /* of the first member that gives any; NULL: none does */
	int64_t start_within_ns, stop_within_ns;        /* the longest of its members; -1: no limit */
	int64_t health_ns;              /* the longest; 0: one of them need not answer */
};
struct processes {
	int count;                      /* in the order of their first replicas */
	struct process *at;
	int total;                      /* replicas */
	int *members;                   /* all of them, process by process */
	int *of;                        /* by a replica's global number: its process */
	bool threads;                   /* --threads */
};

/* In time that grows with the replicas and the groups. `threads`: all but commands in one. */
struct processes *processes_new(const struct topology *topology, bool threads);
void processes_free(struct processes *processes);               /* NULL is fine */

/* How many of an edge's pairs lie within one process: one's own place among them. */
int64_t processes_pairs_within(const struct processes *processes, const struct topology *topology, const struct edge *edge);

/* Threads that lpad starts in each of them, estimated as by topology_measure. */
void processes_threads(const struct topology *topology, const struct processes *processes, int64_t *out);

/* Did the group itself, or `defaults`, say what happens when it fails? Else it goes by the topology. */
bool process_policy_given(const struct topology *topology, const struct group *group);

#endif
