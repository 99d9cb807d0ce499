/* SPDX-License-Identifier: MIT */
/*
 * Circles of threads that wait for each other's calls. A thread that waits while others wait for it sends a PROBE after its call. The
 * server of that looks which of its threads must go on before the call is answered: the one that runs it, or all that take from
 * its queue. If each of them waits for a call too, it sends PROBEs after those, and answers when they are answered. Once one of
 * them leads to a thread that does not wait for a call (or waits for one that is kept, or not sent yet) there is none; if all
 * lead to threads that were seen before, and one of them is where it began, that one is part of a circle. What was seen stays
 * so: none of these threads can go on before another one of them has.
 */
#include "link/circle.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "link/body.h"
#include "link/caller.h"
#include "link/server.h"

enum { SEEN_MOST = 1000 };
static const int64_t FIRST_NS = 20000000, SLOWEST_NS = 1000000000;

struct ahead {
	uint64_t wait;                  /* serial */
	size_t future;                  /* place among those it waits for */
};

/* One that goes on from here, call after call. */
struct probe {
	struct probe *next, **at;
	struct link *link;
	struct request *request;        /* to be answered; NULL: it began here, or nobody waits for it any more */
	uint64_t wait;                  /* it began here: with this wait; 0: it did not */
	char *origin;
	json_t *path, *seen, *circle;   /* circle: the path that led back; NULL: none has */
	LIST(struct ahead) ahead;
	size_t done;
};

/* ---- waits ---- */

static struct long_wait *wait_of(struct link *link, uint64_t serial)
{
	struct long_wait *wait = link->waits;
	while (wait && wait->serial != serial)
		wait = wait->next;
	return wait;
}

static char *name_of(const struct link *link, uint64_t serial)
{
	return memory_format("%" PRIu32 "/%" PRIu32 "/%" PRIu32 "/%" PRIu64, link->self.group, link->self.index,
		link->self.incarnation, serial);
}

static bool was_seen(const json_t *seen, const char *name)
{
	for (size_t i = 0; i < json_array_size(seen); i++)
		if (text_equal(json_string_value(json_array_get(seen, i)), name))
			return true;
	return false;
}

/* Until one of its calls is answered, that is. */
static bool is_stuck(const struct long_wait *wait)
{
	return wait->count && !wait->bounded;
}

/* ---- who must go on before a call is answered ---- */

struct blockers {
	LIST(struct long_wait *) waits;
};

static bool add_server_of(struct link *link, struct blockers *blockers, uint64_t serving)
{
	for (struct long_wait *wait = link->waits; wait; wait = wait->next)
		if (is_stuck(wait) && wait->serving == serving) {
			*list_add(&blockers->waits) = wait;
			return true;
		}
	return false;
}

/* All threads that take from where the method's calls are queued. */
static bool add_takers(struct link *link, struct blockers *blockers, const struct method *method)
{
	int queue;
	size_t threads = link_work_threads(link, method->place, &queue);
	if (method->by_others)
		return false;           /* threads of which nothing is known */
	for (struct long_wait *wait = link->waits; wait; wait = wait->next)
		if (is_stuck(wait) && (method->inbox ? wait->role == THREAD_RUN
			: wait->role == THREAD_CALLBACK && wait->queue == queue))
			*list_add(&blockers->waits) = wait;
	return blockers->waits.count && blockers->waits.count == (method->inbox ? 1 : threads);
}

/* false: somebody may go on who can have it answered. */
static bool add_blockers(struct link *link, struct blockers *blockers, const struct lpad_call *call)
{
	const struct client *client = call->client;
	const struct lpad_call *begun = call->batch ? call->batch : call;
	if (call->state == CALL_IN_LINE)
		return client->blocked && add_takers(link, blockers, client->in_line.first->method);
	if (call->state == CALL_QUEUED)
		return add_takers(link, blockers, call->method);
	bool kept = !begun->running && (!call->method->inbox || call->method->by_others);
	return call->state == CALL_TAKEN && !kept && add_server_of(link, blockers, begun->serial);
}

/* ---- one probe ---- */

static void go_on(struct probe *probe);

static struct probe *new_probe(struct link *link, const char *origin, json_t *path, json_t *seen)
{
	struct probe *probe = memory_new(sizeof *probe);
	*probe = (struct probe){ .next = link->probes, .at = &link->probes, .link = link, .origin = memory_copy_text(origin),
		.path = path, .seen = seen };
	if (probe->next)
		probe->next->at = &probe->next;
	link->probes = probe;
	return probe;
}

