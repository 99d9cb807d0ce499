/* SPDX-License-Identifier: MIT */
/*
 * A worker computes gradients and owns a slice of the weights; a server owns all of them and computes none. Tasks come one by one
 * into an inbox; blocks are answered on the service thread meanwhile, or kept until they exist, so that workers never wait for each
 * other's tasks. A worker that was restarted knows nothing until it is given the weights of an iteration.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allreduce.h"

static bool computes(const struct worker *me)
{
	return me->owners;
}

/* Those whose gradients I sum, and whom I tell of new weights. */
static lpad_handle *peers(const struct worker *me)
{
	return me->owners ? me->owners : me->workers;
}

static size_t slice_size(const struct worker *me)
{
	return (size_t)me->length * me->numbers->size;
}

static char *slice_of(const struct worker *me, void *array, int slice)
{
	return numbers_at(me->numbers, array, slice * me->length);
}

/* ---- life ---- */

int work_check(lpad_node *node)
{
	const struct worker *me = lpad_state(node);
	int slices = me->owners ? lpad_count(me->owners) : 1;
	if (PARAMETERS % slices)
		return lpad_fail(node, "replicas: %d parameters cannot be cut into %d equal slices", PARAMETERS, slices);
	if (lpad_replicas(node) > BATCH)
		return lpad_fail(node, "replicas: a batch has %d samples to share out", BATCH);
	return 0;
}

static void put_slices(struct worker *me, int64_t iteration, void *weights)
{
	for (int slice = 0; slice < me->slices; slice++)
		blocks_put(me->blocks, (struct block_id){ BLOCK_WEIGHTS, slice, iteration },
			lpad_bytes(slice_of(me, weights, slice), slice_size(me)));
}

int work_init(lpad_node *node)
{
	struct worker *me = lpad_state(node);
	struct stream stream = stream_of((uint64_t)lpad_seed(node), 0);
	me->numbers = numbers_of(me->precision);
	me->slices = me->owners ? lpad_count(me->owners) : 1;
	me->mine = me->owners ? lpad_place(me->owners) : 0;
	me->length = PARAMETERS / me->slices;
	me->weights = calloc(PARAMETERS, me->numbers->size);
	me->gradient = calloc(PARAMETERS, me->numbers->size);
	me->glyphs = glyphs_new();
	me->blocks = blocks_new();
	if (!me->weights || !me->gradient || !me->glyphs)
		return lpad_fail(node, "out of memory");
	me->numbers->start(me->weights, &stream);
	put_slices(me, 0, me->weights);
	return 0;
}

void work_fini(lpad_node *node)
{
	struct worker *me = lpad_state(node);
	blocks_free(me->blocks);
	free(me->weights);
	free(me->gradient);
	free(me->glyphs);
}

/* ---- fetching and putting, in run ---- */

static lpad_future *fetch(struct worker *me, int place, struct block_id id)
{
	return lpad_start(peers(me), place, "get", lpad_bytes(&id, sizeof id), lpad_default());
}

/* The numbers that the call answers with, as the block `id` if it is to be kept. */
static int fetched(lpad_node *node, struct worker *me, lpad_future *future, void *into, const struct block_id *id)
{
	lpad_message *reply;
	int code = lpad_wait(future, &reply);
	if (code)
		return code;
	const void *data = lpad_body(reply, slice_size(me));
	if (data)
		memcpy(into, data, slice_size(me));
	lpad_lock(node);
	me->traffic.received += data ? me->length : 0;
	if (data && id)
		blocks_put(me->blocks, *id, lpad_share(reply));
	lpad_unlock(node);
	lpad_free(reply);
	return data ? 0 : LPAD_EINVALID;
}

static bool copy_slice(lpad_node *node, struct worker *me, struct block_id id)
{
	lpad_lock(node);
	const lpad_message *data = blocks_find(me->blocks, id);
	if (data)
		memcpy(slice_of(me, me->weights, id.slice), lpad_content(data), slice_size(me));
	lpad_unlock(node);
	return data;
}

