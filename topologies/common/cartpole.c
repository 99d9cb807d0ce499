/* SPDX-License-Identifier: MIT */
#include "cartpole.h"

#include <math.h>

static const double gravity = 9.8, cart = 1.0, pole = 0.1, half_length = 0.5, force = 10.0, interval = 0.02;
static const double widest = 2.4, steepest = 12 * 3.14159265358979323846 / 180;

enum { X, X_SPEED, ANGLE, ANGLE_SPEED };

/* Explicit Euler: positions move with the old speeds. */
static void move(double *state, bool right)
{
	double sine = sin(state[ANGLE]), cosine = cos(state[ANGLE]), total = cart + pole, moment = pole * half_length;
	double push = ((right ? force : -force) + moment * state[ANGLE_SPEED] * state[ANGLE_SPEED] * sine) / total;
	double angle_change = (gravity * sine - cosine * push) / (half_length * (4.0 / 3.0 - pole * cosine * cosine / total));
	double change = push - moment * angle_change * cosine / total;
	state[X] += interval * state[X_SPEED];
	state[X_SPEED] += interval * change;
	state[ANGLE] += interval * state[ANGLE_SPEED];
	state[ANGLE_SPEED] += interval * angle_change;
}

void cartpole_start(struct cartpole *game, lpad_rng *rng)
{
	for (int i = 0; i < CARTPOLE_STATE; i++)
		game->state[i] = 0.1 * lpad_random_real(rng) - 0.05;
	game->steps = 0;
}

enum cartpole_end cartpole_step(struct cartpole *game, bool right)
{
	move(game->state, right);
	game->steps++;
	if (fabs(game->state[X]) > widest || fabs(game->state[ANGLE]) > steepest)
		return CARTPOLE_FELL;
	return game->steps < CARTPOLE_LONGEST ? CARTPOLE_GOES_ON : CARTPOLE_TOO_LONG;
}
