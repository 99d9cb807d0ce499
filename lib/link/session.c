/* SPDX-License-Identifier: MIT */
/*
 * Callers. HELLO starts a session, in which calls and cancels are numbered from 1; contexts deliver them a little out of
 * order, so they are sorted before anything else. Another HELLO of the same caller ends the session before.
 */
#include "link/server.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/memory.h"
#include "link/body.h"
#include "link/circle.h"
#include "link/why.h"

enum {
	SLOT_BITS = 20,                 /* of a session's id: the place of the client */
	EARLY_MOST = 65536,             /* requests that wait for one before them: more is no mere disorder */
	OBSERVERS = 64                  /* with nothing under way: for another one the one that came first makes room */
};

static void count_malformed(struct link *link, const char *sender, const char *why)
{
	link->server->malformed++;
	link_note(link, "%s: dropped a malformed request of %s: %s", link->self.node, sender, why);
}

void session_malformed(void *context, const char *why)
{
	struct link *link = context;
	link_lock(link);
	count_malformed(link, "an unknown sender", why);
	link_unlock(link);
}

void server_reply(struct link *link, struct request *request, int code, const char *body)
{
	struct frame frame = { .wire = { .kind = code ? WIRE_ERROR : WIRE_REPLY, .role = WIRE_MEMBER, .code = code,
		.group = link->self.group, .index = link->self.index, .incarnation = link->self.incarnation,
		.token = link->token, .deadline_ms = -1 } };
	if (body)
		frame.message = message_bytes(body, strlen(body));
	request->transport->answer(request, &frame);
}

/* ---- clients ---- */

static struct client *find(const struct link *link, uint32_t group, uint32_t index, uint8_t role)
{
	for (size_t i = 0; i < link->server->client_count; i++) {
		struct client *client = link->server->clients[i];
		if (client->group == group && client->index == index && client->role == role)
			return client;
	}
	return NULL;
}

static struct client *add(struct link *link, uint32_t group, uint32_t index, uint8_t role, const char *name)
{
	struct server *server = link->server;
	struct client *client = memory_new(sizeof *client);
	*client = (struct client){ .group = group, .index = index, .role = role, .name = memory_copy_text(name),
		.tallies = memory_array(server->method_count, sizeof *client->tallies) };
	server->clients = memory_resize(server->clients, server->client_count + 1, sizeof *server->clients);
	server->clients[server->client_count++] = client;
	return client;
}

static bool is_idle(const struct client *client)
{
	return client->role == WIRE_OBSERVER && !client->calls && !client->early.count && !client->in_line.first && !client->blocked;
}

/* Nobody says when an observer has ended. NULL: there are not that many. */
static struct client *first_of_many_observers(const struct link *link)
{
	struct client *first = NULL;
	size_t count = 0;
	for (size_t i = 0; i < link->server->client_count; i++) {
		struct client *client = link->server->clients[i];
		if (!is_idle(client))
			continue;
		count++;
		if (!first || client->session < first->session)
			first = client;
	}
	return count >= OBSERVERS ? first : NULL;
}

/* Its counts go on when the next one has the same name, which they are shown by. */
static struct client *add_observer(struct link *link, uint32_t group, uint32_t index, const char *name)
{
	struct client *client = first_of_many_observers(link);
	if (!client)
		return add(link, group, index, WIRE_OBSERVER, name);
	retries_forget(link, client);
	if (!text_equal(client->name, name)) {
		free(client->name);
		client->name = memory_copy_text(name);
		memset(client->tallies, 0, link->server->method_count * sizeof *client->tallies);
	}
	client->group = group;
	client->index = index;
	client->incarnation = 0;
	client->hellos = 0;
	return client;
}

struct client *session_expect(struct link *link, const struct peer_spec *peer)
{
	struct client *client = find(link, peer->group, peer->index, WIRE_MEMBER);
	if (!client)
		client = add(link, peer->group, peer->index, WIRE_MEMBER, peer->node);
	client->expected = true;
	return client;
}

void session_free(struct client *client)
{
	list_release(&client->early);
	free(client->tallies);
	free(client->name);
	free(client);
}

static struct client *of_session(const struct link *link, uint64_t session)
{
	size_t slot = session & ((1u << SLOT_BITS) - 1);
	if (!session || slot >= link->server->client_count)
		return NULL;
	struct client *client = link->server->clients[slot];
	return client->session == session ? client : NULL;
}

/* ---- HELLO ---- */

static char *hello_body(struct link *link)
{
	struct server *server = link->server;
	json_t *methods = json_array(), *idempotent = json_array(), *topics = json_array();
	const char *topic;
	for (size_t i = 0; i < server->method_count; i++) {
		json_array_append_new(methods, json_string(server->methods[i].name));
		if (server->methods[i].idempotent)
			json_array_append_new(idempotent, json_string(server->methods[i].name));
	}
	for (size_t i = 0; (topic = topics_name(link, i)); i++)
		json_array_append_new(topics, json_string(topic));
	json_t *body = json_pack("{s:s, s:I, s:o, s:o, s:o}", "node", link->self.node,
		"incarnation", (json_int_t)link->self.incarnation, "methods", methods, "idempotent", idempotent,
		"topics", topics);
	char *text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return text;
}

