/* SPDX-License-Identifier: MIT */
#include "node/replica.h"

#include <stdlib.h>
#include <string.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

/* ---- telling ---- */

static void say(struct replica *replica, json_t *line)
{
	replica->events->say(replica->events->context, replica->document, line);
}

/* Authors' texts, foreign ones, and those that were cut off somewhere. They are shown on terminals. */
static json_t *foreign(const char *text)
{
	char *cleanup_free shown = text_printable(memory_copy_text(text));
	return channel_text(shown, strlen(shown));
}

static void say_step(struct replica *replica, const char *step)
{
	say(replica, json_pack("{s:s, s:s}", "is", "step", "step", step));
}

/* Faults that only pass on what happened to somebody else name him first: "replay.insert: ...", "worker/2 died". */
static char *failed_peer(int result)
{
	if (result != LPAD_ELOST && result != LPAD_EGONE)
		return NULL;
	const char *text = fault_code() == result ? fault_text() : "";
	return memory_copy_span(text, strcspn(text, " .:,"));
}

/* What init finds damaged is as damaged the next time. */
static bool is_final(const char *step, int result)
{
	return result == LPAD_EBROKEN && text_equal(step, "init");
}

/* `result`: negative, a code of ours; or 1..125, the author's exit code. */
static void fail(struct replica *replica, const char *step, int result, const char *text)
{
	char *cleanup_free peer = failed_peer(result);
	int code = result > 0 && result <= 125 ? result : 1;
	json_t *line = json_pack("{s:s, s:s, s:i, s:o}", "is", "failed", "step", step, "code", code, "text", foreign(text));
	if (peer)
		json_object_set_new(line, "peer", foreign(peer));
	if (is_final(step, result))
		json_object_set_new(line, "final", json_true());
	say(replica, line);
	replica->events->failed(replica->events->context, code);
}

/* The end of a program, in its own words: any exit code, or the signal that it got. */
static void fail_program(struct replica *replica, const char *step, const struct command_end *end)
{
	json_t *line = json_pack("{s:s, s:s, s:i, s:o}", "is", "failed", "step", step, "code", end->code, "text", foreign(end->text));
	if (end->signal)
		json_object_set_new(line, "signal", json_integer(end->signal));
	say(replica, line);
	replica->events->failed(replica->events->context, end->code);
}

static void fail_result(struct replica *replica, const char *step, const char *function, int result)
{
	if (replica->command && command_end(replica->command)) {
		fail_program(replica, step, command_end(replica->command));
		return;
	}
	char *cleanup_free text = fault_of_result(function, result);
	fail(replica, step, result, text);
}

/* ---- threads ---- */

/* As top -H and gdb show it: 15 characters, of a long name the end, where its number stands: "worker/3", "worker/3 pull". */
static void name_thread(const char *node, const char *what)
{
	char *cleanup_free whole = memory_format("%s%s%s", node, *what ? " " : "", what);
	size_t length = strlen(whole), most = 15;
	pthread_setname_np(pthread_self(), whole + (length > most ? length - most : 0));
}

/* ---- the thread of init, run, fini ---- */

static enum replica_goal await_goal(struct replica *replica, enum replica_goal least)
{
	pthread_mutex_lock(&replica->lock);
	while (replica->goal < least)
		pthread_cond_wait(&replica->changed, &replica->lock);
	enum replica_goal goal = replica->goal;
	pthread_mutex_unlock(&replica->lock);
	return goal;
}

static void set_goal(struct replica *replica, enum replica_goal goal)
{
	pthread_mutex_lock(&replica->lock);
	replica->goal = goal;
	pthread_cond_broadcast(&replica->changed);
	pthread_mutex_unlock(&replica->lock);
}

static void mark(struct replica *replica, bool *flag)
{
	pthread_mutex_lock(&replica->lock);
	*flag = true;
	pthread_mutex_unlock(&replica->lock);
	replica->events->wake(replica->events->context);
}

static bool marked(struct replica *replica, const bool *flag)
{
	pthread_mutex_lock(&replica->lock);
	bool value = *flag;
	pthread_mutex_unlock(&replica->lock);
	return value;
}

