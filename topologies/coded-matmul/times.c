/* SPDX-License-Identifier: MIT */
#include "times.h"

#include <math.h>
#include <stdlib.h>

/* 1/from^power + ... + 1/to^power */
static double harmonic(int from, int to, int power)
{
	double sum = 0;
	for (int i = from; i <= to; i++)
		sum += 1 / pow(i, power);
	return sum;
}

/* The k-th of n exponentials is a sum of independent ones, of rates n mu .. (n-k+1) mu; the last of k minima of n/k each likewise. */
static double spread(const struct code *code, int power)
{
	int n = code->workers, k = code->k;
	if (code->replicated)
		return harmonic(1, k, power) * pow((double)k / n, power);
	return harmonic(n - k + 1, n, power);
}

double times_expected(const struct code *code, double mu)
{
	return (1 + spread(code, 1) / mu) / code->k;
}

double times_deviation(const struct code *code, double mu)
{
	return sqrt(spread(code, 2)) / mu / code->k;
}

static int compare(const void *left, const void *right)
{
	const double *a = left, *b = right;
	return (*a > *b) - (*a < *b);
}

static double last_block(const struct code *code, const double *times)
{
	double last = 0;
	for (int block = 0; block < code->k; block++) {
		double first = INFINITY;
		for (int i = block; i < code->workers; i += code->k)
			first = fmin(first, times[i]);
		last = fmax(last, first);
	}
	return last;
}

double times_finish(const struct code *code, const double *times)
{
	double sorted[MOST_WORKERS];
	if (code->replicated)
		return last_block(code, times);
	for (int i = 0; i < code->workers; i++)
		sorted[i] = times[i];
	qsort(sorted, (size_t)code->workers, sizeof sorted[0], compare);
	return sorted[code->k - 1];
}
