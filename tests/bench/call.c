/* SPDX-License-Identifier: MIT */
/*
 * bench/call: a synchronous call through lib/link beside a raw nng REQ/REP round trip (blocking nng_sendmsg and nng_recvmsg
 * at both ends), two processes each, in interleaved rounds of one run. Prints medians in microseconds and their ratio.
 *
 *     build/tests/bench/call [ROUNDS] [CALLS]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

#include "base/clock.h"
#include "base/memory.h"
#include "link/link.h"
#include "link/message.h"

enum { SIZES = 3 };
static const size_t sizes[SIZES] = { 64, 64 << 10, 1 << 20 };
static char folder[64];

static void nothing(void *context)
{
	(void)context;
}

static void print_note(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "note: %s\n", text);
}

static const struct link_hooks hooks = { .wired = nothing, .drained = nothing, .wake = nothing, .note = print_note };

static struct link *open_link(const struct link_spec *spec)
{
	struct error error = { 0 };
	struct link *link = link_new(spec, &hooks, &error);
	if (!link || link_bind(link, &error) || link_connect(link, &error)) {
		fprintf(stderr, "%s\n", error.text);
		exit(1);
	}
	link_go(link);
	return link;
}

/* ---- lpad ---- */

static void serve_link(void)
{
	char address[128];
	snprintf(address, sizeof address, "ipc://%s/lpad", folder);
	const char *at = address;
	struct peer_spec caller = { .node = "caller", .group = 1, .incarnation = 1 };
	struct method_link echo = { .name = "echo" };
	struct link_spec spec = { .self = { .node = "server", .incarnation = 1 }, .serve = { &at, 1 }, .token = 7,
		.longest = (size_t)1 << 30, .callers = &caller, .caller_count = 1, .methods = &echo, .method_count = 1 };
	struct link *link = open_link(&spec);
	struct work work;
	while (link_work_take(link, -1, &work)) {
		int result = call_answer(work.call, message_share(call_request(work.call)));
		link_work_done(link, &work, result);
	}
}

static struct link *caller_link;
static lpad_handle *handle;

static void open_caller(void)
{
	char address[128];
	snprintf(address, sizeof address, "ipc://%s/lpad", folder);
	struct peer_spec server = { .node = "server", .incarnation = 1, .address = address };
	struct handle_link to = { .name = "server", .place = -1, .deadline_ns = -1, .servers = &server, .count = 1 };
	struct link_spec spec = { .self = { .node = "caller", .group = 1, .incarnation = 1 }, .token = 7,
		.longest = (size_t)1 << 30, .handles = &to, .handle_count = 1 };
	caller_link = open_link(&spec);
	link_run_thread(caller_link);
	handle = link_handle(caller_link, "server");
	if (handle_await_server(handle, 0, (lpad_deadline){ INT64_MAX }) < 0)
		exit(1);
}

static void call_link(size_t size)
{
	lpad_message *reply;
	if (handle_call(handle, 0, "echo", message_bytes(NULL, size), &reply, (lpad_deadline){ INT64_MIN })) {
		fprintf(stderr, "%s\n", fault_text());
		exit(1);
	}
	message_free(reply);
}

/* ---- raw ---- */

static void serve_raw(void)
{
	char address[128];
	nng_socket socket;
	nng_msg *message;
	snprintf(address, sizeof address, "ipc://%s/raw", folder);
	if (nng_rep0_open(&socket) || nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, 0) || nng_listen(socket, address, NULL, 0))
		exit(1);
	while (!nng_recvmsg(socket, &message, 0))
		nng_sendmsg(socket, message, 0);
}

static nng_socket raw;

static void open_raw(void)
{
	char address[128];
	snprintf(address, sizeof address, "ipc://%s/raw", folder);
	if (nng_req0_open(&raw) || nng_socket_set_size(raw, NNG_OPT_RECVMAXSZ, 0) || nng_socket_set_ms(raw, NNG_OPT_RECONNMINT, 10)
	    || nng_dial(raw, address, NULL, NNG_FLAG_NONBLOCK))         /* the server may not listen yet */
		exit(1);
}

static void call_raw(size_t size)
{
	nng_msg *message;
	if (nng_msg_alloc(&message, size) || nng_sendmsg(raw, message, 0) || nng_recvmsg(raw, &message, 0))
		exit(1);
	nng_msg_free(message);
}

/* ---- measuring ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *list, int count)
{
	qsort(list, (size_t)count, sizeof *list, compare);
	return list[count / 2];
}

static double measure(void (*call)(size_t), size_t size, int calls)
{
	double *took = memory_array((size_t)calls, sizeof *took);
	for (int i = 0; i < calls; i++) {
		int64_t begin = clock_ns();
		call(size);
		took[i] = (double)(clock_ns() - begin) / 1e3;
	}
	double middle = median(took, calls);
	free(took);
	return middle;
}

static void compare_size(size_t size, int rounds, int calls)
{
	double *lpad = memory_array((size_t)rounds, sizeof *lpad), *other = memory_array((size_t)rounds, sizeof *other);
	for (int i = 0; i < rounds; i++) {
		other[i] = measure(call_raw, size, calls);
		lpad[i] = measure(call_link, size, calls);
	}
	double a = median(lpad, rounds), b = median(other, rounds);
	printf("call %7zu B: lpad %8.1f us  raw nng %8.1f us  ratio %.2f\n", size, a, b, a / b);
	free(lpad);
	free(other);
}

/* 20,000 calls with so many under way. */
static void pipeline(int depth)
{
	enum { CALLS = 20000, MOST = 256 };
	lpad_future *futures[MOST];
	int64_t begin = clock_ns();
	for (int i = 0; i < CALLS + depth; i++) {
		if (i >= depth && future_wait(futures[i % depth], NULL))
			exit(1);
		if (i < CALLS)
			futures[i % depth] = handle_start(handle, 0, "echo", message_bytes(NULL, 64), (lpad_deadline){ INT64_MAX });
	}
	printf("calls with %3d under way: %.0f a second\n", depth, CALLS * 1e9 / (double)(clock_ns() - begin));
}

static pid_t fork_server(void (*serve)(void))
{
	pid_t pid = fork();
	if (pid)
		return pid;
	serve();
	_exit(0);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 5, calls = argc > 2 ? atoi(argv[2]) : 3000;
	snprintf(folder, sizeof folder, "/tmp/lpad-bench-XXXXXX");
	memory_keep_large();            /* as every node process does */
	if (!mkdtemp(folder))
		return 1;
	pid_t servers[] = { fork_server(serve_link), fork_server(serve_raw) };
	open_caller();
	open_raw();
	for (int i = 0; i < SIZES; i++)
		compare_size(sizes[i], rounds, sizes[i] > 100000 ? calls / 10 : calls);
	pipeline(32);
	pipeline(256);
	link_free(caller_link);
	nng_close(raw);
	for (int i = 0; i < 2; i++) {
		kill(servers[i], SIGKILL);
		waitpid(servers[i], NULL, 0);
	}
	char path[128];
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, i ? "raw" : "lpad");
		unlink(path);
	}
	rmdir(folder);
	return 0;
}
