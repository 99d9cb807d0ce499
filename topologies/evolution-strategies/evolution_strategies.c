/* SPDX-License-Identifier: MIT */
/*
 * Evolution strategies: the evolver tries the weights plus and minus a random direction, in many directions at once, and goes
 * where the scores are better. Only the seeds of the directions and the scores travel: both sides make the same numbers.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <lpad/node.h>

#include "../common/cartpole.h"

/* A linear policy: push right if bias + weights . state > 0. */
enum { WEIGHTS = CARTPOLE_STATE + 1 };

static double normal(lpad_rng *rng)
{
	double a = lpad_random_real(rng), b = lpad_random_real(rng);
	return sqrt(-2 * log(a)) * cos(2 * 3.14159265358979323846 * b);
}

/* What is tried, and what came of it. */
struct pair {
	double weights[WEIGHTS], sigma;
	uint64_t seed;
};
struct scores {
	double plus, minus;
	int64_t episodes;       /* that were played for it */
};

static void direction(lpad_rng *rng, double *out)
{
	for (int i = 0; i < WEIGHTS; i++)
		out[i] = normal(rng);
}

/* ---- evaluator: its answer depends on the request alone, so that any may be asked, and asked again ---- */

static bool goes_right(const double *weights, const double *state)
{
	double sum = weights[CARTPOLE_STATE];
	for (int i = 0; i < CARTPOLE_STATE; i++)
		sum += weights[i] * state[i];
	return sum > 0;
}

/* One episode from a random start: its return. */
static int play_once(const double *weights, lpad_rng *rng)
{
	struct cartpole game;
	cartpole_start(&game, rng);
	while (cartpole_step(&game, goes_right(weights, game.state)) == CARTPOLE_GOES_ON)
		;
	return game.steps;
}

static double play(const struct pair *pair, const double *towards, double sign, lpad_rng rng, int64_t *episodes)
{
	double weights[WEIGHTS];
	for (int i = 0; i < WEIGHTS; i++)
		weights[i] = pair->weights[i] + sign * pair->sigma * towards[i];
	++*episodes;
	return play_once(weights, &rng);
}

static int evaluate(lpad_node *node, lpad_call *call)
{
	const struct pair *pair = lpad_body(lpad_request(call), sizeof *pair);
	struct scores scores = { 0 };
	(void)node;
	if (!pair)
		return LPAD_EINVALID;
	double towards[WEIGHTS];
	lpad_rng rng = { pair->seed };
	direction(&rng, towards);
	scores.plus = play(pair, towards, 1, rng, &scores.episodes);
	scores.minus = play(pair, towards, -1, rng, &scores.episodes);         /* from the same start */
	return lpad_answer(call, lpad_bytes(&scores, sizeof scores));
}

/* ---- evolver ---- */

enum { MOST_PAIRS = 1024, TESTS = 100 };

static const double solved = 475;       /* mean return of TESTS episodes */

struct evolver {
	int64_t pairs, generations;
	double sigma, lr;
	lpad_handle *evaluators;
	double weights[WEIGHTS];
	lpad_rng seeds, tests;
	struct pair asked[MOST_PAIRS];
	struct scores scores[MOST_PAIRS];
	int64_t episodes;       /* of this generation */
};

static int evaluate_all(struct evolver *me)
{
	int count = (int)me->pairs, code = 0;
	lpad_future *futures[MOST_PAIRS];
	for (int i = 0; i < count; i++) {
		struct pair *pair = &me->asked[i];
		*pair = (struct pair){ .sigma = me->sigma, .seed = lpad_random_bits(&me->seeds) };
		for (int j = 0; j < WEIGHTS; j++)
			pair->weights[j] = me->weights[j];
		futures[i] = lpad_start(me->evaluators, i % lpad_count(me->evaluators), "evaluate",
			lpad_bytes(pair, sizeof *pair), lpad_default());
	}
	for (int i = 0; i < count; i++) {
		lpad_message *reply = NULL;
		if (code) {
			lpad_cancel(futures[i]);
			continue;
		}
		code = lpad_wait(futures[i], &reply);
		const struct scores *scores = code ? NULL : lpad_body(reply, sizeof *scores);
		if (scores)
			me->scores[i] = *scores;
		else if (!code)
			code = LPAD_EBROKEN;
		lpad_free(reply);
	}
	return code;
}

