/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "topology/mark.h"
#include "topology/read.h"

static struct problems problems;

static struct tree *read_text(const char *text)
{
	struct reading reading = { text, strlen(text), "topo.yaml", 1, "/base" };
	problems = (struct problems){ 0 };
	return read_yaml(&reading, &problems);
}

static void ck_mark(struct mark mark, int line, int column, int end_line, int end_column)
{
	struct mark wanted = { "topo.yaml", line, column, end_line, end_column };
	ck_assert_msg(mark_equal(&mark, &wanted), "%d:%d-%d:%d instead of %d:%d-%d:%d", mark.line,
		mark.column, mark.end_line,
		mark.end_column, line, column, end_line, end_column);
}

/* Nothing to go on with, and exactly one problem. */
static void ck_refused(const char *text, const char *rule, int line, int column)
{
	struct tree *tree = read_text(text);
	ck_assert_ptr_null(tree);
	ck_assert_uint_eq(problems.list.count, 1);
	ck_assert_str_eq(problems.list.at[0].rule, rule);
	ck_assert_int_eq(problems.list.at[0].mark.line, line);
	ck_assert_int_eq(problems.list.at[0].mark.column, column);
	problems_release(&problems);
}

START_TEST(marks_count_lines_and_characters_from_one)
{
	struct tree *tree = read_text("größe: [a, 'b c']\nmap: {x: y}\nblock:\n  k: v\n");
	ck_assert_uint_eq(problems.list.count, 0);
	ck_mark(tree->key_marks[0], 1, 1, 1, 6);
	ck_mark(tree->items[0]->mark, 1, 8, 1, 18);
	ck_mark(tree->items[0]->items[0]->mark, 1, 9, 1, 10);
	ck_mark(tree->items[0]->items[1]->mark, 1, 12, 1, 17);
	ck_mark(tree->items[1]->mark, 2, 6, 2, 12);
	ck_mark(tree->items[1]->key_marks[0], 2, 7, 2, 8);
	ck_mark(tree->items[2]->items[0]->mark, 4, 6, 4, 7);
	tree_free(tree);
}
END_TEST

START_TEST(scalars_know_whether_they_were_quoted)
{
	struct tree *tree = read_text("[plain, 'single', \"double\", ~, '~', !!str 5]");
	ck_assert(!tree->items[0]->quoted && tree->items[1]->quoted && tree->items[2]->quoted);
	ck_assert(tree_is_null(tree->items[3]) && !tree_is_null(tree->items[4]));
	ck_assert_str_eq(tree->items[0]->base, "/base");
	ck_assert_str_eq(problems.list.at[0].rule, "tag");
	tree_free(tree);
	problems_release(&problems);
}
END_TEST

START_TEST(parts_of_a_scalar_have_marks)
{
	struct tree *tree = read_text("[a -> größer, 'a -> b', \"a\\x41 -> b\", a ->\n  b]");
	ck_mark(mark_within(tree->items[0]->mark, tree->items[0]->text, 5, 8), 1, 7, 1, 13);
	ck_mark(mark_within(tree->items[1]->mark, tree->items[1]->text, 5, 1), 1, 21, 1, 22);
	ck_mark(mark_within(tree->items[2]->mark, tree->items[2]->text, 6, 1), 1, 25, 1, 37);
	ck_mark(mark_within(tree->items[3]->mark, tree->items[3]->text, 5, 1), 1, 39, 2, 4);
	tree_free(tree);
}
END_TEST

START_TEST(the_first_line_may_begin_further_right)
{
	struct reading reading = { "[a,\nb]", 6, "--set x", 7, "/" };
	problems = (struct problems){ 0 };
	struct tree *tree = read_yaml(&reading, &problems);
	ck_assert_int_eq(tree->items[0]->mark.column, 8);
	ck_assert_int_eq(tree->items[1]->mark.line, 2);
	ck_assert_int_eq(tree->items[1]->mark.column, 1);
	tree_free(tree);
}
END_TEST

START_TEST(an_alias_has_its_own_mark)
{
	struct tree *tree = read_text("a: &x {k: [1, 2]}\nb: *x\nc: &x 5\nd: *x\n");
	ck_assert_uint_eq(problems.list.count, 0);
	ck_assert(tree_equal(tree_get(tree, "a"), tree_get(tree, "b")));
	ck_mark(tree_get(tree, "b")->mark, 2, 4, 2, 6);
	ck_mark(tree_get(tree, "b")->key_marks[0], 1, 8, 1, 9);
	ck_assert_str_eq(tree_get(tree, "d")->text, "5");
	tree_free(tree);
}
END_TEST

