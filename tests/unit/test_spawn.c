/* SPDX-License-Identifier: MIT */
/* What a child has before its program begins, and what is said when that cannot be. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "supervise/cgroup.h"
#include "supervise/spawn.h"

static char *const environment[] = { (char []){ "PATH=/usr/bin:/bin" }, NULL };

static struct spawning shell(char *const *arguments)
{
	struct spawning spawning = { .program = "/bin/sh", .arguments = arguments, .environment = environment, .cgroup = -1 };
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &spawning.descriptors), 0);
	return spawning;
}

/* All that it prints; it must end well. Caller frees. */
static char *output_of(const struct spawning *spawning)
{
	struct spawned child;
	struct error error = { 0 };
	struct text text = { 0 };
	char some[4096];
	int status = -1;
	ck_assert_msg(!spawn_child(spawning, &child, &error), "%s", error.text);
	ck_assert_int_eq(fcntl(child.output, F_SETFL, 0), 0);
	for (ssize_t got; (got = read(child.output, some, sizeof some)) > 0; )
		text_add_span(&text, some, (size_t)got);
	ck_assert_int_eq(waitpid(child.process, &status, 0), child.process);
	ck_assert_int_eq(status, 0);
	close(child.output);
	close(child.errors);
	close(child.control);
	return text_take(&text);
}

START_TEST(limits_are_the_childs_alone)
{
	char *arguments[] = { (char []){ "sh" }, (char []){ "-c" },
		(char []){ "ulimit -n; ulimit -Hn; ulimit -d; nice;"
		"sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status; ls /proc/self/fd | wc -l" }, NULL };
	struct spawning spawning = shell(arguments);
	cpu_set_t own, one;
	struct rlimit before, after;
	int first = 0;
	ck_assert_int_eq(sched_getaffinity(0, sizeof own, &own), 0);
	while (!CPU_ISSET(first, &own))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	getrlimit(RLIMIT_NOFILE, &before);
	spawning.descriptors = (struct rlimit){ 100, 200 };
	spawning.processors = &one;
	spawning.processors_size = sizeof one;
	spawning.data = (uint64_t)1 << 30;
	spawning.has_nice = true;
	spawning.nice = 11;
	char *said = output_of(&spawning);
	char *expected = memory_format("100\n200\n1048576\n11\n%d\n5\n", first);       /* 0 to 3, and the folder that is read */
	ck_assert_str_eq(said, expected);
	getrlimit(RLIMIT_NOFILE, &after);
	ck_assert_uint_eq(before.rlim_cur, after.rlim_cur);
	ck_assert_int_eq(sched_getaffinity(0, sizeof one, &one), 0);
	ck_assert(CPU_EQUAL(&one, &own));
	free(said);
	free(expected);
}
END_TEST

/* Whatever is blocked or ignored here. */
START_TEST(signals_are_as_usual)
{
	char *arguments[] = { (char []){ "sh" }, (char []){ "-c" },
		(char []){ "sed -n 's/^Sig\\(Blk\\|Ign\\):.//p' /proc/self/status; ps -o pgid= -p $$ | tr -d ' '; echo $$" }, NULL };
	struct spawning spawning = shell(arguments);
	sigset_t set, now;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGHUP, SIG_IGN);
	char *said = output_of(&spawning);
	ck_assert_msg(text_starts(said, "0000000000000000\n"), "%s", said);
	ck_assert_msg(!(strtoull(said + 17, NULL, 16) & 0x7fffffff), "%s", said);       /* 32 and 33 are libc's own */
	char *group = said + 34, *own = strchr(group, '\n');
	ck_assert_msg(own && atoi(group) == atoi(own), "%s", said);
	sigprocmask(SIG_BLOCK, NULL, &now);
	ck_assert(sigismember(&now, SIGUSR1) && !sigismember(&now, SIGTERM));
	free(said);
}
END_TEST

