/* SPDX-License-Identifier: MIT */
/*
 * Calls on their way. A call waits in its line until the server is up, is sent once, and ends with the answer, with the loss
 * of the connection, or when its caller gives up. Only calls of idempotent methods are sent again, with the same retry id.
 */
#include "link/caller.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "link/circle.h"

/* ---- deadlines: a heap ---- */

static void put_at(struct callers *callers, size_t at, struct lpad_future *future)
{
	callers->heap.at[at] = future;
	future->heap = at + 1;
}

static void sift_up(struct callers *callers, size_t at)
{
	struct lpad_future *future = callers->heap.at[at];
	for (; at && callers->heap.at[(at - 1) / 2]->deadline_ns > future->deadline_ns; at = (at - 1) / 2)
		put_at(callers, at, callers->heap.at[(at - 1) / 2]);
	put_at(callers, at, future);
}

static void sift_down(struct callers *callers, size_t at)
{
	struct lpad_future *future = callers->heap.at[at];
	size_t child;
	while ((child = at * 2 + 1) < callers->heap.count) {
		if (child + 1 < callers->heap.count
		    && callers->heap.at[child + 1]->deadline_ns < callers->heap.at[child]->deadline_ns)
			child++;
		if (callers->heap.at[child]->deadline_ns >= future->deadline_ns)
			break;
		put_at(callers, at, callers->heap.at[child]);
		at = child;
	}
	put_at(callers, at, future);
}

static void heap_add(struct link *link, struct lpad_future *future)
{
	*list_add(&link->callers->heap) = future;
	sift_up(link->callers, link->callers->heap.count - 1);
	link_tick_by(link, future->deadline_ns);
}

static void heap_remove(struct link *link, struct lpad_future *future)
{
	struct callers *callers = link->callers;
	size_t at = future->heap - 1;
	if (!future->heap)
		return;
	future->heap = 0;
	struct lpad_future *last = callers->heap.at[--callers->heap.count];
	if (last == future)
		return;
	put_at(callers, at, last);
	sift_up(callers, at);
	sift_down(callers, last->heap - 1);
}

/* ---- the end of a call ---- */

static void complete(struct lpad_future *future, int code)
{
	future->done = true;
	future->code = code;
	heap_remove(future->link, future);
	link_wake(future->waiter);
	if (future->then && !future->posted)
		future_post(future);
}

/* Of an idempotent method it may have begun. */
static void put_off(struct lpad_future *future, struct frame *reply)
{
	reply->transport->frame_drop(reply);
	future->put_off = true;
	future->resent = future->idempotent;
	line_ask(future->ask.line, &future->ask);
}

static void call_done(struct ask *ask, struct frame *reply, int code)
{
	struct lpad_future *future = (struct lpad_future *)ask;
	bool leaves = reply && reply->wire.kind == WIRE_ERROR && (reply->wire.flags & WIRE_LEAVES);
	if (leaves)
		line_leaves(ask->line);
	if (leaves && reply->wire.code == LPAD_ESTOPPED) {
		put_off(future, reply);
		return;
	}
	if (reply) {
		future->place->lost += leaves && reply->wire.code == LPAD_ELOST;
		future->answer = *reply;
		place_answered(future->place, &reply->wire, clock_ns() - future->started_ns);
	} else if (code == LPAD_ELOST && future->idempotent && !future->link->closed) {
		future->resent = true;
		line_ask(ask->line, ask);
		return;
	} else if (code == LPAD_ELOST)
		future->place->lost++;
	else
		future->place->errors++;
	complete(future, code);
}

static int no_method(struct lpad_future *future)
{
	char *methods = line_methods(future->ask.line);
	future->wrong = memory_format("%s has no method %s; %s%s", line_peer(future->ask.line), future->method,
		*methods ? "it has: " : "it serves no methods", methods);
	free(methods);
	return LPAD_ENOMETHOD;
}

static int64_t milliseconds_left(const struct lpad_future *future)
{
	int64_t left = future->deadline_ns - clock_ns();
	return left < 0 ? 0 : left / 1000000;
}

static int fill_call(struct ask *ask, struct frame *frame)
{
	struct lpad_future *future = (struct lpad_future *)ask;
	int port = line_method(ask->line, future->method, &future->idempotent);
	if (port < 0)
		return no_method(future);
	if (future->request.raw && future->request.transport == line_transport(ask->line)) {
		*frame = future->request;
		future->request.raw = NULL;
	} else if (future->again)
		frame->message = message_share(future->again);
	frame->wire.kind = WIRE_CALL;
	frame->wire.port = (uint32_t)port;
	frame->wire.flags = (future->idempotent ? WIRE_IDEMPOTENT : 0) | (future->resent ? WIRE_RETRY : 0);
	frame->wire.retry = future->idempotent ? future->retry : 0;
	frame->wire.deadline_ms = future->deadline_ns == INT64_MAX ? -1 : milliseconds_left(future);
	return 0;
}

