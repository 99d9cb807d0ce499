/* SPDX-License-Identifier: MIT */
/*
 * bench/call: an echo through lib/link over each transport, beside raw nng REQ/REP (blocking nng_sendmsg and nng_recvmsg at both
 * ends) over ipc and tcp, in interleaved rounds of one run: round trips of four sizes, then calls a second with 1, 32, 256 under
 * way. Over ipc and tcp the server is another process. Messages are made before the clock runs.
 *
 *     build/tests/bench/call [ROUNDS]
 */
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

#include "links.h"

enum { ROUNDS_MOST = 50, DEPTH_MOST = 256 };

/* One way of calling. */
struct path {
	const char *name, *transport;
	bool raw;
	nng_socket socket;
	struct link *link;
	lpad_handle *handle;
};
static struct path paths[] = {
	{ .name = "raw nng ipc", .transport = "ipc", .raw = true }, { .name = "raw nng tcp", .transport = "tcp", .raw = true },
	{ .name = "lpad ipc", .transport = "ipc" }, { .name = "lpad tcp", .transport = "tcp" },
	{ .name = "lpad inproc", .transport = "inproc" },
};
enum { PATHS = sizeof paths / sizeof paths[0] };

/* ---- servers ---- */

static void serve_links(void)
{
	char *const at[] = { bench_address("ipc", "lpad"), bench_address("tcp", "lpad") };
	bench_echo(bench_server((const char *const *)at, 2));
}

static void serve_raw(void)
{
	nng_socket socket;
	nng_msg *message;
	MUST(!nng_rep0_open(&socket) && !nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, 0)
		&& !nng_listen(socket, bench_address("ipc", "raw"), NULL, 0)
		&& !nng_listen(socket, bench_address("tcp", "raw"), NULL, 0), "cannot listen");
	while (!nng_recvmsg(socket, &message, 0))
		nng_sendmsg(socket, message, 0);
}

static struct link *serve_inproc(pthread_t *thread)
{
	char *cleanup_free address = bench_address("inproc", "lpad");
	const char *at = address;
	struct link *server = bench_server(&at, 1);
	MUST(!pthread_create(thread, NULL, bench_echo, server), "no thread");
	return server;
}

/* ---- one call ---- */

static void open_path(struct path *path)
{
	char *cleanup_free address = bench_address(path->transport, path->raw ? "raw" : "lpad");
	if (path->raw) {
		MUST(!nng_req0_open(&path->socket) && !nng_socket_set_size(path->socket, NNG_OPT_RECVMAXSZ, 0)
			&& !nng_socket_set_ms(path->socket, NNG_OPT_RECONNMINT, 10)
			&& !nng_dial(path->socket, address, NULL, NNG_FLAG_NONBLOCK), "cannot dial %s", address);
		return;
	}
	path->link = bench_client(address, (int)(path - paths));
	link_run_thread(path->link);
	path->handle = bench_connected(path->link);
}

static double call_raw(const struct path *path, size_t size)
{
	nng_msg *message;
	MUST(!nng_msg_alloc(&message, size), "no memory");
	int64_t begin = clock_ns();
	MUST(!nng_sendmsg(path->socket, message, 0) && !nng_recvmsg(path->socket, &message, 0), "raw nng failed");
	double took = (double)(clock_ns() - begin) / 1e3;
	nng_msg_free(message);
	return took;
}

static double call_link(const struct path *path, size_t size)
{
	lpad_message *request = message_bytes(NULL, size), *reply;
	int64_t begin = clock_ns();
	MUST(!handle_call(path->handle, 0, "echo", request, &reply, never), "%s", fault_text());
	double took = (double)(clock_ns() - begin) / 1e3;
	message_free(reply);
	return took;
}

static double call(const struct path *path, size_t size)
{
	return path->raw ? call_raw(path, size) : call_link(path, size);
}

/* ---- round trips ---- */

static void compare_size(size_t size, int rounds, int calls)
{
	size_t count = (size_t)rounds * (size_t)calls;
	double *took[PATHS];
	for (int p = 0; p < PATHS; p++) {
		took[p] = memory_array(count, sizeof **took);
		call(&paths[p], size);
	}
	for (int r = 0; r < rounds; r++)
		for (int p = 0; p < PATHS; p++)
			for (int i = 0; i < calls; i++)
				took[p][r * calls + i] = call(&paths[p], size);
	for (int p = 0; p < PATHS; p++) {
		int beside = !strcmp(paths[p].transport, "tcp");
		double middle = bench_percentile(took[p], count, 50), raw = bench_percentile(took[beside], count, 50);
		printf("%9zu B  %-12s p50 %9.1f us  p99 %9.1f us  %5.2f of raw\n", size, paths[p].name, middle,
			bench_percentile(took[p], count, 99), middle / raw);
	}
	for (int p = 0; p < PATHS; p++)
		free(took[p]);
	fflush(stdout);
}

