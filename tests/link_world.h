/* SPDX-License-Identifier: MIT */
/*
 * Several links in one process, joined by the edges of a table, each with a thread that ticks it. Parties that are not
 * `local` live in another process that has made the same world. For unit tests and benchmarks of lib/link.
 */
#ifndef TESTS_LINK_WORLD_H
#define TESTS_LINK_WORLD_H

#ifndef WORLD_MUST                      /* benchmarks have one of their own */
#include <check.h>
#define WORLD_MUST(is_so, ...) ck_assert_msg(is_so, __VA_ARGS__)
#endif
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/text.h"
#include "link/link.h"
#include "link_transport.h"

#ifndef WORLD_PARTIES
#define WORLD_PARTIES 8
#endif
enum { WORLD_TOKEN = 4711, WORLD_EAGER = -3 };      /* WORLD_EAGER, as keep: LPAD_LATEST, pushed */

struct edge {
	int from;
	const char *topic;
	int to;
	const char *port;
	int keep;
	int64_t window;
	bool callback, cycle;
};

struct party {
	struct link *link;
	bool remote, silent;            /* silent: nobody ticks it */
	size_t longest;                 /* 0: 256 MiB */
	uint32_t incarnation;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool wired, drained, woken, quit, ended;
	int notes;
	char note[500];                 /* the last */
	pthread_t ticker;
	char *name, *address;
};

struct world {
	char *folder;
	int buffer;                     /* 0: what the edges need */
	const char *signature, *expected;       /* of all topics; of all subscriptions; set before the binding */
	const struct edge *edges;
	size_t edge_count;
	struct party party[WORLD_PARTIES];
	int count;
	bool killed;                    /* one was, here, or is the test itself: the others stay as they are at the end */
};

/* ---- hooks ---- */

static inline void world_set(struct party *party, bool *flag)
{
	pthread_mutex_lock(&party->lock);
	*flag = true;
	pthread_cond_broadcast(&party->changed);
	pthread_mutex_unlock(&party->lock);
}

static inline void world_wait(struct party *party, const bool *flag)
{
	pthread_mutex_lock(&party->lock);
	while (!*flag)
		pthread_cond_wait(&party->changed, &party->lock);
	pthread_mutex_unlock(&party->lock);
}

static inline void world_wired(void *context)
{
	world_set(context, &((struct party *)context)->wired);
}

static inline void world_drained(void *context)
{
	world_set(context, &((struct party *)context)->drained);
}

static inline void world_wake(void *context)
{
	world_set(context, &((struct party *)context)->woken);
}

static inline void world_note(void *context, const char *text)
{
	struct party *party = context;
	pthread_mutex_lock(&party->lock);
	party->notes++;
	snprintf(party->note, sizeof party->note, "%s", text);
	pthread_cond_broadcast(&party->changed);
	pthread_mutex_unlock(&party->lock);
}

static inline void world_await_notes(struct party *party, int least)
{
	pthread_mutex_lock(&party->lock);
	while (party->notes < least)
		pthread_cond_wait(&party->changed, &party->lock);
	pthread_mutex_unlock(&party->lock);
}

static inline void *world_ticks(void *context)
{
	struct party *party = context;
	pthread_mutex_lock(&party->lock);
	while (!party->quit) {
		party->woken = false;
		pthread_mutex_unlock(&party->lock);
		int64_t ms = link_tick(party->link);
		struct timespec until = clock_timespec(clock_ns() + (ms < 0 || ms > 1000 ? 1000 : ms) * 1000000);
		pthread_mutex_lock(&party->lock);
		while (!party->woken && !party->quit && ms)
			if (pthread_cond_timedwait(&party->changed, &party->lock, &until))
				break;
	}
	pthread_mutex_unlock(&party->lock);
	return NULL;
}

/* ---- from edges to specs ---- */

static inline char *world_topic_address(const struct world *world, int from, const char *topic)
{
	char *cleanup_free name = memory_format("%d.%u.%s", from, world->party[from].incarnation, topic);
	return transport_address(world->folder, name);
}

static inline char *world_notice_address(const struct world *world, int from, const char *topic)
{
	char *cleanup_free name = memory_format("%d.%u.%s.notice", from, world->party[from].incarnation, topic);
	return transport_address(world->folder, name);
}

static inline int world_keep(const struct edge *edge)
{
	return edge->keep == WORLD_EAGER ? LPAD_LATEST : edge->keep;
}

