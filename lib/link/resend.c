/* SPDX-License-Identifier: MIT */
/*
 * What was sent into a connection that broke is gone. For those who keep all, a reference to each message stays here until every one
 * of them has acknowledged it, which the window bounds. Who finds some missing asks for everything from there on, and it is
 * published again, to all: who has had it knows it by its flag and number.
 *
 * Each RESEND that is heeded counts one up, and what is published bears the count of its moment. So a subscriber that has asked can
 * tell what was sent before it was heard, which says nothing new, from what shows that the second sending was lost as well.
 */
#include "link/topics.h"

#include <stdlib.h>

#include "base/memory.h"

/* ---- what is kept ---- */

static bool may_ask(const struct subscriber *subscriber)
{
	return subscriber->keep == LPAD_ALL && subscriber->known && !subscriber->ended && !subscriber_is_dead(subscriber);
}

/* Up to here nobody will ask for anything. */
static uint64_t done_until(const lpad_topic *topic)
{
	uint64_t until = topic->sequence;
	for (size_t i = 0; topic->totals_count && i < topic->count; i++)
		if (may_ask(&topic->subscribers[i]) && topic->subscribers[i].consumed < until)
			until = topic->subscribers[i].consumed;
	return until;
}

static lpad_message **slot(lpad_topic *topic, uint64_t number)
{
	return &topic->kept[number % topic->totals_count];
}

static lpad_message *take_first(lpad_topic *topic)
{
	lpad_message **at = slot(topic, ++topic->kept_until);
	lpad_message *message = *at;
	*at = NULL;
	return message;
}

void resend_let_go(lpad_topic *topic)
{
	for (uint64_t until = done_until(topic); topic->totals_count && topic->kept_until < until; )
		message_free(take_first(topic));
}

void resend_let_go_slowly(lpad_topic *topic)
{
	uint64_t until = done_until(topic);
	if (!topic->totals_count || topic->kept_until >= until)
		return;
	size_t count = 0;
	lpad_message **freed = memory_array((size_t)(until - topic->kept_until), sizeof *freed);
	while (topic->kept_until < until)       /* all, before anybody can publish: their places are those of the next ones */
		freed[count++] = take_first(topic);
	link_unlock(topic->link);
	while (count)
		message_free(freed[--count]);
	free(freed);
	link_lock(topic->link);
}

/* The window holds whoever may ask so near that there is a place for each, once what they are done with is let go. */
void resend_keep(lpad_topic *topic, const lpad_message *message)
{
	if (!topic->totals_count)
		return;
	if (topic->kept_until + 1 == topic->sequence && done_until(topic) == topic->sequence)
		topic->kept_until = topic->sequence;
	else
		*slot(topic, topic->sequence) = message_share(message);
}

/* ---- what is sent again ---- */

/* Lock held. */
static const lpad_message *message_at(lpad_topic *topic, uint64_t number)
{
	return number > topic->kept_until && number <= topic->sequence ? *slot(topic, number) : NULL;
}

static void answer(const lpad_topic *topic, struct request *request)
{
	const struct peer_spec *self = &topic->link->self;
	struct frame frame = { .wire = { .kind = WIRE_REPLY, .role = WIRE_MEMBER, .group = self->group, .index = self->index,
		.incarnation = self->incarnation, .port = (uint32_t)topic->place, .token = topic->link->token,
		.version = topic->resends, .deadline_ms = -1 } };
	request->transport->answer(request, &frame);
}

void resend_request(lpad_topic *topic, const struct subscriber *subscriber, struct request *request, uint64_t number, size_t longest)
{
	bool was_let_go = number <= topic->kept_until && number > subscriber->consumed;
	if (!may_ask(subscriber) || number <= subscriber->base || number > topic->sequence || was_let_go) {
		server_reply(topic->link, request, LPAD_EINVALID, "nothing is kept for it from this number on");
		return;
	}
	if (message_size(message_at(topic, number)) > longest) {
		server_reply(topic->link, request, LPAD_ETOOBIG, "it is longer than the subscriber's max_message");
		return;
	}
	if (number <= topic->kept_until)
		number = topic->kept_until + 1;         /* the request was long on its way */
	if (!topic->again || number < topic->again)
		topic->again = number;
	topic->resends++;
	answer(topic, request);
}

/* Lock held, and released while the body is copied. */
static void publish_again(lpad_topic *topic, uint64_t number)
{
	struct wire wire = { .kind = WIRE_PUBLISH, .flags = WIRE_RETRY, .number = number, .version = topic->resends };
	lpad_message *message = message_share(message_at(topic, number));
	topic->again = number + 1;
	link_unlock(topic->link);
	topic_transmit(topic, &wire, message);
	link_lock(topic->link);
}

/* Nobody publishes meanwhile: what follows is behind them all. Another request may send it back. */
void resend_due(lpad_topic *topic)
{
	if (!topic->again || topic->busy || !topic->open)
		return;
	topic->busy = true;
	while (topic->again && topic->again <= topic->sequence && !topic->link->closed) {
		if (topic->again <= topic->kept_until)
			topic->again = topic->kept_until + 1;
		else
			publish_again(topic, topic->again);
	}
	topic->again = 0;
	topic->busy = false;
	topic_flush(topic);
	waiters_wake(&topic->waiters);
}

void resend_free(lpad_topic *topic)
{
	while (topic->totals_count && topic->kept_until < topic->sequence)
		message_free(take_first(topic));
	free(topic->kept);
}
