/* SPDX-License-Identifier: MIT */
#include "data.h"

#include "../common/streams.h"

enum { STREAM_TRUTH = 0, STREAM_ROWS = 1000 };

static const double noise = 0.1;

void data_truth(uint64_t seed, double *weights)
{
	struct stream stream = stream_of(seed, STREAM_TRUTH);
	for (int i = 0; i < WEIGHTS; i++)
		weights[i] = stream_gauss(&stream);
}

void data_row(uint64_t seed, int row, const double *truth, union row *out)
{
	struct stream stream = stream_of(seed, STREAM_ROWS + (uint64_t)row);
	double sum = noise * stream_gauss(&stream);
	for (int i = 0; i < WEIGHTS; i++) {
		out->x[i] = stream_gauss(&stream);
		sum += out->x[i] * truth[i];
	}
	out->x[WEIGHTS] = sum;
}

void row_xor(union row *to, const union row *from)
{
	for (int i = 0; i < WEIGHTS + 1; i++)
		to->words[i] ^= from->words[i];
}

double row_error(const union row *row, const double *weights)
{
	double error = -row->x[WEIGHTS];
	for (int i = 0; i < WEIGHTS; i++)
		error += row->x[i] * weights[i];
	return error;
}

void row_step(const union row *row, double rate, double *weights)
{
	double error = row_error(row, weights);
	for (int i = 0; i < WEIGHTS; i++)
		weights[i] -= rate * error * row->x[i];
}