static void assert_refused(const struct spawning *spawning, int code, const char *piece)
{
	struct spawned child;
	struct error error = { 0 };
	ck_assert_int_eq(spawn_child(spawning, &child, &error), -1);
	ck_assert_int_eq(error.code, code);
	ck_assert_msg(strstr(error.text, piece), "%s", error.text);
	ck_assert(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

START_TEST(what_cannot_be_is_said)
{
	char *arguments[] = { (char []){ "sh" }, NULL };
	struct spawning spawning = shell(arguments);
	spawning.program = "/nonexistent/program";
	assert_refused(&spawning, ENOENT, "cannot start /nonexistent/program: No such file or directory");
	spawning = shell(arguments);
	spawning.descriptors = (struct rlimit){ 100, 50 };
	assert_refused(&spawning, EINVAL, "cannot set the limit of open files (nofile) of /bin/sh: Invalid argument");
	cpu_set_t none;
	CPU_ZERO(&none);
	spawning = shell(arguments);
	spawning.processors = &none;
	spawning.processors_size = sizeof none;
	assert_refused(&spawning, EINVAL, "cannot set the processors (cpus) of /bin/sh: Invalid argument");
	int read_only = open("/dev/null", O_RDONLY | O_CLOEXEC);
	spawning = shell(arguments);
	spawning.cgroup = read_only;
	assert_refused(&spawning, EBADF, "cannot enter the cgroup of /bin/sh");
	close(read_only);
}
END_TEST

/* In a hierarchy of version 2, whatever it controls; only where one may be written. */
START_TEST(a_cgroup_is_entered_and_removed_with_all_in_it)
{
	char *mount, *own, *arguments[] = { (char []){ "sh" }, (char []){ "-c" },
		(char []){ "sed -n 's/^0:://p' /proc/self/cgroup; sleep 1000 & echo there; sleep 1000" }, NULL };
	struct error error = { 0 };
	struct spawned child;
	char said[400] = "";
	int status = 0;
	cgroup_find(&mount, &own);
	char *place = memory_format("%s%s", mount ? mount : "/nonexistent", own && strcmp(own, "/") ? own : "");
	char *run = cgroup_of_run(place, getpid()), *inner = memory_format("%s/7", run);
	if (!mount || mkdir(run, 0755)) {
		printf("no cgroup v2 can be made in %s: not tried\n", place);
		goto out;
	}
	ck_assert_int_eq(mkdir(inner, 0755), 0);
	struct spawning spawning = shell(arguments);
	spawning.cgroup = cgroup_enter(run, 7, &error);
	ck_assert_msg(spawning.cgroup >= 0, "%s", error.text);
	if (spawn_child(&spawning, &child, &error)) {
		cgroup_remove(run);
		ck_assert_msg(error.code == EACCES || error.code == EPERM, "%s", error.text);       /* moving there is not allowed */
		goto out;
	}
	fcntl(child.output, F_SETFL, 0);
	for (size_t length = 0; !strstr(said, "there\n"); ) {
		ssize_t got = read(child.output, said + length, sizeof said - 1 - length);
		ck_assert_int_gt(got, 0);
		length += (size_t)got;
	}
	ck_assert_msg(strstr(said, "/7\n"), "%s", said);
	cgroup_remove(run);
	ck_assert_int_eq(waitpid(child.process, &status, 0), child.process);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ck_assert(access(run, F_OK));
	ck_assert_int_eq(read(child.output, said, 1), 0);       /* the other one, too */
	close(spawning.cgroup);
out:
	free(inner);
	free(run);
	free(place);
	free(mount);
	free(own);
}
END_TEST

static void prepare(void)
{
	struct error error = { 0 };
	ck_assert_msg(!spawn_prepare(&error), "%s", error.text);
}

int main(void)
{
	Suite *suite = suite_create("spawn");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, prepare, NULL);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, limits_are_the_childs_alone);
	tcase_add_test(tcase, signals_are_as_usual);
	tcase_add_test(tcase, what_cannot_be_is_said);
	tcase_add_test(tcase, a_cgroup_is_entered_and_removed_with_all_in_it);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
