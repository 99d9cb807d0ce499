/* SPDX-License-Identifier: MIT */
/* How many rows a random reshuffle sends, of `rows` rows to workers with room for `cache` of them; exact as rows go to infinity. */
#ifndef RATES_H
#define RATES_H

double rates_uncoded(int rows, int workers, int cache);
double rates_coded(int rows, int workers, int cache);
/* What the paper's abstract says for large numbers of workers, (alpha + 1/n) gamma(n), a multicast being as dear as a unicast. */
double rates_asymptotic(int rows, int workers, int cache);

#endif
