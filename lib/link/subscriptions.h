/* SPDX-License-Identifier: MIT */
/*
 * The receiving side, shared by subscription.c (queues), taking.c (those who take) and publisher.c (one publisher: how it is wired, what
 * it is told), feed.c (what comes from it), newest.c (what is different under `latest`) and missed.c (under `all`). Link's lock.
 *
 * Always, per publisher: last - base = account.received + account.dropped + lost + queued + held, and under `latest` + 1 for a
 * version whose body is to be fetched (noted) + 1 for one that is being fetched. What is queued or held of an earlier incarnation
 * belongs to the past accounts instead.
 *
 * What the numbers of this end mean: published is what this subscriber knows of: from the first HELLO of each incarnation of the
 * publisher to the last number it has heard. What a dead one had published behind that, nobody can say here.
 */
#ifndef LINK_SUBSCRIPTIONS_H
#define LINK_SUBSCRIPTIONS_H

#include "base/signature.h"
#include "link/account.h"
#include "link/inside.h"
#include "link/waiting.h"

struct item {
	struct frame frame;
	struct publisher *publisher;
	struct item *older, *newer;             /* in the subscription, by arrival */
	struct item *next;                      /* of the same publisher */
	uint64_t number;                        /* of the message, in its topic */
	int64_t at_ms;                          /* wall clock, when it came; observers only */
};

enum publisher_step {
	PUBLISHER_IDLE,         /* SUBSCRIBE is to be sent when the line is up */
	PUBLISHER_ASKING,       /* SUBSCRIBE is under way */
	PUBLISHER_ANSWERED,     /* it was answered; CONFIRM follows once a HELLO has come over the topic */
	PUBLISHER_CONFIRMING,   /* CONFIRM is under way */
	PUBLISHER_WIRED,
	PUBLISHER_REFUSED       /* it does not want this subscription: said once, never asked again */
};

struct publisher {
	struct lpad_subscription *subscription;
	char *node, *topic, *address;           /* address: of its bodies, or of its notices if this subscription is lazy */
	uint32_t group, index, incarnation;
	int keep, buffer;
	bool lazy;                              /* of `latest`: versions come, bodies are fetched when they are read */
	int64_t window;
	struct line *line;
	struct feed *feed;                      /* its PUB socket; NULL: no connection is made */
	int place;                              /* of the topic, in the line's last HELLO */
	enum publisher_step step;
	bool again;                             /* a request was lost: the tick goes on from where it stands */
	bool anew;                              /* its connection went while one was under way: SUBSCRIBE follows the answer */
	bool flowing;                           /* something came over the connection that stands */
	bool hello;                             /* a HELLO did, or what proves as much */
	int unheard;                            /* seconds since SUBSCRIBE was answered without that */
	bool known;                             /* the first one has come: `base` stands */
	bool claimed;                           /* CONFIRM was sent: it may wait for the acknowledgement of its end, whatever has come back */
	bool wired;                             /* was confirmed once */
	bool ending;                            /* END has come; under `all` something before it may be missing */
	bool ended;                             /* and nothing is */
	bool end_told, end_answered;            /* END_ACK is under way; was answered */
	bool lost;                              /* this incarnation is dead; a successor may come */
	bool gone;                              /* dead for good */
	int64_t gone_ns;
	uint64_t base, last;                    /* sequence numbers: the first HELLO's; the newest accounted for */
	struct account account;
	/* Of `all`: the highest number that is known of without all up to it having come; not above `last`: none is missing. */
	uint64_t missed;
	uint64_t asked_from;                    /* the RESEND that is under way asks from here on; 0: none is */
	uint64_t resends;                       /* what counts as an answer to the last one bears this number, or a later one */
	uint64_t resends_seen;                  /* the newest that came with something behind a gap */
	int asked_in_vain, waited;              /* RESENDs, seconds since something came that was not to be missed */
	int64_t versions_lost;                  /* of `latest`: they were to be fetched from it when it died */
	struct past_accounts past;              /* of earlier incarnations */
	int64_t errors;                         /* frames that were malformed, or not this publisher's */
	int64_t bytes_done;                     /* of messages received and dropped here */
	int64_t told, bytes_told;               /* received + dropped, bytes_done at the last ACK */
	bool asked;                             /* a HELLO asks for an ACK once everything up to asked_at is done with */
	uint64_t asked_at;
	size_t queued, held;                    /* in the queue; in the hands of a thread, not yet counted */
	size_t queued_bytes;
	struct item *first, *last_item;
	/* Of `latest`: the newest version whose body has not been asked for, and the one that a FETCH is under way for; 0: none. */
	uint64_t noted, fetching;
	uint64_t have;                          /* the newest version whose body has come */
};

