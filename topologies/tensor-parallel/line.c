/* SPDX-License-Identifier: MIT */
/*
 * Process r of p in a ring (1-D, the second linear layer of Megatron): it has columns of X and rows of A, so that its product is a
 * summand of the whole Y. A ring all-reduce sums them. Both gradients come without a message, since everybody has all of dY.
 */
#include <lpad/node.h>

#include "pass.h"

struct line {
	struct problem problem;
	struct lane ring;
	lpad_inbox *multiply;
};

static void cut(lpad_node *node, const struct problem *problem, int64_t a, struct pass *pass)
{
	int64_t inner = problem->b / lpad_replicas(node);
	pass->x_block = (struct block){ 0, lpad_index(node) * inner, a, inner };
	pass->a_block = (struct block){ lpad_index(node) * inner, 0, inner, problem->c };
	pass->y_block = (struct block){ 0, 0, a, problem->c };
}

static int forward(lpad_node *node, struct pass *pass)
{
	struct line *me = lpad_state(node);
	matrix_add_product(pass->y, (struct factor){ pass->x, false }, (struct factor){ pass->a, false },
		pass->y_block.rows, pass->x_block.columns, pass->y_block.columns);
	return lane_ring_all_reduce(&pass->exchange, &me->ring, lpad_index(node), lpad_replicas(node), pass->y, block_size(pass->y_block));
}

static int backward(lpad_node *node, struct pass *pass)
{
	(void)node;
	matrix_add_product(pass->dx, (struct factor){ pass->dy, false }, (struct factor){ pass->a, true },
		pass->x_block.rows, pass->y_block.columns, pass->x_block.columns);
	matrix_add_product(pass->da, (struct factor){ pass->x, true }, (struct factor){ pass->dy, false },
		pass->a_block.rows, pass->x_block.rows, pass->a_block.columns);
	return 0;
}

static int run(lpad_node *node)
{
	static const struct pass_plan plan = { .cut = cut, .forward = forward, .backward = backward };
	struct line *me = lpad_state(node);
	struct lane *const lanes[] = { &me->ring, NULL };
	return pass_serve(node, &plan, &me->problem, me->multiply, lanes);
}

static int init(lpad_node *node)
{
	struct line *me = lpad_state(node);
	me->ring.method = "ring";
	return 0;
}

static int check(lpad_node *node)
{
	const struct line *me = lpad_state(node);
	int64_t p = lpad_replicas(node);
	if (me->problem.b % p)
		return lpad_fail(node, "params.b: %lld is no multiple of %lld, the processes of the line", (long long)me->problem.b, (long long)p);
	for (size_t i = 0; i < me->problem.a.count; i++)
		if (me->problem.a.at[i] * me->problem.c % p)
			return lpad_fail(node, "params.a: %lld times %lld cannot be cut into %lld slices", (long long)me->problem.a.at[i],
				(long long)me->problem.c, (long long)p);
	return 0;
}

static const lpad_param params[] = { TASK_PROBLEM_PARAMS(struct line), LPAD_END };
static const lpad_handle_decl handles[] = {
	LANE_HANDLE(struct line, ring, "the next process"),
	LPAD_END
};
static const lpad_method methods[] = {
	LANE_INBOX(struct line, ring, "slices of Y, from the process before"),
	LPAD_INBOX(struct line, multiply, "one pass forward and backward; answers with my blocks and counts"),
	LPAD_END
};

LPAD_MODULE({ .name = "line", .help = "a process of a 1-D layout", .state = sizeof(struct line), .params = params,
	.handles = handles, .methods = methods, .check = check, .init = init, .run = run, .service = true });