static inline struct peer_spec world_peer(const struct world *world, int number)
{
	const struct party *party = &world->party[number];
	return (struct peer_spec){ .node = party->name, .group = (uint32_t)number, .incarnation = party->incarnation,
		.address = party->address };
}

static inline int world_buffer(const struct world *world, int from, const char *topic)
{
	int64_t most = 64;
	for (size_t i = 0; i < world->edge_count; i++) {
		const struct edge *edge = &world->edges[i];
		if (edge->from == from && text_equal(edge->topic, topic) && edge->window > most)
			most = edge->window;
		if (edge->from == from && text_equal(edge->topic, topic) && edge->keep > most)
			most = edge->keep;
	}
	return world->buffer ? world->buffer : (int)(most + 64 > 8192 ? 8192 : most + 64);
}

static inline void world_add_topics(const struct world *world, int number, struct topic_link *topics, size_t *count)
{
	for (size_t i = 0; i < world->edge_count; i++) {
		const struct edge *edge = &world->edges[i];
		size_t at = 0;
		if (edge->from != number)
			continue;
		while (at < *count && !text_equal(topics[at].name, edge->topic))
			at++;
		if (at == *count) {
			char **address = memory_array(2, sizeof *address);
			address[0] = world_topic_address(world, number, edge->topic);
			address[1] = world_notice_address(world, number, edge->topic);
			topics[(*count)++] = (struct topic_link){ .name = edge->topic, .signature = world->signature,
				.bodies = { (const char *const *)address, 1 },
				.notices = { (const char *const *)address + 1, 0 },
				.buffer = world_buffer(world, number, edge->topic), .window = 128,
				.subscribers = memory_array(world->edge_count, sizeof(struct subscriber_link)) };
		}
		topics[at].notices.count |= edge->keep == LPAD_LATEST;
		((struct subscriber_link *)topics[at].subscribers)[topics[at].count++] = (struct subscriber_link){
			.peer = world_peer(world, edge->to), .port = edge->port, .keep = world_keep(edge),
			.eager = edge->keep == WORLD_EAGER, .window = edge->window };
	}
}

static inline void world_add_subscriptions(const struct world *world, int number, struct subscription_link *list, size_t *count)
{
	for (size_t i = 0; i < world->edge_count; i++) {
		const struct edge *edge = &world->edges[i];
		size_t at = 0;
		if (edge->to != number)
			continue;
		while (at < *count && !text_equal(list[at].name, edge->port))
			at++;
		if (at == *count) {
			list[(*count)++] = (struct subscription_link){ .name = edge->port, .callback = edge->callback,
				.cycle = edge->cycle, .signature = world->expected,
				.publishers = memory_array(world->edge_count, sizeof(struct publisher_link)) };
		}
		((struct publisher_link *)list[at].publishers)[list[at].count++] = (struct publisher_link){
			.peer = world_peer(world, edge->from), .topic = edge->topic,
			.address = world_topic_address(world, edge->from, edge->topic),
			.notice = world_notice_address(world, edge->from, edge->topic),
			.buffer = world_buffer(world, edge->from, edge->topic), .keep = world_keep(edge),
			.eager = edge->keep == WORLD_EAGER, .window = edge->window };
	}
}

static inline void world_new_link(struct world *world, int number)
{
	struct party *party = &world->party[number];
	struct topic_link topics[WORLD_PARTIES];
	struct subscription_link subscriptions[WORLD_PARTIES];
	struct link_spec spec = { 
		.self = world_peer(world, number), .serve = { (const char *const *)&party->address, 1 }, .token = WORLD_TOKEN,
		.longest = party->longest ? party->longest : 256 << 20, .topics = topics, .subscriptions = subscriptions };
	struct link_hooks hooks = { .context = party, .wired = world_wired, .drained = world_drained, .note = world_note,
		.wake = world_wake };
	struct error error = { 0 };
	world_add_topics(world, number, topics, &spec.topic_count);
	world_add_subscriptions(world, number, subscriptions, &spec.subscription_count);
	party->link = link_new(&spec, &hooks, &error);
	WORLD_MUST(party->link, "%s", error.text);
	WORLD_MUST(!link_bind(party->link, &error), "%s", error.text);
	for (size_t i = 0; i < spec.topic_count; i++) {
		free((char *)topics[i].bodies.at[0]);
		free((char *)topics[i].bodies.at[1]);
		free((void *)topics[i].bodies.at);
		free((void *)topics[i].subscribers);
	}
	for (size_t i = 0; i < spec.subscription_count; i++) {
		for (size_t p = 0; p < subscriptions[i].count; p++) {
			free((char *)subscriptions[i].publishers[p].address);
			free((char *)subscriptions[i].publishers[p].notice);
		}
		free((void *)subscriptions[i].publishers);
	}
}

