/* SPDX-License-Identifier: MIT */
/* Asks its parent for work, trains, brings the result with the next question. An edge does the same with clients of its own. */
#include "federated.h"

#include <string.h>

int client_check(lpad_node *node)
{
	if (lpad_replicas(node) > CLIENTS)
		return lpad_fail(node, "replicas: there are %d clients to host", CLIENTS);
	return 0;
}

int client_init(lpad_node *node)
{
	struct client *me = lpad_state(node);
	me->data = data_new((uint64_t)lpad_seed(node));
	return me->data ? 0 : lpad_fail(node, "out of memory");
}

void client_fini(lpad_node *node)
{
	struct client *me = lpad_state(node);
	data_free(me->data);
}

/* The parent's next task for what the last one came to. */
static int ask(lpad_handle *parent, const struct update *update, struct task *task)
{
	lpad_message *reply = NULL;
	int code = lpad_call_to(parent, 0, "work", lpad_bytes(update, sizeof *update), &reply, lpad_default());
	const struct task *body = code ? NULL : lpad_body(reply, sizeof *task);
	if (body)
		*task = *body;
	lpad_free(reply);
	return code ? code : !body || task->count < 0 || task->count > CHOSEN ? LPAD_EINVALID : 0;
}

static void train(const struct client *me, uint64_t seed, const struct task *task, struct update *update)
{
	struct stream order = stream_of(seed + 7919 * (uint64_t)task->run, (uint64_t)(task->round * CLIENTS + task->ids[0]));
	float weights[PARAMETERS];
	memcpy(weights, task->weights, sizeof weights);
	data_train(me->data, (int)task->split, task->ids[0] * ROWS, ROWS, &task->local, &order, weights);
	data_clip(task->weights, weights, task->clip);
	update->count = 1;
	data_to_fixed(weights, update->sum);
}

int client_run(lpad_node *node)
{
	struct client *me = lpad_state(node);
	struct update update = { .count = 0 };
	struct task task;
	int code;
	while (!(code = ask(me->parent, &update, &task)) && task.count)
		train(me, (uint64_t)lpad_seed(node), &task, &update);
	return code;
}

int edge_run(lpad_node *node)
{
	struct edge *me = lpad_state(node);
	int own = ((int)me->clients - lpad_index(node) + lpad_replicas(node) - 1) / lpad_replicas(node);
	struct children children = { .clients = (int)me->clients, .work = me->work };
	struct update update = { .count = 0 };
	struct task task;
	int code;
	while (!(code = ask(me->parent, &update, &task)) && task.count)
		if ((code = children_train(&children, &task, &update)))
			break;
	return code ? code : children_end(&children, own);
}
