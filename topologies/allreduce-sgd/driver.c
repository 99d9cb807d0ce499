/* SPDX-License-Identifier: MIT */
/*
 * Two short jobs per iteration: forward/backward at all workers, then synchronise at all owners of weights. A worker that died or has
 * forgotten everything is given the weights of a live one, and its task alone is run again. At the end all is compared with SGD in
 * one process, in the same order and in the order of the samples.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../common/checks.h"
#include "allreduce.h"

enum { LINES = 10 };
static const double PATIENCE = 60, PATROL = 1;

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* ---- tasks ---- */

static lpad_future *launch(struct driver *me, lpad_handle *to, int place, struct task task)
{
	for (double end = now() + me->launch_cost; me->launch_cost > 0 && now() < end; )
		continue;
	me->launched++;
	return lpad_start(to, place, "task", lpad_bytes(&task, sizeof task), lpad_default());
}

static lpad_message *number(int64_t value)
{
	return lpad_bytes(&value, sizeof value);
}

/* The next incarnation of a worker gets the weights of an iteration from the first other one that has them. */
static int revive(lpad_node *node, struct driver *me, int place, int64_t iteration)
{
	int count = lpad_count(me->workers);
	lpad_message *weights = NULL;
	int code = lpad_await_server(me->workers, place, lpad_in(PATIENCE));
	if (code < 0)
		return code;
	me->incarnations[place] = code;
	for (int i = 1; i < count && !weights; i++)
		code = lpad_call_to(me->workers, (place + i) % count, "weights", number(iteration), &weights, lpad_in(PATIENCE));
	if (!weights)
		return code < 0 ? code : lpad_fail(node, "no other worker has the weights of iteration %" PRId64, iteration);
	lpad_log(node, "worker/%d is new: it gets the weights of iteration %" PRId64, place, iteration);
	return lpad_call_to(me->workers, place, "restore", weights, NULL, lpad_in(PATIENCE));
}

/* Of a synchronise task: the gradient died with the worker, and the others' fetches of it wait for the new one. */
static int again(lpad_node *node, struct driver *me, int place, struct task task)
{
	int code = revive(node, me, place, task.iteration);
	if (!code && task.kind == TASK_SYNCHRONISE)
		code = lpad_wait(launch(me, me->workers, place, (struct task){ TASK_FORWARD_BACKWARD, task.iteration, 1 }), NULL);
	return code;
}

static bool is_new(int code)
{
	return code == LPAD_ELOST || code == LPAD_EAGAIN;
}

/* Waits for what is under way, however it went; the first failure that was there. */
static int leave(lpad_future **futures, int count, int code)
{
	for (int i = 0; i < count; i++)
		lpad_cancel(futures[i]);
	return code;
}

/*
 * A worker that dies after its task is done, while others still fetch what it alone had: nobody's call is lost, the fetches wait at the
 * new one. It does its task once more. How many do; < 0: an error.
 */
static int patrol(lpad_node *node, struct driver *me, struct task task, int first, lpad_future **futures, int count)
{
	int workers = lpad_count(me->workers), found = 0;
	for (int i = 0; i < count; i++) {
		int worker = (first + i) % workers;
		if (futures[i] || (first + i >= workers && me->has_server))
			continue;
		int incarnation = lpad_await_server(me->workers, worker, lpad_in(0));
		if (incarnation <= 0 || incarnation == me->incarnations[worker])
			continue;
		int code = again(node, me, worker, task);
		if (code)
			return code;
		futures[i] = launch(me, me->workers, worker, task);
		found++;
	}
	return found;
}

/* The same task at `count` places: the workers', then the owners'. */
static int job(lpad_node *node, struct driver *me, struct task task, int first, int count)
{
	int workers = lpad_count(me->workers), place;
	lpad_future *futures[count];
	for (int i = 0; i < count; i++)
		futures[i] = first + i < workers ? launch(me, me->workers, first + i, task) : launch(me, me->owners, first + i - workers, task);
	for (int left = count; left; ) {
		place = lpad_wait_any(futures, count, lpad_in(PATROL));
		if (place == LPAD_ETIMEDOUT && (place = patrol(node, me, task, first, futures, count)) >= 0) {
			left += place;
			continue;
		}
		if (place < 0)
			return leave(futures, count, place);
		int code = lpad_wait(futures[place], NULL), worker = (first + place) % workers;
		bool server = first + place >= workers && me->has_server;
		futures[place] = NULL;
		if (!code) {
			left--;
			continue;
		}
		if (server || !is_new(code) || (code = again(node, me, worker, task)))
			return leave(futures, count, code);
		futures[place] = launch(me, me->workers, worker, task);
	}
	return 0;
}

static int iterate(lpad_node *node, struct driver *me, int64_t iteration, int64_t count)
{
	int workers = lpad_count(me->workers), owners = lpad_count(me->owners);
	if (me->group > 1)
		return job(node, me, (struct task){ TASK_BOTH, iteration, count }, 0, workers + (me->has_server ? owners : 0));
	int code = job(node, me, (struct task){ TASK_FORWARD_BACKWARD, iteration, 1 }, 0, workers);
	return code ? code : job(node, me, (struct task){ TASK_SYNCHRONISE, iteration, 1 }, workers, owners);
}

