/* SPDX-License-Identifier: MIT */
/*
 * One call being served. Calls come from a pool that is freed with the link, the longest unused first: a second answer to a
 * call is then an error and no use of freed memory.
 */
#include "link/server.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "link/batch.h"
#include "link/conform.h"

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
		.serial = ++server->serials,
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

void call_move_last(struct lpad_call *call)
{
	struct client *client = call->client;
	unlink_call(call);
	call->previous = client->last_call;
	*(client->last_call ? &client->last_call->next : &client->calls) = call;
	client->last_call = call;
}

/* Nothing but the running callback and posted work may point to it. */
void call_recycle(struct lpad_call *call)
{
	struct server *server = call->link->server;
	if (call->state != CALL_ENDED && call->state != CALL_DROPPED)
		return;
	if (call->running || call->gone_posted || call->held_posted)
		return;
	message_free(call->message);
	call->message = NULL;
	call->state = CALL_FREE;
	calls_append(&server->pool, call);
	server->pooled++;
}

/* The request was answered or dropped. */
void call_end(struct lpad_call *call)
{
	if (call->frame.raw)
		call->frame.transport->frame_drop(&call->frame);
	if (call->state == CALL_IN_LINE || call->state == CALL_QUEUED)
		server_unqueue(call->link, call);
	retry_settle(call);
	link_not_busy(call->link, call->serial);
	unlink_call(call);
	if (call->state == CALL_DROPPED)
		return;                 /* freed by server_take */
	call->state = CALL_ENDED;
	if (batch_is(call))
		batch_ended(call);
	call_recycle(call);
}

void call_drop(struct lpad_call *call)
{
	call->request->transport->answer_drop(call->request);
	call_end(call);
}

/*
 * The server stops, and the others do not: it is as if it died, but that what has not begun is known to be so. Who only looks on is
 * not told of the next incarnation, and does not wait for it.
 */
static void end_alone(struct lpad_call *call)
{
	const char *node = call->link->self.node, *method = call->method->name;
	bool begun = call->state == CALL_TAKEN, looks_on = call->client->role == WIRE_OBSERVER;
	bool again = (!begun || call->method->idempotent) && !looks_on;
	char *cleanup_free text = begun
		? memory_format("%s.%s: %s was stopped with the call under way; it may have been executed", node, method, node)
		: memory_format("%s.%s: %s was stopped; the call was not begun", node, method, node);
	struct frame frame = call_frame(call->link, message_bytes(text, strlen(text)));
	frame.wire.kind = WIRE_ERROR;
	frame.wire.flags = WIRE_LEAVES;
	frame.wire.code = again ? LPAD_ESTOPPED : begun ? LPAD_ELOST : LPAD_EGONE;
	call->client->tallies[call->method->place].errors += !again;
	call->transport->answer(call->request, &frame);
}

void call_end_text(struct lpad_call *call, int code, const char *text)
{
	if (batch_is(call))
		batch_fail(call, code, text);
	else if (code == LPAD_ESTOPPED && call->link->alone)
		end_alone(call);
	else {
		call->client->tallies[call->method->place].errors++;
		server_reply(call->link, call->request, code, text);
	}
	call_end(call);
}

void call_end_frame(struct lpad_call *call, struct frame *frame)
{
	call->client->tallies[call->method->place].answer_bytes += (int64_t)frame->wire.size;
	call->request->transport->answer(call->request, frame);
	call_end(call);
}

void call_end_error(struct lpad_call *call, int code, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *text = memory_format_list(format, list);
	va_end(list);
	call_end_text(call, code, text);
	free(text);
}

void call_gone(struct lpad_call *call)
{
	if (call->state != CALL_TAKEN) {
		call_drop(call);
		return;
	}
	if (call->batch) {
		batch_member_gone(call);
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
		call_recycle(call);
		return false;
	}
	if (batch_is(call))
		return batch_take(link, call);
	call->state = CALL_TAKEN;
	call->running = true;
	call->begun_ns = clock_ns();
	call->client->tallies[call->method->place].begun++;
	server_left_queue(link, call->method);
	return true;
}

void server_busy(lpad_call *call)
{
	link_set_busy(call->serial, call->method->name);
}

char *call_open(struct lpad_call *call, int *code)
{
	struct error error = { 0 };
	struct frame frame = call->frame;
	call->frame.raw = NULL;
	call->message = frame.transport->frame_take(&frame, call->client->name, &error);
	*code = call->message ? LPAD_EINVALID : LPAD_EBROKEN;
	if (!call->message)
		return memory_copy_text(error.text);
	char *cleanup_free unfit = conform_wrong(&call->method->request, call->message);
	return unfit ? memory_format("%s sent %s", call->client->name, unfit) : NULL;
}

