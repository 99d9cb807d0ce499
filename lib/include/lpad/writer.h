/* SPDX-License-Identifier: MIT */
/*
 * lpad/writer.h - a part of lpad/replay.h, which authors include: what an actor writes to replay. In prose: lpad-replay(3).
 *
 * Steps are numbered for ever; the writer holds those that an item that was not answered yet has, or a later one may have, in a
 * ring, and the items that were not answered in a queue. Calls go on in the background and come back in the order in which they
 * were made. When replay says that steps are missing (it was restarted from an older checkpoint), the writer asks where the stream
 * is, and sends everything from there on again; items have numbers, so that none is inserted twice.
 */
#ifndef LPAD_WRITER_H
#define LPAD_WRITER_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lpad/node.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lpad_writer_options {
	const char *stream;             /* tells several streams of one node apart; NULL: "" */
	const lpad_tensor *columns;     /* of one step, without an axis of time; ends with LPAD_END */
	int keep;                       /* steps that an item has at most; 0: 1 */
	int in_flight;                  /* calls under way at most; 0: 4 */
	int items_per_call;             /* more items of a busy writer than this wait for no answer; 0: 1 */
	size_t room;                    /* bytes of steps held at most, `keep` of them in any case; 0: 64 MiB */
} lpad_writer_options;

typedef struct lpad_writer_item_ {
	int64_t number, first;
	double priority;
	int32_t table, steps;
} lpad_writer_item_;

typedef struct lpad_writer_call_ {
	lpad_future *future;
	size_t items;
} lpad_writer_call_;

/* All of it is for the functions below. */
typedef struct lpad_writer {
	lpad_node *node;                /* NULL: not open */
	lpad_handle *handle;
	int place;
	char *stream;
	uint64_t token;                 /* no other writer of this node has it: replay tells them apart */
	lpad_tensor *columns;
	size_t *sizes;                  /* of a column in a row; names belong to columns */
	int column_count, keep, in_flight;
	size_t items_per_call, row_size;
	int64_t room;                   /* steps */
	unsigned char *rows;            /* the ring: of `ring` steps, a power of two */
	int64_t ring, first, next;      /* steps first .. next-1 are in it */
	int64_t episode;                /* its first step */
	int64_t sent;                   /* steps before it are at replay, or under way */
	lpad_writer_item_ *items;       /* not answered: from item_first on */
	size_t item_first, item_count, item_room, under_way;    /* of item_count, those of calls under way */
	int64_t last_number;            /* of an item */
	lpad_writer_call_ *calls;       /* oldest first */
	int call_count;
	lpad_future *opening;           /* while it asks where the stream is: then no calls are under way */
	char **tables;
	int table_count, again, failed; /* again: times in succession that steps were missing */
	char why[512];
} lpad_writer;

enum { LPAD_WRITER_AGAIN_ = 10, LPAD_WRITER_CALL_ = 32 << 20 };        /* bytes of steps in one call, about */

/* ---- memory ---- */

static inline int lpad_writer_memory_(lpad_writer *w)
{
	lpad_fail(w->node, "writer of %s: out of memory", lpad_server(w->handle, w->place));
	return LPAD_EFAILED;
}

static inline size_t lpad_writer_size_(int type)
{
	switch (type) {
	case LPAD_BOOL8: case LPAD_U8: case LPAD_I8: return 1;
	case LPAD_U16: case LPAD_I16: case LPAD_F16: case LPAD_BF16: return 2;
	case LPAD_U32: case LPAD_I32: case LPAD_F32: return 4;
	case LPAD_U64: case LPAD_I64: case LPAD_F64: return 8;
	default: return 0;
	}
}

static inline char *lpad_writer_copy_(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = (char *)malloc(size);
	return copy ? (char *)memcpy(copy, text, size) : NULL;
}

static inline unsigned char *lpad_writer_row_(const lpad_writer *w, int64_t step)
{
	return w->rows + (size_t)(step & (w->ring - 1)) * w->row_size;
}

/* Room for one more step. */
static inline int lpad_writer_grow_(lpad_writer *w)
{
	lpad_writer wider = *w;
	if (w->next - w->first < w->ring)
		return 0;
	wider.ring = w->ring ? w->ring * 2 : 16;
	wider.rows = (unsigned char *)malloc((size_t)wider.ring * w->row_size + 1);
	if (!wider.rows)
		return lpad_writer_memory_(w);
	for (int64_t step = w->first; step < w->next; step++)
		memcpy(lpad_writer_row_(&wider, step), lpad_writer_row_(w, step), w->row_size);
	free(w->rows);
	w->rows = wider.rows;
	w->ring = wider.ring;
	return 0;
}