/* ---- the same in one process ---- */

struct twin {
	const struct numbers *numbers;
	const struct glyphs *glyphs;
	int workers;                    /* whose sums are added one by one; 1: serial SGD */
	void *weights, *sum, *part;
};

static void twin_iterate(struct twin *twin, int64_t iteration)
{
	size_t all = PARAMETERS * twin->numbers->size;
	int rows[BATCH];
	for (int i = 0; i < twin->workers; i++) {
		void *into = i ? twin->part : twin->sum;
		int count = numbers_rows(iteration, i, twin->workers, rows);
		memset(into, 0, all);
		twin->numbers->gradient(twin->weights, twin->glyphs, rows, count, into);
		if (i)
			twin->numbers->add(twin->sum, into, PARAMETERS);
	}
	twin->numbers->step(twin->weights, LR / BATCH, twin->sum, PARAMETERS);
}

/* Weights after all iterations; the caller frees. */
static void *twin_run(lpad_node *node, const struct driver *me, int workers)
{
	size_t all = PARAMETERS * me->numbers->size;
	struct stream stream = stream_of((uint64_t)lpad_seed(node), 0);
	struct twin twin = { me->numbers, me->glyphs, workers, malloc(all), malloc(all), malloc(all) };
	if (twin.weights && twin.sum && twin.part) {
		me->numbers->start(twin.weights, &stream);
		for (int64_t i = 0; i < me->steps && !lpad_stopping(node); i++)
			twin_iterate(&twin, i);
	}
	free(twin.sum);
	free(twin.part);
	return twin.weights;
}

/* ---- what came out ---- */

static int fetch_weights(struct driver *me, int64_t iteration, lpad_message **reply, const void **weights)
{
	int code = lpad_call_to(me->workers, 0, "weights", number(iteration), reply, lpad_in(PATIENCE));
	const char *body = code ? NULL : lpad_body(*reply, sizeof(int64_t) + PARAMETERS * me->numbers->size);
	*weights = body ? body + sizeof(int64_t) : NULL;
	return code ? code : body ? 0 : LPAD_EINVALID;
}

static int show_line(struct driver *me, int64_t iteration, double seconds)
{
	lpad_message *reply = NULL;
	const void *weights;
	int code = fetch_weights(me, iteration, &reply, &weights);
	if (!code)
		printf("%9" PRId64 " %9.2f%% %12.3f\n", iteration, 100 * me->numbers->accuracy(weights, me->glyphs),
			1e3 * seconds / (double)iteration);
	lpad_free(reply);
	return code;
}

static void compare_weights(lpad_node *node, struct driver *me, struct checks *checks, const void *weights)
{
	size_t all = PARAMETERS * me->numbers->size;
	void *serial = twin_run(node, me, 1), *ranked = twin_run(node, me, lpad_count(me->workers));
	if (serial && ranked) {
		double accuracy = me->numbers->accuracy(weights, me->glyphs);
		checks_most(checks, "difference_to_serial", me->numbers->distance(weights, serial, PARAMETERS), me->numbers->tolerance);
		checks_equal(checks, "same_bits_as_one_process", memcmp(weights, ranked, all) == 0, 1);
		checks_near(checks, "accuracy_as_serial", accuracy, me->numbers->accuracy(serial, me->glyphs), 0.0005);
		if (me->steps >= 300)
			checks_least(checks, "accuracy", accuracy, 0.97);
	}
	free(serial);
	free(ranked);
	printf("weights %016" PRIx64 "\n", checks_digest(weights, all));
}

static int check_traffic(struct driver *me, struct checks *checks, lpad_handle *of, const char *word, int place, int64_t each)
{
	char name[64];
	lpad_message *reply = NULL;
	int code = lpad_call_to(of, place, "traffic", NULL, &reply, lpad_in(PATIENCE));
	const struct traffic *traffic = code ? NULL : lpad_body(reply, sizeof *traffic);
	if (traffic) {
		snprintf(name, sizeof name, "%s_%d_sent", word, place);
		checks_equal(checks, name, traffic->sent, each * me->steps);
		snprintf(name, sizeof name, "%s_%d_received", word, place);
		checks_equal(checks, name, traffic->received, each * me->steps);
	}
	lpad_free(reply);
	return code ? code : traffic ? 0 : LPAD_EINVALID;
}

/* 2K(N-1)/N numbers out and as many in per worker and iteration; with a server K, and NK at the server. */
static int compare_traffic(struct driver *me, struct checks *checks)
{
	int workers = lpad_count(me->workers), code = 0;
	int64_t each = me->has_server ? PARAMETERS : 2 * PARAMETERS / workers * (workers - 1);
	for (int i = 0; i < workers && !code; i++)
		code = check_traffic(me, checks, me->workers, "worker", i, each);
	if (me->has_server && !code)
		code = check_traffic(me, checks, me->owners, "server", 0, (int64_t)PARAMETERS * workers);
	return code;
}

