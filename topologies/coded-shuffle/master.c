/* SPDX-License-Identifier: MIT */
/*
 * Has all rows. In each shuffle it sends every worker what that one lacks of its new batch, as calls, and then all of it once more as
 * XORs, published to everybody; then the workers make one pass over their batches, and it takes the mean of their weights.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lpad/node.h>

#include "messages.h"
#include "report.h"

struct master {
	int64_t rows, cache, shuffles;
	lpad_topic *coded;
	lpad_handle *uncoded, *workers;
	struct shuffle shuffle;
	union row *data;
	int *missing;
	lpad_future **futures;
	double weights[WEIGHTS], truth[WEIGHTS];
};

static int check(lpad_node *node)
{
	const struct master *me = lpad_state(node);
	int workers = lpad_count(me->workers);
	if (workers < 2 || workers > MOST_WORKERS)
		return lpad_fail(node, "edges.workers: 2 to %d workers, not %d", MOST_WORKERS, workers);
	if (lpad_count(me->uncoded) != workers)
		return lpad_fail(node, "edges.uncoded: the same workers as `workers` has");
	if (me->rows % workers)
		return lpad_fail(node, "params.rows: %" PRId64 " rows cannot be shared out evenly among %d workers", me->rows, workers);
	if (me->cache < me->rows / workers || me->cache >= me->rows)
		return lpad_fail(node, "params.cache: from a batch, %" PRId64 ", to less than all rows, %" PRId64, me->rows / workers, me->rows);
	return 0;
}

static int init(lpad_node *node)
{
	struct master *me = lpad_state(node);
	uint64_t seed = (uint64_t)lpad_seed(node);
	me->data = malloc(sizeof *me->data * (size_t)me->rows);
	me->missing = malloc(sizeof *me->missing * (size_t)me->rows);
	me->futures = malloc(sizeof *me->futures * (size_t)(me->rows / MESSAGE_ROWS + 1));
	if (shuffle_init(&me->shuffle, (int)me->rows, lpad_count(me->workers), (int)me->cache, seed) || !me->data || !me->missing || !me->futures)
		return lpad_fail(node, "out of memory");
	data_truth(seed, me->truth);
	for (int row = 0; row < me->rows; row++)
		data_row(seed, row, me->truth, &me->data[row]);
	return 0;
}

static void fini(lpad_node *node)
{
	struct master *me = lpad_state(node);
	shuffle_release(&me->shuffle);
	free(me->data);
	free(me->missing);
	free(me->futures);
}

static lpad_message *message_of(const struct master *me, const int *rows, int count)
{
	lpad_message *message = lpad_bytes(NULL, (size_t)count * sizeof(union row));
	union row *at = lpad_fill(message);
	for (int i = 0; i < count; i++)
		at[i] = me->data[rows[i]];
	return message;
}

static int finish(lpad_future **futures, int count)
{
	int code = 0;
	for (int i = 0; i < count; i++)
		if (code)
			lpad_cancel(futures[i]);
		else
			code = lpad_wait(futures[i], NULL);
	return code;
}

/* To one worker what it lacks; all messages under way at once. */
static int send_uncoded(struct master *me, int worker, struct volume *volume)
{
	int missing = shuffle_missing(&me->shuffle, worker, me->missing), started = 0;
	for (int from = 0, count; from < missing; from += count) {
		count = message_rows(missing - from);
		me->futures[started++] = lpad_start(me->uncoded, worker, "rows", message_of(me, me->missing + from, count), lpad_default());
		volume->uncoded_bytes += (int64_t)sizeof(union row) * count;
	}
	return finish(me->futures, started);
}

static void add_up(const struct master *me, int set, int place, union row *sum)
{
	const int *queue;
	*sum = (union row){ 0 };
	for (int worker = 0; worker < me->shuffle.workers; worker++)
		if (place < shuffle_queue(&me->shuffle, set, worker, &queue))
			row_xor(sum, &me->data[queue[place]]);
}

static int send_set(struct master *me, int set, struct volume *volume)
{
	int length = shuffle_length(&me->shuffle, set), code = 0;
	for (int from = 0, count; !code && from < length; from += count) {
		count = message_rows(length - from);
		lpad_message *message = lpad_bytes(NULL, (size_t)count * sizeof(union row));
		union row *rows = lpad_fill(message);
		for (int i = 0; i < count; i++)
			add_up(me, set, from + i, &rows[i]);
		volume->coded_bytes += (int64_t)sizeof(union row) * count;
		code = lpad_publish(me->coded, message);
	}
	return code;
}

