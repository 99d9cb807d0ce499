/* SPDX-License-Identifier: MIT */
/*
 * What a program says and hears over the socket of its node ($LPAD_SOCKET): JSON lines, as lpad-command(7) has them. One
 * connection at a time, served by one thread of its own; whatever may wait (publishing, taking) has a thread per port.
 *
 * talk.c: the socket, the connection. talk_orders.c: what the program says. talk_calls.c: calls, both ways. talk_lanes.c: topics
 * and subscriptions. talk_hello.c: what it is told first.
 */
#ifndef NODE_TALK_H
#define NODE_TALK_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "node/command_inside.h"

struct talk;

/* Listens, and answers whoever connects with "hello"; what he says is heard from talk_begin on. NULL and an error. */
struct talk *talk_open(struct command *command, struct error *error);
const char *talk_path(const struct talk *talk);
void talk_begin(struct talk *talk);             /* run has begun */
void talk_stop(struct talk *talk);              /* the program is to stop: it is told. Any thread. */
bool talk_connected(struct talk *talk);
/* The program has ended: what it said last is still done, its unanswered calls are refused. `until`: a time of CLOCK_REALTIME
   beyond which nobody waits for what it published last; NULL: as long as it takes. False: that time passed. */
bool talk_end(struct talk *talk, const struct timespec *until);

/* The callbacks of its methods; service thread. */
int talk_request(struct talk *talk, lpad_call *call);
void talk_gone(struct talk *talk, lpad_call *call);

#endif
