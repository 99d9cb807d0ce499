/* SPDX-License-Identifier: MIT */
/*
 * Which item is next: the sampler and the remover of a table. An item is a slot, a small number that the table chooses and reuses;
 * the selector grows to the largest. Slots are below 2^31. One thread at a time.
 *
 *   fifo, lifo             the oldest, the newest; in the order of selector_insert                O(1)
 *   uniform                each alike                                                            O(1)
 *   prioritized            priority^exponent over the sum of all (Schaul et al. 2016, arXiv 1511.05952, section 3.3; a sum tree);
 *                          each alike if the sum is 0; weights above 2e298 count as that         O(log n)
 *   min_heap, max_heap     the smallest, the largest priority; of equals the oldest              O(log n), O(1) to pick
 */
#ifndef SELECTOR_H
#define SELECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include <lpad/node.h>

enum selector_kind { SELECTOR_FIFO, SELECTOR_LIFO, SELECTOR_UNIFORM, SELECTOR_PRIORITIZED, SELECTOR_MIN_HEAP, SELECTOR_MAX_HEAP };
#define SELECTOR_KINDS "fifo lifo uniform prioritized min_heap max_heap"

struct selector;

struct selector *selector_new(enum selector_kind kind, double exponent);
void selector_free(struct selector *selector);
/* The slot is not in it; priority: finite, not negative. */
void selector_insert(struct selector *selector, uint32_t slot, double priority);
void selector_update(struct selector *selector, uint32_t slot, double priority);        /* it is in it; its age stays */
void selector_remove(struct selector *selector, uint32_t slot);
/* There is one. *probability: with which this one was picked (1 where nothing is left to chance). */
uint32_t selector_pick(struct selector *selector, lpad_rng *rng, double *probability);
uint32_t selector_count(const struct selector *selector);
/* All slots that are in it (selector_count of them). True: the oldest first; false: in no order, this kind knows no ages. */
bool selector_list(const struct selector *selector, uint32_t *slots);
size_t selector_memory(const struct selector *selector);       /* bytes */
/* Elementary steps (moves along a tree, a heap, a list) done so far: for tests of its complexity. */
uint64_t selector_work(const struct selector *selector);

#endif
