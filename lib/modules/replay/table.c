/* SPDX-License-Identifier: MIT */
#include "table_slots.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "room.h"

/* Uses of a slot that a restored table passes over: those between the checkpoint and the end. */
enum { LEAP = 1 << 17 };

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
	table->newest = UINT32_MAX;
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
	return sizeof *table + table_slots_memory(table) + selector_memory(table->sampler)
		+ (table->remover == table->sampler ? 0 : selector_memory(table->remover));
}

/* ---- in and out ---- */

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
	table_slot_drop(table, selector_pick(table->remover, &table->random, &probability));
	return true;
}

uint64_t table_insert(struct table *table, struct pool *pool, const uint32_t *steps, uint32_t count, double priority)
{
	adopt(table, pool);
	uint32_t slot = table_slot_take(table);
	uint64_t key = table_slot_key(table, slot);
	table_slot_put(table, slot, &(struct item){ .priority = priority, .count = count, .steps = steps });
	lpad_limiter_inserted(&table->limiter);
	if (shrink(table))
		lpad_limiter_deleted(&table->limiter);
	return key;
}

bool table_update(struct table *table, uint64_t key, double priority)
{
	uint32_t slot = table_slot_find(table, key);
	if (slot == TABLE_NO_SLOT)
		return false;
	table_slot_set_priority(table, slot, priority);
	selector_update(table->sampler, slot, priority);
	if (table->remover != table->sampler)
		selector_update(table->remover, slot, priority);
	return true;
}

bool table_delete(struct table *table, uint64_t key)
{
	uint32_t slot = table_slot_find(table, key);
	if (slot == TABLE_NO_SLOT)
		return false;
	table_slot_drop(table, slot);
	lpad_limiter_deleted(&table->limiter);
	return true;
}

static void drop_all(struct table *table)
{
	for (uint32_t slot = 0; slot < table->slots; slot++)
		if (table_slot_used(table, slot))
			table_slot_drop(table, slot);
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
	const uint32_t *steps = table_slot_steps(table, slot, count);
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
	int64_t times = table_slot_times(table, slot) + 1;
	picked->key = table_slot_key(table, slot);
	picked->priority = table_slot_priority(table, slot);
	picked->times_sampled = times;
	picked->table_size = table_size(table);
	take_steps(table, block, slot, &picked->count);
	table_slot_set_times(table, slot, times);
	table->left--;
	if (times != table->settings.max_times_sampled)
		return;
	table_slot_drop(table, slot);
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
		list[i] = (struct item){ .key = table_slot_key(table, slots[i]), .priority = table_slot_priority(table, slots[i]),
			.times_sampled = table_slot_times(table, slots[i]) };
		list[i].steps = table_slot_steps(table, slots[i], &list[i].count);
	}
	free(slots);
}

bool table_restore_item(struct table *table, struct pool *pool, const struct item *item)
{
	uint32_t slot = (uint32_t)item->key;
	if (!table_slot_claim(table, item->key))
		return false;
	adopt(table, pool);
	table_slot_put(table, slot, item);
	if (table->settings.max_times_sampled && item->times_sampled >= table->settings.max_times_sampled)
		table_slot_drop(table, slot);
	shrink(table);
	return true;
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
	table_slots_collect(table, ((uint32_t)(next_key >> 32) & ~1u) + LEAP);
}

uint64_t table_next_key(const struct table *table)
{
	return (uint64_t)(table->newest + 1) << 32;
}
