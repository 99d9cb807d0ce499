/* SPDX-License-Identifier: MIT */
#include "topology/typing.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "topology/mark.h"
#include "topology/read.h"
#include "topology/value.h"
#include "topology/words.h"

static const char placeholder_folder[] = "/folder-of-the-replica";

static const char *shown(const struct typing *typing)
{
	return typing->binder->groups[typing->group->number].shown;
}

static json_t *refuse(const struct typing *typing, const struct tree *tree, const char *rule, const char *hint,
	const char *text)
{
	words_report(typing->binder->problems, tree, rule, hint, "%s", text);
	return NULL;
}

/* ---- scalars and lists ---- */

/* A map that did not become one: nothing written, or what --set gave to a variable that holds a text. */
static const char *hint_for_map(const char *type, const struct tree *tree)
{
	if (tree_is_null(tree))
		return !strcmp(type, "object") ? "{} is the object with the defaults of all its fields" : "{} is the empty map";
	if (tree->kind == TREE_SCALAR && tree->text[0] == '{' && tree->from.line)
		return "--set takes {...} for a variable whose default is a map: `vars: {NAME: {default: {}}}`";
	return NULL;
}

static json_t *refuse_kind(const struct typing *typing, const char *type, const struct tree *tree)
{
	bool wants_text = !strcmp(type, "text") || !strcmp(type, "path");
	char *cleanup_free text = memory_format("%s wants %s, not %s", typing->path, value_type_noun(type),
		tree_kind_name(tree));
	const char *hint = value_is_nested(type) ? hint_for_map(type, tree) :
		wants_text && tree_is_null(tree) ? "\"\" is the empty text" : NULL;
	return refuse(typing, tree, "param-type", hint, text);
}

static const char *rule_of(const struct error *error)
{
	return error->code == VALUE_OUT_OF_RANGE ? "param-range" : "param-type";
}

