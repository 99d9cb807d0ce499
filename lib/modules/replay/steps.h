/* SPDX-License-Identifier: MIT */
/*
 * Steps: rows of columns, stored once and counted by reference; freed with the last item, stream window or checkpoint that refers
 * to them. A pool holds the steps of one layout (the columns of one step) in slabs that never move. One thread at a time; but
 * pool_row, pool_columns and pool_row_size may be called, and rows read, by any thread as long as somebody holds a reference to the
 * step. Tables and streams whose items are to share steps must be given one pool: one per layout is best (pool_differs finds it).
 */
#ifndef STEPS_H
#define STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lpad/node.h>

struct column {
	const char *name;
	int32_t type, rank;             /* enum lpad_dtype */
	int64_t shape[LPAD_RANK];       /* of one step */
	size_t size, offset;            /* bytes in the row */
};

struct pool;

/* Columns (type, rank, shape and name set, sizes whose product fits) are copied, sorted by name; their size and offset are set: aligned
   to their elements. A pool has a count of references too, from tables and streams; the one from here is the caller's. */
struct pool *pool_new(const struct column *columns, size_t count);
struct pool *pool_share(struct pool *pool);
void pool_release(struct pool *pool);                           /* NULL is fine; the last one takes all steps with it */
const struct column *pool_columns(const struct pool *pool, size_t *count);
/* NULL: the same columns, in any order; otherwise what differs, "column obs: f32[4] expected, f32[5] came", in `text`. */
const char *pool_differs(const struct pool *pool, const struct column *columns, size_t count, char *text, size_t room);
size_t pool_row_size(const struct pool *pool);                  /* bytes of all columns of a step, without gaps */

uint32_t pool_add(struct pool *pool);                           /* a new step with one reference; its row is not set */
unsigned char *pool_row(const struct pool *pool, uint32_t step);        /* on an 8-byte boundary; never moves */
void pool_ref(struct pool *pool, uint32_t step);
void pool_unref(struct pool *pool, uint32_t step);
size_t pool_count(const struct pool *pool);                     /* live steps */
size_t pool_memory(const struct pool *pool);                    /* bytes taken from the system */

#endif
