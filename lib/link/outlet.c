/* SPDX-License-Identifier: MIT */
/* Where subscribers and observers connect to a topic. */
#include "link/topics.h"

#include <stdlib.h>

#include "base/memory.h"

/* ---- connections ---- */

/* One of them may come back at any moment: what is published till then must not be missing. */
static bool is_of_the_file(const struct outlet *outlet)
{
	const lpad_topic *topic = outlet->topic;
	for (size_t i = 0; i < topic->count; i++)
		if (topic->subscribers[i].lazy == outlet->notice)
			return true;
	return false;
}

/* Observers come and go: for those that have gone no body is copied. */
static void on_join(void *context, bool added)
{
	struct outlet *outlet = context;
	lpad_topic *topic = outlet->topic;
	link_lock(topic->link);
	outlet->connections += added ? 1 : -1;
	if (added)
		outlet->joined = true;
	else if (outlet->connections <= 0 && !is_of_the_file(outlet))
		outlet->joined = false;
	if (added && (topic->observed || subscribers_unconfirmed(topic))) {
		topic->hello_due = true;
		topic_flush(topic);
	}
	link_unlock(topic->link);
}

/* ---- life ---- */

static void add_outlets(lpad_topic *topic, const struct listen_link *where, bool notice)
{
	for (size_t i = 0; i < where->count; i++)
		topic->outlets[topic->outlet_count++] = (struct outlet){ .address = memory_copy_text(where->at[i]),
			.notice = notice, .topic = topic };
}

void outlets_new(lpad_topic *topic, const struct topic_link *spec)
{
	topic->outlets = memory_array(spec->bodies.count + spec->notices.count + 1, sizeof *topic->outlets);
	add_outlets(topic, &spec->bodies, false);
	add_outlets(topic, &spec->notices, true);
}

static int open_outlet(struct outlet *outlet, struct error *error)
{
	char *bound = NULL;
	outlet->transport = transport_for(outlet->address, error);
	outlet->publishing = outlet->transport ? outlet->transport->publish_open(outlet->address, outlet->topic->buffer, on_join,
		outlet, &bound, error) : NULL;
	if (!outlet->publishing)
		return -1;
	free(outlet->address);
	outlet->address = bound;
	return 0;
}

int outlets_bind(lpad_topic *topic, struct error *error)
{
	for (size_t i = 0; i < topic->outlet_count; i++) {
		struct outlet *outlet = &topic->outlets[i];
		if (open_outlet(outlet, error))
			return -1;
		link_add_bound(topic->link, (struct bound_address){ topic->name, outlet->notice, outlet->address });
	}
	return 0;
}

void outlets_close(lpad_topic *topic)
{
	for (size_t i = 0; i < topic->outlet_count; i++) {
		struct outlet *outlet = &topic->outlets[i];
		if (outlet->publishing)
			outlet->transport->publish_close(outlet->publishing);
		free(outlet->address);
	}
	free(topic->outlets);
}

/* ---- observers ---- */

/* One that the asked address could be exchanged for: of the same transport. */
static const struct outlet *find(const lpad_topic *topic, const char *address, struct error *error)
{
	const struct transport *transport = transport_for(address, error);
	for (size_t i = 0; i < topic->outlet_count; i++)
		if (!topic->outlets[i].notice && topic->outlets[i].transport == transport)
			return &topic->outlets[i];
	return NULL;
}

/* Lock held, and released while another thread publishes: it goes through the outlets without it. */
static void admit(lpad_topic *topic)
{
	topic->admits = true;
	while (topic->busy)
		waiters_wait(&topic->waiters, topic->link, INT64_MAX);
	topic->admits = false;
	topic->outlet_count++;
	topic->open = topic->hello_due = true;
	topic_flush(topic);
	waiters_wake(&topic->waiters);
}

static int open_for_observers(lpad_topic *topic, const char *address, struct error *error)
{
	struct outlet *outlet = &topic->outlets[topic->outlet_count];
	*outlet = (struct outlet){ .address = memory_copy_text(address), .topic = topic };
	if (open_outlet(outlet, error)) {
		free(outlet->address);
		*outlet = (struct outlet){ 0 };
		return error_wrap(error, "topic \"%s\"", topic->name);
	}
	link_lock(topic->link);
	admit(topic);
	link_unlock(topic->link);
	return 0;
}

const char *link_listen_topic(struct link *link, const char *name, const char *address, struct error *error)
{
	lpad_topic *topic = link_topic(link, name);
	if (!topic) {
		error_set(error, "there is no topic \"%s\"", name);
		return NULL;
	}
	const struct outlet *outlet = find(topic, address, error);
	if (!outlet && (!transport_for(address, error) || open_for_observers(topic, address, error)))
		return NULL;
	return outlet ? outlet->address : topic->outlets[topic->outlet_count - 1].address;
}
