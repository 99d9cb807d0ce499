/* SPDX-License-Identifier: MIT */
/*
 * lpad/replay.h - what actors and learners do with a node of the module replay, above the calls of lpad/node.h: a writer of steps
 * and items, a sampler that asks ahead, priorities in the background, transitions over n steps. In prose: lpad-replay(3).
 *
 *     lpad_writer_open(node, &me->writer, me->replay, 0, &options, deadline);
 *     lpad_writer_append(&me->writer, columns, deadline);                    each step: a pointer to each column
 *     lpad_writer_item(&me->writer, "transitions", 20, priority, deadline);  the last 20 steps are an item
 *     lpad_writer_end_episode(&me->writer);                                  no item goes across
 *
 *     lpad_sampler_open(node, &me->sampler, me->replay, 0, "transitions", 64, 2);
 *     lpad_sampler_next(&me->sampler, &message, deadline);                   yours to free
 *
 * Functions that can wait take a deadline, and end with LPAD_ESTOPPED when the program stops; one that returns LPAD_ETIMEDOUT has
 * done nothing, and may be called again. Restarts of replay and of the node itself are no failures: the writer sends again what
 * may have been lost, nothing is inserted twice, and a stream goes on where it was. One thread at a time may use an object.
 */
#ifndef LPAD_REPLAY_H
#define LPAD_REPLAY_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lpad/node.h>
#include <lpad/nstep.h>
#include <lpad/writer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- writing ---- */

static inline void lpad_writer_free_(lpad_writer *w)
{
	lpad_writer_cancel_(w);
	for (int i = 0; w->columns && i < w->column_count; i++)
		free((char *)(uintptr_t)w->columns[i].name);
	for (int i = 0; i < w->table_count; i++)
		free(w->tables[i]);
	free(w->tables);
	free(w->columns);
	free(w->sizes);
	free(w->stream);
	free(w->rows);
	free(w->items);
	free(w->calls);
	memset(w, 0, sizeof *w);
}

static inline int lpad_writer_add_column_(lpad_writer *w, const lpad_tensor *from)
{
	lpad_tensor *column = &w->columns[w->column_count];
	size_t size = lpad_writer_size_(from->type);
	if (!size || from->rank < 0 || from->rank >= LPAD_RANK)
		return lpad_fail(w->node, "column %s: %s", from->name, size ? "a step has 0 to 7 axes" : "there is no such type of elements");
	for (int i = 0; i < from->rank; i++) {
		if (from->shape[i] < 0 || (from->shape[i] && size > SIZE_MAX / 4 / (size_t)from->shape[i]))
			return lpad_fail(w->node, "column %s: its shape is not possible", from->name);
		size *= (size_t)from->shape[i];
	}
	*column = *from;
	column->name = lpad_writer_copy_(from->name);
	if (!column->name)
		return lpad_writer_memory_(w);
	w->sizes[w->column_count++] = size;
	w->row_size += size;
	return 0;
}

static inline int lpad_writer_prepare_(lpad_writer *w, const lpad_writer_options *options)
{
	int count = 0, code = 0;
	size_t room = options->room ? options->room : (size_t)64 << 20;
	while (options->columns && options->columns[count].name)
		count++;
	if (!count || options->keep < 0 || options->in_flight < 0 || options->items_per_call < 0)
		return lpad_fail(w->node, "writer of %s: %s", lpad_server(w->handle, w->place), count ? "an option is below 0" : "a step has no columns");
	w->keep = options->keep ? options->keep : 1;
	w->in_flight = options->in_flight ? options->in_flight : 4;
	w->items_per_call = options->items_per_call ? (size_t)options->items_per_call : 1;
	w->stream = lpad_writer_copy_(options->stream ? options->stream : "");
	w->columns = (lpad_tensor *)calloc((size_t)count, sizeof *w->columns);
	w->sizes = (size_t *)calloc((size_t)count, sizeof *w->sizes);
	w->calls = (lpad_writer_call_ *)calloc((size_t)w->in_flight, sizeof *w->calls);
	if (!w->stream || !w->columns || !w->sizes || !w->calls)
		return lpad_writer_memory_(w);
	for (int i = 0; !code && i < count; i++)
		code = lpad_writer_add_column_(w, &options->columns[i]);
	if (!code && !w->row_size)
		code = lpad_fail(w->node, "writer of %s: the columns of a step have no bytes", lpad_server(w->handle, w->place));
	w->room = code ? 0 : (int64_t)(room / w->row_size);
	if (w->room < (int64_t)w->keep + 1)
		w->room = (int64_t)w->keep + 1;
	return code;
}

