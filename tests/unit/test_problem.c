/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "topology/problem.h"

static struct mark at(int line, int column, int end_line, int end_column)
{
	return (struct mark){ "topo.yaml", line, column, end_line, end_column };
}

static char *printed(const struct problems *problems, bool colour)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	problems_print(problems, out, colour);
	fclose(out);
	char *copy = memory_copy_text(text);
	free(text);
	return copy;
}

/* What one problem at that mark of that source is printed as, without its first line. */
static void expect(const char *source, struct mark mark, const char *wanted)
{
	struct problems problems = { .file = "topo.yaml", .source = source, .source_length = strlen(source) };
	problem_add(&problems, mark, "rule", NULL, "wrong");
	char *cleanup_free text = printed(&problems, false);
	ck_assert_str_eq(strchr(text, '\n') + 1, wanted);
	problems_release(&problems);
}

START_TEST(line_carets_and_hint)
{
	static const char source[] = "edges:\n  - actor.replay -> replay\n";
	struct problems problems = { .file = "topo.yaml", .source = source, .source_length = strlen(source) };
	int result = problem_add(&problems, at(2, 5, 2, 17), "edge-arity", "add ': {map: round-robin}'",
		"%s takes one server, "
		"but replay has %d replicas", "actor.replay", 2);
	ck_assert_int_eq(result, -1);
	char *cleanup_free text = printed(&problems, false);
	ck_assert_str_eq(text,
		"topo.yaml:2:5: error: actor.replay takes one server, but replay has 2 replicas [edge-arity]\n"
		"    2 |   - actor.replay -> replay\n"
		"      |     ^^^^^^^^^^^^\n"
		"      hint: add ': {map: round-robin}'\n");
	problems_release(&problems);
}
END_TEST

START_TEST(colour_only_when_asked)
{
	struct problems problems = { .file = "topo.yaml", .source = "" };
	problem_warn(&problems, at(1, 1, 1, 2), "rule", NULL, "careful");
	char *cleanup_free plain = printed(&problems, false);
	char *cleanup_free coloured = printed(&problems, true);
	ck_assert_str_eq(plain, "topo.yaml:1:1: warning: careful [rule]\n");
	ck_assert_ptr_null(strchr(plain, '\033'));
	ck_assert_ptr_nonnull(strchr(coloured, '\033'));
	ck_assert_uint_eq(problems.warnings, 1);
	ck_assert_uint_eq(problems.errors, 0);
	problems_release(&problems);
}
END_TEST

START_TEST(carets_follow_the_characters)
{
	expect("a: b\n", at(1, 4, 1, 5), "    1 | a: b\n      |    ^\n");
	expect("\ta: b\n", at(1, 5, 1, 6), "    1 | \ta: b\n      | \t   ^\n");
	expect("größe: böse\n", at(1, 8, 1, 12), "    1 | größe: böse\n      |        ^^^^\n");
	expect("a: \x01" "b\n", at(1, 5, 1, 6), "    1 | a: \\x01b\n      |        ^\n");
	expect("a: \xff" "b\n", at(1, 4, 1, 5), "    1 | a: \\xffb\n      |    ^^^^\n");
	expect("a: \xc2\x9b" "b\n", at(1, 4, 1, 5), "    1 | a: \\xc2\\x9bb\n      |    ^^^^^^^^\n");
}
END_TEST

START_TEST(marks_of_several_lines_end_with_the_first)
{
	expect("a: {b:   \n  c}\n", at(1, 4, 2, 5), "    1 | a: {b:\n      |    ^^^\n");
}
END_TEST

START_TEST(a_mark_behind_the_line_has_a_caret)
{
	expect("a:\nb", at(1, 3, 1, 3), "    1 | a:\n      |   ^\n");
	expect("a:   \nb", at(1, 5, 1, 5), "    1 | a:\n      |    ^\n");
	expect("a", at(9, 1, 9, 2), "");
	expect("", at(1, 1, 1, 1), "");
}
END_TEST

START_TEST(line_ends_are_those_of_yaml)
{
	expect("a\r\nb\rc\xc2\x85" "d\n", at(4, 1, 4, 2), "    4 | d\n      | ^\n");
	expect("\xEF\xBB\xBF" "a: b", at(1, 1, 1, 2), "    1 | a: b\n      | ^\n");
}
END_TEST

