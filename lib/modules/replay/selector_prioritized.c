/* SPDX-License-Identifier: MIT */
/*
 * prioritized: a sum tree. A change adds up anew every sum above it from its two parts, so that nothing is ever subtracted and
 * rounding errors do not gather. Weights are bounded so that the sum of 2^32 of them is finite.
 */
#include <float.h>
#include <math.h>

#include "room.h"
#include "selector_kinds.h"

#define HEAVIEST (DBL_MAX / 8589934592.0)       /* 2^33 */

static void tree_grow(struct selector *selector, uint32_t room)
{
	double *sums = room_new(room, 2 * sizeof *sums);
	selector_grow_places(selector, room);
	if (selector->room)
		memcpy(sums + room, selector->sums + selector->room, selector->room * sizeof *sums);
	for (uint32_t node = room - 1; node; node--)
		sums[node] = sums[2 * (size_t)node] + sums[2 * (size_t)node + 1];
	free(selector->sums);
	selector->sums = sums;
}

static void tree_set(struct selector *selector, uint32_t slot, double weight)
{
	size_t node = (size_t)selector->room + slot;
	selector->sums[node] = weight;
	for (node /= 2; node; node /= 2, selector->work++)
		selector->sums[node] = selector->sums[2 * node] + selector->sums[2 * node + 1];
}

static void tree_update(struct selector *selector, uint32_t slot, double priority)
{
	double weight = pow(priority, selector->exponent);
	tree_set(selector, slot, weight < HEAVIEST ? weight : HEAVIEST);
}

static void tree_insert(struct selector *selector, uint32_t slot, double priority)
{
	selector_add_place(selector, slot);
	tree_update(selector, slot, priority);
}

static void tree_remove(struct selector *selector, uint32_t slot)
{
	selector_drop_place(selector, slot);
	tree_set(selector, slot, 0);
}

/* Rounding may leave `point` at or past the end of what is left: a part without weight is never gone into. */
static uint32_t tree_pick(struct selector *selector, lpad_rng *rng, double *probability)
{
	const double *sums = selector->sums;
	if (!(sums[1] > 0))
		return selector_pick_place(selector, rng, probability);
	double point = lpad_random_real(rng) * sums[1];
	size_t node = 1;
	for (; node < selector->room; selector->work++) {
		double left = sums[2 * node];
		bool right = !(point < left) && sums[2 * node + 1] > 0;
		node = 2 * node + right;
		if (right)
			point -= left;
	}
	*probability = sums[node] / sums[1];
	return (uint32_t)(node - selector->room);
}

const struct selector_operations selector_prioritized = {
	tree_grow, tree_insert, tree_update, tree_remove, tree_pick, 2 * sizeof(uint32_t) + 2 * sizeof(double)
};
