/* SPDX-License-Identifier: MIT */
#include "link/inproc_topics.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/memory.h"
#include "link/background.h"
#include "link/inproc_frame.h"
#include "link/inproc_mail.h"
#include "link/inproc_place.h"

/* Locks: that of all places, then a publishing's, then a mailbox's. */
struct publishing {
	struct mailbox mailbox;         /* first */
	struct listener listener;
	size_t buffer;
	void (*joined)(void *context, bool added);
	void *context;
	pthread_mutex_t lock;
	struct subscribing *subscribers;        /* lock */
};

struct subscribing {
	struct mailbox mailbox;         /* first */
	struct dialer dialer;
	struct subscribing *next, **at; /* lock of the publishing */
	size_t buffer, longest;
	struct subscribing_events events;
	void *context;
};

static struct publishing *publishing_of(struct listener *listener)
{
	return (struct publishing *)((char *)listener - offsetof(struct publishing, listener));
}

static struct subscribing *subscribing_of(struct dialer *dialer)
{
	return (struct subscribing *)((char *)dialer - offsetof(struct subscribing, dialer));
}

/* ---- connections ---- */

static void meet(struct dialer *dialer, struct listener *listener)
{
	struct publishing *publishing = publishing_of(listener);
	struct subscribing *subscribing = subscribing_of(dialer);
	pthread_mutex_lock(&publishing->lock);
	subscribing->next = publishing->subscribers;
	subscribing->at = &publishing->subscribers;
	if (subscribing->next)
		subscribing->next->at = &subscribing->next;
	publishing->subscribers = subscribing;
	pthread_mutex_unlock(&publishing->lock);
	mailbox_post(&publishing->mailbox, letter_new(LETTER_JOINED));
}

static void part(struct dialer *dialer, struct listener *listener)
{
	struct publishing *publishing = publishing_of(listener);
	struct subscribing *subscribing = subscribing_of(dialer);
	pthread_mutex_lock(&publishing->lock);
	*subscribing->at = subscribing->next;
	if (subscribing->next)
		subscribing->next->at = subscribing->at;
	pthread_mutex_unlock(&publishing->lock);
	mailbox_post(&publishing->mailbox, letter_new(LETTER_DOWN));
	mailbox_post(&subscribing->mailbox, letter_new(LETTER_DOWN));
}

static const struct place_kind topics = { meet, part };

/* ---- publishing ---- */

static void open_join(struct mailbox *mailbox, struct letter *letter)
{
	struct publishing *publishing = (struct publishing *)mailbox;
	publishing->joined(publishing->context, letter->kind == LETTER_JOINED);
}

static void free_publishing(struct mailbox *mailbox)
{
	struct publishing *publishing = (struct publishing *)mailbox;
	pthread_mutex_destroy(&publishing->lock);
	free(publishing);
}

static const struct mailbox_kind publishing_kind = { .open = open_join, .free = free_publishing };

static size_t buffer_within(int buffer)
{
	return buffer < 1 ? 1 : (size_t)buffer;
}

struct publishing *inproc_topics_publish_open(const char *address, int buffer, void (*joined)(void *context, bool added),
	void *context, char **bound, struct error *error)
{
	struct publishing *publishing = memory_new(sizeof *publishing);
	*publishing = (struct publishing){ .buffer = buffer_within(buffer), .joined = joined, .context = context };
	mailbox_init(&publishing->mailbox, &publishing_kind);
	pthread_mutex_init(&publishing->lock, NULL);
	if (!place_address_valid(address))
		error_set(error, "cannot listen on %s: a name belongs behind inproc://", address);
	else if (!place_listen(&publishing->listener, &topics, address))
		error_set(error, "cannot listen on %s: another topic of this process is there", address);
	else {
		*bound = memory_copy_text(address);
		return publishing;
	}
	mailbox_release(&publishing->mailbox);
	return NULL;
}

/* As a socket does it: what is longer than the receiver wants ends the connection, and the next one comes at once. */
static void refuse_length(struct publishing *publishing, struct subscribing *subscribing)
{
	mailbox_post(&subscribing->mailbox, letter_new(LETTER_DOWN));
	mailbox_post(&publishing->mailbox, letter_new(LETTER_DOWN));
	mailbox_post(&publishing->mailbox, letter_new(LETTER_JOINED));
}

void inproc_topics_publish(struct publishing *publishing, struct frame *frame)
{
	inproc_frame_finish(frame);
	pthread_mutex_lock(&publishing->lock);
	for (struct subscribing *subscribing = publishing->subscribers; subscribing; subscribing = subscribing->next) {
		if (frame->wire.size > subscribing->longest) {
			refuse_length(publishing, subscribing);
			continue;
		}
		struct letter *letter = letter_new(LETTER_MESSAGE);
		letter->frame = inproc_frame_copy(frame);
		mailbox_post_within(&subscribing->mailbox, letter, publishing->buffer + subscribing->buffer);
	}
	pthread_mutex_unlock(&publishing->lock);
	inproc_frame_drop(frame);
}

void inproc_topics_publish_close(struct publishing *publishing)
{
	place_leave(&publishing->listener);
	mailbox_close(&publishing->mailbox, false);
	mailbox_release(&publishing->mailbox);
	inproc_deliver();
}

/* ---- subscribing ---- */

static void open_publication(struct mailbox *mailbox, struct letter *letter)
{
	struct subscribing *subscribing = (struct subscribing *)mailbox;
	if (letter->kind == LETTER_MESSAGE)
		subscribing->events.message(subscribing->context, &letter->frame);
	else
		subscribing->events.down(subscribing->context);
}

static void free_subscribing(struct mailbox *mailbox)
{
	free(mailbox);
}

static const struct mailbox_kind subscribing_kind = { .open = open_publication, .free = free_subscribing };

struct subscribing *inproc_topics_subscribe_open(const char *address, int buffer, size_t longest,
	const struct subscribing_events *events, void *context, struct error *error)
{
	if (!place_address_valid(address)) {
		error_set(error, "cannot connect to %s: a name belongs behind inproc://", address);
		return NULL;
	}
	struct subscribing *subscribing = memory_new(sizeof *subscribing);
	*subscribing = (struct subscribing){ .buffer = buffer_within(buffer), .longest = longest, .events = *events,
		.context = context };
	mailbox_init(&subscribing->mailbox, &subscribing_kind);
	place_dial(&subscribing->dialer, &topics, address);
	return subscribing;
}

void inproc_topics_subscribe_close(struct subscribing *subscribing)
{
	place_hang_up(&subscribing->dialer);
	mailbox_close(&subscribing->mailbox, false);
	mailbox_release(&subscribing->mailbox);
	inproc_deliver();
}

static void close_subscribing(void *subscribing)
{
	inproc_topics_subscribe_close(subscribing);
}

void inproc_topics_subscribe_abandon(struct subscribing *subscribing, void (*closed)(void *context), void *context)
{
	background_close(close_subscribing, subscribing, closed, context);
}
