/* SPDX-License-Identifier: MIT */
/*
 * Process (i, j, k) of a grid of q rows, q columns and d layers: SUMMA on its own layer, with the layers' weights alike (SUMMA2.5,
 * Tesseract; d = 1: 2-D). X and Y are cut into dq by q blocks, of which it has (kq + i, j), A into q by q, of which it has (i, j).
 */
#include <lpad/node.h>

#include "pass.h"

struct grid {
	struct problem problem;
	struct lane row, column, depth;
	lpad_inbox *multiply;
};

static void cut(lpad_node *node, const struct problem *problem, int64_t a, struct pass *pass)
{
	int q = lpad_extent(node, "row"), d = lpad_extent(node, "depth");
	int i = lpad_coordinate(node, "row"), j = lpad_coordinate(node, "column"), k = lpad_coordinate(node, "depth");
	int64_t rows = a / (q * d), inner = problem->b / q, columns = problem->c / q;
	pass->q = q;
	pass->d = d;
	pass->x_block = (struct block){ (k * q + i) * rows, j * inner, rows, inner };
	pass->a_block = (struct block){ i * inner, j * columns, inner, columns };
	pass->y_block = (struct block){ (k * q + i) * rows, j * columns, rows, columns };
}

/* Block t of my row of X is at the process in column t, and block t of my column of A at the one in row t: they lend them. */
static void lend_x(struct grid *me, struct pass *pass, int t)
{
	if (lpad_place(me->row.to) == t)
		lane_spread(&pass->exchange, &me->row, pass->x, block_size(pass->x_block));
}

static void lend_a(struct grid *me, struct pass *pass, int t)
{
	if (lpad_place(me->column.to) == t)
		lane_spread(&pass->exchange, &me->column, pass->a, block_size(pass->a_block));
}

static int borrow_x(struct grid *me, struct pass *pass, int t, const float **x)
{
	bool mine = lpad_place(me->row.to) == t;
	*x = mine ? pass->x : pass->lent_x;
	return mine ? 0 : lane_receive(&pass->exchange, &me->row, t, pass->lent_x, block_size(pass->x_block));
}

static int borrow_a(struct grid *me, struct pass *pass, int t, const float **a)
{
	bool mine = lpad_place(me->column.to) == t;
	*a = mine ? pass->a : pass->lent_a;
	return mine ? 0 : lane_receive(&pass->exchange, &me->column, t, pass->lent_a, block_size(pass->a_block));
}

/* Y = sum over t of X_t A_t. A step's blocks leave when it begins, not earlier: so a slow link is felt in each. */
static int forward(lpad_node *node, struct pass *pass)
{
	struct grid *me = lpad_state(node);
	const float *x, *a;
	for (int t = 0, code; t < pass->q; t++) {
		lend_x(me, pass, t);
		lend_a(me, pass, t);
		if ((code = borrow_x(me, pass, t, &x)) || (code = borrow_a(me, pass, t, &a)))
			return code;
		matrix_add_product(pass->y, (struct factor){ x, false }, (struct factor){ a, false },
			pass->y_block.rows, pass->x_block.columns, pass->y_block.columns);
	}
	return 0;
}

/* dX = dY A^T: block t is summed over my row, at the process in column t. */
static int backward_x(struct grid *me, struct pass *pass)
{
	size_t size = block_size(pass->x_block);
	const float *a;
	for (int t = 0, code; t < pass->q; t++) {
		lend_a(me, pass, t);
		if ((code = borrow_a(me, pass, t, &a)))
			return code;
		matrix_clear(pass->part, size);
		matrix_add_product(pass->part, (struct factor){ pass->dy, false }, (struct factor){ a, true },
			pass->x_block.rows, pass->y_block.columns, pass->x_block.columns);
		if ((code = lane_reduce(&pass->exchange, &me->row, t, pass->part, pass->dx, pass->spare, size)))
			return code;
	}
	return 0;
}

/* dA = X^T dY: block t is summed over my column, at the process in row t, and then over the layers. */
static int backward_a(struct grid *me, struct pass *pass, int k)
{
	size_t size = block_size(pass->a_block);
	const float *x;
	for (int t = 0, code; t < pass->q; t++) {
		lend_x(me, pass, t);
		if ((code = borrow_x(me, pass, t, &x)))
			return code;
		matrix_clear(pass->part, size);
		matrix_add_product(pass->part, (struct factor){ x, true }, (struct factor){ pass->dy, false },
			pass->a_block.rows, pass->x_block.rows, pass->a_block.columns);
		if ((code = lane_reduce(&pass->exchange, &me->column, t, pass->part, pass->da, pass->spare, size)))
			return code;
	}
	return lane_ring_all_reduce(&pass->exchange, &me->depth, k, pass->d, pass->da, size);
}

static int backward(lpad_node *node, struct pass *pass)
{
	struct grid *me = lpad_state(node);
	int code = backward_x(me, pass);
	return code ? code : backward_a(me, pass, lpad_coordinate(node, "depth"));
}

static int run(lpad_node *node)
{
	static const struct pass_plan plan = { .cut = cut, .forward = forward, .backward = backward };
	struct grid *me = lpad_state(node);
	struct lane *const lanes[] = { &me->row, &me->column, &me->depth, NULL };
	return pass_serve(node, &plan, &me->problem, me->multiply, lanes);
}

static int init(lpad_node *node)
{
	struct grid *me = lpad_state(node);
	me->row.method = "row";
	me->column.method = "column";
	me->depth.method = "depth";
	return 0;
}

static int check(lpad_node *node)
{
	const struct grid *me = lpad_state(node);
	int64_t q = lpad_extent(node, "row"), d = lpad_extent(node, "depth"), b = me->problem.b, c = me->problem.c;
	if (!d || !q || q != lpad_extent(node, "column"))
		return lpad_fail(node, "replicas: must be {depth: d, row: q, column: q}");
	for (size_t i = 0; i < me->problem.a.count; i++)
		if (me->problem.a.at[i] % (q * d))
			return lpad_fail(node, "params.a: %lld is no multiple of %lld, rows times layers", (long long)me->problem.a.at[i],
				(long long)(q * d));
	if (b % q || c % q)
		return lpad_fail(node, "params.%s: %lld is no multiple of %lld, the rows and columns of the grid", b % q ? "b" : "c",
			(long long)(b % q ? b : c), (long long)q);
	if (b / q * (c / q) % d)
		return lpad_fail(node, "params.b: %lld by %lld blocks of A cannot be cut into %lld slices, one for each layer", (long long)(b / q),
			(long long)(c / q), (long long)d);
	return 0;
}

static const lpad_param params[] = { TASK_PROBLEM_PARAMS(struct grid), LPAD_END };
static const lpad_handle_decl handles[] = {
	LANE_HANDLE(struct grid, row, "the processes of my row"),
	LANE_HANDLE(struct grid, column, "the processes of my column"),
	LANE_HANDLE(struct grid, depth, "the one in the next layer"),
	LPAD_END
};
static const lpad_method methods[] = {
	LANE_INBOX(struct grid, row, "blocks of X, and parts of dX"),
	LANE_INBOX(struct grid, column, "blocks of A, and parts of dA"),
	LANE_INBOX(struct grid, depth, "slices of dA"),
	LPAD_INBOX(struct grid, multiply, "one pass forward and backward; answers with my blocks and counts"),
	LPAD_END
};

LPAD_MODULE({ .name = "grid", .help = "a process of a 2-D or 2.5-D layout", .state = sizeof(struct grid), .params = params,
	.handles = handles, .methods = methods, .check = check, .init = init, .run = run, .service = true });
