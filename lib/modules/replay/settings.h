/* SPDX-License-Identifier: MIT */
/* What users write about tables: lpad-replay(7). */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "inside.h"

struct settings_limiter {
	/* What 0 (of the differences: infinity) is, was not given. */
	double samples_per_insert, error_buffer, min_diff, max_diff;
	int64_t min_size, queue, stack;
};
struct settings_table {
	int32_t sampler, remover;
	double sampler_exponent, remover_exponent;
	int64_t max_size, max_times_sampled;
	struct settings_limiter limiter;
};

extern const lpad_param settings_table_fields[];

/* 0, or a contradiction, said at its parameter. */
int settings_check(lpad_node *node, const struct replay *me);
/* Logs what is allowed, but seldom meant. */
void settings_warn(lpad_node *node, const struct replay *me);
/* Of the table at this place in the file. */
struct table_settings settings_of(const struct replay *me, size_t place, lpad_rng random);

#endif