static void free_probe(struct probe *probe)
{
	*probe->at = probe->next;
	if (probe->next)
		probe->next->at = probe->at;
	json_decref(probe->path);
	json_decref(probe->seen);
	json_decref(probe->circle);
	list_release(&probe->ahead);
	free(probe->origin);
	free(probe);
}

/* "worker/0 (task, 12 s) → get on worker/1 (busy in task) → get on worker/0" */
static char *describe(const json_t *circle, const struct long_wait *wait)
{
	struct text text = { 0 };
	char span[32];
	const json_t *first = json_array_get(circle, 0), *hop = first;
	clock_span(span, (clock_ns() - wait->since_ns) / 1000000);
	text_format(&text, "waiting in a circle: %s (%s, %s)", json_string_value(json_object_get(hop, "node")),
		json_string_value(json_object_get(hop, "busy")), span);
	for (size_t i = 1; i < json_array_size(circle); i++) {
		const json_t *next = json_array_get(circle, i);
		text_format(&text, " → %s on %s (busy in %s)", json_string_value(json_object_get(hop, "calls")),
			json_string_value(json_object_get(next, "node")), json_string_value(json_object_get(next, "busy")));
		hop = next;
	}
	text_format(&text, " → %s on %s", json_string_value(json_object_get(hop, "calls")),
		json_string_value(json_object_get(first, "node")));
	return body_printable(text_take(&text));        /* the hops are what peers have said */
}

/* Of several calls that a thread waits for, any will do to tell it. */
static void fail_wait(struct long_wait *wait, const json_t *circle)
{
	for (size_t i = 0; i < wait->count; i++)
		if (wait->futures[i] && !wait->futures[i]->done) {
			caller_fail(wait->futures[i], LPAD_EDEADLK, describe(circle, wait));
			return;
		}
}

static void finish(struct probe *probe, bool stuck)
{
	struct long_wait *wait = probe->wait ? wait_of(probe->link, probe->wait) : NULL;
	if (wait)
		wait->probing = false;
	if (wait && stuck && probe->circle)
		fail_wait(wait, probe->circle);
	if (probe->request) {
		json_t *body = stuck ? json_pack("{s:O}", "seen", probe->seen) : json_pack("{s:b}", "free", 1);
		if (stuck && probe->circle)
			json_object_set(body, "circle", probe->circle);
		char *text = json_dumps(body, JSON_COMPACT);
		server_reply(probe->link, probe->request, 0, text);
		free(text);
		json_decref(body);
	}
	free_probe(probe);
}

/* Is what came from a peer a path of hops? */
static bool is_path(const json_t *path)
{
	for (size_t i = 0; i < json_array_size(path); i++) {
		const json_t *hop = json_array_get(path, i);
		if (!json_is_string(json_object_get(hop, "node")) || !json_is_string(json_object_get(hop, "busy"))
		    || !json_is_string(json_object_get(hop, "calls")))
			return false;
	}
	return json_array_size(path) > 0;
}

static void on_answer(void *context, const struct wire *reply, const char *body, size_t size)
{
	struct probe *probe = context;
	json_t *answer = reply && reply->kind == WIRE_REPLY ? json_loadb(body, size, 0, NULL) : NULL;
	json_t *seen = json_object_get(answer, "seen"), *circle = json_object_get(answer, "circle");
	bool stuck = json_is_array(seen) && json_array_size(seen) <= SEEN_MOST;
	if (stuck) {
		json_decref(probe->seen);
		probe->seen = json_incref(seen);
	}
	if (stuck && !probe->circle && is_path(circle))
		probe->circle = json_incref(circle);
	json_decref(answer);
	if (stuck)
		go_on(probe);
	else
		finish(probe, false);
}

static void follow(struct probe *probe, const struct long_wait *wait, struct lpad_future *future)
{
	const struct link *link = probe->link;
	json_t *path = json_copy(probe->path);
	json_array_append_new(path, json_pack("{s:s, s:s, s:s}", "node", link->self.node, "busy", wait->busy,
		"calls", future->method));
	json_t *body = json_pack("{s:s, s:o, s:O}", "origin", probe->origin, "path", path, "seen", probe->seen);
	char *text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	line_request_about(future->ask.line, WIRE_PROBE, future->ask.number, text, on_answer, probe);
	free(text);
}

