/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/list.h"

START_TEST(grows_and_keeps_its_end)
{
	struct text text = { 0 };
	ck_assert_str_eq(text_string(&text), "");
	for (int i = 0; i < 1000; i++)
		text_format(&text, "%d,", i);
	ck_assert_uint_eq(text.length, strlen(text.data));
	ck_assert(text_ends(text.data, "998,999,"));
	text_drop_front(&text, 4);
	ck_assert(text_starts(text.data, "2,3,"));
	text_clear(&text);
	ck_assert_str_eq(text_string(&text), "");
	text_add_span(&text, "a\0b", 3);
	ck_assert_uint_eq(text.length, 3);
	char *taken = text_take(&text);
	ck_assert_int_eq(taken[2], 'b');
	ck_assert_ptr_null(text.data);
	free(taken);
	text_release(&text);
}
END_TEST

START_TEST(what_a_terminal_would_obey_becomes_blank)
{
	char text[] = "a\033[2J\n\xc2\x9b" "b\x7f\xc3\xa9\xe2\x82\xac\xc2";
	ck_assert_str_eq(text_printable(text), "a [2J   b \xc3\xa9\xe2\x82\xac\xc2");
}
END_TEST

START_TEST(distance_counts_edits_and_swaps)
{
	ck_assert_uint_eq(text_distance("", ""), 0);
	ck_assert_uint_eq(text_distance("", "abc"), 3);
	ck_assert_uint_eq(text_distance("replicas", "replica"), 1);
	ck_assert_uint_eq(text_distance("recieve", "receive"), 1);
	ck_assert_uint_eq(text_distance("kitten", "sitting"), 3);
}
END_TEST

START_TEST(nearest_word_or_none)
{
	static const char *const words[] = { "central", "hierarchical", "ring" };
	ck_assert_str_eq(text_nearest("centrl", words, 3), "central");
	ck_assert_str_eq(text_nearest("rign", words, 3), "ring");
	ck_assert_ptr_null(text_nearest("banana", words, 3));
	ck_assert_ptr_null(text_nearest("x", words, 0));
	char longest[1000];
	memset(longest, 'x', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	ck_assert_ptr_null(text_nearest(longest, words, 3));
}
END_TEST

START_TEST(equality_knows_null)
{
	ck_assert(text_equal(NULL, NULL));
	ck_assert(!text_equal(NULL, ""));
	ck_assert(text_equal("a", "a"));
}
END_TEST

START_TEST(context_comes_in_front_and_long_errors_are_cut)
{
	struct error error = { 0 };
	ck_assert_int_eq(error_code(&error, 5, "no %s", "bread"), -1);
	error_wrap(&error, "node %s", "a");
	ck_assert_str_eq(error.text, "node a: no bread");
	ck_assert_int_eq(error.code, 5);
	char longest[3000];
	memset(longest, 'y', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	error_set(&error, "%s", longest);
	error_wrap(&error, "%s", longest);
	ck_assert_uint_eq(strlen(error.text), sizeof error.text - 1);
	ck_assert_int_eq(error_set(NULL, "nobody listens"), -1);
}
END_TEST

START_TEST(a_list_hands_out_zeroed_items)
{
	LIST(int) numbers = { 0 };
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(*list_add(&numbers), 0);
		numbers.at[i] = i;
	}
	ck_assert_uint_eq(numbers.count, 100);
	ck_assert_int_eq(numbers.at[99], 99);
	list_release(&numbers);
	ck_assert_uint_eq(numbers.count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("text");
	TCase *all = tcase_create("all");
	tcase_add_test(all, grows_and_keeps_its_end);
	tcase_add_test(all, what_a_terminal_would_obey_becomes_blank);
	tcase_add_test(all, distance_counts_edits_and_swaps);
	tcase_add_test(all, nearest_word_or_none);
	tcase_add_test(all, equality_knows_null);
	tcase_add_test(all, context_comes_in_front_and_long_errors_are_cut);
	tcase_add_test(all, a_list_hands_out_zeroed_items);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