static int64_t tasks_due(const struct driver *me)
{
	int64_t jobs = me->group > 1 ? (me->steps + me->group - 1) / me->group : me->steps;
	int each = me->group > 1 && !me->has_server ? lpad_count(me->workers) : lpad_count(me->workers) + lpad_count(me->owners);
	return jobs * each;
}

static bool somebody_dies(const struct driver *me)
{
	return me->die_at < me->steps && me->die != DIE_NONE;
}

/* One that died in a forward/backward task has lost that; one that died in a synchronise task its gradient, too. */
static int tasks_again(const struct driver *me)
{
	return !somebody_dies(me) ? 0 : me->die == DIE_FORWARD ? 1 : 2;
}

static int compare(lpad_node *node, struct driver *me)
{
	struct checks checks = { 0 };
	lpad_message *reply = NULL;
	const void *weights;
	int code = fetch_weights(me, me->steps, &reply, &weights);
	if (!code)
		compare_weights(node, me, &checks, weights);
	lpad_free(reply);
	if (!code && me->group == 1)
		checks_equal(&checks, "tasks_run_again", me->launched - tasks_due(me), tasks_again(me));
	if (!code && !somebody_dies(me))        /* what a dead worker has counted is lost */
		code = compare_traffic(me, &checks);
	return code ? code : checks_code(&checks);
}

static int await_all(lpad_node *node, struct driver *me)
{
	int count = lpad_count(me->workers);
	me->incarnations = calloc((size_t)count, sizeof *me->incarnations);
	if (!me->incarnations)
		return lpad_fail(node, "out of memory");
	for (int i = 0; i < count; i++)
		if ((me->incarnations[i] = lpad_await_server(me->workers, i, lpad_in(PATIENCE))) < 0)
			return me->incarnations[i];
	return 0;
}

static int train(lpad_node *node, struct driver *me)
{
	double began = now(), before = began;
	int64_t every = me->steps / LINES > me->group ? me->steps / LINES : me->group;
	printf("%9s %10s %12s\n", "iteration", "accuracy", "ms each");
	for (int64_t done = 0, shown = every; done < me->steps; ) {
		int64_t count = me->group < me->steps - done ? me->group : me->steps - done;
		int code = iterate(node, me, done, count);
		if (code)
			return code;
		done += count;
		lpad_report(node, "iteration", (double)done, done);
		lpad_report(node, "iteration_ms", 1e3 * (now() - before) / (double)count, done);
		before = now();
		if (done >= shown) {
			code = show_line(me, done, now() - began);
			shown += every;
		}
		if (code)
			return code;
	}
	lpad_report(node, "tasks_launched", (double)me->launched, me->steps);
	return 0;
}

/* Not in `check`: that would refuse one of the file's combinations whatever is launched. */
static int refuse_death(lpad_node *node, const struct driver *me)
{
	if (me->die == DIE_SYNCHRONISE && me->has_server)
		return lpad_fail(node, "die=synchronise: the workers have nothing to synchronise, a server does");
	if (me->die != DIE_NONE && lpad_count(me->workers) < 2)
		return lpad_fail(node, "die: worker/1 is to die, and another one to have its weights; there is one worker");
	return 0;
}

int drive(lpad_node *node)
{
	struct driver *me = lpad_state(node);
	me->numbers = numbers_of(me->precision);
	me->glyphs = glyphs_new();
	me->has_server = strcmp(lpad_server(me->owners, 0), lpad_server(me->workers, 0)) != 0;
	if (!me->glyphs)
		return lpad_fail(node, "out of memory");
	int code = refuse_death(node, me);
	code = code ? code : await_all(node, me);
	code = code ? code : train(node, me);
	code = code ? code : compare(node, me);
	free(me->incarnations);
	free(me->glyphs);
	return code;
}

/* ---- what it declares ---- */

const lpad_param driver_params[] = {
	LPAD_CHOICE(struct driver, precision, "float", PRECISIONS, "of all numbers"),
	LPAD_INT(struct driver, steps, "300", "1..", "iterations"),
	LPAD_INT(struct driver, group, "1", "1..1000000", "iterations that one task message starts"),
	LPAD_DURATION(struct driver, launch_cost, "0s", "0s..", "spent on each task message"),
	LPAD_CHOICE(struct driver, die, "none", DIES, "the task in which worker 1 kills itself"),
	LPAD_INT(struct driver, die_at, "100", "0..", "the iteration in which it does"),
	LPAD_END
};
const lpad_handle_decl driver_handles[] = {
	LPAD_HANDLE(struct driver, workers, LPAD_MANY, "task weights restore traffic", "who computes gradients"),
	LPAD_HANDLE(struct driver, owners, LPAD_MANY, "task traffic", "who owns the weights: the workers, or a server"),
	LPAD_END
};
