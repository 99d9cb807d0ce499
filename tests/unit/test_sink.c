/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervise/sink.h"

enum { SIZE = 1 << 20 };

static char *block;
static int ends[2];     /* read, write */

static void open_pipe(void)
{
	ck_assert(!pipe(ends));
}

static void open_sockets(void)
{
	ck_assert(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
}

static void (*const opens[])(void) = { open_pipe, open_sockets };

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	block = malloc(SIZE);
	for (size_t i = 0; i < SIZE; i++)
		block[i] = (char)(i * 31 + i / 251);
}

static void teardown(void)
{
	free(block);
}

/* A reader that takes nothing makes nobody wait; one that reads at last gets everything. */
START_TEST(waits_for_a_slow_reader)
{
	struct sink sink;
	char *got = malloc(SIZE);
	size_t have = 0;
	opens[_i]();
	sink_init(&sink, ends[1]);
	sink_add(&sink, block, SIZE);
	ck_assert_int_eq(sink_flush(&sink), 0);
	ck_assert(sink.blocked && sink_full(&sink) && !sink_empty(&sink));
	ck_assert_msg(!(fcntl(ends[1], F_GETFL) & O_NONBLOCK), "the shell's descriptor was changed");
	while (have < SIZE) {
		ssize_t n = read(ends[0], got + have, 5000);
		ck_assert(n > 0);
		have += (size_t)n;
		ck_assert_int_eq(sink_flush(&sink), 0);
	}
	ck_assert(sink_empty(&sink) && !sink.blocked);
	ck_assert_mem_eq(got, block, SIZE);
	sink_release(&sink);
	free(got);
}
END_TEST

START_TEST(notices_that_the_reader_has_gone)
{
	struct sink sink;
	opens[_i]();
	sink_init(&sink, ends[1]);
	close(ends[0]);
	sink_add(&sink, "x", 1);
	ck_assert_int_eq(sink_flush(&sink), -1);
	ck_assert_int_eq(sink.failed, EPIPE);
	sink_add(&sink, block, SIZE);
	ck_assert(sink_empty(&sink));
	ck_assert_int_eq(sink_flush(&sink), 0);
	sink_release(&sink);
}
END_TEST

START_TEST(appends_to_a_file)
{
	char path[] = "/tmp/lpad-test-XXXXXX";
	int fd = mkstemp(path);
	struct sink sink;
	ck_assert(write(fd, "first ", 6) == 6);
	sink_init(&sink, fd);
	sink_add(&sink, "second", 6);
	ck_assert_int_eq(sink_flush(&sink), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 12);
	sink_release(&sink);
	close(fd);
	unlink(path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sink");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, waits_for_a_slow_reader, 0, 2);
	tcase_add_loop_test(tcase, notices_that_the_reader_has_gone, 0, 2);
	tcase_add_test(tcase, appends_to_a_file);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
