/* SPDX-License-Identifier: MIT */
#include "network.h"

#include <math.h>
#include <string.h>

static float normal(lpad_rng *rng, double deviation)
{
	double a = lpad_random_real(rng), b = lpad_random_real(rng);
	return (float)(deviation * sqrt(-2 * log(a)) * cos(2 * 3.14159265358979323846 * b));
}

static void fill(float *weights, int count, lpad_rng *rng, double deviation)
{
	for (int i = 0; i < count; i++)
		weights[i] = normal(rng, deviation);
}

void network_init(struct network *network, lpad_rng *rng)
{
	memset(network, 0, sizeof *network);
	fill(network->first[0], OBSERVATION * HIDDEN, rng, sqrt(2.0 / OBSERVATION));
	fill(network->second[0], HIDDEN * HIDDEN, rng, sqrt(2.0 / HIDDEN));
	fill(network->last[0], ACTIONS * HIDDEN, rng, 0.1 * sqrt(2.0 / HIDDEN));
}

/* out = bias + inputs . weights; ROW units at a time, whose sums stay in registers. */
enum { ROW = 32 };

static void layer(const float (*weights)[HIDDEN], const float *bias, const float *inputs, int count, float *out)
{
	for (int from = 0; from < HIDDEN; from += ROW) {
		float sum[ROW];
		for (int unit = 0; unit < ROW; unit++)
			sum[unit] = bias[from + unit];
		for (int i = 0; i < count; i++)
			for (int unit = 0; unit < ROW; unit++)
				sum[unit] += inputs[i] * weights[i][from + unit];
		for (int unit = 0; unit < ROW; unit++)
			out[from + unit] = sum[unit];
	}
}

static void rectify(float *units)
{
	for (int unit = 0; unit < HIDDEN; unit++)
		units[unit] = units[unit] > 0 ? units[unit] : 0;
}

/* In LANES sums side by side. */
enum { LANES = 8 };

static float dot(const float *a, const float *b)
{
	float lanes[LANES] = { 0 }, sum = 0;
	for (int from = 0; from < HIDDEN; from += LANES)
		for (int lane = 0; lane < LANES; lane++)
			lanes[lane] += a[from + lane] * b[from + lane];
	for (int lane = 0; lane < LANES; lane++)
		sum += lanes[lane];
	return sum;
}

void network_pass(const struct network *network, const float *observation, struct activity *out)
{
	layer(network->first, network->first_bias, observation, OBSERVATION, out->first);
	rectify(out->first);
	layer(network->second, network->second_bias, out->first, HIDDEN, out->second);
	rectify(out->second);
	for (int action = 0; action < ACTIONS; action++)
		out->value[action] = network->last_bias[action] + dot(network->last[action], out->second);
}

int network_best(const struct network *network, const float *observation)
{
	struct activity activity;
	network_pass(network, observation, &activity);
	return activity.value[1] > activity.value[0];
}

void network_turn(const struct network *network, float turned[HIDDEN][HIDDEN])
{
	for (int i = 0; i < HIDDEN; i++)
		for (int j = 0; j < HIDDEN; j++)
			turned[j][i] = network->second[i][j];
}

static void add(float *sum, float factor, const float *row)
{
	for (int unit = 0; unit < HIDDEN; unit++)
		sum[unit] += factor * row[unit];
}

/* What does not fire has no part in it. */
static void mask(float *error, const float *units)
{
	for (int unit = 0; unit < HIDDEN; unit++)
		error[unit] = units[unit] > 0 ? error[unit] : 0;
}

void network_gradient(const struct network *network, const float turned[HIDDEN][HIDDEN], const float *observation,
	const struct activity *activity, int action, float error, struct network *sum)
{
	static const float nothing[HIDDEN];
	float second[HIDDEN] = { 0 }, first[HIDDEN];
	add(sum->last[action], error, activity->second);
	sum->last_bias[action] += error;
	add(second, error, network->last[action]);
	mask(second, activity->second);
	add(sum->second_bias, 1, second);
	for (int i = 0; i < HIDDEN; i++)
		add(sum->second[i], activity->first[i], second);
	layer(turned, nothing, second, HIDDEN, first);
	mask(first, activity->first);
	add(sum->first_bias, 1, first);
	for (int i = 0; i < OBSERVATION; i++)
		add(sum->first[i], observation[i], first);
}
