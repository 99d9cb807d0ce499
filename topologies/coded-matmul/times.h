/* SPDX-License-Identifier: MIT */
/* How long a trial takes when worker i of n needs (1 + Exp(mu)) / k units of time; order statistics of exponentials. */
#ifndef TIMES_H
#define TIMES_H

#include "matmul.h"

double times_expected(const struct code *code, double mu);
double times_deviation(const struct code *code, double mu);     /* standard deviation of one trial */
/* With these times of the workers: when there are enough answers. */
double times_finish(const struct code *code, const double *times);

#endif
