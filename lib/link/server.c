/* SPDX-License-Identifier: MIT */
/* Methods: their queues, and the life of the serving side. */
#include "link/server.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "link/batch.h"
#include "link/circle.h"
#include "link/conform.h"
#include "link/why.h"

static const int64_t FLUSH_NS = 1000000000;

/* ---- queues ---- */

void server_post(struct link *link, struct lpad_call *call)
{
	struct method *method = call->method;
	if (method->inbox) {
		calls_append(&method->queue, call);
		waiters_wake(&method->waiters);
		return;
	}
	struct work work = { .kind = WORK_CALL, .method = method->place, .call = call };
	link_post(link, &work);
}

static void enqueue(struct link *link, struct lpad_call *call)
{
	call->state = CALL_QUEUED;
	call->method->queued++;
	if (call->method->gathering)
		batch_gather(link, call);
	else
		server_post(link, call);
}

static void block(struct client *client, struct method *method)
{
	client->blocked = true;
	client->next_blocked = NULL;
	*method->last_blocked = client;
	method->last_blocked = &client->next_blocked;
}

/* false: it must wait for room. */
static bool admit_first(struct link *link, struct client *client)
{
	struct lpad_call *call = client->in_line.first;
	struct method *method = call->method;
	const char *node = link->self.node;
	if (link->draining)
		call_end_error(call, LPAD_ESTOPPED, "%s.%s: %s is stopping", node, method->name, node);
	else if (method->closed)
		server_refuse(link, call);
	else if (method->bound && method->queued >= method->bound) {
		if (!method->refuses)
			return false;
		call_end_error(call, LPAD_EBUSY, "%s.%s: the queue is full: %zu calls wait in it", node, method->name,
			method->queued);
	} else {
		calls_remove(&client->in_line, call);
		enqueue(link, call);
	}
	return true;
}

void server_admit(struct link *link, struct client *client)
{
	while (!client->blocked && client->in_line.first)
		if (!admit_first(link, client))
			block(client, client->in_line.first->method);
}

static void unblock_first(struct link *link, struct method *method)
{
	struct client *client = method->blocked;
	method->blocked = client->next_blocked;
	if (!method->blocked)
		method->last_blocked = &method->blocked;
	client->blocked = false;
	server_admit(link, client);
}

static void unblock(struct link *link, struct method *method)
{
	while (method->blocked && (method->queued < method->bound || method->closed || link->draining))
		unblock_first(link, method);
}

void server_left_queue(struct link *link, struct method *method)
{
	method->queued--;
	if (!link->server->sweeping)
		unblock(link, method);
}

void server_sweep(struct link *link, bool begin)
{
	link->server->sweeping = begin;
	for (size_t i = 0; !begin && i < link->server->method_count; i++)
		unblock(link, &link->server->methods[i]);
}

/* What the client waited for room with has left its line: what stood behind it need not wait for that room. */
static void unblock_client(struct link *link, struct client *client, struct method *method)
{
	struct client **at = &method->blocked;
	while (*at != client)
		at = &(*at)->next_blocked;
	*at = client->next_blocked;
	if (!*at)
		method->last_blocked = at;
	client->blocked = false;
	if (!link->server->sweeping)
		server_admit(link, client);
}

static void leave_line(struct link *link, struct lpad_call *call)
{
	struct client *client = call->client;
	bool blocks = client->blocked && client->in_line.first == call;
	calls_remove(&client->in_line, call);
	if (blocks)
		unblock_client(link, client, call->method);
}

void server_unqueue(struct link *link, struct lpad_call *call)
{
	struct method *method = call->method;
	if (call->state == CALL_IN_LINE) {
		leave_line(link, call);
		return;
	}
	if (method->gathering)
		batch_leave(call);
	else if (method->inbox)
		calls_remove(&method->queue, call);
	else
		call->state = CALL_DROPPED;     /* the work that was posted still points to it */
	server_left_queue(link, method);
}

