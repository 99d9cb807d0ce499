/* SPDX-License-Identifier: MIT */
/*
 * An item is a slot in parallel arrays. Its key is the slot and how often the slot has been used, so that finding it takes no map.
 * What few tables need (several steps, priorities, billions of samples of one item) has an array only when the first item asks for it.
 */
#include "table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "room.h"

enum {
	SPARE = 1024,           /* free slots before one is used again: then a key comes again after 2^31 * 1024 inserts at the earliest */
	LEAP = 1 << 17          /* uses of a slot that a restored table passes over: those between the checkpoint and the end */
};
static const uint32_t none = UINT32_MAX;

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

struct table *table_new(const struct table_settings *settings)
{
	struct table *table = room_new(1, sizeof *table);
	table->settings = *settings;
	table->settings.name = room_copy_text(settings->name);
	table->limiter = settings->limiter;
	table->random = settings->random;
	table->sampler = selector_new(settings->sampler, settings->sampler_exponent);
	bool alike = settings->sampler == settings->remover
		&& (settings->sampler != SELECTOR_PRIORITIZED || settings->sampler_exponent == settings->remover_exponent);
	table->remover = alike ? table->sampler : selector_new(settings->remover, settings->remover_exponent);
	table->free_first = table->free_last = none;
	table->newest = none;
	return table;
}

const struct table_settings *table_settings(const struct table *table)
{
	return &table->settings;
}

const lpad_limiter *table_limiter(const struct table *table)
{
	return &table->limiter;
}

int64_t table_size(const struct table *table)
{
	return selector_count(table->sampler);
}

struct pool *table_pool(const struct table *table)
{
	return table->pool;
}

uint32_t table_longest(const struct table *table)
{
	return table->longest;
}

size_t table_memory(const struct table *table)
{
	size_t slot = 3 * sizeof(uint32_t) + (table->steps ? sizeof *table->steps : 0) + (table->times_high ? sizeof *table->times_high : 0)
		+ (table->priority ? sizeof *table->priority : 0);
	return sizeof *table + table->room * slot + table->steps_bytes + selector_memory(table->sampler)
		+ (table->remover == table->sampler ? 0 : selector_memory(table->remover));
}

/* ---- slots ---- */

static uint32_t larger_room(const struct table *table, uint32_t slot)
{
	uint64_t most = (uint64_t)table->settings.max_size + 1 + SPARE, room = table->room ? (uint64_t)table->room * 2 : 16;
	if (room > most)
		room = most;
	if (room <= slot)
		room = (uint64_t)slot + 1;
	return room > UINT32_MAX ? UINT32_MAX : (uint32_t)room;
}

static void *resize(void *array, uint32_t old, uint32_t room, size_t size)
{
	array = room_resize(array, room, size);
	memset((char *)array + old * size, 0, (room - old) * size);
	return array;
}

/* Up to `slot`. The slots between are not used yet. */
static void make_room(struct table *table, uint32_t slot)
{
	if (slot < table->room)
		return;
	uint32_t room = larger_room(table, slot), old = table->room;
	table->generation = resize(table->generation, old, room, sizeof *table->generation);
	table->step = resize(table->step, old, room, sizeof *table->step);
	table->times = resize(table->times, old, room, sizeof *table->times);
	if (table->steps)
		table->steps = resize(table->steps, old, room, sizeof *table->steps);
	if (table->times_high)
		table->times_high = resize(table->times_high, old, room, sizeof *table->times_high);
	if (table->priority) {
		table->priority = room_resize(table->priority, room, sizeof *table->priority);
		for (uint32_t i = old; i < room; i++)
			table->priority[i] = 1;
	}
	table->room = room;
}

static bool is_used(const struct table *table, uint32_t slot)
{
	return table->generation[slot] & 1;
}

static void free_slot(struct table *table, uint32_t slot)
{
	table->step[slot] = none;
	if (table->free_count++)
		table->step[table->free_last] = slot;
	else
		table->free_first = slot;
	table->free_last = slot;
}

static uint32_t take_free_slot(struct table *table)
{
	uint32_t slot = table->free_first;
	table->free_first = table->step[slot];
	table->free_count--;
	return slot;
}

/* Generations go round: what is less than half of the round ahead is later. */
static bool is_before(uint32_t generation, uint32_t other)
{
	return (int32_t)(generation - other) < 0;
}

