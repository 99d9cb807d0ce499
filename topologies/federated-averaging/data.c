/* SPDX-License-Identifier: MIT */
#include "data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 2 * CLIENTS, PART = GLYPHS_TRAIN / PARTS };

static void split_iid(struct data *data)
{
	struct stream stream = stream_of(data->seed, 1001);
	for (int i = 0; i < GLYPHS_TRAIN; i++)
		data->rows[SPLIT_IID][i] = i;
	stream_shuffle(&stream, data->rows[SPLIT_IID], GLYPHS_TRAIN);
}

/* Sorted by class, the i-th row is the (i mod 600)-th of class i / 600. */
static void split_noniid(struct data *data)
{
	struct stream stream = stream_of(data->seed, 1002);
	int parts[PARTS], each = GLYPHS_TRAIN / GLYPH_CLASSES;
	for (int i = 0; i < PARTS; i++)
		parts[i] = i;
	stream_shuffle(&stream, parts, PARTS);
	for (int i = 0; i < GLYPHS_TRAIN; i++) {
		int sorted = parts[i / PART] * PART + i % PART;
		data->rows[SPLIT_NONIID][i] = sorted % each * GLYPH_CLASSES + sorted / each;
	}
}

struct data *data_new(uint64_t seed)
{
	struct data *data = malloc(sizeof *data);
	struct glyphs *glyphs = glyphs_new();
	if (!data || !glyphs) {
		free(data);
		free(glyphs);
		return NULL;
	}
	data->glyphs = glyphs;
	data->seed = seed;
	split_iid(data);
	split_noniid(data);
	return data;
}

void data_free(struct data *data)
{
	if (data)
		free(data->glyphs);
	free(data);
}

void data_choose(struct stream *stream, int32_t ids[CHOSEN])
{
	int all[CLIENTS], chosen[CLIENTS] = { 0 }, count = 0;
	for (int i = 0; i < CLIENTS; i++)
		all[i] = i;
	stream_shuffle(stream, all, CLIENTS);
	for (int i = 0; i < CHOSEN; i++)
		chosen[all[i]] = 1;
	for (int id = 0; id < CLIENTS; id++)
		if (chosen[id])
			ids[count++] = id;
}

void data_train(const struct data *data, int split, int first, int count, const struct local *how, struct stream *order, float *weights)
{
	int rows[GLYPHS_TRAIN];
	float gradient[PARAMETERS];
	memcpy(rows, data->rows[split] + first, (size_t)count * sizeof *rows);
	for (int64_t epoch = 0; epoch < how->epochs; epoch++) {
		stream_shuffle(order, rows, count);
		for (int at = 0, batch; at < count; at += batch) {
			batch = how->batch < count - at ? (int)how->batch : count - at;
			memset(gradient, 0, sizeof gradient);
			mlp32_gradient(weights, HIDDEN, data->glyphs, rows + at, batch, gradient);
			mlp32_step(weights, HIDDEN, how->lr / batch, gradient);
		}
	}
}

void data_clip(const float *from, float *weights, double clip)
{
	double length = 0;
	for (int i = 0; i < PARAMETERS; i++)
		length += pow((double)weights[i] - (double)from[i], 2);
	length = sqrt(length);
	for (int i = 0; clip > 0 && length > clip && i < PARAMETERS; i++)
		weights[i] = (float)((double)from[i] + ((double)weights[i] - (double)from[i]) * clip / length);
}

/* 100 of them stay within 32 bits. */
void data_to_fixed(const float *weights, int32_t *fixed)
{
	for (int i = 0; i < PARAMETERS; i++)
		fixed[i] = (int32_t)lround(fmin(fmax((double)weights[i], -20), 20) * FIXED_ONE);
}

void data_from_sum(const int32_t *sum, int64_t count, float *weights)
{
	for (int i = 0; i < PARAMETERS; i++)
		weights[i] = (float)(sum[i] / (FIXED_ONE * (double)count));
}
