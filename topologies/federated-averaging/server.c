/* SPDX-License-Identifier: MIT */
/* Federated averaging (McMahan et al. 2017, arXiv 1602.05629, algorithm 1): 10 of 100 clients train, their weights are averaged. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../common/checks.h"
#include "federated.h"

int server_check(lpad_node *node)
{
	const struct server *me = lpad_state(node);
	if (me->mode == MODE_RING)
		return lpad_fail(node, "params.mode: a ring has no server");
	if (me->mode == MODE_HIERARCHICAL && me->edges > me->clients)
		return lpad_fail(node, "params.edges: %d edges for %d clients", (int)me->edges, (int)me->clients);
	if (!me->runs.count || me->runs.count > RUNS)
		return lpad_fail(node, "params.runs: from 1 to %d trainings", RUNS);
	for (size_t i = 0; i < me->runs.count; i++) {
		const struct run *run = (const struct run *)me->runs.at + i;
		if (run->noise > 0 && run->clip <= 0)
			return lpad_fail(node, "params.runs.%s.noise: it is so many times clip, which is not given", me->runs.names[i]);
	}
	return 0;
}

/* Of the noise in the mean of the clients' weights. */
struct spread {
	double squares;
	int64_t count;
};

/* What is published tells little of any single client (McMahan et al. 2018, arXiv 1710.06963, algorithm 1, on the sum). */
static void add_noise(struct stream *stream, const struct run *run, struct task *task, struct spread *spread)
{
	double deviation = run->noise * run->clip / CHOSEN;
	for (int i = 0; i < PARAMETERS && deviation > 0; i++) {
		float before = task->weights[i];
		task->weights[i] = (float)((double)before + deviation * stream_gauss(stream));
		spread->squares += pow((double)task->weights[i] - (double)before, 2);
		spread->count++;
	}
}

static int train(lpad_node *node, struct server *me, struct children *children, int place, struct checks *checks)
{
	const struct run *run = (const struct run *)me->runs.at + place;
	struct stream start = stream_of((uint64_t)lpad_seed(node), 0), choice = stream_of((uint64_t)lpad_seed(node), 3000 + (uint64_t)place);
	struct stream noise = stream_of((uint64_t)lpad_seed(node), 4000 + (uint64_t)place);
	struct task task = { .run = place, .split = run->split, .local = { run->epochs, run->batch, run->lr }, .clip = run->clip };
	struct spread spread = { 0 };
	struct update sum;
	char name[64];
	int code = 0;
	mlp32_start(task.weights, HIDDEN, &start);
	for (task.round = 1; task.round <= me->rounds && !code; task.round++) {
		data_choose(&choice, task.ids);
		task.count = CHOSEN;
		code = children_train(children, &task, &sum);
		if (code)
			return code;
		data_from_sum(sum.sum, sum.count, task.weights);
		add_noise(&noise, run, &task, &spread);
		code = model_publish(me->model, me->runs.names[place], task.round, task.weights);
	}
	snprintf(name, sizeof name, "deviation_of_%s", me->runs.names[place]);
	if (spread.count)
		checks_within(checks, name, sqrt(spread.squares / (double)spread.count), run->noise * run->clip / CHOSEN, 0.02);
	return code;
}

int server_run(lpad_node *node)
{
	struct server *me = lpad_state(node);
	bool edges = me->mode == MODE_HIERARCHICAL;
	struct children children = { .clients = (int)me->clients, .edges = edges ? (int)me->edges : 0, .work = me->work };
	struct checks checks = { 0 };
	int64_t rounds = me->rounds * (int64_t)me->runs.count;
	int code = 0;
	for (size_t i = 0; i < me->runs.count && !code; i++)
		code = train(node, me, &children, (int)i, &checks);
	if (!code)
		code = children_end(&children, (int)(edges ? me->edges : me->clients));
	if (code)
		return code;
	printf("%lld rounds: %lld weights of %d numbers sent, %lld received\n", (long long)rounds, (long long)children.sent, PARAMETERS,
		(long long)children.received);
	if (edges)
		checks_most(&checks, "received_per_round", (double)children.received / (double)rounds, (double)me->edges);
	else
		checks_equal(&checks, "bytes_received_per_round", 4 * PARAMETERS * children.received / rounds, 4 * PARAMETERS * CHOSEN);
	checks_equal(&checks, "sent_as_received", children.sent, children.received);
	return checks_code(&checks);
}
