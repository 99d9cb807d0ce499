/* SPDX-License-Identifier: MIT */
/*
 * lpad/replay_test.h - a small replay for tests with lpad/test.h: it answers what writers, samplers and priorities of
 * lpad/replay.h ask of the handle that they use. In prose, with an example: lpad-replay(3), "Testing".
 *
 *     lpad_replay_test replay = { 0 };
 *     while (lpad_test_step(test) == LPAD_TEST_REPLY && lpad_replay_test_answer(&replay, test, "replay"))
 *             ;
 *     assert(replay.items == 20);
 *
 * It counts items and hands each append to `append`, which may look at the steps; it makes samples of the columns that it is given.
 * It has no tables and no limiter, and keeps nothing: how replay itself chooses is not what is tested here.
 */
#ifndef LPAD_REPLAY_TEST_H
#define LPAD_REPLAY_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lpad/test.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lpad_replay_test_stream_t_ {
	char name[64];
	int64_t items, next;
} lpad_replay_test_stream_t_;

/* Zeroed is a good one to begin with. */
typedef struct lpad_replay_test {
	/* what came */
	int opens, appends, samples, updates;           /* calls that were answered */
	int64_t items, steps;                           /* inserted; sent, each once */
	int64_t priorities;                             /* that were set */
	/* of an append, before it is answered: its message has the columns, and the items as lpad-replay(7) has them */
	void (*append)(void *context, const lpad_message *request);
	/* a sample of `batch` items: fills in the columns, by lpad_data(); keys are 1, 2, ... and priorities 1 */
	void (*sample)(void *context, lpad_message *reply, int64_t batch);
	void *context;
	const lpad_tensor *columns;                     /* of one step, as a writer's: those of samples, ending with LPAD_END */
	int item_steps;                                 /* of each sampled item; 0: single steps, without an axis of steps */
	lpad_replay_test_stream_t_ streams[16];
} lpad_replay_test;

static inline lpad_replay_test_stream_t_ *lpad_replay_test_stream_(lpad_replay_test *replay, const lpad_message *request)
{
	const char *name = lpad_meta(request, "stream");
	char wanted[sizeof replay->streams[0].name];
	snprintf(wanted, sizeof wanted, "stream %s", name ? name : "");         /* one that is free has no name at all */
	for (size_t i = 0; i < sizeof replay->streams / sizeof replay->streams[0]; i++) {
		lpad_replay_test_stream_t_ *stream = &replay->streams[i];
		if (!stream->name[0])
			memcpy(stream->name, wanted, sizeof wanted);
		if (!strcmp(stream->name, wanted))
			return stream;
	}
	fprintf(stderr, "lpad test: a replay for tests has 16 streams\n");
	exit(99);
}

static inline lpad_tensor lpad_replay_test_tensor_(const char *name, int type, int rank, int64_t extent)
{
	lpad_tensor tensor;
	memset(&tensor, 0, sizeof tensor);
	tensor.name = name;
	tensor.type = type;
	tensor.rank = rank;
	tensor.shape[0] = extent;
	return tensor;
}

static inline lpad_message *lpad_replay_test_open_(lpad_replay_test *replay, const lpad_message *request)
{
	const lpad_replay_test_stream_t_ *stream = lpad_replay_test_stream_(replay, request);
	lpad_tensor list[2] = { lpad_replay_test_tensor_("item.number", LPAD_I64, 0, 0), lpad_replay_test_tensor_("stream.next", LPAD_I64, 0, 0) };
	lpad_message *reply = lpad_tensors(2, list);
	*(int64_t *)lpad_data(reply, "item.number") = stream->items;
	*(int64_t *)lpad_data(reply, "stream.next") = stream->next;
	replay->opens++;
	return reply;
}

/* The first extent of a tensor; 0: it is not there. */
static inline int64_t lpad_replay_test_extent_(const lpad_message *message, const char *name)
{
	lpad_tensor tensor;
	for (int i = 0; i < lpad_tensor_count(message); i++)
		if (!lpad_tensor_at(message, i, &tensor) && !strcmp(tensor.name, name))
			return tensor.rank ? tensor.shape[0] : 1;
	return 0;
}

/* How many steps an append has: the first axis of any column. */
static inline int64_t lpad_replay_test_steps_(const lpad_message *message)
{
	lpad_tensor tensor;
	for (int i = 0; i < lpad_tensor_count(message); i++)
		if (!lpad_tensor_at(message, i, &tensor) && strncmp(tensor.name, "item.", 5) != 0 && strncmp(tensor.name, "stream.", 7) != 0)
			return tensor.shape[0];
	return 0;
}

