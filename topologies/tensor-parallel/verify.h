/* SPDX-License-Identifier: MIT */
/* The three products once more, by one loop in double precision, and how far the processes' parts are from them. */
#ifndef VERIFY_H
#define VERIFY_H

#include "matrix.h"
#include "task.h"

struct reference {
	int64_t rows[TASK_MATRICES], columns[TASK_MATRICES];
	double *values[TASK_MATRICES];
	int32_t *seen[TASK_MATRICES];           /* how many parts contain the element */
	double worst[TASK_MATRICES];            /* error so far; infinite if a part lies outside */
};

void verify_open(struct reference *reference, int64_t seed, int64_t a, int64_t b, int64_t c);
void verify_part(struct reference *reference, enum task_matrix matrix, struct part part);
/* Every element has been in so many parts? */
bool verify_complete(const struct reference *reference, enum task_matrix matrix, int64_t copies);
/* Forgets the parts that have been seen. */
void verify_again(struct reference *reference);
void verify_close(struct reference *reference);

#endif
