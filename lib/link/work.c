/* SPDX-License-Identifier: MIT */
/* Work for callbacks: one queue for the service thread, one for each method with threads of its own. */
#include "link/inside.h"

#include <stdlib.h>

#include "base/memory.h"
#include "link/waiting.h"
#include "link/why.h"

struct work_queue {
	struct work *ring;
	size_t head, count, room;       /* room: a power of two, or 0 */
	size_t running, threads;        /* pieces that were taken; threads that take, or will: as declared */
	struct waiters idle;
};

struct works {
	struct work_queue *queues;      /* [0]: the service thread; [1 + method] */
	bool *own_threads;              /* of the methods */
	size_t method_count;
	size_t unfinished;              /* posted or running */
	bool closed;
};

void works_new(struct link *link, const struct link_spec *spec)
{
	struct works *works = link->works = memory_new(sizeof *works);
	works->method_count = spec->method_count;
	works->queues = memory_array(spec->method_count + 1, sizeof *works->queues);
	works->own_threads = memory_array(spec->method_count, sizeof *works->own_threads);
	works->queues[0].threads = 1;
	for (size_t i = 0; i < spec->method_count; i++) {
		const struct method_link *method = &spec->methods[i];
		works->own_threads[i] = method->threads > 0 && !method->inbox && !method->mirrored;
		works->queues[i + 1].threads = works->own_threads[i] ? (size_t)method->threads : 0;
	}
}

void works_free(struct link *link)
{
	struct works *works = link->works;
	for (size_t i = 0; i <= works->method_count; i++) {
		free(works->queues[i].ring);
		free(works->queues[i].idle.at);
	}
	free(works->queues);
	free(works->own_threads);
	free(works);
	link->works = NULL;
}

static struct work get(struct work_queue *queue);

void works_discard(struct link *link)
{
	struct works *works = link->works;
	link_lock(link);
	for (size_t i = 0; i <= works->method_count; i++)
		while (works->queues[i].count) {
			struct work work = get(&works->queues[i]);
			if (work.kind == WORK_CALL)
				server_take(link, work.call);
			else if (work.kind == WORK_GONE)
				server_take_gone(link, work.call);
			else if (work.kind == WORK_HELD && why_take(link, &work))
				why_done(link, &work, 0);
		}
	link_unlock(link);
}

static void put(struct work_queue *queue, const struct work *work)
{
	if (queue->count == queue->room) {
		size_t room = queue->room ? queue->room * 2 : 16;
		struct work *ring = memory_array(room, sizeof *ring);
		for (size_t i = 0; i < queue->count; i++)
			ring[i] = queue->ring[(queue->head + i) & (queue->room - 1)];
		free(queue->ring);
		queue->ring = ring;
		queue->room = room;
		queue->head = 0;
	}
	queue->ring[(queue->head + queue->count++) & (queue->room - 1)] = *work;
}

static struct work get(struct work_queue *queue)
{
	struct work work = queue->ring[queue->head];
	queue->head = (queue->head + 1) & (queue->room - 1);
	queue->count--;
	return work;
}

/* Of messages and futures there is no method. */
static struct work_queue *queue_of(const struct link *link, const struct work *work)
{
	bool of_method = work->kind == WORK_CALL || work->kind == WORK_GONE || work->kind == WORK_HELD;
	bool own = of_method && link->works->own_threads[work->method];
	return &link->works->queues[own ? work->method + 1 : 0];
}

void link_post(struct link *link, const struct work *work)
{
	struct works *works = link->works;
	struct work_queue *queue = queue_of(link, work);
	bool own = queue != works->queues;
	put(queue, work);
	works->unfinished++;
	if (queue->idle.count)          /* taken off, so that the next piece wakes another thread */
		link_wake(queue->idle.at[--queue->idle.count]);
	if (!link->hooks.work)
		return;
	if (own)
		*list_add(&link->due.work) = work->method;
	else
		link->due.service = true;
	link->due.hooks = true;
}

bool link_work_running(const struct link *link)
{
	return link->works->unfinished > 0;
}

size_t link_work_threads(const struct link *link, int method, int *queue)
{
	*queue = link->works->own_threads[method] ? method : -1;
	return link->works->queues[*queue + 1].threads;
}

bool link_work_queued(const struct link *link, int queue)
{
	return link->works->queues[queue + 1].count;
}

size_t link_work_before(const struct link *link, int method, const lpad_call *call)
{
	const struct work_queue *queue = &link->works->queues[link->works->own_threads[method] ? method + 1 : 0];
	size_t before = 0;
	while (before < queue->count) {
		const struct work *work = &queue->ring[(queue->head + before) & (queue->room - 1)];
		if (work->kind == WORK_CALL && work->call == call)
			break;
		before++;
	}
	return before + queue->running;
}

static void finished(struct link *link)
{
	link->works->unfinished--;
	if (link->draining)
		link_check(link);
}

/* Gets a piece ready for its callback. false: there is nothing left to do for it. Lock held, and again at return. */
static bool prepare(struct link *link, struct work *work)
{
	bool ready = true;
	if (work->kind == WORK_CALL && !server_take(link, work->call))
		return false;
	if (work->kind == WORK_GONE)
		return server_take_gone(link, work->call);
	if (work->kind == WORK_HELD)
		return why_take(link, work);
	if (work->kind == WORK_FUTURE)
		return future_take(link, work);
	link_unlock(link);
	if (work->kind == WORK_CALL)
		ready = server_open(link, work->call);
	else
		ready = (work->message = subscriptions_pop(link, work->subscription, work)) != NULL;
	link_lock(link);
	return ready;
}

static void begin(struct work_queue *queue, const struct work *work)
{
	queue->running++;
	if (work->kind == WORK_CALL)
		server_busy(work->call);
	else
		link_set_busy(0, NULL);
}

bool link_work_take(struct link *link, int method, struct work *out)
{
	struct work_queue *queue = &link->works->queues[method + 1];
	bool taken = false;
	link_set_role(link, THREAD_CALLBACK, method);
	link_lock(link);
	while (!taken) {
		if (link->works->closed && link->cut)
			break;          /* the time is up: what is left, is left */
		if (queue->count && (link->going || link->works->closed)) {     /* peers that go on may call before we do */
			*out = get(queue);
			taken = prepare(link, out);
			if (taken)
				begin(queue, out);
			else
				finished(link);
		} else if (link->works->closed)
			break;
		else
			waiters_wait(&queue->idle, link, INT64_MAX);
	}
	link_unlock(link);
	return taken;
}

void link_work_done(struct link *link, struct work *work, int result)
{
	if (work->kind == WORK_MESSAGE)
		message_free(work->message);
	else if (work->kind == WORK_CALL || work->kind == WORK_GONE)
		server_done(link, work, result);
	link_set_busy(0, NULL);
	link_lock(link);
	if (work->kind == WORK_MESSAGE)
		subscriptions_done(link, work);
	else if (work->kind == WORK_HELD)
		why_done(link, work, result);
	queue_of(link, work)->running--;
	finished(link);
	link_unlock(link);
}

void works_wake(struct link *link)
{
	for (size_t i = 0; i <= link->works->method_count; i++)
		waiters_wake(&link->works->queues[i].idle);
}

void link_work_close(struct link *link)
{
	link_lock(link);
	link->works->closed = true;
	works_wake(link);
	link_unlock(link);
}
