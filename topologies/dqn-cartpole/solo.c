/* SPDX-License-Identifier: MIT */
/*
 * The agent in one loop: a step of the actor, then steps of the learner as long as the limiter lets it. Actor, adder, limiter, learner
 * and verdict are the sources of the distributed form; in place of replay stands an array.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lpad/limiter.h>

#include "agent.h"
#include "judge.h"
#include "player.h"

enum { MOST_BATCH = 1024 };

struct rows {
	float observation[MOST_BATCH][OBSERVATION], next_observation[MOST_BATCH][OBSERVATION];
	float reward[MOST_BATCH], discount[MOST_BATCH];
	int64_t action[MOST_BATCH];
};

struct solo {
	int64_t max_steps, n_step, batch, target_every, evaluate_every, pull_every, fresh, max_size, min_size;
	double epsilon, lr, samples_per_insert, error_buffer, goal;

	struct player player;
	struct agent agent;
	struct transition *items;       /* a ring of max_size */
	struct rows rows;
	lpad_limiter limiter;
	lpad_rng draws, few, many;
};

/* The newest take the places of the oldest. */
static int put(void *context, const struct transition *transition)
{
	struct solo *me = context;
	me->items[me->limiter.inserts % me->max_size] = *transition;
	if (lpad_limiter_size(&me->limiter) == me->max_size)
		lpad_limiter_deleted(&me->limiter);
	lpad_limiter_inserted(&me->limiter);
	return 0;
}

static void draw(struct solo *me, int row)
{
	struct rows *rows = &me->rows;
	const struct transition *item = &me->items[lpad_random_below(&me->draws, (uint64_t)lpad_limiter_size(&me->limiter))];
	memcpy(rows->observation[row], item->observation, sizeof item->observation);
	memcpy(rows->next_observation[row], item->next_observation, sizeof item->next_observation);
	rows->action[row] = item->action;
	rows->reward[row] = item->reward;
	rows->discount[row] = item->discount;
}

static void learn(struct solo *me)
{
	const struct rows *rows = &me->rows;
	struct batch batch = { .count = (int)me->batch, .observation = rows->observation, .action = rows->action,
		.reward = rows->reward, .discount = rows->discount, .next_observation = rows->next_observation };
	for (int row = 0; row < batch.count; row++)
		draw(me, row);
	lpad_limiter_sampled(&me->limiter, batch.count);
	agent_learn(&me->agent, &batch);
}

static struct standing standing_of(const struct solo *me)
{
	const lpad_limiter *limiter = &me->limiter;
	return (struct standing){ .actor_steps = me->player.steps, .learner_steps = me->agent.steps, .inserts = limiter->inserts,
		.samples = limiter->samples, .error = lpad_limiter_error(limiter), .error_min = limiter->error_min,
		.error_max = limiter->error_max, .samples_per_insert = me->samples_per_insert, .error_buffer = me->error_buffer,
		.min_size = (double)me->min_size };
}

static struct verdict evaluate(lpad_node *node, struct solo *me)
{
	struct verdict verdict = judge_policy(&me->agent.online, me->goal, &me->few, &me->many);
	struct standing standing = standing_of(me);
	judge_row(&standing, &verdict);
	lpad_report(node, "return", verdict.few, me->player.steps);
	return verdict;
}

static struct verdict learn_while_allowed(lpad_node *node, struct solo *me)
{
	struct verdict verdict = { .goal = me->goal };
	while (!verdict.solved && lpad_limiter_can_sample(&me->limiter, me->batch)) {
		learn(me);
		if (me->agent.steps % me->evaluate_every == 0)
			verdict = evaluate(node, me);
	}
	return verdict;
}

