/* SPDX-License-Identifier: MIT */
#include "link/subscriptions.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"

static const int64_t TELL_BYTES = 16 << 20;     /* a quarter of the publisher's window of bytes */
/* How long the connection of a dead publisher may stand before it is taken to be held open by a child of it. */
static const int64_t LINGER_NS = 1000000000;
static const int64_t AGAIN_NS = 1000000000;     /* after a request was lost */
enum { PATIENCE = 3 };                          /* seconds, for the HELLO that an answered SUBSCRIBE has promised */

bool publisher_over(const struct publisher *publisher)
{
	return publisher->ended || (publisher->gone && !publisher->flowing);
}

/* ---- what it is told ---- */

static int64_t done_with(const struct publisher *publisher)
{
	return publisher->account.received + publisher->account.dropped;
}

/* To this incarnation: what would wait for the next one means nothing there. */
bool publisher_reachable(const struct publisher *publisher)
{
	return !publisher->lost && !publisher->gone && line_state(publisher->line) == LINE_UP &&
		line_incarnation(publisher->line) == publisher->incarnation;
}

void publisher_ask(struct publisher *publisher, int kind, uint64_t number, char *body,
	void (*done)(void *context, const struct wire *reply, const char *body, size_t size))
{
	if (publisher_reachable(publisher))
		line_request(publisher->line, kind, (uint32_t)publisher->place, number, body, done, publisher);
	else
		done(publisher, NULL, NULL, 0);
	free(body);
}

/* 1: well answered, 0: lost, -1: refused, which is said. */
int publisher_judge(struct publisher *publisher, const struct wire *reply, const char *body, size_t size, const char *what)
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
	if (publisher_judge(publisher, reply, body, size, "an acknowledgement") == 0)
		publisher->told = publisher->bytes_told = 0;
}