void call_reject(struct lpad_call *call, int code, const char *why)
{
	struct link *link = call->link;
	if (code == LPAD_EBROKEN) {
		link->server->malformed++;
		link_note(link, "%s: %s", link->self.node, why);
	}
	call->running = false;
	if (call->state == CALL_TAKEN)
		call_end_error(call, code, "%s.%s: %s", link->self.node, call->method->name, why);
	else
		call_recycle(call);
}

bool server_open(struct link *link, lpad_call *call)
{
	int code;
	if (batch_is(call))
		return batch_open(link, call);
	char *cleanup_free wrong = call_open(call, &code);
	if (!wrong)
		return true;
	link_lock(link);
	call_reject(call, code, wrong);
	link_unlock(link);
	return false;
}

bool server_take_gone(struct link *link, lpad_call *call)
{
	(void)link;
	if (call->state == CALL_TAKEN)
		return true;
	call->gone_posted = false;
	call_recycle(call);
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
		call_recycle(call);
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
			call_recycle(work->call);
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

int call_batch(const lpad_call *call)
{
	return batch_is(call) ? (int)call->members.count : 1;
}

int call_check_open(const struct lpad_call *call)
{
	return call->state == CALL_TAKEN && call->link->server->open ? 0
		: fault_set(LPAD_EINVALID, "%s.%s: the call was answered already", call->link->self.node, call->method->name);
}

int call_refuse_answer(struct lpad_call *call, int code, const char *why)
{
	struct link *link = call->link;
	char *cleanup_free text = memory_format("%s.%s%s", link->self.node, call->method->name, why);
	link_lock(link);
	int wrong = call_check_open(call);
	if (!wrong) {
		fault_set(code, "%s", text);
		call_end_text(call, code, text);
	}
	link_unlock(link);
	return wrong ? wrong : code;
}

struct frame call_frame(struct link *link, lpad_message *reply)
{
	message_seal(reply);
	return (struct frame){ .wire = { .kind = WIRE_REPLY, .role = WIRE_MEMBER, .group = link->self.group,
		.index = link->self.index, .incarnation = link->self.incarnation, .token = link->token,
		.deadline_ms = -1 }, .message = reply };
}

/* Could not be made, too large, or none that was declared. NULL: it can go; else what is behind the method's name: caller frees. */
static char *unsound(const struct lpad_call *call, const lpad_message *reply, int *code)
{
	*code = message_refused(reply);
	if (*code)
		return memory_format(": %s", fault_text());
	*code = LPAD_ETOOBIG;
	if (message_size(reply) > call->link->longest)
		return memory_format(": the answer has %zu bytes; max_message is %zu", message_size(reply), call->link->longest);
	*code = LPAD_EINVALID;
	char *cleanup_free unfit = batch_is(call) ? NULL : conform_wrong(&call->method->reply, reply);
	return unfit ? memory_format(" answered %s", unfit) : NULL;
}

static int answer(struct lpad_call *call, lpad_message *reply)
{
	struct link *link = call->link;
	struct frame frame = call_frame(link, reply);
	lpad_message *again = call->retry && reply ? message_share(reply) : NULL;
	const struct transport *transport = call->transport;
	transport->frame_make(&frame);
	link_lock(link);
	int code = call_check_open(call);
	if (!code && call->retry)
		retry_remember(call, again);
	if (!code)
		call_end_frame(call, &frame);
	link_unlock(link);
	if (code) {
		transport->frame_drop(&frame);
		message_free(again);
	}
	return code;
}

int call_answer(lpad_call *call, lpad_message *reply)
{
	if (!call) {
		message_free(reply);
		return fault_set(LPAD_EINVALID, "there is no call to answer");
	}
	int code;
	char *cleanup_free wrong = unsound(call, reply, &code);
	if (!wrong)
		return batch_is(call) ? batch_answer(call, reply) : answer(call, reply);
	code = call_refuse_answer(call, code, wrong);
	message_free(reply);
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
	int wrong = call_check_open(call);
	if (!wrong)
		call_end_error(call, known ? code : LPAD_EFAILED, "%s.%s: %s", link->self.node, call->method->name, text);
	link_unlock(link);
	free(text);
	return wrong;
}
