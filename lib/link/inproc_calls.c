/* SPDX-License-Identifier: MIT */
#include "link/inproc_calls.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/memory.h"
#include "link/background.h"
#include "link/inproc_frame.h"
#include "link/inproc_mail.h"
#include "link/inproc_place.h"

/*
 * One request from asking to its end. The asker has a reference while it waits for an answer, the answerer until it has answered or
 * dropped it: either may end first. Locks: that of all places, then an asking's, then a mailbox's; an answering's is alone.
 */
struct exchange {
	struct request base;            /* first */
	atomic_int references;
	struct asking *asking;          /* one reference to its mailbox */
	void *token;
	bool settled;                   /* lock of the asking: answered or failed */
	struct exchange *next, **at;    /* lock of the asking: until it is settled */
	struct answering *answering;
	struct exchange *taken_next, **taken_at;        /* lock of the answering: until it is answered or dropped */
};

struct answering {
	struct mailbox mailbox;         /* first */
	struct listener listener;
	size_t longest;
	const struct answering_events *events;
	void *context;
	pthread_mutex_t lock;
	struct exchange *taken;         /* lock: those that the link has */
};

struct asking {
	struct mailbox mailbox;         /* first */
	struct dialer dialer;
	size_t longest;
	const struct asking_events *events;
	void *context;
	pthread_mutex_t lock;
	struct answering *peer;         /* lock: NULL: not connected */
	struct exchange *questions;     /* lock: under way */
};

/* ---- exchanges ---- */

static void exchange_release(struct exchange *exchange)
{
	if (atomic_fetch_sub_explicit(&exchange->references, 1, memory_order_acq_rel) != 1)
		return;
	mailbox_release(&exchange->asking->mailbox);
	free(exchange);
}

/* Lock of the asking held. Both references. */
static struct exchange *exchange_new(struct asking *asking, void *token)
{
	struct exchange *exchange = memory_new(sizeof *exchange);
	exchange->base.transport = &transport_inproc;
	exchange->asking = asking;
	exchange->token = token;
	exchange->next = asking->questions;
	exchange->at = &asking->questions;
	if (exchange->next)
		exchange->next->at = &exchange->next;
	asking->questions = exchange;
	atomic_init(&exchange->references, 2);
	mailbox_share(&asking->mailbox);
	return exchange;
}

/* Lock of the asking held; ends the asker's reference. */
static void settle(struct exchange *exchange, struct letter *letter)
{
	*exchange->at = exchange->next;
	if (exchange->next)
		exchange->next->at = exchange->at;
	exchange->settled = true;
	letter->token = exchange->token;
	mailbox_post(&exchange->asking->mailbox, letter);
	exchange_release(exchange);
}

/* ---- connections ---- */

static struct answering *answering_of(struct listener *listener)
{
	return (struct answering *)((char *)listener - offsetof(struct answering, listener));
}

static struct asking *asking_of(struct dialer *dialer)
{
	return (struct asking *)((char *)dialer - offsetof(struct asking, dialer));
}

/* Lock of the asking held. */
static void fail_all(struct asking *asking)
{
	while (asking->questions)
		settle(asking->questions, letter_new(LETTER_FAILED));
	mailbox_post(&asking->mailbox, letter_new(LETTER_DOWN));
}

static void meet(struct dialer *dialer, struct listener *listener)
{
	struct asking *asking = asking_of(dialer);
	pthread_mutex_lock(&asking->lock);
	asking->peer = answering_of(listener);
	mailbox_post(&asking->mailbox, letter_new(LETTER_UP));
	pthread_mutex_unlock(&asking->lock);
}

static void part(struct dialer *dialer, struct listener *listener)
{
	struct asking *asking = asking_of(dialer);
	(void)listener;
	pthread_mutex_lock(&asking->lock);
	asking->peer = NULL;
	fail_all(asking);
	pthread_mutex_unlock(&asking->lock);
}

static const struct place_kind calls = { meet, part };

/* As a socket does it: what is longer than the receiver wants ends the connection, and the next one comes at once. Lock of the
   asking held. */
static void refuse_length(struct asking *asking)
{
	fail_all(asking);
	mailbox_post(&asking->mailbox, letter_new(LETTER_UP));
}

/* ---- asking ---- */

static void open_answer(struct mailbox *mailbox, struct letter *letter)
{
	struct asking *asking = (struct asking *)mailbox;
	const struct asking_events *events = asking->events;
	switch (letter->kind) {
	case LETTER_UP: events->up(asking->context); break;
	case LETTER_DOWN: events->down(asking->context); break;
	case LETTER_REPLY: events->reply(asking->context, letter->token, &letter->frame); break;
	default: events->failed(asking->context, letter->token);
	}
}

static void free_asking(struct mailbox *mailbox)
{
	struct asking *asking = (struct asking *)mailbox;
	pthread_mutex_destroy(&asking->lock);
	free(asking);
}

static const struct mailbox_kind asking_kind = { .open = open_answer, .free = free_asking };

struct asking *inproc_calls_ask_open(const char *address, size_t longest, const struct asking_events *events, void *context,
	struct error *error)
{
	if (!place_address_valid(address)) {
		error_set(error, "cannot call %s: a name belongs behind inproc://", address);
		return NULL;
	}
	struct asking *asking = memory_new(sizeof *asking);
	*asking = (struct asking){ .longest = longest, .events = events, .context = context };
	mailbox_init(&asking->mailbox, &asking_kind);
	pthread_mutex_init(&asking->lock, NULL);
	place_dial(&asking->dialer, &calls, address);
	return asking;
}

