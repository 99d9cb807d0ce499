/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous gradient descent: each worker pulls the weights, computes the gradient over some of its rows and pushes it; the
 * shards hold a part of the weights each and apply what comes at once. No worker waits for another one.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lpad/node.h>

#include "regression.h"

/* Shard s of n holds the weights from .. to-1. */
struct span {
	int from, to;
};

static struct span span_of(int shard, int shards)
{
	return (struct span){ WEIGHTS * shard / shards, WEIGHTS * (shard + 1) / shards };
}

/* Weights travel with the number of pushes that had been applied to them. NULL: it is something else; the error names the sender. */
static const double *part_read(const lpad_message *message, int count, int64_t *version)
{
	const int64_t *number = lpad_view(message, "version", LPAD_I64, 0, NULL);
	const double *part = lpad_view(message, "weights", LPAD_F64, 1, (int64_t[]){ count });
	if (!number || !part)
		return NULL;
	*version = *number;
	return part;
}

/* ---- shard ---- */

enum { MOST_WAITING = 16 };

struct waiter {
	lpad_call *call;
	int64_t pushes;         /* that it waits for */
};
struct shard {
	int64_t pushes;                 /* that are applied at most */
	double lr, decay;
	double weights[WEIGHTS];        /* the first `count` of them */
	int count;
	int64_t applied;
	struct waiter waiting[MOST_WAITING];
	int waiters;
};

static int shard_check(lpad_node *node)
{
	if (lpad_replicas(node) > WEIGHTS)
		return lpad_fail(node, "replicas: there are %d weights to share out", WEIGHTS);
	return 0;
}

static int shard_init(lpad_node *node)
{
	struct shard *me = lpad_state(node);
	struct span mine = span_of(lpad_index(node), lpad_replicas(node));
	me->count = mine.to - mine.from;
	return 0;
}

static lpad_message *weights_message(const struct shard *me)
{
	lpad_tensor tensors[] = {
		{ .name = "weights", .type = LPAD_F64, .rank = 1, .shape = { me->count } },
		{ .name = "version", .type = LPAD_I64, .rank = 0 } };
	lpad_message *message = lpad_tensors(2, tensors);
	memcpy(lpad_data(message, "weights"), me->weights, (size_t)me->count * sizeof me->weights[0]);
	*(int64_t *)lpad_data(message, "version") = me->applied;
	return message;
}

static int pull(lpad_node *node, lpad_call *call)
{
	return lpad_answer(call, weights_message(lpad_state(node)));
}

static void forget(struct shard *me, int place)
{
	me->waiting[place] = me->waiting[--me->waiters];
}

static void answer_waiting(struct shard *me)
{
	for (int i = me->waiters - 1; i >= 0; i--)
		if (me->waiting[i].pushes <= me->applied) {
			lpad_answer(me->waiting[i].call, weights_message(me));
			forget(me, i);
		}
}

static void apply(struct shard *me, const double *gradient)
{
	double step = me->lr * pow(me->decay, (double)me->applied++);
	for (int i = 0; i < me->count; i++)
		me->weights[i] -= step * gradient[i];
	answer_waiting(me);
}

/* Answers whether more are wanted. One that comes after the last is not applied. */
static int push(lpad_node *node, lpad_call *call)
{
	struct shard *me = lpad_state(node);
	const double *gradient = lpad_view(lpad_request(call), "gradient", LPAD_F64, 1, (int64_t[]){ me->count });
	if (!gradient)
		return LPAD_EINVALID;
	if (me->applied < me->pushes)
		apply(me, gradient);
	return lpad_answer(call, lpad_bytes(&(bool){ me->applied < me->pushes }, sizeof(bool)));
}

