/* SPDX-License-Identifier: MIT */
#include "verify.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *need(size_t count, size_t size)
{
	void *memory = calloc(count, size);
	if (memory)
		return memory;
	fprintf(stderr, "out of memory: %zu times %zu bytes\n", count, size);
	abort();
}

/* A matrix in memory, or its transpose. */
struct view {
	const float *at;
	int64_t row_step, column_step;
};

static void multiply(double *into, struct view left, struct view right, int64_t rows, int64_t inner, int64_t columns)
{
	for (int64_t i = 0; i < rows; i++)
		for (int64_t k = 0; k < inner; k++) {
			double factor = left.at[i * left.row_step + k * left.column_step];
			for (int64_t j = 0; j < columns; j++)
				into[i * columns + j] += factor * right.at[k * right.row_step + j * right.column_step];
		}
}

void verify_open(struct reference *reference, int64_t seed, int64_t a, int64_t b, int64_t c)
{
	int64_t rows[] = { [TASK_Y] = a, [TASK_DX] = a, [TASK_DA] = b }, columns[] = { [TASK_Y] = c, [TASK_DX] = b, [TASK_DA] = c };
	float *x = matrix_random(seed, MATRIX_X, (size_t)(a * b)), *w = matrix_random(seed, MATRIX_A, (size_t)(b * c));
	float *dy = matrix_random(seed, MATRIX_DY, (size_t)(a * c));
	memset(reference, 0, sizeof *reference);
	for (int i = 0; i < TASK_MATRICES; i++) {
		reference->rows[i] = rows[i];
		reference->columns[i] = columns[i];
		reference->values[i] = need((size_t)(rows[i] * columns[i]), sizeof(double));
		reference->seen[i] = need((size_t)(rows[i] * columns[i]), sizeof(int32_t));
	}
	multiply(reference->values[TASK_Y], (struct view){ x, b, 1 }, (struct view){ w, c, 1 }, a, b, c);
	multiply(reference->values[TASK_DX], (struct view){ dy, c, 1 }, (struct view){ w, 1, c }, a, c, b);
	multiply(reference->values[TASK_DA], (struct view){ x, 1, b }, (struct view){ dy, c, 1 }, b, a, c);
	free(x);
	free(w);
	free(dy);
}

void verify_part(struct reference *reference, enum task_matrix matrix, struct part part)
{
	struct block block = part.block;
	double *worst = &reference->worst[matrix];
	if (block.row < 0 || block.column < 0 || block.row + block.rows > reference->rows[matrix]
	    || block.column + block.columns > reference->columns[matrix]) {
		*worst = INFINITY;
		return;
	}
	for (int64_t i = 0; i < block.rows; i++)
		for (int64_t j = 0; j < block.columns; j++) {
			int64_t at = (block.row + i) * reference->columns[matrix] + block.column + j;
			double error = fabs(part.values[i * block.columns + j] - reference->values[matrix][at]);
			if (!(error <= *worst))
				*worst = isnan(error) ? INFINITY : error;
			reference->seen[matrix][at]++;
		}
}

bool verify_complete(const struct reference *reference, enum task_matrix matrix, int64_t copies)
{
	for (int64_t at = 0; at < reference->rows[matrix] * reference->columns[matrix]; at++)
		if (reference->seen[matrix][at] != copies)
			return false;
	return true;
}

void verify_again(struct reference *reference)
{
	for (int i = 0; i < TASK_MATRICES; i++)
		memset(reference->seen[i], 0, (size_t)(reference->rows[i] * reference->columns[i]) * sizeof(int32_t));
}

void verify_close(struct reference *reference)
{
	for (int i = 0; i < TASK_MATRICES; i++) {
		free(reference->values[i]);
		free(reference->seen[i]);
	}
}
