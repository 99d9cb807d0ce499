/* SPDX-License-Identifier: MIT */
#include "link/subscriptions.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"

static const int64_t TELL_BYTES = 16 << 20;     /* a quarter of the publisher's window of bytes */
/* How long the connection of a dead publisher may stand before it is taken to be held open by a child of it. */
static const int64_t LINGER_NS = 1000000000;
static const int64_t AGAIN_NS = 1000000000;     /* after a request was lost */

bool publisher_over(const struct publisher *publisher)
{
	return publisher->ended || (publisher->gone && !publisher->flowing);
}

/* ---- what it is told ---- */

static int64_t done_with(const struct publisher *publisher)
{
	return publisher->account.received + publisher->account.dropped;
}

static void ask(struct publisher *publisher, int kind, uint64_t number, char *body,
	void (*done)(void *context, const struct wire *reply, const char *body, size_t size))
{
	line_request(publisher->line, kind, (uint32_t)publisher->place, number, body, done, publisher);
	free(body);
}

/* 1: well answered, 0: lost, -1: refused, which is said. */
static int judge(struct publisher *publisher, const struct wire *reply, const char *body, size_t size, const char *what)
{
	if (!reply) {
		publisher->again = true;
		if (!publisher->subscription->link->closed)
			link_tick_by(publisher->subscription->link, clock_ns() + AGAIN_NS);
		return 0;
	}
	if (reply->kind == WIRE_REPLY)
		return 1;
	link_note(publisher->subscription->link, "subscription \"%s\": %s refused %s on topic \"%s\": %.*s",
		publisher->subscription->name, publisher->node, what, publisher->topic, (int)size, body ? body : "");
	return -1;
}

static void on_told(void *context, const struct wire *reply, const char *body, size_t size)
{
	struct publisher *publisher = context;
	if (judge(publisher, reply, body, size, "an acknowledgement") == 0)
		publisher->told = publisher->bytes_told = 0;
}

/* Refused: there is nobody left who could be told. */
static void on_end_told(void *context, const struct wire *reply, const char *body, size_t size)
{
	struct publisher *publisher = context;
	if (judge(publisher, reply, body, size, "the acknowledgement of the end") == 0)
		publisher->end_told = false;
	else
		publisher->end_answered = true;
	link_check(publisher->subscription->link);
}

static void tell(struct publisher *publisher, int kind,
	void (*done)(void *context, const struct wire *reply, const char *body, size_t size))
{
	publisher->told = done_with(publisher);
	publisher->bytes_told = publisher->bytes_done;
	publisher->asked &= publisher->asked_at > publisher->base + (uint64_t)publisher->told;
	ask(publisher, kind, publisher->base + (uint64_t)publisher->told,
		account_state(publisher->subscription->name, &publisher->account), done);
}

/* Often enough that the publisher never stands still for want of it: at a quarter of its window, or when it asks. */
static bool tell_due(const struct publisher *publisher)
{
	int64_t news = done_with(publisher) - publisher->told;
	if (publisher->keep != LPAD_ALL || news <= 0)
		return false;
	return news * 4 >= publisher->window || publisher->bytes_done - publisher->bytes_told >= TELL_BYTES ||
		(publisher->asked && publisher->base + (uint64_t)done_with(publisher) >= publisher->asked_at);
}

void publisher_tell(struct publisher *publisher)
{
	if (!publisher->wired || publisher->gone || publisher->end_told)
		return;
	if (publisher->ended && !publisher->queued && !publisher->held && !newest_pending(publisher)) {
		publisher->end_told = true;
		tell(publisher, WIRE_END_ACK, on_end_told);
	} else if (tell_due(publisher)) {
		tell(publisher, WIRE_ACK, on_told);
	}
}

void publisher_count(struct publisher *publisher, bool received, size_t size)
{
	if (received) {
		publisher->account.received++;
		publisher->account.bytes += (int64_t)size;
	} else {
		publisher->account.dropped++;
	}
	publisher->bytes_done += (int64_t)size;
	publisher_tell(publisher);
}

/* ---- how it is wired ---- */

static void on_confirmed(void *context, const struct wire *reply, const char *body, size_t size)
{
	struct publisher *publisher = context;
	int answer = judge(publisher, reply, body, size, "the confirmation");
	publisher->step = answer > 0 ? PUBLISHER_WIRED : answer < 0 ? PUBLISHER_REFUSED : PUBLISHER_IDLE;
	publisher->wired |= answer > 0;
	subscription_changed(publisher);
}

