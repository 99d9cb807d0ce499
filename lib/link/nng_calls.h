/* SPDX-License-Identifier: MIT */
/*
 * The REQ/REP half of the nng transport: one REP socket per replica, one REQ socket per peer, a context for each request
 * under way. See transport.h for what each does.
 *
 * Received messages come on nng's threads, in the middle of nng's own reading: one event, no other thread in between. Sends have
 * no callback, so nng completes them on the calling thread and wakes nobody.
 */
#ifndef LINK_NNG_CALLS_H
#define LINK_NNG_CALLS_H

#include "link/transport.h"

struct answering *nng_calls_answer_open(const char *address, size_t longest, const struct answering_events *events,
	void *context, char **bound, struct error *error);
void nng_calls_answer(struct request *request, struct frame *reply);
void nng_calls_answer_drop(struct request *request);
void nng_calls_answer_flush(struct answering *answering, int64_t until_ns);
void nng_calls_answer_close(struct answering *answering);

struct asking *nng_calls_ask_open(const char *address, size_t longest, const struct asking_events *events, void *context,
	struct error *error);
void nng_calls_ask(struct asking *asking, struct frame *frame, void *token);
void nng_calls_ask_close(struct asking *asking);
void nng_calls_ask_abandon(struct asking *asking, void (*closed)(void *context), void *context);

#endif