START_TEST(the_first_of_two_equal_keys_stays)
{
	struct tree *tree = read_text("a: 1\nb: 2\na: 3\n");
	ck_assert_uint_eq(tree->count, 2);
	ck_assert_str_eq(tree_get(tree, "a")->text, "1");
	ck_assert_uint_eq(problems.list.count, 1);
	ck_mark(problems.list.at[0].mark, 3, 1, 3, 2);
	tree_free(tree);
	problems_release(&problems);
}
END_TEST

START_TEST(all_small_problems_in_one_go)
{
	struct tree *tree = read_text("a: 1\na: 2\n<<: {}\n? [x]\n: 1\nb: !t 1\n\"c\\0\": 1\n'': 2\n");
	static const char *const rules[] = { "duplicate-key", "merge-key", "key", "tag", "text", "key" };
	ck_assert_ptr_nonnull(tree);
	ck_assert_uint_eq(problems.list.count, 6);
	for (size_t i = 0; i < 6; i++)
		ck_assert_str_eq(problems.list.at[i].rule, rules[i]);
	tree_free(tree);
	problems_release(&problems);
}
END_TEST

static char *repeated(const char *piece, size_t count, const char *end)
{
	struct text text = { 0 };
	for (size_t i = 0; i < count; i++)
		text_add(&text, piece);
	text_add(&text, end);
	return text_take(&text);
}

START_TEST(depth_is_bounded)
{
	char *cleanup_free closed = repeated("]", 100, "");
	char *cleanup_free fine = repeated("[", 100, closed);
	struct tree *tree = read_text(fine);
	ck_assert_uint_eq(problems.list.count, 0);
	ck_assert_ptr_nonnull(tree);
	tree_free(tree);
	char *cleanup_free brackets = repeated("[", 10000, "");
	char *cleanup_free lines = repeated("[\n", 10000, "");
	char *cleanup_free dashes = repeated("- ", 10000, "");
	char *cleanup_free keys = repeated("? ", 10000, "");
	char *cleanup_free braces = repeated("{a: ", 10000, "");
	ck_refused(brackets, "depth", 1, 101);
	ck_refused(lines, "depth", 101, 1);
	ck_refused(dashes, "depth", 1, 201);
	ck_refused(keys, "depth", 1, 201);
	ck_refused(braces, "depth", 1, 401);
}
END_TEST

START_TEST(millions_of_brackets_are_refused_at_the_first_hundred)
{
	char *cleanup_free brackets = repeated("[", 20000000, "");
	ck_refused(brackets, "depth", 1, 101);
}
END_TEST

START_TEST(values_are_bounded)
{
	char *cleanup_free list = repeated("1,", READ_VALUES + 5, "]");
	char *cleanup_free text = memory_format("[%s", list);
	ck_refused(text, "too-large", 1, 2 * READ_VALUES);
}
END_TEST

START_TEST(an_alias_bomb_is_refused)
{
	struct text text = { 0 };
	text_add(&text, "a: &a [x, x, x, x, x, x, x, x, x, x]\n");
	for (char c = 'b'; c < 'z'; c++)
		text_format(&text, "%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c - 1,
			c - 1, c - 1, c - 1, c - 1,
			c - 1, c - 1, c - 1, c - 1, c - 1);
	ck_assert_ptr_null(read_text(text.data));
	ck_assert_uint_eq(problems.list.count, 1);
	ck_assert_str_eq(problems.list.at[0].rule, "too-large");
	problems_release(&problems);
	text_release(&text);
}
END_TEST

START_TEST(large_maps_find_their_duplicates)
{
	struct text text = { 0 };
	for (int i = 0; i < 50000; i++)
		text_format(&text, "key%d: %d\n", i, i);
	text_add(&text, "key49999: again\nkey0: again\n");
	struct tree *tree = read_text(text.data);
	ck_assert_uint_eq(tree->count, 50000);
	ck_assert_uint_eq(problems.list.count, 2);
	tree_free(tree);
	problems_release(&problems);
	text_release(&text);
}
END_TEST