static void confirm(struct publisher *publisher)
{
	if (publisher->step != PUBLISHER_ANSWERED || !publisher->hello)
		return;
	publisher->step = PUBLISHER_CONFIRMING;
	ask(publisher, WIRE_CONFIRM, publisher->base, account_confirm(publisher->subscription->name), on_confirmed);
}

static void on_subscribed(void *context, const struct wire *reply, const char *body, size_t size)
{
	struct publisher *publisher = context;
	int answer = judge(publisher, reply, body, size, "the subscription");
	publisher->step = answer > 0 ? PUBLISHER_ANSWERED : answer < 0 ? PUBLISHER_REFUSED : PUBLISHER_IDLE;
	confirm(publisher);
	newest_fetch(publisher, false);
}

static void subscribe(struct publisher *publisher)
{
	const struct lpad_subscription *subscription = publisher->subscription;
	publisher->again = false;
	publisher->place = line_topic(publisher->line, publisher->topic);
	if (publisher->place < 0) {
		publisher->step = PUBLISHER_REFUSED;
		link_note(subscription->link, "subscription \"%s\": %s has no topic \"%s\"", subscription->name,
			publisher->node, publisher->topic);
		return;
	}
	publisher->step = PUBLISHER_ASKING;
	ask(publisher, WIRE_SUBSCRIBE, 0, account_subscribe(subscription->name, publisher->keep, publisher->window),
		on_subscribed);
}

static void on_line(void *context, struct line *line, enum line_state state)
{
	struct publisher *publisher = context;
	(void)line;
	if (state == LINE_GONE)
		publisher_lost(publisher, true);
	else if (state == LINE_UP && publisher->socket && !publisher->end_answered)
		subscribe(publisher);
	if (state == LINE_UP)
		waiters_wake(&publisher->subscription->waiters);
}

void publisher_lost(struct publisher *publisher, bool gone)
{
	if (!gone || publisher->gone)
		return;
	publisher->gone = true;
	publisher->gone_ns = clock_ns();
	newest_lose(publisher);
	link_tick_by(publisher->subscription->link, publisher->gone_ns + LINGER_NS);
	subscription_changed(publisher);
}

/* ---- what comes from it ---- */

void publisher_gap(struct publisher *publisher, uint64_t number)
{
	if (number <= publisher->last)
		return;
	publisher->account.dropped += (int64_t)(number - publisher->last);
	publisher->last = number;
}

void publisher_refuse(struct publisher *publisher, struct frame *frame, const char *why)
{
	const struct lpad_subscription *subscription = publisher->subscription;
	publisher->errors++;
	link_note(subscription->link, "subscription \"%s\": dropped what came from the address of %s: %s", subscription->name,
		publisher->node, why);
	if (frame)
		frame->transport->frame_drop(frame);
}

/* What is new up to here, which no message of its own has told. */
static void come_number(struct publisher *publisher, uint64_t number)
{
	if (publisher->keep == LPAD_LATEST)
		newest_note(publisher, number);
	else
		publisher_gap(publisher, number);
}

/* The account begins with the first HELLO; under `latest` with the newest message before it, which is to be had. */
static void come_hello(struct publisher *publisher, uint64_t number)
{
	publisher->hello = true;
	if (!publisher->known)
		publisher->base = publisher->last = number - (publisher->keep == LPAD_LATEST && number);
	publisher->known = true;
	come_number(publisher, number);
	publisher->asked = true;
	publisher->asked_at = number;
	confirm(publisher);
	publisher_tell(publisher);
}

/* Before the first HELLO nothing belongs to the account. */
static void come_message(struct publisher *publisher, struct frame *frame)
{
	if (!publisher->known) {
		frame->transport->frame_drop(frame);
	} else if (publisher->keep == LPAD_LATEST && !publisher_over(publisher)) {
		newest_come(publisher, frame);
	} else if (publisher_over(publisher) || frame->wire.number <= publisher->last) {
		publisher_refuse(publisher, frame, "a message that was there before, or after the end");
	} else {
		publisher_gap(publisher, frame->wire.number - 1);
		publisher->last = frame->wire.number;
		subscription_push(publisher, frame);
	}
}

static void come_notice(struct publisher *publisher, uint64_t number)
{
	if (publisher->known && !publisher_over(publisher))
		newest_note(publisher, number);
}

static void come_end(struct publisher *publisher, uint64_t number)
{
	if (!publisher->known || publisher->ended)
		return;
	come_number(publisher, number);
	publisher->ended = true;
	subscription_changed(publisher);
}

static bool is_its(const struct publisher *publisher, const struct wire *wire)
{
	return wire->token == publisher->subscription->link->token && wire->role == WIRE_MEMBER &&
		wire->group == publisher->group && wire->index == publisher->index &&
		wire->incarnation == publisher->incarnation;
}

