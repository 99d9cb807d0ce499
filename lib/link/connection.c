/* SPDX-License-Identifier: MIT */
/*
 * The connections of lines. Each incarnation of a peer has an address of its own, and gets a connection of its own. That of a dead
 * one is left to itself: closing it may take as long as a child of the dead keeps it open.
 */
#include "link/line.h"

#include <stdlib.h>

#include "base/memory.h"

/* ---- events of the transport ---- */

static void on_up(void *context)
{
	struct connection *connection = context;
	link_lock(connection->link);
	if (connection->line) {
		line_drop(connection->line);
		line_hello(connection->line);
	}
	link_unlock(connection->link);
}

static void on_down(void *context)
{
	struct connection *connection = context;
	link_lock(connection->link);
	if (connection->line)
		line_drop(connection->line);
	link_unlock(connection->link);
}

static void put_back(struct flight *flight)
{
	flight->next = flight->connection->spare;
	flight->connection->spare = flight;
}

static void on_reply(void *context, void *token, struct frame *frame)
{
	struct connection *connection = context;
	struct flight *flight = token;
	link_lock(connection->link);
	if (flight->ask) {
		struct ask *ask = line_land(flight);
		ask->done(ask, frame, 0);
	} else
		frame->transport->frame_drop(frame);
	put_back(flight);
	link_unlock(connection->link);
}

static void on_failed(void *context, void *token)
{
	struct connection *connection = context;
	struct flight *flight = token;
	link_lock(connection->link);
	if (flight->ask)                /* so it was not abandoned */
		line_drop(connection->line);
	put_back(flight);
	link_unlock(connection->link);
}

static void on_malformed(void *context, void *token, const char *why)
{
	struct connection *connection = context;
	struct flight *flight = token;
	link_lock(connection->link);
	if (connection->line)
		link_note(connection->link, "%s sent a malformed answer: %s", connection->line->node, why);
	if (flight->ask) {
		struct ask *ask = line_land(flight);
		ask->done(ask, NULL, LPAD_EBROKEN);
	}
	put_back(flight);
	link_unlock(connection->link);
}

/* ---- life ---- */

/* Lock held: events wait until the connection is known. */
static int open_connection(struct line *line, struct error *error)
{
	static const struct asking_events events = { on_up, on_down, on_reply, on_failed, on_malformed };
	const struct transport *transport = transport_for(line->address, error);
	if (!transport)
		return error_wrap(error, "%s", line->node);
	struct connection *connection = memory_new(sizeof *connection);
	*connection = (struct connection){ .link = line->link, .line = line, .transport = transport };
	connection->asking = transport->ask_open(line->address, line->link->longest, &events, connection, error);
	if (!connection->asking) {
		free(connection);
		return error_wrap(error, "%s", line->node);
	}
	line->connection = connection;
	return 0;
}

static void free_connection(struct connection *connection)
{
	for (struct flight *flight = connection->all, *next; flight; flight = next) {
		next = flight->all;
		free(flight);
	}
	free(connection);
}

static void on_closed(void *context)
{
	struct connection *connection = context;
	struct link *link = connection->link;
	free_connection(connection);
	link_let_go(link);
}

static struct connection *leave_connection(struct line *line)
{
	struct connection *connection = line->connection;
	line_drop(line);
	line->connection = NULL;
	if (connection)
		connection->line = NULL;
	return connection;
}

static void abandon(struct line *line)
{
	struct connection *connection = leave_connection(line);
	if (connection) {
		link_keep(line->link);
		connection->transport->ask_abandon(connection->asking, on_closed, connection);
	}
	free(line->address);
	line->address = NULL;
	line->transport = NULL;
}

int lines_connect(struct link *link, struct error *error)
{
	int code = 0;
	for (struct line *line = link->lines ? link->lines->first : NULL; line && !code; line = line->next) {
		link_lock(link);
		if (line->address && !line->connection)
			code = open_connection(line, error);
		link_unlock(link);
	}
	return code;
}

void lines_close(struct link *link)
{
	for (struct line *line = link->lines ? link->lines->first : NULL; line; line = line->next) {
		link_lock(link);
		struct connection *connection = leave_connection(line);
		link_unlock(link);
		if (!connection)
			continue;
		connection->transport->ask_close(connection->asking);
		free_connection(connection);
	}
}

/* ---- the supervisor's word ---- */

bool line_lost(struct line *line, uint32_t incarnation, bool gone)
{
	bool known = incarnation < line->incarnation || (incarnation == line->incarnation && line->state == LINE_LOST);
	if (line->state == LINE_GONE || (!gone && known))
		return false;
	if (incarnation > line->incarnation)
		line->incarnation = incarnation;
	line_set_state(line, gone ? LINE_GONE : LINE_LOST);
	abandon(line);
	if (gone)
		line_give_up(line);
	return true;
}

int line_found(struct line *line, uint32_t incarnation, const char *address, struct error *error)
{
	bool down = line->state == LINE_LOST || line->state == LINE_GONE;       /* gone: the user had it started again after all */
	bool dead = incarnation < line->incarnation || (incarnation == line->incarnation && down);
	bool news = incarnation > line->incarnation || !line->address || !address || strcmp(address, line->address) != 0;
	if (dead || !news)
		return 0;
	const struct transport *transport = address ? transport_for(address, error) : NULL;
	if (address && !transport)
		return error_wrap(error, "%s", line->node);
	line->incarnation = incarnation;
	line_set_state(line, LINE_DOWN);
	abandon(line);
	line->transport = transport;
	line->address = memory_copy_text(address);
	return transport && line->link->connected ? open_connection(line, error) : 0;
}