/* All weights of an iteration: what is not here its owner has, or will have. */
static int gather_weights(lpad_node *node, struct worker *me, int64_t iteration)
{
	lpad_future *futures[me->slices];
	int code = 0;
	for (int slice = 0; slice < me->slices; slice++) {
		struct block_id id = { BLOCK_WEIGHTS, slice, iteration };
		futures[slice] = copy_slice(node, me, id) ? NULL : fetch(me, slice, id);
	}
	for (int slice = 0; slice < me->slices; slice++)
		if (futures[slice]) {
			struct block_id id = { BLOCK_WEIGHTS, slice, iteration };
			int failed = fetched(node, me, futures[slice], slice_of(me, me->weights, slice), &id);
			code = code ? code : failed;
		}
	return code;
}

/* The sum of everybody's slice that is mine, in the order of their places: the same bits each time. */
static int gather_gradients(lpad_node *node, struct worker *me, int64_t iteration, char *sum)
{
	lpad_handle *from = peers(me);
	int count = lpad_count(from), here = lpad_place(from), code = 0;
	struct block_id id = { BLOCK_GRADIENT, me->mine, iteration };
	char *other = me->gradient;     /* what it held is in blocks */
	lpad_future *futures[count];
	for (int i = 0; i < count; i++)
		futures[i] = i == here ? NULL : fetch(me, i, id);
	for (int i = 0; i < count; i++) {
		if (i == here) {
			lpad_lock(node);
			const lpad_message *own = blocks_find(me->blocks, id);
			if (own)
				memcpy(other, lpad_content(own), slice_size(me));
			lpad_unlock(node);
			code = code || own ? code : LPAD_EAGAIN;
		} else {
			int failed = fetched(node, me, futures[i], other, NULL);
			code = code ? code : failed;
		}
		if (i == 0)
			memcpy(sum, other, slice_size(me));
		else
			me->numbers->add(sum, other, me->length);
	}
	return code;
}

/* A block and its number, at all the others before this returns. */
static int put_everywhere(lpad_node *node, struct worker *me, struct block_id id, const void *data)
{
	lpad_handle *to = peers(me);
	int count = lpad_count(to), here = lpad_place(to), code = 0;
	lpad_future *futures[count];
	lpad_message *message = lpad_bytes(NULL, sizeof id + slice_size(me));
	char *body = lpad_fill(message);
	memcpy(body, &id, sizeof id);
	memcpy(body + sizeof id, data, slice_size(me));
	for (int i = 0; i < count; i++)
		futures[i] = i == here ? NULL : lpad_start(to, i, "put", lpad_share(message), lpad_default());
	lpad_free(message);
	for (int i = 0; i < count; i++)
		if (futures[i]) {
			int failed = lpad_wait(futures[i], NULL);
			code = code ? code : failed;
		}
	lpad_lock(node);
	me->traffic.sent += (int64_t)me->length * (count - (here >= 0));
	lpad_unlock(node);
	return code;
}

/* ---- tasks ---- */

static void die_in(lpad_node *node, const struct worker *me, int32_t where, int64_t iteration)
{
	if (me->die == where && iteration == me->die_at && lpad_index(node) == 1 && lpad_incarnation(node) == 1)
		raise(SIGKILL);
}

static int forward_backward(lpad_node *node, struct worker *me, int64_t iteration)
{
	int rows[BATCH], count = numbers_rows(iteration, lpad_index(node), lpad_replicas(node), rows);
	int code = gather_weights(node, me, iteration);
	if (code)
		return code;
	memset(me->gradient, 0, PARAMETERS * me->numbers->size);
	me->numbers->gradient(me->weights, me->glyphs, rows, count, me->gradient);
	double more = me->compute + (lpad_index(node) == lpad_replicas(node) - 1 ? me->slow : 0);
	if (more > 0 && lpad_wait_stop(node, lpad_in(more)) == 0)
		return LPAD_ESTOPPED;
	die_in(node, me, DIE_FORWARD, iteration);
	lpad_lock(node);
	blocks_drop(me->blocks, iteration - 2 * me->group);
	for (int slice = 0; slice < me->slices; slice++)
		me->traffic.sent += (int64_t)me->length * blocks_put(me->blocks, (struct block_id){ BLOCK_GRADIENT, slice, iteration },
			lpad_bytes(slice_of(me, me->gradient, slice), slice_size(me)));
	lpad_unlock(node);
	return 0;
}

