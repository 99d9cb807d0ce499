/* SPDX-License-Identifier: MIT */
/* What the benchmarks of lib/link share: links without tests around them, an echo, addresses, and figures. */
#ifndef TESTS_BENCH_LINKS_H
#define TESTS_BENCH_LINKS_H

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/memory.h"
#include "link/link.h"
#include "link/message.h"

#include "../link_transport.h"

#define MUST(is_so, ...) \
	do { if (!(is_so)) { fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); _exit(1); } } while (0)

enum { BENCH_TOKEN = 7 };
static char bench_folder[64];
static const lpad_deadline never = { INT64_MAX };

/* ---- places ---- */

static inline void bench_make_folder(void)
{
	snprintf(bench_folder, sizeof bench_folder, "/tmp/lpad-bench-XXXXXX");
	MUST(mkdtemp(bench_folder), "no folder %s", bench_folder);
	transport_prepare();
}

/* Where what is called NAME is over that transport. */
static inline char *bench_address(const char *transport, const char *name)
{
	setenv("LPAD_TRANSPORT", transport, 1);
	return transport_address(bench_folder, name);
}

/* ---- links ---- */

static inline void bench_nothing(void *context)
{
	(void)context;
}

static inline void bench_note(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "note: %s\n", text);
}

static inline struct link *bench_open(const struct link_spec *spec)
{
	static const struct link_hooks hooks = { .wired = bench_nothing, .drained = bench_nothing, .wake = bench_nothing,
		.note = bench_note };
	struct error error = { 0 };
	struct link *link = link_new(spec, &hooks, &error);
	MUST(link && !link_bind(link, &error) && !link_connect(link, &error), "%s", error.text);
	link_go(link);
	return link;
}

static inline void *bench_echo(void *link)
{
	struct work work;
	while (link_work_take(link, -1, &work))
		link_work_done(link, &work, call_answer(work.call, message_share(call_request(work.call))));
	return NULL;
}

/* A server that answers with what it is sent, at all these addresses. */
static inline struct link *bench_server(const char *const *at, size_t count)
{
	static const struct method_link echo = { .name = "echo" };
	return bench_open(&(struct link_spec){ .self = { .node = "server", .incarnation = 1 }, .serve = { at, count },
		.token = BENCH_TOKEN, .longest = (size_t)1 << 30, .methods = &echo, .method_count = 1 });
}

/* The handle is "server". */
static inline struct link *bench_client(const char *address, int number)
{
	char name[32];
	snprintf(name, sizeof name, "client/%d", number);
	struct peer_spec server = { .node = "server", .incarnation = 1, .address = address };
	struct handle_link to = { .name = "server", .place = -1, .deadline_ns = -1, .servers = &server, .count = 1 };
	return bench_open(&(struct link_spec){ .self = { .node = name, .group = 1, .index = (uint32_t)number, .incarnation = 1 },
		.token = BENCH_TOKEN, .longest = (size_t)1 << 30, .handles = &to, .handle_count = 1 });
}

static inline lpad_handle *bench_connected(struct link *link)
{
	lpad_handle *handle = link_handle(link, "server");
	MUST(handle_await_server(handle, 0, never) >= 0, "%s", fault_text());
	return handle;
}

static inline pid_t bench_fork(void (*life)(void))
{
	pid_t pid = fork();
	if (pid)
		return pid;
	life();
	_exit(0);
}

static inline void bench_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- figures ---- */

static inline int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* A percentile; sorts the list. */
static inline double bench_percentile(double *list, size_t count, int percent)
{
	qsort(list, count, sizeof *list, bench_compare);
	size_t at = count * (size_t)percent / 100;
	return list[at < count ? at : count - 1];
}

/* Resident KiB of a process. */
static inline double bench_resident(pid_t pid)
{
	char path[64], line[128];
	double total, resident;
	snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
	FILE *file = fopen(path, "re");
	MUST(file && fgets(line, sizeof line, file) && sscanf(line, "%lf %lf", &total, &resident) == 2, "cannot read %s", path);
	fclose(file);
	return resident * (double)sysconf(_SC_PAGESIZE) / 1024;
}

#endif
