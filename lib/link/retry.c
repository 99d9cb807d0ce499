/* SPDX-License-Identifier: MIT */
/*
 * Calls of idempotent methods that come again. When the connection of a caller drops, such a call goes on here without anybody
 * who waits for it, until its caller has sent it again: that one then takes over what runs or is kept, or gets the answer
 * that was given meanwhile. Only what is no longer known of is executed once more.
 */
#include "link/server.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

enum {
	ANSWERS = 512,                  /* remembered, of all callers */
	LARGEST = 1 << 20,              /* of them */
	LARGEST_SUM = 16 << 20
};
/* So long may a caller that has come again take until it sends what it had under way: it does so at once. */
static const int64_t LINGER_NS = 1000000000;

struct answered {
	const struct client *client;
	uint64_t retry;
	lpad_message *reply;
};

struct retries {
	struct answered answers[ANSWERS];       /* a ring */
	size_t next, bytes;
	size_t detached;                        /* calls that nobody waits for just now */
};

static struct retries *retries_of(struct link *link)
{
	struct server *server = link->server;
	if (!server->retries)
		server->retries = memory_new(sizeof *server->retries);
	return server->retries;
}

/* ---- answers ---- */

static void forget(struct retries *retries, struct answered *answered)
{
	retries->bytes -= message_size(answered->reply);
	message_free(answered->reply);
	*answered = (struct answered){ 0 };
}

void retry_remember(struct lpad_call *call, lpad_message *reply)
{
	struct retries *retries = retries_of(call->link);
	size_t size = message_size(reply), oldest = retries->next;
	if (size > LARGEST) {
		message_free(reply);
		return;
	}
	struct answered *answered = &retries->answers[retries->next];
	retries->next = (retries->next + 1) % ANSWERS;
	forget(retries, answered);
	while (retries->bytes + size > LARGEST_SUM) {
		oldest = (oldest + 1) % ANSWERS;
		forget(retries, &retries->answers[oldest]);
	}
	*answered = (struct answered){ call->client, call->retry, reply };
	retries->bytes += size;
}

void retries_forget(struct link *link, const struct client *client)
{
	struct retries *retries = link->server->retries;
	for (size_t i = 0; retries && i < ANSWERS; i++)
		if (retries->answers[i].client == client)
			forget(retries, &retries->answers[i]);
}

static bool answer_again(struct link *link, struct client *client, struct request *request, const struct wire *wire)
{
	struct retries *retries = retries_of(link);
	for (size_t i = 0; i < ANSWERS; i++) {
		const struct answered *answered = &retries->answers[i];
		if (answered->client != client || answered->retry != wire->retry)
			continue;
		struct frame frame = call_frame(link, answered->reply ? message_share(answered->reply) : NULL);
		client->tallies[wire->port].answer_bytes += (int64_t)message_size(answered->reply);
		request->transport->answer(request, &frame);
		return true;
	}
	return false;
}

/* ---- calls ---- */

bool retry_detach(struct lpad_call *call)
{
	if (!call->retry || call->state != CALL_TAKEN || call->gone)
		return false;
	if (!call->detached_ns)
		retries_of(call->link)->detached++;
	call->detached_ns = clock_ns();
	link_tick_by(call->link, call->detached_ns + LINGER_NS);
	return true;
}

void retry_settle(struct lpad_call *call)
{
	if (call->detached_ns)
		call->link->server->retries->detached--;
	call->detached_ns = 0;
}

static bool take_over(struct client *client, struct request *request, const struct wire *wire)
{
	struct lpad_call *call = client->calls;
	while (call && !(call->detached_ns && call->retry == wire->retry))
		call = call->next;
	if (!call || call->transport != request->transport)
		return false;
	retry_settle(call);
	call->transport->answer_drop(call->request);
	call->request = request;
	call->number = wire->number;
	call_move_last(call);           /* they stand in the order of their numbers */
	return true;
}

bool retry_known(struct link *link, struct client *client, struct request *request, const struct wire *wire)
{
	return (wire->flags & WIRE_RETRY) && wire->retry
		&& (take_over(client, request, wire) || answer_again(link, client, request, wire));
}

/* ---- life ---- */

static void look_at(struct client *client, int64_t now_ns, int64_t *next_ns)
{
	for (struct lpad_call *call = client->calls, *next; call; call = next) {
		next = call->next;
		if (!call->detached_ns)
			continue;
		if (call->detached_ns + LINGER_NS > now_ns) {
			if (call->detached_ns + LINGER_NS < *next_ns)
				*next_ns = call->detached_ns + LINGER_NS;
			continue;
		}
		retry_settle(call);
		call_gone(call);
	}
}

void retries_tick(struct link *link, int64_t now_ns, int64_t *next_ns)
{
	struct server *server = link->server;
	for (size_t i = 0; server->retries && server->retries->detached && i < server->client_count; i++)
		look_at(server->clients[i], now_ns, next_ns);
}

void retries_free(struct link *link)
{
	struct retries *retries = link->server->retries;
	for (size_t i = 0; retries && i < ANSWERS; i++)
		message_free(retries->answers[i].reply);
	free(retries);
}
