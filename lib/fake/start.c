/* SPDX-License-Identifier: MIT */
/* A node until its init has returned: what the test says of it, its ports, its lanes. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fake/fake.h"

/* The module that the test program is linked with. */
extern const lpad_module_table lpad_module;

/* The wrappers of node.h work in the test from its first line on. */
static void __attribute__((constructor)) set_host(void)
{
	*lpad_module.host = &fake_host;
}

/* ---- before it starts ---- */

lpad_test *lpad_test_new(const char *implementation)
{
	struct error error = { 0 };
	lpad_node *node = memory_new(sizeof *node);
	statuses_init(&node->statuses);
	node->module = module_of_table(&lpad_module, &fake_host, &error);
	if (!node->module)
		fake_mistake("the module: %s", error.text);
	node->implementation = implementation ? module_find(node->module, implementation)
		: module_count(node->module) == 1 ? module_at(node->module, 0) : NULL;
	if (!node->implementation)
		fake_mistake(implementation ? "the module offers no implementation \"%s\""
			: "the module offers several implementations: name one of them%s", implementation ? implementation : "");
	node->replicas = 1;
	return test_of(node);
}

static void not_yet_started(const lpad_node *node, const char *what)
{
	if (node->document)
		fake_mistake("%s comes before lpad_test_start", what);
}

void lpad_test_param(lpad_test *test, const char *name, const char *value)
{
	not_yet_started(node_of(test), "lpad_test_param");
	*list_add(&node_of(test)->params) = (struct fake_param){ memory_copy_text(name), memory_copy_text(value) };
}

void lpad_test_replica(lpad_test *test, int index, int replicas)
{
	not_yet_started(node_of(test), "lpad_test_replica");
	node_of(test)->index = index;
	node_of(test)->replicas = replicas;
}

void lpad_test_axis(lpad_test *test, const char *name, int extent, int coordinate)
{
	not_yet_started(node_of(test), "lpad_test_axis");
	*list_add(&node_of(test)->axes) = (struct fake_axis){ memory_copy_text(name), extent, coordinate };
}

static bool has_port(const lpad_implementation *own, const char *name)
{
	for (const lpad_handle_decl *handle = own->handles; handle && handle->name; handle++)
		if (!strcmp(handle->name, name))
			return true;
	for (const lpad_subscription_decl *sub = own->subscriptions; sub && sub->name; sub++)
		if (!strcmp(sub->name, name))
			return true;
	for (const lpad_topic_decl *topic = own->topics; topic && topic->name; topic++)
		if (!strcmp(topic->name, name))
			return true;
	return false;
}

void lpad_test_folder(lpad_test *test, const char *path)
{
	lpad_node *node = node_of(test);
	not_yet_started(node, "lpad_test_folder");
	free(node->folder);
	node->folder = memory_copy_text(path);
	node->folder_stays = true;
}

void lpad_test_connect(lpad_test *test, const char *port, int peers)
{
	lpad_node *node = node_of(test);
	not_yet_started(node, "lpad_test_connect");
	if (!has_port(node->implementation, port))
		fake_mistake("%s has no port \"%s\"", node->implementation->name, port);
	*list_add(&node->ports) = (struct fake_port){ memory_copy_text(port), peers };
}

void lpad_test_offer(lpad_test *test, const char *handle, const char *method, bool idempotent)
{
	not_yet_started(node_of(test), "lpad_test_offer");
	*list_add(&node_of(test)->offers) = (struct fake_offer){ memory_copy_text(handle), memory_copy_text(method), idempotent };
}

/* ---- the start ---- */

static void put_pointer(const lpad_node *node, size_t offset, void *pointer)
{
	memcpy((char *)node->state + offset, &pointer, sizeof pointer);
}

static const char **methods_of_servers(const lpad_node *node, const lpad_handle_decl *declared)
{
	const char *calls = declared->calls ? declared->calls : "";
	const char **out = memory_array(strlen(calls) / 2 + 2 + node->offers.count, sizeof *out);
	int count = 0;
	for (size_t length; *(calls += strspn(calls, " ,")); calls += length) {
		length = strcspn(calls, " ,");
		out[count++] = memory_copy_span(calls, length);
	}
	for (size_t i = 0; i < node->offers.count; i++)
		if (!strcmp(node->offers.at[i].handle, declared->name))
			out[count++] = memory_copy_text(node->offers.at[i].method);
	return out;
}

static void bind_handle(lpad_node *node, const lpad_handle_decl *declared, json_t *json)
{
	json_t *servers = json_object_get(json, "servers");
	struct lpad_handle *handle = &node->handles[node->handle_count++];
	*handle = (struct lpad_handle){ .test = test_of(node), .name = memory_copy_text(declared->name),
		.count = (int)json_array_size(servers), .place = (int)json_integer_value(json_object_get(json, "place")),
		.methods = methods_of_servers(node, declared) };
	handle->servers = memory_array((size_t)handle->count, sizeof *handle->servers);
	handle->incarnations = memory_array((size_t)handle->count, sizeof *handle->incarnations);
	for (int i = 0; i < handle->count; i++) {
		handle->servers[i] = handle->count > 1 ? memory_format("%s/%d", declared->name, i) : memory_copy_text(declared->name);
		handle->incarnations[i] = 1;
	}
	put_pointer(node, declared->into, handle);
}

