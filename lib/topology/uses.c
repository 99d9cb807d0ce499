/* SPDX-License-Identifier: MIT */
/* Where variables are used: once over the whole file, so that each mistake is told once, at its place. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "topology/dollar.h"
#include "topology/mark.h"
#include "topology/read.h"
#include "topology/variables.h"
#include "topology/words.h"

enum {
	TOLD_IN_TEXT = 20,              /* wrong variables of one text that are told */
	NEAREST_UNTIL = 100             /* after so many problems nobody looks for the word that was meant */
};

/* How far the search for circles is with a variable; the file's name comes behind the last one. */
enum colour { UNSEEN, OPEN, DONE };

struct uses {
	struct source *source;
	struct problems *problems;
	struct names names;
	LIST(size_t) fresh;             /* variables found to be used, whose own values are still to be looked through */
	unsigned char *colours;
	const char *path[READ_DEPTH + 1];       /* names on the way of the search */
	size_t depth;
};

static void mark_used(struct uses *uses, size_t place)
{
	struct variable *variable = &uses->source->variables.at[place];
	if (variable->used)
		return;
	variable->used = true;
	*list_add(&uses->fresh) = place;
}

static void report_unknown(struct uses *uses, const struct dollar *use, struct mark mark)
{
	const struct source *source = uses->source;
	size_t place, count = uses->problems->errors < NEAREST_UNTIL
		? source->variables.count + BUILTINS - 1 : 0;
	const char **cleanup_free words = memory_array(count, sizeof *words);
	for (size_t i = 0; i < count; i++)
		words[i] = i < BUILTINS - 1 ? builtin_names[i + 1]
			: source->variables.at[i - (BUILTINS - 1)].name;
	char *cleanup_free name = memory_copy_span(use->name, use->name_length);
	const char *nearest = words_nearest(uses->problems, name, words, count);
	if (nearest && names_find(&uses->names, nearest, &place))
		mark_used(uses, place);         /* it was meant: no second complaint */
	if (nearest)
		problem_add(uses->problems, mark, "unknown-variable", NULL,
			"no variable `%.60s`: did you mean `%s`?", name, nearest);
	else
		problem_add(uses->problems, mark, "unknown-variable",
			"add it to `vars`; a dollar that stands for itself is written $$",
			"no variable `%.60s`", name);
}

/* False if there is no such variable. */
static bool use(struct uses *uses, const struct dollar *piece)
{
	size_t place;
	char *cleanup_free name = memory_copy_span(piece->name, piece->name_length);
	enum builtin builtin = builtin_find(piece->name, piece->name_length);
	if (builtin == BUILTIN_ARGS)
		uses->source->arguments_used = true;
	if (!builtin && !names_find(&uses->names, name, &place))
		return false;
	if (!builtin)
		mark_used(uses, place);
	return true;
}

static void scan_text(struct uses *uses, const char *text, struct mark whole)
{
	struct dollar piece;
	int told = 0;
	for (const char *at = text; dollar_next(&at, &piece); ) {
		if (piece.kind == DOLLAR_TEXT || piece.kind == DOLLAR_DOLLAR
			|| (piece.kind == DOLLAR_NAME && use(uses, &piece))
			|| told++ >= TOLD_IN_TEXT)
			continue;
		struct mark mark = mark_within(whole, text, (size_t)(piece.start - text), piece.length);
		if (piece.kind == DOLLAR_NAME)
			report_unknown(uses, &piece, mark);
		else if (piece.kind == DOLLAR_ALONE)
			problem_add(uses->problems, mark, "dollar", NULL,
				"no name stands behind `$`: a dollar is written $$");
		else
			problem_add(uses->problems, mark, "dollar", NULL,
				"`${` needs a variable's name and `}` behind it");
	}
}

static void scan(struct uses *uses, const struct tree *tree)
{
	if (tree->kind == TREE_SCALAR && strchr(tree->text, '$'))
		scan_text(uses, tree->text, tree->mark);
	for (size_t i = 0; i < tree->count; i++)
		scan(uses, tree->items[i]);
}

/* What the file's own value of a variable needs is used, even where --set has replaced that value. */
static void scan_fallback(struct uses *uses, const struct tree *tree)
{
	struct dollar piece;
	for (const char *at = tree->text; at && dollar_next(&at, &piece); )
		if (piece.kind == DOLLAR_NAME && !builtin_find(piece.name, piece.name_length))
			use(uses, &piece);
	for (size_t i = 0; i < tree->count; i++)
		scan_fallback(uses, tree->items[i]);
}

/* Of a node or the options of an edge: x-keys are free. */
static void scan_keys(struct uses *uses, const struct tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		if (tree->kind != TREE_MAP || strncmp(tree->keys[i], "x-", 2))
			scan(uses, tree->items[i]);
}

/* ---- when ---- */

static void check_condition_value(struct uses *uses, const struct variable *variable, const struct tree *value)
{
	if (value->kind != TREE_SCALAR)
		problem_add(uses->problems, value->mark, "type", NULL,
			"a value in `when` is a text, not %s", tree_kind_name(value));
	else if (strchr(value->text, '$'))
		return;         /* looked at when the variable is put in */
	else if (variable && !variables_allow(variable, value->text))
		variables_refuse(variable, value->text, value->mark, uses->problems);
}