static inline lpad_message *lpad_replay_test_append_(lpad_replay_test *replay, const lpad_message *request)
{
	lpad_replay_test_stream_t_ *stream = lpad_replay_test_stream_(replay, request);
	int64_t count = lpad_replay_test_extent_(request, "item.number");
	const int64_t *number = count ? (const int64_t *)lpad_view(request, "item.number", LPAD_I64, 1, &count) : NULL;
	const int64_t *first = (const int64_t *)lpad_view(request, "stream.first", LPAD_I64, 0, NULL);
	int64_t next = (first ? *first : stream->next) + lpad_replay_test_steps_(request);
	lpad_tensor key = lpad_replay_test_tensor_("item.key", LPAD_U64, 1, count);
	lpad_message *reply = lpad_tensors(1, &key);
	uint64_t *keys = (uint64_t *)lpad_data(reply, "item.key");
	for (int64_t i = 0; number && i < count; i++) {
		keys[i] = number[i] > stream->items ? (uint64_t)++replay->items : 0;
		stream->items = number[i] > stream->items ? number[i] : stream->items;
	}
	replay->steps += next > stream->next ? next - stream->next : 0;
	stream->next = next > stream->next ? next : stream->next;
	if (replay->append)
		replay->append(replay->context, request);
	replay->appends++;
	return reply;
}

/* The tensors of a sample: how many there are. */
static inline int lpad_replay_test_layout_(const lpad_replay_test *replay, lpad_tensor *list, int64_t batch)
{
	int count = 0, lead = replay->item_steps ? 2 : 1;
	list[count++] = lpad_replay_test_tensor_("item.key", LPAD_U64, 1, batch);
	list[count++] = lpad_replay_test_tensor_("item.probability", LPAD_F64, 1, batch);
	list[count++] = lpad_replay_test_tensor_("item.priority", LPAD_F64, 1, batch);
	list[count++] = lpad_replay_test_tensor_("item.times_sampled", LPAD_I64, 1, batch);
	list[count++] = lpad_replay_test_tensor_("item.table_size", LPAD_I64, 0, 0);
	if (replay->item_steps)
		list[count++] = lpad_replay_test_tensor_("item.steps", LPAD_I32, 1, batch);
	for (int i = 0; replay->columns && replay->columns[i].name && count < 40; i++, count++) {
		list[count] = replay->columns[i];
		memmove(list[count].shape + lead, list[count].shape, sizeof(int64_t) * (size_t)list[count].rank);
		list[count].shape[0] = batch;
		if (replay->item_steps)
			list[count].shape[1] = replay->item_steps;
		list[count].rank += lead;
	}
	return count;
}

static inline lpad_message *lpad_replay_test_sample_(lpad_replay_test *replay, const lpad_message *request)
{
	const int64_t *n = (const int64_t *)lpad_view(request, "n", LPAD_I64, 0, NULL);
	int64_t batch = n ? *n : 1;
	lpad_tensor list[40];
	lpad_message *reply = lpad_tensors(lpad_replay_test_layout_(replay, list, batch), list);
	int32_t *steps = (int32_t *)lpad_data(reply, "item.steps");
	*(int64_t *)lpad_data(reply, "item.table_size") = batch;
	for (int64_t i = 0; i < batch; i++) {
		((uint64_t *)lpad_data(reply, "item.key"))[i] = (uint64_t)i + 1;
		((double *)lpad_data(reply, "item.probability"))[i] = 1 / (double)batch;
		((double *)lpad_data(reply, "item.priority"))[i] = 1;
		((int64_t *)lpad_data(reply, "item.times_sampled"))[i] = 1;
		if (steps)
			steps[i] = replay->item_steps;
	}
	if (replay->sample)
		replay->sample(replay->context, reply, batch);
	replay->samples++;
	return reply;
}

static inline lpad_message *lpad_replay_test_update_(lpad_replay_test *replay, const lpad_message *request)
{
	lpad_tensor known = lpad_replay_test_tensor_("known", LPAD_I64, 0, 0);
	lpad_message *reply = lpad_tensors(1, &known);
	int64_t count = lpad_replay_test_extent_(request, "item.key");
	*(int64_t *)lpad_data(reply, "known") = count;
	replay->priorities += count;
	replay->updates++;
	return reply;
}

/* Answers the oldest call under way of this handle, if it is one of open, append, sample and update; false: there is none. */
static inline bool lpad_replay_test_answer(lpad_replay_test *replay, lpad_test *test, const char *handle)
{
	static const struct {
		const char *method;
		lpad_message *(*answer)(lpad_replay_test *, const lpad_message *);
	} rows[] = { { "open", lpad_replay_test_open_ }, { "append", lpad_replay_test_append_ },
		{ "sample", lpad_replay_test_sample_ }, { "update", lpad_replay_test_update_ } };
	for (int call = 0; call < lpad_test_calls(test); call++)
		for (size_t i = 0; i < sizeof rows / sizeof rows[0] && !strcmp(lpad_test_call_handle(test, call), handle); i++)
			if (!strcmp(lpad_test_call_method(test, call), rows[i].method)) {
				lpad_test_answer(test, call, rows[i].answer(replay, lpad_test_call_request(test, call)));
				return true;
			}
	return false;
}

#ifdef __cplusplus
}
#endif
#endif