static void bind_handles(lpad_node *node)
{
	size_t count = 0;
	json_t *handles = json_object_get(node->document, "handles");
	for (const lpad_handle_decl *one = node->implementation->handles; one && one->name; one++)
		count++;
	node->handles = memory_array(count, sizeof *node->handles);
	for (const lpad_handle_decl *one = node->implementation->handles; one && one->name; one++)
		if (json_object_get(handles, one->name))
			bind_handle(node, one, json_object_get(handles, one->name));
}

static int port_peers(const lpad_node *node, const char *name)
{
	for (size_t i = 0; i < node->ports.count; i++)
		if (!strcmp(node->ports.at[i].name, name))
			return node->ports.at[i].peers;
	return 0;
}

static void bind_topics(lpad_node *node)
{
	for (const lpad_topic_decl *one = node->implementation->topics; one && one->name; one++)
		node->topic_count++;
	node->topics = memory_array(node->topic_count, sizeof *node->topics);
	for (size_t i = 0; i < node->topic_count; i++) {
		const lpad_topic_decl *one = &node->implementation->topics[i];
		node->topics[i] = (struct lpad_topic){ .test = test_of(node), .name = memory_copy_text(one->name),
			.subscribers = port_peers(node, one->name) };
		put_pointer(node, one->into, &node->topics[i]);
	}
}

static void bind_subscriptions(lpad_node *node)
{
	for (const lpad_subscription_decl *one = node->implementation->subscriptions; one && one->name; one++)
		node->subscription_count++;
	node->subscriptions = memory_array(node->subscription_count, sizeof *node->subscriptions);
	for (size_t i = 0; i < node->subscription_count; i++) {
		const lpad_subscription_decl *one = &node->implementation->subscriptions[i];
		node->subscriptions[i] = (struct lpad_subscription){ .test = test_of(node), .declared = one,
			.publishers = port_peers(node, one->name) };
		if (!one->on)
			put_pointer(node, one->into, node->subscriptions[i].publishers ? &node->subscriptions[i] : NULL);
	}
}

/* What the servers behind it offer, if it stands in front of them. */
static const char *const *mirrored(const lpad_node *node)
{
	static const char *const none[] = { NULL };
	const char *name = node->implementation->mirrors;
	for (size_t i = 0; name && i < node->handle_count; i++)
		if (!strcmp(node->handles[i].name, name))
			return node->handles[i].methods;
	return none;
}

static void bind_methods(lpad_node *node)
{
	size_t most = 0;
	const char *const *others = mirrored(node);
	for (const lpad_method *one = node->implementation->methods; one && one->name; one++)
		most++;
	for (size_t i = 0; others[i]; i++)
		most++;
	node->methods = memory_array(most, sizeof *node->methods);
	for (const lpad_method *one = node->implementation->methods; one && one->name; one++)
		node->methods[node->method_count++] = *one;
	for (size_t i = 0; others[i]; i++)
		node->methods[node->method_count++] = (lpad_method){ .name = others[i], .call = node->implementation->forward };
}

static void bind_inboxes(lpad_node *node)
{
	node->inboxes = memory_array(node->method_count, sizeof *node->inboxes);
	for (size_t i = 0; i < node->method_count; i++) {
		node->inboxes[i] = (struct lpad_inbox){ test_of(node), (int)i };
		if (!node->methods[i].call)
			put_pointer(node, node->methods[i].into, &node->inboxes[i]);
	}
}

static void make_folder(lpad_node *node)
{
	const char *parent = getenv("TMPDIR");
	if (node->folder)
		return;
	node->folder = memory_format("%s/lpad-test.XXXXXX", parent && *parent ? parent : "/tmp");
	if (!mkdtemp(node->folder))
		fake_mistake("cannot make a folder in %s", parent ? parent : "/tmp");
}

int lpad_test_start(lpad_test *test)
{
	lpad_node *node = node_of(test);
	struct error error = { 0 };
	not_yet_started(node, "a second lpad_test_start");
	make_folder(node);
	int code = fake_document(node);
	if (code)
		return code;
	size_t size = (node->implementation->state + 64) / 64 * 64;
	node->state = aligned_alloc(64, size);
	memset(node->state, 0, size);
	node->name = memory_copy_text(json_string_value(json_object_get(node->document, "node")));
	if (bind_state(node->implementation, json_object_get(node->document, "params"), node->state, &node->bound, &error))
		return fault_set(LPAD_EINVALID, "%s", error.text);
	bind_handles(node);
	bind_topics(node);
	bind_subscriptions(node);
	bind_methods(node);
	bind_inboxes(node);
	lane_start(&node->service, test, fake_service_lane);
	lane_start(&node->run, test, fake_run_lane);
	lane_go(&node->run);
	if (node->init_result)
		return fault_set(node->init_result, "%s", node->init_text);
	node->started = true;
	return 0;
}

