/* SPDX-License-Identifier: MIT */
/*
 * The host of a node under test (lpad/test.h). One lpad_test is one lpad_node.
 *
 *   setup.c    a topology around the node, so that parameters and ports are bound as in a launch
 *   turns.c    the node's two threads and the test's: one of them at a time
 *   lanes.c    what those two do                          start.c    a node until its init has returned
 *   table.c    what the node calls: struct lpad_host      calls.c    the calls that it makes
 *   test.c     the rest of what the test calls          batch.c    signatures and batches of its methods
 */
#ifndef FAKE_FAKE_H
#define FAKE_FAKE_H

#include <jansson.h>
#include <lpad/node.h>
#include <lpad/test.h>
#include <pthread.h>

#include "base/list.h"
#include "base/text.h"
#include "link/message.h"
#include "node/bind.h"
#include "node/load.h"
#include "node/statuses.h"

struct fake_param {
	char *name, *value;
};
struct fake_axis {
	char *name;
	int extent, coordinate;
};
struct fake_port {
	char *name;
	int peers;
};
struct fake_offer {                     /* a method of a handle's servers that is not among the node's `calls` */
	char *handle, *method;
	bool idempotent;
};
struct fake_report {
	char *name;
	double value;
	int64_t step;
};

struct lpad_handle {
	lpad_test *test;
	char *name;
	int count, place;
	char **servers;
	int *incarnations;              /* by place: 0 down, -1 gone */
	const char **methods;           /* NULL behind the last */
	int turn;
};

/* A call that the node makes. */
struct lpad_future {
	lpad_test *test;
	lpad_handle *handle;            /* NULL: it failed before it began */
	int place;
	char *method;
	lpad_message *request;
	int64_t deadline;
	bool done;
	int code;
	char *text;
	lpad_message *reply;
	void (*then)(lpad_node *, lpad_future *, void *);
	void *context;
};

/* A call of the test's. */
struct lpad_call {
	lpad_test *test;
	int number, method;
	const lpad_handle *handle;      /* whose place the caller is; NULL: the test, or who it says */
	int place;
	char *caller;                   /* who it says; NULL: nobody */
	int incarnation;
	lpad_message *request;
	enum { CALL_QUEUED, CALL_TAKEN, CALL_DONE } state;
	bool taken_back;                /* cancelled */
	int code;
	char *text;
	lpad_message *reply;
};

struct lpad_inbox {
	lpad_test *test;
	int method;
};
struct lpad_topic {
	lpad_test *test;
	char *name;
	int subscribers;
	LIST(lpad_message *) published;
};
struct lpad_subscription {
	lpad_test *test;
	const lpad_subscription_decl *declared;
	int publishers;                 /* 0: not connected */
	bool ended;
	LIST(lpad_message *) queue;
};

/* ---- turns.c ---- */

struct lane {
	lpad_test *test;
	pthread_t thread;
	bool started, ended;
	void (*work)(struct lane *lane);
	/* While it waits: */
	enum lpad_test_wait waits;      /* LPAD_TEST_ENDED: it does not */
	bool (*there)(void *context);
	void *context;
	int64_t deadline;
};
enum { TURN_TEST = 0, TURN_RUN, TURN_SERVICE };
/* Gives the turn to the lane until it waits for what is not there, or has ended. */
void lane_go(struct lane *lane);
bool lane_can_go(const struct lane *lane);
void lane_start(struct lane *lane, lpad_test *test, void (*work)(struct lane *lane));
void lane_join(struct lane *lane);
/* On a lane: until `there` says so. 0, LPAD_ESTOPPED (unless it waits for the stop), LPAD_ETIMEDOUT; EINVALID on the test's own thread. */
int lane_wait(lpad_test *test, enum lpad_test_wait what, bool (*there)(void *context), void *context, int64_t deadline);
bool lane_is_service(const lpad_test *test);
int64_t fake_now(void);
void fake_advance(double seconds);

/* ---- the node ---- */

struct service_work {
	enum { SERVICE_CALL, SERVICE_GONE, SERVICE_MESSAGE, SERVICE_THEN } kind;
	lpad_call *call;
	const lpad_subscription_decl *subscription;
	lpad_message *message;
	lpad_future *future;
	int *result;                    /* of MESSAGE */
};

struct lpad_node {                      /* is the test */
	const lpad_implementation *implementation;
	struct module *module;
	char *init_text, *run_text;     /* of a failure: what a launch would say */
	LIST(struct fake_param) params;
	LIST(struct fake_axis) axes;
	LIST(struct fake_port) ports;
	LIST(struct fake_offer) offers;
	int index, replicas;
	json_t *document;
	char *name, *folder;
	bool folder_stays;
	void *state;
	struct bound bound;
	bool started, ended, checking, stopping, finishing, locked;
	int init_result, run_result;
	bool run_returned;
	struct lane run, service;
	LIST(struct service_work) work;
	struct lpad_handle *handles;
	size_t handle_count;
	struct lpad_topic *topics;
	size_t topic_count;
	struct lpad_subscription *subscriptions;
	size_t subscription_count;
	lpad_method *methods;           /* the declared ones, then those that it mirrors */
	struct lpad_inbox *inboxes;     /* one per method */
	size_t method_count;
	int *batch_sizes;               /* by method: what init chose, 0: nothing; NULL: none at all */
	LIST(lpad_future *) futures;    /* all not freed */
	LIST(lpad_call *) calls;        /* all, by number */
	LIST(struct fake_report) reports;
	struct statuses statuses;
	struct text log;
	bool stop_asked;
	int stop_code, restarts;
	char *stop_why, held[1000];
	struct {
		void (*function)(lpad_node *, void *);
		void *context;
	} handlers[16];
	int handler_count;
};
/* In C one and the same; lpad_test is its name outside. */
static inline lpad_test *test_of(lpad_node *node) { return (lpad_test *)(void *)node; }
static inline lpad_node *node_of(lpad_test *test) { return (lpad_node *)(void *)test; }

extern const lpad_host fake_host;

/* setup.c: the document of this replica. 0, or a code with this thread's fault set. */
int fake_document(lpad_node *node);
/* The test's own mistake: says so, and ends the program. */
__attribute__((format(printf, 1, 2), noreturn)) void fake_mistake(const char *format, ...);

/* lanes.c */
void fake_run_service(lpad_node *node);
void fake_service_lane(struct lane *lane);
void fake_run_lane(struct lane *lane);

/* batch.c */
/* The request as the node gets it. false: it is refused, and the call has ended. */
bool fake_open(lpad_call *call);
/* The reply as the caller gets it. NULL, or what is wrong with it: caller frees. */
char *fake_close(lpad_call *call, lpad_message **reply);
bool fake_is_batch(const lpad_call *call);
const char *fake_caller(const lpad_call *call);
int fake_set_batch(lpad_node *node, const char *method, int size, double wait);

/* calls.c */
void fake_expire(lpad_node *node);
void fake_finish(lpad_future *future, int code, const char *text, lpad_message *reply);
void fake_finish_with(lpad_future *future, int code);
void fake_free_future(lpad_future *future);
void fake_post(lpad_node *node, struct service_work work);
struct lpad_handle *fake_handle(lpad_node *node, const char *name);

#endif
