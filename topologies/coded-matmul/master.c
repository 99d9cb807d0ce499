/* SPDX-License-Identifier: MIT */
/*
 * For each trial and each code: sends x to all workers, with the same drawn times for each code, takes answers until they are enough,
 * decodes, and drops the rest. A worker that died is not asked again; a code lives as long as k workers do.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include <lpad/node.h>

#include "../common/streams.h"
#include "results.h"
#include "task.h"
#include "times.h"

enum { STREAM_TIMES = 3, STREAM_KILLS = 4 };    /* beside those of matmul.c */

struct master {
	lpad_ints k, replication;
	double mu, unit;
	int64_t trials, kills;
	bool timing;
	lpad_handle *workers;
	int count;                              /* of them */
	bool dead[MOST_WORKERS];
	int victims[MOST_WORKERS];              /* the first `kills`, one after the other */
	int killed;
	struct result *results;
	int codes;
	double *a, z[ROWS];                     /* the matrix; the product of this trial */
	lpad_future *futures[MOST_WORKERS];
	int64_t requests, request_bytes, answers, answer_bytes;
};

static int check_k(lpad_node *node, const char *name, int64_t k, int workers)
{
	if (k > workers)
		return lpad_fail(node, "params.%s: %" PRId64 " is more than there are workers: %d", name, k, workers);
	if (ROWS % k)
		return lpad_fail(node, "params.%s: %" PRId64 " does not divide the %d rows of the matrix", name, k, ROWS);
	return 0;
}

static int check(lpad_node *node)
{
	const struct master *me = lpad_state(node);
	int workers = lpad_count(me->workers);
	if (workers > MOST_WORKERS)
		return lpad_fail(node, "edges.workers: %d workers are more than %d", workers, MOST_WORKERS);
	if (!me->k.count && !me->replication.count)
		return lpad_fail(node, "params.k: no code to run");
	for (size_t i = 0; i < me->k.count; i++)
		if (check_k(node, "k", me->k.at[i], workers))
			return LPAD_EINVALID;
		else if (me->kills > workers - me->k.at[i])
			return lpad_fail(node, "params.kills: k = %" PRId64 " of %d workers survives the loss of %" PRId64 ", not of %" PRId64,
				me->k.at[i], workers, workers - me->k.at[i], me->kills);
	for (size_t i = 0; i < me->replication.count; i++)
		if (check_k(node, "replication", me->replication.at[i], workers))
			return LPAD_EINVALID;
		else if (workers % me->replication.at[i])
			return lpad_fail(node, "params.replication: %d workers cannot be shared out among %" PRId64 " blocks", workers,
				me->replication.at[i]);
	if (me->kills && me->replication.count)
		return lpad_fail(node, "params.kills: all copies of a block may be killed; leave out replication");
	if (me->kills >= me->trials)
		return lpad_fail(node, "params.kills: one in each trial at most");
	return 0;
}

static int init(lpad_node *node)
{
	struct master *me = lpad_state(node);
	uint64_t seed = (uint64_t)lpad_seed(node);
	struct stream stream = stream_of(seed, STREAM_KILLS);
	me->count = lpad_count(me->workers);
	me->codes = (int)(me->k.count + me->replication.count);
	me->results = calloc((size_t)me->codes + 1, sizeof *me->results);
	me->a = malloc(sizeof *me->a * ROWS * COLUMNS);
	if (!me->results || !me->a)
		return lpad_fail(node, "out of memory");
	for (int i = 0; i < me->codes; i++) {
		bool replicated = i >= (int)me->k.count;
		int64_t k = replicated ? me->replication.at[i - (int)me->k.count] : me->k.at[i];
		code_init(&me->results[i].code, replicated, (int)k, me->count, seed);
	}
	matmul_matrix(seed, me->a);
	for (int i = 0; i < me->count; i++)
		me->victims[i] = i;
	stream_shuffle(&stream, me->victims, me->count);
	return 0;
}

