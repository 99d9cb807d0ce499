/* SPDX-License-Identifier: MIT */
/*
 * A table: items that refer to steps of a pool, a sampler, a remover, a limiter. Knows no calls: who asks whether something may be
 * done now, and who waits if not, is in waiting.h. One thread at a time.
 *
 * An item has a key: never 0, found in O(1), and not used again by this table, nor by one restored from it (before some 2^41 inserts).
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
	int64_t max_size, max_times_sampled;    /* 1 .. 2e9; 0: no limit */
	lpad_limiter limiter;
	lpad_rng random;                /* what a remover that leaves it to chance begins with */
};

struct picked {
	uint64_t key;
	double probability, priority;
	int64_t times_sampled;          /* with this one */
	int64_t table_size;             /* when it was picked */
	uint32_t count;                 /* steps */
	uint32_t *steps;                /* with a reference each; in one block for all of a table_sample */
};

struct item {                           /* as it is in a checkpoint */
	uint64_t key;
	double priority;
	int64_t times_sampled;
	uint32_t count;
	const uint32_t *steps;          /* borrowed until the table is changed */
};

struct table;

struct table *table_new(const struct table_settings *settings);
void table_free(struct table *table);
const struct table_settings *table_settings(const struct table *table);
const lpad_limiter *table_limiter(const struct table *table);
int64_t table_size(const struct table *table);
struct pool *table_pool(const struct table *table);             /* NULL before the first item */
/* Steps of the longest item since table_new (also of those restored, and before a reset); 0 before the first. */
uint32_t table_longest(const struct table *table);
size_t table_memory(const struct table *table);                 /* bytes, without the pool */

bool table_can_insert(const struct table *table);
/* The limiter allows so many samples at once, there is an item, and max_times_sampled leaves that many. */
bool table_can_sample(const struct table *table, int64_t count);
/* NULL: it may come true; otherwise why so many samples at once can never be granted, as the counters are now (after items were
   deleted by their keys, or a reset, more may be). */
const char *table_never(const struct table *table, int64_t count, char *text, size_t room);

/* Takes references of its own to the steps, at least one; the pool becomes the table's with the first item (and must be it with
   later ones). The limiter is not asked, only told. The item's key, also if the remover chose it at once. */
uint64_t table_insert(struct table *table, struct pool *pool, const uint32_t *steps, uint32_t count, double priority);
/* So many samples, at least one, one after the other; table_can_sample them, or there is an item and max_times_sampled leaves as many.
   Fills `picked`: all of them are to be given back together. */
void table_sample(struct table *table, lpad_rng *rng, int64_t count, struct picked *picked);
void table_release_picked(struct table *table, struct picked *picked, int64_t count);
bool table_update(struct table *table, uint64_t key, double priority);  /* false: not there */
bool table_delete(struct table *table, uint64_t key);
void table_reset(struct table *table);                          /* empty, counters 0; columns and keys go on */

/* For checkpoints: items in the order in which they were inserted, if a selector asks for ages, else in any (list: room for
   table_size of them), and back again. */
void table_items(const struct table *table, struct item *list);
/* In the order of table_items, into a new table, before table_restore_counters. Removes over max_size as the remover says, and what
   max_times_sampled does not allow any more. Takes references of its own to the steps. False: no table has such a key, or this one has it already. */
bool table_restore_item(struct table *table, struct pool *pool, const struct item *item);
/* inserts, samples, opened, error_min and error_max of the limiter (its settings stay; deletes follow from the size), and what
   table_next_key said: always, also if there were no items. */
void table_restore_counters(struct table *table, const lpad_limiter *counters, uint64_t next_key);
uint64_t table_next_key(const struct table *table);

#endif
