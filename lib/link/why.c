/* SPDX-License-Identifier: MIT */
/* The server's side: one sentence about a call that is not answered yet, by the author's `held` where there is one. */
#include "link/why.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "link/batch.h"
#include "link/caller.h"
#include "link/server.h"

/* Asked of the author's code; posted, or in its hands. */
struct held {
	struct held *next, **at;
	struct request *request;                /* NULL: nobody waits for it any more */
	char text[400];                         /* the work points to it */
};

static void say(struct link *link, struct request *request, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void say(struct link *link, struct request *request, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *text = memory_format_list(format, list);
	va_end(list);
	server_reply(link, request, 0, text);
	free(text);
}

/* ---- what lpad knows itself ---- */

static void say_place(struct link *link, struct request *request, const struct lpad_call *call, size_t before)
{
	const char *full = call->state == CALL_IN_LINE ? ", which is full" : "";
	if (before)
		say(link, request, "behind %zu call%s in the queue%s", before, before == 1 ? "" : "s", full);
	else if (call->method->inbox)
		say(link, request, "first in the queue; run has not taken it yet");
	else
		say(link, request, "first in the queue%s", full);
}

static size_t before_in(const struct calls *calls, const struct lpad_call *call)
{
	size_t before = 0;
	for (const struct lpad_call *at = calls->first; at && at != call; at = at->after)
		before++;
	return before;
}

static void say_queue(struct link *link, struct request *request, const struct lpad_call *call)
{
	char batch[200];
	if (call->state == CALL_IN_LINE)        /* behind those of its own caller, and all that are queued */
		say_place(link, request, call, before_in(&call->client->in_line, call)
			+ call->client->in_line.first->method->queued);
	else if (batch_why(call, batch, sizeof batch))
		say(link, request, "%s", batch);
	else if (call->method->inbox)
		say_place(link, request, call, before_in(&call->method->queue, call));
	else
		say_place(link, request, call, link_work_before(link, call->method->place, call));
}

static const struct long_wait *wait_that_serves(const struct link *link, uint64_t serial)
{
	const struct long_wait *wait = link->waits;
	while (wait && !(wait->count && wait->serving == serial))
		wait = wait->next;
	return wait;
}

static void say_running(struct link *link, struct request *request, const struct lpad_call *call)
{
	const struct lpad_call *begun = call->batch ? call->batch : call;
	const struct long_wait *wait = wait_that_serves(link, begun->serial);
	char span[32];
	clock_span(span, (clock_ns() - call->begun_ns) / 1000000);
	say(link, request, "running for %s%s%s%s%s", span, wait ? ", and waits for " : "", wait ? wait->peer : "",
		wait ? "." : "", wait ? wait->what : "");
}

/* ---- what the author knows ---- */

static void ask_author(struct link *link, struct request *request, struct lpad_call *call)
{
	struct held *held = memory_new(sizeof *held);
	*held = (struct held){ .next = link->server->held, .at = &link->server->held, .request = request };
	if (held->next)
		held->next->at = &held->next;
	link->server->held = held;
	call->held_posted++;
	struct work work = { .kind = WORK_HELD, .method = call->method->place, .call = call, .text = held->text,
		.room = sizeof held->text };
	link_post(link, &work);
}

static void end(struct link *link, struct work *work, const char *text)
{
	struct held *held = (struct held *)(void *)(work->text - offsetof(struct held, text));
	if (held->request)
		say(link, held->request, "%s", text);
	*held->at = held->next;
	if (held->next)
		held->next->at = held->at;
	free(held);
	work->call->held_posted--;
	call_recycle(work->call);
}

bool why_take(struct link *link, struct work *work)
{
	if (work->call->state == CALL_TAKEN && !link->server->sweeping)
		return true;
	end(link, work, "answered, and the answer is on its way");
	return false;
}

void why_done(struct link *link, struct work *work, int result)
{
	work->text[work->room - 1] = '\0';
	end(link, work, result < 0 || !*work->text ? "kept by the node" : work->text);
}

/* ---- requests ---- */

void why_request(struct link *link, struct request *request, const struct wire *wire)
{
	struct lpad_call *call = session_call(link, wire);
	const struct lpad_call *begun = call && call->batch ? call->batch : call;
	if (!call)
		say(link, request, "neither here nor on its way");
	else if (call->state != CALL_TAKEN)
		say_queue(link, request, call);
	else if (begun->running || wait_that_serves(link, begun->serial))
		say_running(link, request, call);
	else if (call->method->has_held)
		ask_author(link, request, (struct lpad_call *)begun);
	else
		say(link, request, "kept by the node");
}

void why_close(struct link *link)
{
	for (struct held *held = link->server->held; held; held = held->next) {
		if (held->request)
			held->request->transport->answer_drop(held->request);
		held->request = NULL;
	}
}