/* Caller frees; NULL: no HELLO. */
static char *read_name(const struct frame *frame)
{
	json_t *body = json_loadb(frame->transport->frame_body(frame), frame->wire.size, 0, NULL);
	const char *node = json_string_value(json_object_get(body, "node"));
	char *name = node ? body_printable(memory_copy_text(node)) : NULL;
	json_decref(body);
	return name;
}

static void answer_hello(struct link *link, struct client *client, struct request *request)
{
	struct server *server = link->server;
	if (!server->hello)
		server->hello = hello_body(link);
	struct frame frame = { .wire = { .kind = WIRE_REPLY, .role = WIRE_MEMBER, .group = link->self.group,
		.index = link->self.index, .incarnation = link->self.incarnation, .token = link->token,
		.session = client->session, .deadline_ms = -1 },
		.message = message_bytes(server->hello, strlen(server->hello)) };
	request->transport->answer(request, &frame);
}

/* Nobody says when an observer has ended, and its number, that of a process, may be another one's later. */
static bool is_another_observer(const struct client *client, const struct wire *wire)
{
	return client->role == WIRE_OBSERVER && wire->number == 1;
}

/* Of an incarnation that is over, or of a connection that another one has followed: frames may be that late. NULL: it is neither. */
static const char *too_late(const struct client *client, const struct wire *wire)
{
	if (wire->incarnation < client->incarnation)
		return "a later incarnation has said HELLO";
	if (wire->incarnation <= client->dead)
		return "this incarnation is dead";
	if (wire->incarnation == client->incarnation && wire->number && wire->number <= client->hellos
	    && !is_another_observer(client, wire))
		return "a later HELLO of this caller was answered";
	return NULL;
}

static void hello(struct link *link, struct request *request, const struct frame *frame)
{
	const struct wire *wire = &frame->wire;
	struct server *server = link->server;
	struct client *client = find(link, wire->group, wire->index, wire->role);
	char *name = read_name(frame);
	const char *late = client ? too_late(client, wire) : NULL;
	if (!name) {
		count_malformed(link, client ? client->name : "an unknown sender", "a HELLO without a name");
		server_reply(link, request, LPAD_EBROKEN, "a HELLO names its node");
	} else if (late)
		server_reply(link, request, LPAD_EINVALID, late);
	else {
		if (!client)
			client = wire->role == WIRE_OBSERVER ? add_observer(link, wire->group, wire->index, name)
				: add(link, wire->group, wire->index, wire->role, name);
		client->lost = false;           /* what was gone for good has been started again after all */
		bool is_another = is_another_observer(client, wire);
		if (is_another)
			retries_forget(link, client);
		session_end(link, client, client->session && wire->incarnation == client->incarnation && !is_another);
		size_t slot = 0;
		while (server->clients[slot] != client)
			slot++;
		client->session = ++server->sessions << SLOT_BITS | slot;
		client->next_number = 1;
		client->incarnation = wire->incarnation;
		client->hellos = wire->number;
		client->away = false;
		answer_hello(link, client, request);
		link_check(link);
	}
	free(name);
}

/* What the caller still has here is of no use to it: it was told so, or will ask again. Of calls that it may ask again only when
   it is the same incarnation, see retry.c. */
void session_end(struct link *link, struct client *client, bool comes_again)
{
	client->session = 0;
	for (size_t i = 0; i < client->early.count; i++) {
		struct arrival *arrival = &client->early.at[i];
		arrival->frame.transport->frame_drop(&arrival->frame);
		arrival->request->transport->answer_drop(arrival->request);
	}
	client->early.count = 0;
	server_sweep(link, true);
	for (struct lpad_call *call = client->calls, *next; call; call = next) {
		next = call->next;
		if (comes_again && retry_detach(call))
			continue;
		retry_settle(call);
		call_gone(call);
	}
	server_sweep(link, false);
}

/* ---- sorting ---- */

/* Kept calls of the sessions before have numbers too: they are gone already. */
static struct lpad_call *find_call(const struct client *client, uint64_t number)
{
	struct lpad_call *call = client->calls;
	while (call && (call->gone || call->detached_ns || call->number < number))
		call = call->next;
	return call && call->number == number ? call : NULL;
}

struct lpad_call *session_call(const struct link *link, const struct wire *wire)
{
	const struct client *client = of_session(link, wire->session);
	return client ? find_call(client, wire->version) : NULL;
}

static void cancel(struct link *link, struct client *client, uint64_t number)
{
	struct lpad_call *call = find_call(client, number);
	if (!call)
		return;
	if (call->state == CALL_TAKEN)
		call_gone(call);
	else
		call_end_error(call, LPAD_ECANCELLED, "%s.%s: the call was cancelled", link->self.node, call->method->name);
}

