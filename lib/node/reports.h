/* SPDX-License-Identifier: MIT */
/* lpad_report's numbers on their way to the control channel: adding never waits for the channel; beyond REPORTS_MOST
   the oldest are dropped and counted. */
#ifndef NODE_REPORTS_H
#define NODE_REPORTS_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { REPORTS_MOST = 65536 };

struct report {
	char *name;             /* interned by the ring: freed with it */
	double value;
	int64_t step, wall_ms;
};

struct reports {
	pthread_mutex_t lock;
	struct report *ring;    /* REPORTS_MOST, made on first use */
	size_t first, count;
	int64_t dropped;
	char **names;           /* every name seen, so that a report allocates nothing */
	size_t name_count;
};

void reports_init(struct reports *reports);
void reports_release(struct reports *reports);
/* true: the first one waiting, so the owner should be woken. */
bool reports_add(struct reports *reports, const char *name, double value, int64_t step);
/* All that wait, as {"is": "reports", ...} without "node"; NULL: nothing. */
json_t *reports_take(struct reports *reports);

#endif