/* ---- life ---- */

struct method *server_method(struct link *link, const char *name)
{
	for (size_t i = 0; i < link->server->method_count; i++)
		if (text_equal(link->server->methods[i].name, name))
			return &link->server->methods[i];
	return NULL;
}

bool server_is_inbox(const struct link *link, const char *name)
{
	const struct method *method = server_method((struct link *)link, name);
	return method && method->inbox;
}

void server_refuse(struct link *link, struct lpad_call *call)
{
	const char *node = link->self.node, *method = call->method->name;
	if (call->method->inbox && !link->alone)
		call_end_error(call, LPAD_EGONE, "%s.%s: the run of %s has ended, nobody takes its calls", node, method, node);
	else
		call_end_error(call, LPAD_ESTOPPED, "%s.%s: %s is stopping", node, method, node);
}

static int init_method(struct link *link, struct method *method, const struct method_link *spec, int place,
	struct error *error)
{
	*method = (struct method){ .name = memory_copy_text(spec->name), .place = place, .inbox = spec->inbox,
		.idempotent = spec->idempotent, .has_gone = spec->has_gone, .has_held = spec->has_held, .refuses = spec->full == LPAD_REFUSE,
		.bound = spec->queue > 0 ? (size_t)spec->queue : 0, .last_blocked = &method->blocked };
	method->gathering = batch_new(spec);
	if (spec->inbox) {
		method->box = memory_new(sizeof *method->box);
		*method->box = (struct lpad_inbox){ link, method };
	}
	if (conform_read(spec->request, &method->request, "request", error)
	    || conform_read(spec->reply, &method->reply, "reply", error))
		return error_wrap(error, "method \"%s\"", spec->name);
	return 0;
}

int server_new(struct link *link, const struct link_spec *spec, struct error *error)
{
	struct server *server = link->server = memory_new(sizeof *server);
	server->methods = memory_array(spec->method_count, sizeof *server->methods);
	server->method_count = spec->method_count;
	server->sessions = (uint64_t)spec->self.incarnation << 24;      /* an old session is never one of a successor */
	server->batches = (struct client){ .name = memory_copy_text(""), .index = UINT32_MAX, .role = UINT8_MAX,
		.tallies = memory_array(spec->method_count, sizeof *server->batches.tallies) };
	for (size_t i = 0; i < spec->method_count; i++)
		if (init_method(link, &server->methods[i], &spec->methods[i], (int)i, error))
			return -1;
	for (size_t i = 0; i < spec->caller_count; i++)
		session_expect(link, &spec->callers[i]);
	server->listener_count = spec->serve.count;
	server->listeners = memory_array(spec->serve.count, sizeof *server->listeners);
	for (size_t i = 0; i < spec->serve.count; i++) {
		struct listener *listener = &server->listeners[i];
		listener->address = memory_copy_text(spec->serve.at[i]);
		listener->transport = transport_for(listener->address, error);
		if (!listener->transport)
			return -1;
	}
	return 0;
}

static const struct answering_events answering_events = { session_request, session_malformed };

/* Lock held: events wait until the socket is known here. */
static int open_listener(struct link *link, struct listener *listener, struct error *error)
{
	char *bound = NULL;
	listener->answering = listener->transport->answer_open(listener->address, link->longest, &answering_events, link,
		&bound, error);
	if (!listener->answering)
		return -1;
	free(listener->address);
	listener->address = bound;
	return 0;
}

int server_bind(struct link *link, struct error *error)
{
	struct server *server = link->server;
	int code = 0;
	link_lock(link);
	for (size_t i = 0; !code && i < server->listener_count; i++) {
		code = open_listener(link, &server->listeners[i], error);
		if (!code)
			link_add_bound(link, (struct bound_address){ NULL, false, server->listeners[i].address });
	}
	server->open = !code && server->listener_count;
	link_unlock(link);
	return code;
}