/*
 * Opens a stream of steps of the server at `place`, where it was left if the node was restarted: waits for the server. Options are
 * copied. On failure nothing is open.
 */
static inline int lpad_writer_open(lpad_node *node, lpad_writer *writer, lpad_handle *handle, int place, const lpad_writer_options *options, lpad_deadline deadline)
{
	memset(writer, 0, sizeof *writer);
	writer->node = node;
	writer->handle = handle;
	writer->place = place;
	writer->last_number = -1;
	writer->token = ((uint64_t)(uintptr_t)writer + (uint64_t)lpad_in(0).at * 0x9e3779b97f4a7c15u) | 1;
	int code = lpad_writer_prepare_(writer, options);
	if (!code)
		lpad_writer_ask_(writer);
	while (!code && writer->opening) {
		code = lpad_writer_await_(writer, deadline);
		if (!code)
			code = lpad_writer_pump_(writer, false);
	}
	if (code)
		lpad_writer_free_(writer);
	return code;
}

/* One more step: columns[i] is its part of the i-th column, which is copied. Waits only if the room is full of steps that replay has
   not taken. */
static inline int lpad_writer_append(lpad_writer *writer, const void *const *columns, lpad_deadline deadline)
{
	int code = lpad_writer_check_(writer);
	if (!code)
		code = lpad_writer_pump_(writer, false);
	while (!code && writer->next - writer->first >= writer->room) {
		lpad_writer_trim_(writer);
		if (writer->next - writer->first < writer->room)
			break;
		code = lpad_writer_pump_(writer, true);
		if (!code && (writer->call_count || writer->opening) && !(code = lpad_writer_await_(writer, deadline)))
			code = lpad_writer_pump_(writer, true);
	}
	if (!code)
		code = lpad_writer_grow_(writer);
	if (code)
		return code;
	unsigned char *row = lpad_writer_row_(writer, writer->next++);
	for (int i = 0; i < writer->column_count; row += writer->sizes[i++])
		if (writer->sizes[i])
			memcpy(row, columns[i], writer->sizes[i]);
	return 0;
}

/* Steps of the episode that an item may have now. */
static inline int lpad_writer_steps(const lpad_writer *writer)
{
	return (int)(writer->next - lpad_writer_window_(writer));
}

static inline int lpad_writer_bad_steps_(const lpad_writer *w, const char *table, int steps)
{
	int64_t made = w->next - w->episode;
	if (steps < 1)
		return lpad_fail(w->node, "an item of %d steps for table %s: an item has at least 1", steps, table);
	if (steps > w->keep)
		return lpad_fail(w->node, "an item of %d steps for table %s: at most %d, the writer's .keep", steps, table, w->keep);
	return lpad_fail(w->node, "an item of %d steps for table %s: the episode has only %lld step%s", steps, table, (long long)made,
		made == 1 ? "" : "s");
}

/* The last `steps` steps become an item of the table. Waits while in_flight calls are under way and another one is full. */
static inline int lpad_writer_item(lpad_writer *writer, const char *table, int steps, double priority, lpad_deadline deadline)
{
	int code = lpad_writer_check_(writer);
	if (!code && (steps < 1 || steps > lpad_writer_steps(writer)))
		return lpad_writer_bad_steps_(writer, table, steps);
	if (!code && !(priority >= 0 && priority < HUGE_VAL))
		return lpad_fail(writer->node, "an item for table %s: priority %g is not a number from 0 on", table, priority);
	if (!code)
		code = lpad_writer_pump_(writer, false);
	while (!code && lpad_writer_full_(writer) && writer->item_count - writer->under_way + 1 >= writer->items_per_call)
		if (!(code = lpad_writer_await_(writer, deadline)))
			code = lpad_writer_pump_(writer, false);
	if (code)
		return code;
	lpad_writer_item_ item;
	item.number = writer->last_number + 1;
	item.first = writer->next - steps;
	item.steps = steps;
	item.priority = priority;
	item.table = lpad_writer_table_(writer, table);
	code = item.table < 0 ? lpad_writer_memory_(writer) : lpad_writer_add_(writer, &item);
	if (code)
		return code;
	writer->last_number++;
	return lpad_writer_pump_(writer, false);
}