/* Its place in the list of tables; -1: out of memory. */
static inline int lpad_writer_table_(lpad_writer *w, const char *name)
{
	for (int i = 0; i < w->table_count; i++)
		if (!strcmp(w->tables[i], name))
			return i;
	char **wider = (char **)realloc(w->tables, sizeof *wider * ((size_t)w->table_count + 1));
	if (!wider)
		return -1;
	w->tables = wider;
	w->tables[w->table_count] = lpad_writer_copy_(name);
	return w->tables[w->table_count] ? w->table_count++ : -1;
}

static inline lpad_writer_item_ *lpad_writer_item_at_(const lpad_writer *w, size_t place)
{
	return &w->items[w->item_first + place];
}

static inline int lpad_writer_add_(lpad_writer *w, const lpad_writer_item_ *item)
{
	if (w->item_first && w->item_first + w->item_count == w->item_room) {
		memmove(w->items, w->items + w->item_first, w->item_count * sizeof *w->items);
		w->item_first = 0;
	}
	if (w->item_count == w->item_room) {
		size_t room = w->item_room ? w->item_room * 2 : 16;
		lpad_writer_item_ *wider = (lpad_writer_item_ *)realloc(w->items, room * sizeof *wider);
		if (!wider)
			return lpad_writer_memory_(w);
		w->items = wider;
		w->item_room = room;
	}
	w->items[w->item_first + w->item_count++] = *item;
	return 0;
}

static inline void lpad_writer_drop_(lpad_writer *w, size_t count)
{
	w->item_first += count;
	w->item_count -= count;
	if (!w->item_count)
		w->item_first = 0;
}

/* The first step that one more item could have. */
static inline int64_t lpad_writer_window_(const lpad_writer *w)
{
	return w->next - w->keep > w->episode ? w->next - w->keep : w->episode;
}

/* Steps that neither a later item nor one without an answer has are let go. */
static inline void lpad_writer_trim_(lpad_writer *w)
{
	int64_t oldest = lpad_writer_window_(w);
	for (size_t i = 0; i < w->item_count; i++)
		if (lpad_writer_item_at_(w, i)->first < oldest)
			oldest = lpad_writer_item_at_(w, i)->first;
	if (oldest > w->first)
		w->first = oldest;
	if (w->sent < w->first)
		w->sent = w->first;
}

/* ---- calls ---- */

static inline lpad_tensor lpad_writer_tensor_(const char *name, int type, int rank, int64_t extent)
{
	lpad_tensor tensor;
	memset(&tensor, 0, sizeof tensor);
	tensor.name = name;
	tensor.type = type;
	tensor.rank = rank;
	tensor.shape[0] = extent;
	return tensor;
}

static inline void lpad_writer_cancel_(lpad_writer *w)
{
	while (w->call_count)
		lpad_cancel(w->calls[--w->call_count].future);
	lpad_cancel(w->opening);
	w->opening = NULL;
	w->under_way = 0;
}

/* From now on it fails with this, whose text is lpad_error(). */
static inline int lpad_writer_fail_(lpad_writer *w, int code)
{
	w->failed = code;
	snprintf(w->why, sizeof w->why, "%s", lpad_error());
	lpad_writer_cancel_(w);
	lpad_fail(w->node, "%s", w->why);
	return code;
}

/* Asks where the stream is. */
static inline void lpad_writer_ask_(lpad_writer *w)
{
	lpad_tensor token = lpad_writer_tensor_("stream.writer", LPAD_U64, 0, 0);
	lpad_message *request = lpad_tensors(1, &token);
	lpad_writer_cancel_(w);
	lpad_set_meta(request, "stream", w->stream);
	uint64_t *own = (uint64_t *)lpad_data(request, "stream.writer");
	if (own)
		*own = w->token;
	w->opening = lpad_start(w->handle, w->place, "open", request, lpad_never());
}

