/* SPDX-License-Identifier: MIT */
/*
 * Lines to peers. A connection that comes up begins with HELLO; its answer makes the line up and starts a session, in which
 * calls and cancels are numbered from 1. Nothing is handed to the transport while the line is not up, so that "never sent" is
 * true of what waits here. When the connection goes, everything under way is lost at once.
 */
#include "link/inside.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/memory.h"

/* What a transport knows a request by. Outlives the ask when that is forgotten. */
struct flight {
	struct flight *next, *previous; /* while `ask` is set, or it is spare */
	struct line *line;
	struct ask *ask;                /* NULL: nobody wants the answer */
};

struct watcher {
	void (*changed)(void *context, struct line *line, enum line_state state);
	void *context;
};

struct line {
	struct link *link;
	struct line *next;
	char *node, *address;
	uint32_t group, index;
	uint32_t incarnation;           /* lock: of the last HELLO */
	enum line_state state;          /* lock; written by set_state */
	struct asking *asking;
	const struct transport *transport;      /* NULL: no address, or one that none speaks */
	uint64_t session, number;       /* lock */
	struct ask *first, *last;       /* lock: waiting */
	struct flight *flights, *spare; /* lock */
	struct ask hello;
	char **methods, **topics;       /* lock: of the HELLO; NULL behind the last */
	bool *idempotent;
	LIST(struct watcher) watchers;
};

struct lines {
	struct line *first, *last;
	uint64_t order;                 /* lock */
};

/* ---- lines ---- */

struct line *line_find(struct link *link, uint32_t group, uint32_t index)
{
	for (struct line *line = link->lines ? link->lines->first : NULL; line; line = line->next)
		if (line->group == group && line->index == index)
			return line;
	return NULL;
}

static int fill_hello(struct ask *ask, struct frame *frame);
static void hello_done(struct ask *ask, struct frame *reply, int code);

struct line *line_to(struct link *link, const struct peer_spec *peer)
{
	struct line *line = line_find(link, peer->group, peer->index);
	if (!link->lines)
		link->lines = memory_new(sizeof *link->lines);
	if (!line) {
		struct lines *lines = link->lines;
		line = memory_new(sizeof *line);
		*line = (struct line){ .link = link, .node = memory_copy_text(peer->node), .group = peer->group,
			.index = peer->index, .incarnation = peer->incarnation };
		line->hello = (struct ask){ .line = line, .fill = fill_hello, .done = hello_done };
		lines->last = *(lines->last ? &lines->last->next : &lines->first) = line;
	}
	if (!line->address && peer->address) {
		line->address = memory_copy_text(peer->address);
		line->transport = transport_for(line->address, NULL);
	}
	return line;
}

const char *line_peer(const struct line *line)
{
	return line->node;
}

enum line_state line_state(const struct line *line)
{
	return line->state;
}

bool line_leads_to(const struct line *line, uint32_t group, uint32_t index)
{
	return line->group == group && line->index == index;
}

uint32_t line_incarnation(const struct line *line)
{
	return line->incarnation;
}

bool line_is_self(const struct line *line)
{
	return line->group == line->link->self.group && line->index == line->link->self.index;
}

const struct transport *line_transport(const struct line *line)
{
	return line->transport;
}