/* The weights once so many pushes were applied; until then the call is held, which costs nothing. */
static int after(lpad_node *node, lpad_call *call)
{
	struct shard *me = lpad_state(node);
	const int64_t *pushes = lpad_body(lpad_request(call), sizeof *pushes);
	if (!pushes)
		return LPAD_EINVALID;
	if (*pushes <= me->applied)
		return lpad_answer(call, weights_message(me));
	if (me->waiters == MOST_WAITING)
		return lpad_refuse(call, LPAD_EBUSY, "%d callers wait already", MOST_WAITING);
	me->waiting[me->waiters++] = (struct waiter){ call, *pushes };
	return LPAD_LATER;
}

static int after_held(lpad_node *node, lpad_call *call, char *text, size_t room)
{
	const struct shard *me = lpad_state(node);
	const int64_t *pushes = lpad_body(lpad_request(call), sizeof *pushes);
	snprintf(text, room, "%" PRId64 " of %" PRId64 " pushes", me->applied, pushes ? *pushes : 0);
	return 0;
}

static void after_gone(lpad_node *node, lpad_call *call)
{
	struct shard *me = lpad_state(node);
	for (int i = me->waiters - 1; i >= 0; i--)
		if (me->waiting[i].call == call)
			forget(me, i);
	lpad_refuse(call, LPAD_ECANCELLED, "nobody waits");
}

/* ---- worker ---- */

static const double pause = 0.001;              /* seconds, until a cache may have newer weights */

struct worker {
	int64_t batch;
	lpad_handle *shards, *weights;
	struct regression *data;
	lpad_rng rng;
	int64_t pushes;
	int64_t versions[WEIGHTS], used[WEIGHTS];       /* of each shard's weights: what came, what the last gradient was of */
	bool full[WEIGHTS];                             /* the shard wants no more */
};

static int worker_check(lpad_node *node)
{
	const struct worker *me = lpad_state(node);
	int shards = lpad_count(me->shards);
	if (lpad_count(me->weights) != shards)
		return lpad_fail(node, "edges.weights: needs as many servers as shards has: %d, not %d", shards, lpad_count(me->weights));
	if (lpad_replicas(node) > ROWS)
		return lpad_fail(node, "replicas: there are %d rows to share out", ROWS);
	return 0;
}

static int take_weights(struct worker *me, int shard, lpad_future *future, double *weights)
{
	struct span span = span_of(shard, lpad_count(me->shards));
	lpad_message *reply;
	int code = lpad_wait(future, &reply);
	if (code)
		return code;
	const double *part = part_read(reply, span.to - span.from, &me->versions[shard]);
	if (part)
		memcpy(weights + span.from, part, (size_t)(span.to - span.from) * sizeof *part);
	lpad_free(reply);
	return part ? 0 : LPAD_EBROKEN;
}

static int pull_all(struct worker *me, double *weights)
{
	int shards = lpad_count(me->weights), code = 0;
	lpad_future *futures[WEIGHTS];
	for (int i = 0; i < shards; i++)
		futures[i] = lpad_start(me->weights, i, "pull", NULL, lpad_default());
	for (int i = 0; i < shards; i++)
		if (code)
			lpad_cancel(futures[i]);
		else
			code = take_weights(me, i, futures[i], weights);
	return code;
}

/* The mean over a batch of my rows: worker k of n has those whose number is k modulo n. */
static void batch_gradient(lpad_node *node, struct worker *me, const double *weights, double *gradient)
{
	int first = lpad_index(node), step = lpad_replicas(node);
	uint64_t mine = (uint64_t)((ROWS - first + step - 1) / step);
	for (int64_t i = 0; i < me->batch; i++)
		regression_gradient(me->data, first + step * (int)lpad_random_below(&me->rng, mine), weights, gradient);
	for (int i = 0; i < WEIGHTS; i++)
		gradient[i] /= (double)me->batch;
}

static lpad_message *gradient_message(const double *part, int count)
{
	lpad_tensor tensor = { .name = "gradient", .type = LPAD_F64, .rank = 1, .shape = { count } };
	lpad_message *message = lpad_tensors(1, &tensor);
	memcpy(lpad_data(message, "gradient"), part, (size_t)count * sizeof *part);
	return message;
}