static bool run_init(struct replica *replica)
{
	struct error error = { 0 };
	if (host_node_check(replica->node, &error)) {
		fail(replica, "init", LPAD_EINVALID, error.text);
		return false;
	}
	int result = replica->implementation->init ? replica->implementation->init(replica->node) : 0;
	if (!result || (result == LPAD_ESTOPPED && link_stopping(replica->node->link)))
		return true;
	fail_result(replica, "init", "init", result);
	return false;
}

/* Well: 0, or stopped while the program stops. */
static bool ran_well(struct replica *replica, int result)
{
	return result == 0 || (result == LPAD_ESTOPPED && link_stopping(replica->node->link));
}

static bool run_run(struct replica *replica)
{
	say_step(replica, "run");
	int result = replica->implementation->run(replica->node);
	if (!ran_well(replica, result)) {
		fail_result(replica, "run", "run", result);
		return false;
	}
	fflush(stdout);
	link_end_run(replica->node->link);
	say(replica, json_pack("{s:s, s:i}", "is", "ended", "code", 0));
	mark(replica, &replica->run_ended);
	return true;
}

static void *main_thread(void *context)
{
	struct replica *replica = context;
	name_thread(replica->document->node, "");
	link_run_thread(replica->node->link);
	if (!run_init(replica))
		return NULL;
	mark(replica, &replica->initialised);
	if (await_goal(replica, GOAL_GO) == GOAL_GO && replica->implementation->run && !run_run(replica))
		return NULL;
	await_goal(replica, GOAL_FINISH);
	if (replica->implementation->fini)
		replica->implementation->fini(replica->node);
	return NULL;
}

/* ---- callbacks ---- */

struct worker {
	struct replica *replica;
	int method;                             /* -1: the service thread */
};

static int run_message(struct replica *replica, const struct work *work)
{
	size_t place = replica->node->subscription_places[work->subscription];
	const lpad_subscription_decl *declared = &replica->implementation->subscriptions[place];
	int result = declared->on(replica->node, work->message);
	if (result && !(result == LPAD_ESTOPPED && link_stopping(replica->node->link)))
		fail_result(replica, "run", declared->name, result);
	return result;
}

/* NULL: mirrored, of the node behind this one. */
static const lpad_method *declared_method(const struct replica *replica, int place)
{
	const lpad_method *methods = replica->implementation->methods;
	for (int i = 0; methods && methods[i].name; i++)
		if (i == place)
			return &methods[i];
	return NULL;
}

static int run_call(struct replica *replica, const struct work *work)
{
	const lpad_method *method = declared_method(replica, work->method);
	return method ? method->call(replica->node, work->call) : replica->implementation->forward(replica->node, work->call);
}

static int run_gone(struct replica *replica, const struct work *work)
{
	const lpad_method *method = declared_method(replica, work->method);
	if (method && method->gone)
		method->gone(replica->node, work->call);
	return 0;
}

static int run_held(struct replica *replica, const struct work *work)
{
	const lpad_method *method = declared_method(replica, work->method);
	return method && method->held ? method->held(replica->node, work->call, work->text, work->room) : 0;
}

static int run_work(struct replica *replica, const struct work *work)
{
	fault_set(0, "%s", "");
	switch (work->kind) {
	case WORK_CALL:
		return run_call(replica, work);
	case WORK_GONE:
		return run_gone(replica, work);
	case WORK_HELD:
		return run_held(replica, work);
	case WORK_MESSAGE:
		return run_message(replica, work);
	case WORK_FUTURE:
		work->done(replica->node, work->future, work->context);
		return 0;
	case WORK_NONE:
		break;
	}
	return 0;
}

static void *worker_thread(void *context)
{
	struct worker worker = *(struct worker *)context;
	const lpad_method *method = worker.method < 0 ? NULL : declared_method(worker.replica, worker.method);
	struct work work;
	free(context);
	name_thread(worker.replica->document->node, method ? method->name : "serve");
	while (link_work_take(worker.replica->node->link, worker.method, &work))
		link_work_done(worker.replica->node->link, &work, run_work(worker.replica, &work));
	return NULL;
}

