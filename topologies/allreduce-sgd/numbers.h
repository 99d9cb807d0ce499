/* SPDX-License-Identifier: MIT */
/* The model in float or in double, behind one set of functions; arrays are void *, counts are in numbers. Knows nothing of lpad. */
#ifndef NUMBERS_H
#define NUMBERS_H

#include <stddef.h>
#include <stdint.h>

#include "../common/mlp.h"

enum { HIDDEN = 30, BATCH = 64, PARAMETERS = (GLYPH_PIXELS + 1) * HIDDEN + (HIDDEN + 1) * GLYPH_CLASSES };

struct numbers {
	size_t size;                    /* of one number */
	double tolerance;               /* of sums in another order, after thousands of steps */
	void (*start)(void *weights, struct stream *stream);
	double (*gradient)(const void *weights, const struct glyphs *glyphs, const int *rows, int count, void *gradient);
	void (*add)(void *sum, const void *other, int count);
	void (*step)(void *weights, double step, const void *gradient, int count);
	double (*accuracy)(const void *weights, const struct glyphs *glyphs);
	double (*distance)(const void *a, const void *b, int count);    /* largest difference */
};

enum precision { PRECISION_FLOAT, PRECISION_DOUBLE };
#define PRECISIONS "float double"

const struct numbers *numbers_of(int precision);

static inline void *numbers_at(const struct numbers *numbers, const void *array, int place)
{
	return (char *)array + (size_t)place * numbers->size;
}

/* The samples of an iteration that worker `index` of `workers` computes, in order; their number. */
int numbers_rows(int64_t iteration, int index, int workers, int rows[BATCH]);

#endif
