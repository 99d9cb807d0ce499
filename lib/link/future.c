/* SPDX-License-Identifier: MIT */
/* Calls that a node holds as futures: never NULL, whatever went wrong comes at the wait. */
#include "link/caller.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "link/circle.h"

static void enlist(struct lpad_future *future, bool by_run)
{
	struct callers *callers = future->home->callers;
	future->next = callers->futures;
	future->at = &callers->futures;
	if (future->next)
		future->next->at = &future->next;
	callers->futures = future;
	future->by_run = by_run;
}

static void delist(struct lpad_future *future)
{
	if (!future->at)
		return;
	*future->at = future->next;
	if (future->next)
		future->next->at = future->at;
	future->at = NULL;
}

/* It never began. */
static lpad_future *stillborn(struct lpad_future *future, int code)
{
	future->link = NULL;
	future->done = true;
	future->code = code;
	future->wrong = memory_copy_text(fault_text());
	return future;
}

lpad_future *handle_start(lpad_handle *handle, int place, const char *method, lpad_message *request,
	lpad_deadline deadline)
{
	struct lpad_future *future = memory_new(sizeof *future);
	int code = caller_prepare(future, handle, place, method, request, deadline);
	if (code)
		return stillborn(future, code);
	future->method = future->own_method = memory_copy_text(method);
	link_lock(handle->link);
	code = caller_send(future, place, false);
	if (!code)
		enlist(future, link_role(handle->link) != THREAD_CALLBACK);
	link_unlock(handle->link);
	return code ? stillborn(future, code) : future;
}

static void free_future(struct lpad_future *future)
{
	caller_release(future);
	free(future);
}

/* `then` will be called: until it is, the future is lpad's. */
static bool is_given(const struct lpad_future *future)
{
	return future->then && !future->called;
}

static int given_fault(void)
{
	return fault_set(LPAD_EINVALID, "the future was given to lpad_then, which calls its function first");
}

int future_wait(lpad_future *future, lpad_message **reply)
{
	int code = 0;
	if (reply)
		*reply = NULL;
	if (!future)
		return fault_set(LPAD_EINVALID, "there is no future to wait for");
	if (future->home) {
		link_lock(future->home);
		bool given = is_given(future);
		if (!given && future->link)
			code = caller_await(future);
		if (!given)
			delist(future);
		link_unlock(future->home);
		if (given)
			return given_fault();
	}
	if (!code)
		code = future->link ? caller_result(future, reply) : fault_set(future->code, "%s", future->wrong);
	free_future(future);
	return code;
}

int future_ready(lpad_future *future)
{
	bool done = true;
	if (future && future->link) {
		link_lock(future->link);
		done = future->done;
		link_unlock(future->link);
	}
	return done;
}

void future_discard(struct lpad_future *future)
{
	if (future->link)
		caller_forget(future);
	delist(future);
	free_future(future);
}

void future_cancel(lpad_future *future)
{
	struct link *link = future ? future->home : NULL;
	if (link) {
		link_lock(link);
		if (future->posted && !future->called)
			future->cancelled = true;       /* the work that was posted still points to it */
		else
			future_discard(future);
		link_unlock(link);
	} else if (future)
		free_future(future);
}

/* ---- functions that are called when it is finished ---- */

void future_post(struct lpad_future *future)
{
	struct work work = { .kind = WORK_FUTURE, .future = future, .done = future->then, .context = future->context };
	future->posted = true;
	link_post(future->home, &work);
}

bool future_take(struct link *link, struct work *work)
{
	struct lpad_future *future = work->future;
	(void)link;
	future->called = true;
	if (!future->cancelled)
		return true;
	future_discard(future);
	return false;
}

/* What is done with those that nobody waits for when the program stops. */
static void fail_stopped(struct lpad_future *future)
{
	caller_fail(future, LPAD_ESTOPPED, memory_format("%s.%s: the program is stopping", line_peer(future->place->line),
		future->method));
}