/* The next step begins an episode: items do not reach back across it. Does not wait. */
static inline int lpad_writer_end_episode(lpad_writer *writer)
{
	int code = lpad_writer_check_(writer);
	if (!code)
		code = lpad_writer_pump_(writer, false);
	writer->episode = writer->next;
	return code;
}

/* Sends what waits; returns when replay has inserted every item. */
static inline int lpad_writer_flush(lpad_writer *writer, lpad_deadline deadline)
{
	int code = lpad_writer_check_(writer);
	if (!code)
		code = lpad_writer_pump_(writer, true);
	while (!code && (writer->opening || writer->call_count || writer->item_count))
		if (!(code = lpad_writer_await_(writer, deadline)))
			code = lpad_writer_pump_(writer, true);
	return code;
}

/* Items that are not known to be inserted yet. */
static inline size_t lpad_writer_unanswered(const lpad_writer *writer)
{
	return writer->item_count;
}

/* Flushes, and frees all of it whatever comes of that; what is under way after the deadline may or may not be inserted. The result
   is that of the flush. Closing what is not open does nothing. */
static inline int lpad_writer_close(lpad_writer *writer, lpad_deadline deadline)
{
	int code = writer->node ? lpad_writer_flush(writer, deadline) : 0;
	lpad_node *node = writer->node;
	char text[sizeof writer->why];
	if (code)
		snprintf(text, sizeof text, "%s", lpad_error());
	lpad_writer_free_(writer);
	if (code)
		lpad_fail(node, "%s", text);
	return code;
}

/* ---- sampling ---- */

typedef struct lpad_sampler {
	lpad_node *node;                /* NULL: not open */
	lpad_handle *handle;
	int place, batch, ahead;
	char *table;
	lpad_future **futures;          /* a ring: the oldest at `turn` */
	int turn;
} lpad_sampler;

static inline lpad_future *lpad_sampler_ask_(const lpad_sampler *sampler)
{
	lpad_tensor n = lpad_writer_tensor_("n", LPAD_I64, 0, 0);
	lpad_message *request = lpad_tensors(1, &n);
	if (sampler->table)
		lpad_set_meta(request, "table", sampler->table);
	int64_t *count = (int64_t *)lpad_data(request, "n");
	if (count)
		*count = sampler->batch;
	return lpad_start(sampler->handle, sampler->place, "sample", request, lpad_never());
}

/* Cancels what is under way, and frees all of it. What replay has drawn already counts as sampled. */
static inline void lpad_sampler_close(lpad_sampler *sampler)
{
	for (int i = 0; sampler->futures && i < sampler->ahead; i++)
		lpad_cancel(sampler->futures[i]);
	free(sampler->futures);
	free(sampler->table);
	memset(sampler, 0, sizeof *sampler);
}

/* `batch` items at a time; so many calls are under way from now on, at least 1. table NULL: the only one. Does not wait. */
static inline int lpad_sampler_open(lpad_node *node, lpad_sampler *sampler, lpad_handle *handle, int place, const char *table, int batch, int prefetch)
{
	memset(sampler, 0, sizeof *sampler);
	if (batch < 1)
		return lpad_fail(node, "sampler of %s: a batch of %d items", lpad_server(handle, place), batch);
	sampler->node = node;
	sampler->handle = handle;
	sampler->place = place;
	sampler->batch = batch;
	sampler->ahead = prefetch > 1 ? prefetch : 1;
	sampler->table = table ? lpad_writer_copy_(table) : NULL;
	sampler->futures = (lpad_future **)calloc((size_t)sampler->ahead, sizeof *sampler->futures);
	if (!sampler->futures || (table && !sampler->table)) {
		lpad_sampler_close(sampler);
		lpad_fail(node, "sampler of %s: out of memory", lpad_server(handle, place));
		return LPAD_EFAILED;
	}
	for (int i = 0; i < sampler->ahead; i++)
		sampler->futures[i] = lpad_sampler_ask_(sampler);
	return 0;
}

