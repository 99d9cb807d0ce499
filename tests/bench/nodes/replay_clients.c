/* SPDX-License-Identifier: MIT */
/*
 * Clients that write to replay and sample from it, all at once, in interleaved rounds beside raw calls of the same payload to a node
 * that does nothing with them. The first prints medians over rounds. What a payload is: 28 KB steps in sequences of 20, sampled by
 * 8; transitions of 100 bytes, 64 in a call, sampled by 64.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lpad/collective.h>
#include <lpad/replay.h>

enum { IMAGE = 84 * 84 * 4, ROUNDS_MOST = 50, PHASES = 4 };

static const lpad_tensor image_step[] = { { "image", LPAD_U8, 1, { IMAGE } }, LPAD_END };
static const lpad_tensor transition_step[] = {
	{ "observation", LPAD_F32, 1, { 10 } },
	{ "action", LPAD_I32, 0, { 0 } },
	{ "reward", LPAD_F32, 0, { 0 } },
	{ "discount", LPAD_F32, 0, { 0 } },
	{ "next", LPAD_F32, 1, { 12 } },
	LPAD_END
};

static const struct payload {
	const char *name;
	const lpad_tensor *columns;
	int item_steps, items_per_call, batch;
	size_t step;
} payloads[] = {
	{ "images", image_step, 20, 1, 8, IMAGE },
	{ "transitions", transition_step, 1, 64, 64, 100 },
};

struct client {
	double seconds;
	int64_t rounds, depth, prefetch;
	lpad_handle *replay, *sink;
	lpad_node *node;
	lpad_collective peers;
	const struct payload *payload;
	lpad_writer writer;
	lpad_sampler sampler;
	unsigned char data[IMAGE];
};

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- phases: so many items in so many seconds, or a code ---- */

/* The items of one call, as one message of as many bytes. */
static lpad_message *raw_insert(const struct client *me)
{
	const struct payload *p = me->payload;
	int64_t rows = (int64_t)p->item_steps * p->items_per_call;
	lpad_tensor rest = { "rows", LPAD_U8, 2, { rows, (int64_t)p->step } };
	lpad_message *message = lpad_tensors(1, &rest);
	unsigned char *to = lpad_data(message, "rows");
	for (int64_t i = 0; i < rows; i++, to += p->step)
		memcpy(to, me->data, p->step);
	return message;
}

static lpad_message *raw_sample(const struct client *me)
{
	int64_t size = (int64_t)me->payload->step * me->payload->item_steps * me->payload->batch;
	return lpad_bytes(&size, sizeof size);
}

static int raw(struct client *me, const char *method, int depth, lpad_message *(*make)(const struct client *), double *calls)
{
	lpad_future *futures[64] = { NULL };
	double end = now() + me->seconds;
	int code = 0;
	for (int i = 0; !code && now() < end; i = (i + 1) % depth) {
		lpad_message *reply = NULL;
		if (futures[i]) {
			code = lpad_wait(futures[i], &reply);
			*calls += 1;
		}
		lpad_free(reply);
		futures[i] = lpad_start(me->sink, 0, method, make(me), lpad_never());
	}
	for (int i = 0; i < depth; i++)
		if (futures[i]) {
			lpad_wait(futures[i], NULL);
			*calls += 1;
		}
	return code;
}

static int phase_raw_insert(struct client *me, double *items)
{
	int code = raw(me, "take", (int)me->depth, raw_insert, items);
	*items *= me->payload->items_per_call;
	return code;
}

static int phase_raw_sample(struct client *me, double *items)
{
	int code = raw(me, "give", (int)me->prefetch, raw_sample, items);
	*items *= me->payload->batch;
	return code;
}

