/* SPDX-License-Identifier: MIT */
/* Which failure is answered with a restart, and after what wait. */
#include <check.h>
#include <stdlib.h>

#include "supervise/restart.h"

#define MS(n) ((int64_t)(n) * 1000000)

/* One process that fails at these times, after so long a health; what must come of it. random 0: the whole wait. */
struct failing {
	int64_t at_ms, healthy_ms;
	bool again;
	int failures;
	int64_t wait_ms;
};

static const struct {
	const char *what;
	struct policy policy;
	struct failing failing[8];
} rows[] = {
	{ "doubles up to the longest", { .restarts = 5, .within_ns = MS(60000), .backoff_low_ns = MS(100), .backoff_high_ns = MS(500) },
		{ { 0, 0, true, 1, 100 }, { 1000, 0, true, 2, 200 }, { 2000, 0, true, 3, 400 }, { 3000, 0, true, 4, 500 },
		  { 4000, 0, true, 5, 500 }, { 5000, 0, false, 6, 500 } } },
	{ "a window that slides", { .restarts = 2, .within_ns = MS(1000), .backoff_low_ns = MS(10), .backoff_high_ns = MS(10) },
		{ { 0, 0, true, 1, 10 }, { 500, 0, true, 2, 10 }, { 1000, 0, true, 2, 10 }, { 1400, 0, false, 3, 10 } } },
	{ "at the edge it no longer counts", { .restarts = 1, .within_ns = MS(1000), .backoff_low_ns = MS(10), .backoff_high_ns = MS(10) },
		{ { 5, 0, true, 1, 10 }, { 1005, 0, true, 1, 10 }, { 2004, 0, false, 2, 10 } } },
	{ "health makes the wait short again", { .restarts = 9, .within_ns = MS(1000), .backoff_low_ns = MS(10), .backoff_high_ns = MS(80) },
		{ { 0, 0, true, 1, 10 }, { 100, 90, true, 2, 20 }, { 300, 200, true, 3, 40 }, { 1500, 999, true, 1, 80 },
		  { 9000, 1000, true, 1, 10 }, { 9100, 0, true, 2, 20 } } },
	{ "no wait at all", { .restarts = 3, .within_ns = MS(1000), .backoff_low_ns = 0, .backoff_high_ns = 0 },
		{ { 0, 0, true, 1, 0 }, { 1, 0, true, 2, 0 }, { 2, 0, true, 3, 0 }, { 3, 0, false, 4, 0 } } },
	{ "from none to some", { .restarts = 9, .within_ns = MS(1000), .backoff_low_ns = 0, .backoff_high_ns = MS(3) },
		{ { 0, 0, true, 1, 0 }, { 1, 0, true, 2, 1 }, { 2, 0, true, 3, 2 }, { 3, 0, true, 4, 3 }, { 4, 0, true, 5, 3 } } },
	{ "no limit", { .restarts = -1, .within_ns = MS(1000), .backoff_low_ns = MS(1), .backoff_high_ns = MS(1) },
		{ { 0, 0, true, 1, 1 }, { 1, 0, true, 2, 1 }, { 2, 0, true, 3, 1 } } },
	{ "once", { .restarts = 1, .within_ns = MS(60000), .backoff_low_ns = MS(100), .backoff_high_ns = MS(10000) },
		{ { 7, 0, true, 1, 100 }, { 8, 0, false, 2, 200 } } },
};

START_TEST(judges)
{
	struct restart_history history = { 0 };
	for (size_t i = 0; i < 8 && (i == 0 || rows[_i].failing[i].failures); i++) {
		const struct failing *failing = &rows[_i].failing[i];
		struct restart_verdict verdict = restart_judge(&history, &rows[_i].policy, MS(failing->at_ms),
			MS(failing->healthy_ms), 0);
		ck_assert_msg(verdict.again == failing->again, "%s: failure %zu", rows[_i].what, i);
		ck_assert_msg(verdict.failures == failing->failures, "%s: failure %zu: %d in the window", rows[_i].what, i,
			verdict.failures);
		ck_assert_msg(verdict.wait_ns == MS(failing->wait_ms), "%s: failure %zu: waits %lld ns", rows[_i].what, i,
			(long long)verdict.wait_ns);
	}
	restart_release(&history);
}
END_TEST

/* From half the wait to all of it, both ends reached. */
START_TEST(jitters)
{
	const struct policy policy = { .restarts = -1, .within_ns = 1, .backoff_low_ns = 10, .backoff_high_ns = 10 };
	struct restart_history history = { 0 };
	bool seen[11] = { false };
	for (uint64_t random = 0; random < 100; random++) {
		struct restart_verdict verdict = restart_judge(&history, &policy, (int64_t)random * 10, 0, random);
		ck_assert(verdict.wait_ns >= 5 && verdict.wait_ns <= 10);
		seen[verdict.wait_ns] = true;
	}
	ck_assert(seen[5] && seen[6] && seen[7] && seen[8] && seen[9] && seen[10]);
	struct restart_verdict verdict = restart_judge(&history, &policy, 5000, 0, UINT64_MAX);
	ck_assert(verdict.wait_ns >= 5 && verdict.wait_ns <= 10);
	restart_release(&history);
}
END_TEST

/* Time in which everything stood still does not bring a failure closer to the edge of the window. */
START_TEST(stands_still)
{
	const struct policy policy = { .restarts = 1, .within_ns = MS(1000), .backoff_low_ns = MS(1), .backoff_high_ns = MS(1) };
	struct restart_history history = { 0 };
	ck_assert(restart_judge(&history, &policy, 0, 0, 0).again);
	restart_shift(&history, MS(5000));
	ck_assert(!restart_judge(&history, &policy, MS(5500), 0, 0).again);
	restart_release(&history);
}
END_TEST

START_TEST(writes_spans)
{
	static const struct {
		int64_t ns;
		const char *text;
	} spans[] = { { MS(60000), "1m" }, { MS(90000), "90s" }, { MS(500), "500ms" }, { MS(7200000), "2h" }, { MS(1000), "1s" },
		{ 500000, "0.0005 s" }, { 0, "0 s" } };
	for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
		char out[32];
		restart_span(out, spans[i].ns);
		ck_assert_str_eq(out, spans[i].text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("restart");
	TCase *tests = tcase_create("restart");
	tcase_add_loop_test(tests, judges, 0, sizeof rows / sizeof rows[0]);
	tcase_add_test(tests, jitters);
	tcase_add_test(tests, stands_still);
	tcase_add_test(tests, writes_spans);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
