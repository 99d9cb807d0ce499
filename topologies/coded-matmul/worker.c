/* SPDX-License-Identifier: MIT */
/*
 * Has a block for each code, and multiplies. It is as late as the task says: the answer is due so long after the task has come, and a
 * new task in the meantime ends the old one, as a worker of a real cluster would drop what nobody wants any more.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <lpad/node.h>

#include "task.h"

struct worker {
	lpad_ints k, replication;
	lpad_inbox *multiply;
	struct code *codes;
	double **blocks;                /* of each code */
	lpad_call *call;                /* the task under way, NULL: none */
	lpad_message *answer;
	lpad_deadline due;
};

static int codes_count(const struct worker *me)
{
	return (int)(me->k.count + me->replication.count);
}

static void make_block(lpad_node *node, struct worker *me, const double *a, int place)
{
	bool replicated = place >= (int)me->k.count;
	int64_t k = replicated ? me->replication.at[place - (int)me->k.count] : me->k.at[place];
	code_init(&me->codes[place], replicated, (int)k, lpad_replicas(node), (uint64_t)lpad_seed(node));
	me->blocks[place] = malloc(sizeof(double) * COLUMNS * (size_t)code_rows(&me->codes[place]));
	if (me->blocks[place])
		code_block(&me->codes[place], lpad_index(node), a, me->blocks[place]);
}

static int init(lpad_node *node)
{
	struct worker *me = lpad_state(node);
	int count = codes_count(me);
	double *a = malloc(sizeof *a * ROWS * COLUMNS);
	me->codes = calloc((size_t)count, sizeof *me->codes);
	me->blocks = calloc((size_t)count, sizeof *me->blocks);
	if (!a || !me->codes || !me->blocks) {
		free(a);
		return lpad_fail(node, "out of memory");
	}
	matmul_matrix((uint64_t)lpad_seed(node), a);
	for (int i = 0; i < count; i++)
		make_block(node, me, a, i);
	free(a);
	for (int i = 0; i < count; i++)
		if (!me->blocks[i])
			return lpad_fail(node, "out of memory");
	return 0;
}

static void drop(struct worker *me, int code, const char *why)
{
	if (me->call)
		lpad_refuse(me->call, code, "%s", why);
	lpad_free(me->answer);
	me->call = NULL;
	me->answer = NULL;
}

static void begin(struct worker *me, lpad_call *call)
{
	const struct task *task = lpad_body(lpad_request(call), sizeof *task);
	if (!task || task->code < 0 || task->code >= codes_count(me) || !(task->time >= 0)) {
		lpad_refuse(call, LPAD_EINVALID, "not a task");
		return;
	}
	const struct code *code = &me->codes[task->code];
	me->due = lpad_in(task->time);
	me->call = call;
	me->answer = lpad_bytes(NULL, sizeof(double) * (size_t)code_rows(code));
	matmul_product(me->blocks[task->code], code_rows(code), task->x, lpad_fill(me->answer));
}

static int run(lpad_node *node)
{
	struct worker *me = lpad_state(node);
	lpad_call *next;
	int code;
	for (;;) {
		code = lpad_next(me->multiply, &next, me->call ? me->due : lpad_never());
		if (code == LPAD_ETIMEDOUT && me->call) {
			lpad_answer(me->call, me->answer);
			me->call = NULL;
			me->answer = NULL;
			continue;
		}
		drop(me, code ? LPAD_EGONE : LPAD_ECANCELLED, code ? "the worker ends" : "a newer task came");
		if (code)
			return code;
		begin(me, next);
	}
}

static void fini(lpad_node *node)
{
	struct worker *me = lpad_state(node);
	for (int i = 0; me->blocks && i < codes_count(me); i++)
		free(me->blocks[i]);
	free(me->blocks);
	free(me->codes);
}

/* A crash, at the master's word: nothing of this process can be saved, nobody is told. */
static int crash(lpad_node *node, lpad_call *call)
{
	(void)node;
	(void)call;
	kill(getpid(), SIGKILL);
	return LPAD_EFAILED;
}

static const lpad_param params[] = {
	LPAD_INTS(struct worker, k, NULL, "1..", "MDS codes; k = workers is uncoded"),
	LPAD_INTS(struct worker, replication, "[]", "1..", "codes of k blocks, each at workers / k workers"),
	LPAD_END
};
static const lpad_method methods[] = {
	LPAD_INBOX(struct worker, multiply, "my block of a code times x, after a time"),
	LPAD_METHOD(crash, "kills my process with SIGKILL"),
	LPAD_END
};

LPAD_MODULE({ .name = "worker", .help = "multiplies its block, late", .state = sizeof(struct worker), .params = params,
	.methods = methods, .init = init, .run = run, .fini = fini, .service = true });
