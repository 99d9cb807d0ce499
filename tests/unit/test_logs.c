/* SPDX-License-Identifier: MIT */
/* Logs read from outside: lines of files that grow, moments, and the order of several. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "supervise/logs.h"

static char folder[] = "/tmp/lpad-logs.XXXXXX";
static struct text seen;
static struct error error;

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert(!chdir(folder) && !mkdir("logs", 0700));
	setenv("TZ", "UTC", 1);
}

static void teardown(void)
{
	files_remove_tree(folder);
	text_release(&seen);
}

static void append(const char *path, const char *what)
{
	FILE *file = fopen(path, "a");
	ck_assert_ptr_nonnull(file);
	fputs(what, file);
	fclose(file);
}

/* ---- tails ---- */

static void take(void *context, const char *line, size_t length, off_t at)
{
	(void)context;
	ck_assert_uint_eq(strlen(line), length);
	text_format(&seen, "%lld:%s;", (long long)at, line);
}

static void expect(const char *text)
{
	ck_assert_str_eq(text_string(&seen), text);
	text_clear(&seen);
}

START_TEST(a_tail_gives_whole_lines)
{
	struct tail tail;
	tail_init(&tail, "file");
	ck_assert(!tail_read(&tail, false, take, NULL));        /* it is not there yet */
	append("file", "one\ntw");
	ck_assert(tail_read(&tail, false, take, NULL));
	expect("0:one;");
	append("file", "o\n\nthr");
	tail_read(&tail, false, take, NULL);
	expect("4:two;8:;");
	tail_read(&tail, true, take, NULL);
	expect("9:thr;");
	append("file", "ee\n");
	tail_read(&tail, true, take, NULL);
	expect("12:ee;");
	ck_assert(!tail_read(&tail, true, take, NULL));
	tail_release(&tail);
}
END_TEST

static void expect_last(const char *content, long most, const char *text)
{
	struct tail tail;
	unlink("file");
	append("file", content);
	tail_init(&tail, "file");
	tail_from_end(&tail, most);
	tail_read(&tail, true, take, NULL);
	tail_release(&tail);
	expect(text);
}

START_TEST(a_tail_begins_at_the_last_lines)
{
	expect_last("a\nb\nc\n", 2, "2:b;4:c;");
	expect_last("a\nb\nc", 2, "2:b;4:c;");
	expect_last("a\nb\nc\n", 3, "0:a;2:b;4:c;");
	expect_last("a\nb\nc\n", 9, "0:a;2:b;4:c;");
	expect_last("a\nb\n", 0, "");
	expect_last("\n\n", 1, "1:;");
	expect_last("", 1, "");
	struct text cleanup_text large = { 0 };
	for (int i = 0; i < 30000; i++)
		text_format(&large, "line %5d\n", i);           /* more than it reads at once */
	expect_last(text_string(&large), 2, "329978:line 29998;329989:line 29999;");
	struct tail tail;
	tail_init(&tail, "file");
	tail_from_end(&tail, 20000);
	ck_assert_int_eq(tail.offset, 110000);
	tail_from(&tail, 12);
	ck_assert_int_eq(tail.offset, 22);
	tail_from(&tail, 22);
	ck_assert_int_eq(tail.offset, 22);
	tail_release(&tail);
}
END_TEST

/* ---- moments ---- */

static const int64_t NOW = 1795358188047;       /* 2026-11-22T14:36:28.047Z */

static const struct { const char *text; int64_t ms; } moments[] = {
	{ "10m", NOW - 600000 }, { "1.5s", NOW - 1500 }, { "0", NOW }, { "2026-11-22T14:36:28.047Z", NOW },
	{ "2026-11-22T14:36:28Z", NOW - 47 }, { "2026-11-22 14:36", NOW - 28047 }, { "14:36", NOW - 28047 },
	{ "14:36:20.5", NOW - 7547 }, { "2026-11-22", NOW - 52588047 },
};

START_TEST(moments_are_read)
{
	int64_t ms;
	ck_assert_msg(!logs_read_moment(moments[_i].text, NOW, &ms, &error), "%s", error.text);
	ck_assert_msg(ms == moments[_i].ms, "%s: %lld off", moments[_i].text, (long long)(ms - moments[_i].ms));
}
END_TEST

START_TEST(what_is_no_moment)
{
	static const char *const none[] = { "", "10", "-5m", "14", "tomorrow", "2026-11", "14:36x", "2026-11-22T14:36:28+01" };
	int64_t ms;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		ck_assert_msg(logs_read_moment(none[i], NOW, &ms, &error) == -1, "%s", none[i]);
}
END_TEST

/* ---- several logs ---- */

static void take_line(void *context, const struct log_line *line)
{
	(void)context;
	text_format(&seen, "%s@%lld:%s;", line->process, (long long)line->ms, line->text);
}

static struct logs open_both(long last, int64_t since_ms, json_t **names)
{
	struct logs logs;
	*names = json_pack("[ss]", "a", "b");
	logs_open(&logs, folder, *names, &(struct logs_from){ last, since_ms });
	return logs;
}

START_TEST(several_are_in_their_order)
{
	json_t *names;
	append("logs/a.log", "a1\na2\na3\nlong ");
	append("logs/a.times", "1000 0\n3000 6\n");
	append("logs/b.log", "b1\nb2\n");
	append("logs/b.times", "2000 0\n3500 3\n");
	struct logs logs = open_both(-1, 0, &names);
	logs_read(&logs, false, take_line, NULL);
	expect("a@1000:a1;a@1000:a2;b@2000:b1;a@3000:a3;b@3500:b2;");
	append("logs/b.log", "b3\n");
	append("logs/b.times", "5000 6\n");
	append("logs/a.times", "4000 14\n");
	append("logs/a.log", "line\nx");
	logs_read(&logs, false, take_line, NULL);
	expect("a@3000:long line;b@5000:b3;");
	logs_read(&logs, true, take_line, NULL);
	expect("a@4000:x;");
	logs_close(&logs);
	json_decref(names);

	logs = open_both(-1, 3100, &names);             /* what was noted at 3000 goes on until 3250 */
	logs_read(&logs, true, take_line, NULL);
	expect("a@3000:a3;b@3500:b2;a@3000:long line;b@5000:b3;a@4000:x;");        /* a line comes when it is whole */
	logs_close(&logs);
	json_decref(names);

	logs = open_both(1, 4500, &names);
	logs_read(&logs, true, take_line, NULL);
	expect("b@5000:b3;");
	logs_close(&logs);
	json_decref(names);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("logs");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_tail_gives_whole_lines);
	tcase_add_test(tcase, a_tail_begins_at_the_last_lines);
	tcase_add_loop_test(tcase, moments_are_read, 0, sizeof moments / sizeof moments[0]);
	tcase_add_test(tcase, what_is_no_moment);
	tcase_add_test(tcase, several_are_in_their_order);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