/* Refused: there is nobody left who could be told. */
static void on_end_told(void *context, const struct wire *reply, const char *body, size_t size)
{
	struct publisher *publisher = context;
	if (publisher_judge(publisher, reply, body, size, "the acknowledgement of the end") == 0)
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
	publisher_ask(publisher, kind, publisher->base + (uint64_t)publisher->told,
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

/* Observers are in no account, and nobody waits for what they would say. */
static bool is_to_be_told(const struct publisher *publisher)
{
	return publisher->wired && !publisher->lost && !publisher->gone && !publisher->end_told &&
		!publisher->subscription->link->observer;
}

void publisher_tell(struct publisher *publisher)
{
	if (!is_to_be_told(publisher))
		return;
	if (publisher->ended && !publisher->queued && !publisher->held && !newest_pending(publisher)) {
		publisher->end_told = true;
		tell(publisher, WIRE_END_ACK, on_end_told);
	} else if (tell_due(publisher)) {
		tell(publisher, WIRE_ACK, on_told);
	}
}

static void count(struct publisher *publisher, bool received, size_t size)
{
	if (received) {
		publisher->account.received++;
		publisher->account.bytes += (int64_t)size;
	} else {
		publisher->account.dropped++;
	}
	publisher->bytes_done += (int64_t)size;
}

static void count_past(struct past_accounts *past, bool received, size_t size)
{
	past->received += received;
	past->dropped += !received;
	past->bytes += received ? (int64_t)size : 0;
}

/* What is done with may have been all that the end waited for. */
void publisher_count(struct publisher *publisher, uint32_t incarnation, bool received, size_t size)
{
	if (incarnation == publisher->incarnation)
		count(publisher, received, size);
	else
		count_past(&publisher->past, received, size);
	publisher_tell(publisher);
}

void publisher_drop(struct publisher *publisher)
{
	publisher_count(publisher, publisher->incarnation, false, 0);
}

/* ---- how it is wired ---- */

static bool is_asking(const struct publisher *publisher)
{
	return publisher->step == PUBLISHER_ASKING || publisher->step == PUBLISHER_CONFIRMING;
}

static void answered(struct publisher *publisher, int answer, enum publisher_step next)
{
	publisher->step = answer > 0 ? next : answer < 0 ? PUBLISHER_REFUSED : PUBLISHER_IDLE;
	if (publisher->anew)
		publisher_again(publisher);
}

static void on_confirmed(void *context, const struct wire *reply, const char *body, size_t size)
{
	struct publisher *publisher = context;
	int answer = publisher_judge(publisher, reply, body, size, "the confirmation");
	publisher->wired |= answer > 0;
	publisher->claimed &= answer >= 0;
	answered(publisher, answer, PUBLISHER_WIRED);
	subscription_changed(publisher);
}

void publisher_confirm(struct publisher *publisher)
{
	if (publisher->step != PUBLISHER_ANSWERED || !publisher->hello)
		return;
	if (publisher->subscription->link->observer) {
		publisher->step = PUBLISHER_WIRED;
		publisher->wired = true;
		subscription_changed(publisher);
		return;
	}
	publisher->step = PUBLISHER_CONFIRMING;
	publisher->claimed |= publisher_reachable(publisher);
	publisher_ask(publisher, WIRE_CONFIRM, publisher->base, account_confirm(publisher->subscription->name), on_confirmed);
}

static void on_subscribed(void *context, const struct wire *reply, const char *body, size_t size)
{
	struct publisher *publisher = context;
	answered(publisher, publisher_judge(publisher, reply, body, size, "the subscription"), PUBLISHER_ANSWERED);
	publisher_confirm(publisher);
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
	publisher_ask(publisher, WIRE_SUBSCRIBE, 0, account_subscribe(subscription->name, publisher->keep, publisher->window),
		on_subscribed);
}

static void resume(struct publisher *publisher)
{
	if (publisher->feed && !publisher->end_answered && publisher->step != PUBLISHER_REFUSED && !is_asking(publisher) &&
	    publisher_reachable(publisher))
		subscribe(publisher);
}

/* One request at a time: if CONFIRM and a later SUBSCRIBE overtook each other, or their answers did, both ends would take this one for
   confirmed, or neither would, and the HELLO and the END that are due to the new connection would never be sent. */
void publisher_again(struct publisher *publisher)
{
	publisher->anew = is_asking(publisher);
	if (!publisher->anew && publisher->step != PUBLISHER_REFUSED)
		publisher->step = PUBLISHER_IDLE;
	resume(publisher);
	subscription_changed(publisher);
}

/* Up: whoever waits for a body may have it fetched now. */
static void on_line(void *context, struct line *line, enum line_state state)
{
	struct publisher *publisher = context;
	if (state == LINE_GONE)
		publisher_lost(publisher, line_incarnation(line), true);
	if (state != LINE_UP)
		return;
	resume(publisher);
	waiters_wake(&publisher->subscription->waiters);
}

/* ---- its incarnations ---- */

/* What it ended with is no end when it runs again. */
static void lose(struct publisher *publisher)
{
	publisher->lost = true;
	publisher->ending = publisher->ended = publisher->end_told = publisher->end_answered = false;
}

void publisher_lost(struct publisher *publisher, uint32_t incarnation, bool gone)
{
	bool known = incarnation < publisher->incarnation || publisher->lost;
	if (publisher->gone || (!gone && known))
		return;
	if (gone) {
		publisher->gone = true;
		publisher->gone_ns = clock_ns();
		link_tick_by(publisher->subscription->link, publisher->gone_ns + LINGER_NS);
	} else {
		lose(publisher);
	}
	newest_lose(publisher);
	subscription_changed(publisher);
}

static void close_account(struct publisher *publisher)
{
	struct past_accounts *past = &publisher->past;
	newest_lose(publisher);
	past->published += (int64_t)(publisher->last - publisher->base + missed_count(publisher));
	past->received += publisher->account.received;
	past->dropped += publisher->account.dropped;
	past->bytes += publisher->account.bytes;
	past->lost += publisher->versions_lost + (int64_t)missed_count(publisher);
}

/* What came from the one before stays in the queue. */
static void succeed(struct publisher *publisher, uint32_t incarnation)
{
	close_account(publisher);
	publisher->incarnation = incarnation;
	publisher->account = (struct account){ 0 };
	publisher->base = publisher->last = publisher->have = publisher->asked_at = 0;
	publisher->told = publisher->bytes_told = publisher->bytes_done = publisher->versions_lost = 0;
	publisher->missed = publisher->asked_from = publisher->resends = publisher->resends_seen = 0;
	publisher->asked_in_vain = publisher->waited = 0;
	publisher->known = publisher->hello = publisher->flowing = publisher->ending = publisher->ended = false;
	publisher->claimed = publisher->wired = publisher->lost = false;
	publisher->end_told = publisher->end_answered = publisher->asked = publisher->again = publisher->anew = false;
	publisher->gone = false;                /* the user may have it started again after all */
	publisher->step = PUBLISHER_IDLE;
}

static const char *found_at(const struct publisher *publisher, const struct peer_up *up)
{
	for (size_t i = 0; i < up->topic_count; i++)
		if (text_equal(up->topics[i].topic, publisher->topic))
			return publisher->lazy ? up->topics[i].notice : up->topics[i].address;
	return NULL;
}

bool publisher_found(struct publisher *publisher, const struct peer_up *up)
{
	const char *address = found_at(publisher, up);
	bool later = up->incarnation > publisher->incarnation;
	bool first = up->incarnation == publisher->incarnation && !publisher->address && !publisher->lost;
	if (!later && (publisher->gone || !first))
		return false;
	feed_abandon(publisher);
	if (later)
		succeed(publisher, up->incarnation);
	free(publisher->address);
	publisher->address = memory_copy_text(address);
	return true;
}

/* ---- what is wrong with what comes ---- */

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

/* ---- life ---- */

void publisher_new(struct publisher *publisher, struct lpad_subscription *subscription, const struct publisher_link *spec)
{
	bool lazy = spec->keep == LPAD_LATEST && !spec->eager;
	*publisher = (struct publisher){
		.subscription = subscription, .node = memory_copy_text(spec->peer.node), .topic = memory_copy_text(spec->topic),
		.address = memory_copy_text(lazy ? spec->notice : spec->address), .lazy = lazy,
		.group = spec->peer.group, .index = spec->peer.index, .incarnation = spec->peer.incarnation,
		.keep = spec->keep, .buffer = spec->buffer, .window = spec->window > 0 ? spec->window : 1, .line = line_to(subscription->link, &spec->peer),
	};
	line_watch(publisher->line, on_line, publisher);
}

int publisher_connect(struct publisher *publisher, struct error *error)
{
	struct link *link = publisher->subscription->link;
	if (!publisher->address)
		return 0;
	if (feed_open(publisher, error))
		return -1;
	link_lock(link);
	resume(publisher);
	link_unlock(link);
	return 0;
}

void publisher_free(struct publisher *publisher)
{
	free(publisher->node);
	free(publisher->topic);
	free(publisher->address);
}

/* The HELLO may have been thrown away, and nothing come behind it that would do as well. */
static void ask_for_hello(struct publisher *publisher)
{
	if (publisher->step != PUBLISHER_ANSWERED || !publisher_reachable(publisher))
		publisher->unheard = 0;
	else if (++publisher->unheard >= PATIENCE)
		publisher_again(publisher);
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
	if (publisher->again && publisher_reachable(publisher)) {
		publisher->again = false;
		if (publisher->step == PUBLISHER_IDLE)
			resume(publisher);
		publisher_tell(publisher);
		newest_fetch(publisher, false);
		missed_ask_again(publisher);
	}
	if (tell_all) {
		missed_tick(publisher);
		ask_for_hello(publisher);
	}
	if (!tell_all || !is_to_be_told(publisher))
		return;
	publisher_tell(publisher);
	if (done_with(publisher) > publisher->told)
		tell(publisher, WIRE_ACK, on_told);
}
