/* SPDX-License-Identifier: MIT */
/* fifo and lifo: a list of slots in the order in which they came. */
#include "room.h"
#include "selector_kinds.h"

static void list_grow(struct selector *selector, uint32_t room)
{
	selector->next = room_resize(selector->next, room, sizeof *selector->next);
	selector->previous = room_resize(selector->previous, room, sizeof *selector->previous);
}

static void list_insert(struct selector *selector, uint32_t slot, double priority)
{
	(void)priority;
	if (selector->count == 1) {
		selector->first = slot;
	} else {
		selector->next[selector->last] = slot;
		selector->previous[slot] = selector->last;
	}
	selector->last = slot;
	selector->work++;
}

static void list_update(struct selector *selector, uint32_t slot, double priority)
{
	(void)selector, (void)slot, (void)priority;
}

static void list_remove(struct selector *selector, uint32_t slot)
{
	uint32_t next = selector->next[slot], previous = selector->previous[slot];
	selector->work++;
	if (!selector->count)
		return;
	if (slot == selector->first) {
		selector->first = next;
	} else if (slot == selector->last) {
		selector->last = previous;
	} else {
		selector->next[previous] = next;
		selector->previous[next] = previous;
	}
}

static uint32_t fifo_pick(struct selector *selector, lpad_rng *rng, double *probability)
{
	(void)rng;
	*probability = 1;
	selector->work++;
	return selector->first;
}

static uint32_t lifo_pick(struct selector *selector, lpad_rng *rng, double *probability)
{
	(void)rng;
	*probability = 1;
	selector->work++;
	return selector->last;
}

const struct selector_operations selector_fifo = { list_grow, list_insert, list_update, list_remove, fifo_pick, 2 * sizeof(uint32_t) };
const struct selector_operations selector_lifo = { list_grow, list_insert, list_update, list_remove, lifo_pick, 2 * sizeof(uint32_t) };
