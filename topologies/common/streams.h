/* SPDX-License-Identifier: MIT */
/*
 * Streams of random numbers (splitmix64): the same on every machine, for data and for delays that are to be the same in each run.
 * All inline, nothing to compile. A stream belongs to one thread; give every node its own: stream_of(seed, number).
 */
#ifndef COMMON_STREAMS_H
#define COMMON_STREAMS_H

#include <math.h>
#include <stdint.h>

/* { 1234 } is the plain generator with that seed. */
struct stream {
	uint64_t state;
};

/* Stream `number` of a seed: those of other numbers and of other seeds are unrelated. */
static inline struct stream stream_of(uint64_t seed, uint64_t number)
{
	return (struct stream){ seed * 0xd1342543de82ef95u + number * 0xaf251af3b0f025b5u };
}

static inline uint64_t stream_next(struct stream *stream)
{
	uint64_t z = (stream->state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Uniform in (0, 1). */
static inline double stream_u01(struct stream *stream)
{
	return ((double)(stream_next(stream) >> 11) + 0.5) / 9007199254740992.0;
}

/* Normal, mean 0, deviation 1 (Box-Muller, one of the pair). */
static inline double stream_gauss(struct stream *stream)
{
	double a = stream_u01(stream), b = stream_u01(stream);
	return sqrt(-2 * log(a)) * cos(2 * 3.14159265358979323846 * b);
}

/* Uniform in 0 .. below-1, without bias; below > 0. */
static inline uint64_t stream_below(struct stream *stream, uint64_t below)
{
	uint64_t most = UINT64_MAX - UINT64_MAX % below, bits;
	do
		bits = stream_next(stream);
	while (bits >= most);
	return bits % below;
}

/* Any order of the items is as likely as any other. */
static inline void stream_shuffle(struct stream *stream, int *items, int count)
{
	for (int i = count - 1; i > 0; i--) {
		int other = (int)stream_below(stream, (uint64_t)i + 1), item = items[i];
		items[i] = items[other];
		items[other] = item;
	}
}

#endif
