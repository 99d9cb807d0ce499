/* SPDX-License-Identifier: MIT */
#include "topology/value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "topology/dollar.h"
#include "topology/scalar.h"

/* ---- ranges ---- */

/* A bound may bring its own unit: "10ms..". */
static const char *unit_behind(const char *range, const char *unit)
{
	size_t length = strlen(range);
	return length && range[length - 1] >= '0' && range[length - 1] <= '9' ? unit : "";
}

/* "1..": "at least 1"; "0..1": "between 0 and 1". */
static int refuse_range(const struct value_kind *kind, const char *text, const char *unit, struct error *error)
{
	const char *dots = strstr(kind->range, "..");
	char *cleanup_free low = memory_copy_span(kind->range, dots ? (size_t)(dots - kind->range) : 0);
	const char *high = dots ? dots + 2 : "";
	const char *low_unit = unit_behind(low, unit), *high_unit = unit_behind(high, unit);
	if (!*low && !*high)
		return error_code(error, VALUE_OUT_OF_RANGE, "%s is %s, outside %s", kind->name, text, kind->range);
	if (!*high)
		return error_code(error, VALUE_OUT_OF_RANGE, "%s is %s, but must be at least %s%s", kind->name, text,
			low, low_unit);
	if (!*low)
		return error_code(error, VALUE_OUT_OF_RANGE, "%s is %s, but must be at most %s%s", kind->name, text,
			high, high_unit);
	return error_code(error, VALUE_OUT_OF_RANGE, "%s is %s, but must be between %s and %s%s", kind->name, text,
		low, high, high_unit);
}

static int check_range(const struct value_kind *kind, const char *text, double value, const char *unit,
	struct error *error)
{
	if (!kind->range || !*kind->range || scalar_in_range(kind->range, value))
		return 0;
	return refuse_range(kind, text, unit, error);
}

/* ---- one row per type ---- */

static json_t *typed_int(const struct value_kind *kind, const char *text, const char *base, struct error *error)
{
	int64_t value;
	(void)base;
	if (scalar_int(text, &value, error) || check_range(kind, text, (double)value, "", error))
		return NULL;
	return json_integer(value);
}

static json_t *typed_real(const struct value_kind *kind, const char *text, const char *base, struct error *error)
{
	double value;
	(void)base;
	if (scalar_real(text, &value, error) || check_range(kind, text, value, "", error))
		return NULL;
	if (isfinite(value))
		return json_real(value);
	return json_string(isnan(value) ? ".nan" : value > 0 ? ".inf" : "-.inf");
}

static json_t *typed_bool(const struct value_kind *kind, const char *text, const char *base, struct error *error)
{
	bool value;
	(void)kind, (void)base;
	return scalar_bool(text, &value, error) ? NULL : json_boolean(value);
}

static json_t *typed_duration(const struct value_kind *kind, const char *text, const char *base, struct error *error)
{
	int64_t ns;
	(void)base;
	if (scalar_duration(text, &ns, error) || check_range(kind, text, (double)ns / 1e9, " s", error))
		return NULL;
	return json_real((double)ns / 1e9);
}

static json_t *typed_size(const struct value_kind *kind, const char *text, const char *base, struct error *error)
{
	int64_t bytes;
	(void)base;
	if (scalar_size(text, &bytes, error) || check_range(kind, text, (double)bytes, " bytes", error))
		return NULL;
	return json_integer(bytes);
}

static json_t *typed_text(const struct value_kind *kind, const char *text, const char *base, struct error *error)
{
	json_t *value = json_string(text);
	(void)kind, (void)base;
	if (!value)
		error_set(error, "a text must be UTF-8");
	return value;
}

/* An empty path stays empty: how an author says "none". */
static json_t *typed_path(const struct value_kind *kind, const char *text, const char *base, struct error *error)
{
	char *cleanup_free path = *text ? files_absolute(base ? base : "/", text) : memory_copy_text(text);
	return typed_text(kind, path, base, error);
}

/* The words of a choice; `*words` and `*copy` are freed by the caller. */
static size_t split_choices(const char *range, const char ***words, char **copy)
{
	size_t count = 0;
	*copy = memory_copy_text(range ? range : "");
	*words = memory_array(strlen(*copy) / 2 + 1, sizeof **words);
	for (char *at = *copy; *(at += strspn(at, " ,")); ) {
		(*words)[count++] = at;
		at += strcspn(at, " ,");
		if (*at)
			*at++ = '\0';
	}
	return count;
}

