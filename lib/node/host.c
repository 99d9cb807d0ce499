/* SPDX-License-Identifier: MIT */
#include "node/host.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "node/random.h"

/* ---- the life of struct lpad_node ---- */

static void *member(const struct lpad_node *node, size_t offset)
{
	return (char *)node->state + offset;
}

static void put_pointer(const struct lpad_node *node, size_t offset, void *pointer)
{
	memcpy(member(node, offset), &pointer, sizeof pointer);
}

static void bind_ports(struct lpad_node *node)
{
	const lpad_implementation *declared = node->implementation;
	for (const lpad_handle_decl *handle = declared->handles; handle && handle->name; handle++)
		put_pointer(node, handle->into, link_handle(node->link, handle->name));
	for (const lpad_topic_decl *topic = declared->topics; topic && topic->name; topic++)
		put_pointer(node, topic->into, link_topic(node->link, topic->name));
	for (const lpad_subscription_decl *sub = declared->subscriptions; sub && sub->name; sub++)
		if (!sub->on)
			put_pointer(node, sub->into, link_subscription(node->link, sub->name));
	int place = 0;
	for (const lpad_method *method = declared->methods; method && method->name; method++, place++)
		if (!method->call)
			put_pointer(node, method->into, link_inbox(node->link, place));
}

static void *new_state(size_t size)
{
	size_t rounded = (size + 63) / 64 * 64;
	void *state = aligned_alloc(64, rounded ? rounded : 64);
	if (!state)
		abort();
	return memset(state, 0, rounded ? rounded : 64);
}

static int make_link(struct lpad_node *node, const struct link_hooks *hooks, struct error *error)
{
	struct edges edges;
	if (edges_read(node->process, node->document, node->implementation, &edges, error))
		return -1;
	node->link = link_new(&edges.spec, hooks, error);
	node->subscription_places = memory_array(edges.spec.subscription_count, sizeof *node->subscription_places);
	memcpy(node->subscription_places, edges.subscription_places,
		edges.spec.subscription_count * sizeof *node->subscription_places);
	edges_release(&edges);
	return node->link ? 0 : -1;
}

struct lpad_node *host_node_new(const struct node_document *process, const struct replica_document *document,
	const lpad_implementation *implementation, const struct node_owner *owner, const struct link_hooks *hooks,
	struct error *error)
{
	struct lpad_node *node = memory_new(sizeof *node);
	node->process = process;
	node->document = document;
	node->implementation = implementation;
	if (owner)
		node->owner = *owner;
	node->state = new_state(implementation->state);
	pthread_mutex_init(&node->lock, NULL);
	pthread_mutex_init(&node->guard, NULL);
	reports_init(&node->reports);
	statuses_init(&node->statuses);
	if (bind_state(implementation, document->params, node->state, &node->bound, error) || make_link(node, hooks, error)) {
		error_wrap(error, "%s", document->node);
		host_node_free(node);
		return NULL;
	}
	bind_ports(node);
	return node;
}

void host_node_free(struct lpad_node *node)
{
	if (node->link)
		link_free(node->link);
	bound_release(&node->bound);
	reports_release(&node->reports);
	statuses_release(&node->statuses);
	pthread_mutex_destroy(&node->lock);
	pthread_mutex_destroy(&node->guard);
	free(node->subscription_places);
	free(node->handlers);
	free(node->state);
	free(node);
}

void host_node_stop(struct lpad_node *node, bool alone)
{
	pthread_mutex_lock(&node->guard);
	bool again = node->stopped;
	node->stopped = true;
	pthread_mutex_unlock(&node->guard);
	if (again)
		return;
	node->alone = alone;
	link_stop(node->link);
	for (size_t i = 0; i < node->handler_count; i++)        /* nobody adds any more: see host_on_stop */
		node->handlers[i].function(node, node->handlers[i].context);
}

/* ---- check: everything that talks is refused ---- */

static _Thread_local bool checking;

static int refused(void)
{
	return fault_set(LPAD_EINVALID, "a check callback may not call, publish, take or wait");
}

int host_node_check(struct lpad_node *node, struct error *error)
{
	if (!node->implementation->check)
		return 0;
	checking = true;
	int result = node->implementation->check(node);
	checking = false;
	if (!result)
		return 0;
	return error_code(error, 1, "%s", fault_code() == result && *fault_text() ? fault_text() : fault_string(result));
}

static void ignore_note(void *context, const char *text)
{
	(void)context, (void)text;
}

static void ignore(void *context)
{
	(void)context;
}

static const struct link_hooks silent = { .wired = ignore, .drained = ignore, .note = ignore_note, .wake = ignore };