/* Of the whole population: the mean and the standard deviation of its scores. */
static void population(struct evolver *me, double *mean, double *deviation)
{
	double sum = 0, squares = 0, count = 2 * (double)me->pairs;
	me->episodes = 0;
	for (int64_t i = 0; i < me->pairs; i++) {
		const struct scores *scores = &me->scores[i];
		sum += scores->plus + scores->minus;
		squares += scores->plus * scores->plus + scores->minus * scores->minus;
		me->episodes += scores->episodes;
	}
	*mean = sum / count;
	*deviation = sqrt(fmax(squares / count - *mean * *mean, 0));
}

/* In the order of the pairs, so that the sum does not depend on who was first. */
static void climb(struct evolver *me, double deviation)
{
	double scale = me->lr / (2 * (double)me->pairs * me->sigma * deviation);
	for (int64_t i = 0; deviation > 0 && i < me->pairs; i++) {
		double towards[WEIGHTS];
		lpad_rng rng = { me->asked[i].seed };
		direction(&rng, towards);
		for (int j = 0; j < WEIGHTS; j++)
			me->weights[j] += scale * (me->scores[i].plus - me->scores[i].minus) * towards[j];
	}
}

static double test(struct evolver *me)
{
	double sum = 0;
	for (int i = 0; i < TESTS; i++)
		sum += play_once(me->weights, &me->tests);
	return sum / TESTS;
}

static bool check(const char *name, double measured, double expected, double tolerance)
{
	bool pass = fabs(measured - expected) <= tolerance;
	printf("CHECK %s %.6g %.6g %g %s\n", name, measured, expected, tolerance, pass ? "PASS" : "FAIL");
	return pass;
}

/* The exit code. */
static int judge(const struct evolver *me, int64_t generations, int64_t episodes, double score)
{
	bool pass = check("episodes", (double)episodes, (double)(2 * me->pairs * generations), 0);
	pass = check("generations", (double)generations, 0, (double)me->generations) && pass;
	pass = check("solved", score >= solved, 1, 0) && pass;
	return pass ? 0 : 1;
}

static int evolve(lpad_node *node)
{
	struct evolver *me = lpad_state(node);
	double mean, deviation, score = 0;
	int64_t generation = 0, episodes = 0;
	me->seeds = lpad_random(node, "pairs");
	me->tests = lpad_random(node, "tests");
	printf("%10s %9s %9s %9s\n", "generation", "episodes", "mean", "test");
	while (generation < me->generations && score < solved) {
		int code = evaluate_all(me);
		if (code)
			return code;
		population(me, &mean, &deviation);
		climb(me, deviation);
		score = test(me);
		episodes += me->episodes;
		printf("%10" PRId64 " %9" PRId64 " %9.3f %9.3f\n", ++generation, me->episodes, mean, score);
		lpad_report(node, "return", score, generation);
	}
	printf("weights");
	for (int i = 0; i < WEIGHTS; i++)
		printf(" %.17g", me->weights[i]);
	putchar('\n');
	return judge(me, generation, episodes, score);
}

/* ---- what the two declare ---- */

static const lpad_method evaluator_methods[] = {
	LPAD_METHOD(evaluate, "plays both sides of a pair", .idempotent = true),
	LPAD_END
};
static const lpad_param evolver_params[] = {
	LPAD_INT(struct evolver, pairs, "16", "1..1024", "directions of a generation"),
	LPAD_INT(struct evolver, generations, "20", "1..", "at most"),
	LPAD_REAL(struct evolver, sigma, "0.5", "0.001..", "how far from the weights the policies are that it tries"),
	LPAD_REAL(struct evolver, lr, "0.5", "0..", "size of a step"),
	LPAD_END
};
static const lpad_handle_decl evolver_handles[] = {
	LPAD_HANDLE(struct evolver, evaluators, LPAD_MANY, "evaluate", "who plays"),
	LPAD_END
};

LPAD_MODULE(
	{ .name = "evaluator", .help = "plays CartPole", .methods = evaluator_methods },
	{ .name = "evolver", .help = "improves a policy", .state = sizeof(struct evolver), .params = evolver_params,
	  .handles = evolver_handles, .run = evolve });
