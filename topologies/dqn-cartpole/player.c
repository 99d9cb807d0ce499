/* SPDX-License-Identifier: MIT */
#include "player.h"

#include <string.h>

static const double gamma_ = 0.99;

static int emit(void *context, const lpad_transition *from)
{
	struct player *player = context;
	struct transition transition = { .reward = (float)from->reward, .discount = (float)from->discount };
	memcpy(transition.observation, from->observation, sizeof transition.observation);
	memcpy(&transition.action, from->action, sizeof transition.action);
	memcpy(transition.next_observation, from->next_observation, sizeof transition.next_observation);
	memcpy(transition.id, player->id, sizeof transition.id);
	player->id[ID_NUMBER]++;
	return player->put(player->context, &transition);
}

int player_init(struct player *player, lpad_node *node, double epsilon, int64_t n_step, player_put put, void *context)
{
	player->epsilon = epsilon;
	player->choices = lpad_random(node, "choices");
	player->starts = lpad_random(node, "starts");
	player->put = put;
	player->context = context;
	player->id[ID_ACTOR] = lpad_index(node);
	player->id[ID_INCARNATION] = lpad_incarnation(node);
	player->adder = lpad_nstep_new((int)n_step, gamma_, sizeof(float[OBSERVATION]), sizeof(int64_t), emit, player);
	return player->adder ? 0 : lpad_fail(node, "no memory for %d steps", (int)n_step);
}

void player_release(struct player *player)
{
	lpad_nstep_free(player->adder);
}

static int64_t choose(struct player *player, const float *observation)
{
	if (lpad_random_real(&player->choices) < player->epsilon)
		return (int64_t)lpad_random_below(&player->choices, ACTIONS);
	return network_best(&player->network, observation);
}

static void begin(struct player *player, float *observation)
{
	cartpole_start(&player->game, &player->starts);
	player_observe(&player->game, observation);
	lpad_nstep_first(player->adder, observation);
	player->playing = true;
}

static void end(struct player *player)
{
	player->playing = false;
	player->episodes++;
	player->score = player->game.steps;
}

int player_step(struct player *player)
{
	static const enum lpad_ending endings[] = {
		[CARTPOLE_GOES_ON] = LPAD_GOES_ON, [CARTPOLE_FELL] = LPAD_TERMINAL, [CARTPOLE_TOO_LONG] = LPAD_TRUNCATED };
	float observation[OBSERVATION];
	if (player->playing)
		player_observe(&player->game, observation);
	else
		begin(player, observation);
	int64_t action = choose(player, observation);
	enum cartpole_end how = cartpole_step(&player->game, action);
	player_observe(&player->game, observation);
	player->steps++;
	if (how)
		end(player);
	return lpad_nstep_step(player->adder, &action, 1, endings[how], observation);
}
