/* SPDX-License-Identifier: MIT */
/* Its check complains, crashes or hangs, as the parameters say. */
#include <unistd.h>

#include <lpad/node.h>

struct state {
	int64_t rows, parts;
	int32_t mode;
	lpad_handle *server;
};
enum { COMPLAIN, CRASH, HANG, CALL, PLAIN };

static int check(lpad_node *node)
{
	struct state *me = lpad_state(node);
	if (me->mode == CRASH)
		__builtin_trap();
	while (me->mode == HANG)
		pause();
	if (me->mode == CALL)
		return lpad_call_to(me->server, 0, "work", NULL, NULL, lpad_default());
	if (me->mode == PLAIN)
		return lpad_fail(node, "it is the wrong day");
	if (me->rows % me->parts)
		return lpad_fail(node, "params.parts: %d rows cannot be cut into %d parts", (int)me->rows, (int)me->parts);
	if (lpad_replicas(node) > 2)
		return lpad_fail(node, "replicas: at most 2, not %d", lpad_replicas(node));
	if (lpad_count(me->server) > 1)
		return lpad_fail(node, "edges.server: one server is enough");
	return 0;
}

static int run(lpad_node *node)
{
	(void)node;
	return 0;
}

static int work(lpad_node *node, lpad_call *call)
{
	(void)node;
	return lpad_answer(call, NULL);
}

static const lpad_param params[] = {
	LPAD_INT(struct state, rows, "12", "1..", "rows"),
	LPAD_INT(struct state, parts, "3", "1..", "parts"),
	LPAD_CHOICE(struct state, mode, "complain", "complain crash hang call plain", "what check does"),
	LPAD_END
};
static const lpad_handle_decl handles[] = {
	LPAD_HANDLE(struct state, server, LPAD_MANY, "work", "a server"),
	LPAD_END
};
static const lpad_method methods[] = { LPAD_METHOD(work, "does nothing"), LPAD_END };

LPAD_MODULE(
	{ .name = "node", .state = sizeof(struct state), .params = params, .handles = handles, .check = check, .run = run },
	{ .name = "server", .methods = methods });
