/* SPDX-License-Identifier: MIT */
/* The parameters of a group against the declarations of its implementation. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "topology/typing.h"
#include "topology/words.h"

/* ---- what the file gives ---- */

static bool find_key(const struct tree *map, const char *name, struct given_param *out)
{
	for (size_t i = 0; map && map->kind == TREE_MAP && i < map->count; i++)
		if (!strcmp(map->keys[i], name)) {
			out->value = map->items[i];
			out->key_mark = map->key_marks[i];
			return true;
		}
	return false;
}

bool bind_given(const struct group *group, const char *name, struct given_param *out)
{
	*out = (struct given_param){ 0 };
	if (find_key(group->params, name, out)) {
		out->from_defaults = tree_get(group->defaults, name) == out->value;
		return true;
	}
	out->from_defaults = true;
	return find_key(group->defaults, name, out);
}

/* ---- names that nothing declares ---- */

char *bind_suggestion(const char *word, const char *const *words, size_t count)
{
	const char *nearest = text_nearest(word, words, count);
	return nearest ? memory_format("did you mean `%s`?", nearest) : NULL;
}

static void unknown_param(struct binder *binder, const struct group *group, const char *name, struct mark mark)
{
	const struct bound_group *bound = &binder->groups[group->number];
	char *cleanup_free rest = typing_instead(name, bound->spec->params.at, bound->spec->params.count);
	problem_add(binder->problems, mark, "param-unknown", NULL, "%s (%s) has no parameter `%.60s`%s", group->label,
		bound->shown, name, rest);
}

/* Skipped when another implementation declares it, or might: then it is not for this one. */
static void stranger_in_defaults(struct binder *binder, const char *name, struct mark mark)
{
	if (!binder->all_known || json_object_get(binder->param_names, name))
		return;
	size_t count = 0;
	const char **cleanup_free words = memory_array(json_object_size(binder->param_names), sizeof *words);
	const char *word;
	json_t *unused;
	json_object_foreach(binder->param_names, word, unused)
		words[count++] = word;
	const char *nearest = words_nearest(binder->problems, name, words, count);
	problem_add(binder->problems, mark, "param-unknown", NULL,
		"no implementation that these defaults are for has a parameter `%.60s`%s%s%s", name,
		nearest ? ": did you mean `" : "", nearest ? nearest : "", nearest ? "`?" : "");
}

static void check_names(struct binder *binder, struct group *group, const struct tree *map)
{
	struct bound_group *bound = &binder->groups[group->number];
	struct given_param given;
	for (size_t i = 0; map && map->kind == TREE_MAP && i < map->count; i++) {
		const char *name = map->keys[i];
		if (implementation_param(bound->spec, name) || !bind_given(group, name, &given) ||
		    given.value != map->items[i])
			continue;
		if (given.from_defaults) {
			stranger_in_defaults(binder, name, given.key_mark);
			continue;
		}
		unknown_param(binder, group, name, given.key_mark);
		bound->broken = true;
	}
}

/* ---- one parameter, all parameters ---- */

static json_t *bind_param(struct binder *binder, const struct group *group, const struct param_spec *param)
{
	struct given_param given;
	struct typing typing = { .binder = binder, .group = group, .path = param->name, .declared = param->name,
		.mark = group->mark };
	if (!bind_given(group, param->name, &given))
		return typing_absent(&typing, param);
	typing.mark = given.key_mark;
	typing.given = strlen(param->name);
	return typing_value(&typing, param, given.value);
}

void bind_params(struct binder *binder, struct group *group)
{
	struct bound_group *bound = &binder->groups[group->number];
	check_names(binder, group, group->params);
	check_names(binder, group, group->defaults);
	json_decref(group->values);
	group->values = json_object();
	for (size_t i = 0; i < bound->spec->params.count; i++) {
		const struct param_spec *param = &bound->spec->params.at[i];
		json_t *value = bind_param(binder, group, param);
		if (value)
			json_object_set_new(group->values, param->name, value);
		else
			bound->broken = true;
	}
}
