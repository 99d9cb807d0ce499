/* SPDX-License-Identifier: MIT */
/*
 * What the files of lib/link share and nobody else sees: the link itself, its lines to peers, and how threads wait.
 *
 *   link.c     life cycle, hooks, ticks                       wait.c    threads that wait: wakes, stop, notes after 10 s
 *   work.c     queues of work for callbacks                   line.c    one REQ connection to a peer: HELLO, session, requests
 *   handle.c   handles and their counters                     caller.c  calls under way, deadlines; future.c
 *   session.c  callers: HELLO, sorting, cancels               server.c  methods: queues; inbox.c, call.c, batch.c
 *   topic.c    publishing: subscribers, window, END           subscription.c  receiving: queues, gaps, acknowledgements
 *
 * One lock per link guards everything that is not said to be guarded otherwise. Nobody waits, runs a callback, or calls a
 * hook with it held; transports are called with it held only where transport.h says that they do not block (ask, answer,
 * publish), and their events take it. Deaths, stop and gone are states that end every wait.
 */
#ifndef LINK_INSIDE_H
#define LINK_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "link/link.h"
#include "base/text.h"
#include "link/transport.h"

/* ---- waiting (wait.c) ---- */

/*
 * One per thread: in a loop "is it so? else link_wait". Whoever changes something that a waiter looks for holds the lock and
 * calls link_wake; the wake itself (one futex call) happens when the lock is released, so that the woken thread does not
 * run into it.
 */
struct waiter {
	atomic_uint woken;
	struct link *link;              /* whose lock link_wait released; NULL: not asleep */
};
struct waiter *link_waiter(void);                       /* this thread's own, kept for its life */
/* Absolute nanoseconds for a deadline; INT64_MAX: never. `fallback_ns` is what lpad_default() means: relative; -1: never. */
int64_t link_deadline(lpad_deadline deadline, int64_t fallback_ns);
/* Releases the lock, waits for a wake or the deadline, takes it again. false: the deadline has passed. */
bool link_wait(struct link *link, struct waiter *waiter, int64_t deadline_ns);
void link_wake(struct waiter *waiter);                  /* lock held; NULL is fine */

/* Whose thread is this? */
enum thread_role {
	THREAD_OTHER,           /* one that the node made itself */
	THREAD_RUN,             /* init, run, fini */
	THREAD_CALLBACK         /* takes work */
};

/* A wait that stop ends; the user is told of it after 10 s unless `peer` is NULL. On the waiting thread's stack. Lock held.
   Texts are borrowed until the end. */
struct long_wait {
	struct long_wait *next, **at;
	struct waiter *waiter;
	uint64_t serial;                /* for those who want to find it again, should it last that long */
	int64_t since_ns, note_ns;
	const char *peer, *what;        /* "replay", "sample"; what may be NULL */
	struct lpad_future *const *futures;     /* calls, any of which ends it; some may be NULL */
	size_t count;                   /* 0: it waits for something else */
	bool bounded;                   /* it goes on at its deadline, and the calls do too: it is part of no circle */
	/* Who waits: */
	enum thread_role role;
	int queue;                      /* of a callback: as of link_work_take */
	uint64_t serving;               /* serial of the call that it is busy with; 0: none */
	const char *busy;               /* with what: "sample", "run" */
	/* note.c and circle.c: */
	bool asking, probing;
	char *told;                     /* why it takes so long, as the user was told; "": nobody knows; NULL: he was not */
	int64_t probe_ns;
};
void link_wait_begin(struct link *link, struct long_wait *wait, int64_t now_ns, const char *peer, const char *what);
/* Of calls: see `futures`, `bounded`. */
void link_wait_calls(struct link *link, struct long_wait *wait, struct lpad_future *const *futures, size_t count,
	bool bounded, const char *peer, const char *what);
void link_wait_end(struct link *link, struct long_wait *wait);
/* link_unlock: after the lock was released. */
void link_wake_taken(struct waiter *const *wakes, unsigned count);
void link_wake_waits(struct link *link);                /* lock: all long waits, so that they look again */
void waits_tick(struct link *link, int64_t now_ns, int64_t *next_ns);   /* lock; note.c */

enum thread_role link_role(const struct link *link);
void link_set_role(struct link *link, enum thread_role role, int queue);
/* What this thread is busy with from now on: a call, by its serial, or 0. */
void link_set_busy(uint64_t serving, const char *busy);
void link_not_busy(const struct link *link, uint64_t serving);         /* that call has ended */
/* Must this thread's waits end now? Callbacks may still finish what they wait for until the drain is over. lock. */
bool link_must_stop(const struct link *link);

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
/* Place of a method in the peer's HELLO, or -1; is it idempotent? Only while LINE_UP. */
int line_method(const struct line *line, const char *method, bool *idempotent);
char *line_methods(const struct line *line);            /* "insert, sample"; caller frees */
uint32_t line_incarnation(const struct line *line);
bool line_leads_to(const struct line *line, uint32_t group, uint32_t index);
struct peer_spec line_spec(const struct line *line);     /* the name is borrowed; no address */
bool line_is_self(const struct line *line);             /* does it lead to this very replica? */
const struct transport *line_transport(const struct line *line);
/* Called with the lock held at each change of state (up: again after each new HELLO). Set before link_connect. */
void line_watch(struct line *line, void (*changed)(void *context, struct line *line, enum line_state state), void *context);
/* One of lpad's own requests (SUBSCRIBE, CONFIRM, ACK, END_ACK). Lock held. `done` comes on a transport thread with the lock
   held: the reply's header and its small body, or NULL when it was lost. Kept back until the line is up; fails at once when gone. */
