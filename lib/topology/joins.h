/* SPDX-License-Identifier: MIT */
/*
 * The edges of each group, and what binding found out about each edge, so that no document needs to walk the whole
 * list of edges. Made once by topology_bind, kept in topology->joins.
 */
#ifndef TOPOLOGY_JOINS_H
#define TOPOLOGY_JOINS_H

#include "topology/topology.h"

enum {
	WINDOW_DEFAULT = 128,   /* messages a publisher runs ahead under `all` */
	WINDOW_MOST = 4096,
	BUFFER_SPARE = 64,      /* what the PUB buffer holds beyond the window, for lpad's own messages */
	BUFFER_MOST = 8192,     /* nng's limit */
	KEEP_LATEST = -1,       /* as LPAD_LATEST, LPAD_ALL */
	KEEP_ALL = -2
};

/* Of a topic's edge, after binding; of a call edge nothing but `call`. */
struct join {
	bool call;
	int keep;               /* the edge's, else the subscription's */
	int64_t window;
	int buffer;             /* of the topic: what its most demanding subscriber needs */
};
struct joins {
	size_t groups, count;
	int *from_start, *from; /* from[from_start[g] .. from_start[g + 1]): edges that g starts, in the file's order */
	int *to_start, *to;     /* the same for edges that end at g */
	struct join *edges;
	int *behind;            /* by group: the one whose methods it offers too, mirrors.c; -1: none */
	int64_t max_message;    /* the largest of all edges: one limit for the run, so that nobody sends what a peer refuses */
};

struct joins *joins_new(const struct topology *topology);
/* Once every join's keep is known: windows and the buffers of all topics. */
void joins_set_buffers(struct joins *joins, const struct topology *topology);
void joins_free(struct joins *joins);                   /* NULL is fine */

/* Edge numbers, `*count` of them; borrowed. */
const int *joins_from(const struct joins *joins, int group, size_t *count);
const int *joins_to(const struct joins *joins, int group, size_t *count);

#endif