static bool listens_at(const struct server *server, const char *address)
{
	for (size_t i = 0; i < server->listener_count; i++)
		if (!strcmp(server->listeners[i].address, address))
			return true;
	return false;
}

int link_listen(struct link *link, const char *address, struct error *error)
{
	struct server *server = link->server;
	struct listener listener = { .address = memory_copy_text(address), .transport = transport_for(address, error) };
	int code = listener.transport ? 0 : -1;
	link_lock(link);
	bool there = listens_at(server, address);
	if (!code && link->closed)
		code = error_set(error, "%s is leaving", link->self.node);
	if (!code && !there)
		code = open_listener(link, &listener, error);
	if (!code && !there) {
		server->listeners = memory_resize(server->listeners, server->listener_count + 1, sizeof *server->listeners);
		server->listeners[server->listener_count++] = listener;
		server->open = true;
	}
	link_unlock(link);
	if (code || there)
		free(listener.address);
	return code;
}

size_t server_waits_for(struct link *link, const char **names, size_t room)
{
	const struct server *server = link->server;
	size_t count = 0;
	for (size_t i = 0; !link->draining && i < server->client_count; i++) {
		const struct client *client = server->clients[i];
		if (!client->expected || client->session || client->lost || client->away)
			continue;
		if (count < room)
			names[count] = client->name;
		count++;
	}
	return count;
}

void server_stop(struct link *link)
{
	(void)link;                             /* inboxes wait long waits: link_stop wakes those */
}

/* Calls that nobody will answer any more: of inboxes when `run` has ended, kept ones at the drain, queued ones at its end. */
static void refuse_left_of(struct link *link, const struct client *client, bool inbox)
{
	for (struct lpad_call *call = client->calls, *next; call; call = next) {
		bool waits = call->state == CALL_QUEUED ? !batch_is(call) && (inbox || link->cut)
			: call->state == CALL_TAKEN && !call->running;
		next = call->next;
		if (call->method->inbox == inbox && waits)
			server_refuse(link, call);
	}
}

static void refuse_left(struct link *link, bool inbox)
{
	struct server *server = link->server;
	server_sweep(link, true);
	for (size_t i = 0; i < server->client_count; i++)
		refuse_left_of(link, server->clients[i], inbox);
	refuse_left_of(link, &server->batches, inbox);
	server_sweep(link, false);
}

void server_end_run(struct link *link)
{
	for (size_t i = 0; i < link->server->method_count; i++) {
		struct method *method = &link->server->methods[i];
		method->closed = method->inbox;
		waiters_wake(&method->waiters);
	}
	refuse_left(link, true);
}

void server_drain(struct link *link)
{
	int64_t never = INT64_MAX;
	server_end_run(link);
	refuse_left(link, false);
	server_tick(link, 0, &never);           /* what gathers is complete */
}

void server_peer_lost(struct link *link, uint32_t group, uint32_t index, uint32_t incarnation, bool gone)
{
	struct server *server = link->server;
	for (size_t i = 0; i < server->client_count; i++) {
		struct client *client = server->clients[i];
		if (client->role != WIRE_MEMBER || client->group != group || client->index != index)
			continue;
		client->lost = client->lost || gone;
		if (incarnation > client->dead)
			client->dead = incarnation;
		if (incarnation < client->incarnation)
			continue;
		client->away = true;
		session_end(link, client, false);
	}
}

void server_peer_up(struct link *link, uint32_t group, uint32_t index)
{
	for (size_t i = 0; i < link->server->client_count; i++) {
		struct client *client = link->server->clients[i];
		if (client->role == WIRE_MEMBER && client->group == group && client->index == index)
			client->away = false;
	}
}

void server_tick(struct link *link, int64_t now_ns, int64_t *next_ns)
{
	retries_tick(link, now_ns, next_ns);
	for (size_t i = 0; i < link->server->method_count; i++) {
		struct method *method = &link->server->methods[i];
		int64_t at = method->gathering ? batch_look(link, method) : INT64_MAX;
		if (at < *next_ns)
			*next_ns = at;
	}
}

