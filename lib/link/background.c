/* SPDX-License-Identifier: MIT */
#include "link/background.h"

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"

static const int64_t DEPARTS_NS = 1000000000;

void departure_init(struct departure *departure)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&departure->lock, NULL);
	pthread_cond_init(&departure->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	departure->connections = 0;
}

void departure_release(struct departure *departure)
{
	pthread_mutex_destroy(&departure->lock);
	pthread_cond_destroy(&departure->changed);
}

void departure_count(struct departure *departure, bool added)
{
	pthread_mutex_lock(&departure->lock);
	if (added)
		departure->connections++;
	else if (departure->connections)        /* nng also tells the end of one that it refused before it was added */
		departure->connections--;
	pthread_cond_broadcast(&departure->changed);
	pthread_mutex_unlock(&departure->lock);
}

void departure_await(struct departure *departure)
{
	struct timespec until = clock_timespec(clock_ns() + DEPARTS_NS);
	pthread_mutex_lock(&departure->lock);
	while (departure->connections > 0)
		if (pthread_cond_timedwait(&departure->changed, &departure->lock, &until))
			break;
	pthread_mutex_unlock(&departure->lock);
}

struct closing {
	struct closing *next;
	void (*close)(void *object);
	void *object;
	void (*closed)(void *context);
	void *context;
};

/* Those for which there was no thread: the next one does them too. */
static pthread_mutex_t left_lock = PTHREAD_MUTEX_INITIALIZER;
static struct closing *left;

static void leave(struct closing *closing)
{
	pthread_mutex_lock(&left_lock);
	closing->next = left;
	left = closing;
	pthread_mutex_unlock(&left_lock);
}

static struct closing *take_left(void)
{
	pthread_mutex_lock(&left_lock);
	struct closing *closing = left;
	if (closing)
		left = closing->next;
	pthread_mutex_unlock(&left_lock);
	return closing;
}

static void *close_it(void *argument)
{
	for (struct closing *closing = argument; closing; closing = take_left()) {
		closing->close(closing->object);
		closing->closed(closing->context);
		free(closing);
	}
	return NULL;
}

void background_close(void (*close)(void *object), void *object, void (*closed)(void *context), void *context)
{
	struct closing *closing = memory_new(sizeof *closing);
	pthread_t thread;
	*closing = (struct closing){ NULL, close, object, closed, context };
	if (pthread_create(&thread, NULL, close_it, closing))
		leave(closing);
	else
		pthread_detach(thread);
}
