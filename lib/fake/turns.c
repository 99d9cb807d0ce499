/* SPDX-License-Identifier: MIT */
/* Threads that take turns: the one whose turn it is runs, the others sleep. */
#include "fake/fake.h"

#include <stdlib.h>

#include "base/memory.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static const struct lane *turn;                 /* lock; NULL: the test's */
static _Thread_local struct lane *own;          /* NULL: on the test's thread */
static int64_t now_ns = 1000000000;             /* of whoever has the turn */

int64_t fake_now(void)
{
	return now_ns;
}

void fake_advance(double seconds)
{
	now_ns += (int64_t)(seconds * 1e9);
}

static void pass_to(const struct lane *next)
{
	pthread_mutex_lock(&lock);
	turn = next;
	pthread_cond_broadcast(&changed);
	while (turn != own)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static void *lane_main(void *context)
{
	own = context;
	pthread_mutex_lock(&lock);
	while (turn != own)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	own->work(own);
	pthread_mutex_lock(&lock);
	own->ended = true;
	turn = NULL;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

void lane_start(struct lane *lane, lpad_test *test, void (*work)(struct lane *lane))
{
	lane->test = test;
	lane->work = work;
	lane->started = true;
	if (pthread_create(&lane->thread, NULL, lane_main, lane))
		fake_mistake("cannot start a thread");
}

void lane_join(struct lane *lane)
{
	if (lane->started)
		pthread_join(lane->thread, NULL);
	lane->started = false;
}

static bool wait_over(const struct lane *lane)
{
	return lane->there(lane->context) || (node_of(lane->test)->stopping && lane->waits != LPAD_TEST_LOCK)
		|| fake_now() >= lane->deadline;
}

bool lane_can_go(const struct lane *lane)
{
	return lane->started && !lane->ended && (lane->waits == LPAD_TEST_ENDED || wait_over(lane));
}

void lane_go(struct lane *lane)
{
	if (lane_can_go(lane))
		pass_to(lane);
}

bool lane_is_service(const lpad_test *test)
{
	return own == &((const lpad_node *)(const void *)test)->service;
}

int lane_wait(lpad_test *test, enum lpad_test_wait what, bool (*there)(void *context), void *context, int64_t deadline)
{
	struct lane *lane = own;
	const lpad_node *node = node_of(test);
	if (there(context))
		return 0;
	if (!lane)
		return fault_set(LPAD_EINVALID, "the test itself may not wait: only the node's own code does");
	lane->waits = what;
	lane->there = there;
	lane->context = context;
	lane->deadline = deadline;
	while (!wait_over(lane))
		pass_to(NULL);
	lane->waits = LPAD_TEST_ENDED;
	if (there(context))
		return 0;
	return node->stopping ? fault_set(LPAD_ESTOPPED, "the program is stopping")
		: fault_set(LPAD_ETIMEDOUT, "the deadline passed");
}

void fake_mistake(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *text = memory_format_list(format, list);
	va_end(list);
	fflush(stdout);                 /* what the test had printed before comes first */
	fprintf(stderr, "lpad test: %s\n", text);
	free(text);
	_Exit(99);
}
