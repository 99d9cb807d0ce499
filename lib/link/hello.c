/* SPDX-License-Identifier: MIT */
/* HELLO from the caller's side: who is at the other end, and what it offers. */
#include "link/line.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/memory.h"
#include "link/body.h"

/* ---- names ---- */

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

void line_forget_names(struct line *line)
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
		names[i] = body_printable(memory_copy_text(name ? name : ""));
	}
	return names;
}

static void read_hello(struct line *line, const json_t *body)
{
	const json_t *idempotent = json_object_get(body, "idempotent");
	line_forget_names(line);
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

/* ---- asking and answering ---- */

static int fill_hello(struct ask *ask, struct frame *frame)
{
	json_t *body = json_pack("{s:s}", "node", ask->line->link->self.node);
	char *text = json_dumps(body, JSON_COMPACT);
	frame->wire.kind = WIRE_HELLO;
	frame->wire.number = ++ask->line->hellos;
	frame->message = message_bytes(text, strlen(text));
	free(text);
	json_decref(body);
	return 0;
}

/* NULL: the peer is who it should be; else what is wrong. */
static const char *accept_hello(struct line *line, const struct frame *reply)
{
	const struct wire *wire = &reply->wire;
	if (wire->token != line->link->token)
		return "does not belong to this run";
	if (wire->group != line->group || wire->index != line->index)
		return "is another node";
	if (wire->incarnation < line->incarnation)
		return "is one of its earlier incarnations";
	json_t *body = wire->kind == WIRE_REPLY ? json_loadb(reply->transport->frame_body(reply), wire->size, 0, NULL) : NULL;
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

/* It takes this node for one that is dead, or for an older one of its incarnations. */
static bool was_refused(struct line *line, const struct frame *reply)
{
	const struct wire *wire = &reply->wire;
	if (wire->kind != WIRE_ERROR || wire->token != line->link->token)
		return false;
	link_note(line->link, "%s refused a HELLO: %.*s", line->node, (int)(wire->size < 200 ? wire->size : 200),
		(const char *)reply->transport->frame_body(reply));
	return true;
}

static void hello_done(struct ask *ask, struct frame *reply, int code)
{
	struct line *line = ask->line;
	(void)code;
	if (!reply)
		return;                 /* the connection went again: the next one says HELLO again */
	bool refused = was_refused(line, reply);
	const char *wrong = refused ? NULL : accept_hello(line, reply);
	reply->transport->frame_drop(reply);
	if (wrong)
		link_note(line->link, "what answers at the address of %s %s", line->node, wrong);
	if (wrong || refused)
		return;
	line_set_state(line, LINE_UP);
	line_send_waiting(line);
}

void line_hello(struct line *line)
{
	line->hello = (struct ask){ .line = line, .fill = fill_hello, .done = hello_done };
	line_transmit(line, &line->hello);
}
