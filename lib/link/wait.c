/* SPDX-License-Identifier: MIT */
/* Threads that wait: a futex word each, woken after the lock was released. */
#include "link/circle.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

/* ---- one thread ---- */

static _Thread_local struct waiter own;
static _Thread_local struct {
	const struct link *link;
	enum thread_role role;
	int queue;
	uint64_t serving;
	const char *busy;
} thread;

struct waiter *link_waiter(void)
{
	return &own;
}

enum thread_role link_role(const struct link *link)
{
	return thread.link == link ? thread.role : THREAD_OTHER;
}

void link_set_role(struct link *link, enum thread_role role, int queue)
{
	if (thread.link == link && thread.role == role && thread.queue == queue)
		return;
	thread.link = link;
	thread.role = role;
	thread.queue = queue;
	link_set_busy(0, NULL);
}

void link_set_busy(uint64_t serving, const char *busy)
{
	thread.serving = serving;
	thread.busy = busy;
}

void link_not_busy(const struct link *link, uint64_t serving)
{
	if (thread.link == link && thread.serving == serving)
		link_set_busy(0, NULL);
}

void link_run_thread(struct link *link)
{
	link_set_role(link, THREAD_RUN, -1);
}

bool link_must_stop(const struct link *link)
{
	return link->cut || (link->stopping && link_role(link) != THREAD_CALLBACK);
}

int64_t link_deadline(lpad_deadline deadline, int64_t fallback_ns)
{
	if (deadline.at != INT64_MIN)
		return deadline.at;
	return fallback_ns < 0 ? INT64_MAX : clock_ns() + fallback_ns;
}

/* Returns at a wake, at the deadline (of CLOCK_MONOTONIC), or for no reason. */
static void sleep_on(struct waiter *waiter, int64_t deadline_ns)
{
	struct timespec until = clock_timespec(deadline_ns);
	syscall(SYS_futex, &waiter->woken, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0,
		deadline_ns == INT64_MAX ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
}

bool link_wait(struct link *link, struct waiter *waiter, int64_t deadline_ns)
{
	bool woken;
	atomic_store_explicit(&waiter->woken, 0, memory_order_relaxed);
	waiter->link = link;
	link_unlock(link);
	while (!(woken = atomic_load_explicit(&waiter->woken, memory_order_acquire))) {
		if (deadline_ns != INT64_MAX && clock_ns() >= deadline_ns)
			break;
		sleep_on(waiter, deadline_ns);
	}
	link_lock(link);
	waiter->link = NULL;
	return woken || atomic_load_explicit(&waiter->woken, memory_order_relaxed);
}

/* The word may belong to a thread that has ended by now: the kernel then wakes nobody, or somebody who looks again. */
static void wake_now(atomic_uint *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

void link_wake(struct waiter *waiter)
{
	if (!waiter || !waiter->link || atomic_load_explicit(&waiter->woken, memory_order_relaxed))
		return;
	atomic_store_explicit(&waiter->woken, 1, memory_order_release);
	struct due *due = &waiter->link->due;
	if (due->wake_count < sizeof due->wakes / sizeof due->wakes[0])
		due->wakes[due->wake_count++] = waiter;
	else
		wake_now(&waiter->woken);
}

void link_wake_taken(struct waiter *const *wakes, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		wake_now(&wakes[i]->woken);
}

/* ---- waits that the user hears of ---- */

void link_wait_begin(struct link *link, struct long_wait *wait, int64_t now_ns, const char *peer, const char *what)
{
	*wait = (struct long_wait){ .next = link->waits, .at = &link->waits, .waiter = link_waiter(),
		.serial = ++link->wait_serial, .since_ns = now_ns, .note_ns = peer ? now_ns + link->note_after_ns : INT64_MAX,
		.peer = peer, .what = what, .probe_ns = INT64_MAX };
	if (wait->next)
		wait->next->at = &wait->next;
	link->waits = wait;
	link_tick_by(link, wait->note_ns);
}

void link_wait_calls(struct link *link, struct long_wait *wait, struct lpad_future *const *futures, size_t count,
	bool bounded, const char *peer, const char *what)
{
	static const char *const roles[] = { [THREAD_OTHER] = "a thread of its own", [THREAD_RUN] = "run",
		[THREAD_CALLBACK] = "a callback" };
	link_wait_begin(link, wait, clock_ns(), peer, what);
	wait->futures = futures;
	wait->count = count;
	wait->bounded = bounded;
	wait->role = link_role(link);
	bool ours = thread.link == link;
	wait->queue = ours ? thread.queue : -1;
	wait->serving = ours ? thread.serving : 0;
	wait->busy = ours && thread.busy ? thread.busy : roles[wait->role];
	wait->probe_ns = circle_first(link, wait);
}

void link_wait_end(struct link *link, struct long_wait *wait)
{
	if (wait->told) {
		free(wait->told);
		link->told_serial++;
		link_tick_by(link, clock_ns());
	}
	*wait->at = wait->next;
	if (wait->next)
		wait->next->at = wait->at;
}

void link_wake_waits(struct link *link)
{
	for (struct long_wait *wait = link->waits; wait; wait = wait->next)
		link_wake(wait->waiter);
}

int link_wait_stop(struct link *link, lpad_deadline deadline)
{
	int64_t until = link_deadline(deadline, -1);
	struct long_wait wait;
	bool in_time = true;
	link_lock(link);
	link_wait_begin(link, &wait, 0, NULL, NULL);
	while (!link->stopping && in_time)
		in_time = link_wait(link, link_waiter(), until);
	link_wait_end(link, &wait);
	bool stopping = link->stopping;
	link_unlock(link);
	return stopping ? 0 : fault_set(LPAD_ETIMEDOUT, "the program did not stop within the time given");
}

bool link_stopping(struct link *link)
{
	return link->stopping;
}
