/* SPDX-License-Identifier: MIT */
/* Messages on their way from a subscription's queue into the hands of whoever takes them. */
#include "link/subscriptions.h"

#include "base/clock.h"
#include "base/memory.h"
#include "link/conform.h"

/* ---- waiting for one ---- */

static bool all_over(const struct lpad_subscription *subscription)
{
	for (size_t i = 0; i < subscription->count; i++)
		if (!publisher_over(&subscription->publishers[i]))
			return false;
	return true;
}

/* While a newer one is on its way, what was fetched before is not the newest any more. */
static bool is_outdated(const struct item *item)
{
	return item->publisher->lazy && item->publisher->fetching;
}

/* The oldest, in the caller's hands; NULL: there is none. `newest`: none that is about to be replaced. */
static struct item *grab(struct lpad_subscription *subscription, bool newest)
{
	struct item *item = subscription->oldest;
	while (item && newest && is_outdated(item))
		item = item->newer;
	if (item) {
		subscription_remove(subscription, item);
		item->publisher->held++;
	}
	return item;
}

/* The last one of an ended publisher may complete a drain. */
static void count_held(struct publisher *publisher, uint32_t incarnation, bool received, size_t size)
{
	publisher->held--;
	publisher_count(publisher, incarnation, received, size);
	newest_fetch(publisher, false);
	if (publisher_over(publisher) && !publisher->queued && !publisher->held)
		link_check(publisher->subscription->link);
}

/* NULL and the error: not what the subscription declares; it is freed. */
static lpad_message *conforming(const struct publisher *publisher, lpad_message *message, struct error *error)
{
	char *cleanup_free unfit = message ? conform_wrong(&publisher->subscription->signature, message) : NULL;
	if (!unfit)
		return message;
	error_set(error, "%s sent %s", publisher->node, unfit);
	message_free(message);
	return NULL;
}

/* Copies and checks the body, without the lock; ends the item. NULL: it was malformed, and is counted as dropped. */
static lpad_message *unwrap(struct item *item)
{
	struct publisher *publisher = item->publisher;
	struct link *link = publisher->subscription->link;
	struct error error = { 0 };
	size_t size = item->frame.wire.size;
	uint32_t incarnation = item->frame.wire.incarnation;
	link_unlock(link);
	lpad_message *message = conforming(publisher,
		item->frame.transport->frame_take(&item->frame, publisher->node, &error), &error);
	free(item);
	link_lock(link);
	if (!message) {
		publisher->errors++;
		link_note(link, "subscription \"%s\": dropped a message: %s", publisher->subscription->name, error.text);
		count_held(publisher, incarnation, false, size);
	}
	return message;
}

/* Bodies that are to be fetched for a reader: asks for those that can be had. The first publisher that one is expected of. */
static const struct publisher *fetch_all(struct lpad_subscription *subscription, bool stop)
{
	const struct publisher *first = NULL;
	for (size_t i = 0; i < subscription->count; i++) {
		struct publisher *publisher = &subscription->publishers[i];
		if (!stop)
			newest_fetch(publisher, true);
		if (!first && newest_pending(publisher))
			first = publisher;
	}
	return first;
}

static int ended(const struct lpad_subscription *subscription)
{
	const char *died = NULL;
	size_t dead = 0;
	if (subscription->closed)
		return fault_set(LPAD_EENDED, "subscription \"%s\": run has returned", subscription->name);
	for (size_t i = 0; i < subscription->count; i++)
		if (!subscription->publishers[i].ended) {
			died = died ? died : subscription->publishers[i].node;
			dead++;
		}
	if (!dead)
		return fault_set(LPAD_EENDED, "subscription \"%s\": every publisher has ended", subscription->name);
	return fault_set(LPAD_EENDED, "subscription \"%s\": every publisher has ended; %zu of %zu died, %s%s", subscription->name,
		dead, subscription->count, dead > 1 ? "among them " : "", died);
}

static int no_item(struct lpad_subscription *subscription, bool pending, bool in_time)
{
	if (subscription->closed || (!pending && all_over(subscription)))
		return ended(subscription);
	if (link_must_stop(subscription->link))
		return fault_set(LPAD_ESTOPPED, "subscription \"%s\": the program is stopping", subscription->name);
	if (in_time)
		return 0;
	return fault_set(LPAD_ETIMEDOUT, pending ? "subscription \"%s\": a message is being fetched, and did not come within the "
		"deadline" : "subscription \"%s\": nothing came within the deadline", subscription->name);
}

