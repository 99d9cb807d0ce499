/* SPDX-License-Identifier: MIT */
#include "link/batch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "link/conform.h"
#include "link/stack.h"

static const double LONGEST_WAIT = 9e9;         /* seconds; above is for ever */

static int64_t wait_of(double seconds)
{
	return seconds < LONGEST_WAIT ? (int64_t)(seconds * 1e9) : INT64_MAX;
}

struct gathering *batch_new(const struct method_link *spec)
{
	if (spec->batch <= 0)
		return NULL;
	struct gathering *gathering = memory_new(sizeof *gathering);
	*gathering = (struct gathering){ .size = (size_t)spec->batch, .declared = (size_t)spec->batch, .pad = spec->pad,
		.wait_ns = wait_of(spec->batch_wait) };
	gathering->most = spec->inbox ? SIZE_MAX : spec->batches > 0 ? (size_t)spec->batches
		: spec->threads > 0 ? (size_t)spec->threads : 1;        /* `run` takes batches as it likes */
	return gathering;
}

static int set_batch(struct link *link, const char *name, int size, double wait)
{
	struct method *method = server_method(link, name);
	const char *node = link->self.node;
	if (!method)
		return fault_set(LPAD_ENOMETHOD, "%s declares no method \"%s\"", node, name ? name : "");
	if (!method->gathering)
		return fault_set(LPAD_EINVALID, "%s.%s is not batched: declare it with .batch, the most that may be set", node, name);
	if (size < 1 || (size_t)size > method->gathering->declared)
		return fault_set(LPAD_EINVALID, "%s.%s: a batch of %d is not 1 to %zu, as it was declared", node, name, size,
			method->gathering->declared);
	if (!(wait >= 0))
		return fault_set(LPAD_EINVALID, "%s.%s: a batch waits 0 seconds or more, not %g", node, name, wait);
	if (link->server->open)
		return fault_set(LPAD_EINVALID, "%s.%s: the size of batches is set in init", node, name);
	method->gathering->size = (size_t)size;
	method->gathering->wait_ns = wait_of(wait);
	return 0;
}

int link_set_batch(struct link *link, const char *name, int size, double wait)
{
	link_lock(link);
	int code = set_batch(link, name, size, wait);
	link_unlock(link);
	return code;
}

bool batch_is(const struct lpad_call *call)
{
	return call->client == &call->link->server->batches;
}

/* ---- gathering ---- */

static int64_t due_at(const struct gathering *gathering)
{
	int64_t since = gathering->calls.first->since_ns;
	return gathering->wait_ns > INT64_MAX - since ? INT64_MAX : since + gathering->wait_ns;
}

static bool is_ready(const struct link *link, const struct gathering *gathering)
{
	return gathering->count && (gathering->count >= gathering->size || link->draining || clock_ns() >= due_at(gathering));
}

static void post(struct link *link, struct method *method)
{
	struct lpad_call *batch = call_new(link, &link->server->batches, method);
	batch->state = CALL_QUEUED;
	method->gathering->posted++;
	method->gathering->active++;
	server_post(link, batch);
}

/* While one is posted that is not full, what comes fills it. */
int64_t batch_look(struct link *link, struct method *method)
{
	struct gathering *gathering = method->gathering;
	while (gathering->active < gathering->most && gathering->count > gathering->posted * gathering->size) {
		bool another = gathering->posted;
		if (another ? gathering->count < (gathering->posted + 1) * gathering->size : !is_ready(link, gathering))
			return another ? INT64_MAX : due_at(gathering);
		post(link, method);
	}
	return INT64_MAX;
}

static void look(struct link *link, struct method *method)
{
	int64_t next = batch_look(link, method);
	if (next != INT64_MAX)
		link_tick_by(link, next);
}

void batch_gather(struct link *link, struct lpad_call *call)
{
	struct gathering *gathering = call->method->gathering;
	call->since_ns = clock_ns();
	calls_append(&gathering->calls, call);
	gathering->count++;
	look(link, call->method);
}