struct running {                                /* a message that a callback has */
	const lpad_message *message;
	struct publisher *publisher;
	uint32_t incarnation;
	size_t size;
};

struct lpad_subscription {
	struct link *link;
	int place;
	char *name;
	struct signature signature;
	bool callback, cycle;
	bool closed;                            /* `run` has returned: what comes is unread */
	struct publisher *publishers;
	size_t count;
	struct item *oldest, *newest;
	size_t queued, posted;                  /* posted: pieces of work, never more than queued when one is added */
	LIST(struct running) running;
	struct waiters waiters;
};

struct subscriptions {
	struct lpad_subscription *at;
	size_t count;
	int64_t told_ns;                        /* when the tick last told publishers how far we are */
};

/* subscription.c */
void subscription_remove(struct lpad_subscription *subscription, struct item *item);   /* always the oldest of its publisher */
void subscription_push(struct publisher *publisher, struct frame *frame);      /* takes the frame */
/* After END, a death, a loss: wakes those who wait, tells the publisher, has wiring and draining looked at. */
void subscription_changed(struct publisher *publisher);

/* newest.c: of a publisher whose latest is kept. */
void newest_note(struct publisher *publisher, uint64_t number);         /* this version exists */
void newest_come(struct publisher *publisher, struct frame *frame);     /* it was pushed; takes the frame */
/* Asks for the body if there is a newer one than those that came. `read`: somebody wants to read it; without, only if this kind of
   subscription has it fetched before anybody reads. */
void newest_fetch(struct publisher *publisher, bool read);
bool newest_pending(const struct publisher *publisher);                 /* a body is still to come */
void newest_drop(struct publisher *publisher);                          /* nobody will read it */
void newest_lose(struct publisher *publisher);                          /* nobody can send it any more */

/* missed.c: of a publisher all of whose messages are kept. */
void missed_note(struct publisher *publisher, uint64_t number, uint64_t resends);       /* it exists, and something before it, or it, is missing */
void missed_taken(struct publisher *publisher);                 /* `last` has come: END may stand behind it */
void missed_drop(struct publisher *publisher);                  /* nobody will read it, though it could be had */
void missed_ask_again(struct publisher *publisher);             /* a request was lost */
void missed_tick(struct publisher *publisher);                  /* once a second */
uint64_t missed_count(const struct publisher *publisher);

/* feed.c */
int feed_open(struct publisher *publisher, struct error *error);        /* no lock; it has an address */
void feed_abandon(struct publisher *publisher);
void feed_close(struct publisher *publisher);                   /* no lock: no event comes any more */
bool feed_is_its(const struct publisher *publisher, const struct wire *wire);   /* a header that this incarnation has sent */

/* publisher.c */
void publisher_new(struct publisher *publisher, struct lpad_subscription *subscription, const struct publisher_link *spec);
int publisher_connect(struct publisher *publisher, struct error *error);        /* no lock; if its address is known */
void publisher_free(struct publisher *publisher);               /* no lock; its queue is empty */
bool publisher_over(const struct publisher *publisher);         /* nothing new can come */
/* Everything up to `number` was published; what of it has not come by now will not: dropped. */
void publisher_gap(struct publisher *publisher, uint64_t number);
/* What came is not this publisher's, or makes no sense: counted, and the user is told. frame may be NULL. */
void publisher_refuse(struct publisher *publisher, struct frame *frame, const char *why);
/* A message of that incarnation was handed over (received) or given up; tells the publisher if it is time. */
void publisher_count(struct publisher *publisher, uint32_t incarnation, bool received, size_t size);
void publisher_drop(struct publisher *publisher);               /* a version of `latest` was given up */
void publisher_tell(struct publisher *publisher);               /* ACK or END_ACK if due */
/* A request to it; takes the body. publisher_judge, of the answer: 1: well answered, 0: lost, the tick shall go on; -1: refused, which is said. */
void publisher_ask(struct publisher *publisher, int kind, uint64_t number, char *body,
	void (*done)(void *context, const struct wire *reply, const char *body, size_t size));
int publisher_judge(struct publisher *publisher, const struct wire *reply, const char *body, size_t size, const char *what);
bool publisher_reachable(const struct publisher *publisher);    /* this incarnation, now */
void publisher_confirm(struct publisher *publisher);            /* a HELLO has come */
void publisher_again(struct publisher *publisher);              /* its connection went: everything is asked for again */
void publisher_lost(struct publisher *publisher, uint32_t incarnation, bool gone);
/* It listens there. true: that is news, and publisher_connect is due. */
bool publisher_found(struct publisher *publisher, const struct peer_up *up);
void publisher_tick(struct publisher *publisher, int64_t now_ns, int64_t *next_ns, bool tell);

#endif
