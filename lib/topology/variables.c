/* SPDX-License-Identifier: MIT */
#include "topology/variables.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "topology/dollar.h"
#include "topology/mark.h"
#include "topology/schema.h"
#include "topology/words.h"

void variables_index(const struct source *source, struct names *names)
{
	for (size_t i = 0; i < source->variables.count; i++)
		names_put(names, source->variables.at[i].name, i);
}

bool variables_allow(const struct variable *variable, const char *value)
{
	for (size_t i = 0; i < variable->one_of.count; i++)
		if (!strcmp(variable->one_of.at[i], value))
			return true;
	return !variable->one_of.count;
}

int variables_refuse(const struct variable *variable, const char *value, struct mark mark,
	struct problems *problems)
{
	const char *const *words = (const char *const *)variable->one_of.at;
	char *cleanup_free list = words_list(words, variable->one_of.count);
	const char *nearest = words_nearest(problems, value, words, variable->one_of.count);
	if (nearest)
		return problem_add(problems, mark, "one-of", NULL, "%s is one of %s: did you mean %s?",
			variable->name, list,
			nearest);
	return problem_add(problems, mark, "one-of", NULL, "%s is one of %s, not \"%.60s\"",
		variable->name, list, value);
}

enum { VALUES_MOST = 1000 };

static void read_one_of(struct variable *variable, const struct tree *list, struct problems *problems)
{
	if (!list || list->kind != TREE_LIST)
		return;
	if (!list->count)
		problem_add(problems, list->mark, "one-of", NULL, "`one_of` needs at least one value");
	if (list->count > VALUES_MOST)
		problem_add(problems, list->mark, "one-of", NULL, "`one_of` has at most %d values",
			VALUES_MOST);
	for (size_t i = 0; i < list->count && i < VALUES_MOST; i++) {
		const struct tree *item = list->items[i];
		if (item->kind != TREE_SCALAR)
			problem_add(problems, item->mark, "type", NULL,
				"a value of `one_of` is a text, not %s", tree_kind_name(item));
		else if (strchr(item->text, '$'))
			problem_add(problems, item->mark, "one-of", NULL,
				"a value of `one_of` stands for itself: no variables here");
		else if (variable->one_of.count && variables_allow(variable, item->text))
			problem_add(problems, item->mark, "one-of", NULL,
				"`%.60s` stands here a second time", item->text);
		else
			*list_add(&variable->one_of) = memory_copy_text(item->text);
	}
}

/* No key of it could be meant for a long form: it is the value itself. */
static bool is_bare_map(const struct tree *map, const struct problems *problems)
{
	const struct schema_table *table = &schema_tables[SCHEMA_VARIABLE];
	const char *words[8];
	for (size_t i = 0; i < table->count; i++)
		words[i] = table->keys[i].name;
	for (size_t i = 0; i < map->count; i++)
		if (schema_find(SCHEMA_VARIABLE, map->keys[i]) || words_nearest(problems, map->keys[i], words, table->count))
			return false;
	return map->count;
}

/* {default: ..., one_of: [...], help: ...} */
static void read_long_form(struct variable *variable, const struct tree *map, struct problems *problems)
{
	if (is_bare_map(map, problems)) {
		problem_add(problems, map->mark, "variable", NULL, "a variable that holds a map is written `%.60s: {default: {...}}`",
			variable->name);
		return;
	}
	schema_check(SCHEMA_VARIABLE, map, problems);
	const struct tree *help = tree_get(map, "help");
	struct tree *fallback = tree_get(map, "default");
	if (help && help->kind == TREE_SCALAR)
		variable->help = memory_copy_text(help->text);
	read_one_of(variable, tree_get(map, "one_of"), problems);
	if (!fallback)
		problem_add(problems, variable->mark, "variable", NULL,
			"`%.60s` has no default: write `default: VALUE`",
			variable->name);
	else if (variable->one_of.count && fallback->kind != TREE_SCALAR)
		problem_add(problems, fallback->mark, "type", NULL,
			"a variable with `one_of` is a text, not %s",
			tree_kind_name(fallback));
	else if (variable->one_of.count && !variables_allow(variable, fallback->text))
		variables_refuse(variable, fallback->text, fallback->mark, problems);
	else
		variable->fallback = tree_share(fallback);
}

static void declare(struct source *source, const char *name, struct mark mark, struct tree *value,
	struct problems *problems)
{
	struct variable variable = { .name = memory_copy_text(name), .mark = mark };
	size_t length = strlen(name), before = problems->errors;
	if (length > LABEL_LONGEST)
		problem_add(problems, mark, "name", NULL, "a name has at most %d characters, not %zu",
			LABEL_LONGEST,
			mark_characters(name, length));
	else if (!words_is_variable_name(name, length))
		problem_add(problems, mark, "name", NULL,
			"a variable's name is made of letters, digits and _, and begins with a letter: not `%s`", name);
	else if (builtin_find(name, length))
		problem_add(problems, mark, "variable", NULL, "`$%s` is built in: choose another name", name);
	variable.used = problems->errors > before;       /* no second complaint */
	if (value->kind == TREE_MAP)
		read_long_form(&variable, value, problems);
	else
		variable.fallback = tree_share(value);
	if (!variable.fallback)
		variable.fallback = tree_scalar(variable.one_of.count ? variable.one_of.at[0] : "", mark,
			source->folder, false);
	variable.value = tree_share(variable.fallback);
	*list_add(&source->variables) = variable;
}

void variables_declare(struct source *source, struct problems *problems)
{
	const struct tree *vars = tree_get(source->root, "vars");
	bool seed = false;
	for (size_t i = 0; vars && i < vars->count && vars->kind == TREE_MAP; i++) {
		seed |= !strcmp(vars->keys[i], "seed");
		declare(source, vars->keys[i], vars->key_marks[i], vars->items[i], problems);
	}
	if (!seed) {
		struct mark nowhere = { source->file, 0, 0, 0, 0 };
		struct tree *one = tree_scalar("1", nowhere, source->folder, false);
		declare(source, "seed", nowhere, one, problems);
		tree_free(one);
	}
}
