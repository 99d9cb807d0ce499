/* SPDX-License-Identifier: MIT */
/* The parameters of a group against the declarations of its implementation. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "topology/bind.h"
#include "topology/value.h"
#include "topology/words.h"

static const char placeholder_folder[] = "/folder-of-the-replica";

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
	size_t count = bound->spec->params.count;
	const char **cleanup_free words = memory_array(count, sizeof *words);
	for (size_t i = 0; i < count; i++)
		words[i] = bound->spec->params.at[i].name;
	const char *nearest = text_nearest(name, words, count);
	char *cleanup_free list = words_list(words, count);
	char *cleanup_free rest = nearest ? memory_format(": did you mean `%s`?", nearest) :
		memory_format("; it has%s%s", count ? ": " : " none", list);
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

/* ---- one value ---- */

struct typing {
	struct binder *binder;
	const struct group *group;
	struct value_kind kind;
};

static json_t *refuse(const struct typing *typing, const struct tree *tree, const char *rule, const char *hint,
	const char *text)
{
	words_report(typing->binder->problems, tree, rule, hint, "%s", text);
	return NULL;
}

static json_t *refuse_kind(const struct typing *typing, const struct tree *tree)
{
	bool wants_text = !strcmp(typing->kind.type, "text") || !strcmp(typing->kind.type, "path");
	char *cleanup_free text = memory_format("%s wants %s, not %s", typing->kind.name,
		value_type_noun(typing->kind.type), tree_kind_name(tree));
	return refuse(typing, tree, "param-type", wants_text && tree_is_null(tree) ? "\"\" is the empty text" : NULL, text);
}

static const char *rule_of(const struct error *error)
{
	return error->code == VALUE_OUT_OF_RANGE ? "param-range" : "param-type";
}

/* A template must make sense for every replica; a text or a path always does. */
static json_t *typed_template(const struct typing *typing, const struct tree *tree)
{
	const char *type = typing->kind.type;
	json_t *value = value_template(tree->text, tree->base);
	if (!value)
		return refuse(typing, tree, "param-type", NULL, "a text must be UTF-8");
	if (!strcmp(type, "text") || !strcmp(type, "path"))
		return value;
	int last = value_names_index(value) ? typing->group->replicas : 1;
	struct param_spec spec = { .name = (char *)typing->kind.name, .type = (char *)type,
		.range = (char *)typing->kind.range };
	for (int i = 0; i < last; i++) {
		struct error error = { 0 };
		json_t *filled = value_filled(&spec, value, i, placeholder_folder, &error);
		json_decref(filled);
		if (filled)
			continue;
		json_decref(value);
		char *cleanup_free text = memory_format("%s, where $index is %d", error.text, i);
		return refuse(typing, tree, rule_of(&error), NULL, text);
	}
	return value;
}

/* Empty because of --set, or in quotes here or where the variable is set. */
static json_t *refuse_quotes(const struct typing *typing, const struct tree *tree)
{
	bool empty = words_is_set_empty(tree);
	char *cleanup_free hint = empty ? NULL : words_leave_quotes_out(tree);
	char *cleanup_free text = memory_format("%s wants %s, %s", typing->kind.name, value_type_noun(typing->kind.type),
		empty ? "but is empty" : "and what is in quotes is a text");
	return refuse(typing, tree, "param-type", hint, text);
}

static json_t *typed_scalar(const struct typing *typing, const struct tree *tree)
{
	struct error error = { 0 };
	if (tree->kind != TREE_SCALAR || tree_is_null(tree))
		return refuse_kind(typing, tree);
	if (tree->template)
		return typed_template(typing, tree);
	if (tree->quoted && value_refuses_quotes(typing->kind.type))
		return refuse_quotes(typing, tree);
	json_t *value = value_typed(&typing->kind, tree->text, tree->base, &error);
	return value ? value : refuse(typing, tree, rule_of(&error), NULL, error.text);
}

