/* SPDX-License-Identifier: MIT */
#include "link/topics.h"

#include <inttypes.h>

#include "base/memory.h"

static const uint64_t WINDOW_BYTES = 64u << 20;
enum { WINDOW_FALLBACK = 128 };

/* ---- who they are ---- */

void subscribers_new(lpad_topic *topic, const struct topic_link *spec)
{
	int64_t widest = 0;
	topic->count = spec->count;
	topic->subscribers = memory_array(spec->count, sizeof *topic->subscribers);
	for (size_t i = 0; i < spec->count; i++) {
		const struct subscriber_link *from = &spec->subscribers[i];
		int64_t window = from->window > 0 ? from->window : spec->window > 0 ? spec->window : WINDOW_FALLBACK;
		topic->subscribers[i] = (struct subscriber){
			.node = memory_copy_text(from->peer.node), .port = memory_copy_text(from->port),
			.group = from->peer.group, .index = from->peer.index, .incarnation = from->peer.incarnation,
			.keep = from->keep, .lazy = from->keep == LPAD_LATEST && !from->eager, .window = window,
		};
		topic->retains |= from->keep == LPAD_LATEST;
		if (from->keep == LPAD_ALL && window > widest)
			widest = window;
	}
	topic->totals_count = widest ? (size_t)widest + 1 : 0;
	topic->totals = memory_array(topic->totals_count, sizeof *topic->totals);
	topic->kept = memory_array(topic->totals_count, sizeof *topic->kept);
}

void subscribers_free(lpad_topic *topic)
{
	for (size_t i = 0; i < topic->count; i++) {
		free(topic->subscribers[i].node);
		free(topic->subscribers[i].port);
	}
	free(topic->subscribers);
}

static bool is_peer(const struct subscriber *subscriber, uint32_t group, uint32_t index)
{
	return subscriber->group == group && subscriber->index == index;
}

bool subscriber_is_dead(const struct subscriber *subscriber)
{
	return subscriber->state == SUBSCRIBER_LOST || subscriber->state == SUBSCRIBER_GONE;
}

void subscribers_review(lpad_topic *topic)
{
	bool ready = true;
	for (size_t i = 0; i < topic->count; i++)
		ready &= topic->subscribers[i].known || subscriber_is_dead(&topic->subscribers[i]);
	topic->ready |= ready;
	waiters_wake(&topic->waiters);
}

bool subscribers_unconfirmed(const lpad_topic *topic)
{
	for (size_t i = 0; i < topic->count; i++)
		if (topic->subscribers[i].state == SUBSCRIBER_ASKED)
			return true;
	return false;
}

bool subscriber_owes_end(const struct subscriber *subscriber)
{
	return subscriber->known && !subscriber_is_dead(subscriber) && !subscriber->ended;
}

int64_t subscriber_published(const lpad_topic *topic, const struct subscriber *subscriber)
{
	if (!subscriber->known)
		return 0;
	return (int64_t)((subscriber_is_dead(subscriber) ? subscriber->until : topic->sequence) - subscriber->base);
}

/* lpad_subscribers: those of the file that live. */
int topic_subscribers(const lpad_topic *topic)
{
	int count = 0;
	if (!topic)
		return 0;
	link_lock(topic->link);
	for (size_t i = 0; i < topic->count; i++)
		count += !subscriber_is_dead(&topic->subscribers[i]);
	link_unlock(topic->link);
	return count;
}

/* ---- the window of `all` ---- */

static bool has_room(const lpad_topic *topic, const struct subscriber *subscriber, size_t size)
{
	uint64_t behind = topic->sequence - subscriber->consumed;
	if (!behind)
		return true;
	if (behind >= (uint64_t)subscriber->window)
		return false;
	uint64_t bytes = (uint64_t)topic->bytes - topic->totals[subscriber->consumed % topic->totals_count];
	return bytes + size <= WINDOW_BYTES;
}

const struct subscriber *subscribers_holder(const lpad_topic *topic, size_t size)
{
	for (size_t i = 0; topic->totals_count && i < topic->count; i++) {
		const struct subscriber *subscriber = &topic->subscribers[i];
		if (subscriber->keep != LPAD_ALL || subscriber->state == SUBSCRIBER_GONE)
			continue;
		if (subscriber->state != SUBSCRIBER_CONFIRMED || !has_room(topic, subscriber, size))
			return subscriber;
	}
	return NULL;
}

