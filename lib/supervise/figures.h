/* SPDX-License-Identifier: MIT */
/*
 * What the nodes of a run have reported, in one form wherever it comes from: a result, the answer of a supervisor, or
 * metrics.jsonl.
 *
 *     {"actor/3": {"return": {"count": 2, "last": 0.5, "min": 0.25, "max": 0.5, "mean": 0.375, "step": 7}}}
 */
#ifndef SUPERVISE_FIGURES_H
#define SUPERVISE_FIGURES_H

#include <jansson.h>
#include <stdbool.h>

#include "supervise/runs.h"

enum statistic { STATISTIC_LAST, STATISTIC_MIN, STATISTIC_MAX, STATISTIC_MEAN, STATISTIC_COUNT };

/* `status`: what the supervisor answered when asked for the status with metrics; NULL: it was not, or did not. New reference. */
json_t *figures_of(struct run *run, const json_t *status);
/* One line of metrics.jsonl more; what is none is left out. */
void figures_add(json_t *figures, const char *line, size_t length);

/*
 * NODE.METRIC[.last|min|max|mean|count]: a replica, or a group for all of its replicas. A metric whose own name ends in such a
 * word comes first.
 */
struct figure {
	char *node, *metric;            /* the metric as given, with what follows */
};
/* False: it has not this form. */
bool figure_parse(const char *text, struct figure *out);
void figure_release(struct figure *figure);
/* Whether the replica of that name is meant. */
bool figure_has_node(const struct figure *figure, const char *name);
/* The value of one replica; false: it has none. */
bool figure_of_node(const struct figure *figure, const json_t *metrics, double *out);
/* Of a group: the sum of the counts, the least of the min, the most of the max, the mean weighted by the counts, and the mean of
   the last. False: none of them has one. */
bool figure_value(const struct figure *figure, const json_t *figures, double *out);
/* A number as JSON has it: NaN and the infinities are texts there. */
double figure_number(const json_t *value);
json_t *figure_json(double value);

#endif
