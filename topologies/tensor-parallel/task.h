/* SPDX-License-Identifier: MIT */
/* What the driver asks of a process, and what that one answers. */
#ifndef TASK_H
#define TASK_H

#include <lpad/node.h>

#include "matrix.h"

enum { TASK_HEADER = 8 };               /* bytes in front of the values of each message: when it was sent */

/* The sizes that are common to all nodes. */
struct problem {
	lpad_ints a;
	int64_t b, c;
};
#define TASK_PROBLEM_PARAMS(T) \
	LPAD_PARAM_("a", T, problem.a, lpad_ints, LPAD_T_LIST, LPAD_T_INT, "[128, 256, 640]", "1..", "rows of X and Y"), \
	LPAD_PARAM_("b", T, problem.b, int64_t, LPAD_T_INT, 0, "128", "1..", "columns of X, rows of A"), \
	LPAD_PARAM_("c", T, problem.c, int64_t, LPAD_T_INT, 0, "128", "1..", "columns of A and Y")

struct task {
	int64_t a;
	int64_t begin;                  /* a moment, as lane_now */
	double delay;                   /* of each message, seconds */
};

/* In the order of the answer's tensor "counts". */
enum task_count {
	TASK_FORWARD_VALUES, TASK_FORWARD_MESSAGES,     /* sent */
	TASK_BACKWARD_VALUES, TASK_BACKWARD_MESSAGES,
	TASK_HELD,                      /* values of its parts of X, A and Y */
	TASK_Q, TASK_D,                 /* of the grid; 0: it is a line */
	TASK_BEGAN, TASK_FORWARD_ENDED, TASK_BACKWARD_ENDED,
	TASK_COUNTS
};

enum task_matrix { TASK_Y, TASK_DX, TASK_DA, TASK_MATRICES };

/* One process' part of one of the three results. */
struct part {
	struct block block;
	const float *values;
};

struct result {
	int64_t counts[TASK_COUNTS];
	struct part parts[TASK_MATRICES];
};

lpad_message *task_pack(const struct result *result);
/* 0, or LPAD_EBROKEN. The values lie in the message. */
int task_unpack(const lpad_message *message, struct result *result);

#endif
