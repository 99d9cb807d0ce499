/* SPDX-License-Identifier: MIT */
/* min_heap and max_heap: a binary heap of slots; of equal priorities the oldest is on top. */
#include "room.h"
#include "selector_kinds.h"

static void heap_grow(struct selector *selector, uint32_t room)
{
	selector_grow_places(selector, room);
	selector->priority = room_resize(selector->priority, room, sizeof *selector->priority);
	selector->age = room_resize(selector->age, room, sizeof *selector->age);
}

/* Slot a belongs above slot b. */
static bool above(const struct selector *selector, uint32_t a, uint32_t b)
{
	double one = selector->priority[a], other = selector->priority[b];
	if (one == other)
		return selector->age[a] < selector->age[b];
	return selector->operations == &selector_max_heap ? one > other : one < other;
}

static void put(struct selector *selector, uint32_t place, uint32_t slot)
{
	selector->at[place] = slot;
	selector->place[slot] = place;
	selector->work++;
}

/* The slot, which is wanted at a place that is free, goes up or down to where it belongs. */
static void settle(struct selector *selector, uint32_t place, uint32_t slot)
{
	while (place && above(selector, slot, selector->at[(place - 1) / 2])) {
		put(selector, place, selector->at[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	for (;;) {
		uint64_t child = 2 * (uint64_t)place + 1;
		if (child + 1 < selector->count && above(selector, selector->at[child + 1], selector->at[child]))
			child++;
		if (child >= selector->count || above(selector, slot, selector->at[child]))
			break;
		put(selector, place, selector->at[child]);
		place = (uint32_t)child;
	}
	put(selector, place, slot);
}

static void heap_insert(struct selector *selector, uint32_t slot, double priority)
{
	selector->priority[slot] = priority;
	selector->age[slot] = selector->newest++;
	selector->at[selector->count - 1] = slot;
	settle(selector, selector->count - 1, slot);
}

static void heap_update(struct selector *selector, uint32_t slot, double priority)
{
	selector->priority[slot] = priority;
	settle(selector, selector->place[slot], slot);
}

static void heap_remove(struct selector *selector, uint32_t slot)
{
	uint32_t last = selector->at[selector->count];
	if (last != slot)
		settle(selector, selector->place[slot], last);
}

static uint32_t heap_pick(struct selector *selector, lpad_rng *rng, double *probability)
{
	(void)rng;
	*probability = 1;
	selector->work++;
	return selector->at[0];
}

#define PER_SLOT (2 * sizeof(uint32_t) + sizeof(double) + sizeof(uint64_t))
const struct selector_operations selector_min_heap = { heap_grow, heap_insert, heap_update, heap_remove, heap_pick, PER_SLOT };
const struct selector_operations selector_max_heap = { heap_grow, heap_insert, heap_update, heap_remove, heap_pick, PER_SLOT };
