/* SPDX-License-Identifier: MIT */
/* The header of tensors: the safetensors format as text, written and read. What is read is not trusted. */
#include "link/body.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
	LENGTH_BYTES = 8,
	HEADER_MOST = 100 * 1000 * 1000,        /* the format's own bound: parsing takes many times as much memory */
	DIGITS = 20                             /* of an int64_t */
};

/* By enum lpad_dtype: the format's name, ours, and the element's size. */
const struct tensor_type tensor_types[] = {
	[LPAD_BOOL8] = { "BOOL", "bool", 1 },
	[LPAD_U8] = { "U8", "u8", 1 },
	[LPAD_I8] = { "I8", "i8", 1 },
	[LPAD_U16] = { "U16", "u16", 2 },
	[LPAD_I16] = { "I16", "i16", 2 },
	[LPAD_F16] = { "F16", "f16", 2 },
	[LPAD_BF16] = { "BF16", "bf16", 2 },
	[LPAD_U32] = { "U32", "u32", 4 },
	[LPAD_I32] = { "I32", "i32", 4 },
	[LPAD_F32] = { "F32", "f32", 4 },
	[LPAD_U64] = { "U64", "u64", 8 },
	[LPAD_I64] = { "I64", "i64", 8 },
	[LPAD_F64] = { "F64", "f64", 8 },
};
enum { DTYPES = sizeof tensor_types / sizeof tensor_types[0] };

bool tensor_type_valid(int type)
{
	return type > 0 && type < DTYPES;
}

static int dtype_of(const char *name)
{
	for (int type = 1; name && type < DTYPES; type++)
		if (!strcmp(tensor_types[type].name, name))
			return type;
	return 0;
}

struct shown tensor_shown(const char *name)
{
	struct shown out;
	snprintf(out.text, sizeof out.text, "%.*s%s", TENSOR_SHOWN, name, strlen(name) > TENSOR_SHOWN ? "..." : "");
	body_printable(out.text);
	return out;
}

bool tensor_measure(const struct tensor *tensor, size_t *out)
{
	size_t size = tensor_types[tensor->type].size;
	for (int i = 0; i < tensor->rank; i++)
		if (tensor->shape[i] < 0 || __builtin_mul_overflow(size, (size_t)tensor->shape[i], &size))
			return false;
	*out = size;
	return true;
}

/* ---- writing ---- */

/* As JSON wants it in quotes. */
static void add_quoted(struct text *out, const char *text)
{
	bool plain = true;
	for (const char *at = text; *at && plain; at++)
		plain = (unsigned char)*at >= 0x20 && *at != '"' && *at != '\\';
	json_t *value = plain ? NULL : json_string(text);
	char *cleanup_free quoted = plain ? NULL : json_dumps(value, JSON_ENCODE_ANY);
	json_decref(value);
	if (!plain && !quoted)
		BUG("a text that was checked is not UTF-8");
	text_add(out, plain ? "\"" : quoted);
	text_add(out, plain ? text : "");
	text_add(out, plain ? "\"" : "");
}

/* From 0 on: extents and places are. */
static void add_number(struct text *out, const char *before, int64_t number)
{
	char piece[DIGITS];
	size_t at = sizeof piece;
	do
		piece[--at] = (char)('0' + number % 10);
	while (number /= 10);
	text_add(out, before);
	text_add_span(out, piece + at, sizeof piece - at);
}

static void add_tensor(struct text *out, const struct tensor *tensor)
{
	add_quoted(out, tensor->name);
	text_add(out, ":{\"dtype\":\"");
	text_add(out, tensor_types[tensor->type].name);
	text_add(out, "\",\"shape\":[");
	for (int i = 0; i < tensor->rank; i++)
		add_number(out, i ? "," : "", tensor->shape[i]);
	add_number(out, "],\"data_offsets\":[", (int64_t)tensor->begin);
	add_number(out, ",", (int64_t)(tensor->begin + tensor->size));
	text_add(out, "]}");
}

static void add_metadata(struct text *out, const struct tensors *tensors)
{
	text_add(out, "\"__metadata__\":{");
	for (size_t i = 0; i < tensors->meta.count; i++) {
		text_add(out, i ? "," : "");
		add_quoted(out, tensors->meta.at[i].key);
		text_add(out, ":");
		add_quoted(out, tensors->meta.at[i].value);
	}
	text_add(out, "}");
}

void tensors_encode(struct tensors *tensors, struct text *out)
{
	size_t start = out->length;
	text_add_span(out, "\0\0\0\0\0\0\0", LENGTH_BYTES);
	text_add(out, "{");
	if (tensors->meta.count)
		add_metadata(out, tensors);
	for (size_t i = 0; i < tensors->list.count; i++) {
		text_add(out, i || tensors->meta.count ? "," : "");
		add_tensor(out, &tensors->list.at[i]);
	}
	text_add(out, "}");
	while ((out->length - start) % BODY_ALIGNED)
		text_add_char(out, ' ');
	tensors->data = out->length - start;
	uint64_t length = tensors->data - LENGTH_BYTES;
	for (int i = 0; i < LENGTH_BYTES; i++)
		out->data[start + (size_t)i] = (char)(length >> (8 * i));
}

/* ---- reading ---- */

