/* SPDX-License-Identifier: MIT */
#include "matmul.h"

#include <math.h>
#include <string.h>

#include <cblas.h>

#include "../common/streams.h"

enum { STREAM_MATRIX, STREAM_VECTORS, STREAM_CODES };   /* each has a family of its own */

static const int greatest = 9;

static double small_integer(struct stream *stream)
{
	return (double)stream_below(stream, 2 * greatest + 1) - greatest;
}

static struct stream stream_in(uint64_t seed, int family, int number)
{
	return stream_of(seed, (uint64_t)number * 16 + (uint64_t)family);
}

void matmul_matrix(uint64_t seed, double *a)
{
	struct stream stream = stream_in(seed, STREAM_MATRIX, 0);
	for (int i = 0; i < ROWS * COLUMNS; i++)
		a[i] = small_integer(&stream);
}

void matmul_vector(uint64_t seed, int trial, double *x)
{
	struct stream stream = stream_in(seed, STREAM_VECTORS, trial);
	for (int i = 0; i < COLUMNS; i++)
		x[i] = small_integer(&stream);
}

void matmul_product(const double *a, int rows, const double *x, double *y)
{
	cblas_dgemv(CblasRowMajor, CblasNoTrans, rows, COLUMNS, 1, a, COLUMNS, x, 1, 0, y, 1);
}

void code_init(struct code *code, bool replicated, int k, int workers, uint64_t seed)
{
	struct stream stream = stream_in(seed, STREAM_CODES, k);
	*code = (struct code){ .replicated = replicated, .k = k, .workers = workers };
	for (int i = 0; i < workers; i++)
		for (int j = 0; j < k; j++)
			code->generator[i][j] = replicated || i < k ? j == i % k : stream_gauss(&stream);
}

int code_rows(const struct code *code)
{
	return ROWS / code->k;
}

void code_block(const struct code *code, int worker, const double *a, double *block)
{
	int size = code_rows(code) * COLUMNS;
	memset(block, 0, (size_t)size * sizeof *block);
	for (int j = 0; j < code->k; j++)
		cblas_daxpy(size, code->generator[worker][j], a + j * size, 1, block, 1);
}

static bool has_block(const struct code *code, const struct answers *answers, int block)
{
	for (int i = 0; i < answers->count; i++)
		if (answers->from[i] % code->k == block)
			return true;
	return false;
}

bool code_take(const struct code *code, struct answers *answers, int worker, const double *y)
{
	int rows = code_rows(code);
	if (!code->replicated || !has_block(code, answers, worker % code->k)) {
		memcpy(answers->y + answers->count * rows, y, (size_t)rows * sizeof *y);
		answers->from[answers->count++] = worker;
	}
	return answers->count == code->k;
}

static bool block_possible(const struct code *code, const struct answers *answers, const bool *coming, int block)
{
	bool possible = has_block(code, answers, block);
	for (int i = block; i < code->workers; i += code->k)
		possible = possible || coming[i];
	return possible;
}

bool code_possible(const struct code *code, const struct answers *answers, const bool *coming)
{
	int count = answers->count;
	for (int i = 0; i < code->workers; i++)
		count += coming[i];
	for (int block = 0; code->replicated && block < code->k; block++)
		if (!block_possible(code, answers, coming, block))
			return false;
	return count >= code->k;
}

static int pivot_of(double matrix[][MOST_WORKERS], int column, int k)
{
	int pivot = column;
	for (int i = column + 1; i < k; i++)
		if (fabs(matrix[i][column]) > fabs(matrix[pivot][column]))
			pivot = i;
	return pivot;
}

/* Gauss and Jordan: the matrix becomes the identity, so y the solution, whose rows are blocks. */
void code_solve(const struct code *code, struct answers *answers)
{
	double matrix[MOST_WORKERS][MOST_WORKERS];
	int k = code->k, rows = code_rows(code);
	for (int i = 0; i < k; i++)
		memcpy(matrix[i], code->generator[answers->from[i]], sizeof matrix[i]);
	for (int column = 0; column < k; column++) {
		int pivot = pivot_of(matrix, column, k);
		cblas_dswap(pivot == column ? 0 : k, matrix[pivot], 1, matrix[column], 1);
		cblas_dswap(pivot == column ? 0 : rows, answers->y + pivot * rows, 1, answers->y + column * rows, 1);
		double scale = 1 / matrix[column][column];
		cblas_dscal(k, scale, matrix[column], 1);
		cblas_dscal(rows, scale, answers->y + column * rows, 1);
		for (int i = 0; i < k; i++) {
			double factor = i == column ? 0 : -matrix[i][column];
			if (factor != 0) {
				cblas_daxpy(k, factor, matrix[column], 1, matrix[i], 1);
				cblas_daxpy(rows, factor, answers->y + column * rows, 1, answers->y + i * rows, 1);
			}
		}
	}
}
