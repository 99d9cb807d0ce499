/* SPDX-License-Identifier: MIT */
#include "topology/tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct tree *tree_share(struct tree *tree)
{
	if (tree)
		tree->references++;
	return tree;
}

void tree_free(struct tree *tree)
{
	if (!tree || --tree->references > 0)
		return;
	for (size_t i = 0; i < tree->count; i++) {
		tree_free(tree->items[i]);
		if (tree->keys)
			free(tree->keys[i]);
	}
	free(tree->items);
	free(tree->keys);
	free(tree->key_marks);
	free(tree->text);
	free(tree);
}

static struct tree *new(enum tree_kind kind, struct mark mark)
{
	struct tree *tree = memory_new(sizeof *tree);
	tree->kind = kind;
	tree->references = 1;
	tree->mark = mark;
	return tree;
}

struct tree *tree_scalar(const char *text, struct mark mark, const char *base, bool quoted)
{
	struct tree *tree = new(TREE_SCALAR, mark);
	tree->text = memory_copy_text(text);
	tree->base = base;
	tree->quoted = quoted;
	return tree;
}

struct tree *tree_list(struct mark mark)
{
	return new(TREE_LIST, mark);
}

struct tree *tree_map(struct mark mark)
{
	return new(TREE_MAP, mark);
}

/* Room is doubled at the powers of two, so that no field for it is needed. */
static bool full(size_t count)
{
	return (count & (count - 1)) == 0;
}

void tree_append(struct tree *list, struct tree *item)
{
	if (full(list->count))
		list->items = memory_resize(list->items, list->count ? list->count * 2 : 1,
			sizeof *list->items);
	list->items[list->count++] = item;
}

void tree_put(struct tree *map, const char *key, struct mark key_mark, struct tree *item)
{
	if (full(map->count)) {
		size_t room = map->count ? map->count * 2 : 1;
		map->keys = memory_resize(map->keys, room, sizeof *map->keys);
		map->key_marks = memory_resize(map->key_marks, room, sizeof *map->key_marks);
	}
	map->keys[map->count] = memory_copy_text(key);
	map->key_marks[map->count] = key_mark;
	tree_append(map, item);
}

struct tree *tree_get(const struct tree *map, const char *key)
{
	if (!map || map->kind != TREE_MAP)
		return NULL;
	for (size_t i = 0; i < map->count; i++)
		if (!strcmp(map->keys[i], key))
			return map->items[i];
	return NULL;
}

bool tree_is_null(const struct tree *tree)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };
	if (tree->kind != TREE_SCALAR || tree->quoted)
		return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(tree->text, words[i]))
			return true;
	return false;
}

static bool scalars_equal(const struct tree *a, const struct tree *b)
{
	bool null = tree_is_null(a);
	return null == tree_is_null(b) && (null || !strcmp(a->text, b->text));
}

bool tree_equal(const struct tree *a, const struct tree *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->kind != b->kind || a->count != b->count)
		return false;
	if (a->kind == TREE_SCALAR)
		return scalars_equal(a, b);
	for (size_t i = 0; i < a->count; i++)
		if (!tree_equal(a->items[i], a->kind == TREE_MAP ? tree_get(b, a->keys[i]) : b->items[i]))
			return false;
	return true;
}

const char *tree_kind_name(const struct tree *tree)
{
	if (!tree || tree_is_null(tree))
		return "nothing";
	static const char *const names[] = { [TREE_SCALAR] = "a text", [TREE_LIST] = "a list",
		[TREE_MAP] = "a map" };
	return names[tree->kind];
}