/* In the order of the workers, so that the sum is the same in every run. */
static int take_replies(struct master *me, lpad_message **replies, struct volume *volume)
{
	double sum[WEIGHTS] = { 0 };
	for (int worker = 0; worker < me->shuffle.workers; worker++) {
		const struct epoch_reply *reply = lpad_body(replies[worker], sizeof *reply);
		if (!reply)
			return LPAD_EBROKEN;
		for (int i = 0; i < WEIGHTS; i++)
			sum[i] += reply->weights[i];
		volume->decoded += reply->decoded;
		volume->bad += reply->bad;
		volume->received_bytes += reply->coded_bytes + reply->uncoded_bytes;
	}
	for (int i = 0; i < WEIGHTS; i++)
		me->weights[i] = sum[i] / me->shuffle.workers;
	return 0;
}

static int run_epoch(struct master *me, struct volume *volume)
{
	lpad_message *replies[MOST_WORKERS] = { NULL };
	int code = lpad_call_each(me->workers, "epoch", lpad_bytes(me->weights, sizeof me->weights), replies, NULL, lpad_default());
	if (!code)
		code = take_replies(me, replies, volume);
	for (int worker = 0; worker < me->shuffle.workers; worker++)
		lpad_free(replies[worker]);
	return code;
}

static int run_shuffle(struct master *me, struct volume *volume)
{
	int code = 0;
	shuffle_next(&me->shuffle);
	*volume = volume_of(&me->shuffle);
	for (int worker = 0; !code && worker < me->shuffle.workers; worker++)
		code = send_uncoded(me, worker, volume);
	for (int set = 1; !code && set < shuffle_sets(&me->shuffle); set++)
		code = send_set(me, set, volume);
	if (!code)
		code = run_epoch(me, volume);
	shuffle_settle(&me->shuffle);
	return code;
}

static double mean_square(const struct master *me)
{
	double sum = 0;
	for (int row = 0; row < me->rows; row++) {
		double error = row_error(&me->data[row], me->weights);
		sum += error * error;
	}
	return sum / (double)me->rows;
}

static double distance(const double *a, const double *b)
{
	double sum = 0;
	for (int i = 0; i < WEIGHTS; i++)
		sum += (a[i] - b[i]) * (a[i] - b[i]);
	return sqrt(sum);
}

static int judge(lpad_node *node, const struct master *me, const struct volume *sum)
{
	struct checks checks = { 0 };
	report_checks(&me->shuffle, me->shuffles, sum, &checks);
	checks_most(&checks, "distance_to_truth", distance(me->weights, me->truth), 0.02);
	lpad_report(node, "coded_bytes", (double)sum->coded_bytes, me->shuffles);
	lpad_report(node, "uncoded_bytes", (double)sum->uncoded_bytes, me->shuffles);
	return checks_code(&checks);
}

static int run(lpad_node *node)
{
	struct master *me = lpad_state(node);
	struct volume sum = { 0 };
	report_head();
	for (int64_t i = 1; i <= me->shuffles; i++) {
		struct volume one;
		int code = run_shuffle(me, &one);
		if (code)
			return code;
		volume_add(&sum, &one);
		report_line(i, &one, mean_square(me));
	}
	return judge(node, me, &sum);
}

static const lpad_param params[] = {
	LPAD_INT(struct master, rows, "40000", "2..1000000", "in all"),
	LPAD_INT(struct master, cache, "17500", "1..", "rows that a worker has room for"),
	LPAD_INT(struct master, shuffles, "20", "1..", "how often"),
	LPAD_END
};
static const lpad_handle_decl handles[] = {
	LPAD_HANDLE(struct master, uncoded, LPAD_MANY, "rows", "to whom rows are sent one by one"),
	LPAD_HANDLE(struct master, workers, LPAD_MANY, "epoch", "who computes with them"),
	LPAD_END
};
static const lpad_topic_decl topics[] = {
	LPAD_TOPIC(struct master, coded, "XORs of rows"),
	LPAD_END
};

LPAD_MODULE({ .name = "master", .help = "shuffles the rows, coded and uncoded", .state = sizeof(struct master), .params = params,
	.handles = handles, .topics = topics, .check = check, .init = init, .run = run, .fini = fini });
