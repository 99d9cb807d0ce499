/* SPDX-License-Identifier: MIT */
/* What the trials of each code came to: added up, printed, checked. */
#ifndef RESULTS_H
#define RESULTS_H

#include "../common/checks.h"
#include "matmul.h"

struct result {
	struct code code;
	int trials;
	double drawn, measured;         /* sums, in units: what the drawn times would take, what it took */
	double worst;                   /* relative error of what was decoded */
	uint64_t product, exact;        /* checksums over all trials: of what was decoded and rounded, of A x */
};

/* y is what was decoded, z is A x. */
void result_add(struct result *result, double drawn, double measured, const double *y, const double *z);
void results_print(const struct result *results, int count, double mu);
/* Of times only if `timing`; always of the products and of the draws. */
void results_check(const struct result *results, int count, double mu, bool timing, struct checks *checks);

#endif
