/* SPDX-License-Identifier: MIT */
/* Tensors out of JSON. The text is read by hand: numbers keep all their digits, whatever their size, and are not copied. */
#include "link/message_convert.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/signature.h"
#include "link/body.h"
#include "link/element.h"

static const char metadata[] = "__metadata__";

/* ---- the text ---- */

struct reader {
	const char *start, *at;
	struct error *error;
};

static int broken(const struct reader *reader, const char *what)
{
	return error_set(reader->error, "not JSON, at byte %zu: %s", (size_t)(reader->at - reader->start) + 1, what);
}

static char next(struct reader *reader)
{
	reader->at += strspn(reader->at, " \t\r\n");
	return *reader->at;
}

static bool take(struct reader *reader, char sign)
{
	if (next(reader) != sign)
		return false;
	reader->at++;
	return true;
}

/* Over a string, its quotes among it. */
static int skip_string(struct reader *reader)
{
	for (reader->at++; *reader->at != '"'; reader->at++) {
		reader->at += *reader->at == '\\';
		if (!*reader->at)
			return broken(reader, "a string has no end");
	}
	reader->at++;
	return 0;
}

/* Caller frees; NULL: no string. */
static char *take_string(struct reader *reader)
{
	const char *start = reader->at;
	json_error_t wrong;
	if (skip_string(reader))
		return NULL;
	json_t *value = json_loadb(start, (size_t)(reader->at - start), JSON_DECODE_ANY, &wrong);
	char *out = value ? memory_copy_text(json_string_value(value)) : NULL;
	if (!value)
		broken(reader, body_printable(wrong.text));
	json_decref(value);
	return out;
}

/* Over a value, which is not looked at but for where it ends. */
static int skip_value(struct reader *reader)
{
	int depth = 0;
	next(reader);
	do {
		char sign = next(reader);
		if (!sign)
			return broken(reader, "it ends here");
		if (sign == '"' && skip_string(reader))
			return -1;
		else if (sign == '"')
			continue;
		depth += sign == '[' || sign == '{' ? 1 : sign == ']' || sign == '}' ? -1 : 0;
		reader->at += strchr("[]{},:", sign) ? 1 : strcspn(reader->at, "[]{},:\" \t\r\n");
	} while (depth > 0);
	return 0;
}

/* The items of the list that begins here; the reader stays. -1: broken. */
static int64_t count_items(struct reader reader)
{
	int64_t count = 0;
	if (!take(&reader, '[') || take(&reader, ']'))
		return 0;
	do {
		count++;
		if (skip_value(&reader))
			return -1;
	} while (take(&reader, ','));
	return count;
}

/* ---- tensors ---- */

/* One that is read: where its value begins, its shape, and how far reading is. */
struct given {
	const struct signature_tensor *declared;
	const char *value;              /* NULL: not given */
	lpad_tensor tensor;
	int64_t index[LPAD_RANK];
	unsigned char *out;
};

/* "obs[0][3]: ..." */
__attribute__((format(printf, 4, 5)))
static int refuse(const struct given *given, int depth, struct error *error, const char *format, ...)
{
	struct text cleanup_text place = { 0 };
	va_list list;
	va_start(list, format);
	char *cleanup_free what = memory_format_list(format, list);
	va_end(list);
	for (int i = 0; i < depth; i++)
		text_format(&place, "[%lld]", (long long)given->index[i]);
	return error_set(error, "%s%s: %s", given->tensor.name, text_string(&place), body_printable(what));
}

static const char *kind_of(char first)
{
	return first == '[' ? "a list" : first == '{' ? "a map" : first == '"' ? "a string" : "one value";
}

static int check_count(const struct given *given, int depth, int64_t count, struct error *error)
{
	int64_t wanted = given->tensor.shape[depth];
	return count == wanted ? 0 : refuse(given, depth, error, "%lld item%s where %lld %s expected", (long long)count,
		count == 1 ? "" : "s", (long long)wanted, wanted == 1 ? "is" : "are");
}

