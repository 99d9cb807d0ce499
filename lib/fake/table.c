/* SPDX-License-Identifier: MIT */
/* What the node calls. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fake/fake.h"
#include "node/random.h"

/* In check: as in a launch. */
static int refused(void)
{
	return fault_set(LPAD_EINVALID, "a check callback may not call, publish, take or wait");
}

static int64_t absolute(lpad_deadline deadline)
{
	return deadline.at == INT64_MIN ? INT64_MAX : deadline.at;
}

/* ---- who am I ---- */

static lpad_deadline host_in(double seconds)
{
	return (lpad_deadline){ !(seconds < 9e9) ? INT64_MAX : fake_now() + (seconds > 0 ? (int64_t)(seconds * 1e9) : 0) };
}

static void *host_state(lpad_node *node)
{
	return node->state;
}

static const char *host_name(lpad_node *node)
{
	return node->name;
}

static const char *host_group(lpad_node *node)
{
	return json_string_value(json_object_get(node->document, "group"));
}

static const char *host_run_id(lpad_node *node)
{
	(void)node;
	return "test";
}

static const char *host_folder(lpad_node *node)
{
	return node->folder;
}

static int host_index(lpad_node *node)
{
	return node->index;
}

static int host_replicas(lpad_node *node)
{
	return node->replicas;
}

static int host_incarnation(lpad_node *node)
{
	(void)node;
	return 1;
}

static int64_t host_seed(lpad_node *node)
{
	(void)node;
	return 1;
}

static const struct fake_axis *axis(const lpad_node *node, const char *name)
{
	for (size_t i = 0; i < node->axes.count; i++)
		if (!strcmp(node->axes.at[i].name, name))
			return &node->axes.at[i];
	return NULL;
}

static int host_coordinate(lpad_node *node, const char *name)
{
	return axis(node, name) ? axis(node, name)->coordinate : -1;
}

static int host_extent(lpad_node *node, const char *name)
{
	return axis(node, name) ? axis(node, name)->extent : 0;
}

/* ---- life ---- */

static bool host_stopping(lpad_node *node)
{
	return node->stopping;
}

static bool never(void *context)
{
	(void)context;
	return false;
}

static int host_wait_stop(lpad_node *node, lpad_deadline deadline)
{
	if (node->checking)
		return refused();
	int code = lane_wait(test_of(node), LPAD_TEST_STOP, never, NULL, absolute(deadline));
	return node->stopping ? 0 : code;
}

static int host_on_stop(lpad_node *node, void (*function)(lpad_node *, void *), void *context)
{
	if (node->stopping)
		function(node, context);
	else if (node->handler_count == sizeof node->handlers / sizeof node->handlers[0])
		fake_mistake("more stop handlers than a test can keep");
	else {
		node->handlers[node->handler_count].function = function;
		node->handlers[node->handler_count++].context = context;
	}
	return 0;
}

static int host_stop(lpad_node *node, int code, const char *why)
{
	if (node->checking)
		return refused();
	if (code < 0 || code > 125)
		return fault_set(LPAD_EINVALID, "lpad_stop: the exit code is 0 to 125, not %d", code);
	if (node->stop_asked)
		return 0;
	node->stop_asked = true;
	node->stop_code = code;
	node->stop_why = memory_copy_text(why ? why : "");
	return 0;
}

static int __attribute__((format(printf, 2, 3))) host_fail(lpad_node *node, const char *format, ...)
{
	va_list list;
	(void)node;
	va_start(list, format);
	char *cleanup_free text = memory_format_list(format, list);
	va_end(list);
	return fault_set(LPAD_EINVALID, "%s", text);
}

static void __attribute__((format(printf, 2, 3))) host_log(lpad_node *node, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *cleanup_free text = memory_format_list(format, list);
	va_end(list);
	size_t length = strlen(text);
	text_add_span(&node->log, text, length && text[length - 1] == '\n' ? length - 1 : length);
	text_add_char(&node->log, '\n');
}

