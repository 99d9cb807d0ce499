/* SPDX-License-Identifier: MIT */
/*
 * The serving side, for server.c (methods), inbox.c, session.c (callers), call.c (one call) and batch.c. All under the link's lock
 * unless said otherwise.
 *
 * A request arrives -> is sorted by its number in the caller's session -> waits in the caller's line until its method's queue
 * takes it -> is queued -> taken (by a callback's thread, or by `run` from an inbox) -> answered, refused, or kept and then
 * answered.
 */
#ifndef LINK_SERVER_H
#define LINK_SERVER_H

#include "base/signature.h"
#include "link/inside.h"
#include "link/waiting.h"

enum call_state {
	CALL_FREE,              /* in the pool */
	CALL_IN_LINE,           /* sorted; waits until the queue of its method takes it */
	CALL_QUEUED,
	CALL_DROPPED,           /* was queued for a callback and is no longer wanted; freed when its turn comes */
	CALL_TAKEN,             /* begun: running, kept, or in the hands of `run` */
	CALL_ENDED              /* answered while something still points to it */
};

struct lpad_call {
	struct lpad_call *next, *previous;      /* of the client, by session and number, from sorted to ended */
	struct lpad_call *after;                /* in line, in an inbox, or in the pool */
	struct link *link;
	struct client *client;
	struct method *method;
	uint64_t number;
	struct request *request;                /* another one when the call has come again */
	const struct transport *transport;      /* of the request; no lock */
	uint64_t retry;                         /* of an idempotent method: its id; 0: none */
	int64_t detached_ns;                    /* since when its caller's connection is gone; 0: it is not */
	struct frame frame;                     /* until it is opened */
	lpad_message *message;                  /* no lock: belongs to who took the call */
	enum call_state state;
	bool running;                           /* in its callback; of an inbox: until it is opened */
	bool gone;                              /* nobody waits for the answer */
	bool gone_posted, gone_told;            /* work that points to it; it was posted once */
	int held_posted;                        /* work that points to it */
	uint64_t serial;                        /* no other one of the link has it */
	int64_t begun_ns;
	/* Of batched methods: */
	int64_t since_ns;                       /* when it began to gather */
	struct lpad_call *batch;                /* the one it went into */
	struct {                                /* of a batch */
		struct lpad_call **at;
		size_t count, gone, rows;       /* rows: with padding */
	} members;
};

struct calls {
	struct lpad_call *first, *last;         /* by `after` */
};

struct method {
	char *name;
	int place;
	bool inbox, idempotent, has_gone, has_held, refuses;
	bool by_others;                         /* an inbox from which not only `run` takes */
	bool closed;                            /* an inbox whose `run` has ended */
	size_t bound, queued;                   /* bound 0: none */
	struct calls queue;                     /* of an inbox */
	struct gathering *gathering;            /* NULL: not batched */
	struct signature request, reply;
	struct client *blocked, **last_blocked; /* whose first in line waits for room in the queue */
	struct waiters waiters;                 /* of an inbox */
	struct lpad_inbox *box;
};

struct lpad_inbox {
	struct link *link;
	struct method *method;
};

struct arrival {                                /* a request ahead of its turn */
	struct wire wire;
	struct request *request;
	struct frame frame;
};

/* What came from one client for one method. */
struct tally {
	int64_t calls, bytes, begun, answer_bytes, errors;
};

struct client {
	uint32_t group, index, incarnation;
	uint8_t role;
	char *name;
	bool expected;                          /* named in the spec */
	bool lost, away;                        /* dead for good; dead just now */
	uint32_t dead;                          /* the last incarnation that is known to be dead */
	uint64_t hellos;                        /* the number of its last HELLO */
	uint64_t session;                       /* 0: none */
	uint64_t next_number;
	LIST(struct arrival) early;             /* sorted */
	struct calls in_line;
	struct client *next_blocked;
	bool blocked;
	struct lpad_call *calls, *last_call;
	struct tally *tallies;                  /* per method */
};

