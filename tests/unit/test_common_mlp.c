/* SPDX-License-Identifier: MIT */
#include "common/mlp.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HIDDEN = 30, PARAMETERS = 3340 };

static double start64[PARAMETERS];
static struct glyphs *glyphs;

static void setup(void)
{
	struct stream stream = stream_of(1, 0);
	glyphs = glyphs_new();
	ck_assert_ptr_nonnull(glyphs);
	mlp64_start(start64, HIDDEN, &stream);
}

static void teardown(void)
{
	free(glyphs);
}

START_TEST(test_sizes)
{
	ck_assert_int_eq(mlp_parameters(30), PARAMETERS);
	ck_assert_int_eq(mlp_parameters(32), 3562);
}
END_TEST

START_TEST(test_start)
{
	double first = 0, second = 0;
	for (int i = 0; i < 100 * HIDDEN; i++)
		first += start64[i] * start64[i];
	for (int i = 0; i < 10 * HIDDEN; i++)
		second += start64[101 * HIDDEN + i] * start64[101 * HIDDEN + i];
	ck_assert_double_eq_tol(first / (100 * HIDDEN), 0.02, 0.002);
	ck_assert_double_eq_tol(second / (10 * HIDDEN), 1.0 / HIDDEN, 0.01);
	for (int i = 0; i < HIDDEN; i++)
		ck_assert_double_eq(start64[100 * HIDDEN + i], 0);
	for (int i = 0; i < 10; i++)
		ck_assert_double_eq(start64[PARAMETERS - 1 - i], 0);
}
END_TEST

/* Each kind of weight, over more rows than one chunk: the slope that the loss really has. */
START_TEST(test_gradient_is_the_slope)
{
	enum { ROWS = 71 };
	const int places[] = { 44, 2999, 1234, 3000, 3029, 3030, 3200, 3329, 3330, 3339 };
	double gradient[PARAMETERS] = { 0 }, ignored[PARAMETERS], weights[PARAMETERS];
	int rows[ROWS];
	for (int i = 0; i < ROWS; i++)
		rows[i] = (i * 37) % GLYPHS;
	mlp64_gradient(start64, HIDDEN, glyphs, rows, ROWS, gradient);
	memcpy(weights, start64, sizeof weights);
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		double saved = weights[places[i]], step = 1e-5;
		weights[places[i]] = saved + step;
		double above = mlp64_gradient(weights, HIDDEN, glyphs, rows, ROWS, ignored);
		weights[places[i]] = saved - step;
		double below = mlp64_gradient(weights, HIDDEN, glyphs, rows, ROWS, ignored);
		weights[places[i]] = saved;
		ck_assert_double_eq_tol((above - below) / (2 * step), gradient[places[i]], 1e-4 * (1 + fabs(gradient[places[i]])));
	}
}
END_TEST

/* A sum, added to what is there: parts make the whole. */
START_TEST(test_gradient_adds)
{
	double whole[PARAMETERS] = { 0 }, parts[PARAMETERS] = { 0 };
	int tail[] = { 5, 6, 7, 8, 9 };
	double loss = mlp64_gradient(start64, HIDDEN, glyphs, NULL, 10, whole);
	double sum = mlp64_gradient(start64, HIDDEN, glyphs, NULL, 5, parts);
	sum += mlp64_gradient(start64, HIDDEN, glyphs, tail, 5, parts);
	ck_assert_double_eq_tol(loss, sum, 1e-12);
	for (int i = 0; i < PARAMETERS; i++)
		ck_assert_double_eq_tol(whole[i], parts[i], 1e-12);
}
END_TEST

START_TEST(test_precisions_agree)
{
	struct stream stream = stream_of(1, 0);
	float weights[PARAMETERS], gradient[PARAMETERS] = { 0 };
	double gradient64[PARAMETERS] = { 0 };
	mlp32_start(weights, HIDDEN, &stream);
	double loss = mlp32_gradient(weights, HIDDEN, glyphs, NULL, 100, gradient);
	ck_assert_double_eq_tol(loss, mlp64_gradient(start64, HIDDEN, glyphs, NULL, 100, gradient64), 1e-3);
	for (int i = 0; i < PARAMETERS; i++)
		ck_assert_double_eq_tol(gradient[i], gradient64[i], 1e-4);
}
END_TEST

/* 500 steps of 64 rows find nearly all test glyphs, in both precisions; the start finds few. */
START_TEST(test_learns)
{
	struct stream stream = stream_of(1, 0);
	float weights[PARAMETERS], gradient[PARAMETERS];
	double weights64[PARAMETERS], gradient64[PARAMETERS];
	mlp32_start(weights, HIDDEN, &stream);
	memcpy(weights64, start64, sizeof weights64);
	ck_assert_double_lt(mlp32_accuracy(weights, HIDDEN, glyphs, GLYPHS_TRAIN, GLYPHS_TEST), 0.3);
	for (int t = 0; t < 500; t++) {
		int rows[64];
		for (int i = 0; i < 64; i++)
			rows[i] = (64 * t + i) % GLYPHS_TRAIN;
		memset(gradient, 0, sizeof gradient);
		memset(gradient64, 0, sizeof gradient64);
		mlp32_gradient(weights, HIDDEN, glyphs, rows, 64, gradient);
		mlp64_gradient(weights64, HIDDEN, glyphs, rows, 64, gradient64);
		mlp32_step(weights, HIDDEN, 0.3 / 64, gradient);
		mlp64_step(weights64, HIDDEN, 0.3 / 64, gradient64);
	}
	ck_assert_double_ge(mlp32_accuracy(weights, HIDDEN, glyphs, GLYPHS_TRAIN, GLYPHS_TEST), 0.97);
	ck_assert_double_ge(mlp64_accuracy(weights64, HIDDEN, glyphs, GLYPHS_TRAIN, GLYPHS_TEST), 0.97);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mlp");
	TCase *tests = tcase_create("mlp");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_sizes);
	tcase_add_test(tests, test_start);
	tcase_add_test(tests, test_gradient_is_the_slope);
	tcase_add_test(tests, test_gradient_adds);
	tcase_add_test(tests, test_precisions_agree);
	tcase_add_test(tests, test_learns);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
