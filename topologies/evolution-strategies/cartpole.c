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

static bool goes_right(const double *weights, const double *state)
{
	double sum = weights[STATE];
	for (int i = 0; i < STATE; i++)
		sum += weights[i] * state[i];
	return sum > 0;
}

int cartpole_play(const double *weights, lpad_rng *rng)
{
	double state[STATE];
	for (int i = 0; i < STATE; i++)
		state[i] = 0.1 * lpad_random_real(rng) - 0.05;
	for (int steps = 1; steps < LONGEST; steps++) {
		move(state, goes_right(weights, state));
		if (fabs(state[X]) > widest || fabs(state[ANGLE]) > steepest)
			return steps;
	}
	return LONGEST;
}