static int read_extents(struct tensor *tensor, json_t *shape, const char *name, struct error *error)
{
	if (!json_is_array(shape))
		return error_set(error, "tensor \"%s\" has no shape", name);
	if (json_array_size(shape) > LPAD_RANK)
		return error_set(error, "tensor \"%s\" has rank %zu, more than %d", name, json_array_size(shape), LPAD_RANK);
	tensor->rank = (int32_t)json_array_size(shape);
	for (int i = 0; i < tensor->rank; i++) {
		json_t *extent = json_array_get(shape, (size_t)i);
		if (!json_is_integer(extent) || json_integer_value(extent) < 0)
			return error_set(error, "tensor \"%s\": extent %d is not a number from 0", name, i);
		tensor->shape[i] = json_integer_value(extent);
	}
	return 0;
}

static int read_tensor(struct tensor *tensor, const char *name, json_t *from, size_t room, struct error *error)
{
	json_int_t begin, end;
	size_t size;
	const char *type = json_string_value(json_object_get(from, "dtype"));
	tensor->type = dtype_of(type);
	if (!tensor->type)
		return error_set(error, "tensor \"%s\": dtype \"%s\" is unknown", name, type ? tensor_shown(type).text : "");
	if (read_extents(tensor, json_object_get(from, "shape"), name, error))
		return -1;
	if (json_unpack(from, "{s:[I, I!]}", "data_offsets", &begin, &end))
		return error_set(error, "tensor \"%s\" has no pair of data_offsets", name);
	if (begin < 0 || end < begin || (uint64_t)end > room)
		return error_set(error, "tensor \"%s\" lies at %lld to %lld, outside of the %zu bytes of data", name,
			(long long)begin, (long long)end, room);
	tensor->begin = (size_t)begin;
	tensor->size = (size_t)(end - begin);
	if (!tensor_measure(tensor, &size) || size != tensor->size)
		return error_set(error, "tensor \"%s\" has %zu bytes, which is not its type and shape", name, tensor->size);
	return 0;
}

static int read_metadata(struct tensors *tensors, json_t *from, struct error *error)
{
	const char *key;
	json_t *value;
	if (!json_is_object(from))
		return error_set(error, "__metadata__ is not a map");
	json_object_foreach(from, key, value) {
		if (!json_is_string(value))
			return error_set(error, "__metadata__: \"%s\" is not a text", tensor_shown(key).text);
		struct meta *meta = list_add(&tensors->meta);
		meta->key = memory_copy_text(key);
		meta->value = memory_copy_text(json_string_value(value));
	}
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct tensor *left = *(struct tensor *const *)a, *right = *(struct tensor *const *)b;
	if (left->begin != right->begin)
		return left->begin < right->begin ? -1 : 1;
	return (left->size > right->size) - (left->size < right->size);
}

/* The tensors must cover the data exactly: each begins where another ended. */
static int check_cover(const struct tensors *tensors, size_t room, struct error *error)
{
	size_t count = tensors->list.count, end = 0;
	struct tensor **sorted = memory_array(count, sizeof *sorted);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &tensors->list.at[i];
	qsort(sorted, count, sizeof *sorted, by_place);
	int wrong = 0;
	for (size_t i = 0; i < count && !wrong; i++) {
		if (sorted[i]->begin != end)
			wrong = error_set(error, "tensor \"%s\" %s", tensor_shown(sorted[i]->name).text,
				sorted[i]->begin < end ? "overlaps another" : "has a hole before it");
		end = sorted[i]->begin + sorted[i]->size;
	}
	if (!wrong && end != room)
		wrong = error_set(error, "%zu bytes behind the last tensor belong to none", room - end);
	free(sorted);
	return wrong;
}

static int read_header(struct tensors *tensors, json_t *header, size_t room, struct error *error)
{
	const char *name;
	json_t *value;
	json_object_foreach(header, name, value) {
		if (!strcmp(name, "__metadata__")) {
			if (read_metadata(tensors, value, error))
				return -1;
			continue;
		}
		struct tensor tensor = { 0 };
		if (read_tensor(&tensor, tensor_shown(name).text, value, room, error))
			return -1;
		tensor.name = memory_copy_text(name);
		*list_add(&tensors->list) = tensor;
	}
	return check_cover(tensors, room, error);
}

int tensors_read(lpad_message *message, struct error *error)
{
	uint64_t length = 0;
	if (message->size < LENGTH_BYTES)
		return error_set(error, "too short for a header");
	for (int i = LENGTH_BYTES; i-- > 0; )
		length = length << 8 | message->body[i];
	if (length > message->size - LENGTH_BYTES || length > HEADER_MOST)
		return error_set(error, "a header of %llu bytes does not fit", (unsigned long long)length);
	if (!length || message->body[LENGTH_BYTES] != '{')
		return error_set(error, "the header does not begin with {");
	message->tensors.data = LENGTH_BYTES + (size_t)length;
	size_t room = message->size - message->tensors.data;
	if (header_plain(&message->tensors, message->body + LENGTH_BYTES, (size_t)length, room))
		return check_cover(&message->tensors, room, error);
	json_error_t wrong;
	json_t *header = json_loadb((const char *)message->body + LENGTH_BYTES, (size_t)length, JSON_REJECT_DUPLICATES, &wrong);
	if (!header)
		return error_set(error, "the header is not JSON: %s, at byte %d", body_printable(wrong.text),
			wrong.position);
	int bad = read_header(&message->tensors, header, room, error);
	json_decref(header);
	return bad;
}
