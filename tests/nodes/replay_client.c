/* SPDX-License-Identifier: MIT */
/* Nodes that use lpad/replay.h, for replay_client_test.c, whose model of replay looks into their states. */
#include <string.h>

#include <lpad/replay.h>

#include "replay_client.h"

static const lpad_tensor columns[] = {
	{ "id", LPAD_I64, 0, { 0 } },
	{ "values", LPAD_F32, 2, { 3, 2 } },
	LPAD_END
};

static int append(struct writer *me, lpad_deadline deadline)
{
	float values[6];
	int64_t id = me->ids + 1;
	const void *step[] = { &id, values };
	for (int i = 0; i < 6; i++)
		values[i] = (float)(id * 10 + i);
	int code = lpad_writer_append(&me->writer, step, deadline);
	if (!code)
		me->ids++;
	return code;
}

static int item(lpad_rng *rng, struct writer *me, lpad_deadline deadline)
{
	struct made *made = &me->made[me->made_count];
	int most = lpad_writer_steps(&me->writer);
	made->steps = 1 + (int)lpad_random_below(rng, (uint64_t)most);
	made->last = me->ids;
	made->table = (int)lpad_random_below(rng, 2);
	made->priority = (double)lpad_random_below(rng, 100);
	int code = lpad_writer_item(&me->writer, made->table ? "other" : "main", made->steps, made->priority, deadline);
	if (!code)
		me->made_count++;
	return code;
}

/* Again and again, with a deadline that passes. */
static int persist(lpad_rng *rng, struct writer *me, int (*make)(lpad_rng *, struct writer *, lpad_deadline))
{
	lpad_rng before = *rng;
	int code;
	while ((code = make(rng, me, lpad_in(1))) == LPAD_ETIMEDOUT) {
		*rng = before;
		me->late++;
	}
	return code;
}

static int append_one(lpad_rng *rng, struct writer *me, lpad_deadline deadline)
{
	(void)rng;
	return append(me, deadline);
}

static int flush(lpad_rng *rng, struct writer *me, lpad_deadline deadline)
{
	(void)rng;
	return lpad_writer_flush(&me->writer, deadline);
}

static int act(lpad_rng *rng, struct writer *me)
{
	uint64_t choice = lpad_random_below(rng, 100);
	if (choice < 55 || !lpad_writer_steps(&me->writer))
		return persist(rng, me, append_one);
	if (choice < 94)
		return persist(rng, me, item);
	if (choice < 98)
		return lpad_writer_end_episode(&me->writer);
	return persist(rng, me, flush);
}

static int open_writer(lpad_node *node, struct writer *me)
{
	lpad_writer_options options = { .stream = "s", .columns = columns, .keep = (int)me->keep, .in_flight = (int)me->in_flight,
		.items_per_call = (int)me->items_per_call, .room = (size_t)me->room };
	int code;
	while ((code = lpad_writer_open(node, &me->writer, me->replay, 0, &options, lpad_in(1))) == LPAD_ETIMEDOUT)
		me->late++;
	return code;
}

static int run_writer(lpad_node *node)
{
	struct writer *me = lpad_state(node);
	lpad_rng rng = { (uint64_t)me->seed };
	int code = open_writer(node, me);
	me->opened = !code;
	for (int64_t i = 0; !code && i < me->actions && me->made_count < MADE; i++)
		code = act(&rng, me);
	if (!code)
		code = lpad_writer_close(&me->writer, lpad_never());
	else {
		lpad_log(node, "%s", lpad_error());
		me->again = lpad_writer_close(&me->writer, lpad_never());
	}
	return code;
}

/* What is refused here is no failure of the writer. */
static void tell(lpad_node *node, int code)
{
	lpad_log(node, "%d: %s", code, lpad_error());
}

static void open_wrongly(lpad_node *node, struct writer *me, const lpad_tensor *list)
{
	lpad_writer_options options = { .columns = list };
	tell(node, lpad_writer_open(node, &me->writer, me->replay, 0, &options, lpad_never()));
}

static int run_careless(lpad_node *node)
{
	struct writer *me = lpad_state(node);
	lpad_tensor odd[] = { { "id", 99, 0, { 0 } }, LPAD_END }, empty[] = { { "id", LPAD_I64, 2, { 3, 0 } }, LPAD_END }, deep[] = { { "id", LPAD_U8, LPAD_RANK, { 0 } }, LPAD_END };
	open_wrongly(node, me, odd);
	open_wrongly(node, me, deep);
	open_wrongly(node, me, empty);
	open_wrongly(node, me, NULL);
	int code = open_writer(node, me);
	if (code || (code = append(me, lpad_never())))
		return code;
	tell(node, lpad_writer_item(&me->writer, "main", 6, 1, lpad_never()));
	tell(node, lpad_writer_item(&me->writer, "main", 5, 1, lpad_never()));
	tell(node, lpad_writer_item(&me->writer, "main", 0, 1, lpad_never()));
	tell(node, lpad_writer_item(&me->writer, "main", 1, -1, lpad_never()));
	tell(node, lpad_writer_item(&me->writer, "main", 1, (double)NAN, lpad_never()));
	me->made[me->made_count++] = (struct made){ .last = me->ids, .steps = 1, .priority = 1 };
	code = lpad_writer_item(&me->writer, "main", 1, 1, lpad_never());
	return code ? code : lpad_writer_close(&me->writer, lpad_never());
}

