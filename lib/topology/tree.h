/* SPDX-License-Identifier: MIT */
/* YAML as data with places: what read.c makes of libyaml's events, before any meaning is given to it. */
#ifndef TOPOLOGY_TREE_H
#define TOPOLOGY_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "topology/problem.h"

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP };

/* Immutable once read. Substitution of variables makes new trees that share what is unchanged, so nodes are
   counted: tree_share, tree_free. */
struct tree {
	enum tree_kind kind;
	int references;
	bool quoted;            /* scalar written in quotes or as a block: never null, bool or number */
	struct mark mark;       /* of the value, at its place of use */
	struct mark from;       /* line 0, or where the variable that it came from was defined */
	const char *base;       /* borrowed, absolute folder that a relative path in it is meant from */
	bool template;          /* scalar: $index or $folder still stand in it, and $$ for a dollar: filled per replica */
	char *text;             /* scalar; NUL-terminated, no NUL inside */
	size_t count;           /* list and map */
	struct tree **items;    /* values */
	char **keys;            /* map */
	struct mark *key_marks; /* map */
};

struct tree *tree_share(struct tree *tree);
void tree_free(struct tree *tree);                      /* NULL is fine */
struct tree *tree_scalar(const char *text, struct mark mark, const char *base, bool quoted);
struct tree *tree_list(struct mark mark);
struct tree *tree_map(struct mark mark);
void tree_append(struct tree *list, struct tree *item);                         /* takes item */
void tree_put(struct tree *map, const char *key, struct mark key_mark, struct tree *item);      /* takes item */
/* Borrowed; NULL if it is not there or `map` is NULL or no map. */
struct tree *tree_get(const struct tree *map, const char *key);
bool tree_is_null(const struct tree *tree);             /* plain empty, ~, null, Null, NULL */
bool tree_equal(const struct tree *a, const struct tree *b);
const char *tree_kind_name(const struct tree *tree);    /* "a text", "a list", "a map", "nothing" */

#endif
