/* SPDX-License-Identifier: MIT */
/* Transitions over n steps against what one computes directly from the whole episode. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include <lpad/node.h>
#include <lpad/nstep.h>

enum { LONGEST = 60, EPISODES = 400 };

struct observation {
	double episode, step;
};

struct emitted {
	struct observation from, to;
	int action, steps;
	double reward, discount;
};

struct collector {
	struct emitted list[LONGEST + 1];
	int count;
	int fails_at, code;             /* the emission number fails_at returns the code */
};

static int collect(void *context, const lpad_transition *transition)
{
	struct collector *collector = context;
	struct emitted *out = &collector->list[collector->count];
	ck_assert_int_lt(collector->count, LONGEST);
	out->from = *(const struct observation *)transition->observation;
	out->to = *(const struct observation *)transition->next_observation;
	out->action = *(const int *)transition->action;
	out->steps = transition->steps;
	out->reward = transition->reward;
	out->discount = transition->discount;
	return ++collector->count == collector->fails_at ? collector->code : 0;
}

static void expect(const struct emitted *got, int t, int n, double gamma, const double *rewards, int length, int episode, bool terminal)
{
	int m = t + n <= length ? n : length - t;
	double reward = 0;
	for (int k = 0; k < m; k++)
		reward += pow(gamma, k) * rewards[t + k];
	ck_assert_int_eq(got->steps, m);
	ck_assert_int_eq(got->action, 1000 * episode + t);
	ck_assert(got->from.episode == episode && got->from.step == t);
	ck_assert(got->to.episode == episode && got->to.step == t + m);
	ck_assert_double_eq_tol(got->reward, reward, 1e-9);
	ck_assert_double_eq_tol(got->discount, terminal && t + m == length ? 0 : pow(gamma, m), 1e-9);
}

/* Terminal, cut off, or given up in the middle; also shorter than n. */
static void play(lpad_nstep *adder, struct collector *out, lpad_rng *rng, int episode)
{
	int length = 1 + (int)lpad_random_below(rng, LONGEST - 1), n = adder->n;
	enum lpad_ending ending = (enum lpad_ending)lpad_random_below(rng, 3);
	double rewards[LONGEST];
	struct observation seen = { episode, 0 };
	out->count = 0;
	lpad_nstep_first(adder, &seen);
	for (int t = 0; t < length; t++) {
		int action = 1000 * episode + t;
		rewards[t] = lpad_random_real(rng) - 0.5;
		seen.step = t + 1;
		ck_assert_int_eq(lpad_nstep_step(adder, &action, rewards[t], t + 1 == length ? ending : LPAD_GOES_ON, &seen), 0);
		if (t + 1 < length || !ending)
			ck_assert_int_eq(out->count, t + 1 < n ? 0 : t + 2 - n);
	}
	if (ending)
		ck_assert_int_eq(out->count, length);
	for (int t = 0; t < out->count; t++)
		expect(&out->list[t], t, n, adder->gamma, rewards, length, episode, ending == LPAD_TERMINAL);
}

static const int sizes[] = { 1, 2, 3, 5, 10, LONGEST + 10 };

START_TEST(random_episodes)
{
	struct collector out = { 0 };
	lpad_rng rng = { 7 + (uint64_t)_i };
	lpad_nstep *adder = lpad_nstep_new(sizes[_i], _i % 2 ? 0.99 : 1, sizeof(struct observation), sizeof(int), collect, &out);
	for (int episode = 0; episode < EPISODES; episode++)
		play(adder, &out, &rng, episode);
	lpad_nstep_free(adder);
}
END_TEST

/* What emit cannot take stops nothing. */
START_TEST(failures_are_returned)
{
	struct collector out = { .fails_at = 2, .code = -3 };
	struct observation seen = { 0, 0 };
	lpad_nstep *adder = lpad_nstep_new(4, 0.5, sizeof seen, sizeof(int), collect, &out);
	int action = 0;
	ck_assert_int_eq(lpad_nstep_step(adder, &action, 1, LPAD_GOES_ON, &seen), LPAD_EINVALID);
	lpad_nstep_first(adder, &seen);
	for (int t = 0; t < 2; t++)
		ck_assert_int_eq(lpad_nstep_step(adder, &action, 1, LPAD_GOES_ON, &seen), 0);
	ck_assert_int_eq(lpad_nstep_step(adder, &action, 1, LPAD_TRUNCATED, &seen), -3);
	ck_assert_int_eq(out.count, 3);
	ck_assert(out.list[0].reward == 1.75 && out.list[1].reward == 1.5 && out.list[2].reward == 1);
	ck_assert(out.list[0].discount == 0.125 && out.list[2].discount == 0.5);
	ck_assert_int_eq(lpad_nstep_step(adder, &action, 1, LPAD_GOES_ON, &seen), LPAD_EINVALID);
	lpad_nstep_free(adder);
}
END_TEST

START_TEST(nothing_to_make)
{
	ck_assert_ptr_null(lpad_nstep_new(0, 1, 8, 8, collect, NULL));
	lpad_nstep_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nstep");
	TCase *cases = tcase_create("nstep");
	tcase_add_loop_test(cases, random_episodes, 0, sizeof sizes / sizeof sizes[0]);
	tcase_add_test(cases, failures_are_returned);
	tcase_add_test(cases, nothing_to_make);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
