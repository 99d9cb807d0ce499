/* SPDX-License-Identifier: MIT */
/*
 * The problem, A x, and its codes; knows nothing of lpad. A is cut into k blocks of rows; worker i has the sum of the blocks
 * weighted by row i of the code's generator, and of any set of workers whose rows have rank k the product can be had.
 * A and x are small integers, so that the product is exact and the decoded one, rounded, the same to the last bit.
 */
#ifndef MATMUL_H
#define MATMUL_H

#include <stdbool.h>
#include <stdint.h>

enum { ROWS = 2520, COLUMNS = 64, MOST_WORKERS = 64 };  /* 2520 divides by 1 .. 10 */

struct code {
	bool replicated;        /* each block at workers / k workers; else MDS: the first k have a block, the others a random sum */
	int k, workers;
	double generator[MOST_WORKERS][MOST_WORKERS];
};

/* The same for all who have the seed. */
void matmul_matrix(uint64_t seed, double *a);
void matmul_vector(uint64_t seed, int trial, double *x);
void matmul_product(const double *a, int rows, const double *x, double *y);

void code_init(struct code *code, bool replicated, int k, int workers, uint64_t seed);
int code_rows(const struct code *code);         /* of a block */
void code_block(const struct code *code, int worker, const double *a, double *block);

/* What has come of one trial: y[i] is the answer of from[i]. */
struct answers {
	int count, from[MOST_WORKERS];
	double y[ROWS];
};

/* Keeps the worker's answer if it is of use; whether there are enough now. */
bool code_take(const struct code *code, struct answers *answers, int worker, const double *y);
/* Whether there can be enough of them, if those of all workers in `coming` come. */
bool code_possible(const struct code *code, const struct answers *answers, const bool *coming);
/* Of enough of them: y becomes the product, or what rounding left of it. */
void code_solve(const struct code *code, struct answers *answers);

#endif