static uint32_t new_slot(struct table *table)
{
	uint32_t slot = table->slots++;
	make_room(table, slot);
	table->generation[slot] = table->floor;
	return slot;
}

static uint32_t take_slot(struct table *table)
{
	uint32_t slot = table->free_count >= SPARE ? take_free_slot(table) : new_slot(table);
	if (is_before(table->generation[slot], table->floor))
		table->generation[slot] = table->floor;
	table->generation[slot]++;
	if (is_before(table->newest, table->generation[slot]))
		table->newest = table->generation[slot];
	return slot;
}

static uint64_t key_of(const struct table *table, uint32_t slot)
{
	return (uint64_t)table->generation[slot] << 32 | slot;
}

/* none: no item has this key. */
static uint32_t find(const struct table *table, uint64_t key)
{
	uint32_t slot = (uint32_t)key, generation = (uint32_t)(key >> 32);
	return slot < table->slots && generation & 1 && table->generation[slot] == generation ? slot : none;
}

/* ---- what an item has ---- */

static uint64_t times_sampled(const struct table *table, uint32_t slot)
{
	return table->times[slot] | (table->times_high ? (uint64_t)table->times_high[slot] << 32 : 0);
}

static void set_times_sampled(struct table *table, uint32_t slot, uint64_t times)
{
	table->times[slot] = (uint32_t)times;
	if (times >> 32 && !table->times_high)
		table->times_high = room_new(table->room, sizeof *table->times_high);
	if (table->times_high)
		table->times_high[slot] = (uint32_t)(times >> 32);
}

static double priority_of(const struct table *table, uint32_t slot)
{
	return table->priority ? table->priority[slot] : 1;
}

static void set_priority(struct table *table, uint32_t slot, double priority)
{
	if (!table->priority && priority != 1) {
		table->priority = room_resize(NULL, table->room, sizeof *table->priority);
		for (uint32_t i = 0; i < table->room; i++)
			table->priority[i] = 1;
	}
	if (table->priority)
		table->priority[slot] = priority;
}

static const uint32_t *steps_of(const struct table *table, uint32_t slot, uint32_t *count)
{
	const uint32_t *list = table->steps ? table->steps[slot] : NULL;
	*count = list ? list[0] : 1;
	return list ? list + 1 : &table->step[slot];
}

/* What malloc takes for it, near enough. */
static size_t list_bytes(uint32_t count)
{
	return ((count + (size_t)1) * sizeof(uint32_t) + 8 + 15) & ~(size_t)15;
}

static void set_steps(struct table *table, uint32_t slot, const uint32_t *steps, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		pool_ref(table->pool, steps[i]);
	if (count > table->longest)
		table->longest = count;
	table->step[slot] = steps[0];
	if (count == 1)
		return;
	if (!table->steps)
		table->steps = room_new(table->room, sizeof *table->steps);
	uint32_t *list = table->steps[slot] = room_resize(NULL, count + (size_t)1, sizeof *list);
	list[0] = count;
	memcpy(list + 1, steps, count * sizeof *steps);
	table->steps_bytes += list_bytes(count);
}

static void drop_steps(struct table *table, uint32_t slot)
{
	uint32_t count;
	const uint32_t *steps = steps_of(table, slot, &count);
	for (uint32_t i = 0; i < count; i++)
		pool_unref(table->pool, steps[i]);
	if (count == 1)
		return;
	free(table->steps[slot]);
	table->steps[slot] = NULL;
	table->steps_bytes -= list_bytes(count);
}

/* ---- in and out ---- */

static void put(struct table *table, uint32_t slot, const struct item *item)
{
	set_steps(table, slot, item->steps, item->count);
	set_priority(table, slot, item->priority);
	set_times_sampled(table, slot, (uint64_t)item->times_sampled);
	table->left += table->settings.max_times_sampled - item->times_sampled;
	selector_insert(table->sampler, slot, item->priority);
	if (table->remover != table->sampler)
		selector_insert(table->remover, slot, item->priority);
}

static void drop(struct table *table, uint32_t slot)
{
	selector_remove(table->sampler, slot);
	if (table->remover != table->sampler)
		selector_remove(table->remover, slot);
	table->left -= table->settings.max_times_sampled - (int64_t)times_sampled(table, slot);
	drop_steps(table, slot);
	table->generation[slot]++;
	free_slot(table, slot);
}

