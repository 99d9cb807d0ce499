/* SPDX-License-Identifier: MIT */
/*
 * What a worker keeps for the others: slices of gradients and of weights, each of one iteration. A block never changes once it is
 * there; who asks for one that is not waits until it is. Under the node's lock.
 */
#ifndef BLOCKS_H
#define BLOCKS_H

#include <lpad/node.h>

enum block_kind { BLOCK_GRADIENT, BLOCK_WEIGHTS };

struct block_id {
	int32_t kind, slice;
	int64_t iteration;
};

struct blocks;

struct blocks *blocks_new(void);
void blocks_free(struct blocks *blocks);
/* Takes the message; one that is there already stays. Who waits for it is answered; how many that were. */
int blocks_put(struct blocks *blocks, struct block_id id, lpad_message *data);
const lpad_message *blocks_find(const struct blocks *blocks, struct block_id id);      /* borrowed; NULL: not there */
void blocks_hold(struct blocks *blocks, struct block_id id, lpad_call *call);
void blocks_forget(struct blocks *blocks, lpad_call *call);
/* Those of earlier iterations are dropped. */
void blocks_drop(struct blocks *blocks, int64_t before);

#endif