static void check_condition(struct uses *uses, const char *name, struct mark mark, const struct tree *value)
{
	size_t place;
	const struct variable *variable = NULL;
	if (names_find(&uses->names, name, &place)) {
		mark_used(uses, place);
		variable = &uses->source->variables.at[place];
		if (!variable->one_of.count)
			problem_add(uses->problems, mark, "when",
				"write `{default: VALUE, one_of: [VALUE, ...]}` in `vars`",
				"`when` needs a variable with `one_of`: `%s` has none", name);
	} else {
		struct dollar missing = { .name = name, .name_length = strlen(name) };
		report_unknown(uses, &missing, mark);
	}
	if (value->kind != TREE_LIST)
		check_condition_value(uses, variable, value);
	for (size_t i = 0; value->kind == TREE_LIST && i < value->count; i++)
		check_condition_value(uses, variable, value->items[i]);
}

static void check_when(struct uses *uses, const struct tree *owner)
{
	const struct tree *when = tree_get(owner, "when");
	for (size_t i = 0; when && when->kind == TREE_MAP && i < when->count; i++)
		check_condition(uses, when->keys[i], when->key_marks[i], when->items[i]);
}

/* ---- the whole file ---- */

static void scan_node(struct uses *uses, const struct tree *node)
{
	check_when(uses, node);
	scan_keys(uses, node);
}

static void scan_edge(struct uses *uses, const struct tree *edge)
{
	if (edge->kind == TREE_SCALAR)
		scan_text(uses, edge->text, edge->mark);
	for (size_t i = 0; edge->kind == TREE_MAP && i < edge->count; i++) {
		scan_text(uses, edge->keys[i], edge->key_marks[i]);
		scan_node(uses, edge->items[i]);
	}
}

static void scan_file(struct uses *uses)
{
	const struct tree *root = uses->source->root;
	for (size_t i = 0; i < root->count; i++) {
		const char *key = root->keys[i];
		const struct tree *value = root->items[i];
		bool nodes = !strcmp(key, "nodes"), edges = !strcmp(key, "edges");
		if (!strcmp(key, "vars") || !strncmp(key, "x-", 2))
			continue;
		if (!strcmp(key, "defaults"))
			scan_node(uses, value);
		for (size_t j = 0; (nodes || edges) && j < value->count; j++)
			(edges ? scan_edge : scan_node)(uses, value->items[j]);
		if (!nodes && !edges && strcmp(key, "defaults"))
			scan(uses, value);
	}
}

/* ---- circles ---- */

static void visit(struct uses *uses, size_t place);

static void visit_text(struct uses *uses, const char *text)
{
	struct dollar piece;
	for (const char *at = text; dollar_next(&at, &piece); ) {
		if (piece.kind != DOLLAR_NAME)
			continue;
		size_t place;
		char *cleanup_free name = memory_copy_span(piece.name, piece.name_length);
		if (builtin_find(name, piece.name_length) == BUILTIN_NAME)
			visit(uses, uses->source->variables.count);
		else if (names_find(&uses->names, name, &place))
			visit(uses, place);
	}
}

static void visit_tree(struct uses *uses, const struct tree *tree)
{
	if (tree->kind == TREE_SCALAR)
		visit_text(uses, tree->text);
	for (size_t i = 0; i < tree->count; i++)
		visit_tree(uses, tree->items[i]);
}

static void report_circle(struct uses *uses, const char *name, struct mark mark)
{
	struct text cleanup_text circle = { 0 };
	size_t from = 0;
	while (strcmp(uses->path[from], name))
		from++;
	for (; from < uses->depth; from++) {
		size_t place;
		text_format(&circle, "$%s -> ", uses->path[from]);
		if (names_find(&uses->names, uses->path[from], &place))
			mark_used(uses, place);
	}
	problem_add(uses->problems, mark, "circle", NULL, "these variables need each other: %s$%s",
		circle.data, name);
}

static void visit(struct uses *uses, size_t place)
{
	const struct source *source = uses->source;
	bool file_name = place == source->variables.count;
	const struct variable *variable = file_name ? NULL : &source->variables.at[place];
	const struct tree *value = file_name ? tree_get(source->root, "name") : variable->value;
	const char *name = file_name ? "name" : variable->name;
	if (!value || uses->colours[place] == DONE || (file_name && source->settings->name))
		return;
	if (uses->colours[place] == OPEN) {
		report_circle(uses, name, file_name ? value->mark : variable->mark);
		return;
	}
	if (uses->depth == READ_DEPTH)
		return;         /* told where the value is used */
	uses->colours[place] = OPEN;
	uses->path[uses->depth++] = name;
	visit_tree(uses, value);
	uses->depth--;
	uses->colours[place] = DONE;
}

void variables_check_uses(struct source *source, struct problems *problems)
{
	struct uses uses = { .source = source, .problems = problems };
	variables_index(source, &uses.names);
	size_t count = source->variables.count;
	scan_file(&uses);
	for (size_t i = 0; i < uses.fresh.count; i++) {
		const struct variable *variable = &source->variables.at[uses.fresh.at[i]];
		scan(&uses, variable->value);
		if (variable->set)
			scan_fallback(&uses, variable->fallback);
	}
	uses.colours = memory_array(count + 1, 1);
	for (size_t i = 0; i <= count; i++)
		visit(&uses, i);
	for (size_t i = 0; i < count; i++)      /* unused, but what they hold is checked as well */
		if (!source->variables.at[i].used)
			scan(&uses, source->variables.at[i].value);
	free(uses.colours);
	list_release(&uses.fresh);
	names_release(&uses.names);
}
