/* SPDX-License-Identifier: MIT */
/*
 * Streams of steps: what a writer has sent, so that items may refer to steps sent earlier and to each other's. A stream is known by
 * its owner ("actor/3") and its name; it belongs to the newest incarnation of the owner. One thread at a time.
 */
#ifndef STREAM_H
#define STREAM_H

#include "steps.h"

struct append;

struct stream {
	char *owner, *name;
	int incarnation;                /* 0 until somebody sets it or takes over */
	uint64_t writer;                /* of that incarnation: which of its writers opened it last; 0: not known, and not in checkpoints */
	int64_t items;                  /* number of the last item inserted */
	int64_t first, next;            /* steps first .. next-1 are here */
	struct pool *pool;              /* NULL before the first step */
	uint32_t *window;               /* stream.c's: the steps, a ring; step n is in place n % room */
	uint32_t room;                  /* a power of two, or 0 */
	struct append *first_held, *last_held;  /* appends.c's: calls that wait, in order of arrival */
};

struct streams;

struct streams *streams_new(void);
void streams_free(struct streams *streams);                     /* gives all steps back; NULL is fine */
/* Made if it is not there. Lives as long as the streams, at the same address. */
struct stream *streams_find(struct streams *streams, const char *owner, const char *name);
size_t streams_count(const struct streams *streams);
struct stream *streams_at(struct streams *streams, size_t place);       /* in the order in which they were made */

/* A new incarnation writes, or another writer: the steps of the old one are given back (items keep theirs); numbers go on from `next`
   and `items`. */
void stream_take_over(struct stream *stream, int incarnation);
/* The next step; takes over the caller's reference. Steps of another pool before it are given back: first = next. */
void stream_add(struct stream *stream, struct pool *pool, uint32_t step);
/* Steps before `oldest` are not wanted any more; if steps up to it never came, the next one is `oldest`. */
void stream_keep(struct stream *stream, int64_t oldest);
bool stream_has(const struct stream *stream, int64_t first, int64_t count);     /* any numbers; false if count < 0 */
void stream_steps(const struct stream *stream, int64_t first, uint32_t count, uint32_t *steps);        /* borrowed references */
size_t stream_memory(const struct stream *stream);

#endif
