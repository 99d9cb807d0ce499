/* SPDX-License-Identifier: MIT */
/* CartPole-v1: a pole on a cart that is pushed left or right. Reward 1 per step; knows nothing of lpad but its generator. */
#ifndef CARTPOLE_H
#define CARTPOLE_H

#include <lpad/node.h>

/* A linear policy: push right if bias + weights . state > 0. */
enum { STATE = 4, WEIGHTS = STATE + 1, LONGEST = 500 };

/* One episode from a random start: its return, 1 .. LONGEST. */
int cartpole_play(const double *weights, lpad_rng *rng);

#endif