/* A template must make sense for every replica; a text or a path always does. */
static json_t *typed_template(const struct typing *typing, const struct value_kind *kind, const struct tree *tree)
{
	json_t *value = value_template(tree->text, tree->base);
	if (!value)
		return refuse(typing, tree, "param-type", NULL, "a text must be UTF-8");
	if (!strcmp(kind->type, "text") || !strcmp(kind->type, "path"))
		return value;
	int last = value_names_index(value) ? typing->group->replicas : 1;
	struct param_spec spec = { .name = (char *)kind->name, .type = (char *)kind->type, .range = (char *)kind->range };
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
static json_t *refuse_quotes(const struct typing *typing, const char *type, const struct tree *tree)
{
	bool empty = words_is_set_empty(tree);
	char *cleanup_free hint = empty ? NULL : words_leave_quotes_out(tree);
	char *cleanup_free text = memory_format("%s wants %s, %s", typing->path, value_type_noun(type),
		empty ? "but is empty" : "and what is in quotes is a text");
	return refuse(typing, tree, "param-type", hint, text);
}

/* `type`: the parameter's, or that of its elements. */
static json_t *typed_scalar(const struct typing *typing, const struct param_spec *param, const char *type,
	const struct tree *tree)
{
	struct error error = { 0 };
	struct value_kind kind = { type, typing->path, param->range };
	if (tree->kind != TREE_SCALAR || tree_is_null(tree))
		return refuse_kind(typing, type, tree);
	if (tree->template)
		return typed_template(typing, &kind, tree);
	if (tree->quoted && value_refuses_quotes(type))
		return refuse_quotes(typing, type, tree);
	json_t *value = value_typed(&kind, tree->text, tree->base, &error);
	return value ? value : refuse(typing, tree, rule_of(&error), NULL, error.text);
}

static json_t *typed_list(const struct typing *typing, const struct param_spec *param, const struct tree *tree)
{
	if (tree->kind != TREE_LIST) {
		if (tree->kind != TREE_SCALAR || tree_is_null(tree))
			return refuse_kind(typing, param->type, tree);
		char *cleanup_free hint = memory_format("[%s]", tree->text);
		char *cleanup_free text = memory_format("%s wants a list, not a text", typing->path);
		return refuse(typing, tree, "param-type", hint, text);
	}
	json_t *list = json_array();
	bool bad = false;
	for (size_t i = 0; i < tree->count; i++)
		bad |= json_array_append_new(list, typed_scalar(typing, param, param->element, tree->items[i])) != 0;
	if (!bad)
		return list;
	json_decref(list);
	return NULL;
}

/* ---- objects and maps ---- */

char *typing_instead(const char *name, const struct param_spec *known, size_t count)
{
	const char **cleanup_free words = memory_array(count, sizeof *words);
	for (size_t i = 0; i < count; i++)
		words[i] = known[i].name;
	const char *nearest = text_nearest(name, words, count);
	char *cleanup_free list = words_list(words, count);
	return nearest ? memory_format(": did you mean `%s`?", nearest) :
		memory_format("; it has%s%s", count ? ": " : " none", list);
}

static const char *nearest_field(const struct param_spec *param, const char *name)
{
	const char **cleanup_free words = memory_array(param->fields.count, sizeof *words);
	for (size_t i = 0; i < param->fields.count; i++)
		words[i] = param->fields.at[i].name;
	return text_nearest(name, words, param->fields.count);
}

static bool is_field(const struct param_spec *param, const char *name)
{
	for (size_t i = 0; i < param->fields.count; i++)
		if (!strcmp(param->fields.at[i].name, name))
			return true;
	return false;
}

static bool check_fields(const struct typing *typing, const struct param_spec *param, const struct tree *map)
{
	bool good = true;
	for (size_t i = 0; map && i < map->count; i++) {
		if (is_field(param, map->keys[i]))
			continue;
		char *cleanup_free rest = typing_instead(map->keys[i], param->fields.at, param->fields.count);
		problem_add(typing->binder->problems, map->key_marks[i], "param-unknown", NULL, "%s has no field `%.60s`%s",
			typing->path, map->keys[i], rest);
		good = false;
	}
	return good;
}

/* An unknown word, which was reported, stands where the field should: no second complaint. */
static bool is_meant(const struct param_spec *param, const struct param_spec *field, const struct tree *map)
{
	for (size_t i = 0; map && i < map->count; i++)
		if (!is_field(param, map->keys[i]) && text_equal(nearest_field(param, map->keys[i]), field->name))
			return true;
	return false;
}

static struct mark key_mark(const struct tree *map, const char *key)
{
	size_t i = 0;
	while (strcmp(map->keys[i], key))
		i++;
	return map->key_marks[i];
}

static json_t *typed_field(const struct typing *outer, const struct param_spec *param, const struct param_spec *field,
	const struct tree *map)
{
	const struct tree *tree = tree_get(map, field->name);
	char *cleanup_free path = memory_format("%s.%s", outer->path, field->name);
	char *cleanup_free declared = memory_format("%s.%s", outer->declared, field->name);
	struct typing typing = *outer;
	typing.path = path;
	typing.declared = declared;
	if (!tree)
		return is_meant(param, field, map) ? NULL : typing_absent(&typing, field);
	typing.mark = key_mark(map, field->name);
	typing.given = strlen(path);
	return typing_value(&typing, field, tree);
}

/* The fields that `map` holds, and those that it does not; NULL: it is not there, nor are they. */
static json_t *typed_object(const struct typing *typing, const struct param_spec *param, const struct tree *map)
{
	if (map && map->kind != TREE_MAP)
		return refuse_kind(typing, "object", map);
	bool good = check_fields(typing, param, map);
	json_t *out = json_object();
	for (size_t i = 0; i < param->fields.count; i++)
		good &= !json_object_set_new(out, param->fields.at[i].name, typed_field(typing, param, &param->fields.at[i], map));
	if (good)
		return out;
	json_decref(out);
	return NULL;
}

/* Names stand in paths, "params.tables.NAME.max_size: ...", and nothing is put into them. */
static bool check_name(const struct typing *typing, const char *name, struct mark mark)
{
	size_t length = strlen(name);
	if (length > LABEL_LONGEST)
		return !problem_add(typing->binder->problems, mark, "name", NULL, "a name has at most %d characters, not %zu",
			LABEL_LONGEST, mark_characters(name, length));
	for (const char *at = name; *at; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7f || strchr(".:$`", *at))
			length = 0;
	return length || !problem_add(typing->binder->problems, mark, "name", NULL,
		"a name in %s has no blanks, dots, colons or dollars, and is not empty: not `%.60s`", typing->path, name);
}

static json_t *typed_map(const struct typing *outer, const struct param_spec *param, const struct tree *map)
{
	if (map->kind != TREE_MAP)
		return refuse_kind(outer, "map", map);
	json_t *out = json_object();
	bool good = true;
	char *cleanup_free declared = memory_format("%s.*", outer->declared);
	for (size_t i = 0; i < map->count; i++) {
		char *cleanup_free path = memory_format("%s.%s", outer->path, map->keys[i]);
		struct typing typing = { outer->binder, outer->group, path, declared, map->key_marks[i], strlen(path) };
		good &= check_name(outer, map->keys[i], map->key_marks[i])
			&& !json_object_set_new(out, map->keys[i], typed_object(&typing, param, map->items[i]));
	}
	if (good)
		return out;
	json_decref(out);
	return NULL;
}

json_t *typing_value(const struct typing *typing, const struct param_spec *param, const struct tree *tree)
{
	if (!strcmp(param->type, "list"))
		return typed_list(typing, param, tree);
	if (!strcmp(param->type, "object"))
		return typed_object(typing, param, tree);
	if (!strcmp(param->type, "map"))
		return typed_map(typing, param, tree);
	return typed_scalar(typing, param, param->type, tree);
}

/* ---- defaults of the declaration ---- */

static struct mark module_mark(const struct group *group)
{
	return group->module.count ? group->module.at[0].mark : group->mark;
}

static void mark_templates(struct tree *tree)
{
	if (tree->kind == TREE_SCALAR)
		tree->template = strstr(tree->text, "$index") || strstr(tree->text, "$folder");
	for (size_t i = 0; i < tree->count; i++)
		mark_templates(tree->items[i]);
}

/* A list with or without its brackets. */
static struct tree *default_list(const char *at, struct mark mark, const char *base)
{
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

/* The text of a declaration as the file's reader would have made it. NULL: it is no YAML, which was reported. */
static struct tree *default_tree(const struct typing *typing, const struct param_spec *param)
{
	const struct source *source = typing->binder->topology->source;
	struct mark mark = module_mark(typing->group);
	const char *base = source ? source->folder : NULL;
	struct reading reading = { param->value, strlen(param->value), mark.file, 1, base };
	struct tree *tree = !strcmp(param->type, "list") ? default_list(param->value, mark, base) :
		value_is_nested(param->type) ? read_yaml(&reading, typing->binder->problems) :
		tree_scalar(param->value, mark, base, false);
	if (tree)
		mark_templates(tree);
	return tree;
}

static void bad_default(const struct typing *typing, const struct param_spec *param, const struct problems *found)
{
	problem_add(typing->binder->problems, module_mark(typing->group), "module-default",
		"this is an error of the module, not of this file", "%s declares the default `%s` for parameter `%s` of `%s`: %s",
		shown(typing), param->value, typing->declared, typing->binder->groups[typing->group->number].spec->name,
		found->list.count ? found->list.at[0].message : "not valid");
}

/* Through the same code as the file's values; what it complains of is the module's fault and said so. */
static json_t *typed_default(const struct typing *outer, const struct param_spec *param)
{
	struct problems found = { 0 }, *problems = outer->binder->problems;
	struct typing typing = *outer;
	typing.path = typing.declared;
	if (!*param->value && strcmp(param->type, "list") && !value_refuses_quotes(param->type)
		&& value_type_known(param->type)) {
		struct value_kind kind = { param->type, param->name, param->range };
		json_t *value = value_typed(&kind, "", NULL, NULL);
		if (!value)
			bad_default(&typing, param, &found);
		return value;
	}
	outer->binder->problems = &found;
	struct tree *tree = default_tree(&typing, param);
	json_t *value = tree ? typing_value(&typing, param, tree) : NULL;
	outer->binder->problems = problems;
	if (!value)
		bad_default(&typing, param, &found);
	problems_release(&found);
	tree_free(tree);
	return value;
}

static void check_defaults(const struct typing *outer, const struct param_spec *params, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct param_spec *param = &params[i];
		bool map = !strcmp(param->type, "map");
		char *cleanup_free declared = memory_format("%s%s", outer->declared, param->name);
		char *cleanup_free inner = memory_format("%s%s", declared, map ? ".*." : ".");
		struct typing typing = *outer;
		typing.path = typing.declared = declared;
		if (param->value)
			json_decref(typed_default(&typing, param));
		typing.path = typing.declared = inner;
		check_defaults(&typing, param->fields.at, param->fields.count);
	}
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
		struct typing typing = { &binder, &group, "", "", mark, 0 };
		check_defaults(&typing, spec->params.at, spec->params.count);
	}
}

