/* SPDX-License-Identifier: MIT */
/* A process' side of a task: its parts of the matrices, one pass forward and backward over them, and the answer to the driver. */
#ifndef PASS_H
#define PASS_H

#include "lane.h"
#include "matrix.h"
#include "task.h"

struct pass {
	struct exchange exchange;
	int q, d;                                       /* of the grid; 0: a line */
	struct block x_block, a_block, y_block;         /* dx is cut like x, da like a, dy like y */
	float *x, *a, *dy;                              /* given */
	float *y, *dx, *da;                             /* to be computed */
	float *lent_x, *lent_a, *part, *spare;          /* room for others' blocks, and for two of one's own */
};

/* What is particular to a layout. */
struct pass_plan {
	void (*cut)(lpad_node *node, const struct problem *problem, int64_t a, struct pass *pass);      /* says which blocks, q and d */
	int (*forward)(lpad_node *node, struct pass *pass);
	int (*backward)(lpad_node *node, struct pass *pass);
};

/* Answers the tasks that come, until the program stops. Reports what the lanes have sent, beside lpad's own counts of the edges. */
int pass_serve(lpad_node *node, const struct pass_plan *plan, const struct problem *problem, lpad_inbox *tasks, struct lane *const *lanes);

#endif