static void adopt(struct table *table, struct pool *pool)
{
	if (!table->pool)
		table->pool = pool_share(pool);
}

static bool shrink(struct table *table)
{
	double probability;
	if (table_size(table) <= table->settings.max_size)
		return false;
	drop(table, selector_pick(table->remover, &table->random, &probability));
	return true;
}

uint64_t table_insert(struct table *table, struct pool *pool, const uint32_t *steps, uint32_t count, double priority)
{
	adopt(table, pool);
	uint32_t slot = take_slot(table);
	uint64_t key = key_of(table, slot);
	put(table, slot, &(struct item){ .priority = priority, .count = count, .steps = steps });
	lpad_limiter_inserted(&table->limiter);
	if (shrink(table))
		lpad_limiter_deleted(&table->limiter);
	return key;
}

bool table_update(struct table *table, uint64_t key, double priority)
{
	uint32_t slot = find(table, key);
	if (slot == none)
		return false;
	set_priority(table, slot, priority);
	selector_update(table->sampler, slot, priority);
	if (table->remover != table->sampler)
		selector_update(table->remover, slot, priority);
	return true;
}

bool table_delete(struct table *table, uint64_t key)
{
	uint32_t slot = find(table, key);
	if (slot == none)
		return false;
	drop(table, slot);
	lpad_limiter_deleted(&table->limiter);
	return true;
}

static void drop_all(struct table *table)
{
	for (uint32_t slot = 0; slot < table->slots; slot++)
		if (is_used(table, slot))
			drop(table, slot);
}

void table_reset(struct table *table)
{
	const lpad_limiter *now = &table->limiter;
	drop_all(table);
	table->limiter = lpad_limiter_diffs(now->samples_per_insert, now->min_size, now->min_diff, now->max_diff);
}

void table_free(struct table *table)
{
	if (!table)
		return;
	drop_all(table);
	pool_release(table->pool);
	if (table->remover != table->sampler)
		selector_free(table->remover);
	selector_free(table->sampler);
	free(table->generation);
	free(table->step);
	free(table->steps);
	free(table->times);
	free(table->times_high);
	free(table->priority);
	free((char *)table->settings.name);
	free(table);
}

/* ---- sampling ---- */

/* The steps of all that are picked, one after the other. */
struct block {
	uint32_t *at;
	size_t count, room;
};

static void take_steps(struct table *table, struct block *block, uint32_t slot, uint32_t *count)
{
	const uint32_t *steps = steps_of(table, slot, count);
	if (block->room - block->count < *count) {
		block->room = block->room * 2 + *count;
		block->at = room_resize(block->at, block->room, sizeof *block->at);
	}
	for (uint32_t i = 0; i < *count; i++) {
		pool_ref(table->pool, steps[i]);
		block->at[block->count++] = steps[i];
	}
}

static void pick(struct table *table, lpad_rng *rng, struct block *block, struct picked *picked)
{
	uint32_t slot = selector_pick(table->sampler, rng, &picked->probability);
	uint64_t times = times_sampled(table, slot) + 1;
	picked->key = key_of(table, slot);
	picked->priority = priority_of(table, slot);
	picked->times_sampled = (int64_t)times;
	picked->table_size = table_size(table);
	take_steps(table, block, slot, &picked->count);
	set_times_sampled(table, slot, times);
	table->left--;
	if ((int64_t)times != table->settings.max_times_sampled)
		return;
	drop(table, slot);
	lpad_limiter_deleted(&table->limiter);
}

void table_sample(struct table *table, lpad_rng *rng, int64_t count, struct picked *picked)
{
	struct block block = { .room = (size_t)count };
	block.at = room_resize(NULL, block.room, sizeof *block.at);
	for (int64_t i = 0; i < count; i++)
		pick(table, rng, &block, &picked[i]);
	for (int64_t i = 0; i < count; i++) {
		picked[i].steps = block.at;
		block.at += picked[i].count;
	}
	lpad_limiter_sampled(&table->limiter, count);
}

void table_release_picked(struct table *table, struct picked *picked, int64_t count)
{
	for (int64_t i = 0; i < count; i++)
		for (uint32_t k = 0; k < picked[i].count; k++)
			pool_unref(table->pool, picked[i].steps[k]);
	if (count > 0)
		free(picked[0].steps);
}

