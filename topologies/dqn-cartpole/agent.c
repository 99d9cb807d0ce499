/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <math.h>
#include <string.h>

static const double mean_decay = 0.9, square_decay = 0.999, floor_ = 1e-8;      /* Adam's, as published */

void agent_init(struct agent *agent, lpad_rng *rng)
{
	network_init(&agent->online, rng);
	agent->target = agent->online;
	memset(&agent->mean, 0, sizeof agent->mean);
	memset(&agent->square, 0, sizeof agent->square);
	agent->steps = 0;
}

/* Double: one network chooses the next action, the other one values it. */
static float aim(const struct agent *agent, const struct batch *batch, int row)
{
	struct activity next;
	if (batch->discount[row] == 0)
		return batch->reward[row];
	network_pass(&agent->target, batch->next_observation[row], &next);
	return batch->reward[row] + batch->discount[row] * next.value[network_best(&agent->online, batch->next_observation[row])];
}

static double huber(float error)
{
	double size = fabs(error);
	return size < 1 ? size * size / 2 : size - 0.5;
}

static double gradient(const struct agent *agent, const struct batch *batch, struct network *sum)
{
	float turned[HIDDEN][HIDDEN];
	double loss = 0;
	network_turn(&agent->online, turned);
	for (int row = 0; row < batch->count; row++) {
		struct activity activity;
		int action = batch->action[row] != 0;
		network_pass(&agent->online, batch->observation[row], &activity);
		float error = activity.value[action] - aim(agent, batch, row);
		loss += huber(error);
		network_gradient(&agent->online, turned, batch->observation[row], &activity, action,
			fminf(fmaxf(error, -1), 1) / (float)batch->count, sum);
	}
	return loss / batch->count;
}

static void adam(struct agent *agent, const float *gradient)
{
	float *online = (float *)&agent->online, *mean = (float *)&agent->mean, *square = (float *)&agent->square;
	float keep = mean_decay, keep_square = square_decay, tiny = floor_;
	float rate = (float)(agent->lr / (1 - pow(mean_decay, (double)agent->steps)));
	float scale = (float)(1 / sqrt(1 - pow(square_decay, (double)agent->steps)));
	for (int i = 0; i < PARAMETERS; i++) {
		mean[i] = keep * mean[i] + (1 - keep) * gradient[i];
		square[i] = keep_square * square[i] + (1 - keep_square) * gradient[i] * gradient[i];
		online[i] -= rate * mean[i] / (scale * sqrtf(square[i]) + tiny);
	}
}

double agent_learn(struct agent *agent, const struct batch *batch)
{
	struct network sum;
	memset(&sum, 0, sizeof sum);
	double loss = gradient(agent, batch, &sum);
	agent->steps++;
	adam(agent, (const float *)&sum);
	if (agent->steps % agent->target_every == 0)
		agent->target = agent->online;
	return loss;
}
