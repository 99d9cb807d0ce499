/* SPDX-License-Identifier: MIT */
#include "node/bind.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "node/describe.h"

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

static bool bind_one(const lpad_param *param, const json_t *value, void *member, struct bound *bound)
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

int bind_state(const lpad_implementation *implementation, json_t *params, void *state, struct bound *bound,
	struct error *error)
{
	for (const lpad_param *param = implementation->params; param && param->name; param++) {
		const json_t *value = json_object_get(params, param->name);
		const char *type = describe_type(param->type);
		if (!value)
			return error_set(error, "params.%s: there is no value", param->name);
		if (!bind_one(param, value, (char *)state + param->into, bound))
			return error_set(error, "params.%s: the value is no %s that fits", param->name,
				type ? type : "parameter");
	}
	return 0;
}

void bound_release(struct bound *bound)
{
	for (size_t i = 0; i < bound->count; i++)
		free(bound->blocks[i]);
	free(bound->blocks);
	*bound = (struct bound){ 0 };
}
