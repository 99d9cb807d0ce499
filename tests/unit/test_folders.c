/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "supervise/folders.h"

static char scratch[64];
static struct error error;

static void setup(void)
{
	snprintf(scratch, sizeof scratch, "%s/lpad-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	error = (struct error){ 0 };
}

static void teardown(void)
{
	files_remove_tree(scratch);
}

static char *below(const char *name)
{
	return memory_format("%s/%s", scratch, name);
}

static void assert_refused(const char *base, const char *why)
{
	char *path = folders_numbered(base, &error);
	ck_assert_msg(!path, "%s was accepted", base);
	ck_assert_msg(strstr(error.text, why) != NULL, "\"%s\" is not in: %s", why, error.text);
}

START_TEST(are_numbered_and_private)
{
	char *base = below("lpad");
	umask(0);
	char *one = folders_numbered(base, &error), *two = folders_numbered(base, &error);
	ck_assert_str_eq(one + strlen(base), "/1");
	ck_assert_str_eq(two + strlen(base), "/2");
	struct stat status;
	ck_assert(!stat(base, &status) && (status.st_mode & 0777) == 0700);
	ck_assert(!stat(two, &status) && (status.st_mode & 0777) == 0700);
	rmdir(one);
	char *three = folders_numbered(base, &error);   /* a stale one is never used again */
	ck_assert_str_eq(three + strlen(base), "/3");
	free(one), free(two), free(three), free(base);
}
END_TEST

START_TEST(refuse_a_file)
{
	char *base = below("lpad");
	fclose(fopen(base, "w"));
	assert_refused(base, "is in the way: a folder for sockets should be there, and it is a file");
	struct stat status;
	ck_assert(!stat(base, &status) && S_ISREG(status.st_mode));
	free(base);
}
END_TEST

START_TEST(refuse_a_link)
{
	char *base = below("lpad");
	ck_assert(!symlink("/tmp", base));
	assert_refused(base, "it is a link");
	free(base);
}
END_TEST

START_TEST(refuse_one_open_to_others)
{
	char *base = below("lpad");
	mkdir(base, 0700);
	chmod(base, 0755);
	assert_refused(base, "can be entered by others (mode 755)");
	free(base);
}
END_TEST

START_TEST(refuse_another_users)
{
	char *base = below("lpad");
	mkdir(base, 0700);
	if (geteuid() == 0) {
		ck_assert(!chown(base, 65534, 65534));
		assert_refused(base, "belongs to user 65534");
	}
	free(base);
}
END_TEST

START_TEST(refuse_what_is_too_long)
{
	char name[101];
	memset(name, 'x', 100);
	name[100] = '\0';
	char *base = below(name);
	assert_refused(base, "is too long");
	ck_assert_ptr_nonnull(strstr(error.text, "set XDG_RUNTIME_DIR to a shorter path"));
	free(base);
}
END_TEST

START_TEST(of_sockets_follow_the_variable)
{
	setenv("XDG_RUNTIME_DIR", scratch, 1);
	char *path = folders_sockets(false, &error);
	ck_assert_msg(path && text_starts(path, scratch), "%s, %s", path, error.text);
	free(path);
	static const char *const unusable[] = { "relative", "/nowhere/at/all", "/etc/passwd", "" };
	char *expected = memory_format("/tmp/lpad-%d/", (int)geteuid());
	for (size_t i = 0; i < sizeof unusable / sizeof unusable[0]; i++) {
		setenv("XDG_RUNTIME_DIR", unusable[i], 1);
		path = folders_sockets(false, &error);
		ck_assert_msg(path && text_starts(path, expected), "%s, %s", path, error.text);
		rmdir(path);
		free(path);
	}
	free(expected);
}
END_TEST

START_TEST(of_records_follow_the_variables)
{
	setenv("XDG_STATE_HOME", "/state", 1);
	char *path = folders_records(&error);
	ck_assert_str_eq(path, "/state/lpad/runs");
	free(path);
	setenv("XDG_STATE_HOME", "state", 1);
	setenv("HOME", "/home/me", 1);
	path = folders_records(&error);
	ck_assert_str_eq(path, "/home/me/.local/state/lpad/runs");
	free(path);
	unsetenv("XDG_STATE_HOME");
	unsetenv("HOME");
	path = folders_records(&error);
	ck_assert(path ? path[0] == '/' && text_ends(path, "/.local/state/lpad/runs") :
		strstr(error.text, "--record") != NULL);
	free(path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("folders");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, are_numbered_and_private);
	tcase_add_test(tcase, refuse_a_file);
	tcase_add_test(tcase, refuse_a_link);
	tcase_add_test(tcase, refuse_one_open_to_others);
	tcase_add_test(tcase, refuse_another_users);
	tcase_add_test(tcase, refuse_what_is_too_long);
	tcase_add_test(tcase, of_sockets_follow_the_variable);
	tcase_add_test(tcase, of_records_follow_the_variables);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
