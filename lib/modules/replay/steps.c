/* SPDX-License-Identifier: MIT */
/*
 * A slab holds a power of two of rows behind their counts of references, so that a step's number is its slab's number and its place
 * there. A slab without live steps is given back, unless it is the only one with room. Slabs are found through blocks of pointers,
 * each twice the one before and none ever moved: other threads look rows up while this one adds slabs.
 */
#include "steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "room.h"

enum { SLAB_BYTES = 256 << 10, BLOCKS = 32 };
static const uint32_t none = UINT32_MAX;

struct slab {
	uint32_t live, fresh;           /* rows in use; rows ever used */
	uint32_t free;                  /* the row given back last; each names the next in its first bytes */
	uint32_t next, previous;        /* of the slabs with room */
	uint32_t references[];          /* by row; the rows follow */
};

struct pool {
	size_t references;
	struct column *columns;
	size_t count;
	size_t row_size, stride, rows_at;       /* rows_at: offset of a slab's first row */
	uint32_t rows;                  /* of a slab, 1 << shift */
	unsigned shift;
	struct slab **blocks[BLOCKS];
	uint32_t numbers;               /* slab numbers ever used */
	uint32_t *vacant;               /* those of slabs given back */
	size_t vacant_count, vacant_room;
	uint32_t with_room;             /* the first of the slabs with room */
	size_t slabs, live;
};

/* ---- columns ---- */

static const struct { const char *name; uint8_t size; } types[] = {
	[LPAD_BOOL8] = { "bool", 1 }, [LPAD_U8] = { "u8", 1 }, [LPAD_I8] = { "i8", 1 }, [LPAD_U16] = { "u16", 2 }, [LPAD_I16] = { "i16", 2 },
	[LPAD_F16] = { "f16", 2 }, [LPAD_BF16] = { "bf16", 2 }, [LPAD_U32] = { "u32", 4 }, [LPAD_I32] = { "i32", 4 },
	[LPAD_F32] = { "f32", 4 }, [LPAD_U64] = { "u64", 8 }, [LPAD_I64] = { "i64", 8 }, [LPAD_F64] = { "f64", 8 }
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct column *)a)->name, ((const struct column *)b)->name);
}

static size_t column_size(const struct column *column)
{
	size_t size = types[column->type].size;
	for (int i = 0; i < column->rank; i++)
		size *= (size_t)column->shape[i];
	return size;
}

/* Wide elements first: then nothing has to be left free between columns for their alignment. */
static size_t place_columns(struct column *columns, size_t count)
{
	size_t offset = 0;
	for (int width = 8; width; width /= 2)
		for (size_t i = 0; i < count; i++)
			if (types[columns[i].type].size == width) {
				columns[i].offset = offset;
				offset += columns[i].size;
			}
	return offset;
}

static const struct column *find_column(const struct column *columns, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(columns[i].name, name))
			return &columns[i];
	return NULL;
}

static bool same_layout(const struct column *a, const struct column *b)
{
	return a->type == b->type && a->rank == b->rank && !memcmp(a->shape, b->shape, (size_t)a->rank * sizeof a->shape[0]);
}

/* "f32[2,3]" */
static const char *describe(const struct column *column, char *text, size_t room)
{
	int length = snprintf(text, room, "%s", types[column->type].name);
	for (int i = 0; i < column->rank; i++)
		length += snprintf(text + length, room - (size_t)length, "%s%lld", i ? "," : "[", (long long)column->shape[i]);
	if (column->rank)
		snprintf(text + length, room - (size_t)length, "]");
	return text;
}

const char *pool_differs(const struct pool *pool, const struct column *columns, size_t count, char *text, size_t room)
{
	char expected[LPAD_RANK * 24], came[LPAD_RANK * 24];
	for (size_t i = 0; i < pool->count; i++) {
		const struct column *ours = &pool->columns[i], *theirs = find_column(columns, count, ours->name);
		if (theirs && same_layout(ours, theirs))
			continue;
		describe(ours, expected, sizeof expected);
		if (theirs)
			snprintf(text, room, "column %s: %s expected, %s came", ours->name, expected, describe(theirs, came, sizeof came));
		else
			snprintf(text, room, "column %s: %s expected, none came", ours->name, expected);
		return text;
	}
	for (size_t i = 0; i < count; i++)
		if (!find_column(pool->columns, pool->count, columns[i].name)) {
			snprintf(text, room, "column %s: none expected, %s came", columns[i].name, describe(&columns[i], came, sizeof came));
			return text;
		}
	return NULL;
}

/* ---- life ---- */

struct pool *pool_new(const struct column *columns, size_t count)
{
	struct pool *pool = room_new(1, sizeof *pool);
	pool->references = 1;
	pool->count = count;
	pool->columns = room_resize(NULL, count, sizeof *columns);
	for (size_t i = 0; i < count; i++) {
		pool->columns[i] = columns[i];
		pool->columns[i].name = room_copy_text(columns[i].name);
		pool->columns[i].size = column_size(&columns[i]);
	}
	qsort(pool->columns, count, sizeof *columns, by_name);
	pool->row_size = place_columns(pool->columns, count);
	pool->stride = pool->row_size ? (pool->row_size + 7) & ~(size_t)7 : 8;
	while ((pool->stride + sizeof(uint32_t)) << (pool->shift + 1) <= SLAB_BYTES)
		pool->shift++;
	pool->rows = 1u << pool->shift;
	pool->rows_at = (sizeof(struct slab) + pool->rows * sizeof(uint32_t) + 15) & ~(size_t)15;
	pool->with_room = none;
	return pool;
}

struct pool *pool_share(struct pool *pool)
{
	pool->references++;
	return pool;
}

