/* SPDX-License-Identifier: MIT */
#include "common/checks.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What `make` prints, with its result: stdout goes into a file meanwhile. */
static char printed[512];

static void capture(bool (*make)(struct checks *), struct checks *checks, bool expected)
{
	FILE *file = tmpfile();
	ck_assert_ptr_nonnull(file);
	fflush(stdout);
	int saved = dup(STDOUT_FILENO);
	dup2(fileno(file), STDOUT_FILENO);
	bool pass = make(checks);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(file);
	size_t size = fread(printed, 1, sizeof printed - 1, file);
	printed[size] = 0;
	fclose(file);
	ck_assert_int_eq(pass, expected);
}

static bool near(struct checks *checks) { return checks_near(checks, "near", 1.004, 1, 0.005); }
static bool far(struct checks *checks) { return checks_near(checks, "far", 0.99, 1, 0.005); }
static bool nothing(struct checks *checks) { return checks_near(checks, "nothing", (double)NAN, 1, 1e9); }
static bool within(struct checks *checks) { return checks_within(checks, "within", -1.08, -1, 0.09); }
static bool beyond(struct checks *checks) { return checks_within(checks, "beyond", 1.1, 1, 0.09); }
static bool most(struct checks *checks) { return checks_most(checks, "most", 2, 2); }
static bool too_much(struct checks *checks) { return checks_most(checks, "too_much", 2.5, 2); }
static bool least(struct checks *checks) { return checks_least(checks, "least", 97.5, 97); }
static bool too_little(struct checks *checks) { return checks_least(checks, "too_little", (double)NAN, 97); }
static bool equal(struct checks *checks) { return checks_equal(checks, "equal", 9007199254740993, 9007199254740993); }
static bool unequal(struct checks *checks) { return checks_equal(checks, "unequal", 9007199254740993, 9007199254740992); }

static const struct {
	bool (*make)(struct checks *);
	bool pass;
	const char *line;
} rows[] = {
	{ near, true, "CHECK near 1.004 1 0.005 PASS\n" },
	{ far, false, "CHECK far 0.99 1 0.005 FAIL\n" },
	{ nothing, false, "CHECK nothing nan 1 1e+09 FAIL\n" },
	{ within, true, "CHECK within -1.08 -1 9% PASS\n" },
	{ beyond, false, "CHECK beyond 1.1 1 9% FAIL\n" },
	{ most, true, "CHECK most 2 <=2 0 PASS\n" },
	{ too_much, false, "CHECK too_much 2.5 <=2 0 FAIL\n" },
	{ least, true, "CHECK least 97.5 >=97 0 PASS\n" },
	{ too_little, false, "CHECK too_little nan >=97 0 FAIL\n" },
	{ equal, true, "CHECK equal 9007199254740993 9007199254740993 0 PASS\n" },
	{ unequal, false, "CHECK unequal 9007199254740993 9007199254740992 0 FAIL\n" },
};

START_TEST(test_line)
{
	struct checks checks = { 0 };
	capture(rows[_i].make, &checks, rows[_i].pass);
	ck_assert_str_eq(printed, rows[_i].line);
	ck_assert_int_eq(checks_code(&checks), !rows[_i].pass);
}
END_TEST

START_TEST(test_remembers)
{
	struct checks checks = { 0 };
	ck_assert_int_eq(checks_code(&checks), 1);      /* none at all */
	capture(near, &checks, true);
	ck_assert_int_eq(checks_code(&checks), 0);
	capture(far, &checks, false);
	capture(near, &checks, true);
	ck_assert_int_eq(checks_code(&checks), 1);
	ck_assert_int_eq(checks.passed, 2);
	ck_assert_int_eq(checks.failed, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("checks");
	TCase *tests = tcase_create("checks");
	tcase_add_loop_test(tests, test_line, 0, (int)(sizeof rows / sizeof rows[0]));
	tcase_add_test(tests, test_remembers);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
