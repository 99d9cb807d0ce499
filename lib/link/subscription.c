/* SPDX-License-Identifier: MIT */
#include "link/subscriptions.h"

#include "base/clock.h"
#include "base/memory.h"
#include "link/conform.h"
#include "link/topics.h"

static const int64_t TELL_EVERY_NS = 1000000000;
static const size_t OBSERVED_BYTES = 64 << 20;  /* an observer that does not read is no reason to fill the memory */

/* ---- the queue ---- */

static void add_item(struct lpad_subscription *subscription, struct item *item)
{
	struct publisher *publisher = item->publisher;
	item->older = subscription->newest;
	*(subscription->newest ? &subscription->newest->newer : &subscription->oldest) = item;
	subscription->newest = item;
	*(publisher->last_item ? &publisher->last_item->next : &publisher->first) = item;
	publisher->last_item = item;
	subscription->queued++;
	publisher->queued++;
	publisher->queued_bytes += item->frame.wire.size;
}

void subscription_remove(struct lpad_subscription *subscription, struct item *item)
{
	struct publisher *publisher = item->publisher;
	*(item->older ? &item->older->newer : &subscription->oldest) = item->newer;
	*(item->newer ? &item->newer->older : &subscription->newest) = item->older;
	publisher->first = item->next;
	if (!publisher->first)
		publisher->last_item = NULL;
	subscription->queued--;
	publisher->queued--;
	publisher->queued_bytes -= item->frame.wire.size;
}

static void drop_oldest(struct publisher *publisher)
{
	struct item *item = publisher->first;
	size_t size = item->frame.wire.size;
	uint32_t incarnation = item->frame.wire.incarnation;
	subscription_remove(publisher->subscription, item);
	item->frame.transport->frame_drop(&item->frame);
	free(item);
	publisher_count(publisher, incarnation, false, size);
}

static void drop_all(struct publisher *publisher)
{
	while (publisher->first)
		drop_oldest(publisher);
	newest_drop(publisher);
	missed_drop(publisher);
}

static bool is_too_full(const struct publisher *publisher)
{
	size_t most = publisher->keep > 0 ? (size_t)publisher->keep : publisher->keep == LPAD_LATEST ? 1 : SIZE_MAX;
	if (publisher->subscription->link->observer && publisher->queued_bytes > OBSERVED_BYTES && publisher->queued > 1)
		return true;
	return publisher->queued > most || publisher->subscription->closed;
}

void subscription_push(struct publisher *publisher, struct frame *frame)
{
	struct lpad_subscription *subscription = publisher->subscription;
	struct item *item = memory_new(sizeof *item);
	item->frame = *frame;
	item->publisher = publisher;
	item->number = frame->wire.kind == WIRE_REPLY ? frame->wire.version : frame->wire.number;
	item->at_ms = subscription->link->observer ? clock_wall_ms() : 0;
	add_item(subscription, item);
	while (publisher->queued && is_too_full(publisher))
		drop_oldest(publisher);
	if (subscription->callback && subscription->posted < subscription->queued) {
		subscription->posted++;
		link_post(subscription->link, &(struct work){ .kind = WORK_MESSAGE, .method = -1,
			.subscription = subscription->place });
	}
	waiters_wake(&subscription->waiters);
}

void subscription_changed(struct publisher *publisher)
{
	waiters_wake(&publisher->subscription->waiters);
	publisher_tell(publisher);
	link_check(publisher->subscription->link);
}

/* ---- life ---- */

int subscriptions_new(struct link *link, const struct link_spec *spec, struct error *error)
{
	struct subscriptions *all = memory_new(sizeof *all);
	all->at = memory_array(spec->subscription_count, sizeof *all->at);
	all->count = spec->subscription_count;
	link->subscriptions = all;
	for (size_t i = 0; i < all->count; i++) {
		const struct subscription_link *from = &spec->subscriptions[i];
		struct lpad_subscription *subscription = &all->at[i];
		*subscription = (struct lpad_subscription){ .link = link, .place = (int)i, .name = memory_copy_text(from->name),
			.callback = from->callback, .cycle = from->cycle, .count = from->count };
		subscription->publishers = memory_array(from->count, sizeof *subscription->publishers);
		for (size_t p = 0; p < from->count; p++)
			publisher_new(&subscription->publishers[p], subscription, &from->publishers[p]);
		if (conform_read(from->signature, &subscription->signature, "signature", error))
			return error_wrap(error, "subscription \"%s\"", from->name);
	}
	return 0;
}

/* Every publisher of every subscription, for the functions below. */
#define EACH_PUBLISHER(link, subscription, publisher) \
	for (struct lpad_subscription *subscription = (link)->subscriptions->at; \
		subscription < (link)->subscriptions->at + (link)->subscriptions->count; subscription++) \
		for (struct publisher *publisher = subscription->publishers; \
			publisher < subscription->publishers + subscription->count; publisher++)

int subscriptions_connect(struct link *link, struct error *error)
{
	EACH_PUBLISHER(link, subscription, publisher)
		if (publisher_connect(publisher, error))
			return -1;
	return 0;
}

void subscriptions_close(struct link *link)
{
	struct subscriptions *all = link->subscriptions;
	if (!all)
		return;
	EACH_PUBLISHER(link, subscription, publisher)
		feed_close(publisher);
	link_lock(link);
	EACH_PUBLISHER(link, subscription, publisher) {
		publisher->gone = true;         /* tells nobody any more */
		drop_all(publisher);
		publisher_free(publisher);
	}
	link->subscriptions = NULL;
	link_unlock(link);
	for (size_t i = 0; i < all->count; i++) {
		list_release(&all->at[i].running);
		list_release(&all->at[i].waiters);
		free(all->at[i].publishers);
		signature_release(&all->at[i].signature);
		free(all->at[i].name);
	}
	free(all->at);
	free(all);
}

