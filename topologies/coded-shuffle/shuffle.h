/* SPDX-License-Identifier: MIT */
/*
 * Who has which row, and who is to have it next. Every node keeps the same books: all is drawn from the seed, so that no row's number
 * need be sent. Life: init; for each shuffle next (new owners, and what must be sent), then settle (caches are filled again).
 *
 * A row that its new owner lacks is wanted by a set of workers: this owner and all who have the row. In each set every member has a
 * queue of such rows, all of which the other members have: the XOR of the heads of all queues is of use to each of them.
 */
#ifndef SHUFFLE_H
#define SHUFFLE_H

#include <stdbool.h>
#include <stdint.h>

#include "../common/streams.h"

enum { MOST_WORKERS = 10 };

struct shuffle {
	int rows, workers, cache, batch;
	struct stream stream;
	int *order;             /* of the rows: the first `batch` are worker 0's, and so on */
	uint8_t *owner;         /* by row */
	uint16_t *holders;      /* by row: a bit for each worker that has it */
	int *start;             /* by set and worker: where its queue begins in `queued`; the next one's is its end */
	int *queued;
};

/* -1: out of memory. Release it in any case. */
int shuffle_init(struct shuffle *shuffle, int rows, int workers, int cache, uint64_t seed);
void shuffle_release(struct shuffle *shuffle);

void shuffle_next(struct shuffle *shuffle);
void shuffle_settle(struct shuffle *shuffle);

/* Sets are numbers below this, a bit for each member. */
int shuffle_sets(const struct shuffle *shuffle);
/* The queue of a member: its length, and its rows, borrowed until the next shuffle. */
int shuffle_queue(const struct shuffle *shuffle, int set, int worker, const int **rows);
/* The longest queue of a set: so many XORs serve it. */
int shuffle_length(const struct shuffle *shuffle, int set);
/* All that a worker lacks, in the order of the sets: `rows` has room for a batch. Returns how many. */
int shuffle_missing(const struct shuffle *shuffle, int worker, int *rows);

static inline bool shuffle_has(const struct shuffle *shuffle, int worker, int row)
{
	return shuffle->holders[row] >> worker & 1;
}

#endif
