/* SPDX-License-Identifier: MIT */
/* Nodes that live as long as they are let: for the tests of launch. */
#include <lpad/node.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int ready_and_wait(lpad_node *node)
{
	printf("%s is ready\n", lpad_name(node));
	fflush(stdout);
	lpad_wait_stop(node, lpad_never());
	return 0;
}

/* A daemon as its author would write it: forks twice, leads a session, has no descriptors, ignores TERM and HUP. */
static void leave_daemon(char *const *environment)
{
	if (fork())
		return;
	setsid();
	if (fork())
		_exit(0);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	char *const arguments[] = { (char []){ "sh" }, (char []){ "-c" },
		(char []){ "exec sleep 100000 </dev/null >/dev/null 2>&1 3<&-" }, NULL };
	execve("/bin/sh", arguments, environment);
	_exit(1);
}

extern char **environ;

static int escape(lpad_node *node)
{
	leave_daemon(environ);
	return ready_and_wait(node);
}

/* One that does not even say whose it is; SCRATCH is for the test. */
static int escape_nameless(lpad_node *node)
{
	char scratch[300];
	snprintf(scratch, sizeof scratch, "SCRATCH=%s", getenv("SCRATCH"));
	char *const environment[] = { scratch, NULL };
	leave_daemon(environment);
	return ready_and_wait(node);
}

struct chatter {
	int64_t lines;
	int32_t stream;
};

static int chat(lpad_node *node)
{
	const struct chatter *me = lpad_state(node);
	FILE *out = me->stream ? stderr : stdout;
	setvbuf(out, NULL, _IOFBF, 1 << 16);
	for (int64_t i = 0; i < me->lines; i++)
		fprintf(out, "%s says line %lld\n", lpad_name(node), (long long)i);
	fflush(out);
	return 0;
}

static int fini_is_said(lpad_node *node)
{
	fprintf(stderr, "%s sees its environment: %s in %s\n", lpad_name(node), getenv("WHO"), getenv("WHERE"));
	return 0;
}

struct gate {
	const char *file;
};

static int wait_for_file(lpad_node *node)
{
	const struct gate *me = lpad_state(node);
	while (access(me->file, F_OK))
		usleep(10000);
	return 0;
}

/* Until the end of standard input. */
static int read_lines(lpad_node *node)
{
	char line[200];
	(void)node;
	printf("reads %s\n", isatty(0) ? "a terminal" : "a file");
	while (fgets(line, sizeof line, stdin))
		printf("got %s", line);
	return 0;
}

/* Takes its time to end. */
static void end_slowly(lpad_node *node)
{
	(void)node;
	usleep(50000);
}

/* A line and a number at a time, until it is stopped. */
static int tell_on(lpad_node *node)
{
	const struct chatter *me = lpad_state(node);
	for (int64_t i = 0; !lpad_stopping(node); i++) {
		if (i < me->lines)
			printf("%s says line %lld, which is not short, so that it takes some space where it is kept\n", lpad_name(node), (long long)i);
		if (i == me->lines)
			puts("all is told");
		fflush(stdout);
		lpad_report(node, "number", (double)i, i);
	}
	return 0;
}

static int stop_with(lpad_node *node)
{
	const struct chatter *me = lpad_state(node);
	return lpad_stop(node, (int)me->lines, "because");
}

static const lpad_param chatter_params[] = {
	LPAD_INT(struct chatter, lines, "10", "0..", "how many"),
	LPAD_CHOICE(struct chatter, stream, "out", "out err", "where"),
	LPAD_END
};
static const lpad_param gate_params[] = { LPAD_PATH(struct gate, file, NULL, "init waits for it"), LPAD_END };

LPAD_MODULE(
	{ .name = "stay", .run = ready_and_wait },
	{ .name = "escape", .run = escape },
	{ .name = "escape_nameless", .run = escape_nameless },
	{ .name = "chat", .state = sizeof(struct chatter), .params = chatter_params, .run = chat },
	{ .name = "environment", .run = fini_is_said },
	{ .name = "gate", .state = sizeof(struct gate), .params = gate_params, .init = wait_for_file, .run = ready_and_wait },
	{ .name = "reader", .run = read_lines },
	{ .name = "tell_on", .state = sizeof(struct chatter), .params = chatter_params, .run = tell_on },
	{ .name = "linger", .run = ready_and_wait, .fini = end_slowly },
	{ .name = "stop_with", .state = sizeof(struct chatter), .params = chatter_params, .run = stop_with });
