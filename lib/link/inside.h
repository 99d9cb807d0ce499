/* SPDX-License-Identifier: MIT */
/*
 * What the files of lib/link share and nobody else sees: the link itself, its lines to peers, and how threads wait.
 *
 *   link.c     life cycle, waiting, work queues, ticks        line.c    one REQ connection to a peer: HELLO, session, requests
 *   caller.c   handles and futures                            server.c  sessions of callers, sorting, inboxes, answers
 *   topic.c    publishing: subscribers, window, END           subscription.c  receiving: queues, gaps, acknowledgements
 *
 * One lock per link guards everything that is not said to be guarded otherwise. Nobody waits, runs a callback, or calls a
 * hook with it held; transports are called with it held only where transport.h says that they do not block (ask, answer,
 * publish), and their events take it. Deaths, stop and gone are states that end every wait.
 */
#ifndef LINK_INSIDE_H
#define LINK_INSIDE_H

#include <pthread.h>

#include "link/link.h"
#include "base/text.h"
#include "link/transport.h"

/* ---- waiting (link.c) ---- */

/* One per waiting thread, on its stack: link_waiter_init, then in a loop "is it so? else link_wait". */
struct waiter {
	pthread_cond_t signal;
};
struct waiter *link_waiter(void);                       /* this thread's own, made on first use, kept for its life */
/* Absolute nanoseconds for a deadline; INT64_MAX: never. `fallback_ns` is what lpad_default() means: relative; -1: never. */
int64_t link_deadline(lpad_deadline deadline, int64_t fallback_ns);
/* Releases the lock, waits for a wake or the deadline, takes it again. false: the deadline has passed. */
bool link_wait(struct link *link, struct waiter *waiter, int64_t deadline_ns);
void link_wake(struct waiter *waiter);                  /* lock held; NULL is fine */

/* ---- lines ---- */

enum line_state {
	LINE_DOWN,              /* not connected, or HELLO not answered: requests wait in lpad's own queue */
	LINE_UP,                /* HELLO answered */
	LINE_LOST,              /* the peer died; it may be restarted */
	LINE_GONE               /* it will never come back: everything fails with LPAD_EGONE */
};
struct line;

/* The line to a peer, one per peer replica; made on first mention, before link_connect. Lock not needed. */
struct line *line_to(struct link *link, const struct peer_spec *peer);
const char *line_peer(const struct line *line);         /* "worker/3" */
enum line_state line_state(const struct line *line);
/* Place of a topic in the peer's HELLO, or -1. Only while LINE_UP. */
int line_topic(const struct line *line, const char *topic);
/* Called with the lock held at each change of state (up: again after each new HELLO). Set before link_connect. */
void line_watch(struct line *line, void (*changed)(void *context, struct line *line, enum line_state state), void *context);
/* One of lpad's own requests (SUBSCRIBE, CONFIRM, ACK, END_ACK). Lock held. `done` comes on a transport thread with the lock
   held: the reply's header and its small body, or NULL when it was lost. Kept back until the line is up; fails at once when gone. */
void line_request(struct line *line, int kind, uint32_t port, uint64_t number, const char *body,
	void (*done)(void *context, const struct wire *reply, const char *body, size_t size), void *context);

/* ---- the pieces, each with its own state in the link ---- */

struct callers;         /* caller.c */
struct server;          /* server.c */
struct topics;          /* topic.c */
struct subscriptions;   /* subscription.c */

struct link {
	pthread_mutex_t lock;
	struct peer_spec self;          /* owned texts */
	uint64_t token;
	size_t longest;
	struct link_hooks hooks;
	const struct transport *transport;
	bool going, stopping, draining, closed, wired_said, drained_said;       /* lock */
	int64_t drain_until_ns;
	struct waiter *stop_waiters;    /* link.c's own business; see there */
	struct callers *callers;
	struct server *server;
	struct topics *topics;
	struct subscriptions *subscriptions;
	struct link_private *own;       /* link.c */
};