void batch_leave(struct lpad_call *call)
{
	calls_remove(&call->method->gathering->calls, call);
	call->method->gathering->count--;
}

static bool is_posted(const struct gathering *gathering, const struct lpad_call *call)
{
	size_t before = 0;
	for (const struct lpad_call *at = gathering->calls.first; at != call; at = at->after)
		before++;
	return before < gathering->posted * gathering->size;
}

bool batch_why(const struct lpad_call *call, char *text, size_t room)
{
	const struct gathering *gathering = call->method->gathering;
	if (!gathering || call->state != CALL_QUEUED || batch_is(call))
		return false;
	size_t missing = gathering->count < gathering->size ? gathering->size - gathering->count : 0;
	if (is_posted(gathering, call))
		snprintf(text, room, "in a batch that %s", call->method->inbox ? "run has not taken yet" : "waits for its turn");
	else if (gathering->active >= gathering->most && gathering->most > 1)
		snprintf(text, room, "waits for one of the %zu batches before it", gathering->most);
	else if (gathering->active >= gathering->most)
		snprintf(text, room, "waits for the batch before it");
	else
		snprintf(text, room, "waits for %zu more caller%s (batch of %zu)", missing, missing == 1 ? "" : "s",
			gathering->size);
	return true;
}

/* ---- its turn ---- */

static void take_member(struct lpad_call *batch)
{
	struct lpad_call *call = batch->method->gathering->calls.first;
	batch_leave(call);
	call->state = CALL_TAKEN;
	call->begun_ns = clock_ns();
	call->running = true;           /* until its batch ends: it is not kept by itself */
	call->batch = batch;
	call->client->tallies[call->method->place].begun++;
	batch->members.at[batch->members.count++] = call;
}

bool batch_take(struct link *link, struct lpad_call *batch)
{
	struct gathering *gathering = batch->method->gathering;
	size_t count = gathering->count < gathering->size ? gathering->count : gathering->size;
	gathering->posted--;
	batch->state = CALL_TAKEN;
	if (!is_ready(link, gathering)) {       /* some have left meanwhile */
		call_end(batch);
		return false;
	}
	batch->running = true;
	batch->members.at = memory_array(count, sizeof *batch->members.at);
	while (batch->members.count < count)
		take_member(batch);
	for (size_t i = 0; i < count; i++)
		server_left_queue(link, batch->method);
	look(link, batch->method);
	return true;
}

/* Those that cannot be in it are refused; the others move together. */
static void refuse_unfit(struct lpad_call *batch, struct stack_part *parts, const int *codes)
{
	size_t left = 0;
	for (size_t i = 0; i < batch->members.count; i++) {
		struct lpad_call *member = batch->members.at[i];
		if (!parts[i].wrong) {
			batch->members.at[left++] = member;
			continue;
		}
		batch->members.gone -= member->gone;
		member->batch = NULL;
		call_reject(member, codes[i], parts[i].wrong);
	}
	batch->members.count = left;
}

static void release_parts(struct stack_part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(parts[i].wrong);
	free(parts);
}

bool batch_open(struct link *link, struct lpad_call *batch)
{
	const struct gathering *gathering = batch->method->gathering;
	size_t count = batch->members.count, joined;
	struct stack_part *parts = memory_array(count, sizeof *parts);
	int *codes = memory_array(count, sizeof *codes);
	for (size_t i = 0; i < count; i++) {
		struct lpad_call *member = batch->members.at[i];
		parts[i].wrong = call_open(member, &codes[i]);
		parts[i].message = member->message;
		parts[i].caller = member->client->name;
	}
	batch->members.rows = gathering->pad ? gathering->size : 0;
	batch->message = stack_join(parts, count, batch->members.rows, &joined);
	link_lock(link);
	refuse_unfit(batch, parts, codes);
	if (batch->members.rows < joined)
		batch->members.rows = joined;
	batch->gone = joined && batch->members.gone == joined;
	batch->running = joined;
	if (!joined)
		call_end(batch);
	link_unlock(link);
	release_parts(parts, count);
	free(codes);
	return joined;
}