static int phase_insert(struct client *me, double *items)
{
	const struct payload *p = me->payload;
	const unsigned char *d = me->data;
	const void *columns[] = { d, d + 40, d + 44, d + 48, d + 52 };
	double end = now() + me->seconds;
	int code = 0;
	for (int i = 0; !code && (i % p->items_per_call || now() < end); i++) {
		for (int step = 0; !code && step < p->item_steps; step++)
			code = lpad_writer_append(&me->writer, columns, lpad_never());
		if (!code)
			code = lpad_writer_item(&me->writer, p->name, p->item_steps, 1, lpad_never());
		if (!code && me->depth == 1 && i % p->items_per_call + 1 == p->items_per_call)
			code = lpad_writer_flush(&me->writer, lpad_never());
		*items += 1;
	}
	return code ? code : lpad_writer_flush(&me->writer, lpad_never());
}

static int phase_sample(struct client *me, double *items)
{
	double end = now() + me->seconds;
	lpad_sampled sampled;
	int code = lpad_sampler_open(me->node, &me->sampler, me->replay, 0, me->payload->name, me->payload->batch, (int)me->prefetch);
	while (!code && now() < end) {
		lpad_message *message;
		code = lpad_sampler_next(&me->sampler, &message, lpad_never());
		if (!code && !(code = lpad_sampled_view(message, &sampled)))
			*items += (double)sampled.batch;
		lpad_free(message);
	}
	lpad_sampler_close(&me->sampler);
	return code;
}

static int (*const phases[PHASES])(struct client *, double *) = { phase_raw_insert, phase_insert, phase_raw_sample, phase_sample };

