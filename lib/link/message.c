/* SPDX-License-Identifier: MIT */
#include "link/message.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "link/body.h"

/* ---- life ---- */

bool body_fits(size_t size)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	if (pages <= 0 || page <= 0)
		return true;
	return size / (size_t)page < (size_t)pages;
}

lpad_message *body_new_behind(int kind, size_t spare, size_t size)
{
	lpad_message *message = memory_new(sizeof *message);
	/* The NUL behind the last byte makes every body safe to print. */
	if (size >= SIZE_MAX - spare || posix_memalign(&message->block, BODY_ALIGNED, spare + size + 1))
		memory_resize(NULL, SIZE_MAX, 1);       /* says that memory is out, and ends */
	message->body = (unsigned char *)message->block + spare;
	message->body[size] = '\0';
	message->kind = kind;
	message->size = size;
	message->sender.index = -1;
	atomic_init(&message->references, 1);
	atomic_init(&message->sealed, false);
	return message;
}

lpad_message *body_new(int kind, size_t size)
{
	return body_new_behind(kind, 0, size);
}

lpad_message *message_bytes(const void *data, size_t size)
{
	lpad_message *message = body_new(LPAD_BYTES, size);
	if (!data)
		memset(message->body, 0, size);
	else if (size)
		memcpy(message->body, data, size);
	return message;
}

lpad_message *message_json(const char *text)
{
	struct error error;
	if (!text) {
		fault_set(LPAD_EINVALID, "no JSON text was given");
		return NULL;
	}
	size_t length = strlen(text);
	lpad_message *message = body_new(LPAD_JSON, length);
	memcpy(message->body, text, length);
	if (!body_check_json(message, &error))
		return message;
	fault_set(LPAD_EINVALID, "%s", error.text);
	message_free(message);
	return NULL;
}

lpad_message *message_broken(void)
{
	lpad_message *message = body_new(0, 0);
	message->broken_code = fault_code() ? fault_code() : LPAD_EINVALID;
	message->broken = memory_copy_text(fault_text());
	message_seal(message);
	return message;
}

int message_refused(const lpad_message *message)
{
	return message && message->broken ? fault_set(message->broken_code, "%s", message->broken) : 0;
}

lpad_message *message_share(const lpad_message *message)
{
	lpad_message *own = (lpad_message *)message;
	if (!own)
		return NULL;
	message_seal(own);
	atomic_fetch_add_explicit(&own->references, 1, memory_order_relaxed);
	return own;
}

void message_free(const lpad_message *message)
{
	lpad_message *own = (lpad_message *)message;
	if (!own || atomic_fetch_sub_explicit(&own->references, 1, memory_order_acq_rel) != 1)
		return;
	if (own->whole)
		message_free(own->whole);
	else
		tensors_release(&own->tensors);
	free(own->sender.name);
	free(own->broken);
	free(own->block);
	free(own);
}

void message_seal(lpad_message *message)
{
	if (message)
		atomic_store_explicit(&message->sealed, true, memory_order_release);
}

/* What was passed before is shown directly: no chain keeps more than the one body. */
lpad_message *message_pass(const lpad_message *message, const char *sender, int index, int incarnation)
{
	lpad_message *passed;
	if (!message)
		passed = body_new(LPAD_BYTES, 0);
	else {
		passed = memory_new(sizeof *passed);
		passed->whole = message_share(message->whole ? message->whole : message);
		passed->kind = message->kind;
		passed->size = message->size;
		passed->body = message->body;
		passed->tensors = message->tensors;
		passed->broken = memory_copy_text(message->broken);
		passed->broken_code = message->broken_code;
		atomic_init(&passed->references, 1);
	}
	passed->sender = (struct sender){ memory_copy_text(sender), index, incarnation };
	message_seal(passed);
	return passed;
}

/* ---- receiving ---- */

lpad_message *message_receive(int kind, size_t size, const char *sender, int index, int incarnation)
{
	lpad_message *message = body_new(kind ? kind : LPAD_BYTES, size);       /* no content: nothing of bytes */
	message->sender = (struct sender){ memory_copy_text(sender), index, incarnation };
	return message;
}

void *message_room(lpad_message *message)
{
	return message->body;
}