/* Lock held. 0 and an item, or why there is none. When the time is up, or the program stops, what lies there is good enough. */
static int await_item(struct lpad_subscription *subscription, int64_t deadline_ns, struct item **out)
{
	struct link *link = subscription->link;
	const struct publisher *noted = NULL;
	struct long_wait wait;
	int code = 0;
	for (bool in_time = deadline_ns == INT64_MAX || clock_ns() < deadline_ns; !code;) {
		bool stop = link_must_stop(link);
		const struct publisher *pending = fetch_all(subscription, stop);
		*out = grab(subscription, in_time && !stop);
		if (*out)
			break;
		code = no_item(subscription, pending, in_time);
		if (code)
			break;
		if (pending && !noted) {
			noted = pending;
			link_wait_begin(link, &wait, clock_ns(), noted->node, noted->topic);
		}
		in_time = waiters_wait(&subscription->waiters, link, deadline_ns);
	}
	if (noted)
		link_wait_end(link, &wait);
	return code;
}

/* ---- taking ---- */

int subscription_take(lpad_subscription *subscription, lpad_message **out, lpad_deadline deadline)
{
	struct item *item = NULL;
	lpad_message *message = NULL;
	int code;
	*out = NULL;
	if (!subscription)
		return fault_set(LPAD_EINVALID, "the subscription is not connected");
	int64_t deadline_ns = link_deadline(deadline, -1);
	link_lock(subscription->link);
	do {
		code = await_item(subscription, deadline_ns, &item);
		if (code)
			break;
		struct publisher *publisher = item->publisher;
		uint32_t incarnation = item->frame.wire.incarnation;
		message = unwrap(item);
		if (message)
			count_held(publisher, incarnation, true, message_size(message));
	} while (!message);
	link_unlock(subscription->link);
	*out = message;
	return code;
}

static void drop(struct item *item)
{
	item->frame.transport->frame_drop(&item->frame);
	free(item);
}

int subscription_observe(lpad_subscription *subscription, struct observation *out, bool body, lpad_deadline deadline)
{
	struct item *item = NULL;
	int64_t deadline_ns = link_deadline(deadline, -1);
	bool taken = false;
	int code;
	link_lock(subscription->link);
	do {
		code = await_item(subscription, deadline_ns, &item);
		if (code)
			break;
		struct publisher *publisher = item->publisher;
		*out = (struct observation){ .node = publisher->node, .incarnation = item->frame.wire.incarnation,
			.number = item->number, .at_ms = item->at_ms, .size = item->frame.wire.size };
		if (body)
			out->message = unwrap(item);
		else
			drop(item);
		taken = !body || out->message;
		if (taken)
			count_held(publisher, out->incarnation, true, out->size);
	} while (!taken);
	link_unlock(subscription->link);
	return code;
}

/* lpad_publishers: those from whom something may still come. */
int subscription_publishers(const lpad_subscription *subscription)
{
	int count = 0;
	if (!subscription)
		return 0;
	link_lock(subscription->link);
	for (size_t i = 0; i < subscription->count; i++)
		count += !publisher_over(&subscription->publishers[i]);
	link_unlock(subscription->link);
	return count;
}

/* ---- callbacks ---- */

const lpad_message *subscriptions_pop(struct link *link, int place, struct work *work)
{
	struct lpad_subscription *subscription = &link->subscriptions->at[place];
	lpad_message *message = NULL;
	link_lock(link);
	subscription->posted--;
	struct item *item = grab(subscription, false);
	if (item) {
		struct publisher *publisher = item->publisher;
		uint32_t incarnation = item->frame.wire.incarnation;
		message = unwrap(item);
		if (message)
			*list_add(&subscription->running) = (struct running){ message, publisher, incarnation,
				message_size(message) };
	}
	link_unlock(link);
	work->message = message;
	return message;
}

/* The message itself may be freed by now. */
void subscriptions_done(struct link *link, struct work *work)
{
	struct lpad_subscription *subscription = &link->subscriptions->at[work->subscription];
	for (size_t i = 0; i < subscription->running.count; i++) {
		struct running *running = &subscription->running.at[i];
		if (running->message != work->message)
			continue;
		struct running ended = *running;
		*running = subscription->running.at[--subscription->running.count];
		count_held(ended.publisher, ended.incarnation, true, ended.size);
		return;
	}
}