START_TEST(a_long_line_is_shown_around_the_caret)
{
	char line[2001];
	memset(line, 'x', 2000);
	line[1000] = 'y';
	line[2000] = '\0';
	struct problems problems = { .file = "topo.yaml", .source = line, .source_length = 2000 };
	problem_add(&problems, at(1, 1001, 1, 1002), "rule", NULL, "wrong");
	char *cleanup_free text = printed(&problems, false);
	char *shown = strchr(text, '\n') + 1, *carets = strchr(shown, '\n') + 1;
	ck_assert_uint_lt(strlen(text), 400);
	ck_assert_int_eq(strchr(shown, 'y') - shown, strchr(carets, '^') - carets);
	ck_assert_ptr_nonnull(strstr(shown, "| ...x"));
	ck_assert_ptr_nonnull(strstr(shown, "x...\n"));
	problems_release(&problems);
}
END_TEST

START_TEST(large_line_numbers_stay_aligned)
{
	struct text source = { 0 };
	for (int i = 1; i < 123456; i++)
		text_add(&source, "\n");
	text_add(&source, "a: b\n");
	expect(source.data, at(123456, 4, 123456, 5), "123456 | a: b\n       |    ^\n");
	text_release(&source);
}
END_TEST

START_TEST(lines_are_found_in_any_order)
{
	static const char source[] = "one\ntwo\nthree\n";
	struct problems problems = { .file = "topo.yaml", .source = source, .source_length = strlen(source) };
	problem_add(&problems, at(3, 1, 3, 2), "rule", NULL, "c");
	problem_add(&problems, at(1, 1, 1, 2), "rule", NULL, "a");
	problem_add(&problems, at(2, 1, 2, 2), "rule", NULL, "b");
	problem_add(&problems, at(2, 2, 2, 3), "rule", NULL, "b");
	char *cleanup_free text = printed(&problems, false);
	ck_assert_str_eq(text, "topo.yaml:3:1: error: c [rule]\n    3 | three\n      | ^\n"
		"topo.yaml:1:1: error: a [rule]\n    1 | one\n      | ^\n"
		"topo.yaml:2:1: error: b [rule]\n    2 | two\n      | ^\n"
		"topo.yaml:2:2: error: b [rule]\n    2 | two\n      |  ^\n");
	problems_release(&problems);
}
END_TEST

START_TEST(other_files_are_read_from_disk)
{
	const char *temporary = getenv("TMPDIR");
	char *cleanup_free path = memory_format("%s/problem-XXXXXX", temporary ? temporary : "/tmp");
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(files_write_all(fd, "int a\nint b;\n", 13), 0);
	close(fd);
	struct problems problems = { .file = "topo.yaml", .source = "x\n", .source_length = 2 };
	problem_add(&problems, (struct mark){ path, 1, 6, 1, 6 }, "compile", NULL, "expected ;");
	problem_add(&problems, (struct mark){ "/nowhere/at/all.c", 1, 6, 1, 6 }, "compile", NULL, "gone");
	problem_add(&problems, (struct mark){ path, 0, 0, 0, 0 }, "compile", NULL, "as a whole");
	problem_add(&problems, (struct mark){ path, 2, 0, 2, 0 }, "compile", NULL, "no column");
	char *cleanup_free text = printed(&problems, false);
	char *cleanup_free wanted = memory_format("%s:1:6: error: expected ; [compile]\n    1 | int a\n      |      ^\n"
		"/nowhere/at/all.c:1:6: error: gone [compile]\n%s: error: as a whole [compile]\n"
		"%s:2: error: no column [compile]\n    2 | int b;\n      | ^\n", path, path, path);
	ck_assert_str_eq(text, wanted);
	problems_release(&problems);
	unlink(path);
}
END_TEST

START_TEST(options_have_no_lines)
{
	struct problems problems = { .file = "topo.yaml", .source = "x\n", .source_length = 2 };
	problem_add(&problems, (struct mark){ "--set mode", 1, 6, 1, 9 }, "one-of", NULL, "no");
	problem_add(&problems, (struct mark){ NULL, 0, 0, 0, 0 }, "rule", NULL, "nowhere");
	char *cleanup_free text = printed(&problems, false);
	ck_assert_str_eq(text, "--set mode: error: no [one-of]\nlpad: error: nowhere [rule]\n");
	problems_release(&problems);
}
END_TEST