/* Slab number n is in the block of n + 1's highest bit. */
static struct slab **slab_place(const struct pool *pool, uint32_t number)
{
	unsigned block = 31 - (unsigned)__builtin_clz(number + 1);
	return &pool->blocks[block][number + 1 - (1u << block)];
}

void pool_release(struct pool *pool)
{
	if (!pool || --pool->references)
		return;
	for (uint32_t i = 0; i < pool->numbers; i++)
		free(*slab_place(pool, i));
	for (int i = 0; i < BLOCKS; i++)
		free(pool->blocks[i]);
	for (size_t i = 0; i < pool->count; i++)
		free((char *)pool->columns[i].name);
	free(pool->columns);
	free(pool->vacant);
	free(pool);
}

const struct column *pool_columns(const struct pool *pool, size_t *count)
{
	*count = pool->count;
	return pool->columns;
}

size_t pool_row_size(const struct pool *pool)
{
	return pool->row_size;
}

size_t pool_count(const struct pool *pool)
{
	return pool->live;
}

static size_t slab_size(const struct pool *pool)
{
	return pool->rows_at + (pool->stride << pool->shift);
}

size_t pool_memory(const struct pool *pool)
{
	size_t bytes = sizeof *pool + pool->count * sizeof *pool->columns + pool->slabs * slab_size(pool)
		+ pool->vacant_room * sizeof *pool->vacant;
	for (int i = 0; i < BLOCKS && pool->blocks[i]; i++)
		bytes += sizeof(struct slab *) << i;
	return bytes;
}

/* ---- slabs ---- */

static void list_with_room(struct pool *pool, uint32_t number, struct slab *slab)
{
	slab->previous = none;
	slab->next = pool->with_room;
	if (slab->next != none)
		(*slab_place(pool, slab->next))->previous = number;
	pool->with_room = number;
}

static void unlist(struct pool *pool, struct slab *slab)
{
	if (slab->next != none)
		(*slab_place(pool, slab->next))->previous = slab->previous;
	if (slab->previous != none)
		(*slab_place(pool, slab->previous))->next = slab->next;
	else
		pool->with_room = slab->next;
}

static uint32_t new_number(struct pool *pool)
{
	if (pool->vacant_count)
		return pool->vacant[--pool->vacant_count];
	if (pool->numbers == UINT32_MAX >> pool->shift) {
		fprintf(stderr, "replay: more than %zu steps at once cannot be numbered\n", pool->live);
		abort();
	}
	unsigned block = 31 - (unsigned)__builtin_clz(pool->numbers + 1);
	if (!pool->blocks[block])
		pool->blocks[block] = room_new((size_t)1 << block, sizeof(struct slab *));
	return pool->numbers++;
}

static void add_slab(struct pool *pool)
{
	uint32_t number = new_number(pool);
	struct slab *slab = room_resize(NULL, slab_size(pool), 1);
	slab->live = slab->fresh = 0;
	slab->free = none;
	*slab_place(pool, number) = slab;
	pool->slabs++;
	list_with_room(pool, number, slab);
}

static void drop_slab(struct pool *pool, uint32_t number, struct slab *slab)
{
	unlist(pool, slab);
	free(slab);
	*slab_place(pool, number) = NULL;
	pool->slabs--;
	if (pool->vacant_count == pool->vacant_room) {
		pool->vacant_room = pool->vacant_room ? pool->vacant_room * 2 : 8;
		pool->vacant = room_resize(pool->vacant, pool->vacant_room, sizeof *pool->vacant);
	}
	pool->vacant[pool->vacant_count++] = number;
}

/* ---- steps ---- */

static unsigned char *slab_row(const struct pool *pool, struct slab *slab, uint32_t row)
{
	return (unsigned char *)slab + pool->rows_at + row * pool->stride;
}

static struct slab *slab_of(const struct pool *pool, uint32_t step)
{
	return *slab_place(pool, step >> pool->shift);
}

static uint32_t row_of(const struct pool *pool, uint32_t step)
{
	return step & (pool->rows - 1);
}

static uint32_t take_row(struct pool *pool, struct slab *slab)
{
	uint32_t row = slab->free;
	if (row == none)
		return slab->fresh++;
	memcpy(&slab->free, slab_row(pool, slab, row), sizeof slab->free);
	return row;
}

uint32_t pool_add(struct pool *pool)
{
	if (pool->with_room == none)
		add_slab(pool);
	uint32_t number = pool->with_room;
	struct slab *slab = *slab_place(pool, number);
	uint32_t row = take_row(pool, slab);
	slab->references[row] = 1;
	if (++slab->live == pool->rows)
		unlist(pool, slab);
	pool->live++;
	return number << pool->shift | row;
}

unsigned char *pool_row(const struct pool *pool, uint32_t step)
{
	return slab_row(pool, slab_of(pool, step), row_of(pool, step));
}

void pool_ref(struct pool *pool, uint32_t step)
{
	slab_of(pool, step)->references[row_of(pool, step)]++;
}

static void free_row(struct pool *pool, uint32_t number, struct slab *slab, uint32_t row)
{
	memcpy(slab_row(pool, slab, row), &slab->free, sizeof slab->free);
	slab->free = row;
	pool->live--;
	if (slab->live-- == pool->rows)
		list_with_room(pool, number, slab);
	if (!slab->live && (slab->next != none || slab->previous != none))
		drop_slab(pool, number, slab);
}

void pool_unref(struct pool *pool, uint32_t step)
{
	struct slab *slab = slab_of(pool, step);
	uint32_t row = row_of(pool, step);
	if (!slab->references[row]) {
		fprintf(stderr, "replay: step %u is given back once more than it was taken\n", step);
		abort();
	}
	if (!--slab->references[row])
		free_row(pool, step >> pool->shift, slab, row);
}
