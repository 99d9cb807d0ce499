/* SPDX-License-Identifier: MIT */
#include "replies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "room.h"

enum { ITEM_TENSORS = 6 };
static const size_t REPLY_MOST = (size_t)1 << 30;

static lpad_message *number(const char *name, int type, int rank, int64_t extent)
{
	lpad_tensor tensor = { .name = name, .type = type, .rank = rank, .shape = { extent } };
	return lpad_tensors(1, &tensor);
}

lpad_message *replies_keys(const uint64_t *keys, size_t count)
{
	lpad_message *reply = number("item.key", LPAD_U64, 1, (int64_t)count);
	void *to = lpad_data(reply, "item.key");
	if (to && count)
		memcpy(to, keys, count * sizeof *keys);
	return reply;
}

lpad_message *replies_key(uint64_t key)
{
	lpad_message *reply = number("item.key", LPAD_U64, 0, 0);
	uint64_t *to = lpad_data(reply, "item.key");
	if (to)
		*to = key;
	return reply;
}

lpad_message *replies_known(int64_t known)
{
	lpad_message *reply = number("known", LPAD_I64, 0, 0);
	int64_t *to = lpad_data(reply, "known");
	if (to)
		*to = known;
	return reply;
}

lpad_message *replies_opened(const struct stream *stream)
{
	lpad_tensor tensors[] = { { .name = "item.number", .type = LPAD_I64 }, { .name = "stream.next", .type = LPAD_I64 } };
	lpad_message *reply = lpad_tensors(2, tensors);
	int64_t *items = lpad_data(reply, "item.number"), *next = lpad_data(reply, "stream.next");
	if (items && next) {
		*items = stream->items;
		*next = stream->next;
	}
	return reply;
}

/* ---- samples ---- */

struct batch {
	const struct pool *pool;
	const struct column *columns;
	size_t column_count;
	const struct picked *picked;
	size_t count, longest;          /* items; steps of the longest */
	bool flat;                      /* items of this table are single steps */
};

/* An upper bound; false: more than can be counted. */
static bool size_of(const struct place *place, int64_t count, size_t *size)
{
	const struct pool *pool = table_pool(place->table);
	size_t longest = table_longest(place->table);
	*size = pool ? pool_row_size(pool) : 0;
	return !__builtin_mul_overflow(*size, longest ? longest : 1, size)
	    && !__builtin_add_overflow(*size, (size_t)36, size)         /* item.* */
	    && !__builtin_mul_overflow(*size, (size_t)count, size);
}

bool replies_too_large(const struct place *place, int64_t count, char *text, size_t room)
{
	size_t size;
	if (size_of(place, count, &size) && size <= REPLY_MOST)
		return false;
	snprintf(text, room, "table %s: %lld items of up to %u steps of %zu bytes are more than a message may have, %zu bytes: sample fewer at "
		"once", place->name, (long long)count, (unsigned)table_longest(place->table),
		table_pool(place->table) ? pool_row_size(table_pool(place->table)) : 0, REPLY_MOST);
	return true;
}

static lpad_tensor column_tensor(const struct batch *batch, const struct column *column)
{
	int rank = 0;
	lpad_tensor tensor = { .name = column->name, .type = column->type };
	tensor.shape[rank++] = (int64_t)batch->count;
	if (!batch->flat)
		tensor.shape[rank++] = (int64_t)batch->longest;
	for (int i = 0; i < column->rank; i++)
		tensor.shape[rank++] = column->shape[i];
	tensor.rank = rank;
	return tensor;
}

static lpad_message *make(const struct batch *batch)
{
	lpad_tensor *tensors = room_new(batch->column_count + ITEM_TENSORS, sizeof *tensors);
	size_t count = 0;
	for (; count < batch->column_count; count++)
		tensors[count] = column_tensor(batch, &batch->columns[count]);
	const lpad_tensor about[ITEM_TENSORS] = {
		{ .name = "item.steps", .type = LPAD_I32, .rank = 1 },  /* says that columns have an axis of steps: the first one, to be left out */
		{ .name = "item.key", .type = LPAD_U64, .rank = 1 }, { .name = "item.probability", .type = LPAD_F64, .rank = 1 },
		{ .name = "item.priority", .type = LPAD_F64, .rank = 1 }, { .name = "item.times_sampled", .type = LPAD_I64, .rank = 1 },
		{ .name = "item.table_size", .type = LPAD_I64 } };
	for (size_t i = batch->flat; i < ITEM_TENSORS; i++, count++) {
		tensors[count] = about[i];
		tensors[count].shape[0] = (int64_t)batch->count;
	}
	lpad_message *reply = lpad_tensors((int)count, tensors);
	free(tensors);
	return reply;
}

/* Rows of one column; what is shorter than the longest keeps its zeroes. */
static void fill_column(const struct batch *batch, const struct column *column, unsigned char *to)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct picked *picked = &batch->picked[i];
		unsigned char *row = to + i * batch->longest * column->size;
		for (uint32_t step = 0; step < picked->count; step++, row += column->size)
			memcpy(row, pool_row(batch->pool, picked->steps[step]) + column->offset, column->size);
	}
}

static void fill_items(const struct batch *batch, lpad_message *reply)
{
	uint64_t *keys = lpad_data(reply, "item.key");
	double *probabilities = lpad_data(reply, "item.probability"), *priorities = lpad_data(reply, "item.priority");
	int64_t *times = lpad_data(reply, "item.times_sampled"), *size = lpad_data(reply, "item.table_size");
	int32_t *steps = lpad_data(reply, "item.steps");
	*size = batch->picked[0].table_size;
	for (size_t i = 0; i < batch->count; i++) {
		const struct picked *picked = &batch->picked[i];
		keys[i] = picked->key;
		probabilities[i] = picked->probability;
		priorities[i] = picked->priority;
		times[i] = picked->times_sampled;
		if (steps)
			steps[i] = (int32_t)picked->count;
	}
}

lpad_message *replies_sample(struct replay *me, struct place *place, int64_t count)
{
	struct picked *picked = room_new((size_t)count, sizeof *picked);
	struct batch batch = { .pool = table_pool(place->table), .picked = picked, .count = (size_t)count };
	table_sample(place->table, &me->rng, count, picked);
	batch.columns = pool_columns(batch.pool, &batch.column_count);
	batch.flat = table_longest(place->table) == 1;
	for (size_t i = 0; i < batch.count; i++)
		batch.longest = picked[i].count > batch.longest ? picked[i].count : batch.longest;
	lpad_message *reply = make(&batch);
	if (lpad_kind(reply) == LPAD_TENSORS) {
		for (size_t i = 0; i < batch.column_count; i++)
			fill_column(&batch, &batch.columns[i], lpad_data(reply, batch.columns[i].name));
		fill_items(&batch, reply);
	}
	table_release_picked(place->table, picked, count);
	free(picked);
	return reply;
}
