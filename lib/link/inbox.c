/* SPDX-License-Identifier: MIT */
/* Inboxes: `run` takes the calls of a method, one by one. */
#include "base/clock.h"
#include "link/server.h"

lpad_inbox *link_inbox(struct link *link, int method)
{
	struct server *server = link->server;
	return method >= 0 && (size_t)method < server->method_count ? server->methods[method].box : NULL;
}

static struct lpad_call *first_from(const struct calls *queue, const struct line *line)
{
	struct lpad_call *call = queue->first;
	while (call && line && !line_leads_to(line, call->client->group, call->client->index))
		call = call->after;
	return call;
}

/* Out of the queue, and begun; NULL: there is none. */
static struct lpad_call *take_first(struct link *link, struct method *method, const struct line *line)
{
	struct lpad_call *call;
	while ((call = first_from(&method->queue, line))) {
		calls_remove(&method->queue, call);
		if (server_take(link, call))
			break;
	}
	return call;
}

static int why_not(const struct link *link, const struct method *method, const struct line *line)
{
	if (link_must_stop(link))
		return fault_set(LPAD_ESTOPPED, "%s: the program is stopping", method->name);
	if (method->closed)
		return fault_set(LPAD_EGONE, "%s: run has ended", method->name);
	if (line && line_state(line) == LINE_GONE)
		return fault_set(LPAD_EGONE, "%s: %s will never come back", method->name, line_peer(line));
	return 0;
}

/* Lock held. *out is taken from the queue. */
static int await_call(lpad_inbox *inbox, const struct line *line, int64_t until, struct lpad_call **out)
{
	struct link *link = inbox->link;
	struct method *method = inbox->method;
	struct long_wait wait;
	bool in_time = true;
	int code = 0;
	*out = NULL;
	link_wait_begin(link, &wait, line ? clock_ns() : 0, line ? line_peer(line) : NULL, line ? method->name : NULL);
	while (!(code = why_not(link, method, line)) && !(*out = take_first(link, method, line)) && in_time)
		in_time = waiters_wait(&method->waiters, link, until);
	link_wait_end(link, &wait);
	if (!code && !*out)
		code = fault_set(LPAD_ETIMEDOUT, "%s: no call came within the time given", method->name);
	return code;
}

/* While it was opened nobody could end it: `run` may have ended meanwhile, or the caller may have gone. */
static int hand_over(struct link *link, struct lpad_call *call)
{
	int code = 0;
	link_lock(link);
	call->running = false;
	if (link_role(link) == THREAD_RUN)
		server_busy(call);
	if (call->method->closed) {
		code = fault_set(LPAD_EGONE, "%s: run has ended", call->method->name);
		server_refuse(link, call);
	} else if (call->gone)
		call_gone(call);
	link_unlock(link);
	return code;
}

static int next_call(lpad_inbox *inbox, const struct line *line, lpad_call **out, lpad_deadline deadline)
{
	struct link *link = inbox->link;
	int64_t until = link_deadline(deadline, -1);
	struct lpad_call *call;
	int code;
	do {
		link_lock(link);
		inbox->method->by_others |= link_role(link) != THREAD_RUN;      /* from the moment it waits for one */
		code = await_call(inbox, line, until, &call);
		link_unlock(link);
	} while (!code && !server_open(link, call));
	if (!code)
		code = hand_over(link, call);
	if (!code)
		*out = call;
	return code;
}

int inbox_next(lpad_inbox *inbox, lpad_call **out, lpad_deadline deadline)
{
	*out = NULL;
	return inbox ? next_call(inbox, NULL, out, deadline) : fault_set(LPAD_EINVALID, "there is no inbox");
}

int inbox_next_from(lpad_inbox *inbox, lpad_handle *handle, int place, lpad_call **out, lpad_deadline deadline)
{
	const struct line *line = handle ? handle_line(handle, place) : NULL;
	*out = NULL;
	if (!inbox || !handle)
		return fault_set(LPAD_EINVALID, inbox ? "the handle is not connected" : "there is no inbox");
	if (inbox->method->gathering)
		return fault_set(LPAD_EINVALID, "%s is batched: its calls come together, see lpad_next", inbox->method->name);
	if (!line)
		return fault_set(LPAD_EINVALID, "the handle has no place %d: it has %d", place, handle_count(handle));
	return next_call(inbox, line, out, deadline);
}
