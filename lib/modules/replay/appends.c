/* SPDX-License-Identifier: MIT */
#include "appends.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"
#include "replies.h"
#include "room.h"
#include "waiting.h"

struct refusal {
	int code;
	char text[400];
};

__attribute__((format(printf, 3, 4)))
static int refuse(struct refusal *refusal, int code, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vsnprintf(refusal->text, sizeof refusal->text, format, list);
	va_end(list);
	return refusal->code = code;
}

/* ---- pools ---- */

static bool fits(const struct pool *pool, const struct rows *columns)
{
	char text[200];
	return pool && !pool_differs(pool, columns->at, columns->count, text, sizeof text);
}

/* One pool for each layout, so that tables and streams share steps. The caller's own reference. */
static struct pool *pool_for(struct replay *me, const struct rows *columns)
{
	for (size_t i = 0; i < me->count; i++)
		if (fits(table_pool(me->places[i].table), columns))
			return pool_share(table_pool(me->places[i].table));
	for (size_t i = 0; i < streams_count(me->streams); i++)
		if (fits(streams_at(me->streams, i)->pool, columns))
			return pool_share(streams_at(me->streams, i)->pool);
	return pool_new(columns->at, columns->count);
}

/* All items of a table have the same columns. */
static int check_pool(const struct place *place, const struct pool *pool, struct refusal *refusal)
{
	char text[300];
	size_t count;
	const struct pool *own = table_pool(place->table);
	if (!own || own == pool)
		return 0;
	const struct column *columns = pool_columns(pool, &count);
	const char *differs = pool_differs(own, columns, count, text, sizeof text);
	return refuse(refusal, LPAD_EINVALID, "table %s: %s", place->name, differs ? differs : "it keeps its steps elsewhere");
}

int appends_insert_plain(struct replay *me, struct held *held, uint64_t *key, char *text, size_t room)
{
	struct refusal refusal = { 0 };
	struct pool *pool = pool_for(me, held->columns);
	if (!check_pool(held->place, pool, &refusal)) {
		uint32_t step = pool_add(pool);
		rows_copy(held->columns, pool, 0, pool_row(pool, step));
		*key = table_insert(held->place->table, pool, &step, 1, held->priority);
		pool_unref(pool, step);
	}
	pool_release(pool);
	snprintf(text, room, "%s", refusal.text);
	return refusal.code;
}

/* ---- those that are held ---- */

static void add(struct append *append)
{
	struct stream *stream = append->stream;
	append->next = NULL;
	append->before = stream->last_held;
	if (append->before)
		append->before->next = append;
	else
		stream->first_held = append;
	stream->last_held = append;
}

static void take_out(struct append *append)
{
	struct stream *stream = append->stream;
	if (append->before)
		append->before->next = append->next;
	else
		stream->first_held = append->next;
	if (append->next)
		append->next->before = append->before;
	else
		stream->last_held = append->before;
	waiting_leave(&append->held);
}

static void end(struct append *append, int code, const char *why)
{
	take_out(append);
	lpad_refuse(append->held.call, code, "%s", why);
	requests_free_append(append);
}

struct held *appends_find(struct replay *me, const lpad_call *call)
{
	for (size_t i = 0; i < streams_count(me->streams); i++) {
		struct append *append = streams_at(me->streams, i)->first_held;
		while (append && append->held.call != call)
			append = append->next;
		if (append)
			return &append->held;
	}
	return NULL;
}

const struct held *appends_first(const struct append *append)
{
	return &append->stream->first_held->held;
}

void appends_forget(struct replay *me)
{
	struct append *append;
	for (size_t i = 0; i < streams_count(me->streams); i++)
		while ((append = streams_at(me->streams, i)->first_held)) {
			take_out(append);
			requests_free_append(append);
		}
}

/* ---- streams ---- */

/* All that waits of it is refused. */
static void give_up(const struct stream *stream, int code, const char *why)
{
	struct append *append;
	while ((append = stream->first_held))
		end(append, code, why);
}

/* Two writers that number the items of one stream would each be told that the other's are its own, repeated. */
static void say_other_writer(const struct stream *stream, struct refusal *refusal)
{
	refuse(refusal, LPAD_EINVALID, "stream \"%s\" of %s is open in another writer of this node: give each its .stream", stream->name,
		stream->owner);
}

/* The stream, if the caller's incarnation has it, or takes it over. */
static int find_stream(struct replay *me, lpad_call *call, const char *name, uint64_t writer, struct stream **out)
{
	struct stream *stream = streams_find(me->streams, lpad_caller(call), name);
	struct refusal refusal;
	int incarnation = lpad_caller_incarnation(call);
	if (incarnation < stream->incarnation) {
		lpad_fail(me->node, "incarnation %d of %s goes on with this stream, not %d", stream->incarnation, stream->owner, incarnation);
		return LPAD_ECANCELLED;
	}
	if (incarnation > stream->incarnation) {
		refuse(&refusal, LPAD_ECANCELLED, "%s was started again, and goes on with its stream", stream->owner);
		give_up(stream, refusal.code, refusal.text);
		stream_take_over(stream, incarnation);
		stream->writer = writer;
	}
	if (!stream->writer)
		stream->writer = writer;
	*out = stream;
	return 0;
}

int appends_stream(struct replay *me, lpad_call *call, const char *name, uint64_t writer, struct stream **out)
{
	struct refusal refusal;
	int code = find_stream(me, call, name, writer, out);
	if (code || !writer || writer == (*out)->writer)
		return code;
	say_other_writer(*out, &refusal);
	lpad_fail(me->node, "%s", refusal.text);
	return refusal.code;
}