static int synchronise(lpad_node *node, struct worker *me, int64_t iteration, bool put)
{
	struct block_id now = { BLOCK_WEIGHTS, me->mine, iteration }, next = { BLOCK_WEIGHTS, me->mine, iteration + 1 };
	char *slice = slice_of(me, me->weights, me->mine), *sum = malloc(slice_size(me));
	int code = !sum || !copy_slice(node, me, now) ? LPAD_EAGAIN : gather_gradients(node, me, iteration, sum);
	if (!code) {
		me->numbers->step(slice, LR / BATCH, sum, me->length);
		die_in(node, me, DIE_SYNCHRONISE, iteration);
		lpad_lock(node);
		me->traffic.sent += (int64_t)me->length * blocks_put(me->blocks, next, lpad_bytes(slice, slice_size(me)));
		blocks_drop(me->blocks, iteration - 2 * me->group);
		lpad_unlock(node);
		if (put)
			code = put_everywhere(node, me, next, slice);
	}
	free(sum);
	return code;
}

static int both(lpad_node *node, struct worker *me, const struct task *task)
{
	int code = 0;
	for (int64_t i = 0; i < task->count && !code; i++) {
		if (computes(me))
			code = forward_backward(node, me, task->iteration + i);
		if (!code && me->mine >= 0)
			code = synchronise(node, me, task->iteration + i, i + 1 == task->count);
	}
	return code;
}

static bool has_weights(lpad_node *node, struct worker *me, int64_t iteration)
{
	lpad_lock(node);
	bool has = me->mine < 0 || blocks_find(me->blocks, (struct block_id){ BLOCK_WEIGHTS, me->mine, iteration });
	lpad_unlock(node);
	return has;
}

static int perform(lpad_node *node, struct worker *me, const struct task *task)
{
	if (!has_weights(node, me, task->iteration)) {
		lpad_fail(node, "I am new and have no weights of iteration %" PRId64, task->iteration);
		return LPAD_EAGAIN;
	}
	return task->kind == TASK_FORWARD_BACKWARD ? forward_backward(node, me, task->iteration)
	     : task->kind == TASK_SYNCHRONISE ? synchronise(node, me, task->iteration, true) : both(node, me, task);
}

int work(lpad_node *node)
{
	struct worker *me = lpad_state(node);
	lpad_call *call;
	int code;
	while (!(code = lpad_next(me->task, &call, lpad_never()))) {
		const struct task *task = lpad_body(lpad_request(call), sizeof *task);
		int failed = task ? perform(node, me, task) : LPAD_EINVALID;
		if (failed)
			lpad_refuse(call, failed, "%s", lpad_error());
		else
			lpad_answer(call, NULL);
	}
	return code;
}

/* ---- what others ask for, on the service thread ---- */

static int get(lpad_node *node, lpad_call *call)
{
	struct worker *me = lpad_state(node);
	const struct block_id *id = lpad_body(lpad_request(call), sizeof *id);
	if (!id)
		return LPAD_EINVALID;
	lpad_lock(node);
	const lpad_message *data = blocks_find(me->blocks, *id);
	if (data) {
		me->traffic.sent += me->length;
		lpad_answer(call, lpad_share(data));
	} else {
		blocks_hold(me->blocks, *id, call);
	}
	lpad_unlock(node);
	return LPAD_LATER;
}

static void get_gone(lpad_node *node, lpad_call *call)
{
	struct worker *me = lpad_state(node);
	lpad_lock(node);
	blocks_forget(me->blocks, call);
	lpad_unlock(node);
}

static int get_held(lpad_node *node, lpad_call *call, char *text, size_t room)
{
	const struct block_id *id = lpad_body(lpad_request(call), sizeof *id);
	(void)node;
	if (id)
		snprintf(text, room, "slice %d of the %s of iteration %" PRId64 " is not there yet", id->slice,
			id->kind == BLOCK_WEIGHTS ? "weights" : "gradient", id->iteration);
	return 0;
}

static int put(lpad_node *node, lpad_call *call)
{
	struct worker *me = lpad_state(node);
	const char *body = lpad_body(lpad_request(call), sizeof(struct block_id) + slice_size(me));
	struct block_id id;
	if (!body)
		return LPAD_EINVALID;
	memcpy(&id, body, sizeof id);
	lpad_lock(node);
	me->traffic.received += me->length;
	blocks_put(me->blocks, id, lpad_bytes(body + sizeof id, slice_size(me)));
	lpad_unlock(node);
	return lpad_answer(call, NULL);
}