/* Lock held. */
static int give(struct lpad_future *future, void (*then)(lpad_node *, lpad_future *, void *), void *context)
{
	if (future->then)
		return fault_set(LPAD_EINVALID, "the future was given to lpad_then before");
	if (future->waiter)
		return fault_set(LPAD_EINVALID, "another thread waits for the future");
	if (!future->at)
		enlist(future, false);          /* it failed before it began */
	future->by_run = false;
	future->then = then;
	future->context = context;
	if (future->done)
		future_post(future);
	else if (future->link->draining)        /* callers_drain will not see it any more */
		fail_stopped(future);
	return 0;
}

int future_then(lpad_future *future, void (*done)(lpad_node *, lpad_future *, void *), void *context)
{
	if (!future || !done)
		return fault_set(LPAD_EINVALID, future ? "there is no function to call" : "there is no future");
	if (!future->home)
		return future_wait(future, NULL);       /* nobody's: there is no thread that could call it */
	link_lock(future->home);
	int code = give(future, done, context);
	link_unlock(future->home);
	return code;
}

/* Those that nobody waits for. */
void callers_stop(struct link *link)
{
	for (struct lpad_future *future = link->callers->futures; future; future = future->next)
		if (future->then && !future->done)
			fail_stopped(future);
}

void callers_drain(struct link *link)
{
	callers_stop(link);
}

/* ---- any of several ---- */

static int first_done(lpad_future *const *futures, int count)
{
	for (int i = 0; i < count; i++)
		if (futures[i] && futures[i]->done)
			return i;
	return -1;
}

static bool any_given(lpad_future *const *futures, int count)
{
	for (int i = 0; i < count; i++)
		if (futures[i] && is_given(futures[i]))
			return true;
	return false;
}

static void set_waiters(lpad_future *const *futures, int count, struct waiter *waiter)
{
	for (int i = 0; i < count; i++)
		if (futures[i])
			futures[i]->waiter = waiter;
}

/* Lock held. `one` stands for all of them in what the user is told. */
static int await_any(lpad_future *const *futures, int count, const struct lpad_future *one, int64_t until)
{
	struct link *link = one->link;
	struct long_wait wait;
	bool in_time = true;
	int place, code = 0;
	set_waiters(futures, count, link_waiter());
	link_wait_calls(link, &wait, futures, (size_t)count, until != INT64_MAX, line_peer(one->place->line), one->method);
	while ((place = first_done(futures, count)) < 0 && !code) {
		if (link_must_stop(link))
			code = caller_stopped(one);
		else if (!in_time)
			code = fault_set(LPAD_ETIMEDOUT, "%s.%s: none of the calls was answered within the time given",
				line_peer(one->place->line), one->method);
		else
			in_time = circle_wait(link, &wait, until);
	}
	link_wait_end(link, &wait);
	set_waiters(futures, count, NULL);
	return place >= 0 ? place : code;
}

int future_wait_any(lpad_future **futures, int count, lpad_deadline deadline)
{
	const struct lpad_future *one = NULL;
	for (int i = 0; i < count; i++) {
		if (futures[i] && !futures[i]->link)
			return i;               /* it failed before it began */
		if (futures[i] && !one)
			one = futures[i];
	}
	if (!one)
		return fault_set(LPAD_EINVALID, "there is no future to wait for");
	link_lock(one->link);
	int place = any_given(futures, count) ? given_fault()
		: await_any(futures, count, one, link_deadline(deadline, one->handle->deadline_ns));
	link_unlock(one->link);
	return place;
}

/* What another thread of the node's waits for just now is not left over: its wait ends by itself. */
void callers_end_run(struct link *link)
{
	struct lpad_future *next;
	for (struct lpad_future *future = link->callers->futures; future; future = next) {
		next = future->next;
		if (future->by_run && !future->waiter)
			future_discard(future);
	}
}
