/* SPDX-License-Identifier: MIT */
#include "node/random.h"

/* Each part is mixed in by one splitmix64 step, so that neighbouring seeds and indexes give unrelated streams. */
static void mix(lpad_rng *rng, uint64_t part)
{
	rng->state ^= part;
	rng->state = lpad_random_bits(rng);
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static uint64_t hash(const char *text)
{
	uint64_t value = 0xcbf29ce484222325u;
	for (; *text; text++)
		value = (value ^ (unsigned char)*text) * 0x100000001b3u;
	return value;
}

lpad_rng random_stream(int64_t seed, const char *group, int index, int incarnation, const char *name)
{
	lpad_rng rng = { 0 };
	mix(&rng, (uint64_t)seed);
	mix(&rng, hash(group));
	mix(&rng, (uint64_t)index);
	mix(&rng, (uint64_t)incarnation);
	mix(&rng, hash(name));
	return rng;
}
