/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "topology/topology.h"

/* Ten replicas without a module or an edge: two threads of their process, two of their own. */
static void check_with(const struct machine_limits *limits, struct problems *problems)
{
	struct topology topology = { .name = (char *)"t", .total = 10 };
	*list_add(&topology.groups) = (struct group){ .label = (char *)"small", .mark = { "t", 2, 1, 2, 2 }, .replicas = 1,
		.per_process = 1 };
	*list_add(&topology.groups) = (struct group){ .label = (char *)"large", .number = 1, .first = 1, .mark = { "t", 3, 1, 3, 2 }, .replicas = 9,
		.per_process = 1, .replicas_mark = { "t", 3, 9, 3, 10 } };
	topology_check_limits(&topology, limits, problems);
	list_release(&topology.groups);
}

static void expect(const struct machine_limits *limits, const char *message)
{
	struct problems problems = { 0 };
	check_with(limits, &problems);
	ck_assert_uint_eq(problems.errors, 0);
	ck_assert_uint_eq(problems.warnings, message ? 1 : 0);
	if (message) {
		ck_assert_str_eq(problems.list.at[0].message, message);
		ck_assert_str_eq(problems.list.at[0].rule, "many-threads");
		ck_assert_int_eq(problems.list.at[0].mark.column, 9);
	}
	problems_release(&problems);
}

START_TEST(the_lowest_limit_counts)
{
	expect(&(struct machine_limits){ 0 }, NULL);
	expect(&(struct machine_limits){ .threads = 40, .pids = 40, .of_user = 40 }, NULL);
	expect(&(struct machine_limits){ .threads = 39 },
		"10 processes have about 40 threads; this machine allows 39 (kernel.threads-max)");
	expect(&(struct machine_limits){ .threads = 39, .pids = 38, .of_user = 100 },
		"10 processes have about 40 threads; this machine allows 38 (kernel.pid_max)");
	expect(&(struct machine_limits){ .threads = 1000, .pids = 1000, .of_user = 5 },
		"10 processes have about 40 threads; this machine allows 5 (RLIMIT_NPROC, `ulimit -u`)");
}
END_TEST

START_TEST(the_kernel_says_what_it_allows)
{
	struct machine_limits limits;
	machine_limits_read(&limits);
	ck_assert_int_gt(limits.threads, 0);
	ck_assert_int_gt(limits.pids, 0);
	ck_assert_int_ge(limits.of_user, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("limits");
	TCase *cases = tcase_create("limits");
	tcase_add_test(cases, the_lowest_limit_counts);
	tcase_add_test(cases, the_kernel_says_what_it_allows);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