/* Lock of the asking held; it is connected. Takes the frame. */
static void send_request(struct asking *asking, const struct frame *frame, void *token)
{
	struct letter *letter = letter_new(LETTER_REQUEST);
	letter->frame = *frame;
	letter->exchange = exchange_new(asking, token);
	letter->exchange->answering = asking->peer;
	mailbox_post(&asking->peer->mailbox, letter);
}

void inproc_calls_ask(struct asking *asking, struct frame *frame, void *token)
{
	inproc_frame_finish(frame);
	pthread_mutex_lock(&asking->lock);
	if (asking->peer && frame->wire.size <= asking->peer->longest)
		send_request(asking, frame, token);
	else {
		struct letter *letter = letter_new(LETTER_FAILED);
		letter->token = token;
		mailbox_post(&asking->mailbox, letter);
		if (asking->peer)
			refuse_length(asking);
		inproc_frame_drop(frame);
	}
	pthread_mutex_unlock(&asking->lock);
}

void inproc_calls_ask_close(struct asking *asking)
{
	place_hang_up(&asking->dialer);
	mailbox_close(&asking->mailbox, true);
	mailbox_release(&asking->mailbox);
	inproc_deliver();
}

static void close_asking(void *asking)
{
	inproc_calls_ask_close(asking);
}

void inproc_calls_ask_abandon(struct asking *asking, void (*closed)(void *context), void *context)
{
	background_close(close_asking, asking, closed, context);
}

/* ---- answering ---- */

static void open_request(struct mailbox *mailbox, struct letter *letter)
{
	struct answering *answering = (struct answering *)mailbox;
	struct exchange *exchange = letter->exchange;
	pthread_mutex_lock(&answering->lock);
	exchange->taken_next = answering->taken;
	exchange->taken_at = &answering->taken;
	if (exchange->taken_next)
		exchange->taken_next->taken_at = &exchange->taken_next;
	answering->taken = exchange;
	pthread_mutex_unlock(&answering->lock);
	answering->events->request(answering->context, &exchange->base, &letter->frame);
}

static void discard_request(struct letter *letter)
{
	exchange_release(letter->exchange);
}

static void free_answering(struct mailbox *mailbox)
{
	struct answering *answering = (struct answering *)mailbox;
	pthread_mutex_destroy(&answering->lock);
	free(answering);
}

static const struct mailbox_kind answering_kind = { open_request, discard_request, free_answering };

struct answering *inproc_calls_answer_open(const char *address, size_t longest, const struct answering_events *events,
	void *context, char **bound, struct error *error)
{
	struct answering *answering = memory_new(sizeof *answering);
	*answering = (struct answering){ .longest = longest, .events = events, .context = context };
	mailbox_init(&answering->mailbox, &answering_kind);
	pthread_mutex_init(&answering->lock, NULL);
	if (!place_address_valid(address))
		error_set(error, "cannot listen on %s: a name belongs behind inproc://", address);
	else if (!place_listen(&answering->listener, &calls, address))
		error_set(error, "cannot listen on %s: another node of this process is there", address);
	else {
		*bound = memory_copy_text(address);
		return answering;
	}
	mailbox_release(&answering->mailbox);
	return NULL;
}

/* The link gives it back. */
static void give_back(struct exchange *exchange)
{
	struct answering *answering = exchange->answering;
	pthread_mutex_lock(&answering->lock);
	*exchange->taken_at = exchange->taken_next;
	if (exchange->taken_next)
		exchange->taken_next->taken_at = exchange->taken_at;
	pthread_mutex_unlock(&answering->lock);
}

void inproc_calls_answer(struct request *request, struct frame *reply)
{
	struct exchange *exchange = (struct exchange *)request;
	struct asking *asking = exchange->asking;
	give_back(exchange);
	inproc_frame_finish(reply);
	pthread_mutex_lock(&asking->lock);
	bool wanted = !exchange->settled && reply->wire.size <= asking->longest;
	if (wanted) {
		struct letter *letter = letter_new(LETTER_REPLY);
		letter->frame = *reply;
		settle(exchange, letter);
	} else if (!exchange->settled)
		refuse_length(asking);
	pthread_mutex_unlock(&asking->lock);
	if (!wanted)
		inproc_frame_drop(reply);
	exchange_release(exchange);
}

void inproc_calls_answer_drop(struct request *request)
{
	struct exchange *exchange = (struct exchange *)request;
	give_back(exchange);
	exchange_release(exchange);
}

void inproc_calls_answer_flush(struct answering *answering, int64_t until_ns)
{
	(void)answering;
	(void)until_ns;
	inproc_deliver();
}

void inproc_calls_answer_close(struct answering *answering)
{
	struct exchange *exchange;
	place_leave(&answering->listener);
	inproc_deliver();               /* those who asked hear of it before an event here has ended */
	mailbox_close(&answering->mailbox, false);
	while ((exchange = answering->taken)) {
		give_back(exchange);
		exchange_release(exchange);
	}
	mailbox_release(&answering->mailbox);
	inproc_deliver();
}
