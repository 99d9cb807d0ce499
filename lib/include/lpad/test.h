/* SPDX-License-Identifier: MIT */
/*
 * lpad/test.h - unit tests for nodes, without a launch. The test program is linked with the module's own sources and with
 * `pkg-config --libs lpad-test`; it is the rest of the program: it calls the node's methods, answers what the node calls, feeds
 * its subscriptions, reads what it publishes and reports, and moves its clock. The contract in prose: lpad-test(3).
 *
 *     lpad_test *t = lpad_test_new("consumer");
 *     lpad_test_connect(t, "producers", 2);
 *     lpad_test_start(t);                                   // params, ports, check, init
 *     while (lpad_test_step(t) == LPAD_TEST_REPLY)          // `run` goes on until it waits for something
 *             while (lpad_test_calls(t))
 *                     lpad_test_answer(t, 0, lpad_share(lpad_test_call_request(t, 0)));
 *     assert(lpad_test_result(t) == 0);
 *     lpad_test_free(t);
 *
 * Never two at once: the node's code runs only while the test is inside one of the functions below, so that a test is the same
 * each time. `run` (with init and fini) has a thread of its own as in a launch, callbacks another one. Nothing here waits by the
 * real clock. All functions are for one thread, the test's. A mistake in the use of this header (no such method, nothing to answer)
 * ends the test program with a sentence on standard error.
 */
#ifndef LPAD_TEST_H
#define LPAD_TEST_H

#include <lpad/node.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lpad_test lpad_test;             /* one replica under test */

/* ---- before it starts ---- */

lpad_test *lpad_test_new(const char *implementation);           /* NULL: the only one there is */
/* A value as it would stand in the file: "20", "[1, 2]", "{a: {size: 5}}". What is not set has its default. */
void lpad_test_param(lpad_test *test, const char *name, const char *value);
/* Which replica it is: 1 of 4. Not said: 0 of 1. */
void lpad_test_replica(lpad_test *test, int index, int replicas);
/* A grid: call it for each axis, slowest first; the replica's number follows from the coordinates. */
void lpad_test_axis(lpad_test *test, const char *name, int extent, int coordinate);
/* The replica's own folder, which is there and stays: for a second life. Not said: a new one, removed at the end. */
void lpad_test_folder(lpad_test *test, const char *path);
/* A handle onto so many servers, a subscription of so many publishers, a topic with so many subscribers; 0: a handle onto its own group. */
void lpad_test_connect(lpad_test *test, const char *port, int peers);
/* The servers of a handle also have this method. Those that the node says it calls are there already, as idempotent ones. A node that
   mirrors its server has them all: they are called as its own. */
void lpad_test_offer(lpad_test *test, const char *handle, const char *method, bool idempotent);
/* Binds parameters and ports, calls check and init. 0, or a code; then lpad_error() is what a launch would say. */
int lpad_test_start(lpad_test *test);
/* Stops what still runs, calls fini, frees. lpad_test_end does all but the freeing; it returns the result of run. */
int lpad_test_end(lpad_test *test);
void lpad_test_free(lpad_test *test);
void *lpad_test_state(lpad_test *test);                         /* the node's own */
lpad_node *lpad_test_node(lpad_test *test);

/* ---- run ---- */

/* What `run` waits for. */
enum lpad_test_wait {
	LPAD_TEST_ENDED,        /* nothing: it has returned, or there is none */
	LPAD_TEST_REPLY,        /* the answer to one of its calls */
	LPAD_TEST_CALL,         /* a call in an inbox */
	LPAD_TEST_MESSAGE,      /* a message of a subscription */
	LPAD_TEST_STOP,         /* the end of the program, or time: lpad_wait_stop */
	LPAD_TEST_SERVER,       /* lpad_await_server: lpad_test_up */
	LPAD_TEST_LOCK          /* lpad_lock, which a callback that waits holds */
};
/* Callbacks that can go on do; then `run` does, until it waits for what is not there yet, or has returned: if with a failure,
   lpad_error() is what a launch would say. */
enum lpad_test_wait lpad_test_step(lpad_test *test);
int lpad_test_result(lpad_test *test);                          /* what run returned; lpad_error() as above */

/* ---- what the node calls: the calls under way, oldest first ---- */

int lpad_test_calls(lpad_test *test);
const char *lpad_test_call_handle(lpad_test *test, int i);
int lpad_test_call_place(lpad_test *test, int i);
const char *lpad_test_call_method(lpad_test *test, int i);
const lpad_message *lpad_test_call_request(lpad_test *test, int i);     /* borrowed until it is answered; never NULL */
void lpad_test_answer(lpad_test *test, int i, lpad_message *reply);     /* taken; NULL: empty */
void lpad_test_fail(lpad_test *test, int i, int code, const char *text);
/* The server's incarnation, 1 at the start; 0: it is down, calls under way fail with LPAD_ELOST; -1: gone for good. */
void lpad_test_up(lpad_test *test, const char *handle, int place, int incarnation);

/* ---- calling the node ---- */

/* Puts the call into the inbox, or runs its callback. Its number, for the functions below. The request is taken. The caller is
   called "test/0"; with _from it is the server at that place of the node's own handle. */
int lpad_test_send(lpad_test *test, const char *method, lpad_message *request);
int lpad_test_send_from(lpad_test *test, const char *handle, int place, const char *method, lpad_message *request);
/* From whoever it says: "actor/3", started for the second time. */
int lpad_test_send_as(lpad_test *test, const char *caller, int incarnation, const char *method, lpad_message *request);
/* 0 and the reply (yours to free; reply may be NULL), the error's code, or LPAD_LATER: it was not answered yet. */
int lpad_test_reply(lpad_test *test, int call, lpad_message **reply);
/* Both: for what is answered at once. */
int lpad_test_ask(lpad_test *test, const char *method, lpad_message *request, lpad_message **reply);
/* The caller no longer waits: the method's `gone` is called if the call is kept. */
void lpad_test_cancel(lpad_test *test, int call);
const char *lpad_test_held(lpad_test *test, int call);         /* the method's `held`; "" without one; borrowed until the next */

/* ---- topics ---- */

/* To a subscription, from its publisher number 0; taken. Runs the callback and returns its result; queued: 0. */
int lpad_test_feed(lpad_test *test, const char *subscription, lpad_message *message);
void lpad_test_feed_end(lpad_test *test, const char *subscription);     /* every publisher has ended */
int lpad_test_published(lpad_test *test, const char *topic);            /* how many so far */
const lpad_message *lpad_test_publication(lpad_test *test, const char *topic, int i);   /* borrowed */

/* ---- what it says ---- */

int lpad_test_reports(lpad_test *test, const char *name);               /* how many numbers so far */
double lpad_test_report(lpad_test *test, const char *name, int i, int64_t *step);       /* step may be NULL */
const char *lpad_test_status(lpad_test *test, const char *name);        /* the newest text; "": none; borrowed until it changes */
const char *lpad_test_log(lpad_test *test);                             /* all its lines; borrowed until the next */
bool lpad_test_stopped(lpad_test *test, int *code, const char **why);   /* has it called lpad_stop? */
int lpad_test_restarts(lpad_test *test);                                /* how often it called lpad_restart_server */

/* ---- stop and time ---- */

void lpad_test_stop(lpad_test *test);                           /* the program stops: waits end, stop handlers are called */
void lpad_test_advance(double seconds);                         /* the clock of all nodes in this process: deadlines pass */

#ifdef __cplusplus
}
#endif
#endif
