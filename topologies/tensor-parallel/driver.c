/* SPDX-License-Identifier: MIT */
/*
 * Asks the processes of each layout in turn for a pass, forward and backward, for each number of rows; holds what they answer
 * against the serial product, and what they sent against the closed forms.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lpad/node.h>

#include "../common/checks.h"
#include "formulas.h"
#include "lane.h"
#include "task.h"
#include "verify.h"

static const double tolerance = 1e-4;           /* of an element against the serial product */
static const double slow = 0.01;                /* a message that takes so long takes longer than all that is done about it */

struct driver {
	struct problem problem;
	double delay;
	int64_t passes;
	lpad_handle *processes;
	struct checks checks;
};

enum { LAYOUTS = 8, SIZES = 16, NAME = 80 };

/* Processes first .. first+count-1 of the handle: the replicas of one node. */
struct team {
	char label[NAME];
	int first, count;
	struct layout layout;
	double seconds[SIZES];                  /* of the forward pass, for each number of rows */
	int64_t values[SIZES], forward[SIZES];  /* that a process sent: in both directions, and forward */
	double worst[TASK_MATRICES];
	bool complete[TASK_MATRICES];
};

/* What the processes of a team say, for one number of rows. */
struct tally {
	int64_t least[TASK_COUNTS], most[TASK_COUNTS], sum[TASK_COUNTS];
};

static void tally_add(struct tally *tally, const int64_t *counts, bool first)
{
	for (int i = 0; i < TASK_COUNTS; i++) {
		tally->least[i] = first || counts[i] < tally->least[i] ? counts[i] : tally->least[i];
		tally->most[i] = first || counts[i] > tally->most[i] ? counts[i] : tally->most[i];
		tally->sum[i] = (first ? 0 : tally->sum[i]) + counts[i];
	}
}

/* What every process says; if they differ, one that is wrong. */
static int64_t tally_each(const struct tally *tally, int count, int64_t expected)
{
	return tally->least[count] == expected ? tally->most[count] : tally->least[count];
}

/* "cube/1/0/3": cube. */
static void label_of(const lpad_handle *handle, int place, char *label)
{
	snprintf(label, NAME, "%s", lpad_server(handle, place));
	label[strcspn(label, "/")] = 0;
}

static int find_teams(lpad_node *node, struct driver *me, struct team *teams, int *count)
{
	char label[NAME];
	*count = 0;
	for (int place = 0; place < lpad_count(me->processes); place++) {
		label_of(me->processes, place, label);
		if (!*count || strcmp(teams[*count - 1].label, label)) {
			if (*count == LAYOUTS)
				return lpad_fail(node, "edges.processes: leads to more than %d nodes", LAYOUTS);
			teams[*count] = (struct team){ .first = place };
			memcpy(teams[*count].label, label, NAME);
			for (int i = 0; i < TASK_MATRICES; i++)
				teams[*count].complete[i] = true;
			++*count;
		}
		teams[*count - 1].count++;
	}
	return 0;
}

/* Long enough for all to have their matrices when it begins: a late one would make the others seem slow. */
static int64_t soon(const struct team *team)
{
	return lane_now() + 5000000 * (int64_t)team->count;
}

static int take_answer(struct team *team, lpad_message *answer, bool first, struct reference *reference, struct tally *tally)
{
	struct result result;
	int code = task_unpack(answer, &result);
	if (!code) {
		tally_add(tally, result.counts, first);
		team->layout = (struct layout){ team->count, result.counts[TASK_Q], result.counts[TASK_D] };
		for (int i = 0; i < TASK_MATRICES; i++)
			verify_part(reference, i, result.parts[i]);
	}
	lpad_free(answer);
	return code;
}

/* One pass of all processes of a team. */
static int pass(struct driver *me, struct team *team, int64_t a, struct reference *reference, struct tally *tally)
{
	struct task task = { .a = a, .begin = soon(team), .delay = me->delay };
	lpad_future *futures[team->count];
	int code = 0;
	for (int i = 0; i < team->count; i++)
		futures[i] = lpad_start(me->processes, team->first + i, "multiply", lpad_bytes(&task, sizeof task), lpad_default());
	for (int i = 0; i < team->count; i++) {
		lpad_message *answer = NULL;
		if (code) {
			lpad_cancel(futures[i]);
			continue;
		}
		code = lpad_wait(futures[i], &answer);
		if (!code)
			code = take_answer(team, answer, i == 0, reference, tally);
	}
	return code;
}

/* From the first to begin to the last to end. */
static double seconds_between(const struct tally *tally, int from, int to)
{
	return (double)(tally->most[to] - tally->least[from]) * 1e-9;
}

