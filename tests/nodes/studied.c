/* SPDX-License-Identifier: MIT */
/* A node with something of everything, for the tests of lpad/test.h: studied_test.c. */
#include <string.h>

#include <lpad/node.h>

struct studied {
	int64_t most;
	double wait;
	lpad_texts names;
	lpad_handle *store, *group;
	lpad_topic *out;
	lpad_subscription *in;
	lpad_inbox *tasks;
	lpad_call *kept[8];
	int kept_count, gone, stops;
	int64_t heard, last_task;
	int later;
};

static int keep(lpad_node *node, lpad_call *call)
{
	struct studied *me = lpad_state(node);
	if (me->kept_count == me->most)
		return lpad_refuse(call, LPAD_EBUSY, "%d are kept already", me->kept_count);
	me->kept[me->kept_count++] = call;
	lpad_status(node, "kept", "%d of %d", me->kept_count, (int)me->most);
	return LPAD_LATER;
}

static void keep_gone(lpad_node *node, lpad_call *call)
{
	struct studied *me = lpad_state(node);
	(void)call;
	me->gone++;
}

static int keep_held(lpad_node *node, lpad_call *call, char *text, size_t room)
{
	const char *words = "waits for let_go";
	(void)node, (void)call;
	if (room > strlen(words))
		memcpy(text, words, strlen(words) + 1);
	return 0;
}

static int let_go(lpad_node *node, lpad_call *call)
{
	struct studied *me = lpad_state(node);
	while (me->kept_count)
		lpad_answer(me->kept[--me->kept_count], lpad_share(lpad_request(call)));
	return lpad_answer(call, NULL);
}

static int forgets(lpad_node *node, lpad_call *call)
{
	(void)node, (void)call;
	return 0;
}

/* From a callback: waits for the store while `run` goes on, with the lock held. */
static int fetch(lpad_node *node, lpad_call *call)
{
	struct studied *me = lpad_state(node);
	lpad_message *reply;
	lpad_lock(node);
	int code = lpad_call_to(me->store, 0, "get", NULL, &reply, lpad_in(2));
	lpad_unlock(node);
	return code ? code : lpad_answer(call, reply);
}

static void stored(lpad_node *node, lpad_future *future, void *context)
{
	struct studied *me = context;
	(void)node;
	me->later = lpad_wait(future, NULL) ? -1 : 1;
}

static int put_later(lpad_node *node, lpad_call *call)
{
	struct studied *me = lpad_state(node);
	lpad_then(lpad_start(me->store, LPAD_ANY, "put", lpad_share(lpad_request(call)), lpad_never()), stored, me);
	return lpad_answer(call, NULL);
}

static int heard(lpad_node *node, const lpad_message *message)
{
	struct studied *me = lpad_state(node);
	const int64_t *number = lpad_body(message, sizeof *number);
	if (!number)
		return LPAD_EINVALID;
	me->heard += *number;
	return 0;
}

static int check(lpad_node *node)
{
	const struct studied *me = lpad_state(node);
	if (me->most > 7)
		return lpad_fail(node, "params.most: at most 7 can be kept, not %d", (int)me->most);
	if (lpad_call_to(me->store, 0, "get", NULL, NULL, lpad_never()) != LPAD_EINVALID)
		return lpad_fail(node, "a check must not call");
	return lpad_count(me->group) == lpad_replicas(node) ? 0 : lpad_fail(node, "edges.group: join it to the whole group");
}

static int init(lpad_node *node)
{
	struct studied *me = lpad_state(node);
	lpad_log(node, "%s keeps %d, knows %zu names", lpad_name(node), (int)me->most, me->names.count);
	return 0;
}

static void stopped(lpad_node *node, void *context)
{
	(void)node;
	((struct studied *)context)->stops++;
}

static int serve_tasks(lpad_node *node, struct studied *me)
{
	lpad_call *call;
	int code;
	while (!(code = lpad_next(me->tasks, &call, lpad_in(me->wait)))) {
		const int64_t *task = lpad_body(lpad_request(call), sizeof *task);
		if (!task) {
			lpad_refuse(call, LPAD_EINVALID, "not a task");
			continue;
		}
		me->last_task = *task;
		lpad_lock(node);
		lpad_report(node, "task", (double)*task, *task);
		lpad_unlock(node);
		lpad_publish(me->out, lpad_share(lpad_request(call)));
		lpad_answer(call, NULL);
	}
	return code;
}

static int run(lpad_node *node)
{
	struct studied *me = lpad_state(node);
	lpad_message *message;
	lpad_on_stop(node, stopped, me);
	int code = lpad_await_server(me->store, 0, lpad_never());
	if (code < 0)
		return code;
	lpad_log(node, "store %d", code);
	while (!(code = lpad_take(me->in, &message, lpad_in(5)))) {
		lpad_log(node, "took %zu bytes", lpad_size(message));
		lpad_free(message);
	}
	if (code != LPAD_EENDED)
		return code;
	code = serve_tasks(node, me);
	if (code != LPAD_ETIMEDOUT)
		return code;
	lpad_restart_server(me->store, 0, "tired of it");
	lpad_stop(node, 3, "nothing to do");
	return lpad_wait_stop(node, lpad_never());
}

static void fini(lpad_node *node)
{
	lpad_log(node, "bye");
}

static const lpad_param params[] = {
	LPAD_INT(struct studied, most, "2", "1..100", "calls kept"),
	LPAD_DURATION(struct studied, wait, "10s", "0..", "patience"),
	LPAD_TEXTS(struct studied, names, "", "some names"),
	LPAD_END
};
static const lpad_handle_decl handles[] = {
	LPAD_HANDLE(struct studied, store, LPAD_ONE, "get put", "where things are"),
	LPAD_HANDLE(struct studied, group, LPAD_MANY, "keep", "all of us"),
	LPAD_END
};
static const lpad_method methods[] = {
	LPAD_METHOD(keep, "keeps the call", .gone = keep_gone, .held = keep_held),
	LPAD_METHOD(let_go, "answers all that are kept"),
	LPAD_METHOD(forgets, "does not answer"),
	LPAD_METHOD(fetch, "asks the store"),
	LPAD_METHOD(put_later, "tells the store, later"),
	LPAD_INBOX(struct studied, tasks, "one task"),
	LPAD_END
};
static const lpad_topic_decl topics[] = {
	LPAD_TOPIC(struct studied, out, "tasks that were done"),
	LPAD_END
};
static const lpad_subscription_decl subscriptions[] = {
	LPAD_SUBSCRIPTION(struct studied, in, 2, "taken by run"),
	LPAD_ON(heard, LPAD_ALL, "added up", .optional = true),
	LPAD_END
};

LPAD_MODULE(
	{ .name = "studied", .state = sizeof(struct studied), .params = params, .handles = handles, .methods = methods,
	  .topics = topics, .subscriptions = subscriptions, .check = check, .init = init, .run = run, .fini = fini },
	{ .name = "other" });