/* ---- their incarnations ---- */

static void bury(lpad_topic *topic, struct subscriber *subscriber, bool gone)
{
	if (!subscriber_is_dead(subscriber)) {
		subscriber->until = topic->sequence;
		if (subscriber->known)
			subscriber->lost = (int64_t)(subscriber->until - subscriber->consumed);
	}
	if (subscriber->state != SUBSCRIBER_GONE)
		subscriber->state = gone ? SUBSCRIBER_GONE : SUBSCRIBER_LOST;
	resend_let_go(topic);
}

static void note_successor(const lpad_topic *topic, const struct subscriber *subscriber)
{
	if (subscriber->keep == LPAD_ALL && subscriber->lost)
		link_note(topic->link, "topic \"%s\": %s was restarted: %" PRId64 " message%s that it had not acknowledged before %s lost",
			topic->name, subscriber->node, subscriber->lost, subscriber->lost == 1 ? "" : "s",
			subscriber->lost == 1 ? "is" : "are");
}

/* The account of the one before is closed. */
static void succeed(lpad_topic *topic, struct subscriber *subscriber, uint32_t incarnation)
{
	struct past_accounts *past = &subscriber->past;
	bury(topic, subscriber, false);
	note_successor(topic, subscriber);
	past->published += subscriber_published(topic, subscriber);
	past->received += subscriber->account.received;
	past->dropped += subscriber->account.dropped;
	past->bytes += subscriber->account.bytes;
	past->lost += subscriber->lost;
	subscriber->incarnation = incarnation;
	subscriber->known = subscriber->ended = false;
	subscriber->account = (struct account){ 0 };
	subscriber->lost = 0;
}

/* ---- what they say ---- */

/* From here on an `all` holds the publisher back; where its account begins is settled by CONFIRM. */
static const char *subscribed(lpad_topic *topic, struct subscriber *subscriber, uint32_t incarnation)
{
	if (incarnation > subscriber->incarnation)
		succeed(topic, subscriber, incarnation);
	if (!subscriber->known)
		subscriber->base = subscriber->consumed = topic->sequence;
	subscriber->state = SUBSCRIBER_ASKED;
	topic->hello_due = true;
	return NULL;
}

static const char *confirmed(lpad_topic *topic, struct subscriber *subscriber, uint64_t number)
{
	if (subscriber->state == SUBSCRIBER_ABSENT)
		return "it has not subscribed";
	if (number > topic->sequence)
		return "the topic never carried a HELLO with this number";
	if (!subscriber->known)
		subscriber->base = subscriber->consumed = number;
	subscriber->known = true;
	subscriber->state = SUBSCRIBER_CONFIRMED;
	return NULL;
}

/* The event of its connection may come behind its confirmation. */
static void mark_joined(lpad_topic *topic, const struct subscriber *subscriber, const struct transport *transport)
{
	for (size_t i = 0; i < topic->outlet_count; i++)
		if (topic->outlets[i].notice == subscriber->lazy && topic->outlets[i].transport == transport)
			topic->outlets[i].joined = true;
}

/* Acknowledgements may overtake each other: an older one says nothing new. */
static const char *acknowledged(lpad_topic *topic, struct subscriber *subscriber, const struct wire *wire,
	const struct account *account)
{
	uint64_t consumed = subscriber->base + (uint64_t)account->received + (uint64_t)account->dropped;
	bool last = wire->kind == WIRE_END_ACK;
	if (!subscriber->known)
		return "it has not confirmed its subscription";
	if (consumed != wire->number || consumed > topic->sequence ||
		(last && (!topic->ended || consumed != topic->sequence)))
		return "its numbers are not those of the topic";
	if (consumed >= subscriber->consumed) {
		subscriber->consumed = consumed;
		subscriber->account = *account;
	}
	subscriber->ended |= last;
	return NULL;
}

/* Of an incarnation that is over: frames may be that late. NULL: it is of the present one, or begins the next. */
static const char *too_late(const struct subscriber *subscriber, const struct wire *wire)
{
	if (wire->incarnation < subscriber->incarnation)
		return "a later incarnation of it is known";
	if (wire->incarnation > subscriber->incarnation)
		return wire->kind == WIRE_SUBSCRIBE ? NULL : "this incarnation of it has not subscribed";
	return subscriber_is_dead(subscriber) ? "this incarnation of it is dead" : NULL;
}

