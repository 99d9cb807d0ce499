/* SPDX-License-Identifier: MIT */
/* What the master asks of a worker; the answer is its block times x, ROWS / k numbers. */
#ifndef TASK_H
#define TASK_H

#include "matmul.h"

struct task {
	int32_t code;           /* a place in the list of `k`, followed by that of `replication` */
	int32_t trial;
	double time;            /* seconds from its coming until it is answered */
	double x[COLUMNS];
};

#endif