static int take_verdict(struct worker *me, int shard, lpad_future *future)
{
	lpad_message *reply;
	int code = lpad_wait(future, &reply);
	if (code)
		return code;
	const bool *more = lpad_body(reply, sizeof *more);
	me->full[shard] = more && !*more;
	lpad_free(reply);
	return more ? 0 : LPAD_EBROKEN;
}

static int push_all(struct worker *me, const double *gradient)
{
	int shards = lpad_count(me->shards), code = 0;
	lpad_future *futures[WEIGHTS];
	for (int i = 0; i < shards; i++) {
		struct span span = span_of(i, shards);
		futures[i] = lpad_start(me->shards, i, "push", gradient_message(gradient + span.from, span.to - span.from),
			lpad_default());
	}
	for (int i = 0; i < shards; i++)
		if (code)
			lpad_cancel(futures[i]);
		else
			code = take_verdict(me, i, futures[i]);
	return code;
}

static bool all_full(const struct worker *me)
{
	for (int i = 0; i < lpad_count(me->shards); i++)
		if (!me->full[i])
			return false;
	return true;
}

/* A second gradient of the same weights would be a step too far: from a cache they come more than once. */
static bool is_new(const struct worker *me)
{
	for (int i = 0; i < lpad_count(me->shards); i++)
		if (!me->full[i] && me->versions[i] == me->used[i])
			return false;
	return true;
}

static int step(lpad_node *node, struct worker *me)
{
	double weights[WEIGHTS], gradient[WEIGHTS] = { 0 };
	int code;
	while (!(code = pull_all(me, weights)) && !is_new(me))
		if (!lpad_wait_stop(node, lpad_in(pause)))
			return LPAD_ESTOPPED;
	if (code)
		return code;
	memcpy(me->used, me->versions, sizeof me->used);
	batch_gradient(node, me, weights, gradient);
	me->pushes++;
	return push_all(me, gradient);
}

static int work(lpad_node *node)
{
	struct worker *me = lpad_state(node);
	int code = 0;
	me->data = malloc(sizeof *me->data);
	if (!me->data)
		return lpad_fail(node, "out of memory");
	regression_make(me->data, lpad_seed(node));
	me->rng = lpad_random(node, "batches");
	for (int i = 0; i < WEIGHTS; i++)
		me->used[i] = -1;
	while (!code && !all_full(me))
		code = step(node, me);
	lpad_report(node, "pushes", (double)me->pushes, 0);
	free(me->data);
	return code;
}

/* ---- monitor ---- */

enum { LINES = 8 };

struct monitor {
	int64_t pushes;
	lpad_handle *shards;
	struct regression *data;
};

static int weights_after(struct monitor *me, int64_t pushes, double *weights, int64_t *fewest)
{
	int shards = lpad_count(me->shards);
	*fewest = INT64_MAX;
	for (int i = 0; i < shards; i++) {
		struct span span = span_of(i, shards);
		lpad_message *reply;
		int64_t version;
		int code = lpad_call_to(me->shards, i, "after", lpad_bytes(&pushes, sizeof pushes), &reply, lpad_default());
		if (code)
			return code;
		const double *part = part_read(reply, span.to - span.from, &version);
		if (part)
			memcpy(weights + span.from, part, (size_t)(span.to - span.from) * sizeof *part);
		lpad_free(reply);
		if (!part)
			return LPAD_EBROKEN;
		*fewest = version < *fewest ? version : *fewest;
	}
	return 0;
}

static double distance(const double *a, const double *b)
{
	double sum = 0;
	for (int i = 0; i < WEIGHTS; i++)
		sum += (a[i] - b[i]) * (a[i] - b[i]);
	return sqrt(sum);
}

static bool check(const char *name, double measured, double expected, double tolerance)
{
	bool pass = fabs(measured - expected) <= tolerance;
	printf("CHECK %s %.6g %.6g %g %s\n", name, measured, expected, tolerance, pass ? "PASS" : "FAIL");
	return pass;
}

