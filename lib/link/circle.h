/* SPDX-License-Identifier: MIT */
/* Circles of threads that wait for each other's calls: found by PROBEs, see circle.c. With the link's lock. */
#ifndef LINK_CIRCLE_H
#define LINK_CIRCLE_H

#include "link/inside.h"

/* When a wait for calls is to look for the first time; INT64_MAX: never, nobody can wait for its thread. */
int64_t circle_first(const struct link *link, const struct long_wait *wait);
/* As link_wait, looking for a circle now and then; if there is one, a call that it waits for is done with LPAD_EDEADLK. */
bool circle_wait(struct link *link, struct long_wait *wait, int64_t deadline_ns);
void circle_request(struct link *link, struct request *request, const struct wire *wire, const char *body);
void circle_close(struct link *link);           /* requests are dropped */
void circle_free(struct link *link);            /* after the lines are closed */

#endif