void line_request(struct line *line, int kind, uint32_t port, uint64_t number, const char *body,
	void (*done)(void *context, const struct wire *reply, const char *body, size_t size), void *context);
/* PROBE and WHY, of the call with that number. */
void line_request_about(struct line *line, int kind, uint64_t number, const char *body,
	void (*done)(void *context, const struct wire *reply, const char *body, size_t size), void *context);
/* FETCH, whose answer may be large: `take` gets the frame itself, which it keeps or drops; NULL: it was lost. */
void line_fetch(struct line *line, uint32_t port, const char *body, void (*take)(void *context, struct frame *reply),
	void *context);

/*
 * One request on its way: waits in the line's queue until the line is up, then is under way until its answer. Embedded in
 * what it belongs to. All with the lock held.
 */
struct ask {
	struct ask *next, *previous;    /* line.c's */
	struct line *line;
	struct flight *flight;          /* under way; NULL: waiting, or none of both */
	uint64_t order;                 /* given by the first line_ask; keeps its place when it is asked again */
	uint64_t number;                /* its number in the session, if counted */
	bool counted;                   /* calls and cancels share the session's numbering */
	bool waiting;
	/* It is sent now: fills kind, port, flags, body... of the frame. Not 0: it is not sent, `done` gets the code. */
	int (*fill)(struct ask *ask, struct frame *frame);
	/* Off every list. reply NULL: `code` says why: LPAD_ELOST: it was under way; LPAD_EGONE: never sent; or fill's own. */
	void (*done)(struct ask *ask, struct frame *reply, int code);
};
void line_ask(struct line *line, struct ask *ask);
bool line_is_asked(const struct ask *ask);              /* is it at the peer, as far as is known? */
void line_leaves(struct line *line);                    /* calls wait for the next incarnation; all else goes on with this one */
bool line_is_leaving(const struct line *line);
/* No longer wanted: `done` will not be called; with cancel, the peer is told so when it is under way. */
void line_forget(struct ask *ask, bool cancel);
int lines_connect(struct link *link, struct error *error);      /* no lock */
size_t lines_waits_for(struct link *link, const char **names, size_t room);     /* lock: not up yet */
struct line *line_find(struct link *link, uint32_t group, uint32_t index);      /* NULL: none */
/* lock. The supervisor's word; older incarnations than the line's are ignored. true: it was news. */
bool line_lost(struct line *line, uint32_t incarnation, bool gone);
/* lock. The same, of one that listens; older incarnations than the line's, and dead ones, are ignored. */
int line_found(struct line *line, uint32_t incarnation, const char *address, struct error *error);
void lines_close(struct link *link);                    /* no lock: no event comes any more */
void lines_free(struct link *link);
struct line *handle_line(const lpad_handle *handle, int place);         /* NULL: no such place */

/* ---- the pieces, each with its own state in the link ---- */

struct works;           /* work.c */
struct lines;           /* line.c */
struct callers;         /* caller.c */
struct server;          /* server.c */
struct topics;          /* topic.c */
struct subscriptions;   /* subscription.c */
struct probe;           /* circle.c */

struct note_kind {
	const char *format;             /* what makes it a kind */
	int64_t window_ns;
	int said;
	int64_t held_back;
};

struct link {
	pthread_mutex_t lock;
	struct peer_spec self;          /* owned texts */
	uint64_t token;
	size_t longest;
	bool service, observer;
	struct link_hooks hooks;
	LIST(struct bound_address) bound;       /* of link_bind, and read by its thread; texts belong to the listeners */
	bool going, draining, closed, wired_said, drained_said;         /* lock */
	bool alone;                     /* stops, and drains, while the others go on (lock) */
	bool connected;                 /* lock: link_connect was called */
	bool cut;                       /* lock: the drain's time is up: nobody waits any longer */
	atomic_bool stopping;           /* written with the lock held */
	unsigned kept;                  /* lock: link_keep; 1 for link_free */
	int64_t drain_until_ns;         /* lock */
	int64_t next_tick_ns;           /* lock: when link_tick will be called next */
	struct long_wait *waits;        /* lock */
	uint64_t wait_serial;           /* lock */
	uint64_t told_serial;           /* lock: counts what has become different in `told` of the waits */
	int64_t note_after_ns;
	struct probe *probes;           /* lock */
	struct works *works;
	struct lines *lines;
	struct callers *callers;
	struct server *server;
	struct topics *topics;
	struct subscriptions *subscriptions;
	struct due {                    /* lock: what link_unlock has to do once the lock is released */
		struct waiter *wakes[8];
		unsigned wake_count;
		bool hooks, check, wired, drained, wake, service;
		LIST(int) work;         /* methods with threads of their own */
		LIST(char *) notes;
	} due;
	LIST(struct note_kind) note_kinds;      /* lock: how often each kind of note was said lately */
};

