/* SPDX-License-Identifier: MIT */
/* A replica's edges of the document as lib/link wants them: see document.h. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "node/document.h"

/* Kept with `edges`, freed with it. */
static void *keep(struct edges *edges, size_t count, size_t size)
{
	edges->blocks = memory_resize(edges->blocks, edges->block_count + 1, sizeof *edges->blocks);
	return edges->blocks[edges->block_count++] = memory_array(count, size);
}

static int64_t integer(json_t *object, const char *key, int64_t fallback)
{
	json_t *value = json_object_get(object, key);
	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

static int64_t nanoseconds(json_t *value)
{
	return json_is_number(value) ? (int64_t)(json_number_value(value) * 1e9) : -1;
}

static struct peer_spec read_peer(json_t *json, const char *address_key)
{
	return (struct peer_spec){
		.node = json_string_value(json_object_get(json, "node")),
		.group = (uint32_t)integer(json, "number", 0),
		.index = (uint32_t)integer(json, "index", 0),
		.incarnation = (uint32_t)integer(json, "incarnation", 1),
		.address = address_key ? json_string_value(json_object_get(json, address_key)) : NULL,
	};
}

static struct peer_spec *read_peers(struct edges *edges, json_t *list, const char *address_key, size_t *count)
{
	size_t i;
	json_t *peer;
	*count = json_array_size(list);
	struct peer_spec *out = keep(edges, *count, sizeof *out);
	json_array_foreach(list, i, peer)
		out[i] = read_peer(peer, address_key);
	return out;
}

static struct listen_link read_listen(struct edges *edges, json_t *list)
{
	size_t i;
	json_t *address;
	const char **out = keep(edges, json_array_size(list), sizeof *out);
	json_array_foreach(list, i, address)
		out[i] = json_string_value(address);
	return (struct listen_link){ out, json_array_size(list) };
}

/* What the servers of one group offer, as the topology knows it before any of them is up. */
static struct offered_methods read_offered(struct edges *edges, const char *group, json_t *list)
{
	size_t i, count = json_array_size(list);
	json_t *method;
	const char **names = keep(edges, count, sizeof *names);
	bool *idempotent = keep(edges, count, sizeof *idempotent);
	json_array_foreach(list, i, method) {
		names[i] = json_string_value(json_object_get(method, "name"));
		idempotent[i] = json_is_true(json_object_get(method, "idempotent"));
	}
	return (struct offered_methods){ (uint32_t)strtoul(group, NULL, 10), names, idempotent, count };
}

static void read_methods_of_servers(struct edges *edges, json_t *groups, struct handle_link *out)
{
	const char *group;
	json_t *list;
	struct offered_methods *offered = keep(edges, json_object_size(groups), sizeof *offered);
	json_object_foreach(groups, group, list)
		offered[out->offered_count++] = read_offered(edges, group, list);
	out->offered = offered;
}

static void read_handles(struct edges *edges, json_t *handles)
{
	const char *name;
	json_t *handle;
	size_t i = 0;
	struct handle_link *out = keep(edges, json_object_size(handles), sizeof *out);
	json_object_foreach(handles, name, handle) {
		out[i].name = name;
		out[i].place = (int)integer(handle, "place", -1);
		out[i].deadline_ns = nanoseconds(json_object_get(handle, "deadline"));
		out[i].servers = read_peers(edges, json_object_get(handle, "servers"), "address", &out[i].count);
		read_methods_of_servers(edges, json_object_get(handle, "methods"), &out[i]);
		i++;
	}
	edges->spec.handles = out;
	edges->spec.handle_count = i;
}

static void read_mirrored(json_t *list, struct method_link *out)
{
	size_t i;
	json_t *method;
	json_array_foreach(list, i, method)
		out[i] = (struct method_link){ .name = json_string_value(json_object_get(method, "name")), .mirrored = true,
			.idempotent = json_is_true(json_object_get(method, "idempotent")),
			.request = json_string_value(json_object_get(method, "request")),
			.reply = json_string_value(json_object_get(method, "reply")) };
}

/* Those of the node behind it, which it mirrors, stand after its own. */
static void read_methods(struct edges *edges, const lpad_implementation *implementation, json_t *mirrored)
{
	size_t count = 0, more = json_array_size(mirrored);
	for (const lpad_method *method = implementation->methods; method && method->name; method++)
		count++;
	struct method_link *out = keep(edges, count + more, sizeof *out);
	for (size_t i = 0; i < count; i++) {
		const lpad_method *method = &implementation->methods[i];
		out[i] = (struct method_link){ .name = method->name, .inbox = !method->call, .idempotent = method->idempotent,
			.threads = method->threads, .queue = method->queue, .full = method->full, .has_gone = method->gone,
			.has_held = method->held,
			.batch = method->batch, .batch_wait = method->batch_wait, .batches = method->batches, .pad = method->pad,
			.request = method->request, .reply = method->reply };
	}
	read_mirrored(mirrored, out + count);
	edges->spec.methods = out;
	edges->spec.method_count = count + more;
}

static void read_topic(struct edges *edges, json_t *json, struct topic_link *out)
{
	size_t i;
	json_t *peer, *list = json_object_get(json, "subscribers");
	out->bodies = read_listen(edges, json_object_get(json, "bodies"));
	out->notices = read_listen(edges, json_object_get(json, "notices"));
	out->buffer = (int)integer(json, "buffer", 192);
	out->window = integer(json, "window", 128);
	out->count = json_array_size(list);
	struct subscriber_link *subscribers = keep(edges, out->count, sizeof *subscribers);
	json_array_foreach(list, i, peer)
		subscribers[i] = (struct subscriber_link){ .peer = read_peer(peer, NULL),
			.port = json_string_value(json_object_get(peer, "port")),
			.keep = (int)integer(peer, "keep", -2), .eager = json_is_true(json_object_get(peer, "eager")),
			.window = integer(peer, "window", out->window) };
	out->subscribers = subscribers;
}

static void read_topics(struct edges *edges, json_t *topics, const lpad_implementation *implementation)
{
	size_t count = 0;
	for (const lpad_topic_decl *topic = implementation->topics; topic && topic->name; topic++)
		count++;
	struct topic_link *out = keep(edges, count, sizeof *out);
	for (size_t i = 0; i < count; i++) {
		out[i].name = implementation->topics[i].name;
		out[i].signature = implementation->topics[i].signature;
		read_topic(edges, json_object_get(topics, out[i].name), &out[i]);
	}
	edges->spec.topics = out;
	edges->spec.topic_count = count;
}

static void read_publishers(struct edges *edges, json_t *json, struct subscription_link *out)
{
	size_t i;
	json_t *peer, *list = json_object_get(json, "publishers");
	int64_t keep_all = integer(json, "keep", -2), window = integer(json, "window", 128);
	out->cycle = json_is_true(json_object_get(json, "cycle"));
	out->count = json_array_size(list);
	struct publisher_link *publishers = keep(edges, out->count, sizeof *publishers);
	json_array_foreach(list, i, peer)
		publishers[i] = (struct publisher_link){ .peer = read_peer(peer, "serve"),
			.topic = json_string_value(json_object_get(peer, "topic")),
			.address = json_string_value(json_object_get(peer, "address")),
			.notice = json_string_value(json_object_get(peer, "notice")),
			.eager = json_is_true(json_object_get(peer, "eager")),
			.buffer = (int)integer(peer, "buffer", 192),
			.keep = (int)integer(peer, "keep", keep_all), .window = integer(peer, "window", window) };
	out->publishers = publishers;
}

static void read_subscriptions(struct edges *edges, json_t *subscriptions, const lpad_implementation *implementation)
{
	size_t count = json_object_size(subscriptions), at = 0;
	struct subscription_link *out = keep(edges, count, sizeof *out);
	edges->subscription_places = keep(edges, count, sizeof *edges->subscription_places);
	const lpad_subscription_decl *declared = implementation->subscriptions;
	for (size_t i = 0; declared && declared[i].name && at < count; i++) {
		json_t *json = json_object_get(subscriptions, declared[i].name);
		if (!json)
			continue;
		out[at].name = declared[i].name;
		out[at].signature = declared[i].signature;
		out[at].callback = declared[i].on;
		read_publishers(edges, json, &out[at]);
		edges->subscription_places[at++] = i;
	}
	edges->spec.subscriptions = out;
	edges->spec.subscription_count = at;
}

int edges_read(const struct node_document *process, const struct replica_document *replica,
	const lpad_implementation *implementation, struct edges *out, struct error *error)
{
	json_t *json = replica->json;
	*out = (struct edges){ 0 };
	out->spec.self = read_peer(json, NULL);
	out->spec.serve = read_listen(out, json_object_get(json, "serve"));
	out->spec.token = process->token;
	out->spec.service = implementation->service;
	out->spec.longest = (size_t)integer(json, "max_message", 1 << 30);
	out->spec.callers = read_peers(out, json_object_get(json, "callers"), NULL, &out->spec.caller_count);
	read_handles(out, json_object_get(json, "handles"));
	read_methods(out, implementation, json_object_get(json, "mirrored"));
	read_topics(out, json_object_get(json, "topics"), implementation);
	read_subscriptions(out, json_object_get(json, "subscriptions"), implementation);
	if (out->spec.subscription_count == json_object_size(json_object_get(json, "subscriptions")))
		return 0;
	edges_release(out);
	return error_set(error, "%s: an edge leads to a subscription that %s does not declare", replica->node,
		replica->implementation);
}

void edges_release(struct edges *edges)
{
	for (size_t i = 0; i < edges->block_count; i++)
		free(edges->blocks[i]);
	free(edges->blocks);
	*edges = (struct edges){ 0 };
}