static void refuse_method(struct link *link, struct request *request)
{
	struct server *server = link->server;
	struct text text = { 0 };
	text_format(&text, "%s has no such method; %s", link->self.node, server->method_count ? "it has: " : "it serves no methods");
	for (size_t i = 0; i < server->method_count; i++)
		text_format(&text, "%s%s", i ? ", " : "", server->methods[i].name);
	server_reply(link, request, LPAD_ENOMETHOD, text_string(&text));
	text_release(&text);
}

/* Its turn has come. */
static void deliver(struct link *link, struct client *client, struct request *request, struct frame *frame)
{
	const struct wire *wire = &frame->wire;
	struct server *server = link->server;
	client->next_number++;
	if (wire->kind == WIRE_CALL && wire->port < server->method_count) {
		client->tallies[wire->port].calls++;
		client->tallies[wire->port].bytes += (int64_t)wire->size;
		if (retry_known(link, client, request, wire)) {
			frame->transport->frame_drop(frame);
			return;
		}
		struct lpad_call *call = call_new(link, client, &server->methods[wire->port]);
		call->number = wire->number;
		call->request = request;
		call->transport = request->transport;
		call->retry = call->method->idempotent ? wire->retry : 0;
		call->frame = *frame;
		calls_append(&client->in_line, call);
		server_admit(link, client);
		return;
	}
	if (wire->kind == WIRE_CANCEL) {
		cancel(link, client, wire->version);
		server_reply(link, request, 0, NULL);
	} else
		refuse_method(link, request);
	frame->transport->frame_drop(frame);
}

static void keep_early(struct client *client, struct request *request, const struct frame *frame)
{
	list_add(&client->early);
	size_t at = client->early.count - 1;
	for (; at && client->early.at[at - 1].wire.number > frame->wire.number; at--)
		client->early.at[at] = client->early.at[at - 1];
	client->early.at[at] = (struct arrival){ frame->wire, request, *frame };
}

static void deliver_early(struct link *link, struct client *client)
{
	size_t done = 0;
	while (done < client->early.count && client->early.at[done].wire.number == client->next_number) {
		struct arrival arrival = client->early.at[done++];
		deliver(link, client, arrival.request, &arrival.frame);
	}
	if (!done)
		return;
	client->early.count -= done;
	memmove(client->early.at, client->early.at + done, client->early.count * sizeof *client->early.at);
}

static bool is_early(const struct client *client, uint64_t number)
{
	for (size_t i = 0; i < client->early.count; i++)
		if (client->early.at[i].wire.number == number)
			return true;
	return false;
}

static void sort(struct link *link, struct request *request, struct frame *frame)
{
	const struct wire *wire = &frame->wire;
	struct client *client = of_session(link, wire->session);
	const char *wrong = NULL;
	if (!client)
		wrong = "its session has ended";        /* a request that was on its way while the caller came again */
	else if (wire->number < client->next_number || is_early(client, wire->number))
		wrong = "a number that was used before";
	else if (client->early.count >= EARLY_MOST)
		wrong = "a number far ahead of its turn";
	if (!wrong && wire->number == client->next_number) {
		deliver(link, client, request, frame);
		deliver_early(link, client);
	} else if (!wrong)
		keep_early(client, request, frame);
	else {
		if (client)
			count_malformed(link, client->name, wrong);
		server_reply(link, request, LPAD_EINVALID, wrong);
		frame->transport->frame_drop(frame);
	}
}

/* ---- events of the transport ---- */

static void dispatch(struct link *link, struct request *request, struct frame *frame)
{
	struct wire *wire = &frame->wire;
	switch (wire->kind) {
	case WIRE_CALL:
	case WIRE_CANCEL:
		sort(link, request, frame);
		return;
	case WIRE_HELLO:
		hello(link, request, frame);
		break;
	case WIRE_PROBE:
		circle_request(link, request, wire, frame->transport->frame_body(frame));
		break;
	case WIRE_WHY:
		why_request(link, request, wire);
		break;
	case WIRE_SUBSCRIBE:
	case WIRE_CONFIRM:
	case WIRE_ACK:
	case WIRE_FETCH:
	case WIRE_END_ACK:
	case WIRE_RESEND:
		topics_request(link, request, wire, frame->transport->frame_body(frame), wire->size);
		break;
	default:
		server_reply(link, request, LPAD_EUNSUPPORTED, "not a request that this version answers");
	}
	frame->transport->frame_drop(frame);
}

void session_request(void *context, struct request *request, struct frame *frame)
{
	struct link *link = context;
	char claimed[64];
	link_lock(link);
	if (link->server->open && frame->wire.token == link->token) {
		dispatch(link, request, frame);
		link_unlock(link);
		return;
	}
	if (link->server->open) {
		snprintf(claimed, sizeof claimed, "member %u/%u", frame->wire.group, frame->wire.index);
		count_malformed(link, claimed, "it is not of this run");
		server_reply(link, request, LPAD_EINVALID, "not of this run");
	} else
		frame->transport->answer_drop(request);
	frame->transport->frame_drop(frame);
	link_unlock(link);
}
