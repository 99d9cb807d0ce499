/* SPDX-License-Identifier: MIT */
/*
 * One call being served. Calls come from a pool that is freed with the link, the longest unused first: a second answer to a
 * call is then an error and no use of freed memory.
 */
#include "link/server.h"

#include <stdlib.h>

#include "base/memory.h"

enum { POOLED_LEAST = 64 };

void calls_append(struct calls *calls, struct lpad_call *call)
{
	call->after = NULL;
	*(calls->last ? &calls->last->after : &calls->first) = call;
	calls->last = call;
}

void calls_remove(struct calls *calls, struct lpad_call *call)
{
	struct lpad_call *before = NULL;
	for (struct lpad_call *at = calls->first; at && at != call; at = at->after)
		before = at;
	*(before ? &before->after : &calls->first) = call->after;
	if (calls->last == call)
		calls->last = before;
	call->after = NULL;
}

struct lpad_call *call_new(struct link *link, struct client *client, struct method *method)
{
	struct server *server = link->server;
	struct lpad_call *call = server->pooled > POOLED_LEAST ? server->pool.first : NULL;
	if (call) {
		calls_remove(&server->pool, call);
		server->pooled--;
	} else
		call = memory_new(sizeof *call);
	*call = (struct lpad_call){ .link = link, .client = client, .method = method, .state = CALL_IN_LINE,
		.previous = client->last_call };
	*(client->last_call ? &client->last_call->next : &client->calls) = call;
	client->last_call = call;
	return call;
}

static void unlink_call(struct lpad_call *call)
{
	struct client *client = call->client;
	*(call->previous ? &call->previous->next : &client->calls) = call->next;
	*(call->next ? &call->next->previous : &client->last_call) = call->previous;
	call->next = call->previous = NULL;
}

/* Nothing but the running callback and posted work may point to it. */
static void recycle(struct lpad_call *call)
{
	struct server *server = call->link->server;
	if (call->running || call->gone_posted)
		return;
	message_free(call->message);
	call->message = NULL;
	call->state = CALL_FREE;
	calls_append(&server->pool, call);
	server->pooled++;
}

/* The request was answered or dropped. */
static void end(struct lpad_call *call)
{
	if (call->frame.raw)
		call->frame.transport->frame_drop(&call->frame);
	if (call->state == CALL_IN_LINE || call->state == CALL_QUEUED)
		server_unqueue(call->link, call);
	unlink_call(call);
	if (call->state == CALL_DROPPED)
		return;                 /* freed by server_take */
	call->state = CALL_ENDED;
	recycle(call);
}

void call_drop(struct lpad_call *call)
{
	call->request->transport->answer_drop(call->request);
	end(call);
}

static void end_error_text(struct lpad_call *call, int code, const char *text)
{
	call->client->tallies[call->method->place].errors++;
	server_reply(call->link, call->request, code, text);
	end(call);
}

void call_end_error(struct lpad_call *call, int code, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *text = memory_format_list(format, list);
	va_end(list);
	end_error_text(call, code, text);
	free(text);
}

void call_gone(struct lpad_call *call)
{
	if (call->state != CALL_TAKEN) {
		call_drop(call);
		return;
	}
	call->gone = true;
	if (call->running || !call->method->has_gone || call->gone_told)
		return;                 /* server_done and hand_over look again */
	call->gone_posted = call->gone_told = true;
	struct work work = { .kind = WORK_GONE, .method = call->method->place, .call = call };
	link_post(call->link, &work);
}

/* ---- its turn ---- */

bool server_take(struct link *link, lpad_call *call)
{
	if (call->state == CALL_DROPPED) {
		recycle(call);
		return false;
	}
	call->state = CALL_TAKEN;
	call->running = true;
	call->client->tallies[call->method->place].begun++;
	server_left_queue(link, call->method);
	return true;
}

bool server_open(struct link *link, lpad_call *call)
{
	struct error error = { 0 };
	struct frame frame = call->frame;
	call->frame.raw = NULL;
	call->message = frame.transport->frame_take(&frame, call->client->name, &error);
	if (call->message)
		return true;
	link_lock(link);
	link->server->malformed++;
	link_note(link, "%s: %s", link->self.node, error.text);
	call->running = false;
	if (call->state == CALL_TAKEN)
		call_end_error(call, LPAD_EBROKEN, "%s.%s: %s", link->self.node, call->method->name, error.text);
	else
		recycle(call);
	link_unlock(link);
	return false;
}

bool server_take_gone(struct link *link, lpad_call *call)
{
	(void)link;
	if (call->state == CALL_TAKEN)
		return true;
	call->gone_posted = false;
	recycle(call);
	return false;
}

