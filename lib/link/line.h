/* SPDX-License-Identifier: MIT */
/*
 * The inside of lines: line.c (states, what waits, what is under way), connection.c (what the transport says), hello.c (who is at
 * the other end), request.c (requests of lpad's own). All under the link's lock.
 */
#ifndef LINK_LINE_H
#define LINK_LINE_H

#include "link/inside.h"

/* What a transport knows a request by. Outlives the ask when that is forgotten; freed with its connection. */
struct flight {
	struct flight *all;
	struct flight *next, *previous; /* while `ask` is set, or it is spare */
	struct connection *connection;
	struct ask *ask;                /* NULL: nobody wants the answer */
};

/* One for each address that is dialled. The line may leave it for another one; what the transport says then is not heard. */
struct connection {
	struct link *link;
	struct line *line;              /* NULL: abandoned */
	const struct transport *transport;
	struct asking *asking;
	struct flight *flights, *spare, *all;
};

struct watcher {
	void (*changed)(void *context, struct line *line, enum line_state state);
	void *context;
};

struct line {
	struct link *link;
	struct line *next;
	char *node;
	char *address;                  /* NULL: not known */
	uint32_t group, index;
	uint32_t incarnation;           /* the latest that is known of */
	uint32_t leaving;               /* the one that takes no more calls; what it has begun it may still answer */
	enum line_state state;          /* written by line_set_state */
	struct connection *connection;  /* NULL: none */
	const struct transport *_Atomic transport;      /* NULL: no address; read without the lock too */
	uint64_t hellos;                /* how many were sent */
	uint64_t session, number;
	struct ask *first, *last;       /* waiting */
	struct ask hello;
	char **methods, **topics;       /* of the HELLO; NULL behind the last */
	bool *idempotent;
	LIST(struct watcher) watchers;
};

struct lines {
	struct line *first, *last;
	uint64_t order;
};

/* line.c */
void line_set_state(struct line *line, enum line_state state);
void line_transmit(struct line *line, struct ask *ask);
void line_send_waiting(struct line *line);
struct ask *line_land(struct flight *flight);           /* the ask is off its flight */
void line_drop(struct line *line);                      /* everything under way is lost */
void line_give_up(struct line *line);                   /* what waits fails: the peer is gone for good */
/* hello.c */
void line_hello(struct line *line);                     /* on a new connection */
void line_forget_names(struct line *line);
/* request.c */
void line_cancel(struct line *line, uint64_t number);
void line_free_request(struct ask *ask);                /* one of line_request, never answered */

#endif
