/* SPDX-License-Identifier: MIT */
/* What document.c (the node, the process) and document_ports.c (its edges) share. */
#ifndef TOPOLOGY_WRITER_H
#define TOPOLOGY_WRITER_H

#include "topology/document.h"

/* Where neighbours are: in the same process, or not. */
enum { WITHIN = 1, OUTSIDE = 2 };

/* What every step of one replica's document needs. places NULL: for `check`, without addresses. */
struct writer {
	const struct topology *topology;
	const struct run_places *places;
	const struct group *group;
	int index;
	int neighbours;         /* where those are that call it or subscribe */
	struct topic_neighbours {
		int all, lazy;
	} *topics;              /* by the topic's place in the spec */
};

/* ---- addresses: ID.INCARNATION.N ---- */

enum { SERVE, BODIES, NOTICES };        /* N: 0, and from 1 on two for each topic */

int writer_incarnation(const struct writer *writer, int replica);
int writer_own_number(const struct writer *writer);
/* WITHIN or OUTSIDE. */
int writer_where(const struct writer *writer, int replica);
int writer_topic_place(const struct group *group, const char *topic);
int writer_socket(const struct group *group, int kind, const char *topic);
/* Of a socket of that replica, for neighbours there; over tcp null: nobody knows it yet. */
json_t *writer_address(const struct writer *writer, int at, const struct group *group, int index, int number);
/* One's own, for neighbours there: WITHIN, OUTSIDE or both. */
json_t *writer_listens(const struct writer *writer, int neighbours, int number);

/* document_ports.c: each an array or object. */
json_t *writer_handles(const struct writer *writer);
json_t *writer_callers(struct writer *writer);
json_t *writer_topics(struct writer *writer);
json_t *writer_subscriptions(const struct writer *writer);
/* document_command.c: the program and its ports. */
json_t *writer_command(const struct writer *writer, const char *folder);
json_t *writer_mirrored(const struct writer *writer);           /* NULL: none */

#endif