static int place_in(char *const *names, const char *name)
{
	for (int i = 0; names && names[i]; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

int line_topic(const struct line *line, const char *topic)
{
	return place_in(line->topics, topic);
}

int line_method(const struct line *line, const char *method, bool *idempotent)
{
	int place = place_in(line->methods, method);
	*idempotent = place >= 0 && line->idempotent[place];
	return place;
}

char *line_methods(const struct line *line)
{
	struct text text = { 0 };
	for (size_t i = 0; line->methods && line->methods[i]; i++)
		text_format(&text, "%s%s", i ? ", " : "", line->methods[i]);
	return text_take(&text);
}

void line_watch(struct line *line, void (*changed)(void *context, struct line *line, enum line_state state), void *context)
{
	*list_add(&line->watchers) = (struct watcher){ changed, context };
}

static void set_state(struct line *line, enum line_state state)
{
	if (line->state == state && state != LINE_UP)
		return;
	line->state = state;
	for (size_t i = 0; i < line->watchers.count; i++)
		line->watchers.at[i].changed(line->watchers.at[i].context, line, state);
	link_wake_waits(line->link);
	link_check(line->link);
}

/* ---- asks that wait, and flights ---- */

static void append(struct line *line, struct ask *ask)
{
	struct ask *before = line->last;        /* what is asked again goes back to its place: it is almost always the end */
	while (before && before->order > ask->order)
		before = before->previous;
	ask->previous = before;
	ask->next = before ? before->next : line->first;
	*(ask->next ? &ask->next->previous : &line->last) = ask;
	*(before ? &before->next : &line->first) = ask;
	ask->waiting = true;
}

static void take_off(struct line *line, struct ask *ask)
{
	*(ask->previous ? &ask->previous->next : &line->first) = ask->next;
	*(ask->next ? &ask->next->previous : &line->last) = ask->previous;
	ask->next = ask->previous = NULL;
	ask->waiting = false;
}

static struct flight *take_flight(struct line *line, struct ask *ask)
{
	struct flight *flight = line->spare;
	if (flight)
		line->spare = flight->next;
	else
		flight = memory_new(sizeof *flight);
	*flight = (struct flight){ .next = line->flights, .line = line, .ask = ask };
	if (flight->next)
		flight->next->previous = flight;
	line->flights = flight;
	ask->flight = flight;
	return flight;
}

static struct ask *detach(struct flight *flight)
{
	struct ask *ask = flight->ask;
	*(flight->previous ? &flight->previous->next : &flight->line->flights) = flight->next;
	if (flight->next)
		flight->next->previous = flight->previous;
	flight->ask = NULL;
	ask->flight = NULL;
	return ask;
}

static void put_back(struct flight *flight)
{
	flight->next = flight->line->spare;
	flight->line->spare = flight;
}

static void transmit(struct line *line, struct ask *ask)
{
	const struct link *link = line->link;
	struct frame frame = { .wire.deadline_ms = -1 };
	int code = ask->fill(ask, &frame);
	if (code) {
		ask->done(ask, NULL, code);
		return;
	}
	frame.wire.role = WIRE_MEMBER;
	frame.wire.group = link->self.group;
	frame.wire.index = link->self.index;
	frame.wire.incarnation = link->self.incarnation;
	frame.wire.token = link->token;
	frame.wire.session = line->session;
	if (ask->counted)
		frame.wire.number = ask->number = ++line->number;
	line->transport->ask(line->asking, &frame, take_flight(line, ask));
}

static void send_waiting(struct line *line)
{
	struct ask *ask;
	while (line->state == LINE_UP && (ask = line->first)) {
		take_off(line, ask);
		transmit(line, ask);
	}
}

void line_ask(struct line *line, struct ask *ask)
{
	ask->line = line;
	if (!ask->order)
		ask->order = ++line->link->lines->order;
	if (line->state == LINE_GONE)
		ask->done(ask, NULL, LPAD_EGONE);
	else if (line->state == LINE_UP && !line->first)
		transmit(line, ask);
	else
		append(line, ask);
}

/* ---- cancels ---- */

struct cancel {
	struct ask ask;
	uint64_t number;
};

static int fill_cancel(struct ask *ask, struct frame *frame)
{
	frame->wire.kind = WIRE_CANCEL;
	frame->wire.version = ((struct cancel *)ask)->number;
	return 0;
}

static void cancel_done(struct ask *ask, struct frame *reply, int code)
{
	(void)code;
	if (reply)
		reply->transport->frame_drop(reply);
	free(ask);
}

void line_forget(struct ask *ask, bool cancel)
{
	struct line *line = ask->line;
	if (ask->waiting)
		take_off(line, ask);
	if (!ask->flight)
		return;
	detach(ask->flight);
	if (!cancel || line->state != LINE_UP)
		return;
	struct cancel *canceling = memory_new(sizeof *canceling);
	*canceling = (struct cancel){ { .line = line, .counted = true, .fill = fill_cancel, .done = cancel_done }, ask->number };
	transmit(line, &canceling->ask);
}

/* ---- requests of lpad's own ---- */

struct own_request {
	struct ask ask;
	int kind;
	uint32_t port;
	uint64_t number;
	lpad_message *body;
	void (*done)(void *context, const struct wire *reply, const char *body, size_t size);
	void (*take)(void *context, struct frame *reply);       /* of a fetch, instead of `done` */
	void *context;
};

static int fill_own(struct ask *ask, struct frame *frame)
{
	struct own_request *request = (struct own_request *)ask;
	frame->wire.kind = (uint8_t)request->kind;
	frame->wire.port = request->port;
	frame->wire.number = request->number;
	frame->message = request->body;
	request->body = NULL;
	return 0;
}

static void own_done(struct ask *ask, struct frame *reply, int code)
{
	struct own_request *request = (struct own_request *)ask;
	(void)code;
	if (request->take)
		request->take(request->context, reply);
	else if (reply) {
		request->done(request->context, &reply->wire, reply->transport->frame_body(reply), reply->wire.size);
		reply->transport->frame_drop(reply);
	} else
		request->done(request->context, NULL, NULL, 0);
	message_free(request->body);
	free(request);
}

static void request_own(struct line *line, struct own_request request, const char *body)
{
	struct own_request *asked = memory_new(sizeof *asked);
	*asked = request;
	asked->ask = (struct ask){ .fill = fill_own, .done = own_done };
	if (body)
		asked->body = message_bytes(body, strlen(body));
	line_ask(line, &asked->ask);
}

void line_request(struct line *line, int kind, uint32_t port, uint64_t number, const char *body,
	void (*done)(void *context, const struct wire *reply, const char *body, size_t size), void *context)
{
	request_own(line, (struct own_request){ .kind = kind, .port = port, .number = number, .done = done,
		.context = context }, body);
}

void line_fetch(struct line *line, uint32_t port, const char *body, void (*take)(void *context, struct frame *reply),
	void *context)
{
	request_own(line, (struct own_request){ .kind = WIRE_FETCH, .port = port, .take = take, .context = context }, body);
}

/* ---- HELLO ---- */

static void forget_names(struct line *line)
{
	char **lists[] = { line->methods, line->topics };
	for (size_t k = 0; k < 2; k++) {
		for (size_t i = 0; lists[k] && lists[k][i]; i++)
			free(lists[k][i]);
		free(lists[k]);
	}
	free(line->idempotent);
	line->methods = line->topics = NULL;
	line->idempotent = NULL;
}

static char **read_names(const json_t *list)
{
	size_t count = json_array_size(list);
	char **names = memory_array(count + 1, sizeof *names);
	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(json_array_get(list, i));
		names[i] = memory_copy_text(name ? name : "");
	}
	return names;
}

static void read_hello(struct line *line, const json_t *body)
{
	const json_t *idempotent = json_object_get(body, "idempotent");
	forget_names(line);
	line->methods = read_names(json_object_get(body, "methods"));
	line->topics = read_names(json_object_get(body, "topics"));
	line->idempotent = memory_array(json_array_size(json_object_get(body, "methods")), sizeof *line->idempotent);
	for (size_t i = 0; i < json_array_size(idempotent); i++) {
		const char *name = json_string_value(json_array_get(idempotent, i));
		int place = name ? place_in(line->methods, name) : -1;
		if (place >= 0)
			line->idempotent[place] = true;
	}
}

static int fill_hello(struct ask *ask, struct frame *frame)
{
	json_t *body = json_pack("{s:s}", "node", ask->line->link->self.node);
	char *text = json_dumps(body, JSON_COMPACT);
	frame->wire.kind = WIRE_HELLO;
	frame->message = message_bytes(text, strlen(text));
	free(text);
	json_decref(body);
	return 0;
}

/* NULL: the peer is who it should be; else what is wrong. Frees what must be freed. */
static const char *accept_hello(struct line *line, const struct frame *reply)
{
	const struct wire *wire = &reply->wire;
	if (wire->kind != WIRE_REPLY || wire->token != line->link->token)
		return "does not belong to this run";
	if (wire->group != line->group || wire->index != line->index)
		return "is another node";
	json_t *body = json_loadb(reply->transport->frame_body(reply), wire->size, 0, NULL);
	if (!json_is_object(body)) {
		json_decref(body);
		return "answered HELLO with something else";
	}
	read_hello(line, body);
	json_decref(body);
	line->session = wire->session;
	line->number = 0;
	line->incarnation = wire->incarnation;
	return NULL;
}

static void hello_done(struct ask *ask, struct frame *reply, int code)
{
	struct line *line = ask->line;
	(void)code;
	if (!reply)
		return;                 /* the connection went again: the next one says HELLO again */
	const char *wrong = accept_hello(line, reply);
	reply->transport->frame_drop(reply);
	if (wrong)
		link_note(line->link, "what answers at the address of %s %s", line->node, wrong);
	else if (line->state != LINE_GONE && line->asking) {
		set_state(line, LINE_UP);
		send_waiting(line);
	}
}

/* ---- events of the transport ---- */

/* Everything under way is lost. What is asked again meanwhile waits, for the line is not up. */
static void drop(struct line *line)
{
	if (line->state == LINE_UP)
		set_state(line, LINE_DOWN);
	struct flight *flight;
	while ((flight = line->flights)) {
		struct ask *ask = detach(flight);
		ask->done(ask, NULL, LPAD_ELOST);
	}
}

static void on_up(void *context)
{
	struct line *line = context;
	link_lock(line->link);
	drop(line);
	if (line->asking)
		transmit(line, &line->hello);
	link_unlock(line->link);
}

static void on_down(void *context)
{
	struct line *line = context;
	link_lock(line->link);
	drop(line);
	link_unlock(line->link);
}

static void on_reply(void *context, void *token, struct frame *frame)
{
	struct line *line = context;
	struct flight *flight = token;
	link_lock(line->link);
	if (flight->ask) {
		struct ask *ask = detach(flight);
		ask->done(ask, frame, 0);
	} else
		frame->transport->frame_drop(frame);
	put_back(flight);
	link_unlock(line->link);
}

static void on_failed(void *context, void *token)
{
	struct line *line = context;
	struct flight *flight = token;
	link_lock(line->link);
	if (flight->ask)
		drop(line);
	put_back(flight);
	link_unlock(line->link);
}

static void on_malformed(void *context, void *token, const char *why)
{
	struct line *line = context;
	struct flight *flight = token;
	link_lock(line->link);
	link_note(line->link, "%s sent a malformed answer: %s", line->node, why);
	if (flight->ask) {
		struct ask *ask = detach(flight);
		ask->done(ask, NULL, LPAD_EBROKEN);
	}
	put_back(flight);
	link_unlock(line->link);
}

/* ---- life ---- */

int lines_connect(struct link *link, struct error *error)
{
	static const struct asking_events events = { on_up, on_down, on_reply, on_failed, on_malformed };
	for (struct line *line = link->lines ? link->lines->first : NULL; line; line = line->next) {
		if (!line->address)
			return error_set(error, "no address of %s is known", line->node);
		if (!transport_for(line->address, error))
			return error_wrap(error, "%s", line->node);
	}
	for (struct line *line = link->lines ? link->lines->first : NULL; line; line = line->next) {
		link_lock(link);        /* events wait until the connection is known here */
		line->asking = line->transport->ask_open(line->address, link->longest, &events, line, error);
		link_unlock(link);
		if (!line->asking)
			return error_wrap(error, "%s", line->node);
	}
	return 0;
}

size_t lines_waits_for(struct link *link, const char **names, size_t room)
{
	size_t count = 0;
	for (struct line *line = link->lines ? link->lines->first : NULL; line; line = line->next) {
		if (line->state == LINE_UP || line->state == LINE_GONE)
			continue;
		if (count < room)
			names[count] = line->node;
		count++;
	}
	return count;
}

bool line_lost(struct line *line, uint32_t incarnation, bool gone)
{
	if (line->state == LINE_GONE || (!gone && incarnation < line->incarnation))
		return false;
	set_state(line, gone ? LINE_GONE : LINE_LOST);
	drop(line);
	struct ask *ask;
	while (gone && (ask = line->first)) {
		take_off(line, ask);
		ask->done(ask, NULL, LPAD_EGONE);
	}
	return true;
}

void lines_close(struct link *link)
{
	for (struct line *line = link->lines ? link->lines->first : NULL; line; line = line->next) {
		link_lock(link);
		struct asking *asking = line->asking;
		line->asking = NULL;
		drop(line);
		link_unlock(link);
		if (asking)
			line->transport->ask_close(asking);
	}
}

static void free_line(struct line *line)
{
	struct ask *ask;
	while ((ask = line->first)) {   /* a request of lpad's own: calls have ended; who made it is gone too */
		struct own_request *request = (struct own_request *)ask;
		take_off(line, ask);
		message_free(request->body);
		free(request);
	}
	for (struct flight *flight = line->spare, *next; flight; flight = next) {
		next = flight->next;
		free(flight);
	}
	forget_names(line);
	list_release(&line->watchers);
	free(line->node);
	free(line->address);
	free(line);
}

void lines_free(struct link *link)
{
	struct line *next;
	for (struct line *line = link->lines ? link->lines->first : NULL; line; line = next) {
		next = line->next;
		free_line(line);
	}
	free(link->lines);
	link->lines = NULL;
}
