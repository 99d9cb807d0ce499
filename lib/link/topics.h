/* SPDX-License-Identifier: MIT */
/*
 * The publishing side, shared by topic.c (publishing, END), outlet.c (where it listens), subscriber.c (who receives, and how far
 * they are) and resend.c (what is published again). Link's lock.
 *
 * What the numbers of this end mean: published is what was sent while that incarnation of the subscriber was known to live,
 * received and dropped are what it has said, lost is the rest once it is dead: it may have received them, and was not heard of.
 * While it lives published - received - dropped is under way, or waits there.
 */
#ifndef LINK_TOPICS_H
#define LINK_TOPICS_H

#include "base/signature.h"
#include "link/account.h"
#include "link/inside.h"
#include "link/waiting.h"

enum subscriber_state {
	SUBSCRIBER_ABSENT,      /* of the file; it has not subscribed yet */
	SUBSCRIBER_ASKED,       /* its SUBSCRIBE came: a HELLO on the topic is due, and after each new connection */
	SUBSCRIBER_CONFIRMED,   /* the HELLO arrived there */
	SUBSCRIBER_LOST,        /* died, may be restarted: still holds back an `all` */
	SUBSCRIBER_GONE         /* will not come back */
};

struct subscriber {
	char *node, *port;
	uint32_t group, index, incarnation;
	int keep;
	bool lazy;              /* of `latest`: it hears of versions, and fetches bodies */
	int64_t window;
	enum subscriber_state state;
	bool known;             /* this incarnation was confirmed once: `base` stands */
	bool ended;             /* has acknowledged END */
	uint64_t base;          /* its account begins behind this sequence number */
	uint64_t consumed;      /* base + what it said to have received and dropped */
	uint64_t until;         /* LOST, GONE: the last sequence number published while it lived */
	struct account account;
	int64_t lost;           /* published for it, acknowledged by nobody, when it died */
	struct past_accounts past;      /* of earlier incarnations */
};

struct outlet {
	char *address;                          /* as it was asked for, then as it was bound */
	bool notice;                            /* for lazy subscribers: versions, no bodies */
	atomic_bool joined;                     /* a subscriber has connected: before that nothing is copied for it */
	int connections;                        /* as far as they were told of */
	const struct transport *transport;
	struct publishing *publishing;
	struct lpad_topic *topic;
};

struct lpad_topic {
	struct link *link;
	size_t place;
	char *name;
	struct signature signature;
	int buffer;
	/* Where subscribers connect; none: nobody can subscribe. Of the file's, and with room for one more: observers'. Read without
	   the lock by who is `busy`. */
	struct outlet *outlets;
	size_t outlet_count;
	bool open;                              /* all outlets are bound */
	struct subscriber *subscribers;
	size_t count;
	uint64_t sequence;                      /* of the last message */
	int64_t bytes;
	bool retains;                           /* somebody keeps the latest */
	lpad_message *newest;                   /* then: the message numbered `sequence`, one reference; NULL: none yet */
	/* Bytes published up to a sequence number, for the numbers that an `all` subscriber may be behind. */
	uint64_t *totals;
	size_t totals_count;
	/* One reference to each message that an `all` subscriber may ask for again: those behind kept_until, as totals by number. */
	lpad_message **kept;
	uint64_t kept_until;
	uint64_t again;                         /* the next that is to be published again; 0: none */
	uint64_t resends;                       /* how many were asked for */
	bool ready;                             /* every subscriber of the file has been confirmed, or is dead; stays so */
	bool busy;                              /* a thread is in transport->publish without the lock: nobody else may be */
	bool admits;                            /* an outlet is to be added as soon as nobody is: who wants to publish waits for that */
	bool hello_due, end_due, ended;
	bool observed;                          /* an observer has subscribed: it may connect before or after that */
	struct waiters waiters;
};

struct topics {
	struct lpad_topic *at;
	size_t count;
};

/* topic.c: to everybody; takes the message. Lock held, or `busy`; `resends` is that of the moment in which the lock was held. */
void topic_transmit(lpad_topic *topic, const struct wire *what, lpad_message *message);
/* Sends the HELLO and END that are due, unless a publication is under way: its thread does it then. */
void topic_flush(lpad_topic *topic);
/* outlet.c */
void outlets_new(lpad_topic *topic, const struct topic_link *spec);
int outlets_bind(lpad_topic *topic, struct error *error);
void outlets_close(lpad_topic *topic);

/* resend.c */
void resend_keep(lpad_topic *topic, const lpad_message *message);      /* it was given the number `sequence` just now */
void resend_let_go(lpad_topic *topic);          /* what nobody will ask for any more; lock held */
/* The same, with the lock released while memory is given back: by what an acknowledgement names. */
void resend_let_go_slowly(lpad_topic *topic);
/* Answers a subscriber's RESEND; what it asks for is sent by resend_due. */
void resend_request(lpad_topic *topic, const struct subscriber *subscriber, struct request *request, uint64_t number, size_t longest);
/* Publishes again what was asked for, unless a publication is under way: its thread does it then. Releases the lock meanwhile. */
void resend_due(lpad_topic *topic);
void resend_free(lpad_topic *topic);

/* subscriber.c: after a change of states; wakes those who wait. */
void subscribers_review(lpad_topic *topic);
/* The first one who has no room for a message of `size` bytes; NULL: all have. */
const struct subscriber *subscribers_holder(const lpad_topic *topic, size_t size);
/* Any who would not answer a HELLO that was sent before: they connect, or have just subscribed. */
bool subscribers_unconfirmed(const lpad_topic *topic);
bool subscriber_is_dead(const struct subscriber *subscriber);
/* Has to acknowledge END, and has not. */
bool subscriber_owes_end(const struct subscriber *subscriber);
int64_t subscriber_published(const lpad_topic *topic, const struct subscriber *subscriber);
void subscribers_new(lpad_topic *topic, const struct topic_link *spec);
void subscribers_free(lpad_topic *topic);

/* subscription.c: every subscription that is on no circle of topics has ended, and its messages are done with. */
bool subscriptions_finished(struct link *link);

#endif
