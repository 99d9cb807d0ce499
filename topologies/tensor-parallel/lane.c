/* SPDX-License-Identifier: MIT */
#include "lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "matrix.h"
#include "task.h"

int64_t lane_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int lane_wait_until(lpad_node *node, int64_t moment)
{
	int64_t left;
	while ((left = moment - lane_now()) > 0)
		if (!lpad_wait_stop(node, lpad_in((double)left * 1e-9)))
			return LPAD_ESTOPPED;
	return 0;
}

static void keep(struct exchange *exchange, lpad_future *future)
{
	if (exchange->sending == exchange->room) {
		exchange->room = exchange->room ? 2 * exchange->room : 16;
		exchange->sent = realloc(exchange->sent, exchange->room * sizeof *exchange->sent);
		if (!exchange->sent)
			abort();
	}
	exchange->sent[exchange->sending++] = future;
}

static lpad_message *stamped(const float *values, size_t count)
{
	lpad_message *message = lpad_bytes(NULL, TASK_HEADER + count * sizeof *values);
	char *body = lpad_fill(message);
	int64_t now = lane_now();
	if (!body)
		return message;         /* too large: the send says so */
	memcpy(body, &now, sizeof now);
	memcpy(body + TASK_HEADER, values, count * sizeof *values);
	return message;
}

static void send_message(struct exchange *exchange, struct lane *lane, int place, lpad_message *message, size_t count)
{
	keep(exchange, lpad_start(lane->to, place, lane->method, message, lpad_default()));
	lane->messages++;
	lane->values += (int64_t)count;
	exchange->messages++;
	exchange->values += (int64_t)count;
}

void lane_send(struct exchange *exchange, struct lane *lane, int place, const float *values, size_t count)
{
	send_message(exchange, lane, place, stamped(values, count), count);
}

void lane_spread(struct exchange *exchange, struct lane *lane, const float *values, size_t count)
{
	lpad_message *message = stamped(values, count);
	for (int place = 0; place < lpad_count(lane->to); place++)
		if (place != lpad_place(lane->to))
			send_message(exchange, lane, place, lpad_share(message), count);
	lpad_free(message);
}

/* Copies what has come, answers, and waits until it could have come over the slow link. */
static int accept_values(struct exchange *exchange, lpad_call *call, float *into, size_t count)
{
	const char *body = lpad_body(lpad_request(call), TASK_HEADER + count * sizeof *into);
	int64_t sent;
	if (!body) {
		int code = lpad_fail(exchange->node, "%s sent something else than the %zu values that it is its turn to send", lpad_caller(call), count);
		lpad_refuse(call, code, "%zu values belong here", count);
		return code;
	}
	memcpy(&sent, body, sizeof sent);
	memcpy(into, body + TASK_HEADER, count * sizeof *into);
	int code = lpad_answer(call, NULL);
	return code ? code : lane_wait_until(exchange->node, sent + (int64_t)(exchange->delay * 1e9));
}

int lane_receive(struct exchange *exchange, struct lane *lane, int place, float *into, size_t count)
{
	lpad_call *call;
	int code = lpad_next_from(lane->from, lane->to, place, &call, lpad_default());
	return code ? code : accept_values(exchange, call, into, count);
}

/* Of a ring, where only one process sends here. */
static int receive_next(struct exchange *exchange, struct lane *lane, float *into, size_t count)
{
	lpad_call *call;
	int code = lpad_next(lane->from, &call, lpad_default());
	return code ? code : accept_values(exchange, call, into, count);
}

static void add(float *sum, const float *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sum[i] += values[i];
}

int lane_reduce(struct exchange *exchange, struct lane *lane, int root, const float *part, float *sum, float *spare, size_t count)
{
	int code = 0;
	if (lpad_place(lane->to) != root) {
		lane_send(exchange, lane, root, part, count);
		return 0;
	}
	memset(sum, 0, count * sizeof *sum);
	for (int place = 0; !code && place < lpad_count(lane->to); place++) {
		if (place != root)
			code = lane_receive(exchange, lane, place, spare, count);
		add(sum, place == root ? part : spare, count);
	}
	return code;
}

int lane_ring_all_reduce(struct exchange *exchange, struct lane *lane, int me, int members, float *data, size_t count)
{
	size_t slice = count / (size_t)members;
	float *spare = matrix_new(slice);
	int code = 0;
	for (int step = 0; !code && step < 2 * (members - 1); step++) {
		bool gathering = step >= members - 1;   /* first sums go round, then what has become of them */
		int sends = (me - step + 2 * members) % members, receives = (sends - 1 + members) % members;
		lane_send(exchange, lane, 0, data + (size_t)sends * slice, slice);
		code = receive_next(exchange, lane, spare, slice);
		if (!code && gathering)
			memcpy(data + (size_t)receives * slice, spare, slice * sizeof *data);
		else if (!code)
			add(data + (size_t)receives * slice, spare, slice);
	}
	free(spare);
	return code;
}

int lane_settle(struct exchange *exchange)
{
	int code = 0;
	while (!code && exchange->sending)
		code = lpad_wait(exchange->sent[--exchange->sending], NULL);
	return code;
}

void lane_close(struct exchange *exchange)
{
	while (exchange->sending)
		lpad_cancel(exchange->sent[--exchange->sending]);
	free(exchange->sent);
}

void lane_report(lpad_node *node, const struct lane *lane)
{
	char name[64];
	snprintf(name, sizeof name, "%s_messages", lane->method);
	lpad_report(node, name, (double)lane->messages, 0);
	snprintf(name, sizeof name, "%s_values", lane->method);
	lpad_report(node, name, (double)lane->values, 0);
}
