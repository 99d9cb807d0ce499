/* SPDX-License-Identifier: MIT */
/* The problem: y = X w + noise. Whoever has the same seed has the same rows. */
#ifndef REGRESSION_H
#define REGRESSION_H

#include <stdint.h>

enum { ROWS = 2000, WEIGHTS = 10 };

struct regression {
	double x[ROWS][WEIGHTS], y[ROWS];
};

void regression_make(struct regression *data, int64_t seed);
/* Adds the gradient of one row's squared error (half of it) at `weights`. */
void regression_gradient(const struct regression *data, int row, const double *weights, double *gradient);
double regression_error(const struct regression *data, const double *weights);         /* mean of the squares */
void regression_least_squares(const struct regression *data, double *weights);         /* by the normal equations */

#endif
