/* SPDX-License-Identifier: MIT */
/* --set NAME=VALUE. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "topology/dollar.h"
#include "topology/mark.h"
#include "topology/read.h"
#include "topology/variables.h"
#include "topology/words.h"

struct setter {
	struct source *source;
	struct problems *problems;
	struct names names;
	const struct setting *setting;
	const char *file;               /* "--set NAME" */
	struct mark name, value;
};

/* ---- what a name that is no variable may have meant ---- */

/* `nodes.actor.replicas` */
static const struct tree *find_path(const struct tree *tree, const char *path)
{
	while (tree && *path) {
		size_t length = strcspn(path, ".");
		char *cleanup_free key = memory_copy_span(path, length);
		tree = tree_get(tree, key);
		path += length + (path[length] == '.');
	}
	return tree;
}

/* "actor's replicas" of nodes.actor.replicas. */
static char *possessive(const char *path)
{
	const char *node = path + strlen("nodes.");
	size_t length = strcspn(node, ".");
	if (!text_starts(path, "nodes.") || !node[length])
		return memory_copy_text(path);
	return memory_format("%.*s's %s", (int)length, node, node + length + 1);
}

static bool report_path(const struct setter *setter)
{
	const char *path = setter->setting->name;
	const struct tree *tree = strchr(path, '.') ? find_path(setter->source->root, path) : NULL;
	struct dollar use;
	size_t place;
	if (!tree || tree->kind != TREE_SCALAR)
		return false;
	char *cleanup_free what = possessive(path);
	char *cleanup_free name = dollar_is_whole(tree->text, &use)
		? memory_copy_span(use.name, use.name_length) : NULL;
	if (name && names_find(&setter->names, name, &place)) {
		char *cleanup_free where = mark_text(setter->source->variables.at[place].mark);
		problem_add(setter->problems, setter->name, "set", NULL,
			"no variable of that name; `%s` (%s) sets %s", name, where,
			what);
	} else {
		char *cleanup_free where = mark_text(tree->mark);
		problem_add(setter->problems, setter->name, "set", NULL,
			"no variable of that name; %s is set at %s: put a variable there", what, where);
	}
	return true;
}

static int report_unknown(const struct setter *setter)
{
	const struct source *source = setter->source;
	const char *name = setter->setting->name;
	size_t count = source->variables.count;
	const char **cleanup_free words = memory_array(count, sizeof *words);
	for (size_t i = 0; i < count; i++)
		words[i] = source->variables.at[i].name;
	const char *nearest = words_nearest(setter->problems, name, words, count);
	char *cleanup_free list = words_list(words, count);
	if (builtin_find(name, strlen(name)))
		return problem_add(setter->problems, setter->name, "set",
			strcmp(name, "name") ? NULL : "use --name",
			"`%s` is built in and cannot be set", name);
	if (report_path(setter))
		return -1;
	if (nearest)
		return problem_add(setter->problems, setter->name, "set", NULL,
			"no variable of that name: did you mean `%s`?", nearest);
	return problem_add(setter->problems, setter->name, "set", NULL,
		"no variable of that name; %s has: %.300s",
		source->file, list);
}

/* ---- values ---- */

/* What a value is, or becomes: a list by $args, what another variable is. */
static enum tree_kind kind_of(const struct setter *setter, const struct tree *value)
{
	struct dollar use;
	size_t place;
	for (int i = 0; i < READ_DEPTH && value->kind == TREE_SCALAR
		&& dollar_is_whole(value->text, &use); i++) {
		char *cleanup_free name = memory_copy_span(use.name, use.name_length);
		if (builtin_find(name, use.name_length) == BUILTIN_ARGS)
			return TREE_LIST;
		if (!names_find(&setter->names, name, &place))
			return TREE_SCALAR;
		value = setter->source->variables.at[place].value;
	}
	return value->kind;
}

static const char *base_of(const struct setter *setter)
{
	return setter->setting->folder ? setter->setting->folder : setter->source->settings->folder;
}

/* Of text or list: what stands in quotes on a command line is the shell's affair, so it is plain here. */
static struct tree *plain(const struct setter *setter, const char *text, size_t offset, size_t length)
{
	char *cleanup_free copy = memory_copy_span(text + offset, length);
	struct mark mark = setter->value;
	mark.column += (int)mark_characters(text, offset);
	mark.end_column = mark.column + (int)mark_characters(text + offset, length);
	return tree_scalar(copy, mark, base_of(setter), !length);
}

static struct tree *split(const struct setter *setter, const char *text)
{
	struct tree *list = tree_list(setter->value);
	for (size_t at = 0; text[at]; ) {
		size_t length = strcspn(text + at, ",");
		tree_append(list, plain(setter, text, at, length));
		at += length;
		if (text[at] == ',' && !text[++at])
			tree_append(list, plain(setter, text, at, 0));
	}
	return list;
}

static struct tree *flow(const struct setter *setter, const char *text, enum tree_kind kind)
{
	struct reading reading = { text, strlen(text), setter->file, setter->value.column,
		base_of(setter) };
	struct tree *tree = read_yaml(&reading, setter->problems);
	if (!tree || tree->kind == kind)
		return tree;
	problem_add(setter->problems, setter->value, "set", NULL, kind == TREE_LIST ? "a list is written [a, b] or a,b"
		: "%s is a map: it is written {a: 1, b: 2}", setter->setting->name);
	tree_free(tree);
	return NULL;
}

static struct tree *value_of(const struct setter *setter, const struct variable *variable)
{
	const char *text = setter->setting->value;
	enum tree_kind kind = kind_of(setter, variable->fallback);
	if (kind == TREE_MAP || (kind == TREE_LIST && *text == '['))
		return flow(setter, text, kind);
	if (kind == TREE_LIST)
		return split(setter, text);
	if (!variables_allow(variable, text)) {
		variables_refuse(variable, text, setter->value, setter->problems);
		return NULL;
	}
	return plain(setter, text, 0, strlen(text));
}

static const char *own(struct source *source, char *text)
{
	*list_add(&source->names) = text;
	return text;
}

static void set(struct setter *setter, const struct setting *setting)
{
	size_t place;
	int width = (int)mark_characters(setting->name, strlen(setting->name));
	int value_width = (int)mark_characters(setting->value, strlen(setting->value));
	setter->setting = setting;
	setter->file = own(setter->source, memory_format("--set %s", setting->name));
	setter->name = (struct mark){ setter->file, 1, 1, 1, width + 1 };
	setter->value = (struct mark){ setter->file, 1, width + 2, 1, width + 2 + value_width };
	if (!names_find(&setter->names, setting->name, &place)) {
		report_unknown(setter);
		return;
	}
	struct variable *variable = &setter->source->variables.at[place];
	struct tree *value = value_of(setter, variable);
	variable->set = true;               /* to a wrong value, too: nobody asked for the others */
	if (!value)
		return;
	tree_free(variable->value);
	variable->value = value;
}

void variables_set(struct source *source, struct problems *problems)
{
	struct setter setter = { .source = source, .problems = problems };
	variables_index(source, &setter.names);
	for (size_t i = 0; i < source->settings->count; i++)
		set(&setter, &source->settings->at[i]);
	names_release(&setter.names);
}
