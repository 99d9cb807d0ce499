/* SPDX-License-Identifier: MIT */
/*
 * How events of the in-process transport run. Every end of a connection has a mailbox. Who sends, with whatever locks held, only
 * puts a letter there; opening it, which is the event, is done later by a thread that holds no lock of a link: the one that sent
 * it, when it has left its link's lock (link_unlock calls inproc_deliver). So no event runs with its sender's lock held, and none
 * inside another.
 *
 * A mailbox is emptied by one thread at a time, its owner, in order. Whoever adds a letter to a mailbox without an owner becomes
 * its owner and has it on a list of its own until it is empty. Who adds one to a mailbox whose owner has already opened its share
 * takes it over, so that nobody works for the others for ever while they go on sending.
 */
#ifndef LINK_INPROC_MAIL_H
#define LINK_INPROC_MAIL_H

#include <pthread.h>
#include <stdatomic.h>

#include "link/transport.h"

enum letter_kind { LETTER_UP, LETTER_DOWN, LETTER_REQUEST, LETTER_REPLY, LETTER_FAILED, LETTER_JOINED, LETTER_MESSAGE };

struct letter {
	struct letter *next;
	enum letter_kind kind;
	struct frame frame;             /* as the receiver gets it; without `raw`: none */
	void *token;                    /* of a question */
	struct exchange *exchange;      /* of a request: one reference */
};

struct mailbox;
struct mailbox_kind {
	void (*open)(struct mailbox *mailbox, struct letter *letter);   /* the event; moves out what it keeps */
	void (*discard)(struct letter *letter);                         /* what no event will see; not the frame; may be NULL */
	void (*free)(struct mailbox *mailbox);                          /* the end that it belongs to */
};

/* The first member of each end, which is freed with the last reference. */
struct mailbox {
	atomic_int references;
	const struct mailbox_kind *kind;
	pthread_mutex_t lock;
	pthread_cond_t left;            /* an event has ended, and `awaited` */
	struct letter *first, **last;   /* lock */
	size_t messages;                /* lock: letters of kind LETTER_MESSAGE in it */
	const void *owner;              /* lock: the thread that will empty it; NULL: it is empty */
	const void *inside;             /* lock: the thread in an event */
	unsigned opened;                /* lock: letters, by this owner */
	unsigned awaited;               /* lock: threads that wait for the event's end */
	bool closing;                   /* lock: nobody takes it over */
	bool closed;                    /* lock: nothing comes in any more */
};

void mailbox_init(struct mailbox *mailbox, const struct mailbox_kind *kind);    /* one reference */
void mailbox_share(struct mailbox *mailbox);
void mailbox_release(struct mailbox *mailbox);
struct letter *letter_new(enum letter_kind kind);
/* Takes the letter. Never blocks; any lock of links and of ends may be held. */
void mailbox_post(struct mailbox *mailbox, struct letter *letter);
/* The same for a LETTER_MESSAGE: with more than `most` of them the oldest is thrown away. */
void mailbox_post_within(struct mailbox *mailbox, struct letter *letter, size_t most);
/* No event runs or will run after it. What is still there is opened first, by this thread, or else thrown away. No lock held. */
void mailbox_close(struct mailbox *mailbox, bool open_rest);

/* Opens the letters in the mailboxes that this thread owns. No lock held. Inside an event it returns at once: the loop around that
   event goes on with them. */
void inproc_deliver(void);

#endif
