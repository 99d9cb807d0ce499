/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>

#include "supervise/timers.h"

enum { MANY = 500 };

static struct timer many[MANY];

/* A generator of our own: the same order on every machine. */
static unsigned next_number(unsigned *state)
{
	*state = *state * 1103515245u + 12345u;
	return *state >> 8;
}

START_TEST(come_in_order)
{
	struct timers timers = { 0 };
	unsigned state = (unsigned)_i;
	for (int i = 0; i < MANY; i++) {
		many[i] = (struct timer){ .kind = i };
		timers_set(&timers, &many[i], next_number(&state) % 1000);
	}
	for (int i = 0; i < MANY; i += 3)
		timers_clear(&timers, &many[i]);
	for (int i = 1; i < MANY; i += 3)
		timers_set(&timers, &many[i], next_number(&state) % 1000);
	int64_t last = -1;
	int count = 0;
	for (struct timer *timer; (timer = timers_due(&timers, 1000)); count++) {
		ck_assert(timer->at_ns >= last);
		ck_assert_int_ne(timer->kind % 3, 0);
		ck_assert_uint_eq(timer->place, 0);
		last = timer->at_ns;
	}
	ck_assert_int_eq(count, MANY - (MANY + 2) / 3);
	timers_release(&timers);
}
END_TEST

START_TEST(are_not_due_early)
{
	struct timers timers = { 0 };
	struct timer timer = { 0 };
	ck_assert_int_eq(timers_wait_ms(&timers, 0), -1);
	timers_set(&timers, &timer, 5000001);
	ck_assert_ptr_null(timers_due(&timers, 5000000));
	ck_assert_int_eq(timers_wait_ms(&timers, 0), 6);
	timers_shift(&timers, 1000000);
	ck_assert_ptr_null(timers_due(&timers, 6000000));
	ck_assert_int_eq(timers_wait_ms(&timers, 7000000), 0);
	ck_assert_ptr_eq(timers_due(&timers, 6000001), &timer);
	timers_clear(&timers, &timer);          /* not set: nothing happens */
	ck_assert_int_eq(timers_wait_ms(&timers, 0), -1);
	timers_release(&timers);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timers");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, come_in_order, 0, 20);
	tcase_add_test(tcase, are_not_due_early);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
