/* SPDX-License-Identifier: MIT */
/*
 * A classifier of glyphs: 100 pixels, `hidden` rectified units, softmax over 10 classes, cross-entropy. Functions mlp32_ compute in
 * float, mlp64_ in double, from one source. No state: weights are the caller's, mlp_parameters(hidden) numbers in the order
 *     W1[hidden][100], b1[hidden], W2[10][hidden], b2[10]
 * Needs -lopenblas -lm, and OPENBLAS_NUM_THREADS=1 in the node's env: then the same input gives the same bits.
 */
#ifndef COMMON_MLP_H
#define COMMON_MLP_H

#include "glyphs.h"
#include "streams.h"

enum { MLP_HIDDEN_MOST = 128 };

static inline int mlp_parameters(int hidden)
{
	return (GLYPH_PIXELS + 1) * hidden + (hidden + 1) * GLYPH_CLASSES;
}

/* W1 normal with variance 2/100, W2 with 1/hidden, biases 0: drawn from the stream in the order of the weights. */
void mlp32_start(float *weights, int hidden, struct stream *stream);
void mlp64_start(double *weights, int hidden, struct stream *stream);

/*
 * Adds to `gradient` the sum (not the mean) of the gradients over glyphs rows[0] .. rows[count-1], in this order; rows NULL:
 * glyphs 0 .. count-1. Returns the sum of the losses.
 */
double mlp32_gradient(const float *weights, int hidden, const struct glyphs *glyphs, const int *rows, int count, float *gradient);
double mlp64_gradient(const double *weights, int hidden, const struct glyphs *glyphs, const int *rows, int count, double *gradient);

/* weights -= step * gradient, all of it. */
void mlp32_step(float *weights, int hidden, double step, const float *gradient);
void mlp64_step(double *weights, int hidden, double step, const double *gradient);

/* The part of glyphs first .. first+count-1 whose class is found: mlp32_accuracy(w, h, glyphs, GLYPHS_TRAIN, GLYPHS_TEST). */
double mlp32_accuracy(const float *weights, int hidden, const struct glyphs *glyphs, int first, int count);
double mlp64_accuracy(const double *weights, int hidden, const struct glyphs *glyphs, int first, int count);

#endif