static const char *heed(lpad_topic *topic, struct subscriber *subscriber, const struct wire *wire, const char *body,
	size_t size)
{
	struct account account;
	const char *late = too_late(subscriber, wire);
	if (late)
		return late;
	switch (wire->kind) {
	case WIRE_SUBSCRIBE:
		return subscribed(topic, subscriber, wire->incarnation);
	case WIRE_CONFIRM:
		return confirmed(topic, subscriber, wire->number);
	case WIRE_ACK:
	case WIRE_END_ACK:
		return account_read(body, size, &account) ? acknowledged(topic, subscriber, wire, &account) :
			"its account is malformed";
	default:
		return "topics know no such request";
	}
}

static struct subscriber *find(lpad_topic *topic, const struct wire *wire, const char *body, size_t size)
{
	char *cleanup_free port = account_port(body, size);
	for (size_t i = 0; port && i < topic->count; i++)
		if (is_peer(&topic->subscribers[i], wire->group, wire->index) &&
			text_equal(topic->subscribers[i].port, port))
			return &topic->subscribers[i];
	return NULL;
}

/* ---- the newest ---- */

/* Why it gets no message; NULL: it does. */
static const char *fetch_refused(lpad_topic *topic, const struct wire *wire, const char *body, size_t size)
{
	const struct subscriber *subscriber = find(topic, wire, body, size);
	if (wire->role != WIRE_OBSERVER && (!subscriber || subscriber->keep != LPAD_LATEST))
		return "it does not keep the latest of this topic";
	const char *late = subscriber ? too_late(subscriber, wire) : NULL;
	return late ? late : topic->newest ? NULL : "nothing has been published";
}

/* Lock held, and released while the body is copied. */
static void fetch(lpad_topic *topic, struct request *request, const struct wire *wire, const char *body, size_t size)
{
	struct link *link = topic->link;
	const char *wrong = fetch_refused(topic, wire, body, size);
	if (wrong) {
		server_reply(link, request, topic->newest ? LPAD_EINVALID : LPAD_EAGAIN, wrong);
		return;
	}
	struct frame frame = { .wire = { .kind = WIRE_REPLY, .role = WIRE_MEMBER, .group = link->self.group,
		.index = link->self.index, .incarnation = link->self.incarnation, .port = (uint32_t)topic->place,
		.token = link->token, .version = topic->sequence, .deadline_ms = -1 },
		.message = message_share(topic->newest) };
	link_unlock(link);
	request->transport->frame_make(&frame);
	link_lock(link);
	if (!link->closed) {
		request->transport->answer(request, &frame);
		return;
	}
	request->transport->answer_drop(request);
	request->transport->frame_drop(&frame);
}

/* Of `lpad watch`: it gets a HELLO, is in no account and holds nobody back. */
static void greet_observer(lpad_topic *topic, const struct wire *wire)
{
	if (wire->kind == WIRE_SUBSCRIBE) {
		topic->observed = topic->hello_due = true;
		topic_flush(topic);
	}
}

static const char *handle(lpad_topic *topic, const struct transport *transport, const struct wire *wire, const char *body,
	size_t size)
{
	struct subscriber *subscriber = find(topic, wire, body, size);
	if (!subscriber)
		return "it is no subscriber of this topic";
	const char *wrong = heed(topic, subscriber, wire, body, size);
	if (subscriber->state == SUBSCRIBER_CONFIRMED)
		mark_joined(topic, subscriber, transport);
	subscribers_review(topic);
	return wrong;
}

static void resend(lpad_topic *topic, struct request *request, const struct wire *wire, const char *body, size_t size)
{
	const struct subscriber *subscriber = wire->role == WIRE_MEMBER ? find(topic, wire, body, size) : NULL;
	const char *wrong = subscriber ? too_late(subscriber, wire) : "it is no subscriber of this topic";
	size_t longest = 0;
	if (!wrong && !account_longest(body, size, &longest))
		wrong = "it does not say what it takes";
	if (wrong)
		server_reply(topic->link, request, LPAD_EINVALID, wrong);
	else
		resend_request(topic, subscriber, request, wire->number, longest);
	resend_due(topic);
}