/* ---- what is not given ---- */

/* "add `params: {limiter: {min_size: ...}}`", or what lies behind the part of the path that is there. */
static char *what_to_add(const struct typing *typing, const char *help)
{
	struct text out = { 0 };
	int braces = !typing->given;
	text_add(&out, typing->given ? "add `" : "add `params: {");
	for (const char *at = typing->path + typing->given + (typing->given > 0); ; at++) {
		size_t length = strcspn(at, ".");
		text_add_span(&out, at, length);
		text_add(&out, at[length] ? ": {" : ": ...");
		if (!*(at += length))
			break;
		braces++;
	}
	while (braces-- > 0)
		text_add_char(&out, '}');
	text_format(&out, help && *help ? "`: %s" : "`", help);
	return text_take(&out);
}

json_t *typing_absent(const struct typing *typing, const struct param_spec *param)
{
	if (param->value)
		return typed_default(typing, param);
	if (!strcmp(param->type, "object"))
		return typed_object(typing, param, NULL);
	char *cleanup_free hint = what_to_add(typing, param->help);
	problem_add(typing->binder->problems, typing->mark, "param-missing", hint, "%s (%s) needs the parameter `%s` (%s)",
		typing->group->label, shown(typing), typing->path, value_type_noun(param->type));
	return NULL;
}