START_TEST(the_same_is_said_once)
{
	struct problems problems = { 0 };
	problem_add(&problems, at(1, 1, 1, 2), "rule", NULL, "wrong");
	problem_add(&problems, at(1, 1, 1, 2), "rule", NULL, "wrong");
	problems.prefix = "with mode=ring, ";
	problem_add(&problems, at(1, 1, 1, 2), "rule", NULL, "wrong");
	ck_assert_uint_eq(problems.list.count, 1);
	problem_add(&problems, at(1, 1, 1, 3), "rule", NULL, "wrong");
	problem_add(&problems, at(1, 1, 1, 2), "rule", NULL, "wrong too");
	problem_add(&problems, at(1, 1, 1, 2), "other", NULL, "wrong");
	ck_assert_uint_eq(problems.list.count, 4);
	ck_assert_uint_eq(problems.errors, 4);
	ck_assert_str_eq(problems.list.at[1].message, "with mode=ring, wrong");
	problems_release(&problems);
}
END_TEST

START_TEST(no_message_moves_the_cursor)
{
	struct problems problems = { 0 };
	problem_add(&problems, at(1, 1, 1, 2), "rule", "a\nb", "the name \033[2J\n\x7f");
	ck_assert_str_eq(problems.list.at[0].message, "the name \\x1b[2J\\x0a\\x7f");
	ck_assert_str_eq(problems.list.at[0].hint, "a\\x0ab");
	problems_release(&problems);
}
END_TEST

START_TEST(thousands_are_counted)
{
	struct problems problems = { .file = "topo.yaml", .source = "" };
	for (int i = 1; i <= 5000; i++)
		problem_add(&problems, at(i, 1, i, 2), "rule", NULL, "wrong");
	char *cleanup_free text = printed(&problems, false);
	ck_assert_uint_eq(problems.errors, 5000);
	ck_assert_ptr_nonnull(strstr(text,
		"topo.yaml:1000:1: error: wrong [rule]\n... and 4000 more problems\n"));
	problems_release(&problems);
}
END_TEST

START_TEST(json_lines)
{
	struct problems problems = { 0 };
	problem_add(&problems, at(1, 2, 3, 4), "rule", "hint \xff", "wrong \"so\"");
	problem_warn(&problems, (struct mark){ NULL, 0, 0, 0, 0 }, "other", NULL, "careful");
	char *cleanup_free text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	problems_print_json(&problems, out);
	fclose(out);
	json_t *first = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
	json_t *second = json_loads(strchr(text, '\n') + 1, JSON_DISABLE_EOF_CHECK, NULL);
	json_t *wanted = json_pack("{s:s, s:i, s:i, s:i, s:i, s:s, s:s, s:s, s:s}", "file", "topo.yaml",
		"line", 1, "column", 2,
		"end_line", 3, "end_column", 4, "severity", "error", "rule", "rule", "message",
		"wrong \"so\"", "hint", "hint \\xff");
	ck_assert(json_equal(first, wanted));
	ck_assert(json_is_null(json_object_get(second, "file"))
		&& json_is_null(json_object_get(second, "hint")));
	ck_assert_str_eq(json_string_value(json_object_get(second, "severity")), "warning");
	json_decref(first), json_decref(second), json_decref(wanted);
	problems_release(&problems);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("problem");
	TCase *cases = tcase_create("problem");
	tcase_add_test(cases, line_carets_and_hint);
	tcase_add_test(cases, colour_only_when_asked);
	tcase_add_test(cases, carets_follow_the_characters);
	tcase_add_test(cases, marks_of_several_lines_end_with_the_first);
	tcase_add_test(cases, a_mark_behind_the_line_has_a_caret);
	tcase_add_test(cases, line_ends_are_those_of_yaml);
	tcase_add_test(cases, a_long_line_is_shown_around_the_caret);
	tcase_add_test(cases, large_line_numbers_stay_aligned);
	tcase_add_test(cases, lines_are_found_in_any_order);
	tcase_add_test(cases, other_files_are_read_from_disk);
	tcase_add_test(cases, options_have_no_lines);
	tcase_add_test(cases, the_same_is_said_once);
	tcase_add_test(cases, no_message_moves_the_cursor);
	tcase_add_test(cases, thousands_are_counted);
	tcase_add_test(cases, json_lines);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
