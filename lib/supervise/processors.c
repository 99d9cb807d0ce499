/* SPDX-License-Identifier: MIT */
/*
 * Dealing processors. Who wants whole ones gets them from the NUMA node that has the most left, of different cores as long
 * as there are any; so wishes spread over the nodes, and each stays within one if it fits. What is not whole is put
 * beside others that are not: the largest first, on the fullest one that still has room.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "supervise/resources.h"

enum { WHOLE = 1000 };

struct deal {
	const struct processor *at;
	size_t count;
	int *left;                      /* of each: WHOLE, what others that share it leave, or 0 */
	struct processor_set *out;
};

static size_t whole_in_node(const struct deal *deal, int node)
{
	size_t whole = 0;
	for (size_t i = 0; i < deal->count; i++)
		whole += deal->at[i].node == node && deal->left[i] == WHOLE;
	return whole;
}

/* The one with the most whole processors; the first of equals. -1: none has any. */
static int roomiest_node(const struct deal *deal)
{
	int node = -1;
	size_t most = 0;
	for (size_t i = 0; i < deal->count; i++) {
		size_t whole = deal->left[i] == WHOLE ? whole_in_node(deal, deal->at[i].node) : 0;
		if (whole > most) {
			most = whole;
			node = deal->at[i].node;
		}
	}
	return node;
}

static bool contains(const struct processor_set *set, int number)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->numbers[i] == number)
			return true;
	return false;
}

/* How gladly a whole processor is given away: one whose core is free, then one of a core that is one's own already. */
static int worth(const struct deal *deal, size_t which, const struct processor_set *own)
{
	int worth = 3;
	for (size_t i = 0; i < deal->count; i++) {
		if (i == which || deal->at[i].core != deal->at[which].core || deal->left[i] == WHOLE)
			continue;
		int now = contains(own, deal->at[i].number) ? 2 : 1;
		worth = now < worth ? now : worth;
	}
	return worth;
}

/* Whole ones of this node, up to `wanted`. */
static size_t take_from(struct deal *deal, int node, struct processor_set *own, size_t wanted)
{
	size_t taken = 0;
	while (taken < wanted) {
		size_t best = deal->count;
		int best_worth = 0;
		for (size_t i = 0; i < deal->count; i++) {
			int now = deal->at[i].node == node && deal->left[i] == WHOLE ? worth(deal, i, own) : 0;
			if (now > best_worth) {
				best_worth = now;
				best = i;
			}
		}
		if (best == deal->count)
			break;
		deal->left[best] = 0;
		own->numbers[own->count++] = deal->at[best].number;
		taken++;
	}
	return taken;
}

static bool take_whole(struct deal *deal, struct processor_set *own, size_t wanted)
{
	while (wanted) {
		int node = roomiest_node(deal);
		if (node < 0)
			return false;
		wanted -= take_from(deal, node, own, wanted);
	}
	return true;
}

/* The fullest shared one that has room; `count`: none has. */
static size_t fullest_with(const struct deal *deal, int part)
{
	size_t best = deal->count;
	for (size_t i = 0; i < deal->count; i++)
		if (deal->left[i] < WHOLE && deal->left[i] >= part && (best == deal->count || deal->left[i] < deal->left[best]))
			best = i;
	return best;
}

static bool take_part(struct deal *deal, struct processor_set *own, int part)
{
	size_t place = fullest_with(deal, part);
	if (place < deal->count) {
		own->numbers[own->count++] = deal->at[place].number;
	} else {
		if (!take_whole(deal, own, 1))
			return false;
		for (place = 0; deal->at[place].number != own->numbers[own->count - 1]; place++)
			;
		deal->left[place] = WHOLE;
	}
	deal->left[place] -= part;
	return true;
}

/* ---- all wishes ---- */

struct part {
	int size;
	size_t wish;
};

static int larger_first(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return (x->wish > y->wish) - (x->wish < y->wish);
}

static size_t deal_whole(struct deal *deal, const int64_t *wishes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t most = (size_t)(wishes[i] / WHOLE) + 1;
		deal->out[i].numbers = wishes[i] ? memory_array(most < deal->count ? most : deal->count + 1, sizeof(int)) : NULL;
		if (!take_whole(deal, &deal->out[i], (size_t)(wishes[i] / WHOLE)))
			return i;
	}
	return count;
}

/* The parts of the wishes, the largest first. Caller frees. */
static struct part *parts_of(const int64_t *wishes, size_t count, size_t *found)
{
	struct part *parts = memory_array(count + 1, sizeof *parts);
	*found = 0;
	for (size_t i = 0; i < count; i++)
		if (wishes[i] % WHOLE)
			parts[(*found)++] = (struct part){ .size = (int)(wishes[i] % WHOLE), .wish = i };
	qsort(parts, *found, sizeof *parts, larger_first);
	return parts;
}

static size_t deal_parts(struct deal *deal, const int64_t *wishes, size_t count)
{
	size_t found;
	struct part *cleanup_free parts = parts_of(wishes, count, &found);
	for (size_t i = 0; i < found; i++)
		if (!take_part(deal, &deal->out[parts[i].wish], parts[i].size))
			return parts[i].wish;
	return count;
}

static void deal_rest(struct deal *deal, const int64_t *wishes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct processor_set *own = &deal->out[i];
		if (wishes[i])
			continue;
		own->numbers = memory_array(deal->count + 1, sizeof(int));
		for (size_t k = 0; k < deal->count; k++)
			if (deal->left[k] == WHOLE)
				own->numbers[own->count++] = deal->at[k].number;
		if (!own->count) {
			free(own->numbers);
			own->numbers = NULL;
		}
	}
}

static int by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;
	return (x > y) - (x < y);
}

/* On a machine with as many as could be wanted: the parts put together as they would be here. `shared`: how many there
   are by what is left of them. */
static int64_t count_needed(const int64_t *wishes, size_t count)
{
	int64_t needed = 0, shared[WHOLE + 1] = { 0 };
	size_t found;
	struct part *cleanup_free parts = parts_of(wishes, count, &found);
	for (size_t i = 0; i < count; i++)
		needed += wishes[i] / WHOLE;
	for (size_t i = 0; i < found; i++) {
		int left = parts[i].size;
		while (left < WHOLE && !shared[left])
			left++;
		if (left < WHOLE)
			shared[left]--;
		else
			needed++;
		shared[left - parts[i].size]++;
	}
	return needed;
}

size_t processors_deal(const struct machine *machine, const int64_t *wishes, size_t count, struct processor_set *out,
	int64_t *needed)
{
	size_t processors = machine->processors.count;
	int *cleanup_free left = memory_array(processors + 1, sizeof *left);
	struct deal deal = { .at = machine->processors.at, .count = processors, .left = left, .out = out };
	for (size_t i = 0; i < processors; i++)
		left[i] = WHOLE;
	for (size_t i = 0; i < count; i++)
		out[i] = (struct processor_set){ 0 };
	size_t refused = deal_whole(&deal, wishes, count);
	if (refused == count)
		refused = deal_parts(&deal, wishes, count);
	if (refused == count)
		deal_rest(&deal, wishes, count);
	else
		*needed = count_needed(wishes, count);
	for (size_t i = 0; i < count; i++)
		if (out[i].count > 1)
			qsort(out[i].numbers, out[i].count, sizeof(int), by_number);
	return refused;
}