int host_check(const lpad_implementation *implementation, json_t *document, struct error *error)
{
	struct node_document process;
	if (document_read_check(json_incref(document), &process, error))
		return -1;
	struct lpad_node *node = host_node_new(&process, &process.nodes[0], implementation, NULL, &silent, error);
	int result = node ? host_node_check(node, error) : error_code(error, 0, "%s", error->text);
	if (node)
		host_node_free(node);
	document_release(&process);
	return result;
}

/* ---- the table: who am I, life ---- */

static const char *host_error(void)
{
	return fault_text();
}

static lpad_deadline host_in(double seconds)
{
	const double most = 9e9;        /* seconds; 285 years, well inside 64 bits of nanoseconds */
	if (!(seconds < most))
		return (lpad_deadline){ INT64_MAX };
	return (lpad_deadline){ clock_ns() + (seconds > 0 ? (int64_t)(seconds * 1e9) : 0) };
}

static void *host_state(lpad_node *node)
{
	return node->state;
}

static const char *host_name(lpad_node *node)
{
	return node->document->node;
}

static const char *host_group(lpad_node *node)
{
	return node->document->group;
}

static const char *host_run_id(lpad_node *node)
{
	return node->process->run;
}

static const char *host_folder(lpad_node *node)
{
	return node->document->folder;
}

static int host_index(lpad_node *node)
{
	return node->document->index;
}

static int host_replicas(lpad_node *node)
{
	return node->document->replicas;
}

static int host_incarnation(lpad_node *node)
{
	return node->document->incarnation;
}

static int64_t host_seed(lpad_node *node)
{
	return node->process->seed;
}

static const struct axis_document *find_axis(const lpad_node *node, const char *name)
{
	for (size_t i = 0; i < node->document->axis_count; i++)
		if (!strcmp(node->document->axes[i].name, name))
			return &node->document->axes[i];
	return NULL;
}

static int host_coordinate(lpad_node *node, const char *name)
{
	const struct axis_document *axis = find_axis(node, name);
	return axis ? axis->coordinate : -1;
}

static int host_extent(lpad_node *node, const char *name)
{
	const struct axis_document *axis = find_axis(node, name);
	return axis ? axis->extent : 0;
}

static bool host_stopping(lpad_node *node)
{
	return link_stopping(node->link);
}

static int host_wait_stop(lpad_node *node, lpad_deadline deadline)
{
	return checking ? refused() : link_wait_stop(node->link, deadline);
}

static int host_on_stop(lpad_node *node, void (*function)(lpad_node *, void *), void *context)
{
	pthread_mutex_lock(&node->guard);
	bool stopped = node->stopped;
	if (!stopped) {
		node->handlers = memory_resize(node->handlers, node->handler_count + 1, sizeof *node->handlers);
		node->handlers[node->handler_count++] = (struct stop_handler){ function, context };
	}
	pthread_mutex_unlock(&node->guard);
	if (stopped)
		function(node, context);
	return 0;
}

static int host_stop(lpad_node *node, int code, const char *why)
{
	if (checking)
		return refused();
	if (code < 0 || code > 125)
		return fault_set(LPAD_EINVALID, "lpad_stop: the exit code is 0 to 125, not %d", code);
	if (node->owner.stop)
		node->owner.stop(node->owner.context, node, code, why ? why : "");
	return 0;
}

static int __attribute__((format(printf, 2, 3))) host_fail(lpad_node *node, const char *format, ...)
{
	(void)node;
	va_list list;
	va_start(list, format);
	char *text = memory_format_list(format, list);
	va_end(list);
	fault_set(LPAD_EINVALID, "%s", text);
	free(text);
	return LPAD_EINVALID;
}

/* Who shares its process says who it is, on every line. */
static void add_lines(struct text *out, const struct lpad_node *node, const char *text)
{
	size_t length = strlen(text);
	while (length && text[length - 1] == '\n')
		length--;
	for (const char *end = text + length, *line = text; line <= end; ) {
		const char *newline = memchr(line, '\n', (size_t)(end - line)), *stop = newline ? newline : end;
		if (node->process->count > 1)
			text_format(out, "%s: ", node->document->node);
		text_add_span(out, line, (size_t)(stop - line));
		text_add_char(out, '\n');
		line = stop + 1;
	}
}

/* One write, so that lines of several threads do not mix. */
static void __attribute__((format(printf, 2, 3))) host_log(lpad_node *node, const char *format, ...)
{
	struct text cleanup_text lines = { 0 };
	va_list list;
	va_start(list, format);
	char *text = memory_format_list(format, list);
	va_end(list);
	add_lines(&lines, node, text);
	files_write_all(2, lines.data, lines.length);
	free(text);
}

