/* SPDX-License-Identifier: MIT */
#include "link/message_convert.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/signature.h"
#include "base/text.h"
#include "link/body.h"
#include "link/element.h"

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* ---- base64 ---- */

static void add_base64(struct text *out, const unsigned char *data, size_t size)
{
	for (size_t i = 0; i < size; i += 3) {
		unsigned bits = (unsigned)data[i] << 16 | (i + 1 < size ? (unsigned)data[i + 1] << 8 : 0)
			| (i + 2 < size ? data[i + 2] : 0u);
		for (size_t j = 0; j < 4; j++)
			text_add_char(out, i + j > size ? '=' : digits64[bits >> (18 - 6 * j) & 63]);
	}
}

/* Its length is left in *size; NULL: it is no base64. Caller frees. */
static unsigned char *read_base64(const char *text, size_t *size)
{
	size_t length = strlen(text), padding = text_ends(text, "==") ? 2 : text_ends(text, "=") ? 1 : 0;
	unsigned char *out = memory_new(length / 4 * 3 + 1);
	unsigned bits = 0;
	*size = length / 4 * 3 - (length ? padding : 0);
	bool good = length % 4 == 0;
	for (size_t i = 0; i < length && good; i++) {
		const char *digit = i < length - padding ? strchr(digits64, text[i]) : digits64;
		good = digit;
		bits = bits << 6 | (unsigned)(good ? digit - digits64 : 0);
		for (size_t j = 0; i % 4 == 3 && j < 3; j++)
			out[i / 4 * 3 + j] = (unsigned char)(bits >> (16 - 8 * j));
	}
	if (good)
		return out;
	free(out);
	return NULL;
}

/* ---- reading ---- */

static lpad_message *bytes_from(const char *text, int64_t wanted, struct error *error)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	const char *digits = json_is_null(json) ? "" : json_string_value(json_object_get(json, "bytes"));
	size_t size = 0;
	unsigned char *cleanup_free data = digits ? read_base64(digits, &size) : NULL;
	lpad_message *message = NULL;
	if (!digits || (json_is_object(json) && json_object_size(json) != 1))
		error_set(error, "bytes are written {\"bytes\": \"...\"}, in base64");
	else if (!data)
		error_set(error, "bytes: what stands in quotes is no base64");
	else if (wanted >= 0 && (uint64_t)wanted != size)
		error_set(error, "bytes: %zu where %lld are expected", size, (long long)wanted);
	else
		message = message_bytes(data, size);
	json_decref(json);
	return message;
}

lpad_message *message_from_json(const char *text, const char *signature, struct error *error)
{
	struct signature read;
	lpad_message *message;
	if (signature_parse(signature, &read, error))
		return NULL;
	if (read.kind == SIGNATURE_TENSORS)
		message = convert_tensors(text ? text : "", &read, error);
	else if (read.kind == SIGNATURE_BYTES)
		message = bytes_from(text, read.size, error);
	else if (!(message = message_json(text)))
		error_set(error, "%s", fault_text());
	signature_release(&read);
	return message;
}

/* ---- writing ---- */

static void add_quoted(struct text *out, const char *text)
{
	json_t *value = json_string(text);
	char *cleanup_free quoted = json_dumps(value, JSON_ENCODE_ANY);
	text_add(out, quoted);
	json_decref(value);
}

/* The lists that a tensor is written as: without a single element there may still be very many. */
static bool has_too_many_lists(const struct tensor *tensor)
{
	int64_t lists = 1;
	for (int i = 0; i < tensor->rank && lists > 0; i++)
		if (__builtin_mul_overflow(lists, tensor->shape[i], &lists) || lists > CONVERT_MOST)
			return true;
	return false;
}

static int check_size(const lpad_message *message, struct error *error)
{
	bool many = message_size(message) > CONVERT_MOST;
	for (int i = 0; i < message_tensor_count(message) && !many; i++)
		many = has_too_many_lists(&message->tensors.list.at[i]);
	return many ? error_code(error, LPAD_ETOOBIG, "a message of %zu bytes is too large to be shown as JSON; the most are %d",
		message_size(message), CONVERT_MOST) : 0;
}

static const unsigned char *add_items(struct text *out, const struct tensor *tensor, int depth, const unsigned char *at)
{
	if (depth == tensor->rank) {
		element_write(tensor->type, at, out);
		return at + tensor_types[tensor->type].size;
	}
	text_add_char(out, '[');
	for (int64_t i = 0; i < tensor->shape[depth]; i++) {
		text_add(out, i ? ", " : "");
		at = add_items(out, tensor, depth + 1, at);
	}
	text_add_char(out, ']');
	return at;
}

static void add_meta(struct text *out, const struct tensors *tensors)
{
	for (size_t i = 0; i < tensors->meta.count; i++) {
		text_add(out, i ? ", " : "\"__metadata__\": {");
		add_quoted(out, tensors->meta.at[i].key);
		text_add(out, ": ");
		add_quoted(out, tensors->meta.at[i].value);
	}
	text_add(out, tensors->meta.count ? "}" : "");
}

