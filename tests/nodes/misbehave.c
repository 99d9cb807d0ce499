/* SPDX-License-Identifier: MIT */
/* Nodes that do what no node should, one implementation for each way. Used by tests/cli/misbehave.sh and
   tests/faults/misbehave.py. */
#include <lpad/node.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_sec = 3600 }, NULL);
}

/* A child that only waits; it keeps every descriptor of this process. */
static void leave_child(int own_session)
{
	if (fork() == 0) {
		if (own_session)
			setsid();
		for (;;)
			nap();
	}
}

static int crash(lpad_node *node)
{
	(void)node;
	fprintf(stderr, "about to crash\n");
	signal(SIGSEGV, SIG_DFL);       /* a sanitizer has a handler of its own, which exits */
	raise(SIGSEGV);
	return 0;
}

static int hang(lpad_node *node)
{
	while (node)
		nap();
	return 0;
}

static int deaf(lpad_node *node)
{
	signal(SIGTERM, SIG_IGN);
	lpad_log(node, "deaf is there");
	return hang(node);
}

static int close_all(lpad_node *node)
{
	(void)node;
	syscall(SYS_close_range, 3u, ~0u, 0u);
	return hang(node);
}

static int fork_and_crash(lpad_node *node)
{
	leave_child(0);
	leave_child(1);
	return crash(node);
}

/* Stopped as a whole, the thread that answers lpad too. */
static int frozen(lpad_node *node)
{
	raise(SIGSTOP);
	return hang(node);
}

static int leave_early(lpad_node *node)
{
	(void)node;
	_exit(0);
}

/* As a program does that makes itself a daemon: its child goes on with everything it had. */
static int fork_away(lpad_node *node)
{
	leave_child(0);
	return leave_early(node);
}

/* A session of its own, no descriptors, TERM and HUP ignored. */
static int daemon_and_fail(lpad_node *node)
{
	(void)node;
	if (fork() == 0) {
		setsid();
		signal(SIGTERM, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		if (fork())
			_exit(0);
		syscall(SYS_close_range, 0u, ~0u, 0u);
		for (;;)
			nap();
	}
	return 5;
}

/* Faster than anybody reads. */
static int flood(lpad_node *node)
{
	(void)node;
	static char lines[100 * 100];
	for (int i = 0; i < 100; i++) {
		memset(lines + 100 * i, 'a' + i % 26, 99);
		lines[100 * i + 99] = '\n';
	}
	for (int i = 0; i < 200; i++)
		if (write(1, lines, sizeof lines) != (ssize_t)sizeof lines)
			return 3;
	return 6;
}

static int eat_memory(lpad_node *node)
{
	(void)node;
	for (;;) {
		char *piece = malloc(1 << 20);
		if (!piece)
			abort();
		memset(piece, 1, 1 << 20);
	}
}

static int long_line(lpad_node *node)
{
	(void)node;
	enum { SIZE = 10000000 };
	char *line = malloc(SIZE);
	memset(line, 'x', SIZE);
	for (size_t done = 0; done < SIZE; ) {
		ssize_t put = write(1, line + done, SIZE - done);
		if (put < 0)
			return 3;
		done += (size_t)put;
	}
	free(line);
	return 0;
}

static int return_at_once(lpad_node *node)
{
	(void)node;
	return 0;
}

static void fini_hang(lpad_node *node)
{
	hang(node);
}

static int exit_seven(lpad_node *node)
{
	lpad_log(node, "seven it is");
	return 7;
}

static int call_exit(lpad_node *node)
{
	(void)node;
	exit(9);
}

static int fails(lpad_node *node)
{
	return lpad_fail(node, "the disk of %s is full of sand", lpad_name(node));
}

static int forget(lpad_node *node, lpad_call *call)
{
	(void)node, (void)call;
	return 0;
}

static int refuse(lpad_node *node, lpad_call *call)
{
	(void)node;
	return lpad_refuse(call, LPAD_EBUSY, "come back on %s", "Tuesday");
}

static int crash_in_call(lpad_node *node, lpad_call *call)
{
	(void)call;
	return crash(node);
}

struct asker {
	lpad_handle *server;
	const char *method;
	bool patient;
};

static int ask(lpad_node *node)
{
	struct asker *me = lpad_state(node);
	if (me->patient)        /* until the server is gone: refused calls do not count */
		while (lpad_call_to(me->server, 0, "refuse", NULL, NULL, lpad_default()) == LPAD_EBUSY)
			;
	int code = lpad_call_to(me->server, 0, me->method, NULL, NULL, lpad_default());
	printf("%d %s\n", code, code ? lpad_error() : "fine");
	return 0;
}

static const lpad_method bad_methods[] = {
	LPAD_METHOD(forget, "returns without answering"),
	LPAD_METHOD(refuse, "says no"),
	LPAD_METHOD(crash_in_call, "takes its process with it"),
	LPAD_END
};
static const lpad_param asker_params[] = { LPAD_TEXT(struct asker, method, "forget", "what to call"),
	LPAD_BOOL(struct asker, patient, "false", "wait until the server is dead"), LPAD_END };
static const lpad_handle_decl asker_handles[] = { LPAD_HANDLE(struct asker, server, LPAD_ONE, "", "whom to call"), LPAD_END };

LPAD_MODULE(
	{ .name = "crash", .run = crash },
	{ .name = "init_crash", .init = crash },
	{ .name = "init_hang", .init = hang, .run = return_at_once },
	{ .name = "hang", .run = hang },
	{ .name = "deaf", .run = deaf },
	{ .name = "close_all", .run = close_all },
	{ .name = "fork_and_crash", .run = fork_and_crash },
	{ .name = "frozen", .run = frozen },
	{ .name = "leave_early", .run = leave_early },
	{ .name = "fork_away", .run = fork_away },
	{ .name = "daemon_and_fail", .run = daemon_and_fail },
	{ .name = "flood", .run = flood },
	{ .name = "eat_memory", .run = eat_memory },
	{ .name = "long_line", .run = long_line },
	{ .name = "fini_hang", .run = return_at_once, .fini = fini_hang },
	{ .name = "exit_seven", .run = exit_seven },
	{ .name = "call_exit", .run = call_exit },
	{ .name = "fails", .run = fails },
	{ .name = "server", .methods = bad_methods },
	{ .name = "asker", .state = sizeof(struct asker), .params = asker_params, .handles = asker_handles, .run = ask });