/* ---- the start ---- */

static int choose(lpad_handle *handle)
{
	for (int up = 1; up >= 0; up--)         /* one that is dead just now only if there is no other */
		for (size_t i = 0; i < handle->count; i++) {
			size_t place = handle->turn++ % handle->count;
			enum line_state state = line_state(handle->places[place].line);
			bool ready = state == LINE_UP && !line_is_leaving(handle->places[place].line);
			if (up ? ready : state != LINE_GONE)
				return (int)place;
		}
	return fault_set(LPAD_EGONE, "%s: no server is left, all are gone for good", handle->name);
}

int caller_stopped(const struct lpad_future *future)
{
	return fault_set(LPAD_ESTOPPED, "%s.%s: the program is stopping",
		future->place ? line_peer(future->place->line) : future->handle->name, future->method);
}

static int timed_out(const struct lpad_future *future)
{
	return fault_set(LPAD_ETIMEDOUT, "%s.%s: no answer within %.3g s", line_peer(future->place->line), future->method,
		(double)(future->deadline_ns - future->started_ns) / 1e9);
}

static bool would_wait_for_itself(const struct link *link, const struct line *line, const char *method)
{
	enum thread_role role = link_role(link);
	return line_is_self(line)
		&& (role == THREAD_CALLBACK || (role == THREAD_RUN && server_is_inbox(link, method)));
}

/* What can be known before anything is sent. */
static int check_start(const struct lpad_future *future, bool synchronous)
{
	const struct link *link = future->link;
	if (!link->connected)
		return fault_set(LPAD_EINVALID, "%s.%s: calls are possible from run on, not in init",
			line_peer(future->place->line), future->method);
	if (link->draining || link_must_stop(link))
		return caller_stopped(future);
	if (synchronous && would_wait_for_itself(link, future->place->line, future->method))
		return fault_set(LPAD_EDEADLK, "%s calls its own %s %s: it would wait for itself", link->self.node,
			future->method, link_role(link) == THREAD_CALLBACK ? "from a callback" : "from run, which takes these calls");
	if (future->deadline_ns <= future->started_ns)
		return fault_set(LPAD_ETIMEDOUT, "%s.%s: the deadline had passed before the call",
			line_peer(future->place->line), future->method);
	return 0;
}

static int check_arguments(const lpad_handle *handle, int place, const char *method, const lpad_message *request)
{
	size_t size = message_size(request);
	if (!handle)
		return fault_set(LPAD_EINVALID, "the handle is not connected");
	if (!method || !*method)
		return fault_set(LPAD_EINVALID, "%s: a call needs the name of a method", handle->name);
	if (place != LPAD_ANY && (place < 0 || (size_t)place >= handle->count))
		return fault_set(LPAD_EINVALID, "%s has no place %d: it has %zu", handle->name, place, handle->count);
	if (size > handle->link->longest)
		return fault_set(LPAD_ETOOBIG, "%s.%s: the request has %zu bytes; max_message is %zu",
			place == LPAD_ANY ? handle->name : line_peer(handle->places[place].line), method, size,
			handle->link->longest);
	return message_refused(request);
}

int caller_prepare(struct lpad_future *future, lpad_handle *handle, int place, const char *method, lpad_message *request,
	lpad_deadline deadline)
{
	int code = check_arguments(handle, place, method, request);
	if (code) {
		message_free(request);
		return code;
	}
	future->ask = (struct ask){ .counted = true, .fill = fill_call, .done = call_done };
	future->link = future->home = handle->link;
	future->handle = handle;
	future->method = method;
	future->size = message_size(request);
	future->started_ns = clock_ns();
	future->deadline_ns = deadline.at != INT64_MIN ? deadline.at
		: handle->deadline_ns < 0 ? INT64_MAX : future->started_ns + handle->deadline_ns;
	if (request) {
		message_seal(request);
		future->again = request;
	}
	const struct transport *transport = line_transport(handle->places[place < 0 ? 0 : place].line);
	if (!transport)
		return 0;               /* its address is not known yet */
	future->request.message = request ? message_share(request) : NULL;
	future->request.wire.deadline_ms = -1;
	transport->frame_make(&future->request);
	return 0;
}

int caller_send(struct lpad_future *future, int place, bool synchronous)
{
	struct link *link = future->link;
	if (place == LPAD_ANY && (place = choose(future->handle)) < 0)
		return place;
	future->place = &future->handle->places[place];
	int code = check_start(future, synchronous);
	if (code)
		return code;
	future->retry = (uint64_t)link->self.incarnation << 40 | ++link->callers->retries;
	future->place->calls++;
	future->place->bytes += (int64_t)future->size;
	if (!synchronous && future->deadline_ns != INT64_MAX)
		heap_add(link, future);
	line_ask(future->place->line, &future->ask);
	return 0;
}

