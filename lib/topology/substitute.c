/* SPDX-License-Identifier: MIT */
#include "topology/substitute.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "topology/dollar.h"
#include "topology/mark.h"
#include "topology/read.h"
#include "topology/variables.h"
#include "topology/words.h"

enum {
	TEXT_MOST = 1 << 20,            /* of one text, variables put in */
	ALL_MOST = 128 << 20,           /* of all that variables made: doubling forty times over must end */
	PIECE_COST = 32                 /* what a piece counts beside its length */
};

struct scope {
	struct source *source;
	struct problems *problems;
	struct names names;
	struct tree **values;           /* of the variables, in this combination */
	bool *open;                     /* being put in right now: a circle, already reported */
	struct tree *arguments;
	char *name;
	size_t depth, made;
	bool failed;
};

/* A text while it is put together. Its dollars are all written $$, $index and $folder stand as they are. */
struct draft {
	struct text text;
	const char *base;               /* of the first character */
	struct mark from;
	bool template;
};

static bool exhausted(struct scope *scope, size_t more, struct mark mark)
{
	if (scope->made > ALL_MOST)
		return true;
	scope->made += more;
	if (scope->made <= ALL_MOST)
		return false;
	problem_add(scope->problems, mark, "too-large", NULL, "variables make more than %d MiB of text",
		ALL_MOST >> 20);
	return true;
}

/* ---- the scope ---- */

static struct tree *arguments_list(const struct settings *settings)
{
	struct mark mark = { "--", 1, 1, 1, 1 };
	struct tree *list = tree_list(mark);
	for (size_t i = 0; settings->arguments && settings->arguments[i]; i++)
		tree_append(list, tree_scalar(settings->arguments[i], mark, settings->folder, false));
	return list;
}

struct scope *scope_new(struct source *source, const struct combination *combination, struct problems *problems)
{
	struct scope *scope = memory_new(sizeof *scope);
	size_t count = source->variables.count, place;
	*scope = (struct scope){ .source = source, .problems = problems,
		.values = memory_array(count, sizeof *scope->values),
		.open = memory_array(count, sizeof *scope->open),
		.arguments = arguments_list(source->settings) };
	variables_index(source, &scope->names);
	for (size_t i = 0; i < count; i++)
		scope->values[i] = tree_share(source->variables.at[i].value);
	for (size_t i = 0; combination && i < combination->count; i++) {
		if (!names_find(&scope->names, combination->names[i], &place)
			|| text_equal(scope->values[place]->text, combination->values[i]))
			continue;
		tree_free(scope->values[place]);
		scope->values[place] = tree_scalar(combination->values[i],
			source->variables.at[place].mark, source->folder, false);
	}
	return scope;
}

void scope_free(struct scope *scope)
{
	for (size_t i = 0; i < scope->source->variables.count; i++)
		tree_free(scope->values[i]);
	free(scope->values);
	free(scope->open);
	free(scope->name);
	tree_free(scope->arguments);
	names_release(&scope->names);
	free(scope);
}

void scope_set_name(struct scope *scope, const char *name)
{
	free(scope->name);
	scope->name = memory_copy_text(name);
}

/* ---- texts ---- */

static void draft_add(struct draft *draft, const char *text, size_t length, const char *base)
{
	if (!draft->text.length && length)
		draft->base = base;
	text_add_span(&draft->text, text, length);
}

/* A text that holds no variables: its dollars are doubled. */
static void draft_add_plain(struct draft *draft, const char *text, const char *base)
{
	while (*text) {
		size_t length = strcspn(text, "$");
		draft_add(draft, text, length, base);
		text += length;
		if (*text) {
			draft_add(draft, "$$", 2, base);
			text++;
		}
	}
}

static void undouble(struct text *text)
{
	size_t to = 0;
	for (size_t at = 0; at < text->length; at++) {
		text->data[to++] = text->data[at];
		at += text->data[at] == '$' && at + 1 < text->length && text->data[at + 1] == '$';
	}
	text->length = to;
	if (text->data)
		text->data[to] = '\0';
}

