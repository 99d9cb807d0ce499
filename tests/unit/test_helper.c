/* SPDX-License-Identifier: MIT */
#include "supervise/helper.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(const char *script, const char *folder, struct text *out, struct text *err)
{
	const char *words[] = { "sh", "-c", script, NULL };
	struct helper_order order = { .words = words, .folder = folder, .apart = true };
	struct error error = { 0 };
	int status = helper_run(&order, out, err, &error);
	ck_assert_msg(status >= 0, "%s", error.text);
	return status;
}

START_TEST(output_status_and_folder)
{
	struct text cleanup_text out = { 0 }, cleanup_text err = { 0 };
	int status = run("pwd; echo wrong >&2; cat; exit 3", "/usr", &out, &err);
	ck_assert_str_eq(text_string(&out), "/usr\n");  /* and standard input was empty */
	ck_assert_str_eq(text_string(&err), "wrong\n");
	char *text = helper_status_text(status);
	ck_assert_str_eq(text, "exit 3");
	free(text);
	status = run("kill -SEGV $$", NULL, &out, &err);
	text = helper_status_text(status);
	ck_assert_str_eq(text, "signal 11 (segmentation fault)");
	free(text);
}

START_TEST(more_than_a_pipe_holds)
{
	struct text cleanup_text out = { 0 }, cleanup_text err = { 0 };
	run("head -c 3000000 /dev/zero | tr '\\0' x; head -c 200000 /dev/zero >&2", NULL, &out, &err);
	ck_assert_uint_eq(out.length, 3000000);
	ck_assert_uint_eq(err.length, 200000);
}

START_TEST(what_cannot_be_executed)
{
	const char *words[] = { "no-such-program-anywhere", NULL };
	struct helper_order order = { .words = words };
	struct helper helper;
	struct error error = { 0 };
	ck_assert_int_eq(helper_start(&helper, &order, &error), -1);
	ck_assert_int_eq(error.code, ENOENT);
	ck_assert_str_eq(error.text, "cannot start no-such-program-anywhere: No such file or directory");
	ck_assert_int_eq(helper.pid, -1);
}

START_TEST(a_channel_and_a_group)
{
	/* The child's child is in its group, and dies with it. */
	const char *words[] = { "bash", "-c", "sleep 1000 & echo $! >&3; read line <&3; echo got $line >&3; wait", NULL };
	struct helper_order order = { .words = words, .channel = true };
	struct helper helper;
	ck_assert_int_eq(helper_start(&helper, &order, NULL), 0);
	struct text cleanup_text in = { 0 };
	while (!in.length || !strchr(in.data, '\n'))
		ck_assert(helper_read(helper.channel, &in));
	pid_t sleeper = (pid_t)atoi(in.data);
	ck_assert_int_gt(sleeper, 1);
	ck_assert_int_eq(send(helper.channel, "word\n", 5, 0), 5);
	text_clear(&in);
	while (!in.length || !strchr(in.data, '\n'))
		ck_assert(helper_read(helper.channel, &in));
	ck_assert_str_eq(in.data, "got word\n");
	struct pids children = { 0 };
	helper_children(helper.pid, &children);
	ck_assert_uint_eq(children.list.count, 1);
	ck_assert_int_eq(children.list.at[0], sleeper);
	list_release(&children.list);
	int out = helper.out;
	struct text cleanup_text rest = { 0 };
	pid_t pid = helper.pid;
	out = dup(out);
	int status = helper_kill(&helper);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), -1);
	while (helper_read(out, &rest))
		;       /* ends only when the sleeper, which holds the pipe too, is dead */
	close(out);
}

int main(void)
{
	TCase *all = tcase_create("helper");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, output_status_and_folder);
	tcase_add_test(all, more_than_a_pipe_holds);
	tcase_add_test(all, what_cannot_be_executed);
	tcase_add_test(all, a_channel_and_a_group);
	Suite *suite = suite_create("helper");
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
