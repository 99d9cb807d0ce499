/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "topology/scalar.h"

struct int_row { const char *text; int64_t value; };
static const struct int_row ints[] = {
	{ "0", 0 }, { "-12", -12 }, { "+3", 3 }, { "007", 7 }, { "0x1F", 31 }, { "0o17", 15 },
	{ "9223372036854775807", INT64_MAX }, { "-9223372036854775808", INT64_MIN },
};
static const char *const not_ints[] = {
	"", "-", "two", "1.0", "1e3", " 1", "1 ", "0x", "0xG", "0o8", "-0x1", "1_000",
		"9223372036854775808", "~",
};

START_TEST(whole_numbers)
{
	struct error error = { 0 };
	int64_t value = 77;
	ck_assert_int_eq(scalar_int(ints[_i].text, &value, &error), 0);
	ck_assert_int_eq(value, ints[_i].value);
}
END_TEST

START_TEST(no_whole_numbers)
{
	struct error error = { 0 };
	int64_t value = 77;
	ck_assert_int_eq(scalar_int(not_ints[_i], &value, &error), -1);
	ck_assert_int_eq(value, 77);
	ck_assert_str_ne(error.text, "");
}
END_TEST

struct real_row { const char *text; double value; };
static const struct real_row reals[] = {
	{ "1", 1 }, { "-1.5", -1.5 }, { "1e-3", 1e-3 }, { ".5", .5 }, { "5.", 5 }, { "+1.E+2", 100 }, { "0x10", 16 },
	{ "0o10", 8 }, { ".inf", INFINITY }, { "-.Inf", -INFINITY }, { "+.INF", INFINITY },
};
static const char *const not_reals[] = {
	"", ".", "e3", "1e", "1e+", "inf", "nan", "-.nan", "1,5", "1.2.3", "0x", "1e999", "infinity", "1f",
};

START_TEST(real_numbers)
{
	struct error error = { 0 };
	double value = 77;
	ck_assert_int_eq(scalar_real(reals[_i].text, &value, &error), 0);
	ck_assert(value == reals[_i].value);
}
END_TEST

START_TEST(no_real_numbers)
{
	struct error error = { 0 };
	double value = 77;
	ck_assert_int_eq(scalar_real(not_reals[_i], &value, &error), -1);
	ck_assert(value == 77);
	ck_assert_str_ne(error.text, "");
}
END_TEST

START_TEST(not_a_number_is_a_real)
{
	double value = 0;
	ck_assert_int_eq(scalar_real(".nan", &value, NULL), 0);
	ck_assert(isnan(value));
}
END_TEST

START_TEST(booleans_are_those_of_yaml_1_2)
{
	static const char *const yes[] = { "true", "True", "TRUE" },
		*const no[] = { "false", "False", "FALSE" };
	static const char *const neither[] = { "yes", "no", "on", "Off", "y", "1", "0", "", "tRUE" };
	struct error error = { 0 };
	bool value;
	for (size_t i = 0; i < 3; i++) {
		ck_assert(!scalar_bool(yes[i], &value, &error) && value);
		ck_assert(!scalar_bool(no[i], &value, &error) && !value);
	}
	for (size_t i = 0; i < sizeof neither / sizeof *neither; i++)
		ck_assert_int_eq(scalar_bool(neither[i], &value, &error), -1);
	scalar_bool("yes", &value, &error);
	ck_assert_str_eq(error.text, "true or false is needed: \"yes\" is a text in YAML 1.2");
}
END_TEST

static const struct int_row durations[] = {
	{ "0", 0 }, { "0s", 0 }, { "7ns", 7 }, { "500us", 500000 }, { "500ms", 500000000 }, { "1.5s", 1500000000 },
	{ "10m", 600000000000 }, { "2h", 7200000000000 }, { "1d", 86400000000000 }, { ".5s", 500000000 },
	{ "1e3ms", 1000000000 },
};
static const struct { const char *text, *message; } not_durations[] = {
	{ "10", "a duration needs a unit: 10s, 10ms, 10m" },
	{ "1.5", "a duration needs a unit: 1.5s, 1.5ms, 1.5m" },
	{ "-1s", "a duration cannot be negative: -1s" },
	{ "1000000d", "a duration cannot be that long: 1000000d" },
	{ "1m30s", "a duration is a number and a unit (us, ms, s, m, h, d) like 500ms, not \"1m30s\"" },
	{ "10 s", "a duration is a number and a unit (us, ms, s, m, h, d) like 500ms, not \"10 s\"" },
	{ "s", "a duration is a number and a unit (us, ms, s, m, h, d) like 500ms, not \"s\"" },
	{ "", "a duration is a number and a unit (us, ms, s, m, h, d) like 500ms, not \"\"" },
	{ "+1s", "a duration is a number and a unit (us, ms, s, m, h, d) like 500ms, not \"+1s\"" },
};