/* Everything from there on is sent again, or for the first time. */
static inline int lpad_writer_resume_(lpad_writer *w, int64_t number, int64_t next)
{
	if (w->last_number < 0) {
		w->last_number = number;
		w->first = w->next = w->episode = next;
	}
	if (number > w->last_number || next > w->next) {
		lpad_fail(w->node, "%s has items and steps of stream \"%s\" that this writer did not send: two writers need streams of different names",
			lpad_server(w->handle, w->place), w->stream);
		return LPAD_EINVALID;
	}
	while (w->item_count && lpad_writer_item_at_(w, 0)->number <= number)
		lpad_writer_drop_(w, 1);
	w->sent = next;
	lpad_writer_trim_(w);
	return 0;
}

static inline int lpad_writer_opened_(lpad_writer *w)
{
	lpad_message *reply = NULL;
	const int64_t *number = NULL, *next = NULL;
	int code = lpad_wait(w->opening, &reply);
	w->opening = NULL;
	if (code == LPAD_ELOST) {
		lpad_writer_ask_(w);
		return 0;
	}
	if (!code) {
		number = (const int64_t *)lpad_view(reply, "item.number", LPAD_I64, 0, NULL);
		next = number ? (const int64_t *)lpad_view(reply, "stream.next", LPAD_I64, 0, NULL) : NULL;
		code = next ? lpad_writer_resume_(w, *number, *next) : LPAD_EBROKEN;
	}
	lpad_free(reply);
	return code ? lpad_writer_fail_(w, code) : 0;
}

/* The oldest call is finished. */
static inline int lpad_writer_answered_(lpad_writer *w)
{
	size_t items = w->calls[0].items;
	int code = lpad_wait(w->calls[0].future, NULL);
	memmove(w->calls, w->calls + 1, sizeof *w->calls * (size_t)--w->call_count);
	if (!code) {
		lpad_writer_drop_(w, items);
		w->under_way -= items;
		w->again = 0;
		return 0;
	}
	if ((code != LPAD_EAGAIN && code != LPAD_ELOST) || ++w->again == LPAD_WRITER_AGAIN_)
		return lpad_writer_fail_(w, code);
	lpad_writer_ask_(w);
	return 0;
}

/* Fills in the steps start .. start+count-1, column by column. */
static inline void lpad_writer_columns_(const lpad_writer *w, lpad_message *message, int64_t start, int64_t count)
{
	size_t offset = 0;
	for (int i = 0; i < w->column_count; offset += w->sizes[i++]) {
		unsigned char *into = (unsigned char *)lpad_data(message, w->columns[i].name);
		for (int64_t step = start; into && step < start + count; step++, into += w->sizes[i])
			memcpy(into, lpad_writer_row_(w, step) + offset, w->sizes[i]);
	}
}

static inline void lpad_writer_items_(const lpad_writer *w, lpad_message *message, size_t count)
{
	int64_t *number = (int64_t *)lpad_data(message, "item.number"), *first = (int64_t *)lpad_data(message, "item.first");
	int32_t *table = (int32_t *)lpad_data(message, "item.table"), *steps = (int32_t *)lpad_data(message, "item.steps");
	double *priority = (double *)lpad_data(message, "item.priority");
	for (size_t i = 0; priority && i < count; i++) {
		const lpad_writer_item_ *item = lpad_writer_item_at_(w, w->under_way + i);
		number[i] = item->number;
		first[i] = item->first;
		table[i] = item->table;
		steps[i] = item->steps;
		priority[i] = item->priority;
	}
}

/* The tensors of an append: how many there are. */
static inline int lpad_writer_layout_(const lpad_writer *w, lpad_tensor *list, int64_t steps, size_t items)
{
	int count = 0;
	list[count++] = lpad_writer_tensor_("stream.first", LPAD_I64, 0, 0);
	list[count++] = lpad_writer_tensor_("stream.keep", LPAD_I64, 0, 0);
	list[count++] = lpad_writer_tensor_("stream.writer", LPAD_U64, 0, 0);
	if (items) {
		list[count++] = lpad_writer_tensor_("item.number", LPAD_I64, 1, (int64_t)items);
		list[count++] = lpad_writer_tensor_("item.table", LPAD_I32, 1, (int64_t)items);
		list[count++] = lpad_writer_tensor_("item.priority", LPAD_F64, 1, (int64_t)items);
		list[count++] = lpad_writer_tensor_("item.first", LPAD_I64, 1, (int64_t)items);
		list[count++] = lpad_writer_tensor_("item.steps", LPAD_I32, 1, (int64_t)items);
	}
	for (int i = 0; steps && i < w->column_count; i++) {
		list[count] = w->columns[i];
		memmove(list[count].shape + 1, list[count].shape, sizeof(int64_t) * (size_t)list[count].rank++);
		list[count++].shape[0] = steps;
	}
	return count;
}