static void end_by_result(struct lpad_call *call, int result)
{
	const char *node = call->link->self.node, *method = call->method->name, *text = fault_text();
	bool known = result < 0 && strcmp(fault_name(result), "EUNKNOWN") != 0;
	if (!result)
		call_end_error(call, LPAD_EFAILED,
			"%s.%s returned without answering: return lpad_answer(…) or LPAD_LATER", node, method);
	else if (*text)
		call_end_error(call, known ? result : LPAD_EFAILED, "%s.%s: %s", node, method, text);
	else if (known)
		call_end_error(call, result, "%s.%s: %s", node, method, fault_string(result));
	else
		call_end_error(call, LPAD_EFAILED, "%s.%s: returned %d, which is not one of lpad's codes", node, method, result);
}

static void call_returned(struct lpad_call *call, int result)
{
	call->running = false;
	if (call->state != CALL_TAKEN)
		recycle(call);
	else if (result != LPAD_LATER)
		end_by_result(call, result);
	else if (call->link->draining)
		call_end_error(call, LPAD_ESTOPPED, "%s.%s: %s is stopping", call->link->self.node, call->method->name,
			call->link->self.node);
	else if (call->gone)
		call_gone(call);
}

void server_done(struct link *link, struct work *work, int result)
{
	link_lock(link);
	if (work->kind == WORK_CALL)
		call_returned(work->call, result);
	else {
		work->call->gone_posted = false;
		if (work->call->state != CALL_TAKEN)
			recycle(work->call);
	}
	link_unlock(link);
}

/* ---- what a node does with it ---- */

const lpad_message *call_request(const lpad_call *call)
{
	return call->message;
}

const char *call_method(const lpad_call *call)
{
	return call->method->name;
}

const char *call_caller(const lpad_call *call)
{
	return call->client->name;
}

int call_caller_index(const lpad_call *call)
{
	return (int)call->client->index;
}

int call_caller_incarnation(const lpad_call *call)
{
	return (int)call->client->incarnation;
}

/* 0, or EINVALID when it was answered before. */
static int check_open(const lpad_call *call)
{
	return call->state == CALL_TAKEN && call->link->server->open ? 0
		: fault_set(LPAD_EINVALID, "%s.%s: the call was answered already", call->link->self.node, call->method->name);
}

/* Too large, or could not be made: the caller gets that as the method's error. */
static int refuse_reply(lpad_call *call, lpad_message *reply)
{
	struct link *link = call->link;
	link_lock(link);
	int code = check_open(call);
	if (!code) {
		code = message_refused(reply);
		if (code)
			fault_set(code, "%s.%s: %s", link->self.node, call->method->name, fault_text());
		else
			code = fault_set(LPAD_ETOOBIG, "%s.%s: the answer has %zu bytes; max_message is %zu", link->self.node,
				call->method->name, message_size(reply), link->longest);
		end_error_text(call, code, fault_text());
	}
	link_unlock(link);
	message_free(reply);
	return code;
}

int call_answer(lpad_call *call, lpad_message *reply)
{
	if (!call) {
		message_free(reply);
		return fault_set(LPAD_EINVALID, "there is no call to answer");
	}
	struct link *link = call->link;
	if (message_size(reply) > link->longest || message_refused(reply))
		return refuse_reply(call, reply);
	struct frame frame = { .wire = { .kind = WIRE_REPLY, .role = WIRE_MEMBER, .group = link->self.group,
		.index = link->self.index, .incarnation = link->self.incarnation, .token = link->token,
		.deadline_ms = -1 }, .message = reply };
	const struct transport *transport = call->request->transport;
	if (reply)
		message_seal(reply);
	transport->frame_make(&frame);
	link_lock(link);
	int code = check_open(call);
	if (!code) {
		call->client->tallies[call->method->place].answer_bytes += (int64_t)frame.wire.size;
		transport->answer(call->request, &frame);
		end(call);
	}
	link_unlock(link);
	if (code)
		transport->frame_drop(&frame);
	return code;
}

int call_refuse_list(lpad_call *call, int code, const char *format, va_list list)
{
	if (!call)
		return fault_set(LPAD_EINVALID, "there is no call to refuse");
	struct link *link = call->link;
	bool known = code < 0 && strcmp(fault_name(code), "EUNKNOWN") != 0;
	char *text = memory_format_list(format, list);
	link_lock(link);
	int wrong = check_open(call);
	if (!wrong)
		call_end_error(call, known ? code : LPAD_EFAILED, "%s.%s: %s", link->self.node, call->method->name, text);
	link_unlock(link);
	free(text);
	return wrong;
}
