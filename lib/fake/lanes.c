/* SPDX-License-Identifier: MIT */
/* What the threads of the node do when it is their turn: check, init, run, fini on one, callbacks on the other. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fake/fake.h"

void fake_post(lpad_node *node, struct service_work work)
{
	*list_add(&node->work) = work;
}

static void serve_call(lpad_node *node, lpad_call *call)
{
	const lpad_method *method = &node->methods[call->method];
	fault_set(0, "%s", "");
	call->state = CALL_TAKEN;
	int code = method->call(node, call);
	if (code == LPAD_LATER || call->state == CALL_DONE)
		return;
	call->state = CALL_DONE;
	call->code = code < 0 ? code : LPAD_EFAILED;
	if (code >= 0)
		call->text = memory_format("%s returned without answering: return lpad_answer(…) or LPAD_LATER", method->name);
	else
		call->text = memory_copy_text(*fault_text() ? fault_text() : fault_string(code));
}

static void serve(lpad_node *node, struct service_work *work)
{
	const lpad_method *method = work->call ? &node->methods[work->call->method] : NULL;
	switch (work->kind) {
	case SERVICE_CALL:
		if (work->call->state == CALL_QUEUED)
			serve_call(node, work->call);
		break;
	case SERVICE_GONE:
		if (method->gone && work->call->state == CALL_TAKEN)
			method->gone(node, work->call);
		break;
	case SERVICE_MESSAGE:
		*work->result = work->subscription->on(node, work->message);
		message_free(work->message);
		break;
	case SERVICE_THEN:
		work->future->then(node, work->future, work->future->context);
		break;
	}
}

static bool has_work(void *context)
{
	const lpad_node *node = context;
	return node->work.count || node->finishing;
}

void fake_service_lane(struct lane *lane)
{
	lpad_node *node = node_of(lane->test);
	for (;;) {
		lane->there = has_work;
		while (!has_work(node))
			lane_wait(lane->test, LPAD_TEST_LOCK, has_work, node, INT64_MAX);
		if (!node->work.count)
			return;
		struct service_work work = node->work.at[0];
		memmove(node->work.at, node->work.at + 1, --node->work.count * sizeof work);
		serve(node, &work);
	}
}

void fake_run_service(lpad_node *node)
{
	fake_expire(node);
	while (lane_can_go(&node->service))
		lane_go(&node->service);
}

static bool started(void *context)
{
	const lpad_node *node = context;
	return node->started || node->finishing;
}

static bool finishing(void *context)
{
	return ((const lpad_node *)context)->finishing;
}

static int check_and_init(lpad_node *node)
{
	const lpad_implementation *own = node->implementation;
	node->checking = true;
	int code = own->check ? own->check(node) : 0;
	node->checking = false;
	return code || !own->init ? code : own->init(node);
}

void fake_run_lane(struct lane *lane)
{
	lpad_node *node = node_of(lane->test);
	fault_set(0, "%s", "");
	node->init_result = check_and_init(node);
	if (node->init_result) {
		node->init_text = memory_copy_text(*fault_text() ? fault_text() : fault_string(node->init_result));
		return;
	}
	lane_wait(lane->test, LPAD_TEST_LOCK, started, node, INT64_MAX);
	if (node->started && node->implementation->run)
		node->run_result = node->implementation->run(node);
	if (node->run_result)
		node->run_text = fault_of_result("run", node->run_result);
	node->run_returned = true;
	lane_wait(lane->test, LPAD_TEST_LOCK, finishing, node, INT64_MAX);
	if (node->implementation->fini)
		node->implementation->fini(node);
}