/* All weights of an iteration, behind its number: as `restore` takes them. */
static int weights(lpad_node *node, lpad_call *call)
{
	struct worker *me = lpad_state(node);
	const int64_t *iteration = lpad_body(lpad_request(call), sizeof *iteration);
	if (!iteration)
		return LPAD_EINVALID;
	lpad_message *reply = lpad_bytes(NULL, sizeof *iteration + PARAMETERS * me->numbers->size);
	char *body = lpad_fill(reply);
	bool all = true;
	memcpy(body, iteration, sizeof *iteration);
	lpad_lock(node);
	for (int slice = 0; slice < me->slices; slice++) {
		const lpad_message *data = blocks_find(me->blocks, (struct block_id){ BLOCK_WEIGHTS, slice, *iteration });
		all = all && data;
		if (data)
			memcpy(slice_of(me, body + sizeof *iteration, slice), lpad_content(data), slice_size(me));
	}
	lpad_unlock(node);
	if (all)
		return lpad_answer(call, reply);
	lpad_free(reply);
	return lpad_refuse(call, LPAD_EAGAIN, "not all weights of iteration %" PRId64 " are here", *iteration);
}

static int restore(lpad_node *node, lpad_call *call)
{
	struct worker *me = lpad_state(node);
	const char *body = lpad_body(lpad_request(call), sizeof(int64_t) + PARAMETERS * me->numbers->size);
	int64_t iteration;
	if (!body)
		return LPAD_EINVALID;
	memcpy(&iteration, body, sizeof iteration);
	lpad_lock(node);
	put_slices(me, iteration, (char *)body + sizeof iteration);
	lpad_unlock(node);
	return lpad_answer(call, NULL);
}

static int traffic(lpad_node *node, lpad_call *call)
{
	struct worker *me = lpad_state(node);
	lpad_lock(node);
	struct traffic now = me->traffic;
	lpad_unlock(node);
	return lpad_answer(call, lpad_bytes(&now, sizeof now));
}

/* ---- what they declare ---- */

#define COMMON_PARAMS \
	LPAD_CHOICE(struct worker, precision, "float", PRECISIONS, "of all numbers"), \
	LPAD_INT(struct worker, group, "1", "1..1000000", "iterations that one task message starts")

const lpad_param worker_params[] = {
	COMMON_PARAMS,
	LPAD_DURATION(struct worker, compute, "0s", "0s..", "added to each forward/backward task"),
	LPAD_DURATION(struct worker, slow, "0s", "0s..", "added to those of the last worker"),
	LPAD_CHOICE(struct worker, die, "none", DIES, "the task in which worker 1 kills itself, the first time"),
	LPAD_INT(struct worker, die_at, "100", "0..", "the iteration in which it does"),
	LPAD_END
};
const lpad_param server_params[] = { COMMON_PARAMS, LPAD_END };
const lpad_handle_decl worker_handles[] = {
	LPAD_HANDLE(struct worker, owners, LPAD_MANY, "get put", "who owns slices of the weights"),
	LPAD_END
};
const lpad_handle_decl server_handles[] = {
	LPAD_HANDLE(struct worker, workers, LPAD_MANY, "get put", "who computes gradients"),
	LPAD_END
};
const lpad_method worker_methods[] = {
	LPAD_INBOX(struct worker, task, "one task", .queue = 1, .request = "bytes[24]"),
	LPAD_METHOD(get, "a block; the answer waits until it exists", .idempotent = true, .gone = get_gone, .held = get_held,
		.request = "bytes[16]"),
	LPAD_METHOD(put, "a block that I do not have to fetch", .idempotent = true),
	LPAD_METHOD(weights, "all weights of an iteration", .idempotent = true, .request = "bytes[8]"),
	LPAD_METHOD(restore, "weights, for a worker that is new", .idempotent = true),
	LPAD_METHOD(traffic, "numbers sent and received", .idempotent = true, .reply = "bytes[16]"),
	LPAD_END
};
