/* SPDX-License-Identifier: MIT */
#include "node/bind.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "node/describe.h"

enum { STATE_ALIGNED = 64 };

/* Memory that lives as long as the node. */
static void *keep(struct bound *bound, void *block)
{
	if (bound->count == bound->room) {
		bound->room = bound->room ? bound->room * 2 : 8;
		bound->blocks = memory_resize(bound->blocks, bound->room, sizeof *bound->blocks);
	}
	return bound->blocks[bound->count++] = block;
}

static const char *keep_text(struct bound *bound, const char *text)
{
	return keep(bound, memory_copy_text(text));
}

/* JSON has no infinity: it stands there as YAML writes it. */
static bool read_real(const json_t *value, double *out)
{
	const char *text = json_string_value(value);
	*out = json_number_value(value);
	if (!text)
		return json_is_number(value);
	if (!strcmp(text, ".nan"))
		*out = NAN;
	else if (!strcmp(text, "-.inf"))
		*out = -INFINITY;
	else if (!strcmp(text, ".inf"))
		*out = INFINITY;
	else
		return false;
	return true;
}

/* The place of `word` in "call topic cache"; -1: not there. */
static int32_t choice_place(const char *words, const char *word)
{
	int32_t place = 0;
	for (const char *at = words; *(at += strspn(at, " ")); at += strcspn(at, " "), place++)
		if (strcspn(at, " ") == strlen(word) && !strncmp(at, word, strlen(word)))
			return place;
	return -1;
}

/* All three kinds of list have the shape of lpad_texts. */
static bool bind_list(const lpad_param *param, const json_t *value, void *member, struct bound *bound)
{
	size_t count = json_array_size(value);
	bool fine = json_is_array(value);
	if (param->element == LPAD_T_REAL || param->element == LPAD_T_DURATION) {
		double *items = keep(bound, memory_array(count, sizeof *items));
		for (size_t i = 0; i < count; i++)
			fine = fine && read_real(json_array_get(value, i), &items[i]);
		*(lpad_reals *)member = (lpad_reals){ count, items };
	} else if (param->element == LPAD_T_TEXT || param->element == LPAD_T_PATH) {
		const char **items = keep(bound, memory_array(count, sizeof *items));
		for (size_t i = 0; i < count && fine; i++) {
			fine = json_is_string(json_array_get(value, i));
			items[i] = fine ? keep_text(bound, json_string_value(json_array_get(value, i))) : NULL;
		}
		*(lpad_texts *)member = (lpad_texts){ count, items };
	} else {
		int64_t *items = keep(bound, memory_array(count, sizeof *items));
		for (size_t i = 0; i < count; i++) {
			fine = fine && json_is_integer(json_array_get(value, i));
			items[i] = json_integer_value(json_array_get(value, i));
		}
		*(lpad_ints *)member = (lpad_ints){ count, items };
	}
	return fine;
}

static bool bind_choice(const lpad_param *param, const json_t *value, int32_t *member)
{
	if (!json_is_string(value) || !param->range)
		return false;
	*member = choice_place(param->range, json_string_value(value));
	return *member >= 0;
}

static bool bind_plain(const lpad_param *param, const json_t *value, void *member, struct bound *bound)
{
	switch (param->type) {
	case LPAD_T_INT:
	case LPAD_T_SIZE:
		*(int64_t *)member = json_integer_value(value);
		return json_is_integer(value);
	case LPAD_T_REAL:
	case LPAD_T_DURATION:
		return read_real(value, member);
	case LPAD_T_BOOL:
		*(bool *)member = json_is_true(value);
		return json_is_boolean(value);
	case LPAD_T_TEXT:
	case LPAD_T_PATH:
		if (json_is_string(value))
			*(const char **)member = keep_text(bound, json_string_value(value));
		return json_is_string(value);
	case LPAD_T_CHOICE:
		return bind_choice(param, value, member);
	case LPAD_T_LIST:
		return bind_list(param, value, member, bound);
	default:
		return false;
	}
}

/* ---- objects and maps ---- */

/* One name of "params.tables.transitions.max_size", from the inside out. */
struct place {
	const struct place *outer;
	const char *name;
};

static void show_place(struct text *out, const struct place *place)
{
	if (place->outer)
		show_place(out, place->outer);
	text_format(out, "%s%s", place->outer ? "." : "params.", place->name);
}

static int refuse(const struct place *place, struct error *error, const char *type)
{
	struct text cleanup_text path = { 0 };
	show_place(&path, place);
	if (!type)
		return error_set(error, "%s: there is no value", path.data);
	return error_set(error, "%s: the value is no %s that fits", path.data, type);
}

static int bind_fields(const lpad_param *fields, const json_t *values, const struct place *outer, void *object,
	struct bound *bound, struct error *error);

/* As many structs as there are names, one after the other, aligned as the state is. */
static int bind_map(const lpad_param *param, const json_t *values, const struct place *place, lpad_map *map,
	struct bound *bound, struct error *error)
{
	size_t count = json_object_size(values), size;
	const char **names = keep(bound, memory_array(count, sizeof *names)), *name;
	json_t *value;
	void *objects;
	if (__builtin_mul_overflow(count, param->fields_size, &size) || posix_memalign(&objects, STATE_ALIGNED, size + 1))
		return error_set(error, "there is no memory for %zu objects of %zu bytes", count, param->fields_size);
	char *at = memset(keep(bound, objects), 0, size);
	*map = (lpad_map){ count, names, objects };
	json_object_foreach((json_t *)values, name, value) {
		struct place inner = { place, name };
		if (!json_is_object(value))
			return refuse(&inner, error, "object");
		*names++ = keep_text(bound, name);
		if (bind_fields(param->fields, value, &inner, at, bound, error))
			return -1;
		at += param->fields_size;
	}
	return 0;
}

static int bind_one(const lpad_param *param, const json_t *value, const struct place *place, void *member,
	struct bound *bound, struct error *error)
{
	const char *type = describe_type(param->type);
	bool nested = param->type == LPAD_T_OBJECT || param->type == LPAD_T_MAP;
	if (!value)
		return refuse(place, error, NULL);
	if (nested ? !json_is_object(value) : !bind_plain(param, value, member, bound))
		return refuse(place, error, type ? type : "parameter");
	if (!nested)
		return 0;
	return param->type == LPAD_T_MAP ? bind_map(param, value, place, member, bound, error)
		: bind_fields(param->fields, value, place, member, bound, error);
}

static int bind_fields(const lpad_param *fields, const json_t *values, const struct place *outer, void *object,
	struct bound *bound, struct error *error)
{
	for (const lpad_param *field = fields; field && field->name; field++) {
		struct place place = { outer, field->name };
		if (bind_one(field, json_object_get(values, field->name), &place, (char *)object + field->into, bound, error))
			return -1;
	}
	return 0;
}

int bind_state(const lpad_implementation *implementation, json_t *params, void *state, struct bound *bound,
	struct error *error)
{
	return bind_fields(implementation->params, params, NULL, state, bound, error);
}

void bound_release(struct bound *bound)
{
	for (size_t i = 0; i < bound->count; i++)
		free(bound->blocks[i]);
	free(bound->blocks);
	*bound = (struct bound){ 0 };
}