/* An item whose steps are more than one call takes. */
static int run_long(lpad_node *node)
{
	enum { STEPS = 3, BYTES = LPAD_WRITER_CALL_ / 2 };
	struct writer *me = lpad_state(node);
	const lpad_tensor wide[] = { { "x", LPAD_U8, 1, { BYTES } }, LPAD_END };
	lpad_writer_options options = { .columns = wide, .keep = STEPS };
	unsigned char *row = calloc(1, BYTES);
	const void *step[] = { row };
	int code = lpad_writer_open(node, &me->writer, me->replay, 0, &options, lpad_never());
	for (int i = 0; !code && i < STEPS; i++)
		code = lpad_writer_append(&me->writer, step, lpad_never());
	code = code ? code : lpad_writer_item(&me->writer, "main", STEPS, 1, lpad_never());
	code = code ? code : lpad_writer_close(&me->writer, lpad_never());
	free(row);
	return code;
}

static int run_sampler(lpad_node *node)
{
	struct sampler *me = lpad_state(node);
	lpad_sampler sampler;
	lpad_sampled sampled;
	lpad_message *message;
	int code = lpad_sampler_open(node, &sampler, me->replay, 0, "main", 3, 2);
	while (!code) {
		code = lpad_sampler_next(&sampler, &message, lpad_in(1));
		if (code == LPAD_ETIMEDOUT || code == LPAD_EINVALID) {
			lpad_log(node, "%s", code == LPAD_EINVALID ? lpad_error() : "late");
			code = 0;
			continue;
		}
		if (!code && !lpad_sampled_view(message, &sampled)) {
			const int64_t *ids = lpad_sampled_column(&sampled, "id", LPAD_I64, 0, NULL);
			const float *values = lpad_sampled_column(&sampled, "values", LPAD_F32, 2, columns[1].shape);
			lpad_log(node, "%s %d: %d of %d, last key %d, id %d, value %g, steps %d", sampled.single ? "single" : "sequences",
				(int)sampled.batch, (int)sampled.longest, (int)sampled.table_size, (int)sampled.keys[sampled.batch - 1],
				ids ? (int)ids[sampled.batch * sampled.longest - 1] : -1,
				values ? (double)values[6 * sampled.batch * sampled.longest - 1] : -1.0, sampled.steps ? sampled.steps[0] : 1);
		} else if (!code)
			lpad_log(node, "no sample: %s", lpad_error());
		lpad_free(message);
	}
	lpad_sampler_close(&sampler);
	return code;
}

static int run_priorities(lpad_node *node)
{
	struct sampler *me = lpad_state(node);
	lpad_priorities priorities;
	int code = lpad_priorities_open(node, &priorities, me->replay, 0, "main");
	for (uint64_t i = 1; !code && i <= 100; i++) {
		uint64_t keys[2] = { i, 1000 + i };
		double values[2] = { (double)i / 2, (double)i };
		code = lpad_priorities_update(&priorities, keys, values, 2);
		if (!code && i % 10 == 0)
			code = lpad_wait_stop(node, lpad_in(1)) == LPAD_ETIMEDOUT ? 0 : LPAD_ESTOPPED;
	}
	while (!code && (code = lpad_priorities_flush(&priorities, lpad_in(1))) == LPAD_ETIMEDOUT)
		code = 0;
	lpad_priorities_close(&priorities);
	return code;
}

static const lpad_param writer_params[] = {
	LPAD_INT(struct writer, seed, "1", NULL, "of its actions"),
	LPAD_INT(struct writer, actions, "1000", "1..", "how many"),
	LPAD_INT(struct writer, keep, "5", NULL, "steps"),
	LPAD_INT(struct writer, in_flight, "0", NULL, "calls"),
	LPAD_INT(struct writer, items_per_call, "0", NULL, "items"),
	LPAD_INT(struct writer, room, "0", NULL, "bytes"),
	LPAD_END
};
static const lpad_handle_decl writer_handles[] = { LPAD_HANDLE(struct writer, replay, LPAD_ONE, "open append", "replay"), LPAD_END };
static const lpad_handle_decl sampler_handles[] = { LPAD_HANDLE(struct sampler, replay, LPAD_ONE, "sample update", "replay"), LPAD_END };

LPAD_MODULE(
	{ .name = "writer", .state = sizeof(struct writer), .params = writer_params, .handles = writer_handles, .run = run_writer },
	{ .name = "careless", .state = sizeof(struct writer), .params = writer_params, .handles = writer_handles, .run = run_careless },
	{ .name = "long", .state = sizeof(struct writer), .handles = writer_handles, .run = run_long },
	{ .name = "sampler", .state = sizeof(struct sampler), .handles = sampler_handles, .run = run_sampler },
	{ .name = "priorities", .state = sizeof(struct sampler), .handles = sampler_handles, .run = run_priorities });
