/* SPDX-License-Identifier: MIT */
/*
 * lpad/nstep.h - transitions over n steps, from the steps of an actor (Sutton 1988; as in Acme's n-step adder). Pure: for actors,
 * and for programs that have no lpad around them. lpad/replay.h includes it. In prose: lpad-replay(3).
 *
 *     lpad_nstep *adder = lpad_nstep_new(10, 0.99, sizeof observation, sizeof action, emit, context);
 *     lpad_nstep_first(adder, observation);                                  at the start of an episode
 *     lpad_nstep_step(adder, &action, reward, LPAD_GOES_ON, observation);    for each step: what it led to
 *
 * The transition of m steps from step t on, with m = n but near the end of an episode, where it is what is left:
 *
 *     observation(t), action(t), r(t) + gamma r(t+1) + ... + gamma^(m-1) r(t+m-1), gamma^m, observation(t+m)
 *
 * Its discount is 0 instead of gamma^m if the episode ended there for good (LPAD_TERMINAL), not if it was only cut off
 * (LPAD_TRUNCATED). Every step is the first of one transition; they are emitted in order, as soon as they are complete.
 * One thread at a time.
 */
#ifndef LPAD_NSTEP_H
#define LPAD_NSTEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

enum lpad_ending { LPAD_GOES_ON = 0, LPAD_TERMINAL, LPAD_TRUNCATED };

/* What it points at is borrowed: it is there until emit returns. */
typedef struct lpad_transition {
	const void *observation, *action;
	double reward, discount;
	const void *next_observation;
	int steps;                      /* m */
} lpad_transition;

typedef int (*lpad_emit)(void *context, const lpad_transition *transition);

typedef struct lpad_nstep {
	int n;
	double gamma;
	size_t observation_size, action_size;
	lpad_emit emit;
	void *context;
	int first, count;               /* steps in the rings, from this place on */
	unsigned char *observations;    /* a ring of n + 1: one more than steps */
	unsigned char *actions;         /* rings of n + 1 too, so that places are the same */
	double *rewards;
} lpad_nstep;

static inline void lpad_nstep_free(lpad_nstep *adder)   /* NULL is fine */
{
	if (!adder)
		return;
	free(adder->observations);
	free(adder->actions);
	free(adder->rewards);
	free(adder);
}

/* Sizes in bytes; observations and actions are copied. NULL: n is below 1, or there is no memory. */
static inline lpad_nstep *lpad_nstep_new(int n, double gamma, size_t observation, size_t action, lpad_emit emit, void *context)
{
	lpad_nstep *adder = n < 1 ? NULL : (lpad_nstep *)calloc(1, sizeof *adder);
	if (!adder)
		return NULL;
	adder->n = n;
	adder->gamma = gamma;
	adder->observation_size = observation;
	adder->action_size = action;
	adder->emit = emit;
	adder->context = context;
	adder->count = -1;
	adder->observations = (unsigned char *)calloc((size_t)n + 1, observation ? observation : 1);
	adder->actions = (unsigned char *)calloc((size_t)n + 1, action ? action : 1);
	adder->rewards = (double *)calloc((size_t)n + 1, sizeof *adder->rewards);
	if (adder->observations && adder->actions && adder->rewards)
		return adder;
	lpad_nstep_free(adder);
	return NULL;
}

/* Place in the rings of the step that is `ahead` steps after the first. */
static inline size_t lpad_nstep_place_(const lpad_nstep *adder, int ahead)
{
	return (size_t)((adder->first + ahead) % (adder->n + 1));
}

/* The transition from the first step on, over all steps there are; then that step is done with. */
static inline int lpad_nstep_emit_(lpad_nstep *adder, bool terminal)
{
	lpad_transition transition;
	transition.observation = adder->observations + lpad_nstep_place_(adder, 0) * adder->observation_size;
	transition.action = adder->actions + lpad_nstep_place_(adder, 0) * adder->action_size;
	transition.next_observation = adder->observations + lpad_nstep_place_(adder, adder->count) * adder->observation_size;
	transition.reward = 0;
	transition.discount = 1;
	transition.steps = adder->count;
	for (int i = adder->count; i-- > 0; transition.discount *= adder->gamma)
		transition.reward = adder->rewards[lpad_nstep_place_(adder, i)] + adder->gamma * transition.reward;
	if (terminal)
		transition.discount = 0;
	adder->first = (int)lpad_nstep_place_(adder, 1);
	adder->count--;
	return adder->emit(adder->context, &transition);
}

/* An episode begins. One that was not ended is given up: its last steps, of which no transition was emitted yet, are dropped. */
static inline void lpad_nstep_first(lpad_nstep *adder, const void *observation)
{
	adder->first = adder->count = 0;
	if (adder->observation_size)
		memcpy(adder->observations, observation, adder->observation_size);
}

/*
 * A step: what was done, what it gave, and what was seen then. After the last one of an episode comes lpad_nstep_first.
 * 0, or the first result of `emit` that is not 0: later transitions are emitted all the same, each once. -5 (LPAD_EINVALID):
 * no episode has begun.
 */
static inline int lpad_nstep_step(lpad_nstep *adder, const void *action, double reward, enum lpad_ending ending, const void *observation)
{
	int first = 0;
	if (adder->count < 0)
		return -5;
	size_t at = lpad_nstep_place_(adder, adder->count++), next = lpad_nstep_place_(adder, adder->count);
	if (adder->action_size)
		memcpy(adder->actions + at * adder->action_size, action, adder->action_size);
	adder->rewards[at] = reward;
	if (adder->observation_size)
		memcpy(adder->observations + next * adder->observation_size, observation, adder->observation_size);
	while (adder->count == adder->n || (ending && adder->count)) {
		int code = lpad_nstep_emit_(adder, ending == LPAD_TERMINAL);
		first = first ? first : code;
	}
	if (ending)
		adder->count = -1;
	return first;
}

#ifdef __cplusplus
}
#endif
#endif
