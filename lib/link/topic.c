/* SPDX-License-Identifier: MIT */
#include "link/topics.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "link/conform.h"

/* Whoever has a quarter of the window of bytes behind it says so by itself; beside a message above the rest there may be less. */
static const size_t POKE_ABOVE = 48u << 20;

/* ---- frames ---- */

/* Bodies go where somebody wants them, versions to those who fetch, what is lpad's own to all. */
static bool goes_to(const struct outlet *outlet, int kind)
{
	if (kind == WIRE_PUBLISH)
		return !outlet->notice && outlet->joined;
	return kind != WIRE_NOTICE || (outlet->notice && outlet->joined);
}

void topic_transmit(lpad_topic *topic, const struct wire *what, lpad_message *message)
{
	const struct peer_spec *self = &topic->link->self;
	struct frame frame = {
		.wire = {
			.kind = what->kind, .role = WIRE_MEMBER, .flags = what->flags, .group = self->group, .index = self->index,
			.incarnation = self->incarnation, .port = (uint32_t)topic->place, .token = topic->link->token,
			.number = what->number, .deadline_ms = -1, .version = what->version,
		},
		.message = message,
	};
	for (size_t i = 0; i < topic->outlet_count; i++) {
		struct outlet *outlet = &topic->outlets[i];
		struct frame copy = frame;
		if (!goes_to(outlet, what->kind))
			continue;
		copy.message = message ? message_share(message) : NULL;
		outlet->transport->publish(outlet->publishing, &copy);
	}
	message_free(message);
}

/* Lock held. */
static void tell(lpad_topic *topic, int kind)
{
	topic_transmit(topic, &(struct wire){ .kind = (uint8_t)kind, .number = topic->sequence, .version = topic->resends }, NULL);
}

/* A HELLO carries the last sequence number: it must neither overtake a publication nor be overtaken by one. */
void topic_flush(lpad_topic *topic)
{
	if (topic->busy || !topic->open)
		return;
	if (topic->hello_due) {
		topic->hello_due = false;
		topic->end_due = topic->ended;
		tell(topic, WIRE_TOPIC_HELLO);
	}
	if (topic->end_due) {
		topic->end_due = false;
		tell(topic, WIRE_END);
	}
}

static void end(lpad_topic *topic)
{
	if (topic->ended)
		return;
	topic->ended = topic->end_due = true;
	topic_flush(topic);
	waiters_wake(&topic->waiters);
}

/* ---- publishing ---- */

/* It may have consumed all that came without having reached the quarter at which it says so: a HELLO asks it. */
static void poke(lpad_topic *topic)
{
	topic->hello_due = true;
	topic_flush(topic);
}

/* Until room may have come; the user hears of it after 10 s. */
static void wait_for(lpad_topic *topic, const struct subscriber *holder)
{
	struct long_wait wait;
	if (holder)
		link_wait_begin(topic->link, &wait, clock_ns(), holder->node, holder->port);
	waiters_wait(&topic->waiters, topic->link, INT64_MAX);
	if (holder)
		link_wait_end(topic->link, &wait);
}

/* Lock held. 0: there is room, and no other thread publishes on this topic. */
static int await_turn(lpad_topic *topic, size_t size)
{
	for (bool poked = size <= POKE_ABOVE;; poked = true) {
		const struct subscriber *holder = subscribers_holder(topic, size);
		if (topic->ended)
			return fault_set(LPAD_EENDED, "topic \"%s\" has ended", topic->name);
		if (!topic->ready)
			return fault_set(LPAD_EAGAIN, "topic \"%s\": its subscribers are not connected yet; publish in run, "
				"not in init", topic->name);
		if (!holder && !topic->busy && !topic->admits)
			return 0;
		if (holder && link_must_stop(topic->link))
			return fault_set(LPAD_ESTOPPED, "topic \"%s\": the program is stopping, and %s has not taken what was "
				"published before", topic->name, holder->node);
		if (holder && !poked)
			poke(topic);
		wait_for(topic, holder);
	}
}

static void count_published(lpad_topic *topic, const lpad_message *message)
{
	topic->bytes += (int64_t)message_size(message);
	topic->sequence++;
	if (topic->retains)
		topic->newest = message_share(message);
	if (topic->totals_count)
		topic->totals[topic->sequence % topic->totals_count] = (uint64_t)topic->bytes;
	resend_keep(topic, message);
}

/* The body is copied without the lock: a large one must not hold up the link. */
static void publish_in_turn(lpad_topic *topic, lpad_message *message)
{
	lpad_message *before = topic->newest;
	count_published(topic, message);
	struct wire body = { .kind = WIRE_PUBLISH, .number = topic->sequence, .version = topic->resends };
	struct wire notice = { .kind = WIRE_NOTICE, .number = topic->sequence };
	topic->busy = true;
	link_unlock(topic->link);
	message_free(before);
	if (topic->open) {
		topic_transmit(topic, &notice, NULL);
		topic_transmit(topic, &body, message);
	} else {
		message_free(message);
	}
	link_lock(topic->link);
	topic->busy = false;
	resend_due(topic);
	topic_flush(topic);
	waiters_wake(&topic->waiters);
}