/* The extents that the signature leaves open, from the first list at each depth. */
static int measure(struct given *given, const char *start, struct error *error)
{
	struct reader reader = { start, given->value, error };
	for (int depth = 0; depth < given->tensor.rank; depth++) {
		int64_t *extent = &given->tensor.shape[depth], count = 0;
		if (reader.at && next(&reader) != '[')
			return refuse(given, depth, error, "%s where a list is expected", kind_of(*reader.at));
		if (reader.at && (count = count_items(reader)) < 0)
			return -1;
		*extent = *extent < 0 ? count : *extent;
		if (reader.at && check_count(given, depth, count, error))
			return -1;
		reader.at = reader.at && count ? reader.at + 1 : NULL;  /* an empty list holds no further ones */
	}
	return 0;
}

static bool is_number(const char *text)
{
	static const char digits[] = "0123456789";
	const char *at = text + (*text == '-');
	size_t length = strspn(at, digits);
	if (!length || (*at == '0' && length > 1))
		return false;
	at += length;
	if (*at == '.' && !(length = strspn(++at, digits)))
		return false;
	at += strspn(at, digits);
	if (*at == 'e' || *at == 'E') {
		at += 1 + (at[1] == '+' || at[1] == '-');
		length = strspn(at, digits);
		at += length;
	}
	return length && !*at;
}

static int fill_element(struct given *given, struct reader *reader)
{
	struct error wrong = { 0 };
	const char *start = reader->at;
	bool quoted = *start == '"';
	char *cleanup_free token = NULL;
	if (*start == '[' || *start == '{')
		return refuse(given, given->tensor.rank, reader->error, "%s where a number is expected", kind_of(*start));
	if (!quoted) {
		reader->at += strcspn(start, "[]{},:\" \t\r\n");
		token = memory_copy_span(start, (size_t)(reader->at - start));
	} else if (!(token = take_string(reader))) {
		return -1;
	}
	if (!quoted && !is_number(token) && strcmp(token, "true") && strcmp(token, "false") && strcmp(token, "null")) {
		reader->at = start;
		return broken(reader, "a value is expected");
	}
	if (element_read(given->tensor.type, token, quoted, given->out, &wrong))
		return refuse(given, given->tensor.rank, reader->error, "%s", wrong.text);
	given->out += tensor_types[given->tensor.type].size;
	return 0;
}

static int fill(struct given *given, struct reader *reader, int depth)
{
	int64_t *index = &given->index[depth], extent = given->tensor.shape[depth];
	next(reader);
	if (depth == given->tensor.rank)
		return fill_element(given, reader);
	if (*reader->at != '[')
		return refuse(given, depth, reader->error, "%s where a list is expected", kind_of(*reader->at));
	int64_t count = count_items(*reader);
	if (count < 0 || check_count(given, depth, count, reader->error))
		return -1;
	reader->at++;
	for (*index = 0; *index < extent; ++*index)
		if ((*index && !take(reader, ',')) || fill(given, reader, depth + 1))
			return -1;
	return take(reader, ']') ? 0 : broken(reader, "`,` or `]` is expected");
}

/* ---- the object around them ---- */

struct object {
	const struct signature *signature;
	struct given *given;            /* one for each declared */
	json_t *meta;
};

static int unknown_tensor(const struct object *object, const char *name, struct error *error)
{
	size_t count = object->signature->tensors.count;
	const char **cleanup_free words = memory_array(count, sizeof *words);
	for (size_t i = 0; i < count; i++)
		words[i] = object->signature->tensors.at[i].name;
	const char *nearest = text_nearest(name, words, count);
	char *cleanup_free all = signature_print(object->signature);
	struct shown shown = tensor_shown(name);
	bool near = nearest && text_distance(name, nearest) < strlen(nearest);
	return near ? error_set(error, "there is no tensor `%s`: did you mean `%s`?", shown.text, nearest)
		: error_set(error, "there is no tensor `%s`; expected `%s`", shown.text, all);
}

