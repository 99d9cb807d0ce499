/* SPDX-License-Identifier: MIT */
#include "shuffle.h"

#include <stdlib.h>
#include <string.h>

enum { STREAM_SHUFFLES = 1 };

static int keys(const struct shuffle *shuffle)
{
	return shuffle_sets(shuffle) * shuffle->workers;
}

static void deal(struct shuffle *shuffle)
{
	stream_shuffle(&shuffle->stream, shuffle->order, shuffle->rows);
	for (int i = 0; i < shuffle->rows; i++)
		shuffle->owner[shuffle->order[i]] = (uint8_t)(i / shuffle->batch);
}

int shuffle_init(struct shuffle *shuffle, int rows, int workers, int cache, uint64_t seed)
{
	size_t count = (size_t)rows;
	*shuffle = (struct shuffle){ .rows = rows, .workers = workers, .cache = cache, .batch = rows / workers,
		.stream = stream_of(seed, STREAM_SHUFFLES) };
	shuffle->order = malloc(count * sizeof *shuffle->order);
	shuffle->owner = malloc(count * sizeof *shuffle->owner);
	shuffle->holders = malloc(count * sizeof *shuffle->holders);
	shuffle->start = malloc(((size_t)keys(shuffle) + 1) * sizeof *shuffle->start);
	shuffle->queued = malloc(count * sizeof *shuffle->queued);
	if (!shuffle->order || !shuffle->owner || !shuffle->holders || !shuffle->start || !shuffle->queued)
		return -1;
	for (int row = 0; row < rows; row++) {
		shuffle->order[row] = row;
		shuffle->holders[row] = (uint16_t)(shuffle_sets(shuffle) - 1);  /* at first all may be chosen from */
	}
	deal(shuffle);
	shuffle_settle(shuffle);
	return 0;
}

void shuffle_release(struct shuffle *shuffle)
{
	free(shuffle->order);
	free(shuffle->owner);
	free(shuffle->holders);
	free(shuffle->start);
	free(shuffle->queued);
}

static int key_of(const struct shuffle *shuffle, int row)
{
	int owner = shuffle->owner[row], set = shuffle->holders[row] | 1 << owner;
	return set * shuffle->workers + owner;
}

/* Sorts the rows that their owners lack by set and owner. */
static void sort_missing(struct shuffle *shuffle)
{
	memset(shuffle->start, 0, ((size_t)keys(shuffle) + 1) * sizeof *shuffle->start);
	for (int row = 0; row < shuffle->rows; row++)
		if (!shuffle_has(shuffle, shuffle->owner[row], row))
			shuffle->start[key_of(shuffle, row) + 1]++;
	for (int key = 0; key < keys(shuffle); key++)
		shuffle->start[key + 1] += shuffle->start[key];
	for (int row = shuffle->rows - 1; row >= 0; row--)
		if (!shuffle_has(shuffle, shuffle->owner[row], row))
			shuffle->queued[--shuffle->start[key_of(shuffle, row) + 1]] = row;
	memmove(shuffle->start, shuffle->start + 1, (size_t)keys(shuffle) * sizeof *shuffle->start);
}

void shuffle_next(struct shuffle *shuffle)
{
	int missing = 0;
	deal(shuffle);
	for (int row = 0; row < shuffle->rows; row++)
		missing += !shuffle_has(shuffle, shuffle->owner[row], row);
	sort_missing(shuffle);
	shuffle->start[keys(shuffle)] = missing;
}

/* A worker keeps its batch, and of the other rows that it has as many as there is room for, any of them as likely as another. */
static void settle_one(struct shuffle *shuffle, int worker)
{
	int wanted = shuffle->cache - shuffle->batch, left = 0;
	for (int row = 0; row < shuffle->rows; row++)
		left += shuffle_has(shuffle, worker, row) && shuffle->owner[row] != worker;
	for (int row = 0; row < shuffle->rows; row++) {
		bool keep = shuffle->owner[row] == worker;
		if (!keep && shuffle_has(shuffle, worker, row)) {
			keep = stream_u01(&shuffle->stream) * left-- < wanted;
			wanted -= keep;
		}
		shuffle->holders[row] = (uint16_t)((shuffle->holders[row] & ~(1 << worker)) | keep << worker);
	}
}

void shuffle_settle(struct shuffle *shuffle)
{
	for (int worker = 0; worker < shuffle->workers; worker++)
		settle_one(shuffle, worker);
}

int shuffle_sets(const struct shuffle *shuffle)
{
	return 1 << shuffle->workers;
}

int shuffle_queue(const struct shuffle *shuffle, int set, int worker, const int **rows)
{
	const int *start = &shuffle->start[set * shuffle->workers + worker];
	*rows = shuffle->queued + start[0];
	return start[1] - start[0];
}

int shuffle_length(const struct shuffle *shuffle, int set)
{
	const int *rows;
	int length = 0;
	for (int worker = 0; worker < shuffle->workers; worker++) {
		int count = shuffle_queue(shuffle, set, worker, &rows);
		length = count > length ? count : length;
	}
	return length;
}

int shuffle_missing(const struct shuffle *shuffle, int worker, int *rows)
{
	const int *queue;
	int missing = 0;
	for (int set = 0; set < shuffle_sets(shuffle); set++) {
		int count = shuffle_queue(shuffle, set, worker, &queue);
		memcpy(rows + missing, queue, (size_t)count * sizeof *rows);
		missing += count;
	}
	return missing;
}