/* One address at which requests come. */
struct listener {
	char *address;                          /* as it was asked for, then as it was bound */
	const struct transport *transport;
	struct answering *answering;            /* NULL: not open */
};

struct server {
	struct listener *listeners;
	size_t listener_count;
	bool open;                              /* requests are taken and answers given */
	struct method *methods;
	size_t method_count;
	struct client **clients;
	size_t client_count;
	uint64_t sessions;
	char *hello;                            /* the answer to every HELLO */
	struct client batches;                  /* nobody: whose calls the batches are */
	struct retries *retries;                /* NULL: none yet */
	struct held *held;                      /* why.c */
	uint64_t serials;                       /* of calls */
	struct calls pool;
	size_t pooled;
	int64_t malformed;
	bool sweeping;                          /* calls are ended in a loop: nobody else's may end or begin meanwhile */
};

/* session.c: events of the transport, no lock */
void session_request(void *context, struct request *request, struct frame *frame);
void session_malformed(void *context, const char *why);
/* session.c */
struct client *session_expect(struct link *link, const struct peer_spec *peer);
void session_end(struct link *link, struct client *client, bool comes_again);
void session_free(struct client *client);
/* The call that a PROBE or a WHY is about, in the session that it names; NULL: it has not come yet, or was answered. */
struct lpad_call *session_call(const struct link *link, const struct wire *wire);

/* server.c */
/* What is first in the client's line goes into its method's queue, as long as there is room. */
void server_admit(struct link *link, struct client *client);
/* One call of the method has left the queue. */
void server_left_queue(struct link *link, struct method *method);
void server_sweep(struct link *link, bool begin);
void server_post(struct link *link, struct lpad_call *call);            /* for the callback, or the inbox */
void server_refuse(struct link *link, struct lpad_call *call);          /* nobody will answer it any more */
struct method *server_method(struct link *link, const char *name);      /* NULL: none */
void server_unqueue(struct link *link, struct lpad_call *call);         /* before it was taken */

/* call.c */
struct lpad_call *call_new(struct link *link, struct client *client, struct method *method);
/* Ends it with an error; the text is complete: "replay.insert: ...". */
void call_end_error(struct lpad_call *call, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
void call_end_text(struct lpad_call *call, int code, const char *text);
void call_end_frame(struct lpad_call *call, struct frame *frame);       /* with an answer */
void call_end(struct lpad_call *call);                  /* with none: of a batch, whose members have theirs */
void call_drop(struct lpad_call *call);                 /* ends it without an answer: the caller is gone */
void call_gone(struct lpad_call *call);                 /* its caller no longer waits */
/* No lock. Makes its request a message and checks that. NULL, or what is wrong, for call_reject: caller frees. */
char *call_open(struct lpad_call *call, int *code);
void call_reject(struct lpad_call *call, int code, const char *why);    /* lock */
int call_check_open(const struct lpad_call *call);      /* 0, or LPAD_EINVALID: it was answered before */
struct frame call_frame(struct link *link, lpad_message *reply);        /* takes the reply */
/* No lock. What the node answered is no answer: the caller gets that as an error, and the node the same. `why` follows the name. */
int call_refuse_answer(struct lpad_call *call, int code, const char *why);
void call_recycle(struct lpad_call *call);              /* if it has ended, and nothing points to it */
void call_move_last(struct lpad_call *call);            /* among those of its client */
void calls_append(struct calls *calls, struct lpad_call *call);
void calls_remove(struct calls *calls, struct lpad_call *call);

/* retry.c */
bool retry_detach(struct lpad_call *call);              /* its caller will send it again; false: this one it will not */
void retry_settle(struct lpad_call *call);              /* it has come again, or ends */
/* A call that comes: true: it was here before, and needs no execution. */
bool retry_known(struct link *link, struct client *client, struct request *request, const struct wire *wire);
void retry_remember(struct lpad_call *call, lpad_message *reply);       /* takes the reply; may be NULL */
void retries_forget(struct link *link, const struct client *client);    /* its answers: who comes next is somebody else */
void retries_tick(struct link *link, int64_t now_ns, int64_t *next_ns);
void retries_free(struct link *link);

#endif