void link_add_bound(struct link *link, struct bound_address address);

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
/* lock: the memory of the link, and its lock, outlive link_free until as many link_let_go: for events of what was abandoned. */
void link_keep(struct link *link);
void link_let_go(struct link *link);    /* no lock; may free it */
void link_lock(struct link *link);
void link_unlock(struct link *link);    /* also runs hooks that became due: wired, drained, wake, note, work */
void link_tick_by(struct link *link, int64_t at_ns);    /* lock: link_tick must be called at that time or before */

void callers_stop(struct link *link);           /* lock: wake all waits */
void server_stop(struct link *link);
void topics_stop(struct link *link);
void subscriptions_stop(struct link *link);
void callers_end_run(struct link *link);        /* lock: futures that `run` left are cancelled and freed */
void server_end_run(struct link *link);         /* lock: inbox calls are refused with LPAD_EGONE */
void topics_end(struct link *link);             /* lock: END on every topic not ended yet */
void subscriptions_end_run(struct link *link);  /* lock: what `run` did not take is unread, acknowledged as dropped */
void server_drain(struct link *link);           /* lock: refuse new calls, and those kept: with LPAD_ESTOPPED, or alone as call_end_text says */
void callers_drain(struct link *link);
void topics_drain(struct link *link);           /* a service's topics end once its non-cyclic subscriptions have ended and their work is done */
void subscriptions_drain(struct link *link);
void callers_peer_lost(struct link *link, struct line *line, bool gone);
void server_peer_lost(struct link *link, uint32_t group, uint32_t index, uint32_t incarnation, bool gone);     /* lock */
void server_peer_up(struct link *link, uint32_t group, uint32_t index);        /* lock: it will say HELLO */
void topics_peer_lost(struct link *link, uint32_t group, uint32_t index, uint32_t incarnation, bool gone);
void subscriptions_peer_lost(struct link *link, uint32_t group, uint32_t index, uint32_t incarnation, bool gone);
/* No lock, before the line is told: other PUB addresses of a publisher. What is older of that peer has been lost by then. */
int subscriptions_peer_up(struct link *link, const struct peer_up *up, struct error *error);
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
void server_flush(struct link *link);           /* no lock: who still waits is refused; answers are handed to the kernel */
void server_close(struct link *link);
void topics_close(struct link *link);
void subscriptions_close(struct link *link);
void callers_free(struct link *link);           /* after all are closed */
void server_free(struct link *link);

/* session.c hands topics what came for them (SUBSCRIBE, CONFIRM, ACK, END_ACK, FETCH, RESEND), lock held; topic.c answers by server_reply. */
void topics_request(struct link *link, struct request *request, const struct wire *wire, const char *body, size_t size);
void server_reply(struct link *link, struct request *request, int code, const char *body);     /* code 0: REPLY, else ERROR */
const char *topics_name(const struct link *link, size_t place);         /* for the HELLO's list; NULL behind the last */

/* Work for callbacks (work.c): post queues one piece and calls the hook; lock held. A WORK_MESSAGE names only the
   subscription: the message is taken when it is handed out, so that a queue of N can still drop its oldest. */
void link_post(struct link *link, const struct work *work);
/* Takes the oldest message of a callback subscription; NULL: dropped meanwhile. Called without the lock. subscription.c */
const lpad_message *subscriptions_pop(struct link *link, int subscription, struct work *work);
void subscriptions_done(struct link *link, struct work *work);                          /* lock: counted, acknowledged */
bool link_work_running(const struct link *link);                                        /* lock: posted or running pieces */
/* lock: how many threads take the work of a method, and from which queue (as of link_work_take). */
size_t link_work_threads(const struct link *link, int method, int *queue);
bool link_work_queued(const struct link *link, int queue);
size_t link_work_before(const struct link *link, int method, const lpad_call *call);    /* pieces in the queue and running */
void works_new(struct link *link, const struct link_spec *spec);
void works_discard(struct link *link);          /* no lock: what nobody will do any more */
void works_free(struct link *link);
void works_wake(struct link *link);             /* lock */
/* The call's turn has come. server_take, lock: false: it was cancelled meanwhile and is freed. server_open, no lock: makes the
   request a message; false: it was malformed, was answered so, and is freed. server_done, no lock. */
bool server_take(struct link *link, lpad_call *call);
bool server_open(struct link *link, lpad_call *call);
void server_busy(lpad_call *call);              /* this thread runs it */
bool future_take(struct link *link, struct work *work);         /* lock: false: it was cancelled meanwhile, and is freed */
bool server_take_gone(struct link *link, lpad_call *call);     /* lock: false: it ended meanwhile */
void server_done(struct link *link, struct work *work, int result);
bool server_is_inbox(const struct link *link, const char *method);

/* A line for the user through hooks.note; limited to a few a second per kind, the rest counted. lock. */
void link_note(struct link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