/* The exit code. */
static int judge(const struct monitor *me, const double *weights, const double *best, int64_t pushes)
{
	double ratio = regression_error(me->data, weights) / regression_error(me->data, best);
	bool pass = check("pushes", (double)pushes, (double)me->pushes, 0);
	pass = check("mse_over_least_squares", ratio, 1, 0.005) && pass;
	pass = check("distance_to_least_squares", distance(weights, best), 0, 0.03) && pass;
	return pass ? 0 : 1;
}

static int compare(lpad_node *node, struct monitor *me)
{
	double weights[WEIGHTS], best[WEIGHTS];
	int64_t pushes = 0;
	regression_make(me->data, lpad_seed(node));
	regression_least_squares(me->data, best);
	printf("%8s %12s %12s\n", "pushes", "mse", "least sq.");
	for (int i = 1; i <= LINES; i++) {
		int code = weights_after(me, me->pushes * i / LINES, weights, &pushes);
		if (code)
			return code;
		double error = regression_error(me->data, weights);
		printf("%8" PRId64 " %12.6f %12.6f\n", pushes, error, regression_error(me->data, best));
		lpad_report(node, "mse", error, pushes);
	}
	return judge(me, weights, best, pushes);
}

static int watch(lpad_node *node)
{
	struct monitor *me = lpad_state(node);
	me->data = malloc(sizeof *me->data);
	if (!me->data)
		return lpad_fail(node, "out of memory");
	int code = compare(node, me);
	free(me->data);
	return code;
}

/* ---- what the three declare ---- */

#define WEIGHTS_PART "weights f64[*], version i64"

static const lpad_param shard_params[] = {
	LPAD_INT(struct shard, pushes, "4000", "1..", "that are applied"),
	LPAD_REAL(struct shard, lr, "0.05", "0..", "the first step"),
	LPAD_REAL(struct shard, decay, "0.999", "0..1", "what the step is multiplied by after each push"),
	LPAD_END
};
static const lpad_method shard_methods[] = {
	LPAD_METHOD(pull, "my part of the weights", .idempotent = true, .reply = WEIGHTS_PART),
	LPAD_METHOD(push, "applies a gradient; answers whether more are wanted", .request = "gradient f64[*]", .reply = "bytes[1]"),
	LPAD_METHOD(after, "my part of the weights, after so many pushes", .idempotent = true, .gone = after_gone,
		.held = after_held, .request = "bytes[8]", .reply = WEIGHTS_PART),
	LPAD_END
};
static const lpad_param worker_params[] = {
	LPAD_INT(struct worker, batch, "32", "1..", "rows of one gradient"),
	LPAD_END
};
static const lpad_handle_decl worker_handles[] = {
	LPAD_HANDLE(struct worker, shards, LPAD_MANY, "push", "who applies gradients"),
	LPAD_HANDLE(struct worker, weights, LPAD_MANY, "pull", "who has the weights: the shards, or what stands before them"),
	LPAD_END
};
static const lpad_param monitor_params[] = {
	LPAD_INT(struct monitor, pushes, "4000", "1..", "that the shards apply"),
	LPAD_END
};
static const lpad_handle_decl monitor_handles[] = {
	LPAD_HANDLE(struct monitor, shards, LPAD_MANY, "after", "whom to watch"),
	LPAD_END
};

LPAD_MODULE(
	{ .name = "shard", .help = "a part of the weights", .state = sizeof(struct shard), .params = shard_params,
	  .methods = shard_methods, .check = shard_check, .init = shard_init },
	{ .name = "worker", .help = "computes gradients", .state = sizeof(struct worker), .params = worker_params,
	  .handles = worker_handles, .check = worker_check, .run = work },
	{ .name = "monitor", .help = "compares with least squares", .state = sizeof(struct monitor), .params = monitor_params,
	  .handles = monitor_handles, .run = watch });