static int take_meta(struct object *object, struct reader *reader)
{
	next(reader);
	const char *start = reader->at;
	if (skip_value(reader))
		return -1;
	json_decref(object->meta);
	object->meta = json_loadb(start, (size_t)(reader->at - start), JSON_DECODE_ANY, NULL);
	return json_is_object(object->meta) ? 0 : error_set(reader->error, "%s is no map of texts", metadata);
}

/* One "name": value. */
static int take_member(struct object *object, struct reader *reader)
{
	if (next(reader) != '"')
		return broken(reader, "a name in quotes is expected");
	char *cleanup_free name = take_string(reader);
	if (!name)
		return -1;
	if (!take(reader, ':'))
		return broken(reader, "`:` is expected");
	if (!strcmp(name, metadata))
		return take_meta(object, reader);
	for (size_t i = 0; i < object->signature->tensors.count; i++) {
		struct given *given = &object->given[i];
		if (strcmp(given->declared->name, name))
			continue;
		if (given->value)
			return error_set(reader->error, "`%s` is given twice", given->declared->name);
		next(reader);
		given->value = reader->at;
		return skip_value(reader);
	}
	return unknown_tensor(object, name, reader->error);
}

static int take_object(struct object *object, struct reader *reader)
{
	char *cleanup_free all = signature_print(object->signature);
	if (!take(reader, '{'))
		return error_set(reader->error, "%s where a map of tensors is expected: `%s`", *reader->at ?
			kind_of(*reader->at) : "nothing", all);
	if (!take(reader, '}')) {
		do
			if (take_member(object, reader))
				return -1;
		while (take(reader, ','));
		if (!take(reader, '}'))
			return broken(reader, "`,` or `}` is expected");
	}
	if (next(reader))
		return broken(reader, "something follows the map");
	for (size_t i = 0; i < object->signature->tensors.count; i++)
		if (!object->given[i].value)
			return error_set(reader->error, "`%s` is missing; expected `%s`", object->given[i].declared->name, all);
	return 0;
}

static int dtype_of(const char *word)
{
	int type = 1;
	while (strcmp(tensor_types[type].shown, word))
		type++;
	return type;
}

static void declare(struct given *given, const struct signature_tensor *declared)
{
	given->declared = declared;
	given->tensor = (lpad_tensor){ .name = declared->name, .type = dtype_of(declared->dtype), .rank = declared->rank };
	memcpy(given->tensor.shape, declared->shape, sizeof declared->shape);
}

static int set_meta(lpad_message *message, json_t *meta, struct error *error)
{
	const char *key;
	json_t *value;
	json_object_foreach(meta, key, value)
		if (message_set_meta(message, key, json_string_value(value)))
			return error_set(error, "%s: %s", metadata, fault_text());
	return 0;
}

/* All values are measured before memory is asked for. */
static lpad_message *make(struct object *object, const char *start, struct error *error)
{
	size_t count = object->signature->tensors.count;
	lpad_tensor *cleanup_free list = memory_array(count, sizeof *list);
	for (size_t i = 0; i < count; i++) {
		if (measure(&object->given[i], start, error))
			return NULL;
		list[i] = object->given[i].tensor;
	}
	lpad_message *message = message_tensors((int)count, list);
	if (!message)
		error_set(error, "%s", fault_text());
	int bad = message ? set_meta(message, object->meta, error) : -1;
	for (size_t i = 0; i < count && !bad; i++) {
		struct reader reader = { start, object->given[i].value, error };
		object->given[i].out = message_data(message, list[i].name);
		bad = fill(&object->given[i], &reader, 0);
	}
	if (!bad)
		return message;
	message_free(message);
	return NULL;
}

lpad_message *convert_tensors(const char *text, const struct signature *signature, struct error *error)
{
	struct object object = { .signature = signature };
	struct reader reader = { text, text, error };
	lpad_message *message = NULL;
	object.given = memory_array(signature->tensors.count, sizeof *object.given);
	for (size_t i = 0; i < signature->tensors.count; i++)
		declare(&object.given[i], &signature->tensors.at[i]);
	if (!take_object(&object, &reader))
		message = make(&object, text, error);
	json_decref(object.meta);
	free(object.given);
	return message;
}
