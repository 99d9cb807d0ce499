/* SPDX-License-Identifier: MIT */
/*
 * One replica inside its process: the thread of init, run and fini, the service thread, the threads of methods. The main
 * thread moves it from step to step; the replica tells what happened through `events`.
 */
#ifndef NODE_REPLICA_H
#define NODE_REPLICA_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>

#include "node/command.h"
#include "node/counters.h"
#include "node/host.h"

/* Any thread; none may block. */
struct replica_events {
	void *context;
	/* A line of control.h for the supervisor; takes the reference, adds "node". */
	void (*say)(void *context, const struct replica_document *document, json_t *line);
	void (*wake)(void *context);
	/* After {"is": "failed"} was said: the process is to end with this code. */
	void (*failed)(void *context, int code);
};

enum replica_goal { GOAL_INIT, GOAL_GO, GOAL_FINISH };

struct replica {
	const struct replica_events *events;
	const struct replica_document *document;
	const lpad_implementation *implementation;
	struct module *module;                  /* NULL: a command */
	struct command *command;
	struct lpad_node *node;
	pthread_t main_thread;                  /* init, run, fini */
	pthread_t *workers;                     /* service thread and methods' threads */
	size_t worker_count;
	pthread_mutex_t lock;                   /* guards what is below */
	pthread_cond_t changed;
	enum replica_goal goal;
	bool initialised, run_ended;
	_Atomic bool drained;                   /* by the link; the main thread tells the supervisor */
	/* The main thread's own: */
	bool bound, connected, held, draining, drained_said;
	struct counters_memory counters;
	uint64_t told_waits;                    /* as link_told_waits returned it */
	json_t *found;                          /* over tcp: where it listens, as a {"do": "peer", "state": "up"} of it says it */
};

/* Each says its step first, so that the owner can tell the supervisor before the author's code may crash. -1: "failed" was said. */
void replica_new(struct replica *replica, const struct replica_document *document, const struct replica_events *events);
int replica_load(struct replica *replica, const struct node_document *process);         /* opens the module, binds */
int replica_init(struct replica *replica);      /* starts the thread of init */
/* The steps of the main thread. */
void replica_bind_when_ready(struct replica *replica);  /* after each wake: init has returned, so listen and say bound */
void replica_connect(struct replica *replica);
void replica_go(struct replica *replica, bool hold);     /* hold: it serves, but its run does not begin */
void replica_peer_up(struct replica *replica, const struct peer_up *up);
void replica_stop(struct replica *replica, bool alone);
void replica_drain(struct replica *replica, double within, bool alone);
/* Waits for callbacks to end; says that fini comes. */
void replica_end_work(struct replica *replica);
/* Then calls fini, once run has ended; waits for that, and leaves the link. Nothing is freed: the process exits next. */
void replica_begin_fini(struct replica *replica);
void replica_finish(struct replica *replica);

#endif
