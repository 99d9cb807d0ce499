/* SPDX-License-Identifier: MIT */
/*
 * The host of modules: the table of functions behind node.h, and struct lpad_node, one replica in this process.
 * Most functions only pass on to lib/link; what needs the node itself (identity, stop, log, reports) is here.
 */
#ifndef NODE_HOST_H
#define NODE_HOST_H

#include <jansson.h>
#include <lpad/node.h>
#include <pthread.h>

#include "base/error.h"
#include "link/link.h"
#include "node/bind.h"
#include "node/document.h"
#include "node/load.h"
#include "node/reports.h"
#include "node/statuses.h"

/* What a node tells the process around it; NULL in the node of a check. */
struct node_owner {
	void *context;
	void (*stop)(void *context, struct lpad_node *node, int code, const char *why);         /* lpad_stop; any thread */
	void (*note)(void *context, const char *text);          /* a line for the user; any thread */
	void (*wake)(void *context);            /* reports or statuses are waiting, or link_tick is due; any thread */
};

struct stop_handler {
	void (*function)(lpad_node *, void *);
	void *context;
};

struct lpad_node {
	const struct replica_document *document;        /* borrowed */
	const struct node_document *process;            /* borrowed */
	const lpad_implementation *implementation;    /* borrowed */
	void *state;
	struct bound bound;
	struct link *link;
	size_t *subscription_places;    /* of the link's subscriptions among the declarations */
	struct node_owner owner;
	struct reports reports;
	struct statuses statuses;
	pthread_mutex_t lock;                           /* the author's: lpad_lock */
	pthread_mutex_t guard;                          /* guards what is below */
	bool stopped;
	_Atomic bool alone;     /* only it stops: those around it go on */
	struct stop_handler *handlers;
	size_t handler_count;
};

extern const lpad_host host_table;

/* Binds parameters and ports, nothing started. NULL and an error. */
struct lpad_node *host_node_new(const struct node_document *process, const struct replica_document *document,
	const lpad_implementation *implementation, const struct node_owner *owner, const struct link_hooks *hooks,
	struct error *error);
void host_node_free(struct lpad_node *node);
/* The program stops, or only this node (alone): waits end, handlers are called. Once. */
void host_node_stop(struct lpad_node *node, bool alone);

/*
 * The author's check callback, with every messaging call refused (LPAD_EINVALID). 0, or -1 with the complaint
 * as the author worded it ("params.k: ..."). Fine without a callback.
 */
int host_node_check(struct lpad_node *node, struct error *error);
/* The same for a throw-away node made from document_check(): all of it in one step. -1 and an error; its code is 1 when it is
   the author's complaint, 0 when the node could not be made. */
int host_check(const lpad_implementation *implementation, json_t *document, struct error *error);

#endif
