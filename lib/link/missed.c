/* SPDX-License-Identifier: MIT */
/*
 * The receiving side of `all`. Messages are taken in their order, without a gap: what comes behind a gap is not taken, and the
 * publisher is asked, once, to publish everything from there on again. What it had sent before it heard that comes first, and says
 * nothing; what it sent later, and still has the gap before it, was preceded by what is missing, which was lost once more: it is
 * asked for again. So it is when a new connection's HELLO names more than has come, or when nothing comes for seconds.
 */
#include "link/subscriptions.h"

#include "base/clock.h"

enum {
	AT_ONCE = 16,           /* RESENDs in vain; those behind them wait for the tick: something is wrong that haste does not mend */
	PATIENCE = 5            /* seconds, for what an answered RESEND has promised */
};
static const int64_t LATER_NS = 1000000000;

uint64_t missed_count(const struct publisher *publisher)
{
	return publisher->missed > publisher->last ? publisher->missed - publisher->last : 0;
}

void missed_taken(struct publisher *publisher)
{
	publisher->asked_in_vain = publisher->waited = 0;
	if (!publisher->ending || publisher->ended || missed_count(publisher))
		return;
	publisher->ended = true;
	subscription_changed(publisher);
}

void missed_drop(struct publisher *publisher)
{
	if (!missed_count(publisher) || publisher->lost || publisher->gone)
		return;
	publisher_gap(publisher, publisher->missed);
	missed_taken(publisher);
	publisher_tell(publisher);
}

/* ---- asking ---- */

static void ask(struct publisher *publisher);

static void too_long(struct publisher *publisher, uint64_t number)
{
	const struct lpad_subscription *subscription = publisher->subscription;
	link_note(subscription->link, "subscription \"%s\": dropped message %llu of topic \"%s\" of %s: it is longer than max_message, %zu",
		subscription->name, (unsigned long long)number, publisher->topic, publisher->node, subscription->link->longest);
	publisher_gap(publisher, number);
	missed_taken(publisher);
	ask(publisher);
}

/* Refused: nothing of it will ever come. */
static void on_promised(void *context, const struct wire *reply, const char *body, size_t size)
{
	struct publisher *publisher = context;
	uint64_t from = publisher->asked_from;
	publisher->asked_from = 0;
	if (!missed_count(publisher))
		return;
	if (reply && reply->kind == WIRE_ERROR && reply->code == LPAD_ETOOBIG && from == publisher->last + 1) {
		too_long(publisher, from);
		return;
	}
	int answer = publisher_judge(publisher, reply, body, size, "to send again what did not come");
	if (answer < 0) {
		missed_drop(publisher);
	} else if (answer > 0) {
		publisher->resends = reply->version;
		if (publisher->resends_seen >= publisher->resends)
			ask(publisher);
	}
}

static void ask_later(struct publisher *publisher)
{
	publisher->again = true;
	if (!publisher->subscription->link->closed)
		link_tick_by(publisher->subscription->link, clock_ns() + LATER_NS);
}

static void ask(struct publisher *publisher)
{
	const struct lpad_subscription *subscription = publisher->subscription;
	if (publisher->keep != LPAD_ALL || !missed_count(publisher) || publisher->asked_from || !publisher_reachable(publisher))
		return;
	if (publisher->asked_in_vain == AT_ONCE) {
		ask_later(publisher);
		return;
	}
	publisher->asked_in_vain++;
	publisher->asked_from = publisher->last + 1;
	publisher_ask(publisher, WIRE_RESEND, publisher->asked_from, account_resend(subscription->name, subscription->link->longest),
		on_promised);
}

void missed_note(struct publisher *publisher, uint64_t number, uint64_t resends)
{
	if (number <= publisher->last)
		return;
	if (number > publisher->missed)
		publisher->missed = number;
	if (resends > publisher->resends_seen)
		publisher->resends_seen = resends;
	if (publisher->subscription->closed)
		missed_drop(publisher);
	else if (resends >= publisher->resends)
		ask(publisher);
}

void missed_ask_again(struct publisher *publisher)
{
	publisher->asked_in_vain = publisher->waited = 0;
	ask(publisher);
}

/* What was promised, and lost without anything behind it that would show it. */
void missed_tick(struct publisher *publisher)
{
	if (missed_count(publisher) && !publisher->asked_from && ++publisher->waited >= PATIENCE)
		missed_ask_again(publisher);
}
