/* SPDX-License-Identifier: MIT */
/*
 * Lines to peers. A connection that comes up begins with HELLO; its answer makes the line up and starts a session, in which
 * calls and cancels are numbered from 1. Nothing is handed to the transport while the line is not up, so that "never sent" is
 * true of what waits here. When the connection goes, everything under way is lost at once.
 */
#include "link/line.h"

#include <stdlib.h>

#include "base/memory.h"

/* ---- lines ---- */

struct line *line_find(struct link *link, uint32_t group, uint32_t index)
{
	for (struct line *line = link->lines ? link->lines->first : NULL; line; line = line->next)
		if (line->group == group && line->index == index)
			return line;
	return NULL;
}

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

struct peer_spec line_spec(const struct line *line)
{
	return (struct peer_spec){ line->node, line->group, line->index, line->incarnation, NULL };
}

bool line_is_self(const struct line *line)
{
	return line->group == line->link->self.group && line->index == line->link->self.index;
}

const struct transport *line_transport(const struct line *line)
{
	return atomic_load_explicit(&line->transport, memory_order_relaxed);
}

void line_watch(struct line *line, void (*changed)(void *context, struct line *line, enum line_state state), void *context)
{
	*list_add(&line->watchers) = (struct watcher){ changed, context };
}

void line_set_state(struct line *line, enum line_state state)
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

static struct flight *take_flight(struct connection *connection, struct ask *ask)
{
	struct flight *flight = connection->spare;
	if (flight)
		connection->spare = flight->next;
	else {
		flight = memory_new(sizeof *flight);
		flight->all = connection->all;
		connection->all = flight;
	}
	*flight = (struct flight){ .all = flight->all, .next = connection->flights, .connection = connection, .ask = ask };
	if (flight->next)
		flight->next->previous = flight;
	connection->flights = flight;
	ask->flight = flight;
	return flight;
}

struct ask *line_land(struct flight *flight)
{
	struct ask *ask = flight->ask;
	*(flight->previous ? &flight->previous->next : &flight->connection->flights) = flight->next;
	if (flight->next)
		flight->next->previous = flight->previous;
	flight->ask = NULL;
	ask->flight = NULL;
	return ask;
}

void line_transmit(struct line *line, struct ask *ask)
{
	const struct link *link = line->link;
	struct frame frame = { .wire.deadline_ms = -1 };
	int code = ask->fill(ask, &frame);
	if (code) {
		ask->done(ask, NULL, code);
		return;
	}
	frame.wire.role = link->observer ? WIRE_OBSERVER : WIRE_MEMBER;
	frame.wire.group = link->self.group;
	frame.wire.index = link->self.index;
	frame.wire.incarnation = link->self.incarnation;
	frame.wire.token = link->token;
	frame.wire.session = line->session;
	if (ask->counted)
		frame.wire.number = ask->number = ++line->number;
	line->transport->ask(line->connection->asking, &frame, take_flight(line->connection, ask));
}

bool line_is_leaving(const struct line *line)
{
	return line->leaving && line->leaving == line->incarnation;
}

void line_leaves(struct line *line)
{
	line->leaving = line->incarnation;
}

/* Calls wait for who comes next; lpad's own requests are among what the one that leaves waits for. */
static bool is_held_back(const struct line *line, const struct ask *ask)
{
	return ask->counted && line_is_leaving(line);
}

static struct ask *first_to_go(const struct line *line)
{
	struct ask *ask = line->first;
	while (ask && is_held_back(line, ask))
		ask = ask->next;
	return ask;
}

void line_send_waiting(struct line *line)
{
	struct ask *ask;
	while (line->state == LINE_UP && (ask = first_to_go(line))) {
		take_off(line, ask);
		line_transmit(line, ask);
	}
}

/* What is asked again meanwhile waits, for the line is not up. */
void line_drop(struct line *line)
{
	struct flight *flight;
	if (line->state == LINE_UP)
		line_set_state(line, LINE_DOWN);
	while (line->connection && (flight = line->connection->flights)) {
		struct ask *ask = line_land(flight);
		ask->done(ask, NULL, LPAD_ELOST);
	}
}

void line_give_up(struct line *line)
{
	struct ask *ask;
	while ((ask = line->first)) {
		take_off(line, ask);
		ask->done(ask, NULL, LPAD_EGONE);
	}
}

void line_ask(struct line *line, struct ask *ask)
{
	ask->line = line;
	if (!ask->order)
		ask->order = ++line->link->lines->order;
	if (line->state == LINE_GONE)
		ask->done(ask, NULL, LPAD_EGONE);
	else if (line->state == LINE_UP && !is_held_back(line, ask) && !first_to_go(line))
		line_transmit(line, ask);
	else
		append(line, ask);
}

bool line_is_asked(const struct ask *ask)
{
	return ask->flight && ask->line->state == LINE_UP;
}

void line_forget(struct ask *ask, bool cancel)
{
	struct line *line = ask->line;
	if (ask->waiting)
		take_off(line, ask);
	if (!ask->flight)
		return;
	line_land(ask->flight);
	if (cancel && line->state == LINE_UP)
		line_cancel(line, ask->number);
}

size_t lines_waits_for(struct link *link, const char **names, size_t room)
{
	size_t count = 0;
	for (struct line *line = link->lines ? link->lines->first : NULL; line; line = line->next) {
		if (line->state != LINE_DOWN)
			continue;               /* one that is dead just now is not waited for */
		if (count < room)
			names[count] = line->node;
		count++;
	}
	return count;
}

static void free_line(struct line *line)
{
	struct ask *ask;
	while ((ask = line->first)) {   /* a request of lpad's own: calls have ended; who made it is gone too */
		take_off(line, ask);
		line_free_request(ask);
	}
	line_forget_names(line);
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