/* Items a second, of all clients together. */
static int measure(struct client *me, int phase, double *rate)
{
	double items = 0, took;
	int code = lpad_barrier(&me->peers, lpad_never());
	double begin = now();
	if (!code)
		code = phases[phase](me, &items);
	took = now() - begin;
	if (!code)
		code = lpad_all_reduce(&me->peers, &items, 1, LPAD_F64, LPAD_SUM, lpad_never());
	if (!code)
		code = lpad_all_reduce(&me->peers, &took, 1, LPAD_F64, LPAD_MAX, lpad_never());
	*rate = items / took;
	return code;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void print(const struct client *me, double rates[PHASES][ROUNDS_MOST])
{
	const struct payload *p = me->payload;
	double median[PHASES], item = (double)p->step * p->item_steps / 1e6;
	for (int i = 0; i < PHASES; i++) {
		qsort(rates[i], (size_t)me->rounds, sizeof rates[i][0], compare);
		median[i] = rates[i][me->rounds / 2];
	}
	for (int i = 1; i < PHASES; i += 2)
		printf("%-11s %-7s %3d clients, %d under way  %10.0f items/s %8.1f MB/s, raw %8.1f MB/s, ratio %.2f\n", p->name,
			i == 1 ? "insert" : "sample", lpad_collective_members(&me->peers), (int)(i == 1 ? me->depth : me->prefetch), median[i],
			median[i] * item, median[i - 1] * item, median[i] / median[i - 1]);
	fflush(stdout);
}

static int measure_payload(lpad_node *node, struct client *me, const struct payload *payload)
{
	double rates[PHASES][ROUNDS_MOST];
	lpad_writer_options options = { .stream = payload->name, .columns = payload->columns, .keep = payload->item_steps,
		.in_flight = (int)me->depth, .items_per_call = payload->items_per_call };
	me->payload = payload;
	int code = lpad_writer_open(node, &me->writer, me->replay, 0, &options, lpad_never());
	for (int64_t round = 0; !code && round < me->rounds; round++)
		for (int phase = 0; !code && phase < PHASES; phase++)
			code = measure(me, phase, &rates[phase][round]);
	int closed = lpad_writer_close(&me->writer, lpad_never());
	if (!code && lpad_collective_place(&me->peers) == 0)
		print(me, rates);
	return code ? code : closed;
}

static int run_client(lpad_node *node)
{
	struct client *me = lpad_state(node);
	int code = lpad_collective_open(node, &me->peers, "peers");
	me->node = node;
	for (size_t i = 0; !code && i < sizeof payloads / sizeof payloads[0]; i++)
		code = measure_payload(node, me, &payloads[i]);
	if (code)
		fprintf(stderr, "%s\n", lpad_error());
	return code;
}

/* ---- fills a table, for memory and checkpoints ---- */

struct filler {
	int64_t items, payload;
	lpad_handle *replay;
	unsigned char data[IMAGE];
};

static int run_filler(lpad_node *node)
{
	struct filler *me = lpad_state(node);
	const struct payload *p = &payloads[me->payload];
	const unsigned char *d = me->data;
	const void *columns[] = { d, d + 40, d + 44, d + 48, d + 52 };
	lpad_writer_options options = { .columns = p->columns, .keep = p->item_steps, .items_per_call = p->items_per_call };
	lpad_writer writer;
	int code = lpad_writer_open(node, &writer, me->replay, 0, &options, lpad_never());
	for (int64_t i = 0; !code && i < me->items; i++) {
		for (int step = 0; !code && step < p->item_steps; step++)
			code = lpad_writer_append(&writer, columns, lpad_never());
		if (!code)
			code = lpad_writer_item(&writer, p->name, p->item_steps, 1, lpad_never());
	}
	int closed = lpad_writer_close(&writer, lpad_never());
	lpad_log(node, "filled with %lld items, %lld bytes", (long long)me->items, (long long)(me->items * (int64_t)p->step * p->item_steps));
	return code ? code : closed ? closed : lpad_wait_stop(node, lpad_never());
}

/* ---- the sink ---- */

struct sink {
	lpad_message *given;
	size_t size;
};

static int take(lpad_node *node, lpad_call *call)
{
	(void)node;
	return lpad_answer(call, NULL);
}

static int give(lpad_node *node, lpad_call *call)
{
	struct sink *me = lpad_state(node);
	const int64_t *size = lpad_body(lpad_request(call), sizeof *size);
	if (!size)
		return LPAD_EINVALID;
	if (!me->given || me->size != (size_t)*size) {
		lpad_free(me->given);
		me->given = lpad_bytes(NULL, me->size = (size_t)*size);
	}
	return lpad_answer(call, lpad_share(me->given));
}

static void end_sink(lpad_node *node)
{
	lpad_free(((struct sink *)lpad_state(node))->given);
}

static const lpad_param client_params[] = {
	LPAD_REAL(struct client, seconds, "0.5", "0..", "of one measurement"),
	LPAD_INT(struct client, rounds, "3", "1..50", "of measurements"),
	LPAD_INT(struct client, depth, "4", "1..64", "inserts under way"),
	LPAD_INT(struct client, prefetch, "2", "1..64", "samples under way"),
	LPAD_END
};
static const lpad_handle_decl client_handles[] = {
	LPAD_HANDLE(struct client, replay, LPAD_ONE, "open append sample", "replay"),
	LPAD_HANDLE(struct client, sink, LPAD_ONE, "take give", "does nothing with what it gets"),
	LPAD_COLLECTIVE_HANDLE(struct client, peers, "all clients"),
	LPAD_END
};
static const lpad_method client_methods[] = { LPAD_COLLECTIVE(struct client, peers, "all clients"), LPAD_END };
static const lpad_param filler_params[] = {
	LPAD_INT(struct filler, items, "1000", "1..", "to insert"),
	LPAD_INT(struct filler, payload, "0", "0..1", "images, transitions"),
	LPAD_END
};
static const lpad_handle_decl filler_handles[] = { LPAD_HANDLE(struct filler, replay, LPAD_ONE, "open append", "replay"), LPAD_END };
static const lpad_method sink_methods[] = { LPAD_METHOD(take, "anything"), LPAD_METHOD(give, "so many bytes"), LPAD_END };

LPAD_MODULE(
	{ .name = "client", .state = sizeof(struct client), .params = client_params, .handles = client_handles, .methods = client_methods,
	  .run = run_client },
	{ .name = "filler", .state = sizeof(struct filler), .params = filler_params, .handles = filler_handles, .run = run_filler },
	{ .name = "sink", .state = sizeof(struct sink), .methods = sink_methods, .fini = end_sink, .service = true });
