/* SPDX-License-Identifier: MIT */
/* The learner's half of DQN: double, n-step, Huber's loss, Adam. Knows nothing of where its batches come from. */
#ifndef AGENT_H
#define AGENT_H

#include "network.h"

/* Transitions, one per row: what was seen, done, got, and seen n steps later. */
struct batch {
	int count;
	const float (*observation)[OBSERVATION];
	const int64_t *action;
	const float *reward, *discount;
	const float (*next_observation)[OBSERVATION];
};

struct agent {
	struct network online, target, mean, square;    /* the last two are Adam's */
	int64_t steps, target_every;
	double lr;
};

void agent_init(struct agent *agent, lpad_rng *rng);
double agent_learn(struct agent *agent, const struct batch *batch);      /* the loss */

#endif
