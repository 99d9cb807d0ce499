/* SPDX-License-Identifier: MIT */
/* Closing in the background, also when there is no thread to be had for it. */
#include "link/background.h"

#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

static bool exhausted;
static atomic_int closes, ends;

/* The program's own goes before that of the C library. */
int pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*run)(void *), void *context)
{
	static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return exhausted ? EAGAIN : real(out, attributes, run, context);
}

static void close_one(void *object)
{
	closes += *(int *)object;
}

static void end_one(void *context)
{
	ends += *(int *)context;
}

START_TEST(what_finds_no_thread_is_closed_by_the_next)
{
	int values[] = { 1, 10, 100 };
	exhausted = true;
	background_close(close_one, &values[0], end_one, &values[0]);
	background_close(close_one, &values[1], end_one, &values[1]);
	ck_assert_int_eq(closes, 0);
	exhausted = false;
	background_close(close_one, &values[2], end_one, &values[2]);
	while (ends < 111)
		sched_yield();
	ck_assert_int_eq(closes, 111);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("background");
	TCase *all = tcase_create("all");
	tcase_add_test(all, what_finds_no_thread_is_closed_by_the_next);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
