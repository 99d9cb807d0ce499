/* SPDX-License-Identifier: MIT */
#include "base/files.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

static char folder[] = "files.XXXXXX";

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
	ck_assert_int_eq(files_remove_tree(folder), 0);
	ck_assert(!files_is_folder(folder));
}

START_TEST(replaces_whole_or_not_at_all)
{
	struct error error = { 0 };
	struct text text = { 0 };
	char *inside = memory_format("%s/a", folder);
	ck_assert_int_eq(files_replace(inside, "one", 3, 0600, &error), 0);
	ck_assert_int_eq(files_replace(inside, "two!", 4, 0600, &error), 0);
	ck_assert_int_eq(files_read(inside, &text, 0, &error), 0);
	ck_assert_str_eq(text.data, "two!");
	text_clear(&text);
	ck_assert_int_eq(files_read(inside, &text, 2, &error), -1);
	ck_assert_int_eq(error.code, EFBIG);
	char *impossible = memory_format("%s/a/b", folder);
	ck_assert_int_eq(files_replace(impossible, "x", 1, 0600, &error), -1);
	ck_assert_int_eq(error.code, ENOTDIR);
	text_release(&text);
	free(inside), free(impossible);
}
END_TEST

START_TEST(makes_folders_and_names_what_is_in_the_way)
{
	struct error error = { 0 };
	char *deep = memory_format("%s/b/c/d", folder);
	char *file = memory_format("%s/f", folder), *below = memory_format("%s/f/g", folder);
	ck_assert_int_eq(files_make_folders(deep, 0700, &error), 0);
	ck_assert_int_eq(files_make_folders(deep, 0700, &error), 0);
	ck_assert(files_is_folder(deep));
	ck_assert_int_eq(files_replace(file, "", 0, 0600, &error), 0);
	ck_assert_int_eq(files_make_folders(below, 0700, &error), -1);
	ck_assert_ptr_nonnull(strstr(error.text, "is not a folder"));
	free(deep), free(file), free(below);
}
END_TEST

START_TEST(removing_does_not_follow_links)
{
	struct error error = { 0 };
	char *kept = memory_format("%s/kept", folder), *tree = memory_format("%s/tree", folder);
	char *file = memory_format("%s/kept/file", folder), *link = memory_format("%s/tree/link", folder);
	files_make_folders(kept, 0700, &error);
	files_make_folders(tree, 0700, &error);
	files_replace(file, "x", 1, 0600, &error);
	ck_assert_int_eq(symlink("../kept", link), 0);
	ck_assert_int_eq(files_remove_tree(tree), 0);
	ck_assert(files_is_file(file));
	free(kept), free(tree), free(file), free(link);
}
END_TEST

START_TEST(paths_are_folded_as_text)
{
	static const struct { const char *folder, *path, *expected; } rows[] = {
		{ "/a/b", "c", "/a/b/c" }, { "/a/b", "/c", "/c" }, { "/a/b", "../c", "/a/c" }, { "/a", "../../..", "/" },
		{ "/a//b/", "./c//d/.", "/a/b/c/d" }, { "/", ".", "/" }, { "/a", "..b/...", "/a/..b/..." },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *path = files_absolute(rows[i].folder, rows[i].path);
		ck_assert_str_eq(path, rows[i].expected);
		free(path);
	}
	char *of = files_folder_of("a/b"), *root = files_folder_of("/b"), *none = files_folder_of("b");
	ck_assert_str_eq(of, "a");
	ck_assert_str_eq(root, "/");
	ck_assert_str_eq(none, ".");
	ck_assert_str_eq(files_name_of("/a/b"), "b");
	free(of), free(root), free(none);
}
END_TEST

START_TEST(time_is_told_as_people_do)
{
	char text[32];
	clock_span(text, 350);
	ck_assert_str_eq(text, "350 ms");
	clock_span(text, 200000);
	ck_assert_str_eq(text, "3 min 20 s");
	static const struct {
		int64_t ms;
		const char *text;
	} spans[] = { { 999, "999 ms" }, { 1500, "1.5 s" }, { 1960, "2 s" }, { 9960, "10 s" }, { 12700, "13 s" }, { 59700, "1 min 0 s" },
		{ 3599900, "1 h 0 min" }, { 7259000, "2 h 1 min" } };
	for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
		clock_span(text, spans[i].ms);
		ck_assert_str_eq(text, spans[i].text);
	}
	clock_stamp(text, 0);
	ck_assert_str_eq(text, "1970-01-01T00:00:00.000Z");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("files");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, replaces_whole_or_not_at_all);
	tcase_add_test(all, makes_folders_and_names_what_is_in_the_way);
	tcase_add_test(all, removing_does_not_follow_links);
	tcase_add_test(all, paths_are_folded_as_text);
	tcase_add_test(all, time_is_told_as_people_do);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