static void check_counts(struct driver *me, struct team *team, int64_t a, const struct tally *tally)
{
	struct costs costs = formulas_costs(team->layout, a, me->problem.b, me->problem.c);
	struct {
		const char *name;
		int64_t measured, expected;
	} rows[] = {
		{ "forward_values", tally_each(tally, TASK_FORWARD_VALUES, costs.forward), costs.forward },
		{ "backward_values", tally_each(tally, TASK_BACKWARD_VALUES, costs.backward), costs.backward },
		{ "forward_messages", tally->sum[TASK_FORWARD_MESSAGES], costs.forward_messages },
		{ "backward_messages", tally->sum[TASK_BACKWARD_MESSAGES], costs.backward_messages },
		{ "values_held", tally_each(tally, TASK_HELD, costs.held), costs.held },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char name[2 * NAME];
		snprintf(name, sizeof name, "%s_%d_a%" PRId64 "_%s", team->label, team->count, a, rows[i].name);
		checks_equal(&me->checks, name, rows[i].measured, rows[i].expected);
	}
}

static void print_row(const struct team *team, int64_t a, const struct tally *tally, double forward, double backward)
{
	printf("%-8s %9d %6" PRId64 " %9" PRId64 " %9" PRId64 " %9" PRId64 " %9" PRId64 " %9" PRId64 " %9.1f %9.1f\n", team->label, team->count, a,
		tally->most[TASK_FORWARD_VALUES], tally->most[TASK_BACKWARD_VALUES], tally->sum[TASK_FORWARD_MESSAGES],
		tally->sum[TASK_BACKWARD_MESSAGES], tally->most[TASK_HELD], forward * 1e3, backward * 1e3);
}

/* For lpad watch, and for sweeps. */
static void report(lpad_node *node, const struct team *team, const char *what, double value, int64_t a)
{
	char name[2 * NAME];
	snprintf(name, sizeof name, "%s_%s", team->label, what);
	lpad_report(node, name, value, a);
}

static void note_errors(struct driver *me, struct team *team, const struct reference *reference, int64_t a)
{
	struct costs costs = formulas_costs(team->layout, a, me->problem.b, me->problem.c);
	for (int i = 0; i < TASK_MATRICES; i++) {
		team->worst[i] = fmax(team->worst[i], reference->worst[i]);
		team->complete[i] = team->complete[i] && verify_complete(reference, i, costs.copies[i]);
	}
}

/* All passes of a team for the size at this place of the list. The fastest one tells most of the layout: the others, of the machine. */
static int measure(lpad_node *node, struct driver *me, struct team *team, size_t size, struct tally *tally)
{
	int64_t a = me->problem.a.at[size];
	double forward = INFINITY, backward = INFINITY;
	struct reference reference;
	int code = 0;
	verify_open(&reference, lpad_seed(node), a, me->problem.b, me->problem.c);
	for (int64_t i = 0; !code && i < me->passes; i++) {
		code = pass(me, team, a, &reference, tally);
		if (code)
			break;
		forward = fmin(forward, seconds_between(tally, TASK_BEGAN, TASK_FORWARD_ENDED));
		backward = fmin(backward, seconds_between(tally, TASK_FORWARD_ENDED, TASK_BACKWARD_ENDED));
		note_errors(me, team, &reference, a);
		verify_again(&reference);
	}
	verify_close(&reference);
	if (code)
		return code;
	team->seconds[size] = forward;
	team->forward[size] = tally->most[TASK_FORWARD_VALUES];
	team->values[size] = team->forward[size] + tally->most[TASK_BACKWARD_VALUES];
	print_row(team, a, tally, forward, backward);
	report(node, team, "values", (double)team->values[size], a);
	report(node, team, "forward_seconds", team->seconds[size], a);
	return 0;
}

static void check_products(struct driver *me, const struct team *team)
{
	static const char *const names[TASK_MATRICES] = { "Y", "dX", "dA" };
	for (int i = 0; i < TASK_MATRICES; i++) {
		char name[2 * NAME];
		snprintf(name, sizeof name, "%s_%d_%s_error", team->label, team->count, names[i]);
		checks_most(&me->checks, name, team->complete[i] ? team->worst[i] : INFINITY, tolerance);
	}
}

static const struct team *find(const struct team *teams, int count, const char *label)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(teams[i].label, label))
			return &teams[i];
	return NULL;
}

/* What the formulas say of both directions together. */
static double expected_values(const struct driver *me, const struct team *team, int64_t a)
{
	struct costs costs = formulas_costs(team->layout, a, me->problem.b, me->problem.c);
	return (double)(costs.forward + costs.backward);
}

