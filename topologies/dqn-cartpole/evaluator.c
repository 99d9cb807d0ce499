/* SPDX-License-Identifier: MIT */
/* evaluator: tries the newest weights, greedily and on games of its own; prints how far the run is; ends it when it is solved. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lpad/node.h>

#include "counting.h"
#include "judge.h"
#include "weights.h"

struct evaluator {
	int64_t every, fresh, max_steps;
	double goal;
	lpad_handle *replay, *counter;
	lpad_subscription *parameters;

	lpad_rng few, many;
	struct network network;
	int64_t steps;          /* of the learner, at the last evaluation */
	double began;           /* when the first row was printed */
	int64_t inserts;        /* then */
	lpad_message *counts, *replay_status;   /* as they were asked for last */
	struct verdict verdict;
	struct checks checks;
};

/* ---- how far the run is ---- */

/* A number of the JSON of replay's status; it has one table. */
static double number_of(const struct evaluator *me, const char *name)
{
	char key[64];
	const char *text = lpad_json_text(me->replay_status);
	snprintf(key, sizeof key, "\"%s\":", name);
	const char *found = text ? strstr(text, key) : NULL;
	return found ? strtod(found + strlen(key), NULL) : NAN;
}

static int ask(lpad_handle *server, const char *method, lpad_message **out)
{
	lpad_free(*out);
	*out = NULL;
	return lpad_call_to(server, 0, method, NULL, out, lpad_default());
}

static int standing_of(struct evaluator *me, struct standing *standing)
{
	int code = ask(me->replay, "status", &me->replay_status);
	if (!code)
		code = ask(me->counter, "counts", &me->counts);
	if (code)
		return code;
	*standing = (struct standing){ .actor_steps = (int64_t)counting_sum(me->counts, "actor_steps"), .learner_steps = me->steps,
		.inserts = (int64_t)number_of(me, "inserts"), .samples = (int64_t)number_of(me, "samples"), .error = number_of(me, "error"),
		.error_min = number_of(me, "error_min"), .error_max = number_of(me, "error_max"),
		.samples_per_insert = number_of(me, "samples_per_insert"), .min_size = number_of(me, "min_size"),
		.error_buffer = (number_of(me, "max_diff") - number_of(me, "min_diff")) / 2 };
	return 0;
}

/* ---- the end ---- */

/* Who of the callers, which stand in one string between commas, waited for replay how long. */
static void print_blocked(const struct evaluator *me)
{
	int64_t any = -1;
	const double *seconds = lpad_view(me->counts, "seconds", LPAD_F64, 1, &any);
	const double *blocked = lpad_view(me->counts, "blocked", LPAD_F64, 1, &any);
	const char *caller = lpad_meta(me->counts, "callers");
	printf("\n%-12s %8s %8s\n", "", "seconds", "blocked");
	for (int i = 0; seconds && blocked && caller && *caller; i++) {
		int length = (int)strcspn(caller, ",");
		printf("%-12.*s %8.1f %7.1f%%\n", length, caller, seconds[i], 100 * blocked[i] / fmax(seconds[i], 1e-9));
		caller += length + (caller[length] == ',');
	}
	printf("inserts: %.0f calls waited, %.1f s in all; samples: %.0f calls waited, %.1f s in all\n",
		number_of(me, "inserts_waited"), number_of(me, "inserts_waited_seconds"),
		number_of(me, "samples_waited"), number_of(me, "samples_waited_seconds"));
}

static void report(lpad_node *node, const struct evaluator *me, const struct standing *standing, double fresh)
{
	double rate = (double)(standing->inserts - me->inserts) / (counting_now() - me->began);
	lpad_report(node, "actor_steps", (double)standing->actor_steps, standing->learner_steps);
	lpad_report(node, "inserts_waited", number_of(me, "inserts_waited"), standing->learner_steps);
	lpad_report(node, "samples_waited", number_of(me, "samples_waited"), standing->learner_steps);
	lpad_report(node, "fresh", fresh, standing->learner_steps);
	if (standing->inserts > me->inserts) {
		lpad_report(node, "inserts_per_second", rate, standing->learner_steps);
		printf("%.0f inserts/s\n", rate);
	}
}

