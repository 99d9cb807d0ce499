/* SPDX-License-Identifier: MIT */
/*
 * lpad/limiter.h - the rate limiter of replay: it keeps samples and inserts in proportion by holding back whichever side is ahead.
 * Pure arithmetic, for replay and for programs that keep their items themselves. Source: Reverb (Cassirer et al. 2021,
 * arXiv 2102.04736, section 3.3; rate_limiter.cc). In prose: lpad-replay(7).
 *
 *     diff = inserts * samples_per_insert - samples
 *     insert, if the size stays within min_size, or diff after it <= max_diff
 *     sample, if the size is at least min_size, and diff after it >= min_diff
 *
 * inserts, samples and deletes are counted for ever; the size is inserts - deletes. One thread at a time.
 */
#ifndef LPAD_LIMITER_H
#define LPAD_LIMITER_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lpad_limiter {
	double samples_per_insert, min_diff, max_diff;
	int64_t min_size;
	int64_t inserts, samples, deletes;
	/* lpad_limiter_error's extremes at each event since the size first was min_size; both 0 before. */
	bool opened;
	double error_min, error_max;
} lpad_limiter;

static inline lpad_limiter lpad_limiter_diffs(double samples_per_insert, int64_t min_size, double min_diff, double max_diff)
{
	lpad_limiter limiter;
	limiter.samples_per_insert = samples_per_insert;
	limiter.min_diff = min_diff;
	limiter.max_diff = max_diff;
	limiter.min_size = min_size;
	limiter.inserts = limiter.samples = limiter.deletes = 0;
	limiter.opened = false;
	limiter.error_min = limiter.error_max = 0;
	return limiter;
}

/* Samples as soon as there are so many items; inserts always. */
static inline lpad_limiter lpad_limiter_min_size(int64_t min_size)
{
	return lpad_limiter_diffs(1, min_size, -INFINITY, INFINITY);
}

/* So many samples for each insert after the first min_size, give or take error_buffer samples. */
static inline lpad_limiter lpad_limiter_ratio(double samples_per_insert, int64_t min_size, double error_buffer)
{
	double middle = samples_per_insert * (double)min_size;
	return lpad_limiter_diffs(samples_per_insert, min_size, middle - error_buffer, middle + error_buffer);
}

/* Each item once, at most `size` of them waiting: queues, and stacks. */
static inline lpad_limiter lpad_limiter_queue(int64_t size)
{
	return lpad_limiter_diffs(1, 1, 0, (double)size);
}

static inline int64_t lpad_limiter_size(const lpad_limiter *limiter)
{
	return limiter->inserts - limiter->deletes;
}

static inline double lpad_limiter_diff(const lpad_limiter *limiter)
{
	return (double)limiter->inserts * limiter->samples_per_insert - (double)limiter->samples;
}

static inline bool lpad_limiter_can_insert(const lpad_limiter *limiter)
{
	return lpad_limiter_size(limiter) + 1 <= limiter->min_size
	    || (double)(limiter->inserts + 1) * limiter->samples_per_insert - (double)limiter->samples <= limiter->max_diff;
}

/* So many samples at once. */
static inline bool lpad_limiter_can_sample(const lpad_limiter *limiter, int64_t count)
{
	return lpad_limiter_size(limiter) >= limiter->min_size && lpad_limiter_diff(limiter) - (double)count >= limiter->min_diff;
}

/* How far inserts are ahead, in samples, from what is due after the first min_size: within min_diff and max_diff less their middle. */
static inline double lpad_limiter_error(const lpad_limiter *limiter)
{
	return lpad_limiter_diff(limiter) - limiter->samples_per_insert * (double)limiter->min_size;
}

static inline void lpad_limiter_note_(lpad_limiter *limiter)
{
	double error = lpad_limiter_error(limiter);
	if (!limiter->opened && lpad_limiter_size(limiter) < limiter->min_size)
		return;
	if (!limiter->opened || error < limiter->error_min)
		limiter->error_min = error;
	if (!limiter->opened || error > limiter->error_max)
		limiter->error_max = error;
	limiter->opened = true;
}

static inline void lpad_limiter_inserted(lpad_limiter *limiter)
{
	limiter->inserts++;
	lpad_limiter_note_(limiter);
}

static inline void lpad_limiter_sampled(lpad_limiter *limiter, int64_t count)
{
	limiter->samples += count;
	lpad_limiter_note_(limiter);
}

static inline void lpad_limiter_deleted(lpad_limiter *limiter)
{
	limiter->deletes++;
}

#ifdef __cplusplus
}
#endif
#endif
