/* SPDX-License-Identifier: MIT */
/*
 * Headers as tensors_encode writes them, without blanks and escapes: most of a small message's cost is a JSON parser's work. What is
 * different in any way is left to message_header.c, so that nothing is decided here that it would decide otherwise.
 */
#include "link/body.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { NAMES_MOST = 64, DIGITS_MOST = 18 };     /* names are compared with each other; a number fits an int64_t */

struct reader {
	const char *at, *end;
};

static bool skip(struct reader *reader, const char *text)
{
	size_t length = strlen(text);
	if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, text, length))
		return false;
	reader->at += length;
	return true;
}

/* In quotes, printable ASCII. NULL: it is not; caller frees. */
static char *take_text(struct reader *reader)
{
	if (!skip(reader, "\""))
		return NULL;
	const char *begin = reader->at;
	while (reader->at < reader->end && *reader->at >= 0x20 && *reader->at < 0x7f && *reader->at != '"' && *reader->at != '\\')
		reader->at++;
	size_t length = (size_t)(reader->at - begin);
	if (!skip(reader, "\""))
		return NULL;
	char *text = memory_array(length + 1, 1);
	memcpy(text, begin, length);
	return text;
}

static bool take_number(struct reader *reader, int64_t *out)
{
	const char *begin = reader->at;
	*out = 0;
	while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9' && reader->at - begin < DIGITS_MOST)
		*out = *out * 10 + (*reader->at++ - '0');
	return reader->at > begin && (*begin != '0' || reader->at == begin + 1);
}

static bool take_type(struct reader *reader, int32_t *out)
{
	for (*out = 1; tensor_type_valid(*out); ++*out) {
		struct reader before = *reader;
		if (skip(reader, tensor_types[*out].name) && skip(reader, "\""))
			return true;
		*reader = before;
	}
	return false;
}

static bool take_extents(struct reader *reader, struct tensor *tensor)
{
	for (tensor->rank = 0; !skip(reader, "]"); tensor->rank++)
		if (tensor->rank == LPAD_RANK || (tensor->rank && !skip(reader, ",")) || !take_number(reader, &tensor->shape[tensor->rank]))
			return false;
	return true;
}

/* Behind its name. */
static bool take_tensor(struct reader *reader, struct tensor *tensor, size_t room)
{
	int64_t begin, end;
	size_t size;
	if (!skip(reader, ":{\"dtype\":\"") || !take_type(reader, &tensor->type) || !skip(reader, ",\"shape\":[")
	    || !take_extents(reader, tensor) || !skip(reader, ",\"data_offsets\":[") || !take_number(reader, &begin)
	    || !skip(reader, ",") || !take_number(reader, &end) || !skip(reader, "]}"))
		return false;
	if (end < begin || (uint64_t)end > room || !tensor_measure(tensor, &size) || size != (size_t)(end - begin))
		return false;
	tensor->begin = (size_t)begin;
	tensor->size = size;
	return true;
}

static bool is_known(const struct tensors *tensors, const char *name)
{
	for (size_t i = 0; i + 1 < tensors->list.count; i++)
		if (!strcmp(tensors->list.at[i].name, name))
			return true;
	return !strcmp(name, "__metadata__");
}

static bool take_metadata(struct reader *reader, struct tensors *tensors)
{
	for (size_t i = 0; !skip(reader, "}"); i++) {
		if (i == NAMES_MOST || (i && !skip(reader, ",")))
			return false;
		struct meta *meta = list_add(&tensors->meta);
		*meta = (struct meta){ .key = take_text(reader) };
		if (!meta->key || !skip(reader, ":") || !(meta->value = take_text(reader)))
			return false;
		for (size_t k = 0; k < i; k++)
			if (!strcmp(tensors->meta.at[k].key, meta->key))
				return false;
	}
	return true;
}

static bool take_header(struct reader *reader, struct tensors *tensors, size_t room)
{
	bool first = true;
	if (!skip(reader, "{"))
		return false;
	if (skip(reader, "\"__metadata__\":{")) {
		if (!take_metadata(reader, tensors))
			return false;
		first = false;
	}
	for (; !skip(reader, "}"); first = false) {
		if (tensors->list.count == NAMES_MOST || (!first && !skip(reader, ",")))
			return false;
		struct tensor *tensor = list_add(&tensors->list);
		*tensor = (struct tensor){ .name = take_text(reader) };
		if (!tensor->name || is_known(tensors, tensor->name) || !take_tensor(reader, tensor, room))
			return false;
	}
	while (reader->at < reader->end && *reader->at == ' ')
		reader->at++;
	return reader->at == reader->end;
}

bool header_plain(struct tensors *tensors, const void *header, size_t length, size_t room)
{
	struct reader reader = { header, (const char *)header + length };
	if (take_header(&reader, tensors, room))
		return true;
	tensors_release(tensors);
	return false;
}