static void host_report(lpad_node *node, const char *name, double value, int64_t step)
{
	if (!node->checking)
		*list_add(&node->reports) = (struct fake_report){ memory_copy_text(name), value, step };
}

static void __attribute__((format(printf, 3, 4))) host_status(lpad_node *node, const char *name, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *cleanup_free text = format ? memory_format_list(format, list) : NULL;
	va_end(list);
	if (!node->checking)
		statuses_set(&node->statuses, name, text);
}

static lpad_rng host_random(lpad_node *node, const char *name)
{
	return random_stream(1, host_group(node), node->index, 1, name);
}

static bool unlocked(void *context)
{
	return !((lpad_node *)context)->locked;
}

static void host_lock(lpad_node *node)
{
	lane_wait(test_of(node), LPAD_TEST_LOCK, unlocked, node, INT64_MAX);
	node->locked = true;
}

static void host_unlock(lpad_node *node)
{
	node->locked = false;
}

/* ---- messages that could not be made ---- */

static lpad_message *host_json(const char *text)
{
	lpad_message *message = message_json(text);
	return message ? message : message_broken();
}

static lpad_message *host_tensors(int count, const lpad_tensor *list)
{
	lpad_message *message = message_tensors(count, list);
	return message ? message : message_broken();
}

/* ---- calling ---- */

static int host_count(const lpad_handle *handle)
{
	return handle ? handle->count : 0;
}

static int host_place(const lpad_handle *handle)
{
	return handle ? handle->place : -1;
}

static const char *host_server(const lpad_handle *handle, int place)
{
	return handle && place >= 0 && place < handle->count ? handle->servers[place] : NULL;
}

static int host_methods(const lpad_handle *handle, int place, const char *const **names)
{
	int count = 0;
	if (!handle || place < 0 || place >= handle->count)
		return fault_set(LPAD_EINVALID, "there is no such server");
	while (handle->methods[count])
		count++;
	*names = handle->methods;
	return count;
}

static bool offered_idempotent(const lpad_handle *handle, const char *method)
{
	const lpad_node *node = node_of(handle->test);
	for (size_t i = 0; i < node->offers.count; i++)
		if (!strcmp(node->offers.at[i].handle, handle->name) && !strcmp(node->offers.at[i].method, method))
			return node->offers.at[i].idempotent;
	return true;                            /* nothing is lost in a test but what the test loses */
}

static int host_idempotent(const lpad_handle *handle, int place, const char *method)
{
	const char *const *names = NULL;
	int count = host_methods(handle, place, &names);
	for (int i = 0; i < count; i++)
		if (!strcmp(names[i], method))
			return offered_idempotent(handle, method);
	return 0;
}

/* Round robin over those that are not gone. */
static int choose(lpad_handle *handle)
{
	for (int i = 0; i < handle->count; i++) {
		int place = handle->turn++ % handle->count;
		if (handle->incarnations[place] >= 0)
			return place;
	}
	return fault_set(LPAD_EGONE, "%s: no server is left, all are gone for good", handle->name);
}

static int check_call(const lpad_handle *handle, int *place, const char *method, const lpad_message *request)
{
	if (!handle)
		return fault_set(LPAD_EINVALID, "the handle is not connected");
	const lpad_node *node = node_of(handle->test);
	if (node->checking)
		return refused();
	if (*place == LPAD_ANY && (*place = choose((lpad_handle *)handle)) < 0)
		return *place;
	if (*place < 0 || *place >= handle->count)
		return fault_set(LPAD_EINVALID, "%s has no place %d: it has %d", handle->name, *place, handle->count);
	if (node->stopping)
		return fault_set(LPAD_ESTOPPED, "%s.%s: the program is stopping", handle->servers[*place], method);
	if (handle->incarnations[*place] < 0)
		return fault_set(LPAD_EGONE, "%s.%s: %s will never come back; the call was not sent", handle->servers[*place], method,
			handle->servers[*place]);
	for (const char **name = handle->methods; *name; name++)
		if (!strcmp(*name, method))
			return message_refused(request);
	return fault_set(LPAD_ENOMETHOD, "%s has no method %s: the node does not declare that it calls it (LPAD_HANDLE)",
		handle->servers[*place], method);
}

