/* SPDX-License-Identifier: MIT */
/* Workers that ask each other while they work, a store that keeps calls, and a driver that asks them all. */
#include <lpad/node.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- worker: its callback calls another one's ---- */

struct worker {
	lpad_handle *peers, *store;
};

static int get(lpad_node *node, lpad_call *call)
{
	(void)node;
	return lpad_answer(call, NULL);
}

/* Both are at it before either goes on. */
static int task(lpad_node *node, lpad_call *call)
{
	struct worker *me = lpad_state(node);
	int code = lpad_call_to(me->store, 0, "meet", NULL, NULL, lpad_never());
	if (!code)
		code = lpad_call_to(me->peers, !lpad_index(node), "get", NULL, NULL, lpad_never());
	if (code)
		return lpad_refuse(call, code, "%s", lpad_error());
	return lpad_answer(call, NULL);
}

static const lpad_handle_decl worker_handles[] = {
	LPAD_HANDLE(struct worker, peers, LPAD_MANY, "get", "the others"),
	LPAD_HANDLE(struct worker, store, LPAD_ONE, "meet", "where they meet"),
	LPAD_END
};
static const lpad_method worker_methods[] = {
	LPAD_METHOD(get, "answers at once", .idempotent = true), LPAD_METHOD(task, "asks another one"), LPAD_END
};

/* ---- store: keeps calls until there are two ---- */

struct store {
	lpad_call *kept;
};

static int meet(lpad_node *node, lpad_call *call)
{
	struct store *me = lpad_state(node);
	if (!me->kept) {
		me->kept = call;
		return LPAD_LATER;
	}
	lpad_answer(me->kept, NULL);
	me->kept = NULL;
	return lpad_answer(call, NULL);
}

static int meet_held(lpad_node *node, lpad_call *call, char *text, size_t room)
{
	(void)node;
	snprintf(text, room, "%s is here, 1 of 2", lpad_caller(call));
	return 0;
}

static const lpad_method store_methods[] = { LPAD_METHOD(meet, "waits for another caller", .held = meet_held), LPAD_END };

/* ---- driver ---- */

struct driver {
	lpad_handle *workers, *store;
	bool alone;
};

static void told(lpad_node *node, lpad_future *future, void *context)
{
	int code = lpad_wait(future, NULL);
	(void)context;
	lpad_log(node, "then: %s", code ? lpad_error() : "answered");
	lpad_stop(node, 0, "told");
}

static int run(lpad_node *node)
{
	struct driver *me = lpad_state(node);
	const char *const *names;
	int codes[2], count = lpad_methods(me->workers, 0, &names);
	if (me->alone)
		return lpad_call_to(me->store, 0, "meet", NULL, NULL, lpad_never());
	for (int i = 0; i < count; i++)
		lpad_log(node, "offers %s%s", names[i], lpad_idempotent(me->workers, 0, names[i]) ? ", idempotent" : "");
	int code = lpad_call_each(me->workers, "task", NULL, NULL, codes, lpad_never());
	lpad_log(node, "each: %s", code ? lpad_error() : "answered");
	for (int i = 0; i < 2; i++)
		lpad_log(node, "code %d: %s", i, codes[i] ? lpad_strerror(codes[i]) : "success");
	lpad_then(lpad_start(me->workers, LPAD_ANY, "get", NULL, lpad_never()), told, NULL);
	return lpad_wait_stop(node, lpad_never()) ? LPAD_EFAILED : 0;
}

static const lpad_param driver_params[] = { LPAD_BOOL(struct driver, alone, "false", "only meets nobody"), LPAD_END };
static const lpad_handle_decl driver_handles[] = {
	LPAD_HANDLE(struct driver, workers, LPAD_MANY, "task get", "who works"),
	LPAD_HANDLE(struct driver, store, LPAD_ONE, "meet", "who keeps"),
	LPAD_END
};

LPAD_MODULE(
	{ .name = "worker", .state = sizeof(struct worker), .handles = worker_handles, .methods = worker_methods },
	{ .name = "store", .state = sizeof(struct store), .methods = store_methods },
	{ .name = "driver", .state = sizeof(struct driver), .params = driver_params, .handles = driver_handles, .run = run });
