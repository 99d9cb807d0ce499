/* SPDX-License-Identifier: MIT */
/*
 * One replica's side of all its edges: sessions, calls, topics, and the steps of their life. lib/node owns one per
 * replica and drives it from its control thread; the objects (handles, topics...) are used by the node's own threads.
 *
 *     link_new -> link_bind (listeners exist) -> link_connect -> hooks.wired -> link_go -> ...
 *     -> link_end_run (run returned: its topics end, its inboxes refuse) -> link_stop (every wait ends)
 *     -> link_drain -> hooks.drained -> link_free (callbacks have ended before: their threads belong to lib/node)
 *
 * Life cycle functions are called by one thread. Hooks are called on transport threads or on the calling thread, with no
 * lock held; they must not block.
 */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include <lpad/node.h>
#include <stdarg.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/list.h"
#include "link/message.h"

/* ---- what a link is made from; texts are copied ---- */

struct peer_spec {
	const char *node;                       /* "worker/3" */
	uint32_t group, index, incarnation;
	const char *address;                    /* REP address of a server or publisher; NULL for callers, subscribers */
};
struct handle_link {
	const char *name;
	int place;                              /* one's own, or -1 */
	int64_t deadline_ns;                    /* the edge's default; -1: none */
	const struct peer_spec *servers;
	size_t count;
	const struct offered_methods *offered;  /* by group of server, as the topology knows them */
	size_t offered_count;
};
struct offered_methods {
	uint32_t group;
	const char *const *names;
	const bool *idempotent;
	size_t count;
};
struct method_link {
	const char *name;
	bool inbox, idempotent;
	int threads, queue, full;               /* as declared */
	bool has_gone, has_held;
	bool mirrored;                          /* of the node behind it: its calls go to `forward`. These follow the declared ones. */
	int batch, batches;                     /* batch 0: none */
	double batch_wait;
	bool pad;
	const char *request, *reply;            /* signatures; NULL: any */
};
struct subscriber_link {
	struct peer_spec peer;
	const char *port;
	int keep;
	bool eager;                             /* of `latest`: the body is pushed; else it is fetched when it is read */
	int64_t window;
};
/* Where it listens: more than one address when some neighbours share the process. Any of them may ask for a free port
   ("tcp://127.0.0.1:0"): link_bound tells which one it became. */
struct listen_link {
	const char *const *at;
	size_t count;
};
struct topic_link {
	const char *name;
	struct listen_link bodies, notices;     /* PUB addresses; count 0: nobody subscribes; notices: for lazy `latest` alone */
	int buffer;
	int64_t window;                         /* of `all` */
	const char *signature;                  /* NULL: any */
	const struct subscriber_link *subscribers;
	size_t count;
};
struct publisher_link {
	struct peer_spec peer;                  /* address: its REP; NULL: link_peer_up will say */
	const char *topic, *address, *notice;   /* PUB; the same */
	int buffer, keep;
	bool eager;
	int64_t window;
};
struct subscription_link {
	const char *name;
	const char *signature;
	bool callback;                          /* messages are taken by the service thread */
	bool cycle;
	const struct publisher_link *publishers;
	size_t count;
};
struct link_spec {
	struct peer_spec self;                  /* without an address */
	struct listen_link serve;               /* its REP addresses; count 0: nobody calls or subscribes */
	uint64_t token;
	bool observer;                          /* of no group of the run: it may call and subscribe, and is in no account */
	bool service;                           /* its topics do not end with `run` but at the drain */
	size_t longest;                         /* max_message */
	int64_t note_after_ns;                  /* a wait that lasts longer is told of; 0: 10 s */
	const struct peer_spec *callers;        /* members that will say HELLO for calls */
	size_t caller_count;
	const struct handle_link *handles;
	size_t handle_count;
	const struct method_link *methods;
	size_t method_count;
	const struct topic_link *topics;
	size_t topic_count;
	const struct subscription_link *subscriptions;
	size_t subscription_count;
};

struct link_hooks {
	void *context;
	void (*wired)(void *context);
	void (*drained)(void *context);         /* once; see link_left for what was left */
	void (*note)(void *context, const char *text);          /* for the user: waits over 10 s, malformed messages (at most a few a second) */
	void (*wake)(void *context);            /* call link_tick soon, from the control thread */
	/* handle_restart_server: the supervisor is asked to end that incarnation; its policy then acts. NULL: not possible here. */
	void (*restart)(void *context, const struct peer_spec *peer, const char *why);
	void (*work)(void *context, int method);/* may be NULL: something for a callback: method >= 0: its own threads; -1: the service thread */
};

struct link;

