/* SPDX-License-Identifier: MIT */
/* A link's counters as a line of control.h, only when they have changed since the last one. */
#ifndef NODE_COUNTERS_H
#define NODE_COUNTERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "link/link.h"

/* What the last line said, in one number. */
struct counters_memory {
	bool said;
	uint64_t sum;
};

/* New reference; NULL: nothing has changed, or there is nothing to count. */
json_t *counters_line(struct link *link, const char *node, struct counters_memory *memory);

#endif