static void expand_text(struct scope *scope, const struct tree *tree, const struct use *use, struct mark mark,
	struct draft *draft);

static void refuse_place(struct scope *scope, enum builtin builtin, struct mark mark, const char *where)
{
	scope->failed = true;
	problem_add(scope->problems, mark, "variable", NULL, "`$%s` can stand %s only",
		builtin_names[builtin], where);
}

static void refuse_inside(struct scope *scope, const struct dollar *piece, const char *kind, struct mark mark)
{
	scope->failed = true;
	problem_add(scope->problems, mark, "variable", NULL, "`$%.*s` is %s: it cannot stand inside a text",
		(int)piece->name_length, piece->name, kind);
}

static void add_builtin(struct scope *scope, const struct dollar *piece, enum builtin builtin,
	const struct use *use,
	struct mark mark, struct draft *draft)
{
	static const char late[] = "in params, env and command";
	const struct source *source = scope->source;
	bool only_late = builtin == BUILTIN_RUN || builtin == BUILTIN_INDEX || builtin == BUILTIN_FOLDER;
	if (only_late && !use->late) {
		refuse_place(scope, builtin, mark, late);
	} else if (builtin == BUILTIN_INDEX || builtin == BUILTIN_FOLDER) {
		draft_add(draft, piece->start, piece->length, source->folder);
		draft->template = true;
	} else if (builtin == BUILTIN_RUN) {
		draft_add_plain(draft, source->settings->run ? source->settings->run : "run", source->folder);
	} else if (builtin == BUILTIN_NAME) {
		draft_add_plain(draft, scope->name ? scope->name : "", source->folder);
	} else if (builtin == BUILTIN_HERE) {
		draft_add_plain(draft, source->folder, source->folder);
	} else if (builtin == BUILTIN_ARGS) {
		refuse_inside(scope, piece, "a list", mark);
	} else if (use->replicas) {
		draft_add_plain(draft, use->replicas, source->folder);
	} else {
		refuse_place(scope, builtin, mark, "in the other keys of a node");
	}
}

/* The variable's place, marked as open, or false: unknown, a circle, or too much. */
static bool open_variable(struct scope *scope, const struct dollar *piece, struct mark mark, size_t *place)
{
	char *cleanup_free name = memory_copy_span(piece->name, piece->name_length);
	bool deep = scope->depth == READ_DEPTH;
	if (deep)
		problem_add(scope->problems, mark, "depth", NULL,
			"variables inside variables, more than %d deep", READ_DEPTH);
	if (deep || exhausted(scope, PIECE_COST, mark) || !names_find(&scope->names, name, place)
		|| scope->open[*place]) {
		scope->failed = true;
		return false;
	}
	scope->depth++;
	return scope->open[*place] = true;
}

static void close_variable(struct scope *scope, size_t place)
{
	scope->open[place] = false;
	scope->depth--;
}

static void add_named(struct scope *scope, const struct dollar *piece, const struct use *use, struct mark mark,
	struct draft *draft)
{
	enum builtin builtin = builtin_find(piece->name, piece->name_length);
	size_t place;
	if (builtin) {
		add_builtin(scope, piece, builtin, use, mark, draft);
		return;
	}
	if (!open_variable(scope, piece, mark, &place))
		return;
	struct tree *value = scope->values[place];
	struct dollar whole;
	if (!draft->from.line)
		draft->from = value->mark;
	if (value->kind != TREE_SCALAR)
		refuse_inside(scope, piece, tree_kind_name(value), mark);
	else if (dollar_is_whole(value->text, &whole))
		add_named(scope, &whole, use, mark, draft);
	else if (!tree_is_null(value))
		expand_text(scope, value, use, mark, draft);
	close_variable(scope, place);
}

