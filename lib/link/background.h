/* SPDX-License-Identifier: MIT */
/*
 * Closing a socket of nng 1.5.2 may wait for ever. What belongs to a dead peer is therefore closed by a thread of its own, for
 * which nobody waits.
 */
#ifndef LINK_BACKGROUND_H
#define LINK_BACKGROUND_H

#include <pthread.h>
#include <stdbool.h>

/*
 * nng 1.5.2 may also be stuck for good, with all connections of the process, when it closes one on which something arrives at that
 * moment. From a dead peer nothing arrives once its connection has ended, which happens by itself, or, if a child of it keeps it
 * open, after a moment: until then closing waits here.
 */
struct departure {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int connections;                /* lock: those that stand */
};
void departure_init(struct departure *departure);
void departure_release(struct departure *departure);
void departure_count(struct departure *departure, bool added);          /* one was added, or has ended */
void departure_await(struct departure *departure);

/* `close(object)`, then `closed(context)`, both on another thread; if there is none to be had, on that of the next background_close. */
void background_close(void (*close)(void *object), void *object, void (*closed)(void *context), void *context);

#endif
