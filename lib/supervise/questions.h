/* SPDX-License-Identifier: MIT */
/*
 * Inside of the console (console.h): its guests, and the questions that they ask. Each file of questions has functions
 * of struct question, listed in the table of console.c.
 *
 *     observe.c     node: where a node listens for observers; observe_topic.c: topic, where it publishes
 *     status.c      status: how everything is
 *     acts.c        stop, restart, kill
 *     follow.c      follow: what happens, as it happens
 */
#ifndef SUPERVISE_QUESTIONS_H
#define SUPERVISE_QUESTIONS_H

#include "base/channel.h"
#include "base/list.h"
#include "supervise/console.h"
#include "supervise/inside.h"
#include "supervise/observe.h"

/* A question that waits for its node (observe.c). */
struct waiting {
	struct member *member;
	json_t *id;                     /* owned; NULL: none */
};
struct guest {
	struct guest *next;
	struct watch watch;
	struct channel channel;
	LIST(struct waiting) waiting;
	struct following *following;    /* follow.c's; NULL: it does not */
	LIST(struct observing) observing;       /* observe_topic.c */
};

/* All borrowed while it is taken; what is answered later keeps a reference to `id`. */
struct asking {
	struct supervisor *supervisor;
	struct guest *guest;
	json_t *id;                     /* NULL: none */
	const json_t *question;
};

/* Bytes on their way to it. */
size_t console_waiting(const struct guest *guest);
/* One line; takes the reference. */
void console_answer(const struct asking *asking, json_t *message);
void console_refuse(const struct asking *asking, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The replicas that "nodes" of the question names, each once, in the order of the file: replicas, and groups with all of
   theirs. Without "nodes": all of them. False: one does not exist, and the question has been refused. */
struct chosen {
	LIST(struct member *) list;
	bool all;                       /* no "nodes" */
};
bool console_choose(const struct asking *asking, struct chosen *out);
/* One replica by its name; NULL: it does not exist, and the question has been refused. */
struct member *console_member(const struct asking *asking, const char *name);

/* ---- the questions ---- */

/* observe.c */
void observe_node(const struct asking *asking);
/* observe_topic.c */
void observe_topic(const struct asking *asking);
void observe_forget(struct guest *guest);
/* follow.c */
void follow_ask(const struct asking *asking);
/* It has read some, or (`anyway`) is about to hear the end: what it missed is told. */
void follow_catch_up(struct supervisor *supervisor, struct guest *guest, bool anyway);
void follow_forget(struct supervisor *supervisor, struct guest *guest);
/* status.c */
void status_ask(const struct asking *asking);
/* acts.c */
void acts_stop(const struct asking *asking);
void acts_restart(const struct asking *asking);
void acts_kill(const struct asking *asking);
void acts_forget(struct supervisor *supervisor, const struct guest *guest);

#endif
