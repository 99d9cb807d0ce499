/* SPDX-License-Identifier: MIT */
#include "flat.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "+-.0123456789eE";

static const char *skip(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

/* Behind the text, which begins here; NULL: it does not fit. */
static const char *read_text(const char *at, char *out)
{
	if (*at != '"')
		return NULL;
	size_t length = strcspn(++at, "\"\\");
	if (at[length] != '"' || length >= FLAT_TEXT)
		return NULL;
	memcpy(out, at, length);
	out[length] = '\0';
	return at + length + 1;
}

static const char *read_number(const char *at, struct flat_field *field)
{
	size_t length = strspn(at, digits);
	field->count += length > 0;
	return length ? at + length : NULL;
}

static const char *read_list(const char *at, struct flat_field *field)
{
	field->numbers = at = skip(at + 1);
	if (*at == ']')
		return at + 1;
	for (; (at = read_number(at, field)); at = skip(at + 1)) {
		at = skip(at);
		if (*at == ']')
			return at + 1;
		if (*at != ',')
			return NULL;
	}
	return NULL;
}

static const char *read_value(const char *at, struct flat_field *field)
{
	if (*at == '"')
		return read_text(at, field->text);
	if (*at == '[')
		return read_list(at, field);
	field->numbers = at;
	return read_number(at, field);
}

static const char *read_field(const char *at, struct flat_field *field)
{
	*field = (struct flat_field){ .count = 0 };
	at = read_text(at, field->key);
	if (!at || *(at = skip(at)) != ':')
		return NULL;
	return read_value(skip(at + 1), field);
}

const char *flat_read(const char *json, struct flat *out)
{
	static const char wrong[] = "a flat JSON object is wanted here: texts without escapes, numbers, lists of numbers";
	const char *at = skip(json);
	out->count = 0;
	if (!*at || !strncmp(at, "null", 4))
		return *skip(*at ? at + 4 : at) ? wrong : NULL;
	if (*at != '{')
		return wrong;
	at = skip(at + 1);
	if (*at == '}')
		return *skip(at + 1) ? wrong : NULL;
	for (; out->count < FLAT_MOST; at = skip(at + 1)) {
		if (!(at = read_field(at, &out->fields[out->count])))
			return wrong;
		out->count++;
		at = skip(at);
		if (*at == '}')
			return *skip(at + 1) ? wrong : NULL;
		if (*at != ',')
			return wrong;
	}
	return wrong;
}

const struct flat_field *flat_find(const struct flat *flat, const char *key)
{
	for (size_t i = 0; i < flat->count; i++)
		if (!strcmp(flat->fields[i].key, key))
			return &flat->fields[i];
	return NULL;
}

/* To the number behind this one. */
static const char *next_number(const char *at)
{
	at = skip(at + strspn(at, digits));
	return *at == ',' ? skip(at + 1) : at;
}

static bool is_whole(const char *at, const char *end)
{
	return end != at && end == at + strspn(at, digits) && errno != ERANGE;
}

bool flat_integers(const struct flat_field *field, int64_t *out)
{
	const char *at = field->numbers;
	char *end;
	if (!at)
		return false;
	for (size_t i = 0; i < field->count; i++, at = next_number(at)) {
		errno = 0;
		out[i] = strtoll(at, &end, 10);
		if (!is_whole(at, end))
			return false;
	}
	return true;
}

bool flat_keys(const struct flat_field *field, uint64_t *out)
{
	const char *at = field->numbers;
	char *end;
	if (!at)
		return false;
	for (size_t i = 0; i < field->count; i++, at = next_number(at)) {
		errno = 0;
		out[i] = strtoull(at, &end, 10);
		if (!isdigit((unsigned char)*at) || !is_whole(at, end))
			return false;
	}
	return true;
}

bool flat_reals(const struct flat_field *field, double *out)
{
	const char *at = field->numbers;
	char *end;
	if (!at)
		return false;
	for (size_t i = 0; i < field->count; i++, at = next_number(at)) {
		errno = 0;
		out[i] = strtod(at, &end);
		if (!is_whole(at, end))
			return false;
	}
	return true;
}
