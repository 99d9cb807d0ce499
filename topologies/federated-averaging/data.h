/* SPDX-License-Identifier: MIT */
/* The 100 clients' data and what each does with it. Knows nothing of lpad. */
#ifndef DATA_H
#define DATA_H

#include <stdint.h>

#include "../common/mlp.h"

enum { CLIENTS = 100, ROWS = GLYPHS_TRAIN / CLIENTS, CHOSEN = 10, HIDDEN = 32,
	PARAMETERS = (GLYPH_PIXELS + 1) * HIDDEN + (HIDDEN + 1) * GLYPH_CLASSES };

enum split { SPLIT_IID, SPLIT_NONIID };
#define SPLITS "iid noniid"

/* Each split's rows, client by client. Non-IID (McMahan et al. 2017, section 3): sorted by digit, in 200 parts, two for each. */
struct data {
	struct glyphs *glyphs;
	uint64_t seed;
	int rows[2][GLYPHS_TRAIN];
};

struct local {
	int64_t epochs, batch;
	double lr;
};

/* NULL: out of memory. */
struct data *data_new(uint64_t seed);
void data_free(struct data *data);

/* Different clients for a round, in ascending order. */
void data_choose(struct stream *stream, int32_t ids[CHOSEN]);

/* So many epochs over rows of a split, in an order drawn anew for each from the stream; weights in place. */
void data_train(const struct data *data, int split, int first, int count, const struct local *how, struct stream *order, float *weights);

/* Weights whose distance from `from` is over `clip` are moved to it, in their direction; clip 0: never. */
void data_clip(const float *from, float *weights, double clip);

/* Fixed point, in which sums do not depend on their order. */
#define FIXED_ONE 1048576.0
void data_to_fixed(const float *weights, int32_t *fixed);
void data_from_sum(const int32_t *sum, int64_t count, float *weights);

#endif
