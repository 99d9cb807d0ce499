/* SPDX-License-Identifier: MIT */
/* The calling side, for caller.c (calls on their way), future.c and handle.c (what a node has of them). Link's lock unless said
   otherwise. */
#ifndef LINK_CALLER_H
#define LINK_CALLER_H

#include "link/inside.h"
#include "link/waiting.h"

enum { HISTOGRAM_ROWS = 128 };

/* One place of a handle. */
struct place {
	struct line *line;
	int64_t calls, bytes, answer_bytes, answered, errors, lost;
	int64_t longest_ns;
	uint32_t *histogram;            /* four rows for each doubling; made at the first answer */
};

struct offered {
	uint32_t group;
	char **names;                   /* NULL behind the last */
	bool *idempotent;
	size_t count;
};

struct lpad_handle {
	struct link *link;
	char *name;
	int own_place;
	int64_t deadline_ns;
	struct place *places;
	size_t count, turn;             /* turn: of round robin */
	struct offered *offered;        /* no lock */
	size_t offered_count;
};

/* One call, on the stack of a synchronous caller or a future's own memory. */
struct lpad_future {
	struct ask ask;                 /* first: line.c gives it back */
	struct link *link;              /* NULL: it failed before it began */
	lpad_handle *handle;
	struct place *place;
	const char *method;             /* borrowed; of a future: `own_method` */
	char *own_method;
	size_t size;                    /* of the request */
	struct frame request;           /* made, until it is sent */
	const lpad_message *again;      /* the request, for sending it once more; NULL: empty */
	bool idempotent, resent;
	bool put_off;                   /* the server was leaving and had not begun it */
	uint64_t retry;                 /* the same each time it is sent */
	int64_t started_ns, deadline_ns;
	struct waiter *waiter;
	size_t heap;                    /* place in the heap of deadlines, from 1; 0: not there */
	struct lpad_future *next, **at; /* all that are not synchronous; at NULL: not among them */
	bool by_run;
	struct link *home;              /* whose service thread calls `then`; NULL: its handle is not connected */
	void (*then)(lpad_node *, lpad_future *, void *context);        /* NULL: it belongs to the node */
	void *context;
	bool posted, cancelled, called; /* `then`: is to be called; no longer; was, the future is the node's again */
	bool done;
	int code;                       /* how it ended; 0: the answer holds a reply or an error */
	struct frame answer;            /* until it is taken */
	char *wrong;                    /* says more than the code; NULL: nothing */
};

struct callers {
	lpad_handle *handles;
	size_t count;
	uint64_t retries;
	struct lpad_future *futures;
	LIST(struct lpad_future *) heap;
};

/* handle.c; lock */
void place_answered(struct place *place, const struct wire *wire, int64_t took_ns);

/* caller.c. Each returns 0, or the code with this thread's fault set. */
/* No lock. Takes the request; a zeroed future gets all that is known before it is sent. */
int caller_prepare(struct lpad_future *future, lpad_handle *handle, int place, const char *method, lpad_message *request,
	lpad_deadline deadline);
/* Lock held. Sends it, or puts it in its line. */
int caller_send(struct lpad_future *future, int place, bool synchronous);
/* Lock held. Waits until it is done; when it gives up, the call is forgotten and the server is told. */
int caller_await(struct lpad_future *future);
/* No lock. The result of what is done. */
int caller_result(struct lpad_future *future, lpad_message **reply);
void caller_fail(struct lpad_future *future, int code, char *text);      /* lock; takes the text. The server is told */
void caller_forget(struct lpad_future *future);         /* lock: nothing will come for it any more */
void caller_release(struct lpad_future *future);        /* no lock, after result or forget */
void future_post(struct lpad_future *future);           /* future.c; lock: `then` is to be called */
void future_discard(struct lpad_future *future);        /* future.c; lock: forgets and frees it */
int caller_stopped(const struct lpad_future *future);   /* sets the fault */

#endif