static lpad_future *host_start(lpad_handle *handle, int place, const char *method, lpad_message *request,
	lpad_deadline deadline)
{
	lpad_future *future = memory_new(sizeof *future);
	int code = check_call(handle, &place, method, request);
	*future = (lpad_future){ .request = request ? request : message_bytes(NULL, 0), .deadline = absolute(deadline),
		.test = handle ? handle->test : NULL };
	if (code) {
		fake_finish(future, code, fault_text(), NULL);
		return future;
	}
	if (request)
		message_seal(request);
	future->handle = handle;
	future->place = place;
	future->method = memory_copy_text(method);
	*list_add(&node_of(handle->test)->futures) = future;
	return future;
}

static bool is_done(void *context)
{
	const lpad_future *future = context;
	return future->done;
}

static int host_wait(lpad_future *future, lpad_message **reply)
{
	if (reply)
		*reply = NULL;
	if (!future)
		return fault_set(LPAD_EINVALID, "there is no future to wait for");
	int code = future->done ? 0 : lane_wait(future->test, LPAD_TEST_REPLY, is_done, future, future->deadline);
	if (!code && future->code)
		code = fault_set(future->code, "%s", future->text);
	if (!code && reply) {
		*reply = future->reply;
		future->reply = NULL;
	}
	fake_free_future(future);
	return code;
}

struct several {
	lpad_future **futures;
	int count;
};

static bool any_is_done(void *context)
{
	const struct several *several = context;
	for (int i = 0; i < several->count; i++)
		if (several->futures[i] && several->futures[i]->done)
			return true;
	return false;
}

static int host_wait_any(lpad_future **futures, int count, lpad_deadline deadline)
{
	struct several several = { futures, count };
	lpad_test *test = NULL;
	bool one = false;
	for (int i = 0; i < count; i++) {
		one |= futures[i] != NULL;
		if (futures[i] && futures[i]->test)
			test = futures[i]->test;
	}
	if (!one)
		return fault_set(LPAD_EINVALID, "there is no future to wait for");
	int code = any_is_done(&several) ? 0 : lane_wait(test, LPAD_TEST_REPLY, any_is_done, &several, absolute(deadline));
	for (int i = 0; i < count && !code; i++)
		if (futures[i] && futures[i]->done)
			return i;
	return code;
}

static int host_ready(lpad_future *future)
{
	return !future || future->done;
}

static void host_cancel(lpad_future *future)
{
	if (future)
		fake_free_future(future);
}

static int host_then(lpad_future *future, void (*done)(lpad_node *, lpad_future *, void *), void *context)
{
	if (!future || !future->test)
		return fault_set(LPAD_EINVALID, "%s", future ? future->text : "there is no future");
	future->then = done;
	future->context = context;
	if (future->done)
		fake_post(node_of(future->test), (struct service_work){ .kind = SERVICE_THEN, .future = future });
	return 0;
}

static int host_call_to(lpad_handle *handle, int place, const char *method, lpad_message *request, lpad_message **reply,
	lpad_deadline deadline)
{
	return host_wait(host_start(handle, place, method, request, deadline), reply);
}

struct server_place {
	const lpad_handle *handle;
	int place;
};

static bool is_up(void *context)
{
	const struct server_place *at = context;
	return at->handle->incarnations[at->place] != 0;
}

static int host_await_server(lpad_handle *handle, int place, lpad_deadline deadline)
{
	struct server_place at = { handle, place };
	if (!handle || place < 0 || place >= handle->count)
		return fault_set(LPAD_EINVALID, "there is no such server");
	if (node_of(handle->test)->checking)
		return refused();
	int code = lane_wait(handle->test, LPAD_TEST_SERVER, is_up, &at, absolute(deadline));
	if (code)
		return code;
	return handle->incarnations[place] > 0 ? handle->incarnations[place]
		: fault_set(LPAD_EGONE, "%s will never come back", handle->servers[place]);
}

