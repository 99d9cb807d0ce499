/* SPDX-License-Identifier: MIT */
/*
 * Deadlines: a heap of timers that live inside the things they belong to. Setting, clearing and finding the first one
 * cost a logarithm, however many there are. A zeroed timer is not set.
 */
#ifndef SUPERVISE_TIMERS_H
#define SUPERVISE_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct timer {
	int64_t at_ns;          /* on clock_ns() */
	size_t place;           /* in the heap, from 1; 0: not set */
	int kind;               /* the owner's: who the timer is */
};
struct timers {
	LIST(struct timer *) heap;
};

/* Sets or moves it. */
void timers_set(struct timers *timers, struct timer *timer, int64_t at_ns);
void timers_clear(struct timers *timers, struct timer *timer);
/* Takes the first one that is due; NULL: none. */
struct timer *timers_due(struct timers *timers, int64_t now_ns);
/* Milliseconds until the first one, rounded up, for epoll_wait; -1: none is set. */
int timers_wait_ms(const struct timers *timers, int64_t now_ns);
/* All of them later by so much: what was stopped (Ctrl-Z) has not used up its time. */
void timers_shift(struct timers *timers, int64_t by_ns);
void timers_release(struct timers *timers);

#endif
