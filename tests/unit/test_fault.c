/* SPDX-License-Identifier: MIT */
#include "link/message.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

START_TEST(codes_have_names_and_sentences)
{
	struct { int code; const char *name; } rows[] = {
#define ROW(code, name, text) { LPAD_##name, #name },
		LPAD_CODES(ROW)
#undef ROW
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ck_assert_int_lt(rows[i].code, 0);
		ck_assert_str_eq(fault_name(rows[i].code), rows[i].name);
		ck_assert_uint_gt(strlen(fault_string(rows[i].code)), 3);
		for (size_t j = 0; j < i; j++)
			ck_assert_int_ne(rows[i].code, rows[j].code);
	}
	ck_assert_str_eq(fault_string(LPAD_ETIMEDOUT), "the deadline passed");
	ck_assert_str_eq(fault_name(0), "OK");
	ck_assert_str_eq(fault_name(-9999), "EUNKNOWN");
	ck_assert_uint_gt(strlen(fault_string(12345)), 0);
}
END_TEST

START_TEST(set_returns_the_code_and_keeps_the_text)
{
	ck_assert_int_eq(fault_set(LPAD_EBUSY, "queue of %s: %d", "get", 7), LPAD_EBUSY);
	ck_assert_int_eq(fault_code(), LPAD_EBUSY);
	ck_assert_str_eq(fault_text(), "queue of get: 7");
}
END_TEST

START_TEST(old_text_may_be_an_argument)
{
	fault_set(LPAD_EFAILED, "disk full");
	fault_set(LPAD_EFAILED, "replay: %s", fault_text());
	ck_assert_str_eq(fault_text(), "replay: disk full");
}
END_TEST

START_TEST(long_text_is_cut)
{
	char *text = malloc(100001);
	memset(text, 'a', 100000);
	text[100000] = '\0';
	fault_set(LPAD_EFAILED, "%s", text);
	ck_assert_uint_lt(strlen(fault_text()), 2000);
	ck_assert_uint_gt(strlen(fault_text()), 500);
	free(text);
}
END_TEST

static void *another(void *context)
{
	int *clean = context;
	*clean = fault_code() == 0 && !strcmp(fault_text(), "");
	fault_set(LPAD_EGONE, "of the other thread");
	return NULL;
}

START_TEST(each_thread_has_its_own)
{
	pthread_t thread;
	int clean = 0;
	fault_set(LPAD_ELOST, "of this thread");
	ck_assert_int_eq(pthread_create(&thread, NULL, another, &clean), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(clean, 1);
	ck_assert_int_eq(fault_code(), LPAD_ELOST);
	ck_assert_str_eq(fault_text(), "of this thread");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault");
	TCase *cases = tcase_create("fault");
	suite_add_tcase(suite, cases);
	tcase_add_test(cases, codes_have_names_and_sentences);
	tcase_add_test(cases, set_returns_the_code_and_keeps_the_text);
	tcase_add_test(cases, old_text_may_be_an_argument);
	tcase_add_test(cases, long_text_is_cut);
	tcase_add_test(cases, each_thread_has_its_own);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