/* ---- life ---- */

/* With each one goes another address, as it is for nodes. */
static inline void world_set_incarnation(struct world *world, int number, uint32_t incarnation)
{
	struct party *party = &world->party[number];
	free(party->address);
	party->incarnation = incarnation;
	char *cleanup_free name = memory_format("%d.%u", number, incarnation);
	party->address = transport_address(world->folder, name);
}

/* A new, empty folder for sockets; before a fork, so that both sides know it. */
static inline void world_make(struct world *world, int count, const struct edge *edges, size_t edge_count)
{
	const char *parent = getenv("TMPDIR");
	transport_prepare();
	*world = (struct world){ .count = count, .edges = edges, .edge_count = edge_count };
	world->folder = memory_format("%s/world.XXXXXX", parent ? parent : "/tmp");
	WORLD_MUST(mkdtemp(world->folder), "no folder %s", world->folder);
	for (int i = 0; i < count; i++) {
		struct party *party = &world->party[i];
		pthread_condattr_t attributes;
		pthread_condattr_init(&attributes);
		pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
		pthread_mutex_init(&party->lock, NULL);
		pthread_cond_init(&party->changed, &attributes);
		pthread_condattr_destroy(&attributes);
		party->name = memory_format("p%d", i);
		world_set_incarnation(world, i, 1);
	}
}

#define WORLD_EACH(world, party) \
	for (struct party *party = (world)->party; party < (world)->party + (world)->count; party++) if (!party->remote)

/* Listeners, connections, wired, go. */
static inline void world_bind(struct world *world)
{
	WORLD_EACH(world, party)
		world_new_link(world, (int)(party - world->party));
}

static inline void world_connect(struct world *world)
{
	struct error error = { 0 };
	WORLD_EACH(world, party) {
		WORLD_MUST(!link_connect(party->link, &error), "%s", error.text);
		if (!party->silent)
			WORLD_MUST(!pthread_create(&party->ticker, NULL, world_ticks, party), "no thread");
	}
}

static inline void world_start(struct world *world)
{
	world_bind(world);
	world_connect(world);
	WORLD_EACH(world, party)
		world_wait(party, &party->wired);
	WORLD_EACH(world, party)
		link_go(party->link);
}

static inline void world_end_run(struct party *party)
{
	if (!party->ended)
		link_end_run(party->link);
	party->ended = true;
}

/* Every run ends, everybody drains; nothing may be left. */
static inline void world_drain(struct world *world)
{
	int64_t count = 0;
	WORLD_EACH(world, party)
		world_end_run(party);
	WORLD_EACH(world, party)
		link_drain(party->link, clock_ns() + INT64_C(60000000000));
	WORLD_EACH(world, party) {
		world_wait(party, &party->drained);
		char *cleanup_free left = link_left(party->link, &count);
		WORLD_MUST(!left, "%s has left %s", party->name, left);
	}
}

static inline void world_stop_ticks(struct party *party)
{
	if (party->silent)
		return;
	world_set(party, &party->quit);
	pthread_join(party->ticker, NULL);
}

static inline void *world_bury(void *link)
{
	link_free(link);
	return NULL;
}

/* As when its process is killed: nothing is said any more. Closing the sockets of one among others that live may take nng 1.5.2 for
   ever, and keep it from closing any other: nobody waits for that, and what such a world ends with is left to the kernel. */
static inline void world_kill(struct world *world, int number)
{
	struct party *party = &world->party[number];
	pthread_t burying;
	world_stop_ticks(party);
	WORLD_MUST(!pthread_create(&burying, NULL, world_bury, party->link), "no thread");
	pthread_detach(burying);
	party->link = NULL;
	party->remote = world->killed = true;
}

/* What the supervisor tells the parties that live here. */
static inline void world_tell_lost(struct world *world, int number, bool gone)
{
	WORLD_EACH(world, party)
		link_peer_lost(party->link, (uint32_t)number, 0, world->party[number].incarnation, gone);
}

