/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervise/reap.h"

static void setup(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	reap_without_children_file = false;
	reap_become_subreaper();
}

/* A child, its child in another session, and that one's child; all ignore TERM. Returns when all are there. */
static pid_t family(void)
{
	int ready[2];
	char byte;
	ck_assert(!pipe(ready));
	pid_t child = fork();
	if (!child) {
		signal(SIGTERM, SIG_IGN);
		if (!fork()) {
			setsid();
			if (!fork() && write(ready[1], "x", 1) != 1)
				_exit(1);
		}
		for (;;)
			pause();
	}
	ck_assert(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	close(ready[1]);
	return child;
}

START_TEST(finds_children)
{
	reap_without_children_file = _i;
	pid_t child = family();
	struct pids children = { 0 };
	reap_children(&children);
	ck_assert_uint_eq(children.list.count, 1);
	ck_assert_int_eq(children.list.at[0], child);
	list_release(&children.list);
	ck_assert(reap_everything(NULL, 10000));
}
END_TEST

START_TEST(kills_every_generation)
{
	reap_without_children_file = _i;
	for (int i = 0; i < 10; i++)
		family();
	kill(family(), SIGKILL);
	ck_assert(reap_everything(NULL, 10000));
	ck_assert(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}
END_TEST

START_TEST(has_nothing_to_do)
{
	ck_assert(reap_everything(NULL, 1000));
}
END_TEST

START_TEST(spares_those_that_were_there_before)
{
	struct pids before = { 0 };
	pid_t old = family();
	reap_children(&before);
	family();
	ck_assert(reap_everything(&before, 10000));
	struct pids children = { 0 };
	reap_children(&children);
	ck_assert_uint_eq(children.list.count, 1);
	ck_assert_int_eq(children.list.at[0], old);
	list_release(&children.list);
	list_release(&before.list);
	ck_assert(reap_everything(NULL, 10000));
}
END_TEST

START_TEST(signals_all_generations)
{
	int status, stopped = 0;
	pid_t child = family();
	reap_signal_descendants(getpid(), SIGSTOP);
	ck_assert(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
	kill(child, SIGKILL);
	ck_assert(waitpid(child, &status, 0) == child);
	/* The others come to us, stopped. */
	while (waitpid(-1, &status, WUNTRACED) > 0 && WIFSTOPPED(status) && ++stopped < 2) {
		struct pids children = { 0 };
		reap_children(&children);
		kill(children.list.at[0], SIGKILL);
		waitpid(children.list.at[0], NULL, 0);
		list_release(&children.list);
	}
	ck_assert_int_eq(stopped, 2);
	ck_assert(reap_everything(NULL, 10000));
}
END_TEST

START_TEST(reads_environments)
{
	int ready[2];
	char byte;
	ck_assert(!pipe(ready));
	pid_t child = fork();
	if (!child) {
		dup2(ready[1], 1);
		char *const environment[] = { (char []){ "XLPAD_NODE=no" }, (char []){ "LPAD_NODE=run-1/worker/3/1" }, NULL };
		execle("/bin/sh", "sh", "-c", "echo; kill -STOP $$", (char *)NULL, environment);
		_exit(1);
	}
	ck_assert(read(ready[0], &byte, 1) == 1);
	char *value = reap_variable(child, "LPAD_NODE");
	ck_assert_ptr_nonnull(value);
	ck_assert_str_eq(value, "run-1/worker/3/1");
	free(value);
	ck_assert_ptr_null(reap_variable(child, "LPAD"));
	ck_assert_ptr_null(reap_variable(-5, "LPAD_NODE"));
	ck_assert(reap_everything(NULL, 10000));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reap");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, finds_children, 0, 2);
	tcase_add_loop_test(tcase, kills_every_generation, 0, 2);
	tcase_add_test(tcase, has_nothing_to_do);
	tcase_add_test(tcase, spares_those_that_were_there_before);
	tcase_add_test(tcase, signals_all_generations);
	tcase_add_test(tcase, reads_environments);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