void server_counters(struct link *link, void (*each)(void *, const struct port_counters *), void *context)
{
	const struct server *server = link->server;
	for (size_t i = 0; i < server->client_count; i++)
		for (size_t k = 0; k < server->method_count; k++) {
			const struct tally *tally = &server->clients[i]->tallies[k];
			struct port_counters counters = { .port = server->methods[k].name, .kind = "method",
				.peer = server->clients[i]->name, .messages = tally->calls, .bytes = tally->bytes,
				.delivered_bytes = tally->answer_bytes, .received = tally->begun, .errors = tally->errors };
			if (tally->calls)
				each(context, &counters);
		}
	struct port_counters malformed = { .port = "malformed", .kind = "method", .peer = "", .errors = server->malformed };
	if (server->malformed)
		each(context, &malformed);
}

void server_left(struct link *link, struct text *text, int64_t *count)
{
	int64_t left = 0;
	for (size_t i = 0; i < link->server->client_count; i++)
		for (struct lpad_call *call = link->server->clients[i]->calls; call; call = call->next)
			left++;
	if (left)
		text_format(text, "%s%lld call%s not answered", text->length ? ", " : "", (long long)left, left == 1 ? "" : "s");
	*count += left;
}

/* Another thread may add one meanwhile. */
static bool listener_at(struct link *link, size_t place, struct listener *out)
{
	const struct server *server = link->server;
	link_lock(link);
	bool there = server && place < server->listener_count;
	if (there)
		*out = server->listeners[place];
	link_unlock(link);
	return there;
}

void server_flush(struct link *link)
{
	const struct server *server = link->server;
	struct listener listener;
	link_lock(link);
	bool open = server && server->open;
	if (open && link->draining)
		server_drain(link);             /* whoever still waits hears of it */
	link_unlock(link);
	for (size_t i = 0; open && listener_at(link, i, &listener); i++)
		listener.transport->answer_flush(listener.answering, clock_ns() + FLUSH_NS);
}

void server_close(struct link *link)
{
	struct server *server = link->server;
	struct listener listener;
	server_flush(link);
	link_lock(link);
	for (size_t i = 0; server && i < server->client_count; i++)
		session_end(link, server->clients[i], false);
	if (server) {
		server->open = false;
		circle_close(link);
		why_close(link);
	}
	link_unlock(link);
	for (size_t i = 0; listener_at(link, i, &listener); i++)
		if (listener.answering)
			listener.transport->answer_close(listener.answering);
}

static void free_calls(struct lpad_call *first, bool by_after)
{
	for (struct lpad_call *call = first, *next; call; call = next) {
		next = by_after ? call->after : call->next;
		if (call->frame.raw)
			call->frame.transport->frame_drop(&call->frame);
		message_free(call->message);
		free(call->members.at);
		free(call);
	}
}

void server_free(struct link *link)
{
	struct server *server = link->server;
	if (!server)
		return;
	free_calls(server->pool.first, true);
	for (size_t i = 0; i < server->client_count; i++) {
		free_calls(server->clients[i]->calls, false);
		session_free(server->clients[i]);
	}
	free_calls(server->batches.calls, false);
	retries_free(link);
	free(server->batches.tallies);
	free(server->batches.name);
	for (size_t i = 0; i < server->method_count; i++) {
		signature_release(&server->methods[i].request);
		signature_release(&server->methods[i].reply);
		free(server->methods[i].gathering);
		free(server->methods[i].name);
		free(server->methods[i].box);
		free(server->methods[i].waiters.at);
	}
	for (size_t i = 0; i < server->listener_count; i++)
		free(server->listeners[i].address);
	free(server->listeners);
	free(server->clients);
	free(server->methods);
	free(server->hello);
	free(server);
	link->server = NULL;
}
