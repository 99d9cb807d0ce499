/* SPDX-License-Identifier: MIT */
#include "supervise/diagnostics.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static bool same(const char *text, size_t length, const char *wanted)
{
	return strlen(wanted) == length && !strncmp(text, wanted, length);
}

START_TEST(compilers_and_linkers)
{
	const char *at =
		"In file included from a.c:1:\n"
		"/x/a.c: In function 'main':\n"
		"/x/a.c:2:10: error: 'b' undeclared (first use in this function)\n"
		"    2 |  int a = b;\n"
		"      |          ^\n"
		"/x/a.c:2:10: note: each undeclared identifier is reported only once\n"
		"a b.c:13: warning: odd: 1:2: text\n"
		"<command-line>: fatal error: nothing.h: No such file\n"
		"c.c:7:3: fatal error: nothing.h: No such file or directory\n"
		"/usr/bin/ld: /tmp/ccX.o: in function `run':\n"
		"/usr/bin/ld: /x/a.c:12: undefined reference to `foo'\n"
		"/x/a.c:9: undefined reference to `bar'\n"
		"collect2: error: ld returned 1 exit status";
	static const struct { const char *file; int line, column; bool error; const char *message; } wanted[] = {
		{ "/x/a.c", 2, 10, true, "'b' undeclared (first use in this function)" },
		{ "a b.c", 13, 1, false, "odd: 1:2: text" },
		{ "c.c", 7, 3, true, "nothing.h: No such file or directory" },
		{ "/x/a.c", 12, 1, true, "undefined reference to `foo'" },
		{ "/x/a.c", 9, 1, true, "undefined reference to `bar'" },
	};
	struct diagnostic one;
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		ck_assert_msg(diagnostic_next(&at, &one), "%zu", i);
		ck_assert_msg(same(one.file, one.file_length, wanted[i].file), "%zu: %.*s", i, (int)one.file_length, one.file);
		ck_assert_int_eq(one.line, wanted[i].line);
		ck_assert_int_eq(one.column, wanted[i].column);
		ck_assert_int_eq(one.error, wanted[i].error);
		ck_assert_msg(same(one.message, one.message_length, wanted[i].message), "%.*s", (int)one.message_length,
			one.message);
		ck_assert_ptr_null(one.macro);
	}
	ck_assert(!diagnostic_next(&at, &one));
}

START_TEST(a_macro_is_shown_where_it_is_used)
{
	const char *at =
		"/i/node.h:338:67: error: size of unnamed array is negative\n"
		"  338 | #define MEMBER(T, m)\n"
		"/i/node.h:346:43: note: in expansion of macro 'LPAD_MEMBER_'\n"
		"n.c:3:38: note: in expansion of macro 'LPAD_INT'\n"
		"    3 | LPAD_INT(a)\n"
		"n.c:9:1: error: another\n"
		"n.c:4:1: note: in expansion of macro \xe2\x80\x98" "X\xe2\x80\x99\n";
	struct diagnostic one;
	ck_assert(diagnostic_next(&at, &one));
	ck_assert(same(one.file, one.file_length, "n.c"));
	ck_assert_int_eq(one.line, 3);
	ck_assert_int_eq(one.column, 38);
	ck_assert(same(one.macro, one.macro_length, "LPAD_INT"));
	ck_assert(diagnostic_next(&at, &one));
	ck_assert_int_eq(one.line, 4);
	ck_assert(!diagnostic_next(&at, &one));
}

START_TEST(nothing_and_rubbish)
{
	static const char *const texts[] = { "", "\n\n", ":", ":1:", ":1: error: x", "a:", "a:b: error: x", "a:0: error: x",
		"a:99999999999: error: x", "ld: ", "::::::", "a:1:2:3: error: x" };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const char *at = texts[i];
		struct diagnostic one;
		ck_assert_msg(!diagnostic_next(&at, &one), "%s", texts[i]);
		ck_assert_int_eq(*at, '\0');
	}
}

int main(void)
{
	TCase *all = tcase_create("diagnostics");
	tcase_add_test(all, compilers_and_linkers);
	tcase_add_test(all, a_macro_is_shown_where_it_is_used);
	tcase_add_test(all, nothing_and_rubbish);
	Suite *suite = suite_create("diagnostics");
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