/* ---- may it be done ---- */

bool table_can_insert(const struct table *table)
{
	return lpad_limiter_can_insert(&table->limiter);
}

bool table_can_sample(const struct table *table, int64_t count)
{
	return table_size(table) > 0 && lpad_limiter_can_sample(&table->limiter, count)
		&& (!table->settings.max_times_sampled || table->left >= count);
}

/* How far inserts can get ahead while nothing is sampled. */
static double highest_diff(const lpad_limiter *limiter)
{
	int64_t lacking = limiter->min_size - lpad_limiter_size(limiter);
	double diff = lpad_limiter_diff(limiter) + (lacking > 0 ? (double)lacking * limiter->samples_per_insert : 0);
	return diff > limiter->max_diff ? diff : limiter->max_diff;
}

const char *table_never(const struct table *table, int64_t count, char *text, size_t room)
{
	const struct table_settings *settings = &table->settings;
	const lpad_limiter *limiter = &table->limiter;
	double ahead = highest_diff(limiter);
	if (count < 1)
		snprintf(text, room, "table %s: %" PRId64 " samples were asked for: at least 1 is needed", settings->name, count);
	else if (limiter->min_size > settings->max_size)
		snprintf(text, room, "table %s: samples begin at %" PRId64 " items, and it holds %" PRId64 " at most", settings->name,
			limiter->min_size, settings->max_size);
	else if (settings->max_times_sampled && (double)count > (double)settings->max_size * (double)settings->max_times_sampled)
		snprintf(text, room, "table %s: %" PRId64 " samples at once are more than its at most %" PRId64 " items give, %" PRId64
			" each", settings->name, count, settings->max_size, settings->max_times_sampled);
	else if (ahead - (double)count < limiter->min_diff)
		snprintf(text, room, "table %s: %" PRId64 " samples at once are more than the limiter's range of %g lets through",
			settings->name, count, ahead - limiter->min_diff);
	else
		return NULL;
	return text;
}

/* ---- checkpoints ---- */

void table_items(const struct table *table, struct item *list)
{
	size_t count = (size_t)table_size(table);
	uint32_t *slots = room_resize(NULL, count, sizeof *slots);
	if (!selector_list(table->remover, slots))
		selector_list(table->sampler, slots);
	for (size_t i = 0; i < count; i++) {
		list[i] = (struct item){ .key = key_of(table, slots[i]), .priority = priority_of(table, slots[i]),
			.times_sampled = (int64_t)times_sampled(table, slots[i]) };
		list[i].steps = steps_of(table, slots[i], &list[i].count);
	}
	free(slots);
}

bool table_restore_item(struct table *table, struct pool *pool, const struct item *item)
{
	uint32_t slot = (uint32_t)item->key, generation = (uint32_t)(item->key >> 32);
	if (!(generation & 1) || slot > INT32_MAX || (slot < table->slots && is_used(table, slot)))
		return false;
	adopt(table, pool);
	make_room(table, slot);
	if (slot >= table->slots)
		table->slots = slot + 1;
	table->generation[slot] = generation;
	put(table, slot, item);
	if (table->settings.max_times_sampled && item->times_sampled >= table->settings.max_times_sampled)
		drop(table, slot);
	shrink(table);
	return true;
}

/* The slots between those restored, and of those that were too many. */
static void collect_free_slots(struct table *table)
{
	table->free_count = 0;
	for (uint32_t slot = 0; slot < table->slots; slot++)
		if (!is_used(table, slot)) {
			table->generation[slot] = table->floor;
			free_slot(table, slot);
		}
}

void table_restore_counters(struct table *table, const lpad_limiter *counters, uint64_t next_key)
{
	lpad_limiter *limiter = &table->limiter;
	limiter->inserts = counters->inserts;
	limiter->samples = counters->samples;
	limiter->deletes = counters->inserts - table_size(table);
	limiter->opened = counters->opened;
	limiter->error_min = counters->error_min;
	limiter->error_max = counters->error_max;
	table->floor = ((uint32_t)(next_key >> 32) & ~1u) + LEAP;
	table->newest = table->floor - 1;
	collect_free_slots(table);
}

uint64_t table_next_key(const struct table *table)
{
	return (uint64_t)(table->newest + 1) << 32;
}