START_TEST(durations_have_a_unit)
{
	struct error error = { 0 };
	int64_t value = -1;
	ck_assert_int_eq(scalar_duration(durations[_i].text, &value, &error), 0);
	ck_assert_int_eq(value, durations[_i].value);
}
END_TEST

START_TEST(no_durations)
{
	struct error error = { 0 };
	int64_t value;
	ck_assert_int_eq(scalar_duration(not_durations[_i].text, &value, &error), -1);
	ck_assert_str_eq(error.text, not_durations[_i].message);
}
END_TEST

static const struct int_row sizes[] = {
	{ "64", 64 }, { "64B", 64 }, { "1KiB", 1024 }, { "64MiB", 67108864 }, { "1GiB", 1073741824 },
	{ "2TiB", 2199023255552 }, { "1kB", 1000 }, { "1MB", 1000000 }, { "3GB", 3000000000 }, { "1TB", 1000000000000 },
	{ "1.5KiB", 1536 },
};
static const char *const not_sizes[] = { "", "KiB", "1KB", "1 MiB", "1K", "-1B", "1mib", "99999999TiB" };

START_TEST(sizes_may_have_a_unit)
{
	struct error error = { 0 };
	int64_t value = -1;
	ck_assert_int_eq(scalar_size(sizes[_i].text, &value, &error), 0);
	ck_assert_int_eq(value, sizes[_i].value);
}
END_TEST

START_TEST(no_sizes)
{
	struct error error = { 0 };
	int64_t value;
	ck_assert_int_eq(scalar_size(not_sizes[_i], &value, &error), -1);
	ck_assert_str_ne(error.text, "");
}
END_TEST

static const struct { const char *range; double value; bool inside; } ranges[] = {
	{ NULL, 5, true }, { "", 5, true }, { "1..", 1, true }, { "1..", 0.9, false }, { "..5", 5, true }, { "..5", 5.1, false },
	{ "0.1..0.9", 0.5, true }, { "0.1..0.9", 0.95, false }, { "-1..1", -1, true }, { "-1..1", -2, false },
	{ "10ms..1m", 0.01, true }, { "10ms..1m", 61, false }, { "1KiB..1MiB", 1024, true }, { "1KiB..1MiB", 1023, false },
	{ "0..", NAN, false }, { "..1", NAN, false },
};

START_TEST(ranges_have_one_or_two_ends)
{
	ck_assert_int_eq(scalar_in_range(ranges[_i].range, ranges[_i].value), ranges[_i].inside);
}
END_TEST

START_TEST(a_long_wrong_value_is_cut)
{
	struct error error = { 0 };
	char text[5000];
	int64_t value;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	ck_assert_int_eq(scalar_int(text, &value, &error), -1);
	ck_assert_uint_lt(strlen(error.text), 150);
	ck_assert_int_eq(scalar_duration(text, &value, &error), -1);
	ck_assert_int_eq(scalar_size(text, &value, &error), -1);
}
END_TEST

#define LOOP(cases, function, rows) tcase_add_loop_test(cases, function, 0, (int)(sizeof rows / sizeof *rows))

int main(void)
{
	Suite *suite = suite_create("scalar");
	TCase *cases = tcase_create("scalar");
	LOOP(cases, whole_numbers, ints);
	LOOP(cases, no_whole_numbers, not_ints);
	LOOP(cases, real_numbers, reals);
	LOOP(cases, no_real_numbers, not_reals);
	tcase_add_test(cases, not_a_number_is_a_real);
	tcase_add_test(cases, booleans_are_those_of_yaml_1_2);
	LOOP(cases, durations_have_a_unit, durations);
	LOOP(cases, no_durations, not_durations);
	LOOP(cases, sizes_may_have_a_unit, sizes);
	LOOP(cases, no_sizes, not_sizes);
	LOOP(cases, ranges_have_one_or_two_ends, ranges);
	tcase_add_test(cases, a_long_wrong_value_is_cut);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