void batch_member_gone(struct lpad_call *member)
{
	struct lpad_call *batch = member->batch;
	if (member->gone)
		return;
	member->gone = true;
	if (++batch->members.gone == batch->members.count)
		call_gone(batch);
}

/* ---- its end ---- */

void batch_ended(struct lpad_call *batch)
{
	free(batch->members.at);
	batch->members.at = NULL;
	batch->members.count = 0;
	batch->method->gathering->active--;
	look(batch->link, batch->method);
}

void batch_fail(struct lpad_call *batch, int code, const char *text)
{
	for (size_t i = 0; i < batch->members.count; i++) {
		batch->members.at[i]->running = false;
		call_end_text(batch->members.at[i], code, text);
	}
}

/* What is answered to each, while the lock is not held. */
struct answers {
	size_t count, rows;
	const struct transport **transports;
	lpad_message **slices;          /* one more reference to those that may be asked for again */
	struct frame *frames;
};

static int begin_answers(struct lpad_call *batch, struct answers *answers)
{
	struct link *link = batch->link;
	link_lock(link);
	int code = call_check_open(batch);
	if (!code) {
		answers->count = batch->members.count;
		answers->rows = batch->members.rows;
		answers->transports = memory_array(answers->count, sizeof *answers->transports);
		for (size_t i = 0; i < answers->count; i++)
			answers->transports[i] = batch->members.at[i]->transport;
	}
	link_unlock(link);
	return code;
}

/* What is wrong with the reply, NULL: nothing; caller frees. All rows are alike: the first stands for them. */
static char *split(const struct lpad_call *batch, const lpad_message *reply, struct answers *answers)
{
	struct error error = { 0 };
	answers->slices = memory_array(answers->count, sizeof *answers->slices);
	if (stack_split(reply, answers->count, answers->rows, answers->slices, &error))
		return memory_format(" answered a batch of %zu wrongly: %s", answers->count, error.text);
	answers->frames = memory_array(answers->count, sizeof *answers->frames);
	char *cleanup_free unfit = conform_wrong(&batch->method->reply, answers->slices[0]);
	for (size_t i = 0; i < answers->count; i++) {
		answers->frames[i] = call_frame(batch->link, answers->slices[i]);
		answers->slices[i] = batch->method->idempotent ? message_share(answers->slices[i]) : NULL;
		answers->transports[i]->frame_make(&answers->frames[i]);
	}
	return unfit ? memory_format(" answered each of a batch %s", unfit) : NULL;
}

static void send_answer(struct lpad_call *member, struct frame *frame, lpad_message **again)
{
	member->running = false;
	if (member->retry) {
		retry_remember(member, *again);
		*again = NULL;
	}
	call_end_frame(member, frame);
}

static int send_answers(struct lpad_call *batch, struct answers *answers)
{
	struct link *link = batch->link;
	link_lock(link);
	int code = call_check_open(batch);
	for (size_t i = 0; !code && i < answers->count; i++)
		send_answer(batch->members.at[i], &answers->frames[i], &answers->slices[i]);
	if (!code)
		call_end(batch);
	link_unlock(link);
	return code;
}

static void drop_answers(struct answers *answers)
{
	for (size_t i = 0; answers->frames && i < answers->count; i++)
		answers->transports[i]->frame_drop(&answers->frames[i]);
}

int batch_answer(struct lpad_call *batch, lpad_message *reply)
{
	struct answers answers = { 0 };
	int code = begin_answers(batch, &answers);
	char *cleanup_free wrong = code ? NULL : split(batch, reply, &answers);
	message_free(reply);
	if (wrong)
		code = call_refuse_answer(batch, LPAD_EINVALID, wrong);
	else if (!code)
		code = send_answers(batch, &answers);
	if (code)
		drop_answers(&answers);
	for (size_t i = 0; answers.frames && i < answers.count; i++)
		message_free(answers.slices[i]);
	free(answers.transports);
	free(answers.slices);
	free(answers.frames);
	return code;
}