static inline void world_tell_up(struct world *world, int number)
{
	struct topic_address topics[WORLD_PARTIES];
	struct peer_up up = { .group = (uint32_t)number, .incarnation = world->party[number].incarnation,
		.serve = world->party[number].address, .topics = topics };
	struct error error = { 0 };
	for (size_t i = 0; i < world->edge_count; i++) {
		const char *name = world->edges[i].topic;
		if (world->edges[i].from != number)
			continue;
		WORLD_MUST(up.topic_count < WORLD_PARTIES, "too many topics");
		topics[up.topic_count++] = (struct topic_address){ name, world_topic_address(world, number, name),
			world_notice_address(world, number, name) };
	}
	WORLD_EACH(world, party)
		if (party != &world->party[number])
			WORLD_MUST(!link_peer_up(party->link, &up, &error), "%s", error.text);
	for (size_t i = 0; i < up.topic_count; i++) {
		free((char *)topics[i].address);
		free((char *)topics[i].notice);
	}
}

/* Here, after world_kill: the next incarnation; as far as go. */
static inline void world_revive(struct world *world, int number)
{
	struct party *party = &world->party[number];
	struct error error = { 0 };
	party->wired = party->drained = party->quit = party->ended = party->remote = false;
	world_set_incarnation(world, number, party->incarnation + 1);
	world_new_link(world, number);
	world_tell_up(world, number);
	WORLD_MUST(!link_connect(party->link, &error), "%s", error.text);
	if (!party->silent)
		WORLD_MUST(!pthread_create(&party->ticker, NULL, world_ticks, party), "no thread");
	world_wait(party, &party->wired);
	link_go(party->link);
}

static inline void world_free(struct world *world)
{
	WORLD_EACH(world, party)
		world_stop_ticks(party);        /* all of them first: who ticks may send to one that is closing */
	if (!world->killed)
		WORLD_EACH(world, party)
			link_free(party->link);
	files_remove_tree(world->folder);
	if (world->killed)
		return;
	for (int i = 0; i < world->count; i++) {
		free(world->party[i].name);
		free(world->party[i].address);
		pthread_mutex_destroy(&world->party[i].lock);
		pthread_cond_destroy(&world->party[i].changed);
	}
	free(world->folder);
}

/* ---- counters ---- */

struct world_query {
	const char *kind, *port, *peer;
	struct port_counters found;
	bool is_there;
};

static inline void world_match(void *context, const struct port_counters *row)
{
	struct world_query *query = context;
	if (text_equal(row->kind, query->kind) && text_equal(row->port, query->port) && text_equal(row->peer, query->peer)) {
		query->found = *row;
		query->is_there = true;
	}
}

static inline struct port_counters world_count(struct party *party, const char *kind, const char *port, const char *peer)
{
	struct world_query query = { kind, port, peer, { 0 }, false };
	link_counters(party->link, world_match, &query);
	WORLD_MUST(query.is_there, "%s has no row for %s %s, %s", party->name, kind, port, peer);
	return query.found;
}

/* Once drained, both ends of an edge agree to the last message and byte. */
static inline void world_assert_agreed(struct world *world, const struct edge *edge)
{
	struct party *from = &world->party[edge->from], *to = &world->party[edge->to];
	struct port_counters sent = world_count(from, "topic", edge->topic, to->name);
	struct port_counters come = world_count(to, "subscription", edge->port, from->name);
	WORLD_MUST(sent.published == come.published && sent.received == come.received && sent.dropped == come.dropped &&
		sent.delivered_bytes == come.delivered_bytes,
		"%s -> %s: published %lld here, %lld there, received %lld, %lld, dropped %lld, %lld, bytes %lld, %lld",
		from->name, to->name, (long long)sent.published, (long long)come.published, (long long)sent.received,
		(long long)come.received, (long long)sent.dropped, (long long)come.dropped,
		(long long)sent.delivered_bytes, (long long)come.delivered_bytes);
	WORLD_MUST(sent.lost == 0 && sent.published == sent.received + sent.dropped,
		"%s -> %s: published %lld, received %lld, dropped %lld, lost %lld", from->name, to->name,
		(long long)sent.published, (long long)sent.received, (long long)sent.dropped, (long long)sent.lost);
}

#endif