static const struct { const char *text, *rule; int line, column; } broken[] = {
	{ "", "empty", 1, 1 }, { "# only\n", "empty", 1, 1 }, { "---\n...\n", NULL, 0, 0 },
	{ "a: [b", "yaml", 1, 4 }, { "a: {b", "yaml", 1, 4 }, { "a: 'b", "yaml", 1, 4 }, { "a: \"b", "yaml", 1, 4 },
	{ "a:\n\tb: c\n", "yaml", 2, 1 }, { "a: b: c\n", "yaml", 1, 5 }, { "a: @b\n", "yaml", 1, 4 }, { "a: `b\n", "yaml", 1, 4 },
	{ "a\n", NULL, 0, 0 }, { "a: 1\nb\nc: 2\n", "yaml", 2, 1 }, { "a: *b\n", "alias", 1, 4 }, { "a: &b [*b]\n", "alias", 1, 8 },
	{ "a: 1\n--- \nb: 2\n", "documents", 2, 1 }, { "a: \x7f\n", "text", 1, 4 }, { "a: \xff\n", "text", 1, 4 },
	{ "b: ü\xc3", "text", 1, 5 }, { "\xfe\xff", "text", 1, 1 }, { "a: [b, ${c}]", "quote", 1, 8 },
	{ "a: {b: ${c}}", "quote", 1, 8 }, { "a: {b: x${c}y}", "quote", 1, 9 }, { "größe: {b: ${c}}", "quote", 1, 12 },
	{ "%FOO bar\n---\na: \xed\xa0\x80", "text", 3, 4 }, { "a: |\n  x\n y: 1\n", "yaml", 3, 2 },
};

START_TEST(broken_texts_are_refused_where_they_break)
{
	if (broken[_i].rule) {
		ck_refused(broken[_i].text, broken[_i].rule, broken[_i].line, broken[_i].column);
		return;
	}
	struct tree *tree = read_text(broken[_i].text);
	ck_assert_ptr_nonnull(tree);
	ck_assert_uint_eq(problems.list.count, 0);
	tree_free(tree);
}
END_TEST

/* Any text is read or refused; none crashes. Every prefix of a file is one. */
START_TEST(every_prefix_is_read_or_refused)
{
	static const char text[] = "lpad: 1\nx: &a {k: [1, \"\\x41\", 'b'], ? c : *a}\ny: |\n  block\nz: !t > \n  folded\n"
		"e:\n- a.b -> c: {keep: all}\n- ${d}\n...\n";
	for (size_t length = 0; length < sizeof text; length++) {
		char *cleanup_free prefix = memory_copy_span(text, length);
		struct tree *tree = read_text(prefix);
		ck_assert(tree || problems.errors);
		tree_free(tree);
		problems_release(&problems);
	}
}
END_TEST

START_TEST(noise_is_read_or_refused)
{
	static const char alphabet[] = "ab:{}[],-?&*!|>'\"%@`# \n\t$\\\xc3\xa4~<";
	unsigned state = 12345;
	for (int round = 0; round < 20000; round++) {
		char text[64];
		size_t length = 0;
		for (; length < sizeof text - 1; length++) {
			state = state * 1103515245u + 12345u;
			text[length] = alphabet[(state >> 16) % (sizeof alphabet - 1)];
		}
		text[length] = '\0';
		struct tree *tree = read_text(text);
		ck_assert(tree || problems.errors);
		tree_free(tree);
		problems_release(&problems);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("read");
	TCase *cases = tcase_create("read");
	tcase_set_timeout(cases, 120);
	tcase_add_test(cases, marks_count_lines_and_characters_from_one);
	tcase_add_test(cases, scalars_know_whether_they_were_quoted);
	tcase_add_test(cases, parts_of_a_scalar_have_marks);
	tcase_add_test(cases, the_first_line_may_begin_further_right);
	tcase_add_test(cases, an_alias_has_its_own_mark);
	tcase_add_test(cases, the_first_of_two_equal_keys_stays);
	tcase_add_test(cases, all_small_problems_in_one_go);
	tcase_add_test(cases, depth_is_bounded);
	tcase_add_test(cases, millions_of_brackets_are_refused_at_the_first_hundred);
	tcase_add_test(cases, values_are_bounded);
	tcase_add_test(cases, an_alias_bomb_is_refused);
	tcase_add_test(cases, large_maps_find_their_duplicates);
	tcase_add_loop_test(cases, broken_texts_are_refused_where_they_break, 0,
		(int)(sizeof broken / sizeof *broken));
	tcase_add_test(cases, every_prefix_is_read_or_refused);
	tcase_add_test(cases, noise_is_read_or_refused);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
