/* SPDX-License-Identifier: MIT */
#include "numbers.h"

#include <math.h>

#define DEFINE(REAL, bits) \
static void start_##bits(void *weights, struct stream *stream) \
{ \
	mlp##bits##_start(weights, HIDDEN, stream); \
} \
static double gradient_##bits(const void *weights, const struct glyphs *glyphs, const int *rows, int count, void *gradient) \
{ \
	return mlp##bits##_gradient(weights, HIDDEN, glyphs, rows, count, gradient); \
} \
static void add_##bits(void *sum, const void *other, int count) \
{ \
	for (int i = 0; i < count; i++) \
		((REAL *)sum)[i] += ((const REAL *)other)[i]; \
} \
static void step_##bits(void *weights, double step, const void *gradient, int count) \
{ \
	for (int i = 0; i < count; i++) \
		((REAL *)weights)[i] -= (REAL)step * ((const REAL *)gradient)[i]; \
} \
static double accuracy_##bits(const void *weights, const struct glyphs *glyphs) \
{ \
	return mlp##bits##_accuracy(weights, HIDDEN, glyphs, GLYPHS_TRAIN, GLYPHS_TEST); \
} \
static double distance_##bits(const void *a, const void *b, int count) \
{ \
	double most = 0; \
	for (int i = 0; i < count; i++) \
		most = fmax(most, fabs((double)((const REAL *)a)[i] - (double)((const REAL *)b)[i])); \
	return most; \
}
DEFINE(float, 32)
DEFINE(double, 64)

#define ROW(REAL, bits, tolerance_) { .size = sizeof(REAL), .tolerance = tolerance_, .start = start_##bits, .gradient = gradient_##bits, \
	.add = add_##bits, .step = step_##bits, .accuracy = accuracy_##bits, .distance = distance_##bits }

const struct numbers *numbers_of(int precision)
{
	static const struct numbers all[] = {
		[PRECISION_FLOAT] = ROW(float, 32, 1e-5),
		[PRECISION_DOUBLE] = ROW(double, 64, 1e-12),
	};
	return &all[precision];
}

int numbers_rows(int64_t iteration, int index, int workers, int rows[BATCH])
{
	int count = 0;
	for (int i = index; i < BATCH; i += workers)
		rows[count++] = (int)((BATCH * iteration + i) % GLYPHS_TRAIN);
	return count;
}
