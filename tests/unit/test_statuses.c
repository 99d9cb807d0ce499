/* SPDX-License-Identifier: MIT */
#include "node/statuses.h"

#include <check.h>
#include <lpad/node.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct statuses statuses;

static void begin(void)
{
	statuses_init(&statuses);
}

static void end(void)
{
	statuses_release(&statuses);
}

static void assert_taken(const char *expected)
{
	json_t *taken = statuses_take(&statuses);
	char *text = taken ? json_dumps(taken, JSON_COMPACT) : NULL;
	if (expected)
		ck_assert_str_eq(text, expected);
	else
		ck_assert_ptr_null(taken);
	free(text);
	json_decref(taken);
}

START_TEST(the_newest_of_each_name)
{
	assert_taken(NULL);
	ck_assert_int_eq(statuses_set(&statuses, "a", "1"), STATUS_CHANGED);
	ck_assert_int_eq(statuses_set(&statuses, "b", "2"), STATUS_KEPT);        /* the owner was woken already */
	ck_assert_int_eq(statuses_set(&statuses, "a", "3"), STATUS_KEPT);
	assert_taken("{\"a\":\"3\",\"b\":\"2\"}");
	assert_taken(NULL);
	ck_assert_int_eq(statuses_set(&statuses, "a", "3"), STATUS_KEPT);
	assert_taken(NULL);
	ck_assert_int_eq(statuses_set(&statuses, "a", "4"), STATUS_CHANGED);
	assert_taken("{\"a\":\"4\",\"b\":\"2\"}");
	ck_assert_str_eq(statuses_text(&statuses, "a"), "4");
	ck_assert_str_eq(statuses_text(&statuses, "c"), "");
}
END_TEST

START_TEST(an_empty_text_takes_the_name_away)
{
	ck_assert_int_eq(statuses_set(&statuses, "a", ""), STATUS_KEPT);
	assert_taken(NULL);
	statuses_set(&statuses, "a", "1");
	statuses_set(&statuses, "b", "2");
	statuses_set(&statuses, "c", "3");
	assert_taken("{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}");
	ck_assert_int_eq(statuses_set(&statuses, "a", ""), STATUS_CHANGED);
	statuses_set(&statuses, "b", NULL);
	assert_taken("{\"c\":\"3\"}");
	statuses_set(&statuses, "c", "");
	assert_taken("{}");
}
END_TEST

START_TEST(not_more_names_than_there_is_room_for)
{
	char name[8];
	for (int i = 0; i < STATUSES_MOST; i++) {
		snprintf(name, sizeof name, "n%d", i);
		ck_assert_int_ne(statuses_set(&statuses, name, "here"), STATUS_REFUSED);
	}
	ck_assert_int_eq(statuses_set(&statuses, "more", "not here"), STATUS_REFUSED);
	ck_assert_int_eq(statuses_set(&statuses, "more", "still not"), STATUS_KEPT);     /* said once */
	ck_assert_str_eq(statuses_text(&statuses, "more"), "");
	statuses_set(&statuses, "n7", "changed");
	ck_assert_str_eq(statuses_text(&statuses, "n7"), "changed");
	statuses_set(&statuses, "n8", "");
	statuses_set(&statuses, "more", "here now");
	ck_assert_str_eq(statuses_text(&statuses, "more"), "here now");
}
END_TEST

/* A byte, then characters of three: the limit is in the middle of one. */
START_TEST(long_and_odd_texts)
{
	char text[3 * STATUS_LONGEST] = "xyz";
	for (size_t i = 3; i + 4 < sizeof text; i += 3)
		memcpy(text + i, "\xe2\x82\xac", 4);
	for (size_t before = 0; before < 3; before++) {
		statuses_set(&statuses, "long", text + before);
		const char *kept = statuses_text(&statuses, "long");
		ck_assert_uint_eq(strlen(kept), before == 0 ? 399 : before == 1 ? 398 : 400);
		ck_assert(!strncmp(kept, text + before, strlen(kept)));
	}
	statuses_set(&statuses, "long", NULL);
	statuses_set(&statuses, "od\nd", "a\tb\033[1mc\xff");
	assert_taken("{\"od d\":\"a b [1mc\xef\xbf\xbd\"}");
}
END_TEST

static int said;

static void __attribute__((format(printf, 3, 4))) say(lpad_node *node, const char *name, const char *format, ...)
{
	(void)node, (void)name, (void)format;
	said++;
}

/* The table of an lpad that did not know this function ends before it. */
START_TEST(an_older_host_is_not_asked)
{
	const lpad_host *before = lpad_host_;
	const lpad_host older = { .size = offsetof(lpad_host, status), .minor = 1 };
	void *volatile host = malloc(older.size);       /* volatile: the compiler does not know how little it is */
	memcpy(host, &older, older.size);
	lpad_host_ = host;
	lpad_status(NULL, "name", "%d", 1);
	free(host);
	ck_assert_int_eq(said, 0);
	lpad_host_ = &(const lpad_host){ .size = sizeof(lpad_host), .minor = 2, .status = say };
	lpad_status(NULL, "name", "%d", 1);
	lpad_host_ = before;
	ck_assert_int_eq(said, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("statuses");
	TCase *cases = tcase_create("statuses");
	tcase_add_checked_fixture(cases, begin, end);
	tcase_add_test(cases, the_newest_of_each_name);
	tcase_add_test(cases, an_empty_text_takes_the_name_away);
	tcase_add_test(cases, not_more_names_than_there_is_room_for);
	tcase_add_test(cases, long_and_odd_texts);
	tcase_add_test(cases, an_older_host_is_not_asked);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
