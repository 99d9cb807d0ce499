/* SPDX-License-Identifier: MIT */
/* Both ends of calls within a process, for unit tests of the transport: a server that echoes, keeps or drops, a client that counts. */
#ifndef TESTS_INPROC_ENDS_H
#define TESTS_INPROC_ENDS_H

#include <check.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "link/inproc_calls.h"
#include "link/inproc_mail.h"
#include "link/message.h"

enum { LONGEST = 1 << 20, KEPT = 64 };
static const char *const address = "inproc://server";

/* ---- the answering side ---- */

struct server {
	struct answering *answering;
	struct request *kept[KEPT];
	atomic_int requests, inside, overlaps;
	bool keep, drop;
	sem_t *entered, *gate;          /* NULL: it does not wait */
};

static inline struct frame request_of(lpad_message *message)
{
	return (struct frame){ .wire = { .kind = WIRE_CALL, .role = WIRE_MEMBER, .index = 7, .incarnation = 3 }, .message = message };
}

static inline void answer(struct request *request, lpad_message *message)
{
	struct frame frame = { .wire = { .kind = WIRE_REPLY, .role = WIRE_MEMBER }, .message = message };
	request->transport->answer(request, &frame);
}

static inline void on_request(void *context, struct request *request, struct frame *frame)
{
	struct server *server = context;
	server->overlaps += atomic_fetch_add(&server->inside, 1) != 0;
	int number = server->requests++;
	if (server->entered)
		sem_post(server->entered);
	while (server->gate && sem_wait(server->gate))
		;
	if (server->keep) {
		server->kept[number] = request;
		frame->transport->frame_drop(frame);
	} else if (server->drop) {
		request->transport->answer_drop(request);
		frame->transport->frame_drop(frame);
	} else {
		lpad_message *body = frame->transport->frame_take(frame, "asker", NULL);
		answer(request, body);
	}
	server->inside--;
}

static inline void on_bad_request(void *context, const char *why)
{
	(void)context;
	ck_abort_msg("malformed: %s", why);
}

static inline void listen_at(struct server *server, const char *where)
{
	static const struct answering_events events = { on_request, on_bad_request };
	struct error error = { 0 };
	char *bound = NULL;
	server->answering = inproc_calls_answer_open(where, LONGEST, &events, server, &bound, &error);
	ck_assert_msg(server->answering, "%s", error.text);
	ck_assert_str_eq(bound, where);
	free(bound);
}

/* ---- the asking side ---- */

struct client {
	struct asking *asking;
	atomic_int ups, downs, replies, failures, inside, overlaps;
	lpad_message *last;
	int ended[KEPT];                /* by token: how often */
	bool again;                     /* every reply asks again */
};

static inline void ask(struct client *client, intptr_t token, lpad_message *message)
{
	struct frame frame = request_of(message);
	inproc_calls_ask(client->asking, &frame, (void *)token);
}

static inline void on_up(void *context)
{
	((struct client *)context)->ups++;
}

static inline void on_down(void *context)
{
	((struct client *)context)->downs++;
}

static inline void on_reply(void *context, void *token, struct frame *frame)
{
	struct client *client = context;
	client->overlaps += atomic_fetch_add(&client->inside, 1) != 0;
	client->ended[(intptr_t)token % KEPT]++;
	message_free(client->last);
	client->last = frame->transport->frame_take(frame, "server", NULL);
	client->replies++;
	if (client->again && client->replies < 1000)
		ask(client, 0, message_share(client->last));
	client->inside--;
}

static inline void on_failed(void *context, void *token)
{
	struct client *client = context;
	client->ended[(intptr_t)token % KEPT]++;
	client->failures++;
}

static inline void on_bad_answer(void *context, void *token, const char *why)
{
	(void)context, (void)token;
	ck_abort_msg("malformed: %s", why);
}

static inline void dial(struct client *client, const char *where)
{
	static const struct asking_events events = { on_up, on_down, on_reply, on_failed, on_bad_answer };
	struct error error = { 0 };
	client->asking = inproc_calls_ask_open(where, LONGEST, &events, client, &error);
	ck_assert_msg(client->asking, "%s", error.text);
}

static inline void hang_up(struct client *client)
{
	inproc_calls_ask_close(client->asking);
	message_free(client->last);
	client->last = NULL;
}

#endif
