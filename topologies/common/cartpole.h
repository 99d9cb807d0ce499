/* SPDX-License-Identifier: MIT */
/* CartPole-v1: a pole on a cart that is pushed left or right. Reward 1 per step; knows nothing of lpad but its generator. */
#ifndef CARTPOLE_H
#define CARTPOLE_H

#include <lpad/node.h>

enum { CARTPOLE_STATE = 4, CARTPOLE_LONGEST = 500 };

/* How a step ends: FELL is an end that the game knows, LONGEST one that it does not; what would have come then still counts. */
enum cartpole_end { CARTPOLE_GOES_ON, CARTPOLE_FELL, CARTPOLE_TOO_LONG };

struct cartpole {
	double state[CARTPOLE_STATE];   /* place, its speed, angle, its speed */
	int steps;                      /* of this episode: also its return so far */
};

/* A new episode from a random start. */
void cartpole_start(struct cartpole *game, lpad_rng *rng);
enum cartpole_end cartpole_step(struct cartpole *game, bool right);

#endif
