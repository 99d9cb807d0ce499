/* SPDX-License-Identifier: MIT */
/*
 * A table: items that refer to steps of a pool, a sampler, a remover, a limiter. Knows no calls: who asks whether something may be
 * done now, and who waits if not, is in waiting.h. One thread at a time.
 *
 * An item has a key: never 0, never used twice by a table (also after a restart), found in O(1).
 * On overflow the new item is in first, and then the remover chooses among all (it may choose the new one).
 * An item that has been sampled max_times_sampled times is deleted.
 */
#ifndef TABLE_H
#define TABLE_H

#include <lpad/limiter.h>

#include "selector.h"
#include "steps.h"

struct table_settings {
	const char *name;               /* copied */
	enum selector_kind sampler, remover;
	double sampler_exponent, remover_exponent;
	int64_t max_size, max_times_sampled;    /* max_times_sampled 0: no limit */
	lpad_limiter limiter;
};

struct picked {
	uint64_t key;
	double probability, priority;
	int64_t times_sampled;          /* with this one */
	int64_t table_size;             /* when it was picked */
	uint32_t count;                 /* steps */
	uint32_t *steps;                /* with a reference each; table_release_picked gives them back */
};

struct item {                           /* as it is in a checkpoint */
	uint64_t key;
	double priority;
	int64_t times_sampled;
	uint32_t count;
	const uint32_t *steps;          /* borrowed */
};

struct table;

struct table *table_new(const struct table_settings *settings);
void table_free(struct table *table);
const struct table_settings *table_settings(const struct table *table);
const lpad_limiter *table_limiter(const struct table *table);
int64_t table_size(const struct table *table);
struct pool *table_pool(const struct table *table);             /* NULL before the first item */
uint32_t table_longest(const struct table *table);              /* steps of the longest item ever; 0 before the first */
size_t table_memory(const struct table *table);                 /* bytes, without the pool */

bool table_can_insert(const struct table *table);
/* The limiter allows so many samples at once, and max_times_sampled leaves that many. */
bool table_can_sample(const struct table *table, int64_t count);
/* NULL: it may come true; otherwise why so many samples at once can never be granted. */
const char *table_never(const struct table *table, int64_t count, char *text, size_t room);

/* Takes references of its own to the steps; the pool becomes the table's with the first item (and must be it with later ones). The
   limiter is not asked, only told. The item's key. */
uint64_t table_insert(struct table *table, struct pool *pool, const uint32_t *steps, uint32_t count, double priority);
/* So many samples, one after the other; there is at least one item. Fills `picked`. */
void table_sample(struct table *table, lpad_rng *rng, int64_t count, struct picked *picked);
void table_release_picked(struct table *table, struct picked *picked, int64_t count);
bool table_update(struct table *table, uint64_t key, double priority);  /* false: not there */
bool table_delete(struct table *table, uint64_t key);
void table_reset(struct table *table);                          /* empty, counters 0 */

/* For checkpoints: items in the order in which they were inserted (list: table_size of them; caller frees), and back again. */
void table_items(const struct table *table, struct item *list);
/* In the order of table_items, into an empty table, before table_restore_counters. Removes over max_size as the remover says. */
void table_restore_item(struct table *table, struct pool *pool, const struct item *item);
/* The limiter's counters (its settings stay), and the number behind the newest key. */
void table_restore_counters(struct table *table, const lpad_limiter *counters, uint64_t next_key);
uint64_t table_next_key(const struct table *table);

#endif