static int loop(lpad_node *node, struct solo *me, struct verdict *verdict)
{
	int code = 0;
	while (!code && !verdict->solved && me->player.steps < me->max_steps) {
		if (me->player.steps % me->pull_every == 0)
			me->player.network = me->agent.online;
		code = lpad_stopping(node) ? LPAD_ESTOPPED : player_step(&me->player);
		if (!code)
			*verdict = learn_while_allowed(node, me);
	}
	return code;
}

static int conclude(lpad_node *node, struct solo *me, const struct verdict *verdict)
{
	lpad_rng starts = lpad_random(node, "fresh");
	struct standing standing = standing_of(me);
	struct checks checks = { 0 };
	lpad_report(node, "actor_steps", (double)me->player.steps, me->agent.steps);
	judge_checks(&checks, &standing, verdict, me->max_steps,
		verdict->solved ? judge_mean(&me->agent.online, &starts, (int)me->fresh) : 0);
	return checks_code(&checks);
}

static int run(lpad_node *node)
{
	struct solo *me = lpad_state(node);
	struct verdict verdict = { .goal = me->goal };
	judge_head();
	int code = loop(node, me, &verdict);
	return code ? code : conclude(node, me, &verdict);
}

static int init(lpad_node *node)
{
	struct solo *me = lpad_state(node);
	lpad_rng weights = lpad_random(node, "weights");
	me->agent.lr = me->lr;
	me->agent.target_every = me->target_every;
	agent_init(&me->agent, &weights);
	me->limiter = lpad_limiter_ratio(me->samples_per_insert, me->min_size, me->error_buffer);
	me->draws = lpad_random(node, "draws");
	me->few = lpad_random(node, "few");
	me->many = lpad_random(node, "many");
	me->items = calloc((size_t)me->max_size, sizeof *me->items);
	if (!me->items)
		return lpad_fail(node, "params.max_size: no memory for %lld transitions", (long long)me->max_size);
	return player_init(&me->player, node, me->epsilon, me->n_step, put, me);
}

static void fini(lpad_node *node)
{
	struct solo *me = lpad_state(node);
	player_release(&me->player);
	free(me->items);
}

static int check(lpad_node *node)
{
	const struct solo *me = lpad_state(node);
	return me->min_size <= me->max_size ? 0 : lpad_fail(node, "params.min_size: only %lld find room", (long long)me->max_size);
}

static const lpad_param params[] = {
	LPAD_INT(struct solo, max_steps, "120000", "1..", "of the actor; then it has failed"),
	LPAD_INT(struct solo, n_step, "10", "1..1000", "steps in a transition"),
	LPAD_REAL(struct solo, epsilon, "0.3", "0..1", "how often an action is drawn at random"),
	LPAD_INT(struct solo, pull_every, "100", "1..", "actor steps between two looks at the weights"),
	LPAD_INT(struct solo, batch, "64", "1..1024", "transitions in a learner step"),
	LPAD_REAL(struct solo, lr, "1e-3", "0..1", "Adam's step size"),
	LPAD_INT(struct solo, target_every, "400", "1..", "learner steps between two copies of the target network"),
	LPAD_INT(struct solo, max_size, "100000", "1..", "transitions that are kept"),
	LPAD_INT(struct solo, min_size, "1000", "1..", "transitions before the first learner step"),
	LPAD_REAL(struct solo, samples_per_insert, "32", "0.01..", "transitions sampled for each one inserted"),
	LPAD_REAL(struct solo, error_buffer, "3200", "1..", "how far the learner may be ahead or behind, in samples"),
	LPAD_INT(struct solo, evaluate_every, "500", "1..", "learner steps between two evaluations"),
	LPAD_REAL(struct solo, goal, "475", "1..500", "mean return of 10 episodes, and then of 100, that is good enough"),
	LPAD_INT(struct solo, fresh, "1000", "0..", "episodes for the last check"),
	LPAD_END
};

LPAD_MODULE({ .name = "solo", .help = "DQN on CartPole in one loop", .state = sizeof(struct solo), .params = params, .check = check,
	.init = init, .run = run, .fini = fini });