static json_t *typed_choice(const struct value_kind *kind, const char *text, const char *base, struct error *error)
{
	const char **cleanup_free words = NULL;
	char *cleanup_free copy = NULL;
	struct text cleanup_text list = { 0 };
	size_t count = split_choices(kind->range, &words, &copy);
	(void)base;
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(words[i], text))
			return json_string(text);
		text_format(&list, "%s%s", i ? ", " : "", words[i]);
	}
	const char *nearest = text_nearest(text, words, count);
	if (nearest)
		error_set(error, "%s is one of %s: did you mean %s?", kind->name, text_string(&list), nearest);
	else
		error_set(error, "%s is one of %s, not `%s`", kind->name, text_string(&list), text);
	return NULL;
}

static const struct type_row {
	const char *type, *noun;
	json_t *(*typed)(const struct value_kind *kind, const char *text, const char *base, struct error *error);
	bool refuses_quotes;
} types[] = {
	{ "int", "a whole number", typed_int, true },
	{ "real", "a number", typed_real, true },
	{ "bool", "true or false", typed_bool, true },
	{ "text", "a text", typed_text, false },
	{ "choice", "one word", typed_choice, false },
	{ "path", "a path", typed_path, false },
	{ "duration", "a duration", typed_duration, false },
	{ "size", "a size", typed_size, false },
	{ "list", "a list", NULL, false },
	{ "object", "a map", NULL, false },
	{ "map", "a map of maps", NULL, false },
};

static const struct type_row *row_of(const char *type)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (type && !strcmp(types[i].type, type))
			return &types[i];
	return NULL;
}

bool value_type_known(const char *type)
{
	const struct type_row *row = row_of(type);
	return row && row->typed;
}

bool value_is_nested(const char *type)
{
	return !strcmp(type, "object") || !strcmp(type, "map");
}

const char *value_type_noun(const char *type)
{
	const struct type_row *row = row_of(type);
	return row ? row->noun : "something else";
}

bool value_refuses_quotes(const char *type)
{
	const struct type_row *row = row_of(type);
	return row && row->refuses_quotes;
}

json_t *value_typed(const struct value_kind *kind, const char *text, const char *base, struct error *error)
{
	const struct type_row *row = row_of(kind->type);
	if (row && row->typed)
		return row->typed(kind, text, base, error);
	error_set(error, "%s cannot be set by a text", kind->name);
	return NULL;
}

/* ---- templates ---- */

static const char template_key[] = "$template";

json_t *value_template(const char *text, const char *base)
{
	return json_pack("{s:s, s:s*}", template_key, text, "base", base);
}

static const char *template_text(const json_t *value)
{
	return json_string_value(json_object_get(value, template_key));
}

static const char *template_base(const json_t *value)
{
	return json_string_value(json_object_get(value, "base"));
}

bool value_is_template(const json_t *value)
{
	return template_text(value);
}

static enum builtin builtin_of(const struct dollar *piece)
{
	return piece->kind == DOLLAR_NAME ? builtin_find(piece->name, piece->name_length) : BUILTIN_NONE;
}

static bool names_folder(const char *text)
{
	struct dollar piece;
	while (dollar_next(&text, &piece))
		if (builtin_of(&piece) == BUILTIN_FOLDER)
			return true;
	return false;
}

/* What $folder stands for is absolute, and has slashes of its own: ".." behind it is left for when it is known. */
char *value_template_path(const char *text, const char *base)
{
	struct dollar first;
	struct text cleanup_text whole = { 0 };
	const char *at = text;
	bool absolute = *text == '/' || (dollar_next(&at, &first) && builtin_of(&first) == BUILTIN_FOLDER);
	if (!*text || absolute || !base)
		return memory_copy_text(text);
	for (const char *letter = base; *letter; letter++)
		text_add(&whole, *letter == '$' ? "$$" : (char[]){ *letter, '\0' });
	return names_folder(text) ? memory_format("%s/%s", text_string(&whole), text)
		: files_absolute(text_string(&whole), text);
}

char *value_template_text(const json_t *template, bool is_path)
{
	const char *text = template_text(template);
	return is_path ? value_template_path(text, template_base(template)) : memory_copy_text(text);
}

