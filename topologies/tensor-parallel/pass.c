/* SPDX-License-Identifier: MIT */
#include "pass.h"

#include <stdlib.h>

static void open_pass(lpad_node *node, const struct pass_plan *plan, const struct problem *problem, const struct task *task, struct pass *pass)
{
	*pass = (struct pass){ .exchange = { .node = node, .delay = task->delay } };
	plan->cut(node, problem, task->a, pass);
	pass->x = matrix_random_block(lpad_seed(node), MATRIX_X, task->a, problem->b, pass->x_block);
	pass->a = matrix_random_block(lpad_seed(node), MATRIX_A, problem->b, problem->c, pass->a_block);
	pass->dy = matrix_random_block(lpad_seed(node), MATRIX_DY, task->a, problem->c, pass->y_block);
	pass->y = matrix_new(block_size(pass->y_block));
	pass->dx = matrix_new(block_size(pass->x_block));
	pass->da = matrix_new(block_size(pass->a_block));
	size_t x_size = block_size(pass->x_block), a_size = block_size(pass->a_block), larger = x_size > a_size ? x_size : a_size;
	pass->lent_x = matrix_new(x_size);
	pass->lent_a = matrix_new(a_size);
	pass->part = matrix_new(larger);
	pass->spare = matrix_new(larger);
}

static void close_pass(struct pass *pass)
{
	float *all[] = { pass->x, pass->a, pass->dy, pass->y, pass->dx, pass->da, pass->lent_x, pass->lent_a, pass->part, pass->spare };
	lane_close(&pass->exchange);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		free(all[i]);
}

/* Also waits until others have taken what was sent. */
static int there_and_back(lpad_node *node, const struct pass_plan *plan, const struct task *task, struct pass *pass, int64_t *counts)
{
	struct exchange *exchange = &pass->exchange;
	int code = lane_wait_until(node, task->begin);
	counts[TASK_BEGAN] = lane_now();
	if (!code)
		code = plan->forward(node, pass);
	if (!code)
		code = lane_settle(exchange);
	counts[TASK_FORWARD_ENDED] = lane_now();
	counts[TASK_FORWARD_MESSAGES] = exchange->messages;
	counts[TASK_FORWARD_VALUES] = exchange->values;
	if (!code)
		code = plan->backward(node, pass);
	if (!code)
		code = lane_settle(exchange);
	counts[TASK_BACKWARD_ENDED] = lane_now();
	counts[TASK_BACKWARD_MESSAGES] = exchange->messages - counts[TASK_FORWARD_MESSAGES];
	counts[TASK_BACKWARD_VALUES] = exchange->values - counts[TASK_FORWARD_VALUES];
	return code;
}

static int work(lpad_node *node, const struct pass_plan *plan, const struct problem *problem, lpad_call *call)
{
	const struct task *task = lpad_body(lpad_request(call), sizeof *task);
	struct result result = { .counts = { 0 } };
	struct pass pass;
	if (!task)
		return LPAD_EBROKEN;
	open_pass(node, plan, problem, task, &pass);
	int code = there_and_back(node, plan, task, &pass, result.counts);
	result.counts[TASK_HELD] = (int64_t)(block_size(pass.x_block) + block_size(pass.a_block) + block_size(pass.y_block));
	result.counts[TASK_Q] = pass.q;
	result.counts[TASK_D] = pass.d;
	result.parts[TASK_Y] = (struct part){ pass.y_block, pass.y };
	result.parts[TASK_DX] = (struct part){ pass.x_block, pass.dx };
	result.parts[TASK_DA] = (struct part){ pass.a_block, pass.da };
	if (!code)
		code = lpad_answer(call, task_pack(&result));
	close_pass(&pass);
	return code;
}

int pass_serve(lpad_node *node, const struct pass_plan *plan, const struct problem *problem, lpad_inbox *tasks, struct lane *const *lanes)
{
	lpad_call *call;
	int code;
	while (!(code = lpad_next(tasks, &call, lpad_never())) && !(code = work(node, plan, problem, call)))
		for (struct lane *const *lane = lanes; *lane; lane++)
			lane_report(node, *lane);
	return code;
}