static void start_worker(struct replica *replica, int method)
{
	struct worker *worker = memory_new(sizeof *worker);
	*worker = (struct worker){ replica, method };
	replica->workers = memory_resize(replica->workers, replica->worker_count + 1, sizeof *replica->workers);
	if (pthread_create(&replica->workers[replica->worker_count], NULL, worker_thread, worker)) {
		free(worker);
		fail(replica, "bind", LPAD_EFAILED, "cannot start a thread for a method: see ulimit -u");
		return;
	}
	replica->worker_count++;
}

static bool needs_service_thread(const lpad_implementation *implementation)
{
	if (implementation->forward || implementation->handles)        /* futures may be given a function */
		return true;
	for (const lpad_method *method = implementation->methods; method && method->name; method++)
		if (method->call ? method->threads <= 0 : method->gone || method->held) /* an inbox may have those */
			return true;
	for (const lpad_subscription_decl *sub = implementation->subscriptions; sub && sub->name; sub++)
		if (sub->on)
			return true;
	return false;
}

static void start_workers(struct replica *replica)
{
	const lpad_method *methods = replica->implementation->methods;
	if (needs_service_thread(replica->implementation))
		start_worker(replica, -1);
	for (int i = 0; methods && methods[i].name; i++)
		for (int thread = 0; methods[i].call && thread < methods[i].threads; thread++)
			start_worker(replica, i);
}

/* ---- hooks of the link ---- */

static void on_wired(void *context)
{
	say(context, json_pack("{s:s}", "is", "wired"));
}

static void on_drained(void *context)
{
	struct replica *replica = context;
	replica->drained = true;
	replica->events->wake(replica->events->context);
}

static void on_note(void *context, const char *text)
{
	say(context, json_pack("{s:s, s:o}", "is", "note", "text", foreign(text)));
}

static void on_wake(void *context)
{
	struct replica *replica = context;
	replica->events->wake(replica->events->context);
}

static void on_stop_request(void *context, struct lpad_node *node, int code, const char *why)
{
	(void)node;
	say(context, json_pack("{s:s, s:i, s:o}", "is", "stop", "code", code, "why", foreign(why)));
}

/* lpad_restart_server: the supervisor knows whether that incarnation still lives. */
static void on_restart_request(void *context, const struct peer_spec *peer, const char *why)
{
	say(context, json_pack("{s:s, s:s, s:I, s:I, s:I, s:o}", "is", "restart", "peer", peer->node,
		"number", (json_int_t)peer->group, "index", (json_int_t)peer->index,
		"incarnation", (json_int_t)peer->incarnation, "why", foreign(why)));
}

/* ---- steps of the main thread ---- */

static int find_implementation(struct replica *replica, struct error *error)
{
	const struct replica_document *document = replica->document;
	if (document->command) {
		replica->command = command_new(document->command);
		replica->implementation = command_implementation(replica->command);
		return 0;
	}
	replica->module = module_load(document->module, &host_table, error);
	if (!replica->module)
		return error_wrap(error, "%s", *document->shown ? document->shown : document->module);
	replica->implementation = module_find(replica->module, document->implementation);
	if (!replica->implementation)
		return error_set(error, "%s offers no implementation %s", document->shown, document->implementation);
	return 0;
}

static int load(struct replica *replica, const struct node_document *process, struct error *error)
{
	const struct replica_document *document = replica->document;
	struct link_hooks hooks = { .context = replica, .wired = on_wired, .drained = on_drained, .note = on_note,
		.wake = on_wake, .restart = on_restart_request };       /* no work: the workers wait in link_work_take */
	struct node_owner owner = { .context = replica, .stop = on_stop_request, .note = on_note, .wake = on_wake };
	if (find_implementation(replica, error))
		return -1;
	replica->node = host_node_new(process, document, replica->implementation, &owner, &hooks, error);
	return replica->node ? 0 : -1;
}

void replica_new(struct replica *replica, const struct replica_document *document, const struct replica_events *events)
{
	*replica = (struct replica){ .events = events, .document = document };
	pthread_mutex_init(&replica->lock, NULL);
	pthread_cond_init(&replica->changed, NULL);
	say_step(replica, "load");
}