/* The next batch: yours to free. Another one is asked for in its stead. A failure is of this batch only. */
static inline int lpad_sampler_next(lpad_sampler *sampler, lpad_message **out, lpad_deadline deadline)
{
	*out = NULL;
	if (!sampler->node)
		return LPAD_EINVALID;
	for (;;) {
		lpad_future **turn = &sampler->futures[sampler->turn];
		int code = lpad_wait_any(turn, 1, deadline);
		if (code < 0)
			return code;
		code = lpad_wait(*turn, out);
		*turn = lpad_sampler_ask_(sampler);
		sampler->turn = (sampler->turn + 1) % sampler->ahead;
		if (code != LPAD_ELOST)
			return code;
	}
}

/* What a sample holds: arrays of `batch` elements, which live as long as the message. */
typedef struct lpad_sampled {
	const lpad_message *message;
	int64_t batch;
	int64_t longest;                /* steps of the longest item: the second axis of columns, unless `single` */
	bool single;                    /* items of one step: columns have no axis of steps */
	int64_t table_size;             /* items in the table */
	const uint64_t *keys;
	const double *probabilities, *priorities;
	const int64_t *times_sampled;   /* with this one */
	const int32_t *steps;           /* NULL: 1 of each; behind them columns are zero */
} lpad_sampled;

static inline const void *lpad_sampled_array_(const lpad_message *message, const char *name, int type, int64_t batch)
{
	return lpad_view(message, name, type, 1, &batch);
}

/* LPAD_EINVALID: no sample of replay's. */
static inline int lpad_sampled_view(const lpad_message *message, lpad_sampled *out)
{
	lpad_tensor tensor;
	const int64_t *size = (const int64_t *)lpad_view(message, "item.table_size", LPAD_I64, 0, NULL);
	memset(out, 0, sizeof *out);
	out->message = message;
	out->single = true;
	if (!size)
		return LPAD_EINVALID;
	out->table_size = *size;
	for (int i = 0; i < lpad_tensor_count(message); i++) {
		if (lpad_tensor_at(message, i, &tensor))
			return LPAD_EINVALID;
		if (!strcmp(tensor.name, "item.key"))
			out->batch = tensor.rank == 1 ? tensor.shape[0] : 0;
		out->single = out->single && strcmp(tensor.name, "item.steps") != 0;
	}
	out->keys = (const uint64_t *)lpad_sampled_array_(message, "item.key", LPAD_U64, out->batch);
	out->probabilities = (const double *)lpad_sampled_array_(message, "item.probability", LPAD_F64, out->batch);
	out->priorities = (const double *)lpad_sampled_array_(message, "item.priority", LPAD_F64, out->batch);
	out->times_sampled = (const int64_t *)lpad_sampled_array_(message, "item.times_sampled", LPAD_I64, out->batch);
	if (!out->single)
		out->steps = (const int32_t *)lpad_sampled_array_(message, "item.steps", LPAD_I32, out->batch);
	for (int64_t i = 0; out->steps && i < out->batch; i++)
		out->longest = out->steps[i] > out->longest ? out->steps[i] : out->longest;
	if (out->single)
		out->longest = 1;
	return out->keys && out->probabilities && out->priorities && out->times_sampled && (out->single || out->steps) ? 0 : LPAD_EINVALID;
}

/*
 * A column of all items, [batch, shape ...] of single steps, otherwise [batch, longest, shape ...]; `shape` of one step, NULL for
 * rank 0. NULL: there is none of this type and shape; lpad_error() says what there is.
 */
static inline const void *lpad_sampled_column(const lpad_sampled *sampled, const char *name, int type, int rank, const int64_t *shape)
{
	int64_t whole[LPAD_RANK + 2];
	int axes = 0;
	whole[axes++] = sampled->batch;
	if (!sampled->single)
		whole[axes++] = sampled->longest;
	for (int i = 0; i < rank && axes < LPAD_RANK + 2; i++)
		whole[axes++] = shape[i];
	return lpad_view(sampled->message, name, type, axes, whole);
}