static int host_restart_server(lpad_handle *handle, int place, const char *why)
{
	(void)why;
	if (!handle || place < 0 || place >= handle->count)
		return fault_set(LPAD_EINVALID, "there is no such server");
	node_of(handle->test)->restarts++;
	lpad_test_up(handle->test, handle->name, place, 0);
	return 0;
}

/* ---- serving ---- */

static const lpad_message *host_request(const lpad_call *call)
{
	return call->request;
}

static const char *host_method(const lpad_call *call)
{
	return node_of(call->test)->methods[call->method].name;
}

static const char *host_caller(const lpad_call *call)
{
	return fake_is_batch(call) ? "" : fake_caller(call);
}

static int host_caller_index(const lpad_call *call)
{
	const char *replica = call->caller ? strchr(call->caller, '/') : NULL;
	return fake_is_batch(call) ? -1 : call->handle ? call->place : replica ? atoi(replica + 1) : 0;
}

static int host_caller_incarnation(const lpad_call *call)
{
	if (call->caller)
		return call->incarnation;
	return call->handle && call->handle->incarnations[call->place] > 0 ? call->handle->incarnations[call->place] : 1;
}

static int host_batch(const lpad_call *call)
{
	(void)call;
	return 1;
}

static int end_call(lpad_call *call, int code, const char *text, lpad_message *reply)
{
	if (!call || call->state == CALL_DONE) {
		message_free(reply);
		return fault_set(LPAD_EINVALID, call ? "%s: the call was answered already" : "there is no call to answer",
			call ? host_method(call) : "");
	}
	call->state = CALL_DONE;
	call->code = code;
	call->text = memory_copy_text(text);
	call->reply = reply;
	return 0;
}

static int host_answer(lpad_call *call, lpad_message *reply)
{
	int broken = message_refused(reply);
	bool open = call && call->state != CALL_DONE;
	char *cleanup_free wrong = open && !broken ? fake_close(call, &reply) : NULL;
	if (wrong)
		broken = fault_set(LPAD_EINVALID, "%s %s", host_method(call), wrong);
	message_seal(reply);
	if (!broken)
		return end_call(call, 0, NULL, reply);
	end_call(call, broken, fault_text(), NULL);
	message_free(reply);
	return broken;
}

static int __attribute__((format(printf, 3, 4))) host_refuse(lpad_call *call, int code, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *cleanup_free text = memory_format_list(format, list);
	va_end(list);
	return end_call(call, code < 0 ? code : LPAD_EFAILED, text, NULL);
}

struct box_wait {
	lpad_inbox *inbox;
	const lpad_handle *handle;
	int place;
};

static lpad_call *first_in(const struct box_wait *wait)
{
	const lpad_node *node = node_of(wait->inbox->test);
	for (size_t i = 0; i < node->calls.count; i++) {
		lpad_call *call = node->calls.at[i];
		if (call->state == CALL_QUEUED && call->method == wait->inbox->method
		    && (!wait->handle || (call->handle == wait->handle && call->place == wait->place)))
			return call;
	}
	return NULL;
}

static bool has_call(void *context)
{
	return first_in(context) != NULL;
}

static int take_call(const struct box_wait *wait, lpad_call **out, lpad_deadline deadline)
{
	struct box_wait own = *wait;
	*out = NULL;
	if (!wait->inbox)
		return fault_set(LPAD_EINVALID, "there is no inbox");
	if (node_of(wait->inbox->test)->checking)
		return refused();
	if (node_of(wait->inbox->test)->stopping)
		return fault_set(LPAD_ESTOPPED, "the program is stopping");
	int code = lane_wait(wait->inbox->test, LPAD_TEST_CALL, has_call, &own, absolute(deadline));
	if (code)
		return code;
	*out = first_in(wait);
	(*out)->state = CALL_TAKEN;
	return 0;
}

static int host_next(lpad_inbox *inbox, lpad_call **out, lpad_deadline deadline)
{
	return take_call(&(struct box_wait){ .inbox = inbox }, out, deadline);
}