/* `mark`: the place that the text is put into, for problems. */
static void expand_text(struct scope *scope, const struct tree *tree, const struct use *use, struct mark mark,
	struct draft *draft)
{
	struct dollar piece;
	for (const char *at = tree->text; dollar_next(&at, &piece); ) {
		if (piece.kind == DOLLAR_NAME)
			add_named(scope, &piece, use, mark, draft);
		else if (piece.kind == DOLLAR_TEXT)
			draft_add(draft, piece.start, piece.length, tree->base);
		else
			draft_add(draft, "$$", 2, tree->base);
		if (draft->text.length > TEXT_MOST || exhausted(scope, PIECE_COST + piece.length, mark))
			break;
	}
}

static struct tree *finish(struct scope *scope, struct draft *draft, struct mark mark, bool quoted)
{
	if (draft->text.length > TEXT_MOST) {
		problem_add(scope->problems, mark, "too-large", NULL,
			"variables make this text longer than %d MiB", TEXT_MOST >> 20);
		text_clear(&draft->text);
	}
	if (!draft->template)
		undouble(&draft->text);
	const char *base = draft->base ? draft->base : scope->source->folder;
	struct tree *tree = tree_scalar(text_string(&draft->text), mark, base, quoted);
	tree->from = draft->from;
	tree->template = draft->template;
	text_release(&draft->text);
	return tree;
}

/* ---- values ---- */

/* Where values are put in, and where the variable they come from was set (line 0: they come from no variable). */
struct target {
	const struct use *use;
	struct mark mark, from;
};

static struct tree *expand(struct scope *scope, struct tree *tree, const struct target *target);

/* What a variable holds, as if it were written at the place of use. */
static struct tree *placed(struct scope *scope, struct tree *value, const struct target *target)
{
	if (value->kind == TREE_SCALAR)
		return expand(scope, value, target);
	struct tree *out = expand(scope, value, target);
	if (out == value) {
		out = value->kind == TREE_LIST ? tree_list(target->mark) : tree_map(target->mark);
		for (size_t i = 0; i < value->count; i++) {
			if (value->kind == TREE_LIST)
				tree_append(out, tree_share(value->items[i]));
			else
				tree_put(out, value->keys[i], value->key_marks[i], tree_share(value->items[i]));
		}
		tree_free(value);
	}
	out->mark = target->mark;
	out->from = target->from;
	return out;
}

/* Arguments are as the shell gave them: a dollar in them is a dollar. */
static struct tree *arguments(struct scope *scope, const struct target *target)
{
	struct tree *list = tree_list(target->mark);
	for (size_t i = 0; i < scope->arguments->count; i++) {
		const struct tree *item = scope->arguments->items[i];
		struct tree *copy = tree_scalar(item->text, target->mark, item->base, false);
		copy->from = item->mark;
		tree_append(list, copy);
	}
	list->from = scope->arguments->mark;
	return list;
}

/* A text that is one variable. */
static struct tree *expand_whole(struct scope *scope, const struct dollar *piece, const struct target *target)
{
	size_t place;
	enum builtin builtin = builtin_find(piece->name, piece->name_length);
	if (builtin == BUILTIN_ARGS)
		return arguments(scope, target);
	if (builtin) {
		struct draft draft = { .from = target->from };
		add_builtin(scope, piece, builtin, target->use, target->mark, &draft);
		return finish(scope, &draft, target->mark, false);
	}
	if (!open_variable(scope, piece, target->mark, &place))
		return tree_scalar("", target->mark, scope->source->folder, false);
	struct target inner = *target;
	if (!inner.from.line)
		inner.from = scope->values[place]->mark;
	struct tree *value = placed(scope, scope->values[place], &inner);
	close_variable(scope, place);
	return value;
}