lpad_subscription *link_subscription(struct link *link, const char *name)
{
	for (size_t i = 0; i < link->subscriptions->count; i++)
		if (text_equal(link->subscriptions->at[i].name, name))
			return &link->subscriptions->at[i];
	return NULL;
}

void subscriptions_stop(struct link *link)
{
	for (size_t i = 0; i < link->subscriptions->count; i++)
		waiters_wake(&link->subscriptions->at[i].waiters);
}

void subscription_close(lpad_subscription *subscription)
{
	link_lock(subscription->link);
	subscription->closed = true;
	for (size_t i = 0; i < subscription->count; i++)
		drop_all(&subscription->publishers[i]);
	waiters_wake(&subscription->waiters);
	link_check(subscription->link);
	link_unlock(subscription->link);
}

void subscriptions_end_run(struct link *link)
{
	EACH_PUBLISHER(link, subscription, publisher) {
		if (subscription->callback)
			continue;
		subscription->closed = true;
		drop_all(publisher);
	}
	subscriptions_stop(link);
}

void subscriptions_drain(struct link *link)
{
	subscriptions_end_run(link);
}

void subscriptions_peer_lost(struct link *link, uint32_t group, uint32_t index, uint32_t incarnation, bool gone)
{
	EACH_PUBLISHER(link, subscription, publisher)
		if (publisher->group == group && publisher->index == index)
			publisher_lost(publisher, incarnation, gone);
}

int subscriptions_peer_up(struct link *link, const struct peer_up *up, struct error *error)
{
	EACH_PUBLISHER(link, subscription, publisher) {
		if (publisher->group != up->group || publisher->index != up->index)
			continue;
		link_lock(link);
		bool connect = publisher_found(publisher, up) && link->connected;
		link_unlock(link);
		if (connect && publisher_connect(publisher, error))
			return -1;
	}
	return 0;
}

/* A publisher that was asked for nothing, in a run that stopped before it began, owes nothing. Answers may overtake each other: one that
   has not confirmed yet may have published, and ended. */
bool subscriptions_finished(struct link *link)
{
	if (link->alone)
		return true;
	EACH_PUBLISHER(link, subscription, publisher)
		if (!subscription->cycle && publisher->claimed &&
			(!publisher_over(publisher) || publisher->queued || publisher->held || newest_pending(publisher)))
			return false;
	return true;
}

static bool to_be_drained(const struct publisher *publisher)
{
	if (publisher->subscription->link->alone)
		return false;
	return publisher->queued || publisher->held || newest_pending(publisher) ||
		(publisher->claimed && !publisher->lost && !publisher->gone && !publisher->end_answered);
}

size_t subscriptions_waits_for(struct link *link, const char **names, size_t room)
{
	size_t count = 0;
	EACH_PUBLISHER(link, subscription, publisher) {
		bool waits = link->draining ? to_be_drained(publisher) : !publisher->wired && !publisher->lost && !publisher->gone;
		if (waits && count++ < room)
			names[count - 1] = publisher->node;
	}
	return count;
}

void subscriptions_tick(struct link *link, int64_t now_ns, int64_t *next_ns)
{
	struct subscriptions *all = link->subscriptions;
	bool tell = now_ns - all->told_ns >= TELL_EVERY_NS;
	if (tell)
		all->told_ns = now_ns;
	EACH_PUBLISHER(link, subscription, publisher)
		publisher_tick(publisher, now_ns, next_ns, tell);
}

/* Over all incarnations of the publisher. */
static struct port_counters row_of(const struct publisher *publisher)
{
	const struct account *account = &publisher->account;
	const struct past_accounts *past = &publisher->past;
	int64_t dead = publisher->lost || publisher->gone ? (int64_t)missed_count(publisher) : 0;       /* cannot be had any more */
	return (struct port_counters){
		.port = publisher->subscription->name, .kind = "subscription", .peer = publisher->node,
		.peer_port = publisher->topic,
		.messages = past->received + account->received, .received = past->received + account->received,
		.bytes = past->bytes + account->bytes, .delivered_bytes = past->bytes + account->bytes,
		.dropped = past->dropped + account->dropped, .lost = past->lost + publisher->versions_lost + dead,
		.published = past->published + (int64_t)(publisher->last - publisher->base) + dead, .errors = publisher->errors,
	};
}

void subscriptions_counters(struct link *link, void (*each)(void *, const struct port_counters *), void *context)
{
	EACH_PUBLISHER(link, subscription, publisher) {
		struct port_counters row = row_of(publisher);
		each(context, &row);
	}
}

void subscriptions_left(struct link *link, struct text *text, int64_t *count)
{
	EACH_PUBLISHER(link, subscription, publisher) {
		size_t left = publisher->queued + publisher->held + !!publisher->noted + !!publisher->fetching;
		const char *comma = text->length ? ", " : "";
		if (!to_be_drained(publisher))
			continue;
		if (left)
			text_format(text, "%s%zu message%s of %s from %s", comma, left, left == 1 ? "" : "s",
				subscription->name, publisher->node);
		else
			text_format(text, "%sthe end of %s from %s", comma, subscription->name, publisher->node);
		*count += left ? (int64_t)left : 1;
	}
}
