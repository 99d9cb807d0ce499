/* SPDX-License-Identifier: MIT */
/* uniform: the slots side by side in no order; one that goes is replaced by the last. */
#include "room.h"
#include "selector_kinds.h"

void selector_grow_places(struct selector *selector, uint32_t room)
{
	selector->at = room_resize(selector->at, room, sizeof *selector->at);
	selector->place = room_resize(selector->place, room, sizeof *selector->place);
}

void selector_add_place(struct selector *selector, uint32_t slot)
{
	selector->at[selector->count - 1] = slot;
	selector->place[slot] = selector->count - 1;
	selector->work++;
}

void selector_drop_place(struct selector *selector, uint32_t slot)
{
	uint32_t last = selector->at[selector->count], place = selector->place[slot];
	selector->at[place] = last;
	selector->place[last] = place;
	selector->work++;
}

uint32_t selector_pick_place(struct selector *selector, lpad_rng *rng, double *probability)
{
	*probability = 1.0 / selector->count;
	selector->work++;
	return selector->at[lpad_random_below(rng, selector->count)];
}

static void uniform_insert(struct selector *selector, uint32_t slot, double priority)
{
	(void)priority;
	selector_add_place(selector, slot);
}

static void uniform_update(struct selector *selector, uint32_t slot, double priority)
{
	(void)selector, (void)slot, (void)priority;
}

const struct selector_operations selector_uniform = {
	selector_grow_places, uniform_insert, uniform_update, selector_drop_place, selector_pick_place, 2 * sizeof(uint32_t)
};
