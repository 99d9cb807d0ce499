/* SPDX-License-Identifier: MIT */
#include "matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "../common/streams.h"

float *matrix_new(size_t count)
{
	float *matrix = calloc(count ? count : 1, sizeof *matrix);
	if (matrix)
		return matrix;
	fprintf(stderr, "out of memory: a matrix of %zu numbers\n", count);
	abort();
}

float *matrix_random(int64_t seed, enum matrix_name name, size_t count)
{
	struct stream stream = stream_of((uint64_t)seed, (uint64_t)name);
	float *matrix = matrix_new(count);
	for (size_t i = 0; i < count; i++)
		matrix[i] = (float)(2 * stream_u01(&stream) - 1);
	return matrix;
}

float *matrix_random_block(int64_t seed, enum matrix_name name, int64_t rows, int64_t columns, struct block block)
{
	float *whole = matrix_random(seed, name, (size_t)(rows * columns)), *part = matrix_new(block_size(block));
	for (int64_t i = 0; i < block.rows; i++)
		memcpy(part + i * block.columns, whole + (block.row + i) * columns + block.column, (size_t)block.columns * sizeof *part);
	free(whole);
	return part;
}

void matrix_clear(float *matrix, size_t count)
{
	memset(matrix, 0, count * sizeof *matrix);
}

void matrix_add_product(float *into, struct factor left, struct factor right, int64_t rows, int64_t inner, int64_t columns)
{
	cblas_sgemm(CblasRowMajor, left.turned ? CblasTrans : CblasNoTrans, right.turned ? CblasTrans : CblasNoTrans,
		(int)rows, (int)columns, (int)inner, 1, left.at, (int)(left.turned ? rows : inner),
		right.at, (int)(right.turned ? inner : columns), 1, into, (int)columns);
}
