/* SPDX-License-Identifier: MIT */
/* When a policy is good: the evaluator's rule, and what a run must show at its end. */
#ifndef JUDGE_H
#define JUDGE_H

#include "../common/checks.h"
#include "network.h"

/* Mean return of so many episodes; without a network: of actions drawn at random. */
double judge_mean(const struct network *network, lpad_rng *starts, int episodes);

/* Greedy: a few episodes, and if these reach the goal, many others; if these do as well, it is solved. */
struct verdict {
	double goal;
	double few, many;       /* mean returns; many: 0 if it did not come to that */
	bool solved;
};
struct verdict judge_policy(const struct network *network, double goal, lpad_rng *few, lpad_rng *many);

/* How far a run is. */
struct standing {
	int64_t actor_steps, learner_steps, inserts, samples;
	double error, error_min, error_max;                     /* the limiter's, now and at any event since there were min_size items */
	double samples_per_insert, error_buffer, min_size;
};
void judge_head(void);
void judge_row(const struct standing *standing, const struct verdict *verdict);

bool judge_solved(struct checks *checks, const struct verdict *verdict);
/* All CHECK lines; `fresh` is the mean return of episodes that had no part in the verdict, 0: there were none. */
void judge_checks(struct checks *checks, const struct standing *standing, const struct verdict *verdict, int64_t max_steps, double fresh);

#endif
