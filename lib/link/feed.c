/* SPDX-License-Identifier: MIT */
/*
 * What comes over a topic's PUB socket. Each incarnation of a publisher has an address of its own, and gets a connection of its own.
 * That of a dead one is left to itself: closing it may take as long as a child of the dead keeps it open.
 */
#include "link/subscriptions.h"

#include <stdlib.h>

#include "base/memory.h"

struct feed {
	struct link *link;
	struct publisher *publisher;            /* NULL: abandoned */
	const struct transport *transport;
	struct subscribing *subscribing;
};

/* ---- frames ---- */

/* What is new up to here, which no message of its own has told. */
static void come_number(struct publisher *publisher, uint64_t number, uint64_t resends)
{
	if (publisher->keep == LPAD_LATEST)
		newest_note(publisher, number);
	else if (publisher->keep == LPAD_ALL)
		missed_note(publisher, number, resends);
	else
		publisher_gap(publisher, number);
}

/* The connection carries what the publisher sends. The account begins behind `last`. */
static void prove(struct publisher *publisher, uint64_t last)
{
	publisher->hello = true;
	if (!publisher->known)
		publisher->base = publisher->last = last;
	publisher->known = true;
}

/* Under `latest` with the newest message before the HELLO, which is to be had. */
static uint64_t begin_at(const struct publisher *publisher, uint64_t number)
{
	return number - (publisher->keep == LPAD_LATEST && number);
}

static void come_hello(struct publisher *publisher, uint64_t number, uint64_t resends)
{
	prove(publisher, begin_at(publisher, number));
	come_number(publisher, number, resends);
	publisher->asked = true;
	publisher->asked_at = number;
	publisher_confirm(publisher);
	publisher_tell(publisher);
}

/* On a topic that is faster than the connection every HELLO may be thrown away before it has gone: whatever comes first does as well.
   Not under `all`: its publisher waits for CONFIRM, so that nothing follows the HELLO; and what it publishes again may come after
   the END that another connection would have had, and shows nothing. */
static void come_without_hello(struct publisher *publisher, const struct wire *wire)
{
	if (publisher->hello || !wire->number || (wire->flags & WIRE_RETRY))
		return;
	if (publisher->keep == LPAD_ALL && !publisher->subscription->link->observer)
		return;
	prove(publisher, wire->number - 1);
	publisher_confirm(publisher);
}

/* Before the account begins nothing belongs to it. */
static void come_message(struct publisher *publisher, struct frame *frame)
{
	uint64_t number = frame->wire.number;
	come_without_hello(publisher, &frame->wire);
	bool again = (frame->wire.flags & WIRE_RETRY) && number <= publisher->last;     /* somebody else had missed it */
	if (!publisher->known || again) {
		frame->transport->frame_drop(frame);
	} else if (publisher->keep == LPAD_LATEST && !publisher_over(publisher)) {
		newest_come(publisher, frame);
	} else if (publisher_over(publisher) || number <= publisher->last) {
		publisher_refuse(publisher, frame, "a message that was there before, or after the end");
	} else if (publisher->keep == LPAD_ALL && number > publisher->last + 1) {
		missed_note(publisher, number, frame->wire.version);
		frame->transport->frame_drop(frame);
	} else {
		publisher_gap(publisher, number - 1);
		publisher->last = number;
		subscription_push(publisher, frame);
		missed_taken(publisher);
	}
}

static void come_notice(struct publisher *publisher, const struct wire *wire)
{
	come_without_hello(publisher, wire);
	if (publisher->known && !publisher_over(publisher))
		newest_note(publisher, wire->number);
}

/* Nothing is missing but what is behind the HELLO before it, which it may have driven out. */
static void come_end(struct publisher *publisher, uint64_t number, uint64_t resends)
{
	prove(publisher, begin_at(publisher, number));
	if (!publisher->ended) {
		publisher->ending = true;
		come_number(publisher, number, resends);
		missed_taken(publisher);
	}
	publisher_confirm(publisher);
}

