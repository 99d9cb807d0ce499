/* SPDX-License-Identifier: MIT */
/* What life.c (the loop of the main thread) and orders.c (what the supervisor tells it to do) share. */
#ifndef NODE_INSIDE_H
#define NODE_INSIDE_H

#include "base/channel.h"
#include "base/list.h"
#include "node/control.h"
#include "node/replica.h"

enum {
	COUNTERS_MS = 1000,             /* between two looks at the counters, doubled while nothing changes */
	WAITS_MS = 5000                 /* how often a slow step says for whom it waits */
};

struct life {
	struct channel channel;
	int wake_fd;
	struct node_document document;
	struct replica_events events;
	struct replica *replicas;
	size_t count;
	bool finishing;
	int64_t report_at, status_at, status_last, counters_at, counters_every, waits_at;       /* ms; INT64_MAX: not due */
	pthread_mutex_t lock;           /* guards the outbox and the failure */
	LIST(json_t *) outbox;
	bool failed;
	int failed_code;
};

/* orders.c */
void orders_obey(struct life *life, json_t *line);
/* That one, of this process or another, listens there: told to all of this process. */
void orders_peer_is_up(struct life *life, json_t *peer);

#endif