int appends_open(struct replay *me, lpad_call *call, const char *name, uint64_t writer, struct stream **out)
{
	struct refusal refusal;
	int code = find_stream(me, call, name, writer, out);
	if (code || !writer || writer == (*out)->writer)
		return code;
	say_other_writer(*out, &refusal);
	give_up(*out, refusal.code, refusal.text);
	stream_take_over(*out, (*out)->incarnation);
	(*out)->writer = writer;
	return 0;
}

/* ---- the first of a stream ---- */

/* The oldest step that its items still want; INT64_MAX: none. */
static int64_t oldest_wanted(const struct append *append)
{
	int64_t oldest = INT64_MAX;
	for (size_t i = 0; i < append->count; i++)
		if (append->number[i] > append->stream->items && append->first_step[i] < oldest)
			oldest = append->first_step[i];
	return oldest;
}

/* Steps that never came may be left out if nobody wants them, here or later. */
static int check_steps(const struct append *append, struct refusal *refusal)
{
	const struct stream *stream = append->stream;
	int64_t oldest = oldest_wanted(append);
	if (append->first > stream->next && (oldest < append->first || append->keep < append->first))
		return refuse(refusal, LPAD_EAGAIN, "steps from %lld on are missing", (long long)stream->next);
	if (append->first <= stream->next && oldest < stream->first)
		return refuse(refusal, LPAD_EINVALID, "an item has steps from %lld on, but those before %lld were not kept (stream.keep)",
			(long long)oldest, (long long)stream->first);
	return 0;
}

static int check_tables(const struct append *append, const struct pool *pool, struct refusal *refusal)
{
	int code = 0;
	for (size_t i = 0; i < append->count && !code; i++)
		if (append->number[i] > append->stream->items)
			code = pool ? check_pool(append->tables[append->table[i]], pool, refusal)
				: refuse(refusal, LPAD_EAGAIN, "steps from %lld on are missing", (long long)append->stream->next);
	return code;
}

static void add_steps(struct append *append, struct pool *pool)
{
	struct stream *stream = append->stream;
	if (append->first > stream->next)
		stream_keep(stream, append->first);
	for (int64_t number = stream->next; number < append->first + append->columns.rows; number++) {
		uint32_t step = pool_add(pool);
		rows_copy(&append->columns, pool, number - append->first, pool_row(pool, step));
		stream_add(stream, pool, step);
	}
}

/* The caller's own reference; NULL: there are no steps yet. */
static struct pool *pool_of(struct replay *me, const struct append *append, struct refusal *refusal)
{
	char text[300];
	const struct stream *stream = append->stream;
	struct pool *own = stream->first < stream->next ? stream->pool : NULL;
	const struct rows *columns = &append->columns;
	const char *differs = own && columns->rows ? pool_differs(own, columns->at, columns->count, text, sizeof text) : NULL;
	if (differs)
		refuse(refusal, LPAD_EINVALID, "stream \"%s\": %s", stream->name, differs);
	if (own)
		return pool_share(own);
	return columns->rows ? pool_for(me, columns) : NULL;
}

/* Its steps go in. Nothing is changed when it is refused. */
static int begin(struct replay *me, struct append *append, struct refusal *refusal)
{
	struct pool *pool = pool_of(me, append, refusal);
	int code = refusal->code;
	code = code ? code : check_steps(append, refusal);
	code = code ? code : check_tables(append, pool, refusal);
	if (!code)
		add_steps(append, pool);
	pool_release(pool);
	append->begun = !code;
	return code;
}

/* The table of its next item; NULL: all are in. */
static struct place *next_place(struct append *append)
{
	for (; append->done < append->count; append->done++) {
		struct place *place = append->tables[append->table[append->done]];
		if (append->number[append->done] > append->stream->items)
			return place;
		place->repeated++;              /* its key is 0 */
	}
	return NULL;
}

static void complete(struct append *append)
{
	take_out(append);
	stream_keep(append->stream, append->keep);
	lpad_answer(append->held.call, replies_keys(append->keys, append->count));
	requests_free_append(append);
}

/* The first append of the stream goes on, and when it has ended at once, so does the next. */
static void run_stream(struct replay *me, const struct stream *stream)
{
	struct append *append;
	while ((append = stream->first_held)) {
		struct refusal refusal = { 0 };
		if (!append->begun && begin(me, append, &refusal)) {
			end(append, refusal.code, refusal.text);
			continue;
		}
		struct place *place = next_place(append);
		if (place) {
			if (place != append->held.place) {
				waiting_leave(&append->held);
				waiting_join(me, &append->held, place, SIDE_INSERT);
			}
			return;
		}
		complete(append);
	}
}

void appends_arrive(struct replay *me, struct append *append)
{
	bool first = !append->stream->first_held;
	append->held.append = append;
	append->held.since = seconds_now();
	add(append);
	if (first)
		run_stream(me, append->stream);
}

void appends_go_on(struct replay *me, struct append *append)
{
	struct stream *stream = append->stream;
	size_t i = append->done;
	uint32_t count = (uint32_t)append->steps[i], *steps;
	struct refusal refusal = { 0 };
	if (check_pool(append->held.place, stream->pool, &refusal)) {
		appends_end(me, append, refusal.code, refusal.text);
		return;
	}
	steps = room_new(count, sizeof *steps);
	stream_steps(stream, append->first_step[i], count, steps);
	append->keys[i] = table_insert(append->held.place->table, stream->pool, steps, count, append->priority[i]);
	free(steps);
	stream->items = append->number[i];
	append->done++;
	run_stream(me, stream);
}

void appends_end(struct replay *me, struct append *append, int code, const char *why)
{
	const struct stream *stream = append->stream;
	end(append, code, why);
	run_stream(me, stream);
}