static inline void lpad_writer_names_(const lpad_writer *w, lpad_message *message)
{
	size_t room = 1;
	for (int i = 0; i < w->table_count; i++)
		room += strlen(w->tables[i]) + 1;
	char *names = (char *)__builtin_alloca(room), *end = names;
	*names = '\0';
	for (int i = 0; i < w->table_count; i++)
		end += snprintf(end, room - (size_t)(end - names), "%s%s", i ? "," : "", w->tables[i]);
	lpad_set_meta(message, "tables", names);
}

static inline lpad_message *lpad_writer_message_(const lpad_writer *w, int64_t steps, size_t items)
{
	lpad_tensor *list = (lpad_tensor *)__builtin_alloca(sizeof *list * (size_t)(w->column_count + 8));
	lpad_message *message = lpad_tensors(lpad_writer_layout_(w, list, steps, items), list);
	lpad_set_meta(message, "stream", w->stream);
	if (items)
		lpad_writer_names_(w, message);
	int64_t *first = (int64_t *)lpad_data(message, "stream.first"), *keep = (int64_t *)lpad_data(message, "stream.keep");
	uint64_t *token = (uint64_t *)lpad_data(message, "stream.writer");
	if (!first || !keep || !token)
		return message;         /* too large: the send will say so */
	*first = w->sent;
	*keep = w->first;
	*token = w->token;
	if (steps)
		lpad_writer_columns_(w, message, w->sent, steps);
	if (items)
		lpad_writer_items_(w, message, items);
	return message;
}

/* One call with what waits: as many items as belong into one, and the steps up to the last one's; of long ones only a part of the
   steps, without items. */
static inline void lpad_writer_send_(lpad_writer *w)
{
	size_t waiting = w->item_count - w->under_way, items = 0;
	int64_t most = w->row_size < LPAD_WRITER_CALL_ ? (int64_t)(LPAD_WRITER_CALL_ / w->row_size) : 1, upto;
	lpad_writer_trim_(w);
	for (upto = w->sent; items < waiting && items < w->items_per_call; items++) {
		const lpad_writer_item_ *item = lpad_writer_item_at_(w, w->under_way + items);
		if (item->first + item->steps > w->sent + most)
			break;
		upto = item->first + item->steps > upto ? item->first + item->steps : upto;
	}
	if (!items)
		upto = w->sent + most;
	lpad_writer_call_ *call = &w->calls[w->call_count++];
	call->items = items;
	call->future = lpad_start(w->handle, w->place, "append", lpad_writer_message_(w, upto - w->sent, items), lpad_never());
	w->under_way += items;
	w->sent = upto;
}

/* Takes the answers that are there, and sends what waits: all of it, or only if no call is under way or it fills one. */
static inline int lpad_writer_pump_(lpad_writer *w, bool all)
{
	int code = 0;
	if (w->opening && lpad_ready(w->opening))
		code = lpad_writer_opened_(w);
	while (!code && w->call_count && lpad_ready(w->calls[0].future))
		code = lpad_writer_answered_(w);
	while (!code && !w->opening && w->call_count < w->in_flight && w->item_count > w->under_way
	    && (all || !w->call_count || w->item_count - w->under_way >= w->items_per_call))
		lpad_writer_send_(w);
	return code;
}

/* Until the call that comes back next has. */
static inline int lpad_writer_await_(lpad_writer *w, lpad_deadline deadline)
{
	int code = lpad_wait_any(w->opening ? &w->opening : &w->calls[0].future, 1, deadline);
	return code < 0 ? code : 0;
}

static inline int lpad_writer_check_(lpad_writer *w)
{
	if (!w->node)
		return LPAD_EINVALID;           /* never opened: there is no node whose error to set */
	if (w->failed)
		lpad_fail(w->node, "%s", w->why);
	else if (lpad_stopping(w->node)) {
		lpad_fail(w->node, "%s", lpad_strerror(LPAD_ESTOPPED));
		return LPAD_ESTOPPED;
	}
	return w->failed;
}

static inline bool lpad_writer_full_(const lpad_writer *w)
{
	return w->opening || w->call_count == w->in_flight;
}

#ifdef __cplusplus
}
#endif
#endif
