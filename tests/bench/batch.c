/* SPDX-License-Identifier: MIT */
/*
 * bench/batch: calls of 256 bytes of tensors with 32 under way, one by one and as batches of up to 32, to a method that does
 * nothing and to one that works 100 us however many rows it gets. Two processes, in interleaved rounds; prints medians of
 * calls a second.
 *
 *     build/tests/bench/batch [ROUNDS] [CALLS]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "link/link.h"
#include "link/message.h"

enum { DEPTH = 32, KINDS = 4, WORK_NS = 100000 };
static const struct method_link methods[KINDS] = {
	{ .name = "single" }, { .name = "batched", .batch = DEPTH },
	{ .name = "slow_single" }, { .name = "slow_batched", .batch = DEPTH },
};
static char folder[64], address[128];

static void nothing(void *context)
{
	(void)context;
}

static void print_note(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "note: %s\n", text);
}

static struct link *open_link(const struct link_spec *spec)
{
	static const struct link_hooks hooks = { .wired = nothing, .drained = nothing, .wake = nothing, .note = print_note };
	struct error error = { 0 };
	struct link *link = link_new(spec, &hooks, &error);
	if (!link || link_bind(link, &error) || link_connect(link, &error)) {
		fprintf(stderr, "%s\n", error.text);
		exit(1);
	}
	link_go(link);
	return link;
}

static void serve(void)
{
	const char *at = address;
	struct peer_spec caller = { .node = "caller", .group = 1, .incarnation = 1 };
	struct link_spec spec = { .self = { .node = "server", .incarnation = 1 }, .serve = { &at, 1 }, .token = 7,
		.longest = (size_t)1 << 30, .callers = &caller, .caller_count = 1, .methods = methods, .method_count = KINDS };
	struct link *link = open_link(&spec);
	struct work work;
	while (link_work_take(link, -1, &work)) {
		int64_t until = work.method >= 2 ? clock_ns() + WORK_NS : 0;
		while (clock_ns() < until)
			;
		int result = call_answer(work.call, message_share(call_request(work.call)));
		link_work_done(link, &work, result);
	}
}

static lpad_message *sample(void)
{
	return message_tensors(1, &(lpad_tensor){ "x", LPAD_F32, 1, { 64 } });
}

/* Calls a second. */
static double measure(lpad_handle *handle, int kind, int calls)
{
	lpad_future *futures[DEPTH];
	int64_t begin = clock_ns();
	for (int i = 0; i < calls + DEPTH; i++) {
		if (i >= DEPTH && future_wait(futures[i % DEPTH], NULL)) {
			fprintf(stderr, "%s\n", fault_text());
			exit(1);
		}
		if (i < calls)
			futures[i % DEPTH] = handle_start(handle, 0, methods[kind].name, sample(), (lpad_deadline){ INT64_MAX });
	}
	return calls * 1e9 / (double)(clock_ns() - begin);
}

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

static void compare_kinds(lpad_handle *handle, int single, const char *what, int rounds, int calls)
{
	double *alone = memory_array((size_t)rounds, sizeof *alone), *batched = memory_array((size_t)rounds, sizeof *batched);
	for (int i = 0; i < rounds; i++) {
		alone[i] = measure(handle, single, calls);
		batched[i] = measure(handle, single + 1, calls);
	}
	double a = median(alone, rounds), b = median(batched, rounds);
	printf("%s, %d under way: one by one %.0f calls/s, batched %.0f calls/s, ratio %.2f\n", what, DEPTH, a, b, b / a);
	free(alone);
	free(batched);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 5, calls = argc > 2 ? atoi(argv[2]) : 20000;
	snprintf(folder, sizeof folder, "/tmp/lpad-bench-XXXXXX");
	memory_keep_large();            /* as every node process does */
	if (!mkdtemp(folder))
		return 1;
	snprintf(address, sizeof address, "ipc://%s/lpad", folder);
	pid_t server = fork();
	if (!server) {
		serve();
		_exit(0);
	}
	struct peer_spec to = { .node = "server", .incarnation = 1, .address = address };
	struct handle_link out = { .name = "server", .place = -1, .deadline_ns = -1, .servers = &to, .count = 1 };
	struct link_spec spec = { .self = { .node = "caller", .group = 1, .incarnation = 1 }, .token = 7,
		.longest = (size_t)1 << 30, .handles = &out, .handle_count = 1 };
	struct link *link = open_link(&spec);
	link_run_thread(link);
	lpad_handle *handle = link_handle(link, "server");
	if (handle_await_server(handle, 0, (lpad_deadline){ INT64_MAX }) < 0)
		return 1;
	compare_kinds(handle, 0, "a method that does nothing", rounds, calls);
	compare_kinds(handle, 2, "a method of 100 us", rounds, calls / 10);
	link_free(link);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	snprintf(address, sizeof address, "%s/lpad", folder);
	unlink(address);
	rmdir(folder);
	return 0;
}
