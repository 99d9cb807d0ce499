/* SPDX-License-Identifier: MIT */
/*
 * What a table is made of: for its files. An item is a slot in parallel arrays. Its key is the slot and how often the slot has been
 * used, so that finding it takes no map. What few tables need (several steps, priorities, billions of samples of one item) has an
 * array only when the first item asks for it.
 */
#ifndef TABLE_SLOTS_H
#define TABLE_SLOTS_H

#include "table.h"

#define TABLE_NO_SLOT UINT32_MAX

struct table {
	struct table_settings settings;
	lpad_limiter limiter;
	lpad_rng random;
	struct selector *sampler, *remover;     /* one and the same if they are of one kind */
	struct pool *pool;
	uint32_t longest;
	int64_t left;                   /* samples that max_times_sampled leaves the items, if it is set */

	uint32_t slots, room;           /* slots ever used; the arrays hold `room` */
	uint32_t *generation;           /* odd: an item is in the slot; counts on and on, past 2^32 to 0 */
	uint32_t *step;                 /* of an item of one step; of a free slot: the next free one */
	uint32_t **steps;               /* of items of several: their count, then they; NULL: all have one */
	uint32_t *times;                /* sampled */
	uint32_t *times_high;           /* the upper half; NULL: all 0 */
	double *priority;               /* NULL: all 1 */
	size_t steps_bytes;
	uint32_t free_first, free_last, free_count;     /* a queue: the longest free is used first */
	uint32_t floor, newest;         /* generations: none below floor is given any more, none above newest has been */
};

uint64_t table_slot_key(const struct table *table, uint32_t slot);
uint32_t table_slot_find(const struct table *table, uint64_t key);      /* TABLE_NO_SLOT: no item has this key */
bool table_slot_used(const struct table *table, uint32_t slot);
uint32_t table_slot_take(struct table *table);                  /* a free one, or a new one; with a key of its own */
/* This very slot, with the generation of the key; false: it cannot be, or has been in use. */
bool table_slot_claim(struct table *table, uint64_t key);
/* Makes the list of free slots anew, which from now on are given with generations from `floor` on. */
void table_slots_collect(struct table *table, uint32_t floor);

/* All but the key of what is in the slot; the selectors know it from now on, or no longer. */
void table_slot_put(struct table *table, uint32_t slot, const struct item *item);
void table_slot_drop(struct table *table, uint32_t slot);
int64_t table_slot_times(const struct table *table, uint32_t slot);
void table_slot_set_times(struct table *table, uint32_t slot, int64_t times);
double table_slot_priority(const struct table *table, uint32_t slot);
void table_slot_set_priority(struct table *table, uint32_t slot, double priority);
const uint32_t *table_slot_steps(const struct table *table, uint32_t slot, uint32_t *count);
size_t table_slots_memory(const struct table *table);

#endif