bool feed_is_its(const struct publisher *publisher, const struct wire *wire)
{
	return wire->token == publisher->subscription->link->token && wire->role == WIRE_MEMBER &&
		wire->group == publisher->group && wire->index == publisher->index &&
		wire->incarnation == publisher->incarnation;
}

static void come(struct publisher *publisher, struct frame *frame)
{
	uint64_t number = frame->wire.number;
	int kind = frame->wire.kind;
	if (!feed_is_its(publisher, &frame->wire)) {
		publisher_refuse(publisher, frame, "a message of another sender or run");
		return;
	}
	publisher->flowing |= !publisher->gone;
	if (kind == WIRE_PUBLISH) {
		come_message(publisher, frame);
		return;
	}
	if (kind == WIRE_TOPIC_HELLO)
		come_hello(publisher, number, frame->wire.version);
	else if (kind == WIRE_NOTICE && publisher->lazy)
		come_notice(publisher, &frame->wire);
	else if (kind == WIRE_END)
		come_end(publisher, number, frame->wire.version);
	else {
		publisher_refuse(publisher, frame, "a message that has no place on a topic");
		return;
	}
	frame->transport->frame_drop(frame);
}

/* ---- events of the transport ---- */

static void on_message(void *context, struct frame *frame)
{
	struct feed *feed = context;
	link_lock(feed->link);
	if (feed->publisher)
		come(feed->publisher, frame);
	else
		frame->transport->frame_drop(frame);
	link_unlock(feed->link);
}

static void on_malformed(void *context, const char *why)
{
	struct feed *feed = context;
	link_lock(feed->link);
	struct publisher *publisher = feed->publisher;
	if (publisher) {
		publisher->flowing |= !publisher->gone;
		publisher_refuse(publisher, NULL, why);
	}
	link_unlock(feed->link);
}

/* What was on its way is lost. A new SUBSCRIBE makes the publisher say HELLO, and END if it was missed, to the next connection. */
static void on_down(void *context)
{
	struct feed *feed = context;
	link_lock(feed->link);
	if (feed->publisher) {
		feed->publisher->flowing = feed->publisher->hello = false;
		if (!feed->link->closed)
			publisher_again(feed->publisher);
	}
	link_unlock(feed->link);
}

/* ---- life ---- */

int feed_open(struct publisher *publisher, struct error *error)
{
	static const struct subscribing_events events = { .message = on_message, .down = on_down, .malformed = on_malformed };
	struct link *link = publisher->subscription->link;
	const struct transport *transport = transport_for(publisher->address, error);
	struct feed *feed = memory_new(sizeof *feed);
	*feed = (struct feed){ .link = link, .publisher = publisher, .transport = transport };
	feed->subscribing = transport ? transport->subscribe_open(publisher->address, publisher->buffer, link->longest, &events,
		feed, error) : NULL;
	if (!feed->subscribing) {
		free(feed);
		return error_wrap(error, "subscription \"%s\", topic \"%s\" of %s", publisher->subscription->name,
			publisher->topic, publisher->node);
	}
	link_lock(link);
	publisher->feed = feed;
	link_unlock(link);
	return 0;
}

static void on_closed(void *context)
{
	struct feed *feed = context;
	struct link *link = feed->link;
	free(feed);
	link_let_go(link);
}

void feed_abandon(struct publisher *publisher)
{
	struct feed *feed = publisher->feed;
	publisher->feed = NULL;
	if (!feed)
		return;
	feed->publisher = NULL;
	link_keep(feed->link);
	feed->transport->subscribe_abandon(feed->subscribing, on_closed, feed);
}

void feed_close(struct publisher *publisher)
{
	if (!publisher->feed)
		return;
	publisher->feed->transport->subscribe_close(publisher->feed->subscribing);
	free(publisher->feed);
	publisher->feed = NULL;
}