struct link *link_new(const struct link_spec *spec, const struct link_hooks *hooks, struct error *error);
int link_set_batch(struct link *link, const char *method, int size, double wait);      /* before link_bind; a code of node.h */
int link_bind(struct link *link, struct error *error);
int link_connect(struct link *link, struct error *error);
/* At one more address, for observers; at any time after link_bind. Nothing happens if it listens there already. */
int link_listen(struct link *link, const char *address, struct error *error);
/* Where observers find the bodies of a topic: at an address that those of the file use, if others can dial it, else at the one given,
   at which it listens from then on. Called as link_bind is. NULL with an error; borrowed until link_free. */
const char *link_listen_topic(struct link *link, const char *topic, const char *address, struct error *error);
/* Names of neighbours not yet wired (or not yet drained), at most `room`; returns how many there are in all. Texts are borrowed. */
size_t link_waits_for(struct link *link, const char **names, size_t room);
/* The waits that the user was told of, and that still last. Returns a number that is another one when they are different ones, or for
   other reasons; `each` may be NULL: only that. It is called with the link's lock held. */
struct told_wait {
	const char *what, *why;         /* "replay.sample"; why may be "" */
	double seconds;
};
uint64_t link_told_waits(struct link *link, void (*each)(void *context, const struct told_wait *wait), void *context);
void link_go(struct link *link);
/* Deadlines that have passed, notes due, counters; returns ms until it wants to be called again, -1: not by time. */
int64_t link_tick(struct link *link);
void link_end_run(struct link *link);
void link_stop(struct link *link);
void link_drain(struct link *link, int64_t deadline_ns);
/* Before link_stop and link_drain: do the others go on? Then publishers here do not end, and are not waited for, and calls that are left
   here go to the next incarnation, or are lost with this one. */
void link_leave_alone(struct link *link, bool alone);
/* What a drain left behind: "3 messages of reading to keep"; NULL: nothing. Caller frees. */
char *link_left(struct link *link, int64_t *count);
void link_peer_lost(struct link *link, uint32_t group, uint32_t index, uint32_t incarnation, bool gone);
/*
 * A neighbour listens: a restarted one has another incarnation and other addresses; over tcp the first ones come this way too, before
 * link_connect. Anything older of that peer is lost by this. What is NULL is not known, or not needed by this replica.
 */
struct topic_address {
	const char *topic, *address, *notice;
};
struct peer_up {
	uint32_t group, index, incarnation;
	const char *serve;
	const struct topic_address *topics;
	size_t topic_count;
};
int link_peer_up(struct link *link, const struct peer_up *up, struct error *error);
/* After link_bind: where it listens, in the order of the spec. `topic` NULL: REP. Borrowed. */
struct bound_address {
	const char *topic;
	bool notice;
	const char *address;
};
size_t link_bound(const struct link *link, const struct bound_address **out);
/* The process is about to exit: callers that still wait are refused, what was accepted is handed to the kernel. Nothing is closed or
   freed: that is left to the kernel, for closing a socket of nng 1.5.2 may wait for ever on a connection whose peer left first. */
void link_leave(struct link *link);
void link_free(struct link *link);
/* The calling thread is the one that runs init, run and fini. Threads that take work are known by that. */
void link_run_thread(struct link *link);

lpad_handle *link_handle(struct link *link, const char *name);                  /* NULL: not connected */
lpad_topic *link_topic(struct link *link, const char *name);                    /* never NULL for a declared one */
lpad_subscription *link_subscription(struct link *link, const char *name);      /* NULL: not connected */
lpad_inbox *link_inbox(struct link *link, int method);

/* ---- the work of callbacks, done by lib/node's threads ---- */

struct work {
	/* GONE: nobody waits any more for a kept call (of an inbox: on the service thread). It stays valid until it is answered
	   or refused, as every kept call, which then goes nowhere. Only for methods that have `gone`. */
	/* HELD: the author's sentence why the call is kept: to be written into text. FUTURE: `done` of lpad_then is to be called. A CALL of
	   a batched method is the batch. */
	enum { WORK_NONE, WORK_CALL, WORK_GONE, WORK_MESSAGE, WORK_HELD, WORK_FUTURE } kind;
	int method;                             /* CALL, GONE, HELD */
	lpad_call *call;
	char *text;                             /* HELD */
	size_t room;
	lpad_future *future;                    /* FUTURE */
	void (*done)(lpad_node *node, lpad_future *future, void *context);
	void *context;
	int subscription;                       /* MESSAGE: place in the spec */
	const lpad_message *message;            /* MESSAGE: freed by link_work_done */
};
/* Takes the next piece of work for the service thread (method -1) or a method's own threads, in order of arrival; waits
   for it. false: the link is closed and nothing is left, or the drain's time is up. Between take and done the piece counts as
   running: drain waits for it. */
