/* SPDX-License-Identifier: MIT */
#include "link/conform.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "link/body.h"

int conform_read(const char *text, struct signature *out, const char *port, struct error *error)
{
	return signature_parse(text, out, error) ? error_wrap(error, "%s", port) : 0;
}

static enum signature_kind kind_of(const lpad_message *message)
{
	switch (message_kind(message)) {
	case LPAD_JSON: return SIGNATURE_JSON;
	case LPAD_TENSORS: return SIGNATURE_TENSORS;
	default: return SIGNATURE_BYTES;        /* nothing at all is no bytes */
	}
}

static void copy_tensor(struct signature_tensor *to, const struct tensor *from)
{
	*to = (struct signature_tensor){ .name = from->name, .dtype = tensor_types[from->type].shown, .rank = from->rank };
	for (int i = 0; i < from->rank; i++)
		to->shape[i] = from->shape[i];
}

char *conform_wrong(const struct signature *signature, const lpad_message *message)
{
	enum { FEW = 16 };
	struct signature_tensor few[FEW], *many = NULL;
	if (signature->kind == SIGNATURE_ANY)
		return NULL;
	struct signature_content content = { .kind = kind_of(message), .size = message_size(message) };
	content.count = content.kind == SIGNATURE_TENSORS ? message->tensors.list.count : 0;
	if (content.count > FEW)
		many = memory_array(content.count, sizeof *many);
	for (size_t i = 0; i < content.count; i++)
		copy_tensor(many ? &many[i] : &few[i], &message->tensors.list.at[i]);
	content.tensors = many ? many : few;
	char *wrong = signature_mismatch(signature, &content);
	free(many);
	return wrong;
}

static void show_tensor(struct text *out, const struct tensor *tensor)
{
	text_format(out, "%s %s", tensor_shown(tensor->name).text, tensor_types[tensor->type].shown);
	for (int i = 0; i < tensor->rank; i++)
		text_format(out, "%s%" PRId64, i ? "," : "[", tensor->shape[i]);
	text_add(out, tensor->rank ? "]" : "");
}

char *conform_show(const lpad_message *message)
{
	enum { SHOWN = 5 };
	struct text out = { 0 };
	if (message_kind(message) == LPAD_JSON)
		return memory_copy_text("json");
	if (message_kind(message) != LPAD_TENSORS)
		return message_size(message) ? memory_format("%zu bytes", message_size(message)) : memory_copy_text("nothing");
	size_t count = message->tensors.list.count;
	if (!count)
		return memory_copy_text("no tensors");
	for (size_t i = 0; i < count && i < SHOWN; i++) {
		text_add(&out, i ? ", " : "`");
		show_tensor(&out, &message->tensors.list.at[i]);
	}
	text_add_char(&out, '`');
	if (count > SHOWN)
		text_format(&out, " and %zu more", count - SHOWN);
	return text_take(&out);
}
