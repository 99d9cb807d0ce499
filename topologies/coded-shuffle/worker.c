/* SPDX-License-Identifier: MIT */
/*
 * Has its batch and some rows more. In each shuffle it gets what it lacks of its new batch twice: row by row, and out of XORs, from
 * which it takes away the rows that it has. Both are compared with what the rows should be.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <lpad/node.h>

#include "messages.h"
#include "shuffle.h"

static const double rate = 0.001;

struct worker {
	int64_t rows, cache, shuffles;
	lpad_inbox *receive, *epoch;
	lpad_subscription *coded;
	int self;
	struct shuffle shuffle;
	union row *have;                /* by row; zero if it is not here */
	int *missing;
	double truth[WEIGHTS];
	uint64_t seed;
	struct epoch_reply reply;
	int64_t coded_bytes, uncoded_bytes;
};

static int init(lpad_node *node)
{
	struct worker *me = lpad_state(node);
	me->self = lpad_index(node);
	me->seed = (uint64_t)lpad_seed(node);
	me->have = calloc((size_t)me->rows, sizeof *me->have);
	me->missing = malloc(sizeof *me->missing * (size_t)me->rows);
	if (shuffle_init(&me->shuffle, (int)me->rows, lpad_replicas(node), (int)me->cache, me->seed) || !me->have || !me->missing)
		return lpad_fail(node, "out of memory");
	data_truth(me->seed, me->truth);
	for (int row = 0; row < me->rows; row++)
		if (shuffle_has(&me->shuffle, me->self, row))
			data_row(me->seed, row, me->truth, &me->have[row]);
	return 0;
}

static void fini(lpad_node *node)
{
	struct worker *me = lpad_state(node);
	shuffle_release(&me->shuffle);
	free(me->have);
	free(me->missing);
}

static void compare(struct worker *me, int row, const union row *came)
{
	union row expected;
	data_row(me->seed, row, me->truth, &expected);
	me->reply.bad += memcmp(&expected, came, sizeof expected) != 0;
}

/* What comes uncoded is looked at and left: it is the XORs that fill the batch. */
static int take_uncoded(struct worker *me)
{
	int missing = shuffle_missing(&me->shuffle, me->self, me->missing);
	for (int from = 0, count; from < missing; from += count) {
		lpad_call *call;
		int code = lpad_next(me->receive, &call, lpad_never());
		if (code)
			return code;
		count = message_rows(missing - from);
		const union row *rows = lpad_body(lpad_request(call), (size_t)count * sizeof *rows);
		if (!rows)
			return LPAD_EBROKEN;
		for (int i = 0; i < count; i++)
			compare(me, me->missing[from + i], &rows[i]);
		me->reply.uncoded_bytes += (int64_t)lpad_size(lpad_request(call));
		lpad_answer(call, NULL);
	}
	return 0;
}

/* The XOR at a place of a set's queues: all but my row I have. */
static void decode(struct worker *me, int set, int place, const union row *came)
{
	const int *queue;
	union row row = *came;
	for (int worker = 0; worker < me->shuffle.workers; worker++)
		if (worker != me->self && place < shuffle_queue(&me->shuffle, set, worker, &queue))
			row_xor(&row, &me->have[queue[place]]);
	if (place >= shuffle_queue(&me->shuffle, set, me->self, &queue))
		return;
	compare(me, queue[place], &row);
	me->have[queue[place]] = row;
	me->reply.decoded++;
}

static int take_set(struct worker *me, int set)
{
	int length = shuffle_length(&me->shuffle, set);
	for (int from = 0, count; from < length; from += count) {
		lpad_message *message;
		int code = lpad_take(me->coded, &message, lpad_never());
		if (code)
			return code;
		count = message_rows(length - from);
		const union row *rows = lpad_body(message, (size_t)count * sizeof *rows);
		for (int i = 0; rows && i < count && set >> me->self & 1; i++)
			decode(me, set, from + i, &rows[i]);
		me->reply.coded_bytes += (int64_t)lpad_size(message);
		lpad_free(message);
		if (!rows)
			return LPAD_EBROKEN;
	}
	return 0;
}

static int take_coded(struct worker *me)
{
	int code = 0;
	for (int set = 0; !code && set < shuffle_sets(&me->shuffle); set++)
		code = take_set(me, set);
	return code;
}

/* What there is no room for any more is gone for good. */
static void settle(struct worker *me)
{
	shuffle_settle(&me->shuffle);
	for (int row = 0; row < me->rows; row++)
		if (!shuffle_has(&me->shuffle, me->self, row))
			me->have[row] = (union row){ 0 };
}

static int pass(struct worker *me)
{
	lpad_call *call;
	int code = lpad_next(me->epoch, &call, lpad_never());
	if (code)
		return code;
	const struct epoch *request = lpad_body(lpad_request(call), sizeof *request);
	if (!request)
		return LPAD_EBROKEN;
	memcpy(me->reply.weights, request->weights, sizeof me->reply.weights);
	for (int row = 0; row < me->rows; row++)
		if (me->shuffle.owner[row] == me->self)
			row_step(&me->have[row], rate, me->reply.weights);
	return lpad_answer(call, lpad_bytes(&me->reply, sizeof me->reply));
}

static int run(lpad_node *node)
{
	struct worker *me = lpad_state(node);
	for (int64_t i = 0; i < me->shuffles; i++) {
		me->reply = (struct epoch_reply){ 0 };
		shuffle_next(&me->shuffle);
		int code = take_uncoded(me);
		if (!code)
			code = take_coded(me);
		if (code)
			return code;
		settle(me);
		me->coded_bytes += me->reply.coded_bytes;
		me->uncoded_bytes += me->reply.uncoded_bytes;
		if ((code = pass(me)))
			return code;
	}
	lpad_report(node, "coded_bytes", (double)me->coded_bytes, me->shuffles);
	lpad_report(node, "uncoded_bytes", (double)me->uncoded_bytes, me->shuffles);
	return 0;
}

static const lpad_param params[] = {
	LPAD_INT(struct worker, rows, "40000", "2..1000000", "in all"),
	LPAD_INT(struct worker, cache, "17500", "1..", "rows that I have room for"),
	LPAD_INT(struct worker, shuffles, "20", "1..", "how often"),
	LPAD_END
};
static const lpad_method methods[] = {
	LPAD_INBOX_AS("rows", struct worker, receive, "rows that I lack"),
	LPAD_INBOX(struct worker, epoch, "one pass over my batch, when I have all of it"),
	LPAD_END
};
static const lpad_subscription_decl subscriptions[] = {
	LPAD_SUBSCRIPTION(struct worker, coded, LPAD_ALL, "XORs of rows"),
	LPAD_END
};

LPAD_MODULE({ .name = "worker", .help = "decodes its rows, computes with them", .state = sizeof(struct worker), .params = params,
	.methods = methods, .subscriptions = subscriptions, .init = init, .run = run, .fini = fini });
