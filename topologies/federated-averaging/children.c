/* SPDX-License-Identifier: MIT */
#include "federated.h"

static int child_of(const struct children *children, int id)
{
	int host = id % children->clients;
	return children->edges ? host % children->edges : host;
}

static void give(struct children *children, int child, const struct task *task)
{
	lpad_message *reply = lpad_bytes(task, sizeof *task);
	struct task *copy = lpad_fill(reply);
	copy->count = children->edges ? children->todos[child] : 1;
	for (int i = 0; i < copy->count; i++)
		copy->ids[i] = children->todo[child][--children->todos[child]];
	lpad_answer(children->idle[child], reply);
	children->idle[child] = NULL;
	children->sent++;
}

/* The next call: its update is added to the sum, and its child is idle. */
static int take(struct children *children, struct update *sum)
{
	lpad_call *call;
	int code = lpad_next(children->work, &call, lpad_default());
	if (code)
		return code;
	const struct update *update = lpad_body(lpad_request(call), sizeof *update);
	int child = lpad_caller_index(call);
	if (!update || child >= CLIENTS || children->idle[child] || (update->count && !sum))
		return lpad_refuse(call, LPAD_EINVALID, "not an update that was asked for");
	if (update->count) {
		sum->count += update->count;
		children->received++;
		for (int i = 0; i < PARAMETERS; i++)
			sum->sum[i] += update->sum[i];
	}
	children->idle[child] = call;
	return 0;
}

int children_train(struct children *children, const struct task *task, struct update *sum)
{
	for (int i = 0; i < task->count; i++) {
		int child = child_of(children, task->ids[i]);
		children->todo[child][children->todos[child]++] = task->ids[i];
	}
	*sum = (struct update){ .count = 0 };
	while (sum->count < task->count) {
		for (int child = 0; child < CLIENTS; child++)
			if (children->idle[child] && children->todos[child])
				give(children, child, task);
		int code = take(children, sum);
		if (code)
			return code;
	}
	return 0;
}

int children_end(struct children *children, int count)
{
	static const struct task over;
	for (int idle = 0; ; ) {
		for (int child = idle = 0; child < CLIENTS; child++)
			idle += children->idle[child] != NULL;
		if (idle == count)
			break;
		int code = take(children, NULL);
		if (code)
			return code;
	}
	for (int child = 0; child < CLIENTS; child++)
		if (children->idle[child])
			lpad_answer(children->idle[child], lpad_bytes(&over, sizeof over));
	return 0;
}