static void fini(lpad_node *node)
{
	struct master *me = lpad_state(node);
	free(me->results);
	free(me->a);
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What worker i needs for all of the work, in units: a code of k blocks takes 1/k of it. The same for every code of a trial. */
static void draw(struct master *me, struct stream *stream, double *times)
{
	for (int i = 0; i < me->count; i++)
		times[i] = 1 - log(stream_u01(stream)) / me->mu;
}

static void send_tasks(struct master *me, struct task task, const double *times)
{
	for (int i = 0; i < me->count; i++) {
		if (me->dead[i])
			continue;
		task.time = times[i] * me->unit;
		me->futures[i] = lpad_start(me->workers, i, "multiply", lpad_bytes(&task, sizeof task), lpad_default());
		me->requests++;
		me->request_bytes += (int64_t)sizeof task;
	}
}

/* The trial's share of the kills is done when its tasks are under way. */
static int kill_one(struct master *me, int trial)
{
	if (me->killed == me->kills || trial < (me->killed + 1) * me->trials / (me->kills + 1))
		return 0;
	int code = lpad_call_to(me->workers, me->victims[me->killed], "crash", NULL, NULL, lpad_default());
	if (code != LPAD_ELOST && code != LPAD_EGONE)
		return code ? code : LPAD_EFAILED;
	me->killed++;
	return 0;
}

/* One more answer, or one worker less; an error only if it is another one. */
static int take(struct master *me, const struct code *code, struct answers *answers, int worker, bool *enough)
{
	lpad_message *reply = NULL;
	int result = lpad_wait(me->futures[worker], &reply);
	me->futures[worker] = NULL;
	if (result == LPAD_ELOST || result == LPAD_EGONE) {
		me->dead[worker] = true;
		return 0;
	}
	if (result)
		return result;
	const double *y = lpad_body(reply, sizeof *y * (size_t)code_rows(code));
	if (y)
		*enough = code_take(code, answers, worker, y);
	me->answers++;
	me->answer_bytes += (int64_t)lpad_size(reply);
	lpad_free(reply);
	return y ? 0 : LPAD_EBROKEN;
}

static bool is_possible(const struct master *me, const struct code *code, const struct answers *answers)
{
	bool coming[MOST_WORKERS];
	for (int i = 0; i < me->count; i++)
		coming[i] = me->futures[i] != NULL;
	return code_possible(code, answers, coming);
}

static int collect(lpad_node *node, struct master *me, const struct code *code, struct answers *answers)
{
	bool enough = false;
	answers->count = 0;
	while (!enough) {
		if (lpad_stopping(node))
			return LPAD_ESTOPPED;
		if (!is_possible(me, code, answers))
			return lpad_fail(node, "too many workers are dead: what the others have cannot be decoded (k = %d)", code->k);
		int worker = lpad_wait_any(me->futures, me->count, lpad_never());
		int result = worker < 0 ? worker : take(me, code, answers, worker, &enough);
		if (result)
			return lpad_stopping(node) ? LPAD_ESTOPPED : result;
	}
	return 0;
}

static void cancel_all(struct master *me)
{
	for (int i = 0; i < me->count; i++) {
		lpad_cancel(me->futures[i]);
		me->futures[i] = NULL;
	}
}

/* One code's turn; times are those of 1/k of the work. */
static int run_code(lpad_node *node, struct master *me, int place, struct task task, const double *times)
{
	struct result *result = &me->results[place];
	struct answers answers;
	double started = seconds();
	send_tasks(me, task, times);
	int code = kill_one(me, task.trial);
	if (!code)
		code = collect(node, me, &result->code, &answers);
	if (!code)
		code_solve(&result->code, &answers);
	double taken = (seconds() - started) / me->unit;
	cancel_all(me);
	if (!code)
		result_add(result, times_finish(&result->code, times), taken, answers.y, me->z);
	return code;
}

static int run_trial(lpad_node *node, struct master *me, struct stream *stream, int trial)
{
	double whole[MOST_WORKERS], times[MOST_WORKERS];
	struct task task = { .trial = trial };
	draw(me, stream, whole);
	matmul_vector((uint64_t)lpad_seed(node), trial, task.x);
	matmul_product(me->a, ROWS, task.x, me->z);
	for (task.code = 0; task.code < me->codes; task.code++) {
		for (int i = 0; i < me->count; i++)
			times[i] = whole[i] / me->results[task.code].code.k;
		int code = run_code(node, me, task.code, task, times);
		if (code)
			return code;
	}
	return 0;
}

/* Those that will never come back, as lpad knows. */
static int gone(const struct master *me)
{
	int count = 0;
	for (int i = 0; i < me->count; i++)
		count += lpad_await_server(me->workers, i, lpad_in(30)) == LPAD_EGONE;
	return count;
}

static int judge(lpad_node *node, struct master *me)
{
	struct checks checks = { 0 };
	results_print(me->results, me->codes, me->mu);
	results_check(me->results, me->codes, me->mu, me->timing && !me->kills, &checks);
	if (me->kills) {
		checks_equal(&checks, "workers_killed", me->killed, me->kills);
		checks_least(&checks, "workers_gone", gone(me), (double)me->kills);     /* more if they share processes */
	}
	lpad_report(node, "requests", (double)me->requests, me->trials);
	lpad_report(node, "request_bytes", (double)me->request_bytes, me->trials);
	lpad_report(node, "answers", (double)me->answers, me->trials);
	lpad_report(node, "answer_bytes", (double)me->answer_bytes, me->trials);
	return checks_code(&checks);
}

static int run(lpad_node *node)
{
	struct master *me = lpad_state(node);
	struct stream stream = stream_of((uint64_t)lpad_seed(node), STREAM_TIMES);
	for (int trial = 0; trial < me->trials; trial++) {
		int code = run_trial(node, me, &stream, trial);
		if (code)
			return code;
	}
	return judge(node, me);
}

static const lpad_param params[] = {
	LPAD_INTS(struct master, k, NULL, "1..", "MDS codes; k = workers is uncoded"),
	LPAD_INTS(struct master, replication, "[]", "1..", "codes of k blocks, each at workers / k workers"),
	LPAD_REAL(struct master, mu, "0.2", "0.001..", "a worker needs (1 + Exp(mu)) / k units"),
	LPAD_DURATION(struct master, unit, "50ms", "1us..", "one unit"),
	LPAD_INT(struct master, trials, "180", "1..", "of each code"),
	LPAD_INT(struct master, kills, "0", "0..", "workers that are killed in the course of the run"),
	LPAD_BOOL(struct master, timing, "true", "check measured times too; without kills"),
	LPAD_END
};
static const lpad_handle_decl handles[] = {
	LPAD_HANDLE(struct master, workers, LPAD_MANY, "multiply crash", "who multiplies"),
	LPAD_END
};

LPAD_MODULE({ .name = "master", .help = "sends tasks, decodes, measures", .state = sizeof(struct master), .params = params,
	.handles = handles, .check = check, .init = init, .run = run, .fini = fini });
