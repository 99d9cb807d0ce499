/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "supervise/record.h"

static char scratch[64];
static struct error error;
static struct text complaints;

static void setup(void)
{
	snprintf(scratch, sizeof scratch, "%s/lpad-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	error = (struct error){ 0 };
}

static void teardown(void)
{
	files_remove_tree(scratch);
	text_release(&complaints);
}

static struct record make(const char *name)
{
	struct record record;
	ck_assert_msg(!record_create(&record, scratch, name, &error), "%s", error.text);
	return record;
}

static void assert_next_is(const char *name, const char *id)
{
	struct record record = make(name);
	ck_assert_str_eq(record.id, id);
	record_release(&record);
}

START_TEST(are_counted_by_name)
{
	assert_next_is("one", "one-1");
	assert_next_is("one", "one-2");
	assert_next_is("one-2", "one-2-1");
	char *path = memory_format("%s/one-41", scratch);
	mkdir(path, 0700);
	free(path);
	path = memory_format("%s/one-50x", scratch);
	mkdir(path, 0700);
	free(path);
	assert_next_is("one", "one-42");
}
END_TEST

/* mkdir decides: everyone gets a number of their own. */
START_TEST(are_unique_under_many_launches)
{
	enum { LAUNCHES = 8, EACH = 10 };
	for (int i = 0; i < LAUNCHES; i++)
		if (!fork()) {
			struct record record;
			for (int j = 0; j < EACH; j++)
				if (record_create(&record, scratch, "many", &error))
					_exit(1);
				else
					record_release(&record);
			_exit(0);
		}
	for (int i = 0, status; i < LAUNCHES; i++)
		ck_assert(wait(&status) > 0 && status == 0);
	assert_next_is("many", "many-81");
}
END_TEST

START_TEST(name_the_option_when_unusable)
{
	struct record record;
	char *path = memory_format("%s/file", scratch);
	fclose(fopen(path, "w"));
	ck_assert_int_eq(record_create(&record, path, "one", &error), -1);
	ck_assert_ptr_nonnull(strstr(error.text, "--record"));
	ck_assert_ptr_nonnull(strstr(error.text, "is not a folder"));
	free(path);
}
END_TEST

START_TEST(keep_logs_and_their_ends)
{
	struct record record = make("one");
	record.logs_most = 1;
	struct log first = LOG_CLOSED, second = LOG_CLOSED;
	for (int i = 0; i < 30; i++) {
		char line[40];
		int length = snprintf(line, sizeof line, "line %d\n", i);
		record_log(&record, &first, "worker/1/2", line, (size_t)length);
		record_log(&record, &second, "learner", "x\n", 2);
	}
	ck_assert_int_ge(first.fd, 0);
	ck_assert_int_eq(second.fd, -1);        /* no more than logs_most are held open */
	record_close_log(&record, &first);
	ck_assert_int_eq(record.logs_open, 0);
	char *tail = record_log_tail(&record, "worker/1/2", 3);
	ck_assert_str_eq(tail, "line 27\nline 28\nline 29");
	free(tail);
	tail = record_log_tail(&record, "learner", 100);
	ck_assert_uint_eq(strlen(tail), 59);
	free(tail);
	ck_assert_ptr_null(record_log_tail(&record, "nobody", 3));
	record_release(&record);
}
END_TEST

/* Times are noted before what they are of, and not for each line. */
START_TEST(note_when_logs_were_written)
{
	struct record record = make("one");
	struct log log = LOG_CLOSED;
	struct text cleanup_text times = { 0 };
	record_log(&record, &log, "a/1", "12345\n", 6);
	record_log(&record, &log, "a/1", "67890\n", 6);
	int64_t first = log.noted_ms;
	log.noted_ms -= 250;
	record_log(&record, &log, "a/1", "later\n", 6);
	record_close_log(&record, &log);
	char *path = memory_format("%s/logs/a/1.times", record.folder);
	ck_assert(!files_read(path, &times, 0, &error));
	char *expected = memory_format("%lld 0\n%lld 12\n", (long long)first, (long long)log.noted_ms);
	ck_assert_str_eq(text_string(&times), expected);
	free(expected);
	free(path);
	record_release(&record);
}
END_TEST

/* As the two processes of a launch do, and whoever looks. */
START_TEST(are_held_while_their_launch_lives)
{
	struct record record = make("one");
	ck_assert(record_is_held(record.folder));
	ck_assert(!record_others_hold(record.hold));
	int guardian = record_hold(record.folder);
	ck_assert(record_others_hold(record.hold) && record_others_hold(guardian));
	char *folder = memory_copy_text(record.folder);
	record_release(&record);
	ck_assert(record_is_held(folder) && !record_others_hold(guardian));
	close(guardian);
	ck_assert(!record_is_held(folder));
	free(folder);
}
END_TEST

static void complain(void *context, const char *text)
{
	(void)context;
	text_add(&complaints, text);
	text_add(&complaints, "\n");
}

/* A file that may not grow stands for a full disk. */
START_TEST(survive_a_full_disk)
{
	struct record record = make("one");
	record.trouble = complain;
	struct log log = LOG_CLOSED;
	signal(SIGXFSZ, SIG_IGN);
	char *path = memory_format("%s/metrics.jsonl", record.folder);
	record.metrics = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	free(path);
	struct rlimit none = { .rlim_cur = 10, .rlim_max = 10 };
	ck_assert(!setrlimit(RLIMIT_FSIZE, &none));
	for (int i = 0; i < 5; i++) {
		record_log(&record, &log, "worker", "0123456789\n", 11);
		record_metrics(&record, "0123456789\n", 11);
	}
	const char *said = text_string(&complaints);
	ck_assert_ptr_nonnull(strstr(said, "cannot write the logs in "));
	ck_assert_ptr_nonnull(strstr(said, "metrics.jsonl: "));
	ck_assert_msg(strchr(strchr(said, '\n') + 1, '\n')[1] == '\0', "each is said once:\n%s", said);
	ck_assert_int_eq(record_write_json(&record, "result.json", json_pack("{ss}", "a", "long enough not to fit"), &error), -1);
	path = memory_format("%s/result.json", record.folder);
	ck_assert(access(path, F_OK) != 0);     /* whole or not at all */
	free(path);
	record_release(&record);
}
END_TEST

START_TEST(hash_as_sha256sum_does)
{
	char hash[65];
	manifest_hash("abc", 3, hash);
	ck_assert_str_eq(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	manifest_hash("", 0, hash);
	ck_assert_str_eq(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, are_counted_by_name);
	tcase_add_test(tcase, are_unique_under_many_launches);
	tcase_add_test(tcase, name_the_option_when_unusable);
	tcase_add_test(tcase, keep_logs_and_their_ends);
	tcase_add_test(tcase, note_when_logs_were_written);
	tcase_add_test(tcase, are_held_while_their_launch_lives);
	tcase_add_test(tcase, survive_a_full_disk);
	tcase_add_test(tcase, hash_as_sha256sum_does);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