static int conclude(lpad_node *node, struct evaluator *me, const struct standing *standing)
{
	lpad_rng starts = lpad_random(node, "fresh");
	double fresh = judge_mean(&me->network, &starts, (int)me->fresh);
	print_blocked(me);
	report(node, me, standing, fresh);
	judge_checks(&me->checks, standing, &me->verdict, me->max_steps, fresh);
	checks_equal(&me->checks, "inserted_twice", (int64_t)counting_sum(me->counts, "inserted_twice"), 0);
	int code = checks_code(&me->checks);
	return lpad_stop(node, code, code ? "solved, but a check failed" : "solved");
}

/* ---- the loop ---- */

/* The newest weights that are `every` learner steps further; of a learner that came back with older ones, those. */
static int next_weights(struct evaluator *me)
{
	for (int64_t before = me->steps;;) {
		lpad_message *message;
		int code = lpad_take(me->parameters, &message, lpad_never());
		if (!code)
			code = weights_read(message, &me->network, &me->steps);
		lpad_free(code == LPAD_ESTOPPED || code == LPAD_EENDED ? NULL : message);
		if (code || me->steps >= before + me->every)
			return code;
		before = me->steps < before ? me->steps : before;
	}
}

static int evaluate(lpad_node *node, struct evaluator *me)
{
	struct standing standing;
	int code = standing_of(me, &standing);
	if (code)
		return code;
	me->verdict = judge_policy(&me->network, me->goal, &me->few, &me->many);
	judge_row(&standing, &me->verdict);
	if (!me->began) {
		me->began = counting_now();
		me->inserts = standing.inserts;
	}
	lpad_report(node, "return", me->verdict.few, standing.actor_steps);
	return me->verdict.solved ? conclude(node, me, &standing) : 0;
}

static int run(lpad_node *node)
{
	struct evaluator *me = lpad_state(node);
	lpad_rng random = lpad_random(node, "random");
	int code = 0;
	printf("actions at random: %.1f\n", judge_mean(NULL, &random, 1000));
	judge_head();
	while (!code && !me->verdict.solved) {
		code = next_weights(me);
		if (!code)
			code = evaluate(node, me);
	}
	if (code == LPAD_ESTOPPED)
		judge_solved(&me->checks, &me->verdict);        /* it is not, or it would not have come to this */
	return code;
}

static int init(lpad_node *node)
{
	struct evaluator *me = lpad_state(node);
	me->verdict.goal = me->goal;
	me->few = lpad_random(node, "few");
	me->many = lpad_random(node, "many");
	return 0;
}

static void fini(lpad_node *node)
{
	struct evaluator *me = lpad_state(node);
	lpad_free(me->counts);
	lpad_free(me->replay_status);
}

static const lpad_param params[] = {
	LPAD_INT(struct evaluator, every, "500", "1..", "learner steps between two evaluations"),
	LPAD_REAL(struct evaluator, goal, "475", "1..500", "mean return of 10 episodes, and then of 100, that is good enough"),
	LPAD_INT(struct evaluator, fresh, "1000", "0..", "episodes for the last check"),
	LPAD_INT(struct evaluator, max_steps, "120000", "1..", "actor steps within which it is to be solved"),
	LPAD_END
};
static const lpad_handle_decl handles[] = {
	LPAD_HANDLE(struct evaluator, replay, LPAD_ONE, "status", "how far is the run?"),
	LPAD_HANDLE(struct evaluator, counter, LPAD_ONE, "counts", "who has done how much?"),
	LPAD_END
};
static const lpad_subscription_decl subscriptions[] = {
	LPAD_SUBSCRIPTION(struct evaluator, parameters, LPAD_LATEST, "weights", .signature = WEIGHTS_SIGNATURE),
	LPAD_END
};

LPAD_MODULE({ .name = "evaluator", .help = "says when it is solved", .state = sizeof(struct evaluator), .params = params,
	.handles = handles, .subscriptions = subscriptions, .init = init, .run = run, .fini = fini });