static void host_report(lpad_node *node, const char *name, double value, int64_t step)
{
	if (!checking && reports_add(&node->reports, name, value, step) && node->owner.wake)
		node->owner.wake(node->owner.context);
}

static void refuse_status(const struct lpad_node *node, const char *name)
{
	char *cleanup_free text = memory_format("lpad_status: \"%s\" is not shown: a node has at most %d names", name, STATUSES_MOST);
	if (node->owner.note)
		node->owner.note(node->owner.context, text);
}

static void __attribute__((format(printf, 3, 4))) host_status(lpad_node *node, const char *name, const char *format, ...)
{
	va_list list;
	if (checking)
		return;
	va_start(list, format);
	char *cleanup_free text = format ? memory_format_list(format, list) : NULL;
	va_end(list);
	enum status_outcome outcome = statuses_set(&node->statuses, name, text);
	if (outcome == STATUS_REFUSED)
		refuse_status(node, name);
	else if (outcome == STATUS_CHANGED && node->owner.wake)
		node->owner.wake(node->owner.context);
}

static lpad_rng host_random(lpad_node *node, const char *name)
{
	const struct replica_document *document = node->document;
	return random_stream(node->process->seed, document->group, document->index, document->incarnation, name);
}

static void host_lock(lpad_node *node)
{
	pthread_mutex_lock(&node->lock);
}

static void host_unlock(lpad_node *node)
{
	pthread_mutex_unlock(&node->lock);
}

/* ---- the table: what talks ---- */

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

static int host_call_to(lpad_handle *handle, int place, const char *method, lpad_message *request, lpad_message **reply,
	lpad_deadline deadline)
{
	if (checking) {
		message_free(request);
		return refused();
	}
	return handle_call(handle, place, method, request, reply, deadline);
}

static lpad_future *host_start(lpad_handle *handle, int place, const char *method, lpad_message *request,
	lpad_deadline deadline)
{
	return handle_start(checking ? NULL : handle, place, method, request, deadline);
}

static int host_await_server(lpad_handle *handle, int place, lpad_deadline deadline)
{
	return checking ? refused() : handle_await_server(handle, place, deadline);
}

static int host_restart_server(lpad_handle *handle, int place, const char *why)
{
	return checking ? refused() : handle_restart_server(handle, place, why);
}

static int host_set_batch(lpad_node *node, const char *method, int size, double wait)
{
	return checking ? refused() : link_set_batch(node->link, method, size, wait);
}

static int __attribute__((format(printf, 3, 4))) host_refuse(lpad_call *call, int code, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int result = call_refuse_list(call, code, format, list);
	va_end(list);
	return result;
}

static int host_next(lpad_inbox *inbox, lpad_call **out, lpad_deadline deadline)
{
	*out = NULL;
	return checking ? refused() : inbox_next(inbox, out, deadline);
}

static int host_next_from(lpad_inbox *inbox, lpad_handle *handle, int place, lpad_call **out, lpad_deadline deadline)
{
	*out = NULL;
	return checking ? refused() : inbox_next_from(inbox, handle, place, out, deadline);
}

static int host_publish(lpad_topic *topic, lpad_message *message)
{
	if (checking) {
		message_free(message);
		return refused();
	}
	return topic_publish(topic, message);
}

static int host_take(lpad_subscription *subscription, lpad_message **out, lpad_deadline deadline)
{
	*out = NULL;
	return checking ? refused() : subscription_take(subscription, out, deadline);
}

const lpad_host host_table = {
	.size = sizeof(lpad_host), .minor = LPAD_ABI_MINOR,
	.error = host_error, .strerror = fault_string, .in = host_in,
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
	.count = handle_count, .place = handle_place, .server = handle_server, .call_to = host_call_to, .start = host_start,
	.wait = future_wait, .wait_any = future_wait_any, .ready = future_ready, .cancel = future_cancel,
	.await_server = host_await_server, .restart_server = host_restart_server,
	.request = call_request, .method = call_method, .caller = call_caller, .caller_index = call_caller_index,
	.caller_incarnation = call_caller_incarnation, .answer = call_answer, .refuse = host_refuse,
	.next = host_next, .next_from = host_next_from,
	.publish = host_publish, .subscribers = topic_subscribers, .take = host_take,
	.publishers = subscription_publishers,
	.then = future_then, .methods = handle_methods, .idempotent = handle_idempotent,
	.batch = call_batch, .set_batch = host_set_batch, .content = message_content,
	.status = host_status,
};