/* ---- many under way ---- */

static void pipeline_link(const struct path *path, int depth, int calls)
{
	lpad_future *futures[DEPTH_MOST];
	for (int i = 0; i < calls + depth; i++) {
		MUST(i < depth || !future_wait(futures[i % depth], NULL), "%s", fault_text());
		if (i < calls)
			futures[i % depth] = handle_start(path->handle, 0, "echo", message_bytes(NULL, 64), never);
	}
}

static void send_raw(nng_ctx context, nng_aio *aio)
{
	nng_msg *message;
	MUST(!nng_msg_alloc(&message, 64), "no memory");
	nng_aio_set_msg(aio, message);
	nng_ctx_send(context, aio);
	nng_aio_wait(aio);
	MUST(!nng_aio_result(aio), "raw nng failed");
	nng_ctx_recv(context, aio);
}

static void pipeline_raw(const struct path *path, int depth, int calls)
{
	nng_ctx contexts[DEPTH_MOST];
	nng_aio *aios[DEPTH_MOST];
	for (int i = 0; i < depth; i++)
		MUST(!nng_ctx_open(&contexts[i], path->socket) && !nng_aio_alloc(&aios[i], NULL, NULL), "no context");
	for (int i = 0; i < calls + depth; i++) {
		int at = i % depth;
		if (i >= depth) {
			nng_aio_wait(aios[at]);
			MUST(!nng_aio_result(aios[at]), "raw nng failed");
			nng_msg_free(nng_aio_get_msg(aios[at]));
		}
		if (i < calls)
			send_raw(contexts[at], aios[at]);
	}
	for (int i = 0; i < depth; i++) {
		nng_ctx_close(contexts[i]);
		nng_aio_free(aios[i]);
	}
}

static void compare_depth(int depth, int rounds, int calls)
{
	double rates[PATHS][ROUNDS_MOST];
	for (int r = 0; r < rounds; r++)
		for (int p = 0; p < PATHS; p++) {
			int64_t begin = clock_ns();
			(paths[p].raw ? pipeline_raw : pipeline_link)(&paths[p], depth, calls);
			rates[p][r] = calls * 1e9 / (double)(clock_ns() - begin);
		}
	for (int p = 0; p < PATHS; p++)
		printf("%3d under way  %-12s %9.0f calls/s\n", depth, paths[p].name, bench_percentile(rates[p], (size_t)rounds, 50));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const struct { size_t size; int calls; } sizes[] = {
		{ 64, 1000 }, { 64 << 10, 500 }, { 1 << 20, 60 }, { 16 << 20, 6 }
	};
	static const struct { int depth, calls; } depths[] = { { 1, 3000 }, { 32, 15000 }, { 256, 15000 } };
	int rounds = argc > 1 ? atoi(argv[1]) : 5;
	pthread_t echo;
	MUST(rounds > 0 && rounds <= ROUNDS_MOST, "between 1 and %d rounds", ROUNDS_MOST);
	memory_keep_large();            /* as every node process does */
	bench_make_folder();
	for (int p = 0; p < PATHS; p++)         /* so that all processes know all ports */
		free(bench_address(paths[p].transport, paths[p].raw ? "raw" : "lpad"));
	pid_t servers[] = { bench_fork(serve_links), bench_fork(serve_raw) };
	struct link *inproc = serve_inproc(&echo);
	for (int p = 0; p < PATHS; p++)
		open_path(&paths[p]);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		compare_size(sizes[i].size, rounds, sizes[i].calls);
	for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++)
		compare_depth(depths[i].depth, rounds, depths[i].calls);
	for (int p = 0; p < PATHS; p++)
		if (paths[p].raw)
			nng_close(paths[p].socket);
		else
			link_free(paths[p].link);
	link_stop(inproc);
	link_work_close(inproc);
	pthread_join(echo, NULL);
	link_free(inproc);
	for (int i = 0; i < 2; i++)
		bench_end(servers[i]);
	files_remove_tree(bench_folder);
	return 0;
}
