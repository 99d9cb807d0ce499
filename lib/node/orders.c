/* SPDX-License-Identifier: MIT */
/* What the supervisor says, see control.h. An order names its replica; without a name it is for all of the process. */
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "node/inside.h"

static bool is_for(const json_t *line, const struct replica *replica)
{
	const char *name = json_string_value(json_object_get(line, "node"));
	return !name || !strcmp(name, replica->document->node);
}

static void do_connect(struct life *life, struct replica *replica, json_t *line)
{
	(void)line;
	life->waits_at = clock_ms() + WAITS_MS;
	if (replica->bound && !replica->connected)
		replica_connect(replica);
}

static bool has_edges(const struct replica_document *document)
{
	static const char *const kinds[] = { "handles", "topics", "subscriptions", "callers" };
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		json_t *value = json_object_get(document->json, kinds[i]);
		if (json_object_size(value) || json_array_size(value))
			return true;
	}
	return false;
}

static void do_go(struct life *life, struct replica *replica, json_t *line)
{
	life->waits_at = INT64_MAX;
	replica_go(replica, json_is_true(json_object_get(line, "hold")));
	if (has_edges(replica->document))
		life->counters_at = clock_ms() + life->counters_every;
}

static void do_stop(struct life *life, struct replica *replica, json_t *line)
{
	(void)life;
	replica_stop(replica, json_is_true(json_object_get(line, "alone")));
}

static void do_drain(struct life *life, struct replica *replica, json_t *line)
{
	json_t *within = json_object_get(line, "within");
	life->waits_at = clock_ms() + WAITS_MS;
	replica_drain(replica, json_is_number(within) ? json_number_value(within) : 10,
		json_is_true(json_object_get(line, "alone")));
}

static void do_listen(struct life *life, struct replica *replica, json_t *line)
{
	struct error error = { 0 };
	const char *address = json_string_value(json_object_get(line, "address"));
	if (!address || !replica->bound)
		return;
	json_t *said = json_pack("{s:s, s:s}", "is", "listening", "node", replica->document->node);
	const char *topic = json_string_value(json_object_get(line, "topic"));
	const char *bodies = json_string_value(json_object_get(line, "bodies"));
	bool wrong = link_listen(replica->node->link, address, &error);
	if (!wrong && topic)
		wrong = !bodies || !(bodies = link_listen_topic(replica->node->link, topic, bodies, &error));
	if (topic)
		json_object_set_new(said, "topic", json_string(topic));
	if (wrong)
		json_object_set_new(said, "text", channel_text(error.text, strlen(error.text)));
	else {
		json_object_set_new(said, "address", json_string(address));
		if (bodies)
			json_object_set_new(said, "bodies", json_string(bodies));
	}
	channel_send(&life->channel, said);
}

/* This thread answers, whatever the node's own ones do. */
static void do_ping(struct life *life, json_t *line)
{
	(void)line;
	channel_send(&life->channel, json_pack("{s:s, s:s}", "is", "pong", "node", life->replicas[0].document->node));
}

static void do_finish(struct life *life, json_t *line)
{
	(void)line;
	life->finishing = true;
}

/* ---- news of a neighbour: for whoever of the process has edges with it; its "node" is the neighbour ---- */

static uint32_t number(const json_t *line, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(line, key));
}

/* It shares this process, and its neighbours here know where: nothing that is said outside concerns them. */
static bool is_within(const struct life *life, uint32_t group, uint32_t index)
{
	for (size_t i = 0; i < life->count; i++) {
		const struct replica_document *document = life->replicas[i].document;
		const char *serve = json_string_value(json_array_get(json_object_get(document->json, "serve"), 0));
		if (number(document->json, "number") == group && (uint32_t)document->index == index)
			return serve && text_starts(serve, "inproc:");
	}
	return false;
}

void orders_peer_is_up(struct life *life, json_t *line)
{
	json_t *topics = json_object_get(line, "topics"), *addresses;
	const char *topic;
	struct topic_address *cleanup_free list = memory_array(json_object_size(topics), sizeof *list);
	struct peer_up up = { .group = number(line, "number"), .index = number(line, "index"),
		.incarnation = number(line, "incarnation"), .serve = json_string_value(json_object_get(line, "serve")),
		.topics = list };
	json_object_foreach(topics, topic, addresses)
		list[up.topic_count++] = (struct topic_address){ topic,
			json_string_value(json_object_get(addresses, "address")),
			json_string_value(json_object_get(addresses, "notice")) };
	for (size_t i = 0; i < life->count && !is_within(life, up.group, up.index); i++)
		replica_peer_up(&life->replicas[i], &up);
}

static void do_peer(struct life *life, json_t *line)
{
	const char *state = json_string_value(json_object_get(line, "state"));
	if (state && !strcmp(state, "up")) {
		orders_peer_is_up(life, line);
		return;
	}
	for (size_t i = 0; i < life->count; i++)
		link_peer_lost(life->replicas[i].node->link, number(line, "number"), number(line, "index"),
			number(line, "incarnation"), state && !strcmp(state, "gone"));
}

/* ---- all of them ---- */

void orders_obey(struct life *life, json_t *line)
{
	static const struct {
		const char *word;
		void (*act)(struct life *life, struct replica *replica, json_t *line);
		void (*act_for_all)(struct life *life, json_t *line);
	} orders[] = {
		{ "connect", do_connect, NULL }, { "go", do_go, NULL }, { "stop", do_stop, NULL },
		{ "drain", do_drain, NULL }, { "listen", do_listen, NULL },
		{ "finish", NULL, do_finish }, { "ping", NULL, do_ping }, { "peer", NULL, do_peer },
	};
	const char *word = json_string_value(json_object_get(line, "do"));
	for (size_t i = 0; word && i < sizeof orders / sizeof orders[0]; i++) {
		if (strcmp(orders[i].word, word))
			continue;
		for (size_t k = 0; orders[i].act && k < life->count; k++)
			if (is_for(line, &life->replicas[k]))
				orders[i].act(life, &life->replicas[k], line);
		if (orders[i].act_for_all)
			orders[i].act_for_all(life, line);
	}
}
