/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE     /* qsort_r */
#endif
#include "selector.h"

#include "room.h"
#include "selector_kinds.h"

static const struct selector_operations *const kinds[] = {
	[SELECTOR_FIFO] = &selector_fifo, [SELECTOR_LIFO] = &selector_lifo, [SELECTOR_UNIFORM] = &selector_uniform,
	[SELECTOR_PRIORITIZED] = &selector_prioritized, [SELECTOR_MIN_HEAP] = &selector_min_heap, [SELECTOR_MAX_HEAP] = &selector_max_heap,
};

struct selector *selector_new(enum selector_kind kind, double exponent)
{
	struct selector *selector = room_new(1, sizeof *selector);
	selector->operations = kinds[kind];
	selector->exponent = exponent;
	return selector;
}

void selector_free(struct selector *selector)
{
	if (!selector)
		return;
	free(selector->at);
	free(selector->place);
	free(selector->next);
	free(selector->previous);
	free(selector->priority);
	free(selector->age);
	free(selector->sums);
	free(selector);
}

/* A power of two, at least twice what it was: the steps of growing are spread over the inserts. */
static void grow(struct selector *selector, uint32_t slot)
{
	uint32_t room = selector->room ? selector->room : 16;
	while (room <= slot)
		room *= 2;
	selector->work += selector->room;
	selector->operations->grow(selector, room);
	selector->room = room;
}

void selector_insert(struct selector *selector, uint32_t slot, double priority)
{
	if (slot >= selector->room)
		grow(selector, slot);
	selector->count++;
	selector->operations->insert(selector, slot, priority);
}

void selector_update(struct selector *selector, uint32_t slot, double priority)
{
	selector->operations->update(selector, slot, priority);
}

void selector_remove(struct selector *selector, uint32_t slot)
{
	selector->count--;
	selector->operations->remove(selector, slot);
}

uint32_t selector_pick(struct selector *selector, lpad_rng *rng, double *probability)
{
	return selector->operations->pick(selector, rng, probability);
}

uint32_t selector_count(const struct selector *selector)
{
	return selector->count;
}

static int by_age(const void *a, const void *b, void *ages)
{
	uint64_t one = ((const uint64_t *)ages)[*(const uint32_t *)a], other = ((const uint64_t *)ages)[*(const uint32_t *)b];
	return one < other ? -1 : one > other;
}

bool selector_list(const struct selector *selector, uint32_t *slots)
{
	if (selector->next) {
		for (uint32_t i = 0, slot = selector->first; i < selector->count; slot = selector->next[slot])
			slots[i++] = slot;
		return true;
	}
	if (selector->count)
		memcpy(slots, selector->at, selector->count * sizeof *slots);
	if (selector->age)
		qsort_r(slots, selector->count, sizeof *slots, by_age, selector->age);
	return selector->age;
}

size_t selector_memory(const struct selector *selector)
{
	return sizeof *selector + selector->room * selector->operations->per_slot;
}

uint64_t selector_work(const struct selector *selector)
{
	return selector->work;
}
