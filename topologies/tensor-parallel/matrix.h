/* SPDX-License-Identifier: MIT */
/* Matrices, row by row, and the problem: Y[a,c] = X[a,b] A[b,c], dX = dY A^T, dA = X^T dY. Whoever has the same seed has the same numbers. */
#ifndef MATRIX_H
#define MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum matrix_name { MATRIX_X, MATRIX_A, MATRIX_DY };

struct block {
	int64_t row, column, rows, columns;
};

static inline size_t block_size(struct block block) { return (size_t)(block.rows * block.columns); }

/* All zero. Ends the program rather than to return NULL. */
float *matrix_new(size_t count);
/* Uniform in -1 .. 1. */
float *matrix_random(int64_t seed, enum matrix_name name, size_t count);
/* The block of a random matrix that has so many rows and columns. */
float *matrix_random_block(int64_t seed, enum matrix_name name, int64_t rows, int64_t columns, struct block block);

void matrix_clear(float *matrix, size_t count);

/* into[rows, columns] += left[rows, inner] right[inner, columns]. A turned one lies in memory as its transpose. */
struct factor {
	const float *at;
	bool turned;
};
void matrix_add_product(float *into, struct factor left, struct factor right, int64_t rows, int64_t inner, int64_t columns);

#endif
