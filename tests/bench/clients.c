/* SPDX-License-Identifier: MIT */
/*
 * bench/clients: many clients on one server, each with a link of its own: how long until all are connected, calls a second with one
 * call of each under way, and what an edge costs in memory, both ends together. Within one process, and over sockets with the
 * server in another.
 *
 *     build/tests/bench/clients [CLIENTS]
 */
#include "links.h"

enum { CALLS_EACH = 20 };
static int clients = 1000;
static const char *transport;

static void serve(void)
{
	char *address = bench_address(transport, "server");
	const char *at = address;
	bench_echo(bench_server(&at, 1));
}

static double call_all(lpad_handle **handles)
{
	lpad_future **futures = memory_array((size_t)clients, sizeof *futures);
	int64_t begin = clock_ns();
	for (int round = 0; round < CALLS_EACH; round++) {
		for (int i = 0; i < clients; i++)
			futures[i] = handle_start(handles[i], 0, "echo", message_bytes(NULL, 64), never);
		for (int i = 0; i < clients; i++)
			MUST(!future_wait(futures[i], NULL), "%s", fault_text());
	}
	free(futures);
	return (double)clients * CALLS_EACH * 1e9 / (double)(clock_ns() - begin);
}

static void measure(pid_t server)
{
	char *cleanup_free address = bench_address(transport, "server");
	struct link **links = memory_array((size_t)clients, sizeof *links);
	lpad_handle **handles = memory_array((size_t)clients, sizeof *handles);
	links[0] = bench_client(address, 0);    /* what a process needs at all is no edge's */
	bench_connected(links[0]);
	double here = bench_resident(getpid()), there = server ? bench_resident(server) : 0;
	int64_t begin = clock_ns();
	for (int i = 1; i < clients; i++)
		links[i] = bench_client(address, i);
	for (int i = 0; i < clients; i++)
		handles[i] = bench_connected(links[i]);
	double connected = (double)(clock_ns() - begin) / 1e6;
	double edge = (bench_resident(getpid()) - here + (server ? bench_resident(server) - there : 0)) / (clients - 1);
	double rate = call_all(handles);
	printf("%d clients  %-6s  connected in %7.1f ms  %8.0f calls/s  %5.1f KiB an edge\n", clients, transport, connected,
		rate, edge);
	fflush(stdout);
	for (int i = 0; server == 0 && i < clients; i++)
		link_free(links[i]);
	free(links);
	free(handles);
}

static void measure_sockets(void)
{
	free(bench_address(transport, "server"));       /* so that both processes know the port */
	pid_t server = bench_fork(serve);
	measure(server);
	bench_end(server);
}

static void measure_inproc(void)
{
	char *cleanup_free address = bench_address(transport, "server");
	const char *at = address;
	pthread_t echo;
	struct link *server = bench_server(&at, 1);
	MUST(!pthread_create(&echo, NULL, bench_echo, server), "no thread");
	measure(0);
	link_stop(server);
	link_work_close(server);
	pthread_join(echo, NULL);
	link_free(server);
}

/* Each in a process of its own: one that has used nng must not fork. */
static void run(const char *over, void (*life)(void))
{
	int status;
	transport = over;
	pid_t pid = bench_fork(life);
	waitpid(pid, &status, 0);
	MUST(!status, "%s failed", over);
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	if (argc > 1)
		clients = atoi(argv[1]);
	MUST(clients > 1, "at least 2 clients");
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	bench_make_folder();
	run("inproc", measure_inproc);
	run("ipc", measure_sockets);
	run("tcp", measure_sockets);
	files_remove_tree(bench_folder);
	return 0;
}
