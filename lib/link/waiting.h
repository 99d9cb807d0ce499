/* SPDX-License-Identifier: MIT */
/* Threads that wait for the same thing. All under the link's lock. */
#ifndef LINK_WAITING_H
#define LINK_WAITING_H

#include "base/list.h"
#include "link/inside.h"

struct waiters {
	struct waiter **at;
	size_t count, room;
};

static inline void waiters_wake(const struct waiters *waiters)
{
	for (size_t i = 0; i < waiters->count; i++)
		link_wake(waiters->at[i]);
}

/* As link_wait, among others. */
static inline bool waiters_wait(struct waiters *waiters, struct link *link, int64_t deadline_ns)
{
	struct waiter *self = link_waiter();
	*list_add(waiters) = self;
	bool woken = link_wait(link, self, deadline_ns);
	for (size_t i = 0; i < waiters->count; i++)
		if (waiters->at[i] == self) {
			waiters->at[i] = waiters->at[--waiters->count];
			break;
		}
	return woken;
}

#endif