int replica_load(struct replica *replica, const struct node_document *process)
{
	struct error error = { 0 };
	if (load(replica, process, &error)) {
		fail(replica, "load", LPAD_EFAILED, error.text);
		return -1;
	}
	say_step(replica, "init");
	return 0;
}

int replica_init(struct replica *replica)
{
	if (pthread_create(&replica->main_thread, NULL, main_thread, replica)) {
		fail(replica, "init", LPAD_EFAILED, "cannot start a thread: see ulimit -u");
		return -1;
	}
	return 0;
}

/* Free ports were asked for where an address begins with tcp: nobody else knows which they became. */
static json_t *found_addresses(const struct link *link)
{
	const struct bound_address *bound;
	size_t count = link_bound(link, &bound);
	json_t *out = json_object(), *topics = json_object(), *topic;
	for (size_t i = 0; i < count; i++) {
		if (!text_starts(bound[i].address, "tcp:"))
			continue;
		if (!bound[i].topic) {
			json_object_set_new(out, "serve", json_string(bound[i].address));
			continue;
		}
		if (!(topic = json_object_get(topics, bound[i].topic)))
			json_object_set_new(topics, bound[i].topic, topic = json_object());
		json_object_set_new(topic, bound[i].notice ? "notice" : "address", json_string(bound[i].address));
	}
	if (json_object_size(topics))
		json_object_set(out, "topics", topics);
	json_decref(topics);
	return out;
}

static void say_bound(struct replica *replica)
{
	static const char *const identity[] = { "number", "index", "incarnation" };
	json_t *line = found_addresses(replica->node->link);
	if (json_object_size(line)) {
		replica->found = json_copy(line);
		for (size_t i = 0; i < sizeof identity / sizeof identity[0]; i++)
			json_object_set(replica->found, identity[i], json_object_get(replica->document->json, identity[i]));
	}
	json_object_set_new(line, "is", json_string("bound"));
	say(replica, line);
}

void replica_bind_when_ready(struct replica *replica)
{
	struct error error = { 0 };
	if (replica->bound || !marked(replica, &replica->initialised))
		return;
	replica->bound = true;
	if (link_bind(replica->node->link, &error))
		fail(replica, "bind", LPAD_EFAILED, error.text);
	else
		say_bound(replica);
}

void replica_connect(struct replica *replica)
{
	struct error error = { 0 };
	replica->connected = true;
	start_workers(replica);
	if (link_connect(replica->node->link, &error))
		fail(replica, "wire", LPAD_EFAILED, error.text);
}

void replica_go(struct replica *replica, bool hold)
{
	link_go(replica->node->link);
	if (hold || !replica->implementation->run)
		say_step(replica, "serve");
	replica->held = hold;
	if (!hold)
		set_goal(replica, GOAL_GO);
}

void replica_peer_up(struct replica *replica, const struct peer_up *up)
{
	struct error error = { 0 };
	if (link_peer_up(replica->node->link, up, &error))
		fail(replica, "wire", LPAD_EFAILED, error.text);
}

/* A run that was held never begins: what it would have published has ended, as if it had returned. */
void replica_stop(struct replica *replica, bool alone)
{
	bool first = !link_stopping(replica->node->link);
	if (first)
		link_leave_alone(replica->node->link, alone);
	host_node_stop(replica->node, alone);
	if (first && replica->held && replica->implementation->run)
		link_end_run(replica->node->link);
}

void replica_drain(struct replica *replica, double within, bool alone)
{
	replica->draining = true;
	say_step(replica, "drain");
	link_leave_alone(replica->node->link, alone);   /* the program may have begun to stop meanwhile */
	link_drain(replica->node->link, clock_ns() + (int64_t)(within * 1e9));
}

void replica_end_work(struct replica *replica)
{
	link_work_close(replica->node->link);
	for (size_t i = 0; i < replica->worker_count; i++)
		pthread_join(replica->workers[i], NULL);
	if (replica->implementation->fini && marked(replica, &replica->initialised))
		say_step(replica, "fini");
}

void replica_begin_fini(struct replica *replica)
{
	set_goal(replica, GOAL_FINISH);
}

void replica_finish(struct replica *replica)
{
	pthread_join(replica->main_thread, NULL);
	link_leave(replica->node->link);
}
