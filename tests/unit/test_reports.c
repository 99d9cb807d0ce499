/* SPDX-License-Identifier: MIT */
#include "node/reports.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "node/random.h"

START_TEST(nothing_waits_at_first)
{
	struct reports reports;
	reports_init(&reports);
	ck_assert_ptr_null(reports_take(&reports));
	reports_release(&reports);
}
END_TEST

START_TEST(only_the_first_one_wakes)
{
	struct reports reports;
	reports_init(&reports);
	ck_assert(reports_add(&reports, "loss", 0.5, 1));
	ck_assert(!reports_add(&reports, "loss", 0.25, 2));
	json_t *line = reports_take(&reports);
	json_t *list = json_object_get(line, "list");
	ck_assert_uint_eq(json_array_size(list), 2);
	ck_assert_str_eq(json_string_value(json_array_get(json_array_get(list, 0), 0)), "loss");
	ck_assert_double_eq(json_real_value(json_array_get(json_array_get(list, 1), 1)), 0.25);
	ck_assert_int_eq(json_integer_value(json_array_get(json_array_get(list, 1), 2)), 2);
	json_decref(line);
	ck_assert_ptr_null(reports_take(&reports));
	ck_assert(reports_add(&reports, "loss", 0.125, 3));
	reports_release(&reports);
}
END_TEST

START_TEST(beyond_the_most_the_oldest_go_and_are_counted)
{
	struct reports reports;
	reports_init(&reports);
	for (int64_t step = 0; step < REPORTS_MOST + 10; step++)
		reports_add(&reports, "n", (double)step, step);
	json_t *line = reports_take(&reports);
	json_t *list = json_object_get(line, "list");
	ck_assert_int_eq(json_integer_value(json_object_get(line, "dropped")), 10);
	ck_assert_uint_eq(json_array_size(list), REPORTS_MOST);
	ck_assert_int_eq(json_integer_value(json_array_get(json_array_get(list, 0), 2)), 10);
	json_decref(line);
	reports_release(&reports);
}
END_TEST

START_TEST(what_is_no_number_travels_as_text)
{
	struct reports reports;
	reports_init(&reports);
	reports_add(&reports, "a", (double)NAN, 0);
	reports_add(&reports, "a", -(double)INFINITY, 1);
	json_t *line = reports_take(&reports);
	json_t *list = json_object_get(line, "list");
	ck_assert_str_eq(json_string_value(json_array_get(json_array_get(list, 0), 1)), "NaN");
	ck_assert_str_eq(json_string_value(json_array_get(json_array_get(list, 1), 1)), "-Infinity");
	json_decref(line);
	reports_release(&reports);
}
END_TEST

START_TEST(each_part_makes_another_stream)
{
	lpad_rng rngs[] = {
		random_stream(1, "actor", 0, 1, "noise"), random_stream(2, "actor", 0, 1, "noise"),
		random_stream(1, "actors", 0, 1, "noise"), random_stream(1, "actor", 1, 1, "noise"),
		random_stream(1, "actor", 0, 2, "noise"), random_stream(1, "actor", 0, 1, "start"),
	};
	enum { COUNT = sizeof rngs / sizeof rngs[0] };
	for (int i = 0; i < COUNT; i++)
		for (int k = 0; k < i; k++)
			ck_assert_uint_ne(rngs[i].state, rngs[k].state);
	lpad_rng again = random_stream(1, "actor", 0, 1, "noise");
	ck_assert_uint_eq(lpad_random_bits(&again), lpad_random_bits(&rngs[0]));
}
END_TEST

START_TEST(numbers_are_where_they_should_be)
{
	lpad_rng rng = random_stream(7, "x", 0, 1, "x");
	double sum = 0;
	int counts[6] = { 0 };
	for (int i = 0; i < 60000; i++) {
		double real = lpad_random_real(&rng);
		ck_assert(real > 0 && real < 1);
		sum += real;
		counts[lpad_random_below(&rng, 6)]++;
	}
	ck_assert_double_eq_tol(sum / 60000, 0.5, 0.01);
	for (int i = 0; i < 6; i++)
		ck_assert_int_lt(abs(counts[i] - 10000), 500);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reports");
	TCase *reports = tcase_create("reports"), *random = tcase_create("random");
	tcase_add_test(reports, nothing_waits_at_first);
	tcase_add_test(reports, only_the_first_one_wakes);
	tcase_add_test(reports, beyond_the_most_the_oldest_go_and_are_counted);
	tcase_add_test(reports, what_is_no_number_travels_as_text);
	tcase_add_test(random, each_part_makes_another_stream);
	tcase_add_test(random, numbers_are_where_they_should_be);
	suite_add_tcase(suite, reports);
	suite_add_tcase(suite, random);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