static int host_next_from(lpad_inbox *inbox, lpad_handle *handle, int place, lpad_call **out, lpad_deadline deadline)
{
	*out = NULL;
	if (!handle || place < 0 || place >= handle->count)
		return fault_set(LPAD_EINVALID, "there is no such server");
	return take_call(&(struct box_wait){ inbox, handle, place }, out, deadline);
}

/* ---- topics ---- */

static int host_publish(lpad_topic *topic, lpad_message *message)
{
	int code = 0;
	if (!topic || !message)
		code = fault_set(LPAD_EINVALID, topic ? "there is no message to publish" : "there is no topic to publish on");
	else if (node_of(topic->test)->checking)
		code = refused();
	else
		code = message_refused(message);
	if (code) {
		message_free(message);
		return code;
	}
	message_seal(message);
	*list_add(&topic->published) = message;
	return 0;
}

static int host_subscribers(const lpad_topic *topic)
{
	return topic ? topic->subscribers : 0;
}

static bool has_message(void *context)
{
	const lpad_subscription *subscription = context;
	return subscription->queue.count || subscription->ended;
}

static int host_take(lpad_subscription *subscription, lpad_message **out, lpad_deadline deadline)
{
	*out = NULL;
	if (!subscription)
		return fault_set(LPAD_EINVALID, "the subscription is not connected");
	if (node_of(subscription->test)->checking)
		return refused();
	int code = lane_wait(subscription->test, LPAD_TEST_MESSAGE, has_message, subscription, absolute(deadline));
	if (code)
		return code;
	if (!subscription->queue.count)
		return fault_set(LPAD_EENDED, "subscription \"%s\": every publisher has ended", subscription->declared->name);
	*out = subscription->queue.at[0];
	memmove(subscription->queue.at, subscription->queue.at + 1, --subscription->queue.count * sizeof(lpad_message *));
	return 0;
}

static int host_publishers(const lpad_subscription *subscription)
{
	return subscription && !subscription->ended ? subscription->publishers : 0;
}

const lpad_host fake_host = {
	.size = sizeof(lpad_host), .minor = LPAD_ABI_MINOR,
	.error = fault_text, .strerror = fault_string, .in = host_in,
	.state = host_state, .name = host_name, .group = host_group, .run_id = host_run_id, .folder = host_folder,
	.index = host_index, .replicas = host_replicas, .incarnation = host_incarnation, .seed = host_seed,
	.coordinate = host_coordinate, .extent = host_extent,
	.stopping = host_stopping, .wait_stop = host_wait_stop, .on_stop = host_on_stop, .stop = host_stop,
	.fail = host_fail, .log = host_log, .report = host_report, .random = host_random,
	.lock = host_lock, .unlock = host_unlock,
	.bytes = message_bytes, .json = host_json, .tensors = host_tensors, .share = message_share, .free = message_free,
	.kind = message_kind, .length = message_size, .fill = message_fill, .data = message_data, .body = message_body,
	.json_text = message_json_text, .view = message_view, .tensor_count = message_tensor_count,
	.tensor_at = message_tensor_at, .set_meta = message_set_meta, .meta = message_meta, .save = message_save,
	.load = message_load, .sender = message_sender, .sender_index = message_sender_index,
	.sender_incarnation = message_sender_incarnation,
	.count = host_count, .place = host_place, .server = host_server, .call_to = host_call_to, .start = host_start,
	.wait = host_wait, .wait_any = host_wait_any, .ready = host_ready, .cancel = host_cancel,
	.await_server = host_await_server, .restart_server = host_restart_server,
	.request = host_request, .method = host_method, .caller = host_caller, .caller_index = host_caller_index,
	.caller_incarnation = host_caller_incarnation, .answer = host_answer, .refuse = host_refuse,
	.next = host_next, .next_from = host_next_from,
	.publish = host_publish, .subscribers = host_subscribers, .take = host_take, .publishers = host_publishers,
	.then = host_then, .methods = host_methods, .idempotent = host_idempotent, .batch = host_batch, .set_batch = fake_set_batch,
	.content = message_content,
	.status = host_status,
};