/* As many processes in both: so the values of one process can be compared. */
static void compare_values(struct driver *me, const struct team *cube, const struct team *square)
{
	printf("\nvalues that a process sends, of the square over those of the cube:\n%6s %9s %9s\n", "a", "forward", "both");
	for (size_t i = 0; i < me->problem.a.count; i++) {
		double forward = (double)square->forward[i] / (double)cube->forward[i];
		printf("%6" PRId64 " %9.3f %9.3f  %s\n", me->problem.a.at[i], forward, (double)square->values[i] / (double)cube->values[i],
			forward < 1 ? "the cube loses: with so few rows weights outweigh activations" : "");
	}
	puts("");
	for (size_t i = 0; i < me->problem.a.count; i++) {
		char name[NAME];
		int64_t a = me->problem.a.at[i];
		snprintf(name, sizeof name, "square_over_cube_a%" PRId64, a);
		checks_near(&me->checks, name, (double)square->values[i] / (double)cube->values[i],
			expected_values(me, square, a) / expected_values(me, cube, a), 5e-4);
	}
}

/* On a slow link it is the messages that follow each other that count: at most 2.5 % over their ratio, since the link is not all. */
static void compare_latency(struct driver *me, const struct team *cube, const struct team *square, const struct team *line)
{
	double ideal = (double)square->layout.q / (double)cube->layout.q;
	checks_near(&me->checks, "square_over_cube_latency", square->seconds[0] / cube->seconds[0], 0.9625 * ideal, 0.0625 * ideal);
	if (line && line->count == cube->count) {
		double steps = 2 * (double)(line->count - 1) / (double)cube->layout.q;
		checks_least(&me->checks, "line_over_cube_latency", line->seconds[0] / cube->seconds[0], floor(0.635 * steps));
	}
}

static int measure_all(lpad_node *node, struct driver *me, struct team *teams, int count, struct tally *tallies)
{
	printf("%-8s %9s %6s %19s %19s %9s %19s\n", "", "", "", "values sent by each", "messages of all", "values", "milliseconds");
	printf("%-8s %9s %6s %9s %9s %9s %9s %9s %9s %9s\n", "layout", "processes", "a", "forward", "backward", "forward", "backward", "held",
		"forward", "backward");
	for (int i = 0; i < count; i++)
		for (size_t size = 0; size < me->problem.a.count; size++) {
			int code = measure(node, me, &teams[i], size, &tallies[i * SIZES + (int)size]);
			if (code)
				return code;
			fflush(stdout);
		}
	return 0;
}

static void judge(struct driver *me, const struct team *teams, int count)
{
	const struct team *cube = find(teams, count, "cube"), *square = find(teams, count, "square");
	for (int i = 0; i < count; i++)
		check_products(me, &teams[i]);
	if (cube && square && cube->count == square->count && cube->count > 1)          /* one process sends nothing */
		compare_values(me, cube, square);
	if (cube && square && square->layout.q > cube->layout.q && me->delay >= slow)
		compare_latency(me, cube, square, find(teams, count, "line"));
}

static int run(lpad_node *node)
{
	struct driver *me = lpad_state(node);
	struct team teams[LAYOUTS];
	struct tally *tallies = calloc((size_t)LAYOUTS * SIZES, sizeof *tallies);
	int count, code = tallies ? find_teams(node, me, teams, &count) : lpad_fail(node, "out of memory");
	if (!code)
		code = measure_all(node, me, teams, count, tallies);
	if (!code) {
		puts("");
		for (int i = 0; i < count; i++)
			for (size_t size = 0; size < me->problem.a.count; size++)
				check_counts(me, &teams[i], me->problem.a.at[size], &tallies[i * SIZES + (int)size]);
		judge(me, teams, count);
	}
	free(tallies);
	return code ? code : checks_code(&me->checks);
}

static int check(lpad_node *node)
{
	const struct driver *me = lpad_state(node);
	if (me->problem.a.count < 1 || me->problem.a.count > SIZES)
		return lpad_fail(node, "params.a: must be a list of 1 to %d numbers", SIZES);
	return 0;
}

static const lpad_param params[] = {
	TASK_PROBLEM_PARAMS(struct driver),
	LPAD_DURATION(struct driver, delay, "0ms", "0..", "what each message takes at least"),
	LPAD_INT(struct driver, passes, "1", "1..100", "of each; times are those of the fastest"),
	LPAD_END
};
static const lpad_handle_decl handles[] = {
	LPAD_HANDLE(struct driver, processes, LPAD_MANY, "multiply", "all layouts, one after the other"),
	LPAD_END
};

LPAD_MODULE({ .name = "driver", .help = "asks for passes and checks them", .state = sizeof(struct driver), .params = params,
	.handles = handles, .check = check, .run = run });