/* Could not be made, too large, or not what was declared. */
static int refused(const lpad_topic *topic, const lpad_message *message)
{
	size_t size = message_size(message), longest = topic->link->longest;
	int code = message_refused(message);
	if (code)
		return code;
	if (size > longest)
		return fault_set(LPAD_ETOOBIG, "topic \"%s\": a message of %zu bytes is larger than max_message, %zu",
			topic->name, size, longest);
	char *cleanup_free unfit = conform_wrong(&topic->signature, message);
	return unfit ? fault_set(LPAD_EINVALID, "topic \"%s\": published %s", topic->name, unfit) : 0;
}

int topic_publish(lpad_topic *topic, lpad_message *message)
{
	if (!topic || !message) {
		message_free(message);
		return fault_set(LPAD_EINVALID, topic ? "there is no message to publish" : "there is no topic to publish on");
	}
	int code = refused(topic, message);
	if (code) {
		message_free(message);
		return code;
	}
	message_seal(message);
	link_lock(topic->link);
	code = await_turn(topic, message_size(message));
	if (!code)
		publish_in_turn(topic, message);
	link_unlock(topic->link);
	if (code)
		message_free(message);
	return code;
}

/* ---- life ---- */

int topics_new(struct link *link, const struct link_spec *spec, struct error *error)
{
	struct topics *topics = link->topics = memory_new(sizeof *topics);
	topics->at = memory_array(spec->topic_count, sizeof *topics->at);
	topics->count = spec->topic_count;
	for (size_t i = 0; i < topics->count; i++) {
		lpad_topic *topic = &topics->at[i];
		topic->link = link;
		topic->place = i;
		topic->name = memory_copy_text(spec->topics[i].name);
		if (conform_read(spec->topics[i].signature, &topic->signature, "signature", error))
			return error_wrap(error, "topic \"%s\"", topic->name);
		outlets_new(topic, &spec->topics[i]);
		topic->buffer = spec->topics[i].buffer;
		subscribers_new(topic, &spec->topics[i]);
		subscribers_review(topic);
	}
	return 0;
}

/* Somebody may join before the opening has returned: what is due is sent then. */
int topics_bind(struct link *link, struct error *error)
{
	for (size_t i = 0; i < link->topics->count; i++) {
		lpad_topic *topic = &link->topics->at[i];
		if (outlets_bind(topic, error))
			return error_wrap(error, "topic \"%s\"", topic->name);
		link_lock(link);
		topic->open = topic->outlet_count > 0;
		topic_flush(topic);
		link_unlock(link);
	}
	return 0;
}

void topics_close(struct link *link)
{
	struct topics *topics = link->topics;
	if (!topics)
		return;
	for (size_t i = 0; i < topics->count; i++) {
		lpad_topic *topic = &topics->at[i];
		outlets_close(topic);
		resend_free(topic);
		subscribers_free(topic);
		list_release(&topic->waiters);
		message_free(topic->newest);
		signature_release(&topic->signature);
		free(topic->name);
		free(topic->totals);
	}
	free(topics->at);
	free(topics);
	link->topics = NULL;
}

const char *topics_name(const struct link *link, size_t place)
{
	return place < link->topics->count ? link->topics->at[place].name : NULL;
}

lpad_topic *link_topic(struct link *link, const char *name)
{
	for (size_t i = 0; i < link->topics->count; i++)
		if (text_equal(link->topics->at[i].name, name))
			return &link->topics->at[i];
	return NULL;
}

void topics_stop(struct link *link)
{
	for (size_t i = 0; i < link->topics->count; i++)
		waiters_wake(&link->topics->at[i].waiters);
}

void topics_end(struct link *link)
{
	for (size_t i = 0; i < link->topics->count; i++)
		end(&link->topics->at[i]);
}

/* What `run` published ended with it. A service still answers what comes in until nothing can come any more. */
void topics_drain(struct link *link)
{
	if (link->draining && subscriptions_finished(link) && !link_work_running(link))
		topics_end(link);
}

size_t topics_waits_for(struct link *link, const char **names, size_t room)
{
	size_t count = 0;
	topics_drain(link);
	for (size_t i = 0; i < link->topics->count; i++) {
		const lpad_topic *topic = &link->topics->at[i];
		for (size_t s = 0; s < topic->count; s++) {
			const struct subscriber *subscriber = &topic->subscribers[s];
			bool waits = link->draining ? subscriber_owes_end(subscriber) :
				!subscriber->known && !subscriber_is_dead(subscriber);
			if (waits && count++ < room)
				names[count - 1] = subscriber->node;
		}
	}
	return count;
}

void topics_tick(struct link *link, int64_t now_ns, int64_t *next_ns)
{
	(void)link;
	(void)now_ns;
	(void)next_ns;
}
