/* SPDX-License-Identifier: MIT */
/* The values of both actions, by 4-64-64-2 rectified units; 4610 parameters. Plain loops: at this size no library is faster. */
#ifndef NETWORK_H
#define NETWORK_H

#include <lpad/node.h>

enum { OBSERVATION = 4, HIDDEN = 64, ACTIONS = 2 };

/* Floats and nothing else, so that it travels as one tensor. Rows of HIDDEN are what the loops run over. */
struct network {
	float first[OBSERVATION][HIDDEN], first_bias[HIDDEN];
	float second[HIDDEN][HIDDEN], second_bias[HIDDEN];
	float last[ACTIONS][HIDDEN], last_bias[ACTIONS];
};

enum { PARAMETERS = sizeof(struct network) / sizeof(float) };

/* What a pass leaves behind for the gradient. */
struct activity {
	float first[HIDDEN], second[HIDDEN], value[ACTIONS];
};

/* The last layer is small, so that all values begin near zero. */
void network_init(struct network *network, lpad_rng *rng);
void network_pass(const struct network *network, const float *observation, struct activity *out);
int network_best(const struct network *network, const float *observation);      /* the action of most value */

/* Adds the gradient of error * (the value of that action) to `sum`. `turned` is network's second layer, columns as rows. */
void network_turn(const struct network *network, float turned[HIDDEN][HIDDEN]);
void network_gradient(const struct network *network, const float turned[HIDDEN][HIDDEN], const float *observation,
	const struct activity *activity, int action, float error, struct network *sum);

#endif
