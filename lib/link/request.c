/* SPDX-License-Identifier: MIT */
/* Requests of lpad's own over a line. */
#include "link/line.h"

#include <stdlib.h>

#include "base/memory.h"

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

void line_cancel(struct line *line, uint64_t number)
{
	struct cancel *cancel = memory_new(sizeof *cancel);
	*cancel = (struct cancel){ { .line = line, .counted = true, .fill = fill_cancel, .done = cancel_done }, number };
	line_transmit(line, &cancel->ask);
}

/* ---- what the pieces ask ---- */

struct own_request {
	struct ask ask;
	int kind;
	uint32_t port;
	uint64_t number, about;
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
	frame->wire.version = request->about;
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
	line_free_request(ask);
}

void line_free_request(struct ask *ask)
{
	struct own_request *request = (struct own_request *)ask;
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

void line_request_about(struct line *line, int kind, uint64_t number, const char *body,
	void (*done)(void *context, const struct wire *reply, const char *body, size_t size), void *context)
{
	request_own(line, (struct own_request){ .kind = kind, .about = number, .done = done, .context = context }, body);
}

void line_fetch(struct line *line, uint32_t port, const char *body, void (*take)(void *context, struct frame *reply),
	void *context)
{
	request_own(line, (struct own_request){ .kind = WIRE_FETCH, .port = port, .take = take, .context = context }, body);
}
