/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "supervise/envfile.h"

static struct envfile file;
static struct error error;

static int parse(const char *text)
{
	envfile_release(&file);
	error = (struct error){ 0 };
	return envfile_parse(&file, text, strlen(text), "x.env", &error);
}

static const struct {
	const char *in, *out;           /* out: the entries, each in < > */
} rows[] = {
	{ "", "" },
	{ "\n \n# A=1\n  ; B=2\n", "" },
	{ "A=1", "<A=1>" },
	{ "A=1\r\nB=\r\n", "<A=1><B=>" },
	{ "\xef\xbb\xbf" "A=1", "<A=1>" },
	{ "  A= b c \t\n_x9='d e'", "<A=b c><_x9=d e>" },
	{ "A=b # c\nB=#d", "<A=b # c><B=#d>" },
	{ "A=x=y\nB=it's", "<A=x=y><B=it's>" },
	{ "A=\"b\\\"\\$\\`\\\\\\n\"  \n", "<A=b\"$`\\\\n>" },
	{ "A='b\\'\nB=\"\"\nC=''", "<A=b\\><B=><C=>" },
	{ "A=\"b\nc\"\nB='d\n\ne'\n", "<A=b\nc><B=d\n\ne>" },
	{ "A=1\nAB=2\nA=3", "<A=3><AB=2>" },
	{ "A=$B", "<A=$B>" },
};

START_TEST(are_read)
{
	struct text out = { 0 };
	ck_assert_msg(!parse(rows[_i].in), "%s", error.text);
	for (size_t i = 0; i < file.list.count; i++)
		text_format(&out, "<%s>", file.list.at[i]);
	ck_assert_str_eq(text_string(&out), rows[_i].out);
	char *again = envfile_text(&file);              /* what it writes it reads */
	ck_assert_msg(!parse(again), "%s", error.text);
	text_clear(&out);
	for (size_t i = 0; i < file.list.count; i++)
		text_format(&out, "<%s>", file.list.at[i]);
	ck_assert_str_eq(text_string(&out), rows[_i].out);
	free(again);
	text_release(&out);
	envfile_release(&file);
}
END_TEST

static const struct {
	const char *in, *error;
} bad[] = {
	{ "A", "x.env:1: NAME=VALUE is wanted, a name of letters, digits and _, not `A`" },
	{ "\nA B=1\n", "x.env:2: NAME=VALUE is wanted" },
	{ "9A=1", "x.env:1: NAME=VALUE is wanted" },
	{ "=1", "x.env:1: NAME=VALUE is wanted" },
	{ "A=1\nexport B=2", "x.env:2: no shell reads this file: `export` has no place in it" },
	{ "A='\n1'\nB-C=1", "x.env:3: NAME=VALUE is wanted" },
	{ "A=1\nB='2\n\n", "x.env:2: the ' that begins the value is never closed" },
	{ "A=\"1\\\"", "x.env:1: the \" that begins the value is never closed" },
	{ "A=\"1\nb\" c", "x.env:2: nothing may follow the closing \"" },
};

START_TEST(are_refused)
{
	ck_assert_int_eq(parse(bad[_i].in), -1);
	ck_assert_msg(text_starts(error.text, bad[_i].error), "%s", error.text);
	envfile_release(&file);
}
END_TEST

START_TEST(hold_no_nul)
{
	ck_assert_int_eq(envfile_parse(&file, "A=1\0B", 5, "x.env", &error), -1);
	ck_assert_str_eq(error.text, "x.env: a variable cannot hold a NUL, which is at byte 3");
	envfile_release(&file);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("envfile");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, are_read, 0, sizeof rows / sizeof rows[0]);
	tcase_add_loop_test(tcase, are_refused, 0, sizeof bad / sizeof bad[0]);
	tcase_add_test(tcase, hold_no_nul);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