static json_t *typed_list(struct typing *typing, const struct param_spec *param, const struct tree *tree)
{
	if (tree->kind != TREE_LIST) {
		if (tree->kind != TREE_SCALAR || tree_is_null(tree))
			return refuse_kind(typing, tree);
		char *cleanup_free hint = memory_format("[%s]", tree->text);
		char *cleanup_free text = memory_format("%s wants a list, not a text", param->name);
		return refuse(typing, tree, "param-type", hint, text);
	}
	json_t *list = json_array();
	bool bad = false;
	typing->kind.type = param->element;
	for (size_t i = 0; i < tree->count; i++) {
		json_t *item = typed_scalar(typing, tree->items[i]);
		bad |= !item;
		if (item)
			json_array_append_new(list, item);
	}
	if (!bad)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *typed_tree(struct binder *binder, const struct group *group, const struct param_spec *param,
	const struct tree *tree)
{
	struct typing typing = { binder, group, { param->type, param->name, param->range } };
	return strcmp(param->type, "list") ? typed_scalar(&typing, tree) : typed_list(&typing, param, tree);
}

/* ---- defaults of the declaration ---- */

/* The text of a declaration as the file's reader would have made it: a list with or without its brackets. */
static struct tree *default_tree(const struct binder *binder, const struct group *group, const struct param_spec *param)
{
	struct mark mark = group->module.count ? group->module.at[0].mark : group->mark;
	const char *base = binder->topology->source ? binder->topology->source->folder : NULL, *at = param->value;
	if (strcmp(param->type, "list")) {
		struct tree *scalar = tree_scalar(at, mark, base, false);
		scalar->template = strstr(at, "$index") || strstr(at, "$folder");
		return scalar;
	}
	struct tree *list = tree_list(mark);
	at += strspn(at, " [");
	for (; *(at += strspn(at, " ,")) && *at != ']'; at += strcspn(at, ",]")) {
		size_t length = strcspn(at, ",]");
		while (length && at[length - 1] == ' ')
			length--;
		char *cleanup_free piece = memory_copy_span(at, length);
		tree_append(list, tree_scalar(piece, mark, base, false));
	}
	return list;
}

static void bad_default(struct binder *binder, const struct group *group, const struct param_spec *param,
	const struct problems *found)
{
	struct mark mark = group->module.count ? group->module.at[0].mark : group->mark;
	problem_add(binder->problems, mark, "module-default", "this is an error of the module, not of this file",
		"%s declares the default `%s` for parameter `%s` of `%s`: %s", binder->groups[group->number].shown,
		param->value, param->name, binder->groups[group->number].spec->name,
		found->list.count ? found->list.at[0].message : "not valid");
}

/* Through the same code as the file's values; what it complains of is the module's fault and said so. */
static json_t *typed_default(struct binder *binder, const struct group *group, const struct param_spec *param)
{
	struct problems found = { 0 }, *outer = binder->problems;
	struct tree *tree = default_tree(binder, group, param);
	json_t *value;
	if (!*param->value && strcmp(param->type, "list") && !value_refuses_quotes(param->type)) {
		struct value_kind kind = { param->type, param->name, param->range };
		value = value_typed(&kind, "", NULL, NULL);
	} else {
		binder->problems = &found;
		value = typed_tree(binder, group, param, tree);
		binder->problems = outer;
	}
	if (!value)
		bad_default(binder, group, param, &found);
	problems_release(&found);
	tree_free(tree);
	return value;
}

/* As for a group of one replica that gives no parameters. */
void interface_check_defaults(const struct interface *interface, struct mark mark, struct problems *problems)
{
	for (size_t i = 0; i < interface->implementations.count; i++) {
		const struct implementation_spec *spec = &interface->implementations.at[i];
		struct topology nothing = { 0 };
		struct bound_group bound = { .spec = spec, .shown = interface->shown };
		struct binder binder = { .topology = &nothing, .problems = problems, .groups = &bound };
		struct group group = { .mark = mark, .replicas = 1 };
		for (size_t j = 0; j < spec->params.count; j++) {
			const struct param_spec *param = &spec->params.at[j];
			bool list = !strcmp(param->type, "list");
			if (param->value && value_type_known(list ? param->element : param->type))
				json_decref(typed_default(&binder, &group, param));
		}
	}
}

/* ---- one parameter, all parameters ---- */

bool bind_not_alive(struct problems *problems, const struct group *group, const struct param_spec *param)
{
	struct given_param given;
	bool list = !strcmp(param->type, "list");
	if (value_type_known(list ? param->element : param->type))
		return false;
	problem_add(problems, bind_given(group, param->name, &given) ? given.key_mark : group->mark, "not-yet", NULL,
		"parameter `%s` of %s (%s) is of type %s%s, which this version cannot set yet", param->name, group->label,
		group->interface->shown, list ? "list of " : "", list ? param->element : param->type);
	return true;
}

static json_t *bind_param(struct binder *binder, const struct group *group, const struct param_spec *param)
{
	const struct bound_group *bound = &binder->groups[group->number];
	struct given_param given;
	bool is_given = bind_given(group, param->name, &given);
	if (bind_not_alive(binder->problems, group, param))
		return NULL;
	if (is_given)
		return typed_tree(binder, group, param, given.value);
	if (param->value)
		return typed_default(binder, group, param);
	char *cleanup_free hint = param->help && *param->help ? memory_format("add `params: {%s: ...}`: %s", param->name, param->help) :
		memory_format("add `params: {%s: ...}`", param->name);
	problem_add(binder->problems, group->mark, "param-missing", hint, "%s (%s) needs the parameter `%s` (%s)",
		group->label, bound->shown, param->name, value_type_noun(param->type));
	return NULL;
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