/* Whether a template that `wanted` holds for lies somewhere in it. */
static bool holds(const json_t *value, bool (*wanted)(const json_t *template))
{
	const char *name;
	json_t *inner;
	size_t i;
	if (value_is_template(value))
		return wanted(value);
	json_array_foreach(value, i, inner)
		if (holds(inner, wanted))
			return true;
	json_object_foreach((json_t *)value, name, inner)
		if (holds(inner, wanted))
			return true;
	return false;
}

static bool template_names_index(const json_t *template)
{
	const char *at = template_text(template);
	struct dollar piece;
	while (dollar_next(&at, &piece))
		if (builtin_of(&piece) == BUILTIN_INDEX)
			return true;
	return false;
}

bool value_names_index(const json_t *value)
{
	return holds(value, template_names_index);
}

char *value_fill(const char *text, int index, const char *folder)
{
	struct text out = { 0 };
	struct dollar piece;
	while (dollar_next(&text, &piece)) {
		enum builtin builtin = builtin_of(&piece);
		if (piece.kind == DOLLAR_DOLLAR)
			text_add_char(&out, '$');
		else if (builtin == BUILTIN_INDEX)
			text_format(&out, "%d", index);
		else if (builtin == BUILTIN_FOLDER)
			text_add(&out, folder);
		else
			text_add_span(&out, piece.start, piece.length);
	}
	return text_take(&out);
}

/* What filling needs to know at every depth. */
struct filling {
	int index;
	const char *folder;
	struct error *error;
};

static json_t *filled(const struct filling *filling, const struct param_spec *param, json_t *value);

static json_t *filled_text(const struct filling *filling, const struct value_kind *kind, json_t *value)
{
	if (!value_is_template(value))
		return json_incref(value);
	char *cleanup_free text = value_fill(template_text(value), filling->index, filling->folder);
	return value_typed(kind, text, template_base(value), filling->error);
}

static json_t *filled_list(const struct filling *filling, const struct param_spec *param, json_t *value)
{
	struct value_kind kind = { param->element, param->name, param->range };
	json_t *list = json_array();
	for (size_t i = 0; i < json_array_size(value); i++)
		if (json_array_append_new(list, filled_text(filling, &kind, json_array_get(value, i)))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *filled_object(const struct filling *filling, const struct param_spec *param, json_t *value)
{
	json_t *out = json_object();
	for (size_t i = 0; i < param->fields.count; i++) {
		const struct param_spec *field = &param->fields.at[i];
		if (json_object_set_new(out, field->name, filled(filling, field, json_object_get(value, field->name)))) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

static json_t *filled_map(const struct filling *filling, const struct param_spec *param, json_t *value)
{
	json_t *out = json_object(), *object;
	const char *name;
	json_object_foreach(value, name, object)
		if (json_object_set_new(out, name, filled_object(filling, param, object))) {
			json_decref(out);
			return NULL;
		}
	return out;
}

/* Adding NULL, which is what a value that cannot be is, fails. */
static json_t *filled(const struct filling *filling, const struct param_spec *param, json_t *value)
{
	struct value_kind kind = { param->type, param->name, param->range };
	if (!strcmp(param->type, "object"))
		return filled_object(filling, param, value);
	if (!strcmp(param->type, "map"))
		return filled_map(filling, param, value);
	return json_is_array(value) ? filled_list(filling, param, value) : filled_text(filling, &kind, value);
}

json_t *value_filled(const struct param_spec *param, json_t *value, int index, const char *folder, struct error *error)
{
	struct filling filling = { index, folder, error };
	return filled(&filling, param, value);
}

static bool any_template(const json_t *template)
{
	return template;
}

json_t *values_filled(const struct implementation_spec *spec, json_t *values, int index, const char *folder)
{
	json_t *out = NULL, *value;
	const char *name;
	json_object_foreach(values, name, value) {
		if (!holds(value, any_template))
			continue;
		struct error error = { 0 };
		json_t *new = value_filled(implementation_param(spec, name), value, index, folder, &error);
		if (!new)
			BUG("parameter %s, checked with every index, has no value for %d: %s", name, index, error.text);
		if (!out)
			out = json_copy(values);
		json_object_set_new(out, name, new);
	}
	return out ? out : json_incref(values);
}
