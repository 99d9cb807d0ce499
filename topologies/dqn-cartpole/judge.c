/* SPDX-License-Identifier: MIT */
#include "judge.h"

#include <inttypes.h>
#include <stdio.h>

#include "player.h"

enum { FEW = 10, MANY = 100 };
static const double most = CARTPOLE_LONGEST, slack = 15;       /* by so much fresh episodes may be worse */

static bool chosen(const struct network *network, const struct cartpole *game, lpad_rng *rng)
{
	float observation[OBSERVATION];
	if (!network)
		return lpad_random_below(rng, ACTIONS);
	player_observe(game, observation);
	return network_best(network, observation);
}

double judge_mean(const struct network *network, lpad_rng *starts, int episodes)
{
	double sum = 0;
	for (int i = 0; i < episodes; i++) {
		struct cartpole game;
		cartpole_start(&game, starts);
		while (cartpole_step(&game, chosen(network, &game, starts)) == CARTPOLE_GOES_ON)
			;
		sum += game.steps;
	}
	return episodes ? sum / episodes : 0;
}

struct verdict judge_policy(const struct network *network, double goal, lpad_rng *few, lpad_rng *many)
{
	struct verdict verdict = { .goal = goal, .few = judge_mean(network, few, FEW) };
	if (verdict.few >= goal)
		verdict.many = judge_mean(network, many, MANY);
	verdict.solved = verdict.many >= goal;
	return verdict;
}

void judge_head(void)
{
	printf("%11s %13s %8s %9s %9s %8s %8s\n", "actor steps", "learner steps", "inserts", "samples", "error", "few", "many");
	fflush(stdout);
}

void judge_row(const struct standing *standing, const struct verdict *verdict)
{
	printf("%11" PRId64 " %13" PRId64 " %8" PRId64 " %9" PRId64 " %9.0f %8.1f", standing->actor_steps, standing->learner_steps,
		standing->inserts, standing->samples, standing->error, verdict->few);
	if (verdict->many > 0)
		printf(" %8.1f", verdict->many);
	putchar('\n');
	fflush(stdout);
}

/* The limiter lets the ratio drift by its buffer, which counts for less the longer a run is. A little more, since a learner that is
   never held back ends on the very bound. */
static void check_ratio(struct checks *checks, const struct standing *standing)
{
	double buffer = standing->error_buffer, inserts = (double)standing->inserts - standing->min_size;
	checks_least(checks, "limiter_error_min", standing->error_min, -buffer);
	checks_most(checks, "limiter_error_max", standing->error_max, buffer);
	checks_near(checks, "samples_per_insert", (double)standing->samples / inserts, standing->samples_per_insert,
		buffer / inserts * (1 + 1e-9));
}

bool judge_solved(struct checks *checks, const struct verdict *verdict)
{
	return checks_near(checks, "solved", verdict->many, most, most - verdict->goal);
}

void judge_checks(struct checks *checks, const struct standing *standing, const struct verdict *verdict, int64_t max_steps, double fresh)
{
	judge_solved(checks, verdict);
	checks_most(checks, "actor_steps", (double)standing->actor_steps, (double)max_steps);
	check_ratio(checks, standing);
	if (fresh > 0)
		checks_near(checks, "fresh_episodes", fresh, most, most - verdict->goal + slack);
}
