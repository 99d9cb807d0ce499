/* SPDX-License-Identifier: MIT */
#include "blocks.h"

#include <stdlib.h>

struct block {
	struct block *next;
	struct block_id id;
	lpad_message *data;
};
struct waiting {
	struct waiting *next;
	struct block_id id;
	lpad_call *call;
};
struct blocks {
	struct block *first;
	struct waiting *waiting;
};

static void *must(void *memory)
{
	return memory ? memory : (abort(), NULL);
}

static bool same(struct block_id a, struct block_id b)
{
	return a.kind == b.kind && a.slice == b.slice && a.iteration == b.iteration;
}

struct blocks *blocks_new(void)
{
	return must(calloc(1, sizeof(struct blocks)));
}

static void drop(struct block **at)
{
	struct block *block = *at;
	*at = block->next;
	lpad_free(block->data);
	free(block);
}

void blocks_free(struct blocks *blocks)
{
	if (!blocks)
		return;
	while (blocks->first)
		drop(&blocks->first);
	for (struct waiting *next, *waiting = blocks->waiting; waiting; waiting = next) {
		next = waiting->next;
		free(waiting);
	}
	free(blocks);
}

const lpad_message *blocks_find(const struct blocks *blocks, struct block_id id)
{
	const struct block *block = blocks->first;
	while (block && !same(block->id, id))
		block = block->next;
	return block ? block->data : NULL;
}

static int answer_waiting(struct blocks *blocks, struct block_id id, const lpad_message *data)
{
	int answered = 0;
	for (struct waiting **at = &blocks->waiting, *waiting; (waiting = *at); )
		if (same(waiting->id, id)) {
			*at = waiting->next;
			lpad_answer(waiting->call, lpad_share(data));
			free(waiting);
			answered++;
		} else {
			at = &waiting->next;
		}
	return answered;
}

int blocks_put(struct blocks *blocks, struct block_id id, lpad_message *data)
{
	if (blocks_find(blocks, id)) {
		lpad_free(data);
		return 0;
	}
	struct block *block = must(malloc(sizeof *block));
	*block = (struct block){ .next = blocks->first, .id = id, .data = data };
	blocks->first = block;
	return answer_waiting(blocks, id, data);
}

void blocks_hold(struct blocks *blocks, struct block_id id, lpad_call *call)
{
	struct waiting *waiting = must(malloc(sizeof *waiting));
	*waiting = (struct waiting){ .next = blocks->waiting, .id = id, .call = call };
	blocks->waiting = waiting;
}

void blocks_forget(struct blocks *blocks, lpad_call *call)
{
	struct waiting **at = &blocks->waiting, *waiting;
	while (*at && (*at)->call != call)
		at = &(*at)->next;
	if (!(waiting = *at))
		return;
	*at = waiting->next;
	free(waiting);
}

void blocks_drop(struct blocks *blocks, int64_t before)
{
	for (struct block **at = &blocks->first; *at; )
		if ((*at)->id.iteration < before)
			drop(at);
		else
			at = &(*at)->next;
}
