/* SPDX-License-Identifier: MIT */
/* What a kind of selector does; selector.c counts, grows and hands on. Slots index all arrays below; `room` of them fit. */
#ifndef SELECTOR_KINDS_H
#define SELECTOR_KINDS_H

#include "selector.h"

struct selector_operations {
	void (*grow)(struct selector *, uint32_t room);         /* before selector->room is changed */
	void (*insert)(struct selector *, uint32_t slot, double priority);      /* count is already one more */
	void (*update)(struct selector *, uint32_t slot, double priority);
	void (*remove)(struct selector *, uint32_t slot);       /* count is already one less */
	uint32_t (*pick)(struct selector *, lpad_rng *, double *probability);
	size_t per_slot;                                        /* bytes */
};

struct selector {
	const struct selector_operations *operations;
	double exponent;
	uint32_t count, room;
	uint64_t work;
	/* Every kind but the lists: at[0 .. count-1] are the slots that are in; place[slot] says where. A heap is ordered so. */
	uint32_t *at, *place;
	/* Lists: a circle through the slots; first and last are meaningless if count is 0. */
	uint32_t *next, *previous, first, last;
	/* Heaps: by slot. */
	double *priority;
	uint64_t *age, newest;
	/* Prioritized: a complete binary tree, sums[1] its root, sums[room + slot] the slot's weight. */
	double *sums;
};

extern const struct selector_operations selector_fifo, selector_lifo, selector_uniform, selector_prioritized, selector_min_heap,
	selector_max_heap;

/* Slots in no order: of uniform and prioritized. */
void selector_grow_places(struct selector *selector, uint32_t room);
void selector_add_place(struct selector *selector, uint32_t slot);
void selector_drop_place(struct selector *selector, uint32_t slot);
uint32_t selector_pick_place(struct selector *selector, lpad_rng *rng, double *probability);

#endif