static struct tree *expand_scalar(struct scope *scope, struct tree *tree, const struct target *target)
{
	struct dollar whole;
	bool used = target->from.line != 0;
	if (!strchr(tree->text, '$')) {
		if (!used || exhausted(scope, strlen(tree->text), target->mark))
			return tree_share(tree);
		struct tree *copy = tree_scalar(tree->text, target->mark, tree->base, tree->quoted);
		copy->from = target->from;
		return copy;
	}
	if (dollar_is_whole(tree->text, &whole))
		return expand_whole(scope, &whole, target);
	struct draft draft = { .from = target->from };
	expand_text(scope, tree, target->use, target->mark, &draft);
	/* In { } a variable must be quoted to be read at all: that says nothing about what it holds. */
	bool dollars_only = !draft.from.line && !draft.template;
	return finish(scope, &draft, target->mark, tree->quoted && dollars_only);
}

static void append(struct scope *scope, struct tree *list, const struct tree *old, struct tree *item)
{
	struct dollar whole;
	bool spliced = old->kind == TREE_SCALAR && item->kind == TREE_LIST
		&& dollar_is_whole(old->text, &whole);
	if (exhausted(scope, sizeof item * (item->count + 1), old->mark)) {
		tree_free(item);
		return;
	}
	if (!spliced) {
		tree_append(list, item);
		return;
	}
	for (size_t i = 0; i < item->count; i++)
		tree_append(list, tree_share(item->items[i]));
	tree_free(item);
}

/* A list or map with new items; the old one if none is new. */
static struct tree *expand_items(struct scope *scope, struct tree *tree, const struct target *target)
{
	bool used = target->from.line != 0, changed = false;
	struct tree *copy = tree->kind == TREE_LIST ? tree_list(tree->mark) : tree_map(tree->mark);
	copy->from = tree->from;
	for (size_t i = 0; i < tree->count; i++) {
		struct target inner = { target->use, used ? target->mark : tree->items[i]->mark,
			used ? tree->items[i]->mark : target->from };
		struct tree *item = expand(scope, tree->items[i], &inner);
		changed |= item != tree->items[i];
		if (tree->kind == TREE_LIST)
			append(scope, copy, tree->items[i], item);
		else if (used && exhausted(scope, PIECE_COST + strlen(tree->keys[i]), target->mark))
			tree_free(item);
		else
			tree_put(copy, tree->keys[i], tree->key_marks[i], item);
	}
	if (changed)
		return copy;
	tree_free(copy);
	return tree_share(tree);
}

static struct tree *expand(struct scope *scope, struct tree *tree, const struct target *target)
{
	return tree->kind == TREE_SCALAR ? expand_scalar(scope, tree, target)
		: expand_items(scope, tree, target);
}

struct tree *scope_expand(struct scope *scope, struct tree *tree, const struct use *use)
{
	struct target target = { .use = use, .mark = tree->mark };
	scope->failed = false;
	return expand(scope, tree, &target);
}

bool scope_failed(const struct scope *scope)
{
	return scope->failed;
}

/* ---- when ---- */

static bool is_one_of(const struct tree *value, const char *text)
{
	if (value->kind == TREE_SCALAR)
		return !strcmp(value->text, text);
	for (size_t i = 0; i < value->count; i++)
		if (value->kind == TREE_LIST && value->items[i]->kind == TREE_SCALAR
			&& !strcmp(value->items[i]->text, text))
			return true;
	return false;
}

bool scope_holds(struct scope *scope, const struct tree *when)
{
	const struct use nowhere = { 0 };
	size_t place;
	bool holds = true;
	for (size_t i = 0; when && when->kind == TREE_MAP && i < when->count; i++) {
		if (!names_find(&scope->names, when->keys[i], &place)
			|| scope->values[place]->kind != TREE_SCALAR)
			continue;       /* reported with the file */
		struct tree *wanted = scope_expand(scope, when->items[i], &nowhere);
		holds &= is_one_of(wanted, scope->values[place]->text);
		tree_free(wanted);
	}
	return holds;
}
