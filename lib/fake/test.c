/* SPDX-License-Identifier: MIT */
/* What the test calls: lpad/test.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "fake/fake.h"

/* ---- run ---- */

static bool parked(const lpad_node *node)
{
	return node->run.ended || node->run_returned;
}

/* A failure is this thread's error from now on. */
static int run_result(const lpad_node *node)
{
	return node->run_text ? fault_set(node->run_result, "%s", node->run_text) : node->run_result;
}

enum lpad_test_wait lpad_test_step(lpad_test *test)
{
	lpad_node *node = node_of(test);
	if (!node->started)
		fake_mistake("lpad_test_step comes after lpad_test_start");
	fake_run_service(node);
	while (!parked(node) && lane_can_go(&node->run)) {
		lane_go(&node->run);
		fake_run_service(node);
	}
	if (!parked(node))
		return node->run.waits;
	run_result(node);
	return LPAD_TEST_ENDED;
}

int lpad_test_result(lpad_test *test)
{
	if (!node_of(test)->run_returned)
		fake_mistake("run has not returned: lpad_test_step goes on with it");
	return run_result(node_of(test));
}

void *lpad_test_state(lpad_test *test)
{
	return node_of(test)->state;
}

lpad_node *lpad_test_node(lpad_test *test)
{
	return node_of(test);
}

/* ---- calling the node ---- */

static int find_method(const lpad_node *node, const char *name)
{
	for (size_t i = 0; i < node->method_count; i++)
		if (!strcmp(node->methods[i].name, name))
			return (int)i;
	fake_mistake("%s has no method \"%s\"", node->implementation->name, name);
}

static lpad_call *new_call(lpad_node *node, const char *method, lpad_message *request)
{
	lpad_call *call = memory_new(sizeof *call);
	if (message_refused(request))
		fake_mistake("the request of %s is no message: %s", method, fault_text());
	*call = (lpad_call){ .test = test_of(node), .number = (int)node->calls.count, .method = find_method(node, method),
		.request = request ? request : message_bytes(NULL, 0) };
	return call;
}

static int send_call(lpad_node *node, lpad_call *call)
{
	message_seal(call->request);
	*list_add(&node->calls) = call;
	if (!fake_open(call))
		return call->number;
	if (node->methods[call->method].call) {
		fake_post(node, (struct service_work){ .kind = SERVICE_CALL, .call = call });
		fake_run_service(node);
	}
	return call->number;
}

int lpad_test_send(lpad_test *test, const char *method, lpad_message *request)
{
	return send_call(node_of(test), new_call(node_of(test), method, request));
}

int lpad_test_send_from(lpad_test *test, const char *handle, int place, const char *method, lpad_message *request)
{
	struct lpad_handle *from = fake_handle(node_of(test), handle);
	if (place < 0 || place >= from->count)
		fake_mistake("%s has no place %d: it has %d", handle, place, from->count);
	lpad_call *call = new_call(node_of(test), method, request);
	call->handle = from;
	call->place = place;
	return send_call(node_of(test), call);
}

int lpad_test_send_as(lpad_test *test, const char *caller, int incarnation, const char *method, lpad_message *request)
{
	lpad_call *call = new_call(node_of(test), method, request);
	call->caller = memory_copy_text(caller);
	call->incarnation = incarnation;
	return send_call(node_of(test), call);
}

static lpad_call *call_number(lpad_test *test, int number)
{
	if (number < 0 || (size_t)number >= node_of(test)->calls.count)
		fake_mistake("there is no call number %d", number);
	return node_of(test)->calls.at[number];
}

int lpad_test_reply(lpad_test *test, int number, lpad_message **reply)
{
	lpad_call *call = call_number(test, number);
	if (reply)
		*reply = NULL;
	if (call->state != CALL_DONE)
		return LPAD_LATER;
	if (call->code)
		return fault_set(call->code, "%s", call->text ? call->text : "");
	if (reply)
		*reply = call->reply ? message_share(call->reply) : message_bytes(NULL, 0);
	return 0;
}

int lpad_test_ask(lpad_test *test, const char *method, lpad_message *request, lpad_message **reply)
{
	return lpad_test_reply(test, lpad_test_send(test, method, request), reply);
}

