/* SPDX-License-Identifier: MIT */
#include "table_slots.h"

#include <stdlib.h>

#include "room.h"

/* So many slots are free before one is used again: then a key comes again after 2^31 * 1024 inserts at the earliest. */
enum { SPARE = 1024 };
static const uint32_t none = TABLE_NO_SLOT;

size_t table_slots_memory(const struct table *table)
{
	size_t slot = 3 * sizeof(uint32_t) + (table->steps ? sizeof *table->steps : 0) + (table->times_high ? sizeof *table->times_high : 0)
		+ (table->priority ? sizeof *table->priority : 0);
	return table->room * slot + table->steps_bytes;
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
	table->step = room_resize(table->step, room, sizeof *table->step);
	table->times = room_resize(table->times, room, sizeof *table->times);
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

bool table_slot_used(const struct table *table, uint32_t slot)
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

uint32_t table_slot_take(struct table *table)
{
	uint32_t slot = table->free_count >= SPARE ? take_free_slot(table) : new_slot(table);
	if (is_before(table->generation[slot], table->floor))
		table->generation[slot] = table->floor;
	table->generation[slot]++;
	if (is_before(table->newest, table->generation[slot]))
		table->newest = table->generation[slot];
	return slot;
}

uint64_t table_slot_key(const struct table *table, uint32_t slot)
{
	return (uint64_t)table->generation[slot] << 32 | slot;
}

uint32_t table_slot_find(const struct table *table, uint64_t key)
{
	uint32_t slot = (uint32_t)key, generation = (uint32_t)(key >> 32);
	return slot < table->slots && generation & 1 && table->generation[slot] == generation ? slot : none;
}

bool table_slot_claim(struct table *table, uint64_t key)
{
	uint32_t slot = (uint32_t)key, generation = (uint32_t)(key >> 32);
	if (!(generation & 1) || slot > INT32_MAX || (slot < table->slots && table->generation[slot]))
		return false;           /* used, or used up: then it is in the list of those that are free */
	make_room(table, slot);
	if (slot >= table->slots)
		table->slots = slot + 1;
	table->generation[slot] = generation;
	return true;
}

void table_slots_collect(struct table *table, uint32_t floor)
{
	table->floor = floor;
	table->newest = floor - 1;
	table->free_count = 0;
	for (uint32_t slot = 0; slot < table->slots; slot++)
		if (!table_slot_used(table, slot)) {
			table->generation[slot] = floor;
			free_slot(table, slot);
		}
}

/* ---- what an item has ---- */

int64_t table_slot_times(const struct table *table, uint32_t slot)
{
	return (int64_t)(table->times[slot] | (table->times_high ? (uint64_t)table->times_high[slot] << 32 : 0));
}

void table_slot_set_times(struct table *table, uint32_t slot, int64_t times)
{
	table->times[slot] = (uint32_t)times;
	if (times >> 32 && !table->times_high)
		table->times_high = room_new(table->room, sizeof *table->times_high);
	if (table->times_high)
		table->times_high[slot] = (uint32_t)(times >> 32);
}

double table_slot_priority(const struct table *table, uint32_t slot)
{
	return table->priority ? table->priority[slot] : 1;
}

void table_slot_set_priority(struct table *table, uint32_t slot, double priority)
{
	if (!table->priority && priority != 1) {
		table->priority = room_resize(NULL, table->room, sizeof *table->priority);
		for (uint32_t i = 0; i < table->room; i++)
			table->priority[i] = 1;
	}
	if (table->priority)
		table->priority[slot] = priority;
}

const uint32_t *table_slot_steps(const struct table *table, uint32_t slot, uint32_t *count)
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
	const uint32_t *steps = table_slot_steps(table, slot, &count);
	for (uint32_t i = 0; i < count; i++)
		pool_unref(table->pool, steps[i]);
	if (count == 1)
		return;
	free(table->steps[slot]);
	table->steps[slot] = NULL;
	table->steps_bytes -= list_bytes(count);
}

/* ---- in and out ---- */

void table_slot_put(struct table *table, uint32_t slot, const struct item *item)
{
	set_steps(table, slot, item->steps, item->count);
	table_slot_set_priority(table, slot, item->priority);
	table_slot_set_times(table, slot, item->times_sampled);
	table->left += table->settings.max_times_sampled - item->times_sampled;
	selector_insert(table->sampler, slot, item->priority);
	if (table->remover != table->sampler)
		selector_insert(table->remover, slot, item->priority);
}

void table_slot_drop(struct table *table, uint32_t slot)
{
	selector_remove(table->sampler, slot);
	if (table->remover != table->sampler)
		selector_remove(table->remover, slot);
	table->left -= table->settings.max_times_sampled - table_slot_times(table, slot);
	drop_steps(table, slot);
	table->generation[slot]++;
	free_slot(table, slot);
}