bool link_work_take(struct link *link, int method, struct work *out);
/* `result`: what the callback returned. CALL: LPAD_LATER keeps it; 0 without an answer is an error to the caller; a negative
   code refuses it with the thread's fault text. MESSAGE: counts it as received. */
void link_work_done(struct link *link, struct work *work, int result);
void link_work_close(struct link *link);        /* link_work_take returns false once empty: before joining the threads */

/* ---- objects, as node.h promises ---- */

int handle_count(const lpad_handle *handle);
int handle_place(const lpad_handle *handle);
const char *handle_server(const lpad_handle *handle, int place);
int handle_call(lpad_handle *handle, int place, const char *method, lpad_message *request, lpad_message **reply,
	lpad_deadline deadline);
lpad_future *handle_start(lpad_handle *handle, int place, const char *method, lpad_message *request,
	lpad_deadline deadline);
int future_wait(lpad_future *future, lpad_message **reply);
int future_wait_any(lpad_future **futures, int count, lpad_deadline deadline);
int future_ready(lpad_future *future);
void future_cancel(lpad_future *future);
/* Over the future, whichever thread made it; see lpad_then. */
int future_then(lpad_future *future, void (*done)(lpad_node *, lpad_future *, void *), void *context);
int handle_methods(const lpad_handle *handle, int place, const char *const **names);
int handle_idempotent(const lpad_handle *handle, int place, const char *method);
int handle_restart_server(lpad_handle *handle, int place, const char *why);
int handle_await_server(lpad_handle *handle, int place, lpad_deadline deadline);

const lpad_message *call_request(const lpad_call *call);
const char *call_method(const lpad_call *call);
const char *call_caller(const lpad_call *call);
int call_caller_index(const lpad_call *call);
int call_caller_incarnation(const lpad_call *call);
int call_batch(const lpad_call *call);
int call_answer(lpad_call *call, lpad_message *reply);
int call_refuse_list(lpad_call *call, int code, const char *format, va_list list) __attribute__((format(printf, 3, 0)));
int inbox_next(lpad_inbox *inbox, lpad_call **out, lpad_deadline deadline);
int inbox_next_from(lpad_inbox *inbox, lpad_handle *handle, int place, lpad_call **out, lpad_deadline deadline);

int topic_publish(lpad_topic *topic, lpad_message *message);
int topic_subscribers(const lpad_topic *topic);                         /* those of the file that live */
int subscription_take(lpad_subscription *subscription, lpad_message **out, lpad_deadline deadline);
/* Before run returns: who takes gets LPAD_EENDED, and what lies there or still comes is dropped, holding nobody back. */
void subscription_close(lpad_subscription *subscription);
int subscription_publishers(const lpad_subscription *subscription);     /* those from whom something may still come */

/*
 * Of an observer, whose publishers are each to be kept as LPAD_LATEST, eager, or a number: what came, as subscription_take gives it. The
 * message is the caller's; without `body` none is made. What it missed is in link_counters, as dropped and lost.
 */
struct observation {
	lpad_message *message;
	const char *node;                       /* borrowed until link_free */
	uint32_t incarnation;
	uint64_t number;                        /* in the topic, from 1 with each incarnation */
	int64_t at_ms;                          /* wall clock */
	size_t size;                            /* of its body */
};
int subscription_observe(lpad_subscription *subscription, struct observation *out, bool body, lpad_deadline deadline);

/* Waits of the node's own (lpad_wait_stop): until link_stop. 0, or LPAD_ETIMEDOUT. */
int link_wait_stop(struct link *link, lpad_deadline deadline);
bool link_stopping(struct link *link);

/* ---- counters ---- */

/* One row per port and peer. A topic: one per subscriber, `bytes` being those published, the same in each row of the topic: count
   them once; a topic without subscribers has one row with peer "". published = received + dropped + lost once all is done. */
struct port_counters {
	const char *port, *kind, *peer;         /* kind: "handle" "method" "topic" "subscription"; borrowed */
	const char *peer_port;                  /* of a topic: the subscription there; of a subscription: the topic; else NULL */
	int64_t messages, bytes, delivered_bytes, dropped, lost, published, received, errors;
	double latency[4];                      /* handles: p50, p90, p99, max in seconds; 0: none */
};
/* Calls `each` for every port and peer. Any thread. */
void link_counters(struct link *link, void (*each)(void *context, const struct port_counters *counters), void *context);

#endif
