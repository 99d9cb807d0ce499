/* SPDX-License-Identifier: MIT */
/* An observer of topics of a world (link_topics.h), as `lpad watch` is one: in no table of edges, and no party. */
#ifndef TESTS_LINK_OBSERVER_H
#define TESTS_LINK_OBSERVER_H

#include "link_topics.h"

static inline void observer_party(struct party *party, const char *name)
{
	pthread_condattr_t attributes;
	*party = (struct party){ .name = memory_copy_text(name) };
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&party->lock, NULL);
	pthread_cond_init(&party->changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

/* Connects; see observer_wait. The topic is observed at the address; `serve`: where its node answers. */
static inline void observer_open(struct party *party, int number, int from, const char *topic_name, const char *address,
	const char *serve, int keep)
{
	struct error error = { 0 };
	observer_party(party, "watch");
	struct publisher_link publisher = { .peer = world_peer(&world, from), .topic = topic_name, .address = address,
		.keep = keep, .eager = true, .buffer = 64 };
	publisher.peer.address = serve;
	struct subscription_link subscription = { .name = "watch", .publishers = &publisher, .count = 1 };
	struct link_spec spec = { .self = { .node = "watch", .group = UINT32_MAX, .index = (uint32_t)number, .incarnation = 1 },
		.observer = true, .token = WORLD_TOKEN, .longest = 256 << 20, .subscriptions = &subscription, .subscription_count = 1 };
	struct link_hooks hooks = { .context = party, .wired = world_wired, .drained = world_drained, .note = world_note,
		.wake = world_wake };
	party->link = link_new(&spec, &hooks, &error);
	ck_assert_msg(party->link, "%s", error.text);
	ck_assert_msg(!link_connect(party->link, &error), "%s", error.text);
	ck_assert_int_eq(pthread_create(&party->ticker, NULL, world_ticks, party), 0);
}

/* The topic "value" of a party, opened for observers as its node is told to. */
static inline void observer_of(struct party *party, int number, int from, int keep)
{
	struct error error = { 0 };
	char *cleanup_free name = memory_format("%d.%u.observers", from, world.party[from].incarnation);
	char *cleanup_free address = transport_address(world.folder, name);
	const char *at = link_listen_topic(world.party[from].link, "value", address, &error);
	ck_assert_msg(at, "%s", error.text);
	observer_open(party, number, from, "value", at, world.party[from].address, keep);
	world_wait(party, &party->wired);
}

static inline struct port_counters observer_count(struct party *party)
{
	return world_count(party, "subscription", "watch", "p0");
}

static inline void observer_close(struct party *party)
{
	world_stop_ticks(party);
	link_free(party->link);
	free(party->name);
	pthread_mutex_destroy(&party->lock);
	pthread_cond_destroy(&party->changed);
}

/* The number of the next message that it sees, which its body has too. */
static inline uint64_t observe(struct party *party)
{
	struct observation seen = { 0 };
	ck_assert_msg(!subscription_observe(link_subscription(party->link, "watch"), &seen, true, never), "%s", fault_text());
	ck_assert_uint_eq(number_of(seen.message), seen.number);
	ck_assert_uint_eq(message_size(seen.message), seen.size);
	ck_assert_str_eq(seen.node, "p0");
	ck_assert_int_gt(seen.at_ms, 0);
	message_free(seen.message);
	return seen.number;
}

static inline int observe_code(struct party *party, bool body, lpad_deadline deadline)
{
	struct observation seen = { 0 };
	int code = subscription_observe(link_subscription(party->link, "watch"), &seen, body, deadline);
	ck_assert_int_eq(seen.message != NULL, !code && body);
	message_free(seen.message);
	return code;
}

#endif
