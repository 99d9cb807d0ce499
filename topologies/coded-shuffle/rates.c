/* SPDX-License-Identifier: MIT */
#include "rates.h"

#include <math.h>

double rates_uncoded(int rows, int workers, int cache)
{
	(void)workers;
	return rows - cache;
}

/* The chance that a worker has a row of another one's batch. */
static double kept(int rows, int workers, int cache)
{
	double batch = (double)rows / workers;
	return (cache - batch) / (rows - batch);
}

/*
 * A missing row is held by its old owner, and by each of the n - 2 others with chance p: it shares its XOR with all of these, so that
 * its part of it is 1 / (2 + Bin(n - 2, p)). Summed up this is q / (np)^2 ((1-p)^(n+1) + (n-1) p (1-p) - (1-p)^2).
 */
double rates_coded(int rows, int workers, int cache)
{
	double p = kept(rows, workers, cache), chance = pow(1 - p, workers - 2), part = 0;
	for (int others = 0; others <= workers - 2; others++) {
		part += chance / (2 + others);
		chance *= (workers - 2 - others) * p / ((others + 1) * (1 - p));
	}
	return rates_uncoded(rows, workers, cache) * part;
}

double rates_asymptotic(int rows, int workers, int cache)
{
	return workers * (double)cache / rows + 1;
}