static void come(struct publisher *publisher, struct frame *frame)
{
	uint64_t number = frame->wire.number;
	int kind = frame->wire.kind;
	if (!is_its(publisher, &frame->wire)) {
		publisher_refuse(publisher, frame, "a message of another sender or run");
		return;
	}
	publisher->flowing |= !publisher->gone;
	if (kind == WIRE_PUBLISH) {
		come_message(publisher, frame);
		return;
	}
	if (kind == WIRE_TOPIC_HELLO)
		come_hello(publisher, number);
	else if (kind == WIRE_NOTICE && publisher->lazy)
		come_notice(publisher, number);
	else if (kind == WIRE_END)
		come_end(publisher, number);
	else {
		publisher_refuse(publisher, frame, "a message that has no place on a topic");
		return;
	}
	frame->transport->frame_drop(frame);
}

static void on_message(void *context, struct frame *frame)
{
	struct publisher *publisher = context;
	struct link *link = publisher->subscription->link;
	link_lock(link);
	come(publisher, frame);
	link_unlock(link);
}

static void on_malformed(void *context, const char *why)
{
	struct publisher *publisher = context;
	struct link *link = publisher->subscription->link;
	link_lock(link);
	publisher->flowing |= !publisher->gone;
	publisher_refuse(publisher, NULL, why);
	link_unlock(link);
}

/* What was on its way is lost. A new SUBSCRIBE makes the publisher say HELLO, and END if it was missed, to the next connection. */
static void on_down(void *context)
{
	struct publisher *publisher = context;
	struct link *link = publisher->subscription->link;
	link_lock(link);
	publisher->flowing = publisher->hello = false;
	if (!link->closed) {
		if (!publisher->end_answered && !publisher->gone && publisher->step != PUBLISHER_REFUSED) {
			publisher->step = PUBLISHER_IDLE;
			if (line_state(publisher->line) == LINE_UP)
				subscribe(publisher);
		}
		subscription_changed(publisher);
	}
	link_unlock(link);
}

/* ---- life ---- */

void publisher_new(struct publisher *publisher, struct lpad_subscription *subscription, const struct publisher_link *spec)
{
	bool lazy = spec->keep == LPAD_LATEST && !spec->eager;
	*publisher = (struct publisher){
		.subscription = subscription, .node = memory_copy_text(spec->peer.node), .topic = memory_copy_text(spec->topic),
		.address = memory_copy_text(lazy ? spec->notice : spec->address), .lazy = lazy, .group = spec->peer.group, .index = spec->peer.index,
		.incarnation = spec->peer.incarnation, .keep = spec->keep, .buffer = spec->buffer,
		.window = spec->window > 0 ? spec->window : 1, .line = line_to(subscription->link, &spec->peer),
	};
	line_watch(publisher->line, on_line, publisher);
}

int publisher_connect(struct publisher *publisher, struct error *error)
{
	static const struct subscribing_events events = {
		.message = on_message, .down = on_down, .malformed = on_malformed,
	};
	struct link *link = publisher->subscription->link;
	publisher->transport = transport_for(publisher->address, error);
	struct subscribing *socket = publisher->transport ? publisher->transport->subscribe_open(publisher->address,
		publisher->buffer, link->longest, &events, publisher, error) : NULL;
	if (!socket)
		return error_wrap(error, "subscription \"%s\", topic \"%s\" of %s", publisher->subscription->name,
			publisher->topic, publisher->node);
	link_lock(link);
	publisher->socket = socket;
	if (line_state(publisher->line) == LINE_UP)
		subscribe(publisher);
	link_unlock(link);
	return 0;
}

void publisher_free(struct publisher *publisher)
{
	free(publisher->node);
	free(publisher->topic);
	free(publisher->address);
}

void publisher_tick(struct publisher *publisher, int64_t now_ns, int64_t *next_ns, bool tell_all)
{
	if (publisher->gone && publisher->flowing && !publisher->ended) {
		int64_t until = publisher->gone_ns + LINGER_NS;
		if (now_ns >= until) {
			publisher->flowing = false;
			subscription_changed(publisher);
		} else if (until < *next_ns) {
			*next_ns = until;
		}
	}
	if (publisher->again && line_state(publisher->line) == LINE_UP) {
		publisher->again = false;
		if (publisher->step == PUBLISHER_IDLE)
			subscribe(publisher);
		publisher_tell(publisher);
		newest_fetch(publisher, false);
	}
	if (!tell_all || !publisher->wired || publisher->gone || publisher->end_told)
		return;
	publisher_tell(publisher);
	if (done_with(publisher) > publisher->told)
		tell(publisher, WIRE_ACK, on_told);
}
