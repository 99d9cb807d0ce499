/* SPDX-License-Identifier: MIT */
#include "common/streams.h"

#include <check.h>
#include <stdlib.h>

/* What everybody's splitmix64 gives. */
START_TEST(test_generator)
{
	struct stream stream = { 1234567 }, other = { 42 };
	ck_assert_uint_eq(stream_next(&stream), 6457827717110365317u);
	ck_assert_uint_eq(stream_next(&stream), 3203168211198807973u);
	ck_assert_uint_eq(stream_next(&stream), 9817491932198370423u);
	ck_assert_uint_eq(stream_next(&other), 13679457532755275413u);
	ck_assert_uint_eq(stream_next(&other), 2949826092126892291u);
}
END_TEST

START_TEST(test_reals)
{
	struct stream stream = { 42 };
	ck_assert_double_eq_tol(stream_u01(&stream), 0.7415648787718234, 1e-15);
	ck_assert_double_eq_tol(stream_gauss(&stream), -0.34224413473833487, 1e-14);    /* a before b */
}
END_TEST

START_TEST(test_moments)
{
	enum { COUNT = 200000 };
	struct stream stream = stream_of(1, 0);
	double sum = 0, squares = 0, uniform = 0;
	for (int i = 0; i < COUNT; i++) {
		double value = stream_gauss(&stream), u = stream_u01(&stream);
		ck_assert(u > 0 && u < 1);
		sum += value;
		squares += value * value;
		uniform += u;
	}
	ck_assert_double_eq_tol(sum / COUNT, 0, 0.01);
	ck_assert_double_eq_tol(squares / COUNT, 1, 0.015);
	ck_assert_double_eq_tol(uniform / COUNT, 0.5, 0.003);
}
END_TEST

/* Neighbours in seed and number share nothing: the first bits of 40 x 40 of them are all different, and half of them are ones. */
static int compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;
	return (*a > *b) - (*a < *b);
}

START_TEST(test_families)
{
	enum { SIDE = 40, COUNT = SIDE * SIDE };
	uint64_t first[COUNT];
	int ones = 0;
	for (int i = 0; i < COUNT; i++) {
		struct stream stream = stream_of((uint64_t)(i / SIDE), (uint64_t)(i % SIDE));
		first[i] = stream_next(&stream);
		ones += __builtin_popcountll(first[i]);
	}
	qsort(first, COUNT, sizeof first[0], compare);
	for (int i = 1; i < COUNT; i++)
		ck_assert_uint_ne(first[i - 1], first[i]);
	ck_assert_double_eq_tol((double)ones / (64 * COUNT), 0.5, 0.01);
}
END_TEST

START_TEST(test_shuffle)
{
	enum { COUNT = 6, TIMES = 60000 };
	struct stream stream = stream_of(3, 1);
	int seen[COUNT][COUNT] = { { 0 } };
	for (int time = 0; time < TIMES; time++) {
		int items[COUNT] = { 0, 1, 2, 3, 4, 5 }, mask = 0;
		stream_shuffle(&stream, items, COUNT);
		for (int place = 0; place < COUNT; place++) {
			mask |= 1 << items[place];
			seen[place][items[place]]++;
		}
		ck_assert_int_eq(mask, (1 << COUNT) - 1);
	}
	for (int i = 0; i < COUNT * COUNT; i++)
		ck_assert_double_eq_tol(seen[i / COUNT][i % COUNT], TIMES / COUNT, 500);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("streams");
	TCase *tests = tcase_create("streams");
	tcase_add_test(tests, test_generator);
	tcase_add_test(tests, test_reals);
	tcase_add_test(tests, test_moments);
	tcase_add_test(tests, test_families);
	tcase_add_test(tests, test_shuffle);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