/* ---- waiting, and the result ---- */

int caller_await(struct lpad_future *future)
{
	struct link *link = future->link;
	struct lpad_future *const futures[] = { future };
	struct long_wait wait;
	bool in_time = true;
	int code = 0;
	if (future->done)
		return 0;
	future->waiter = link_waiter();
	link_wait_calls(link, &wait, futures, 1, false, line_peer(future->place->line), future->method);
	while (!future->done && !code) {
		if (link_must_stop(link))
			code = caller_stopped(future);
		else if (!in_time)
			code = timed_out(future);
		else
			in_time = circle_wait(link, &wait, future->deadline_ns);
	}
	link_wait_end(link, &wait);
	future->waiter = NULL;
	if (code) {
		future->place->errors++;
		caller_forget(future);
	}
	return code;
}

void caller_forget(struct lpad_future *future)
{
	heap_remove(future->link, future);
	if (!future->done)
		line_forget(&future->ask, true);
	future->done = true;
}

void caller_fail(struct lpad_future *future, int code, char *text)
{
	future->place->errors++;
	future->wrong = text;
	caller_forget(future);
	complete(future, code);
}

static int take_answer(struct lpad_future *future, lpad_message **reply)
{
	struct frame frame = future->answer;
	struct error error = { 0 };
	const char *peer = line_peer(future->place->line);
	future->answer.raw = NULL;
	if (frame.wire.kind == WIRE_ERROR) {
		int code = strcmp(fault_name(frame.wire.code), "EUNKNOWN") && frame.wire.code < 0 ? frame.wire.code : LPAD_EFAILED;
		fault_set(code, "%.*s", (int)(frame.wire.size < 900 ? frame.wire.size : 900),
			(const char *)frame.transport->frame_body(&frame));
		frame.transport->frame_drop(&frame);
		return code;
	}
	if (!reply) {
		frame.transport->frame_drop(&frame);
		return 0;
	}
	*reply = frame.transport->frame_take(&frame, peer, &error);
	return *reply ? 0 : fault_set(LPAD_EBROKEN, "%s.%s: %s", peer, future->method, error.text);
}

int caller_result(struct lpad_future *future, lpad_message **reply)
{
	const char *peer = line_peer(future->place->line);
	if (future->wrong)
		return fault_set(future->code, "%s", future->wrong);
	switch (future->code) {
	case 0:
		return take_answer(future, reply);
	case LPAD_ETIMEDOUT:
		return timed_out(future);
	case LPAD_ELOST:
		return fault_set(LPAD_ELOST, "%s.%s: %s was lost with the call in flight; it may have been executed", peer,
			future->method, peer);
	case LPAD_EGONE:
		return fault_set(LPAD_EGONE, "%s.%s: %s will never come back; the call was %s", peer, future->method, peer,
			future->resent ? "lost with it" : future->put_off ? "not begun" : "not sent");
	case LPAD_EBROKEN:
		return fault_set(LPAD_EBROKEN, "%s.%s: %s sent a malformed answer", peer, future->method, peer);
	default:
		return fault_set(future->code, "%s.%s: %s", peer, future->method, fault_string(future->code));
	}
}

void caller_release(struct lpad_future *future)
{
	if (future->request.raw)
		future->request.transport->frame_drop(&future->request);
	if (future->answer.raw)
		future->answer.transport->frame_drop(&future->answer);
	message_free(future->again);
	free(future->wrong);
	free(future->own_method);
}

int handle_call(lpad_handle *handle, int place, const char *method, lpad_message *request, lpad_message **reply,
	lpad_deadline deadline)
{
	struct lpad_future future = { 0 };
	if (reply)
		*reply = NULL;
	int code = caller_prepare(&future, handle, place, method, request, deadline);
	if (code)
		return code;
	link_lock(handle->link);
	code = caller_send(&future, place, true);
	if (!code)
		code = caller_await(&future);
	link_unlock(handle->link);
	if (!code)
		code = caller_result(&future, reply);
	caller_release(&future);
	return code;
}

void callers_tick(struct link *link, int64_t now_ns, int64_t *next_ns)
{
	struct callers *callers = link->callers;
	while (callers->heap.count && callers->heap.at[0]->deadline_ns <= now_ns) {
		struct lpad_future *future = callers->heap.at[0];
		future->place->errors++;
		caller_forget(future);
		complete(future, LPAD_ETIMEDOUT);
	}
	if (callers->heap.count && callers->heap.at[0]->deadline_ns < *next_ns)
		*next_ns = callers->heap.at[0]->deadline_ns;
}
