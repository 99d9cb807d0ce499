/* SPDX-License-Identifier: MIT */
/* The actor's half of DQN: plays CartPole, mostly as the network says, and hands out transitions. Knows nothing of where they go. */
#ifndef PLAYER_H
#define PLAYER_H

#include <lpad/nstep.h>

#include "../common/cartpole.h"
#include "network.h"

/* Who made it, and the how many-th of that life: no other transition has the same. */
enum identity { ID_ACTOR, ID_INCARNATION, ID_NUMBER, IDENTITY };

struct transition {
	float observation[OBSERVATION];
	int64_t action;
	float reward, discount;
	float next_observation[OBSERVATION];
	int64_t id[IDENTITY];
};

/* What 0 does not say is the code with which the player's step ends. */
typedef int (*player_put)(void *context, const struct transition *transition);

struct player {
	double epsilon;
	struct network network;
	struct cartpole game;
	lpad_rng choices, starts;
	lpad_nstep *adder;
	player_put put;
	void *context;
	bool playing;
	int64_t id[IDENTITY];
	int64_t steps, episodes;
	int score;                      /* of the last whole episode */
};

int player_init(struct player *player, lpad_node *node, double epsilon, int64_t n_step, player_put put, void *context);
void player_release(struct player *player);
/* One step of the game; an episode begins where there is none. */
int player_step(struct player *player);

/* A game's state as the network sees it. */
static inline void player_observe(const struct cartpole *game, float *observation)
{
	for (int i = 0; i < OBSERVATION; i++)
		observation[i] = (float)game->state[i];
}

#endif