void lpad_test_cancel(lpad_test *test, int number)
{
	lpad_call *call = call_number(test, number);
	if (call->state == CALL_QUEUED) {
		call->state = CALL_DONE;
		call->code = LPAD_ECANCELLED;
	} else if (call->state == CALL_TAKEN) {
		fake_post(node_of(test), (struct service_work){ .kind = SERVICE_GONE, .call = call });
		fake_run_service(node_of(test));
	}
}

const char *lpad_test_held(lpad_test *test, int number)
{
	lpad_node *node = node_of(test);
	lpad_call *call = call_number(test, number);
	const lpad_method *method = &node->methods[call->method];
	*node->held = '\0';
	if (method->held && call->state == CALL_TAKEN)
		method->held(node, call, node->held, sizeof node->held);
	return node->held;
}

/* ---- topics ---- */

static struct lpad_subscription *find_subscription(lpad_node *node, const char *name)
{
	for (size_t i = 0; i < node->subscription_count; i++)
		if (!strcmp(node->subscriptions[i].declared->name, name) && node->subscriptions[i].publishers)
			return &node->subscriptions[i];
	fake_mistake("%s has no subscription \"%s\" that was connected", node->implementation->name, name);
}

static void drop_first(struct lpad_subscription *subscription)
{
	message_free(subscription->queue.at[0]);
	memmove(subscription->queue.at, subscription->queue.at + 1, --subscription->queue.count * sizeof(lpad_message *));
}

int lpad_test_feed(lpad_test *test, const char *name, lpad_message *message)
{
	lpad_node *node = node_of(test);
	struct lpad_subscription *subscription = find_subscription(node, name);
	int result = 0, keep = subscription->declared->keep;
	if (!message || message_refused(message))
		fake_mistake("what %s is fed with is no message", name);
	message_seal(message);
	if (subscription->declared->on) {
		fake_post(node, (struct service_work){ .kind = SERVICE_MESSAGE, .subscription = subscription->declared,
			.message = message, .result = &result });
		fake_run_service(node);
		return result;
	}
	*list_add(&subscription->queue) = message;
	if (keep != LPAD_ALL && subscription->queue.count > (size_t)(keep == LPAD_LATEST ? 1 : keep))
		drop_first(subscription);
	return 0;
}

void lpad_test_feed_end(lpad_test *test, const char *name)
{
	find_subscription(node_of(test), name)->ended = true;
}

static struct lpad_topic *find_topic(lpad_node *node, const char *name)
{
	for (size_t i = 0; i < node->topic_count; i++)
		if (!strcmp(node->topics[i].name, name))
			return &node->topics[i];
	fake_mistake("%s has no topic \"%s\"", node->implementation->name, name);
}

int lpad_test_published(lpad_test *test, const char *topic)
{
	return (int)find_topic(node_of(test), topic)->published.count;
}

const lpad_message *lpad_test_publication(lpad_test *test, const char *name, int i)
{
	const struct lpad_topic *topic = find_topic(node_of(test), name);
	if (i < 0 || (size_t)i >= topic->published.count)
		fake_mistake("topic %s has no publication %d: it has %zu", name, i, topic->published.count);
	return topic->published.at[i];
}

/* ---- what it says ---- */

static const struct fake_report *report_at(const lpad_node *node, const char *name, int wanted_place)
{
	for (size_t i = 0; i < node->reports.count; i++)
		if (!strcmp(node->reports.at[i].name, name) && !wanted_place--)
			return &node->reports.at[i];
	return NULL;
}

int lpad_test_reports(lpad_test *test, const char *name)
{
	int count = 0;
	while (report_at(node_of(test), name, count))
		count++;
	return count;
}

double lpad_test_report(lpad_test *test, const char *name, int i, int64_t *step)
{
	const struct fake_report *report = i < 0 ? NULL : report_at(node_of(test), name, i);
	if (!report)
		fake_mistake("there is no report %d of \"%s\"", i, name);
	if (step)
		*step = report->step;
	return report->value;
}

const char *lpad_test_status(lpad_test *test, const char *name)
{
	return statuses_text(&node_of(test)->statuses, name);
}

const char *lpad_test_log(lpad_test *test)
{
	return text_string(&node_of(test)->log);
}

bool lpad_test_stopped(lpad_test *test, int *code, const char **why)
{
	const lpad_node *node = node_of(test);
	if (code)
		*code = node->stop_code;
	if (why)
		*why = node->stop_why ? node->stop_why : "";
	return node->stop_asked;
}

