/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/split.h"
#include "base/text.h"

static const struct {
	const char *in, *out;           /* out: the words, each in < > */
} rows[] = {
	{ "", "" },
	{ "  \t ", "" },
	{ "gdb", "<gdb>" },
	{ " gdb  --args\n", "<gdb><--args>" },
	{ "gdb -ex 'break run' --args", "<gdb><-ex><break run><--args>" },
	{ "a\"b c\"d'e f'g", "<ab cde fg>" },
	{ "'' \"\"", "<><>" },
	{ "one\\ word \\' \\\\", "<one word><'><\\>" },
	{ "'\\' \"\\\"\\\\\\n\"", "<\\><\"\\\\n>" },
	{ "$HOME `id` *", "<$HOME><`id`><*>" },
	{ "end\\", "<end\\>" },
};

START_TEST(are_words)
{
	struct split words = { 0 };
	struct error error = { 0 };
	struct text out = { 0 };
	ck_assert_int_eq(split_words(rows[_i].in, &words, &error), 0);
	for (size_t i = 0; i < words.list.count; i++)
		text_format(&out, "<%s>", words.list.at[i]);
	ck_assert_str_eq(text_string(&out), rows[_i].out);
	ck_assert_str_eq(error.text, "");
	text_release(&out);
	split_release(&words);
}
END_TEST

static const char *const open_ones[] = { "'", "a 'b", "a \"b c", "\"a\\\"" };

START_TEST(are_refused)
{
	struct split words = { 0 };
	struct error error = { 0 };
	ck_assert_int_eq(split_words(open_ones[_i], &words, &error), -1);
	ck_assert_msg(strstr(error.text, "is not closed") != NULL, "%s", error.text);
	split_release(&words);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("split");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, are_words, 0, sizeof rows / sizeof rows[0]);
	tcase_add_loop_test(tcase, are_refused, 0, sizeof open_ones / sizeof open_ones[0]);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
