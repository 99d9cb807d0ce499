/* SPDX-License-Identifier: MIT */
/* What each layout must send and hold, by its closed form. */
#ifndef FORMULAS_H
#define FORMULAS_H

#include <stdint.h>

struct layout {
	int64_t processes, q, d;                /* q 0: a line */
};

struct costs {
	int64_t forward, backward;              /* values that each process sends */
	int64_t forward_messages, backward_messages;    /* of all processes */
	int64_t held;                           /* values of its parts of X, A and Y, by each process */
	int64_t latency;                        /* messages that follow each other in the forward pass */
	int64_t copies[3];                      /* of each element of Y, dX and dA */
};

struct costs formulas_costs(struct layout layout, int64_t a, int64_t b, int64_t c);

#endif