int lpad_test_restarts(lpad_test *test)
{
	return node_of(test)->restarts;
}

/* ---- stop, time, end ---- */

void lpad_test_stop(lpad_test *test)
{
	lpad_node *node = node_of(test);
	if (node->stopping)
		return;
	node->stopping = true;
	for (int i = 0; i < node->handler_count; i++)
		node->handlers[i].function(node, node->handlers[i].context);
	for (size_t i = 0; i < node->futures.count; i++)
		if (!node->futures.at[i]->done && node->futures.at[i]->then)
			fake_finish_with(node->futures.at[i], LPAD_ESTOPPED);
	fake_run_service(node);
}

void lpad_test_advance(double seconds)
{
	fake_advance(seconds);
}

int lpad_test_end(lpad_test *test)
{
	lpad_node *node = node_of(test);
	if (node->ended || !node->service.started)
		return run_result(node);
	lpad_test_stop(test);
	if (node->started)
		lpad_test_step(test);
	if (node->started && !node->run_returned)
		fake_mistake("run of %s does not end when the program stops", node->name);
	node->finishing = node->ended = true;
	fake_run_service(node);
	lane_go(&node->run);
	lane_join(&node->service);
	lane_join(&node->run);
	return run_result(node);
}

static void free_ports(lpad_node *node)
{
	for (size_t i = 0; i < node->handle_count; i++) {
		struct lpad_handle *handle = &node->handles[i];
		for (int k = 0; k < handle->count; k++)
			free(handle->servers[k]);
		for (int k = 0; handle->methods[k]; k++)
			free((char *)handle->methods[k]);
		free(handle->methods);
		free(handle->servers);
		free(handle->incarnations);
		free(handle->name);
	}
	for (size_t i = 0; i < node->topic_count; i++) {
		for (size_t k = 0; k < node->topics[i].published.count; k++)
			message_free(node->topics[i].published.at[k]);
		list_release(&node->topics[i].published);
		free(node->topics[i].name);
	}
	for (size_t i = 0; i < node->subscription_count; i++) {
		while (node->subscriptions[i].queue.count)
			drop_first(&node->subscriptions[i]);
		list_release(&node->subscriptions[i].queue);
	}
	free(node->handles);
	free(node->topics);
	free(node->subscriptions);
	free(node->inboxes);
	free(node->batch_sizes);
	free(node->methods);
}

static void free_calls(lpad_node *node)
{
	while (node->futures.count)
		fake_free_future(node->futures.at[0]);
	for (size_t i = 0; i < node->calls.count; i++) {
		message_free(node->calls.at[i]->request);
		message_free(node->calls.at[i]->reply);
		free(node->calls.at[i]->text);
		free(node->calls.at[i]->caller);
		free(node->calls.at[i]);
	}
	list_release(&node->futures);
	list_release(&node->calls);
	list_release(&node->work);
}

static void free_settings(lpad_node *node)
{
	for (size_t i = 0; i < node->params.count; i++) {
		free(node->params.at[i].name);
		free(node->params.at[i].value);
	}
	for (size_t i = 0; i < node->axes.count; i++)
		free(node->axes.at[i].name);
	for (size_t i = 0; i < node->ports.count; i++)
		free(node->ports.at[i].name);
	for (size_t i = 0; i < node->offers.count; i++) {
		free(node->offers.at[i].handle);
		free(node->offers.at[i].method);
	}
	for (size_t i = 0; i < node->reports.count; i++)
		free(node->reports.at[i].name);
	list_release(&node->offers);
	list_release(&node->params);
	list_release(&node->axes);
	list_release(&node->ports);
	list_release(&node->reports);
	statuses_release(&node->statuses);
}

void lpad_test_free(lpad_test *test)
{
	lpad_node *node = node_of(test);
	if (!test)
		return;
	lpad_test_end(test);
	free_calls(node);
	free_ports(node);
	free_settings(node);
	bound_release(&node->bound);
	text_release(&node->log);
	json_decref(node->document);
	module_free(node->module);
	if (node->folder && !node->folder_stays && files_remove_tree(node->folder))
		fprintf(stderr, "lpad test: %s could not be removed\n", node->folder);
	free(node->folder);
	free(node->name);
	free(node->state);
	free(node->stop_why);
	free(node->init_text);
	free(node->run_text);
	free(node);
}
