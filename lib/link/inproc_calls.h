/* SPDX-License-Identifier: MIT */
/*
 * Requests and replies within a process: letters with a reference to the message. See transport.h for what each does. A request that
 * is dropped stays unanswered until its connection ends, as over nng.
 */
#ifndef LINK_INPROC_CALLS_H
#define LINK_INPROC_CALLS_H

#include "link/transport.h"

struct answering *inproc_calls_answer_open(const char *address, size_t longest, const struct answering_events *events,
	void *context, char **bound, struct error *error);
void inproc_calls_answer(struct request *request, struct frame *reply);
void inproc_calls_answer_drop(struct request *request);
void inproc_calls_answer_flush(struct answering *answering, int64_t until_ns);
void inproc_calls_answer_close(struct answering *answering);

struct asking *inproc_calls_ask_open(const char *address, size_t longest, const struct asking_events *events, void *context,
	struct error *error);
void inproc_calls_ask(struct asking *asking, struct frame *frame, void *token);
void inproc_calls_ask_close(struct asking *asking);
void inproc_calls_ask_abandon(struct asking *asking, void (*closed)(void *context), void *context);

#endif
