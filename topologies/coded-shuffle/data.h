/* SPDX-License-Identifier: MIT */
/* The rows: seven numbers and what a linear model makes of them, with noise. Row r is drawn from a stream of its own. */
#ifndef DATA_H
#define DATA_H

#include <stdint.h>

enum { WEIGHTS = 7 };

/* As numbers, and as the words that are XORed. */
union row {
	double x[WEIGHTS + 1];          /* the last one is the result */
	uint64_t words[WEIGHTS + 1];
};

void data_truth(uint64_t seed, double *weights);
void data_row(uint64_t seed, int row, const double *truth, union row *out);

void row_xor(union row *to, const union row *from);
/* A step of stochastic gradient descent. */
void row_step(const union row *row, double rate, double *weights);
double row_error(const union row *row, const double *weights);

#endif
