/* SPDX-License-Identifier: MIT */
/*
 * The receiving side of `latest`. Versions are numbered as messages are; each one that is known of is in the account exactly once:
 * received, dropped (a newer one came before it was read), lost (its publisher died with it), queued or held as a body, noted, or being fetched. A FETCH brings the
 * newest body of the moment in which it is answered, whichever version it was asked for.
 *
 * An eager subscription gets bodies pushed, and fetches only what was there before it. A lazy one gets versions, and fetches when
 * somebody reads: lpad_take, or the service thread, which has nothing else of that publisher left to do.
 */
#include "link/subscriptions.h"

#include <stdlib.h>

#include "base/memory.h"

bool newest_pending(const struct publisher *publisher)
{
	return publisher->noted || publisher->fetching;
}

void newest_drop(struct publisher *publisher)
{
	if (!publisher->noted)
		return;
	publisher->noted = 0;
	publisher_drop(publisher);
}

void newest_lose(struct publisher *publisher)
{
	publisher->versions_lost += !!publisher->noted;
	publisher->noted = 0;
}

/* It is known of from here on. */
static void advance(struct publisher *publisher, uint64_t number)
{
	publisher_gap(publisher, number - 1);
	publisher->last = number;
	newest_drop(publisher);
}

void newest_note(struct publisher *publisher, uint64_t number)
{
	struct lpad_subscription *subscription = publisher->subscription;
	if (number <= publisher->last)
		return;
	advance(publisher, number);
	publisher->noted = number;
	if (publisher->gone || publisher->lost)
		newest_lose(publisher);
	else if (subscription->closed)
		newest_drop(publisher);
	newest_fetch(publisher, false);
	waiters_wake(&subscription->waiters);
}

void newest_come(struct publisher *publisher, struct frame *frame)
{
	uint64_t number = frame->wire.number;
	if (number <= publisher->last) {        /* a FETCH was faster */
		frame->transport->frame_drop(frame);
		return;
	}
	advance(publisher, number);
	publisher->have = number;
	subscription_push(publisher, frame);
}

/* ---- fetching ---- */

static bool to_be_fetched(const struct publisher *publisher, bool read)
{
	const struct lpad_subscription *subscription = publisher->subscription;
	if (!publisher->noted || publisher->fetching || publisher->gone || publisher->lost || subscription->link->closed)
		return false;
	if (publisher->place < 0 || line_state(publisher->line) != LINE_UP ||
	    line_incarnation(publisher->line) != publisher->incarnation)
		return false;
	return read || !publisher->lazy || (subscription->callback && !publisher->queued && !publisher->held);
}

/* The body of `version`, or of a newer one than it. */
static void fetched(struct publisher *publisher, uint64_t asked, struct frame *frame)
{
	uint64_t version = frame->wire.version;
	bool stale = version <= publisher->have;
	if (version < asked || !feed_is_its(publisher, &frame->wire)) {
		publisher_refuse(publisher, frame, "an answer to FETCH that is older than what was announced, or of another sender");
		publisher_drop(publisher);
		return;
	}
	if (version > publisher->last)
		advance(publisher, version);
	else if (version != publisher->noted && !stale)
		asked = version;                /* it has a place in the account: that of what was asked for */
	if (version == publisher->noted)
		publisher->noted = 0;
	if (asked != version || stale)
		publisher_drop(publisher);
	if (stale) {
		frame->transport->frame_drop(frame);
		return;
	}
	publisher->have = version;
	subscription_push(publisher, frame);
}

/* The connection went: it is asked for again when there is another one, unless a newer one is known by now. */
static void unfetched(struct publisher *publisher, uint64_t asked)
{
	if (publisher->gone || publisher->lost)
		publisher->versions_lost++;
	else if (publisher->noted || publisher->subscription->closed || line_state(publisher->line) == LINE_UP)
		publisher_drop(publisher);
	else
		publisher->noted = asked;
}

static void on_fetched(void *context, struct frame *frame)
{
	struct publisher *publisher = context;
	struct lpad_subscription *subscription = publisher->subscription;
	uint64_t asked = publisher->fetching;
	if (!frame) {
		unfetched(publisher, asked);
	} else if (frame->wire.kind != WIRE_REPLY) {
		publisher_refuse(publisher, frame, "it refused to send its newest message");
		publisher_drop(publisher);
	} else {
		fetched(publisher, asked, frame);
	}
	publisher->fetching = 0;        /* only now: until the account is right again, the end must not be acknowledged */
	if (subscription->link->closed)
		return;
	newest_fetch(publisher, false);
	subscription_changed(publisher);
}

void newest_fetch(struct publisher *publisher, bool read)
{
	if (!to_be_fetched(publisher, read))
		return;
	char *body = account_confirm(publisher->subscription->name);
	publisher->fetching = publisher->noted;
	publisher->noted = 0;
	line_fetch(publisher->line, (uint32_t)publisher->place, body, on_fetched, publisher);
	free(body);
}