static void add_tensors(struct text *out, const lpad_message *message)
{
	const struct tensors *tensors = &message->tensors;
	text_add_char(out, '{');
	for (size_t i = 0; i < tensors->list.count; i++) {
		const struct tensor *tensor = &tensors->list.at[i];
		text_add(out, i ? ", " : "");
		add_quoted(out, tensor->name);
		text_add(out, ": ");
		add_items(out, tensor, 0, message->body + tensors->data + tensor->begin);
	}
	text_add(out, tensors->list.count && tensors->meta.count ? ", " : "");
	add_meta(out, tensors);
	text_add_char(out, '}');
}

char *message_to_json(const lpad_message *message, struct error *error)
{
	struct text out = { 0 };
	if (check_size(message, error))
		return NULL;
	if (message_kind(message) == LPAD_JSON) {
		text_add(&out, message_json_text(message));
	} else if (message_kind(message) == LPAD_TENSORS) {
		add_tensors(&out, message);
	} else if (message_size(message)) {
		text_add(&out, "{\"bytes\": \"");
		add_base64(&out, message_content(message), message_size(message));
		text_add(&out, "\"}");
	} else {
		text_add(&out, "null");
	}
	return text_take(&out);
}

/* ---- showing ---- */

enum { FEW_ELEMENTS = 16, FIRST_ELEMENTS = 8, FEW_BYTES = 200, FIRST_BYTES = 96 };

static size_t elements_of(const struct tensor *tensor)
{
	return tensor->size / tensor_types[tensor->type].size;
}

/* Without a single element there may still be very many lists. */
static bool is_long(const struct tensor *tensor)
{
	return elements_of(tensor) > FEW_ELEMENTS || (!elements_of(tensor) && tensor->rank > 1);
}

static void add_cut_tensor(struct text *out, const struct tensor *tensor, const unsigned char *data)
{
	text_format(out, "{\"dtype\": \"%s\", \"shape\": [", tensor_types[tensor->type].shown);
	for (int i = 0; i < tensor->rank; i++)
		text_format(out, "%s%lld", i ? ", " : "", (long long)tensor->shape[i]);
	text_add(out, "], \"first\": [");
	for (size_t i = 0; i < FIRST_ELEMENTS && i < elements_of(tensor); i++) {
		text_add(out, i ? ", " : "");
		element_write(tensor->type, data + i * tensor_types[tensor->type].size, out);
	}
	text_add(out, "]}");
}

static void add_shown_tensors(struct text *out, const lpad_message *message)
{
	const struct tensors *tensors = &message->tensors;
	text_add_char(out, '{');
	for (size_t i = 0; i < tensors->list.count; i++) {
		const struct tensor *tensor = &tensors->list.at[i];
		const unsigned char *data = message->body + tensors->data + tensor->begin;
		text_add(out, i ? ", " : "");
		add_quoted(out, tensor->name);
		text_add(out, ": ");
		if (is_long(tensor))
			add_cut_tensor(out, tensor, data);
		else
			add_items(out, tensor, 0, data);
	}
	text_add(out, tensors->list.count && tensors->meta.count ? ", " : "");
	add_meta(out, tensors);
	text_add_char(out, '}');
}

/* NULL: they are no text. Caller frees. `most` may cut a character in two. */
static char *readable(const unsigned char *bytes, size_t size, size_t most)
{
	size_t length = size < most ? size : most;
	for (size_t i = 0; i < length; i++)
		if (bytes[i] < ' ' && !strchr("\t\r\n", bytes[i]))
			return NULL;
	while (length < size && length && (bytes[length] & 0xc0) == 0x80)
		length--;
	json_t *value = memchr(bytes, 0, length) ? NULL : json_stringn((const char *)bytes, length);
	char *out = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
	json_decref(value);
	return out;
}

static void add_shown_bytes(struct text *out, const lpad_message *message, bool full)
{
	const unsigned char *bytes = message_content(message);
	size_t size = message_size(message);
	bool cut = !full && size > FEW_BYTES;
	char *cleanup_free text = readable(bytes, size, cut ? FIRST_BYTES : size);
	text_format(out, "{\"%s\": %s", text ? "text" : "bytes", text ? text : "\"");
	if (!text) {
		add_base64(out, bytes, cut ? FIRST_BYTES : size);
		text_add_char(out, '"');
	}
	if (cut)
		text_format(out, ", \"size\": %zu", size);
	text_add_char(out, '}');
}

/* Line ends stand between values only: in strings they are escaped. */
static void add_on_one_line(struct text *out, const char *json)
{
	for (size_t length; *json; json += length + (json[length] != 0)) {
		length = strcspn(json, "\r\n");
		text_add_span(out, json, length);
		text_add(out, json[length] ? " " : "");
	}
}

char *message_show(const lpad_message *message, bool full)
{
	struct text out = { 0 };
	struct error error = { 0 };
	if (message_kind(message) == LPAD_TENSORS && !full)
		add_shown_tensors(&out, message);
	else if (check_size(message, &error))
		text_format(&out, "{\"size\": %zu}", message_size(message));
	else if (message_kind(message) == LPAD_TENSORS)
		add_tensors(&out, message);
	else if (message_kind(message) == LPAD_JSON)
		add_on_one_line(&out, message_json_text(message));
	else if (message_size(message))
		add_shown_bytes(&out, message, full);
	else
		text_add(&out, "null");
	return text_take(&out);
}