void topics_request(struct link *link, struct request *request, const struct wire *wire, const char *body, size_t size)
{
	if (wire->port >= link->topics->count) {
		server_reply(link, request, LPAD_EINVALID, "no such topic");
		return;
	}
	lpad_topic *topic = &link->topics->at[wire->port];
	const char *wrong = NULL;
	if (wire->kind == WIRE_FETCH) {
		fetch(topic, request, wire, body, size);
		return;
	}
	if (wire->kind == WIRE_RESEND) {
		resend(topic, request, wire, body, size);
		return;
	}
	if (wire->role == WIRE_OBSERVER)
		greet_observer(topic, wire);
	else
		wrong = handle(topic, request->transport, wire, body, size);
	server_reply(link, request, wrong ? LPAD_EINVALID : 0, wrong);
	topic_flush(topic);
	link_check(link);
	resend_let_go_slowly(topic);
}

/* ---- what the supervisor says ---- */

static void note_gone(const lpad_topic *topic, const struct subscriber *subscriber)
{
	if (subscriber->keep == LPAD_ALL && subscriber->lost)
		link_note(topic->link, "topic \"%s\": %s will not come back: %" PRId64 " message%s that it had not acknowledged %s lost",
			topic->name, subscriber->node, subscriber->lost, subscriber->lost == 1 ? "" : "s",
			subscriber->lost == 1 ? "is" : "are");
}

void topics_peer_lost(struct link *link, uint32_t group, uint32_t index, uint32_t incarnation, bool gone)
{
	for (size_t i = 0; i < link->topics->count; i++) {
		lpad_topic *topic = &link->topics->at[i];
		for (size_t s = 0; s < topic->count; s++) {
			struct subscriber *subscriber = &topic->subscribers[s];
			if (!is_peer(subscriber, group, index) || (!gone && incarnation < subscriber->incarnation))
				continue;
			bool news = gone && subscriber->state != SUBSCRIBER_GONE;
			bury(topic, subscriber, gone);
			if (incarnation > subscriber->incarnation)
				subscriber->incarnation = incarnation;
			if (news)
				note_gone(topic, subscriber);
		}
		subscribers_review(topic);
	}
}

/* ---- counting ---- */

/* Over all incarnations of the subscriber. */
static void fill_row(const lpad_topic *topic, const struct subscriber *subscriber, struct port_counters *row)
{
	const struct past_accounts *past = &subscriber->past;
	row->peer = subscriber->node;
	row->peer_port = subscriber->port;
	row->published = row->messages = past->published + subscriber_published(topic, subscriber);
	row->received = past->received + subscriber->account.received;
	row->delivered_bytes = past->bytes + subscriber->account.bytes;
	row->dropped = past->dropped + subscriber->account.dropped;
	row->lost = past->lost + subscriber->lost;
}

/* One row per subscriber; the bytes published are the topic's, the same in each. */
void topics_counters(struct link *link, void (*each)(void *, const struct port_counters *), void *context)
{
	for (size_t i = 0; i < link->topics->count; i++) {
		const lpad_topic *topic = &link->topics->at[i];
		struct port_counters row = { .port = topic->name, .kind = "topic", .peer = "",
			.messages = (int64_t)topic->sequence, .bytes = topic->bytes, .published = (int64_t)topic->sequence };
		if (!topic->count)
			each(context, &row);
		for (size_t s = 0; s < topic->count; s++) {
			fill_row(topic, &topic->subscribers[s], &row);
			each(context, &row);
		}
	}
}

void topics_left(struct link *link, struct text *text, int64_t *count)
{
	for (size_t i = 0; i < link->topics->count; i++) {
		const lpad_topic *topic = &link->topics->at[i];
		for (size_t s = 0; s < topic->count; s++) {
			const struct subscriber *subscriber = &topic->subscribers[s];
			if (!subscriber_owes_end(subscriber))
				continue;
			uint64_t left = topic->sequence - subscriber->consumed;
			const char *comma = text->length ? ", " : "";
			if (left)
				text_format(text, "%s%" PRIu64 " message%s of %s to %s", comma, left, left == 1 ? "" : "s",
					topic->name, subscriber->node);
			else
				text_format(text, "%sthe end of %s to %s", comma, topic->name, subscriber->node);
			*count += left ? (int64_t)left : 1;
		}
	}
}