/* Each piece offers the same steps; link.c calls them in this order. "lock": called with it held. */
int callers_new(struct link *link, const struct link_spec *spec, struct error *error);
int server_new(struct link *link, const struct link_spec *spec, struct error *error);
int topics_new(struct link *link, const struct link_spec *spec, struct error *error);
int subscriptions_new(struct link *link, const struct link_spec *spec, struct error *error);
int server_bind(struct link *link, struct error *error);
int topics_bind(struct link *link, struct error *error);
int subscriptions_connect(struct link *link, struct error *error);     /* dials the PUB sockets; SUBSCRIBE follows when lines are up */
/* Still to be wired, or drained: adds names (borrowed) while there is room, returns how many there are. lock. */
size_t callers_waits_for(struct link *link, const char **names, size_t room);
size_t server_waits_for(struct link *link, const char **names, size_t room);
size_t topics_waits_for(struct link *link, const char **names, size_t room);
size_t subscriptions_waits_for(struct link *link, const char **names, size_t room);
/* After any change that may complete wiring or draining: link.c looks at all pieces and calls the hooks (after the lock
   was released: from link_unlock). lock. */
void link_check(struct link *link);
void link_lock(struct link *link);
void link_unlock(struct link *link);    /* also runs hooks that became due: wired, drained, wake, note, work */

void callers_stop(struct link *link);           /* lock: wake all waits */
void server_stop(struct link *link);
void topics_stop(struct link *link);
void subscriptions_stop(struct link *link);
void server_end_run(struct link *link);         /* lock: inbox calls are refused with LPAD_EGONE */
void topics_end(struct link *link);             /* lock: END on every topic not ended yet */
void subscriptions_end_run(struct link *link);  /* lock: what `run` did not take is unread, acknowledged as dropped */
void server_drain(struct link *link);           /* lock: refuse new calls; those kept are refused with LPAD_ESTOPPED */
void callers_drain(struct link *link);
void topics_drain(struct link *link);           /* a service's topics end once its non-cyclic subscriptions have ended and their work is done */
void subscriptions_drain(struct link *link);
void callers_peer_lost(struct link *link, struct line *line, bool gone);
void server_peer_lost(struct link *link, uint32_t group, uint32_t index, uint32_t incarnation, bool gone);     /* lock */
void topics_peer_lost(struct link *link, uint32_t group, uint32_t index, uint32_t incarnation, bool gone);
void subscriptions_peer_lost(struct link *link, uint32_t group, uint32_t index, uint32_t incarnation, bool gone);
void callers_tick(struct link *link, int64_t now_ns, int64_t *next_ns);        /* lock; lowers *next_ns */
void server_tick(struct link *link, int64_t now_ns, int64_t *next_ns);
void topics_tick(struct link *link, int64_t now_ns, int64_t *next_ns);
void subscriptions_tick(struct link *link, int64_t now_ns, int64_t *next_ns);
void callers_counters(struct link *link, void (*each)(void *, const struct port_counters *), void *context);   /* lock */
void server_counters(struct link *link, void (*each)(void *, const struct port_counters *), void *context);
void topics_counters(struct link *link, void (*each)(void *, const struct port_counters *), void *context);
void subscriptions_counters(struct link *link, void (*each)(void *, const struct port_counters *), void *context);
void callers_left(struct link *link, struct text *text, int64_t *count);       /* lock */
void server_left(struct link *link, struct text *text, int64_t *count);
void topics_left(struct link *link, struct text *text, int64_t *count);
void subscriptions_left(struct link *link, struct text *text, int64_t *count);
void callers_close(struct link *link);          /* no lock: closes sockets; link_free calls callers, subscriptions, topics, server */
void server_close(struct link *link);
void topics_close(struct link *link);
void subscriptions_close(struct link *link);

/* server.c hands topics what came for them (SUBSCRIBE, CONFIRM, ACK, END_ACK), lock held; topic.c answers by server_reply. */
void topics_request(struct link *link, struct request *request, const struct wire *wire, const char *body, size_t size);
void server_reply(struct link *link, struct request *request, int code, const char *body);     /* code 0: REPLY, else ERROR */
const char *topics_name(const struct link *link, size_t place);         /* for the HELLO's list; NULL behind the last */

/* Work for callbacks (link.c): post queues one piece and calls the hook; lock held. A WORK_MESSAGE names only the
   subscription: the message is taken when it is handed out, so that a queue of N can still drop its oldest. */
void link_post(struct link *link, const struct work *work);
/* Takes the oldest message of a callback subscription; NULL: dropped meanwhile. Called without the lock. subscription.c */
const lpad_message *subscriptions_pop(struct link *link, int subscription, struct work *work);
void subscriptions_done(struct link *link, struct work *work);                          /* lock: counted, acknowledged */
bool link_work_running(const struct link *link);                                        /* lock: posted or running pieces */

/* A line for the user through hooks.note; limited to a few a second per kind, the rest counted. lock. */
void link_note(struct link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
