/* SPDX-License-Identifier: MIT */
/* The server adds up what all clients send in a round, in one call for all of them. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include <lpad/node.h>

enum { ROUNDS = 10, WIDTH = 2, CLIENTS_MOST = 1024 };

/* ---- server ---- */

struct server {
	int64_t batch;
	int64_t sum[WIDTH];
};

static int server_init(lpad_node *node)
{
	struct server *me = lpad_state(node);
	return lpad_set_batch(node, "compute", (int)me->batch, INFINITY);
}

/* One row for each caller, here and in the answer. */
static int compute(lpad_node *node, lpad_call *call)
{
	struct server *me = lpad_state(node);
	int64_t rows = lpad_batch(call);
	const int64_t *x = lpad_view(lpad_request(call), "x", LPAD_I64, 2, (int64_t[]){ rows, WIDTH });
	lpad_message *reply = lpad_tensors(1, &(lpad_tensor){ "sum", LPAD_I64, 2, { rows, WIDTH } });
	int64_t *sums = lpad_data(reply, "sum");
	for (int64_t i = 0; i < rows * WIDTH; i++)
		me->sum[i % WIDTH] += x[i];
	for (int64_t i = 0; i < rows * WIDTH; i++)
		sums[i] = me->sum[i % WIDTH];
	return lpad_answer(call, reply);
}

/* ---- client ---- */

struct client {
	lpad_handle *server;
};

static int call_compute(struct client *me, int64_t x, int64_t sum[WIDTH])
{
	lpad_message *request = lpad_tensors(1, &(lpad_tensor){ "x", LPAD_I64, 1, { WIDTH } }), *reply;
	int64_t *values = lpad_data(request, "x");
	values[0] = x;
	values[1] = x + 1;
	int code = lpad_call_to(me->server, 0, "compute", request, &reply, lpad_default());
	if (code)
		return code;
	const int64_t *got = lpad_view(reply, "sum", LPAD_I64, 1, (int64_t[]){ WIDTH });
	for (int i = 0; got && i < WIDTH; i++)
		sum[i] = got[i];
	lpad_free(reply);
	return got ? 0 : LPAD_EINVALID;
}

static bool check(const char *name, int64_t measured, int64_t expected)
{
	printf("CHECK %s %" PRId64 " %" PRId64 " 0 %s\n", name, measured, expected, measured == expected ? "PASS" : "FAIL");
	return measured == expected;
}

static int client_run(lpad_node *node)
{
	int64_t sum[WIDTH] = { 0 }, id = lpad_index(node), clients = lpad_replicas(node);
	for (int64_t x = id; x < id + ROUNDS; x++) {
		int code = call_compute(lpad_state(node), x, sum);
		if (code)
			return code;
		printf("Result: [%" PRId64 ", %" PRId64 "]\n", sum[0], sum[1]);
	}
	int64_t first = ROUNDS * clients * (clients - 1) / 2 + 45 * clients;
	bool pass = check("first", sum[0], first);
	pass = check("second", sum[1], first + ROUNDS * clients) && pass;
	return pass ? 0 : 1;
}

/* ---- both ---- */

static const lpad_param server_params[] = {
	LPAD_INT(struct server, batch, NULL, "1..1024", "calls that are answered at once"),
	LPAD_END
};
static const lpad_method server_methods[] = {
	LPAD_METHOD(compute, "adds x to the sum, returns the sum", .batch = CLIENTS_MOST, .batch_wait = INFINITY,
		.request = "x i64[2]", .reply = "sum i64[2]"),
	LPAD_END
};
static const lpad_handle_decl client_handles[] = {
	LPAD_HANDLE(struct client, server, LPAD_ONE, "compute", "who adds up"),
	LPAD_END
};

LPAD_MODULE(
	{ .name = "server", .help = "adds up what all clients send", .state = sizeof(struct server), .params = server_params,
	  .methods = server_methods, .init = server_init },
	{ .name = "clients", .help = "calls ten times, prints what it gets", .state = sizeof(struct client),
	  .handles = client_handles, .run = client_run });