char *body_printable(char *text)
{
	for (char *at = text; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '?';
	return text;
}

/* Depth, stray NULs and broken UTF-8 are jansson's refusals. Integers of any size are JSON. */
int body_check_json(const lpad_message *message, struct error *error)
{
	json_error_t wrong;
	json_t *value = json_loadb((const char *)message->body, message->size,
		JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &wrong);
	if (!value)
		return error_set(error, "not one JSON text: %s, at byte %d", body_printable(wrong.text), wrong.position);
	json_decref(value);
	return 0;
}

static int check_body(lpad_message *message, struct error *error)
{
	switch (message->kind) {
	case LPAD_BYTES: return 0;
	case LPAD_JSON: return body_check_json(message, error);
	case LPAD_TENSORS: break;
	default: return error_set(error, "kind %d is unknown", message->kind);
	}
	if (tensors_decode(message, error))
		return -1;
	if (tensors_meta(&message->tensors, BODY_KIND))
		return error_set(error, "the metadata key \"" BODY_KIND "\" is reserved for files");
	return 0;
}

lpad_message *message_accept(lpad_message *message, struct error *error)
{
	static const char *const names[] = { [LPAD_BYTES] = "bytes", [LPAD_JSON] = "json", [LPAD_TENSORS] = "tensors" };
	struct error wrong = { 0 };
	if (!check_body(message, &wrong)) {
		message_seal(message);
		return message;
	}
	bool known = message->kind > 0 && message->kind <= LPAD_TENSORS;
	error_code(error, LPAD_EBROKEN, "%s sent a malformed message (%s, %zu bytes): %s",
		message->sender.name ? message->sender.name : "the peer",
		known ? names[message->kind] : "unknown", message->size, wrong.text);
	message_free(message);
	return NULL;
}

/* ---- reading and writing ---- */

static const char *kind_name(const lpad_message *message)
{
	switch (message_kind(message)) {
	case LPAD_BYTES: return "bytes";
	case LPAD_JSON: return "json";
	case LPAD_TENSORS: return "tensors";
	default: return "nothing";
	}
}

int message_kind(const lpad_message *message)
{
	return message ? message->kind : 0;
}

size_t message_size(const lpad_message *message)
{
	return message ? message->size : 0;
}

const void *message_content(const lpad_message *message)
{
	return message ? message->body : NULL;
}

void *message_fill(lpad_message *message)
{
	if (message_kind(message) != LPAD_BYTES) {
		fault_set(LPAD_EINVALID, "only a message of bytes can be filled as a whole, not %s", kind_name(message));
		return NULL;
	}
	if (atomic_load_explicit(&message->sealed, memory_order_acquire)) {
		fault_set(LPAD_EINVALID, "the message was sent, shared or received: it can only be read");
		return NULL;
	}
	return message->body;
}

/* "replay/0 sent 12 bytes", or "the message holds 12 bytes" of one's own. */
static const char *holds(const lpad_message *message)
{
	return *message_sender(message) ? " sent" : "the message holds";
}

const void *message_body(const lpad_message *message, size_t expected)
{
	if (message_kind(message) == LPAD_BYTES && message->size == expected)
		return message->body;
	if (!message)
		fault_set(LPAD_EINVALID, "there is no message; expected %zu bytes", expected);
	else if (message->kind == LPAD_BYTES)
		fault_set(LPAD_EINVALID, "%s%s %zu bytes; expected %zu", message_sender(message), holds(message),
			message->size, expected);
	else
		fault_set(LPAD_EINVALID, "%s%s %s; expected %zu bytes", message_sender(message), holds(message),
			kind_name(message), expected);
	return NULL;
}

const char *message_json_text(const lpad_message *message)
{
	if (message_kind(message) == LPAD_JSON)
		return (const char *)message->body;
	if (!message)
		fault_set(LPAD_EINVALID, "there is no message; expected json");
	else
		fault_set(LPAD_EINVALID, "%s%s %s; expected json", message_sender(message), holds(message), kind_name(message));
	return NULL;
}

const char *message_sender(const lpad_message *message)
{
	return message && message->sender.name ? message->sender.name : "";
}

int message_sender_index(const lpad_message *message)
{
	return message ? message->sender.index : -1;
}

int message_sender_incarnation(const lpad_message *message)
{
	return message ? message->sender.incarnation : 0;
}
