/* SPDX-License-Identifier: MIT */
#include "supervise/timers.h"

#include <limits.h>

/* Places count from 1, so that a zeroed timer is not set; parent of p is p / 2. */
static struct timer *at(const struct timers *timers, size_t place)
{
	return timers->heap.at[place - 1];
}

static void put(struct timers *timers, size_t place, struct timer *timer)
{
	timers->heap.at[place - 1] = timer;
	timer->place = place;
}

static size_t rise(struct timers *timers, size_t place, struct timer *timer)
{
	for (; place > 1 && at(timers, place / 2)->at_ns > timer->at_ns; place /= 2)
		put(timers, place, at(timers, place / 2));
	return place;
}

static size_t sink(struct timers *timers, size_t place, struct timer *timer)
{
	for (size_t child; (child = place * 2) <= timers->heap.count; place = child) {
		if (child < timers->heap.count && at(timers, child + 1)->at_ns < at(timers, child)->at_ns)
			child++;
		if (at(timers, child)->at_ns >= timer->at_ns)
			break;
		put(timers, place, at(timers, child));
	}
	return place;
}

static void settle(struct timers *timers, size_t place, struct timer *timer)
{
	place = rise(timers, place, timer);
	put(timers, sink(timers, place, timer), timer);
}

void timers_set(struct timers *timers, struct timer *timer, int64_t at_ns)
{
	timer->at_ns = at_ns;
	if (!timer->place) {
		*list_add(&timers->heap) = timer;
		timer->place = timers->heap.count;
	}
	settle(timers, timer->place, timer);
}

void timers_clear(struct timers *timers, struct timer *timer)
{
	size_t place = timer->place;
	if (!place)
		return;
	timer->place = 0;
	struct timer *last = at(timers, timers->heap.count--);
	if (last != timer)
		settle(timers, place, last);
}

struct timer *timers_due(struct timers *timers, int64_t now_ns)
{
	if (!timers->heap.count || at(timers, 1)->at_ns > now_ns)
		return NULL;
	struct timer *first = at(timers, 1);
	timers_clear(timers, first);
	return first;
}

int timers_wait_ms(const struct timers *timers, int64_t now_ns)
{
	if (!timers->heap.count)
		return -1;
	int64_t left = at(timers, 1)->at_ns - now_ns;
	if (left <= 0)
		return 0;
	int64_t ms = left / 1000000 + (left % 1000000 != 0);
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

void timers_shift(struct timers *timers, int64_t by_ns)
{
	for (size_t i = 0; i < timers->heap.count; i++)
		timers->heap.at[i]->at_ns += by_ns;
}

void timers_release(struct timers *timers)
{
	list_release(&timers->heap);
}