static void go_on(struct probe *probe)
{
	if (probe->done == probe->ahead.count) {
		finish(probe, true);
		return;
	}
	struct ahead ahead = probe->ahead.at[probe->done++];
	struct long_wait *wait = wait_of(probe->link, ahead.wait);
	struct lpad_future *future = wait && ahead.future < wait->count ? wait->futures[ahead.future] : NULL;
	if (future && !future->done && line_is_asked(&future->ask))
		follow(probe, wait, future);
	else
		finish(probe, false);
}

static void add_ahead(struct probe *probe, const struct long_wait *wait)
{
	for (size_t i = 0; i < wait->count; i++)
		if (wait->futures[i])
			*list_add(&probe->ahead) = (struct ahead){ wait->serial, i };
}

/* ---- those that come ---- */

static void look_at_blocker(struct probe *probe, const struct long_wait *wait)
{
	char *name = name_of(probe->link, wait->serial);
	if (!strcmp(name, probe->origin))
		probe->circle = probe->circle ? probe->circle : json_incref(probe->path);
	else if (!was_seen(probe->seen, name)) {
		json_array_append_new(probe->seen, json_string(name));
		add_ahead(probe, wait);
	}
	free(name);
}

static void take_probe(struct link *link, struct request *request, const struct lpad_call *call, json_t *body)
{
	struct blockers blockers = { 0 };
	json_t *path = json_object_get(body, "path"), *seen = json_object_get(body, "seen");
	const char *origin = json_string_value(json_object_get(body, "origin"));
	bool sound = origin && is_path(path) && json_is_array(seen) && json_array_size(seen) < SEEN_MOST;
	struct probe *probe = new_probe(link, origin ? origin : "", json_incref(path), json_incref(seen));
	probe->request = request;
	bool stuck = sound && call && add_blockers(link, &blockers, call);
	for (size_t i = 0; stuck && i < blockers.waits.count; i++)
		look_at_blocker(probe, blockers.waits.at[i]);
	list_release(&blockers.waits);
	if (stuck)
		go_on(probe);
	else
		finish(probe, false);
}

void circle_request(struct link *link, struct request *request, const struct wire *wire, const char *body)
{
	json_t *probe = json_loadb(body, wire->size, 0, NULL);
	take_probe(link, request, session_call(link, wire), probe);
	json_decref(probe);
}

/* ---- those that begin here ---- */

/* Does anything wait for this thread? */
static bool is_waited_for(const struct link *link, const struct long_wait *wait)
{
	if (wait->serving)
		return true;
	if (wait->role == THREAD_CALLBACK)
		return link_work_queued(link, wait->queue);
	for (size_t i = 0; i < link->server->method_count; i++)
		if (link->server->methods[i].inbox && link->server->methods[i].queued)
			return true;
	return false;
}

static void begin(struct link *link, struct long_wait *wait)
{
	char *name = name_of(link, wait->serial);
	struct probe *probe = new_probe(link, name, json_array(), json_pack("[s]", name));
	free(name);
	probe->wait = wait->serial;
	wait->probing = true;
	add_ahead(probe, wait);
	go_on(probe);
}

bool circle_wait(struct link *link, struct long_wait *wait, int64_t deadline_ns)
{
	int64_t now, until = wait->probe_ns < deadline_ns ? wait->probe_ns : deadline_ns;
	if (link_wait(link, wait->waiter, until))
		return true;
	if (until == deadline_ns)
		return false;
	now = clock_ns();
	if (!wait->probing && is_waited_for(link, wait))
		begin(link, wait);
	int64_t every = now - wait->since_ns;
	wait->probe_ns = now + (every < SLOWEST_NS ? every : SLOWEST_NS);
	return true;
}

int64_t circle_first(const struct link *link, const struct long_wait *wait)
{
	bool inbox = false;
	for (size_t i = 0; wait->role == THREAD_RUN && !inbox && i < link->server->method_count; i++)
		inbox = link->server->methods[i].inbox;
	return !wait->bounded && (wait->role == THREAD_CALLBACK || inbox) ? wait->since_ns + FIRST_NS : INT64_MAX;
}

/* ---- life ---- */

void circle_close(struct link *link)
{
	for (struct probe *probe = link->probes; probe; probe = probe->next) {
		if (probe->request)
			probe->request->transport->answer_drop(probe->request);
		probe->request = NULL;
	}
}

void circle_free(struct link *link)
{
	while (link->probes)
		free_probe(link->probes);
}