/* ---- priorities ---- */

/* New priorities of items, collected while the last ones are under way, of which there is one call at most. */
typedef struct lpad_priorities {
	lpad_node *node;                /* NULL: not open */
	lpad_handle *handle;
	int place;
	char *table;
	uint64_t *keys;
	double *priorities;
	size_t count, room;
	lpad_future *future;
	const char *method;
} lpad_priorities;

static inline int lpad_priorities_open(lpad_node *node, lpad_priorities *p, lpad_handle *handle, int place, const char *table)
{
	memset(p, 0, sizeof *p);
	p->node = node;
	p->handle = handle;
	p->place = place;
	p->table = table ? lpad_writer_copy_(table) : NULL;
	if (!table || p->table)
		return 0;
	memset(p, 0, sizeof *p);
	lpad_fail(node, "priorities of %s: out of memory", lpad_server(handle, place));
	return LPAD_EFAILED;
}

static inline void lpad_priorities_send_(lpad_priorities *p)
{
	lpad_tensor list[2] = { lpad_writer_tensor_("item.key", LPAD_U64, 1, (int64_t)p->count),
		lpad_writer_tensor_("item.priority", LPAD_F64, 1, (int64_t)p->count) };
	lpad_message *request = lpad_tensors(2, list);
	if (p->table)
		lpad_set_meta(request, "table", p->table);
	void *keys = lpad_data(request, "item.key"), *priorities = lpad_data(request, "item.priority");
	if (keys && priorities) {
		memcpy(keys, p->keys, sizeof *p->keys * p->count);
		memcpy(priorities, p->priorities, sizeof *p->priorities * p->count);
	}
	p->count = 0;
	p->future = lpad_start(p->handle, p->place, "update", request, lpad_never());
}

/* Takes the answer if it is there, and sends what was collected if no call is under way. */
static inline int lpad_priorities_pump_(lpad_priorities *p)
{
	int code = 0;
	if (p->future && lpad_ready(p->future)) {
		code = lpad_wait(p->future, NULL);
		code = code == LPAD_ELOST ? 0 : code;
		p->future = NULL;
	}
	if (!code && !p->future && p->count)
		lpad_priorities_send_(p);
	return code;
}

/* Never waits. A failure is that of priorities sent before; these are collected all the same. */
static inline int lpad_priorities_update(lpad_priorities *p, const uint64_t *keys, const double *priorities, size_t count)
{
	if (!p->node)
		return LPAD_EINVALID;
	if (p->count + count > p->room) {
		size_t room = (p->count + count) * 2;
		uint64_t *wider = (uint64_t *)realloc(p->keys, room * sizeof *wider);
		double *also = wider ? (double *)realloc(p->priorities, room * sizeof *also) : NULL;
		p->keys = wider ? wider : p->keys;
		p->priorities = also ? also : p->priorities;
		if (!also) {
			lpad_fail(p->node, "priorities of %s: out of memory", lpad_server(p->handle, p->place));
			return LPAD_EFAILED;
		}
		p->room = room;
	}
	if (count) {
		memcpy(p->keys + p->count, keys, sizeof *keys * count);
		memcpy(p->priorities + p->count, priorities, sizeof *priorities * count);
	}
	p->count += count;
	return lpad_priorities_pump_(p);
}

/* Returns when replay has all of them. */
static inline int lpad_priorities_flush(lpad_priorities *p, lpad_deadline deadline)
{
	if (!p->node)
		return LPAD_EINVALID;
	int code = lpad_priorities_pump_(p);
	while (!code && p->future)
		if ((code = lpad_wait_any(&p->future, 1, deadline)) >= 0)
			code = lpad_priorities_pump_(p);
	return code;
}

/* What is under way is cancelled; flush first if it matters. */
static inline void lpad_priorities_close(lpad_priorities *p)
{
	lpad_cancel(p->future);
	free(p->table);
	free(p->keys);
	free(p->priorities);
	memset(p, 0, sizeof *p);
}

#ifdef __cplusplus
}
#endif
#endif
