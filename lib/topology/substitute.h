/* SPDX-License-Identifier: MIT */
/*
 * Variables put into trees, for one combination of their values.
 *
 *     struct scope *scope = scope_new(source, combination, problems);
 *     struct use use = { .replicas = "4", .late = true };
 *     struct tree *value = scope_expand(scope, tree, &use);    // tree_free
 *     scope_free(scope);
 *
 * Unknown names, lone dollars and circles have been reported with the file (uses.c) and are passed over here.
 */
#ifndef TOPOLOGY_SUBSTITUTE_H
#define TOPOLOGY_SUBSTITUTE_H

#include "topology/topology.h"

struct scope;

/* The place that values are put into. */
struct use {
	const char *replicas;   /* $replicas; NULL outside of nodes */
	bool late;              /* params, env, command: $run, $index and $folder may stand here */
};

struct scope *scope_new(struct source *source, const struct combination *combination, struct problems *problems);
void scope_free(struct scope *scope);
/* The file's name, known only later, for $name. */
void scope_set_name(struct scope *scope, const char *name);
/* A new reference: the tree itself where no variable stands in it. Texts in which $index or $folder are left are
   templates: their other dollars are $$. A list variable that is an item of a list is put in item by item. */
struct tree *scope_expand(struct scope *scope, struct tree *tree, const struct use *use);
/* Whether the last scope_expand left something out that was, or is now, reported: its result means nothing. */
bool scope_failed(const struct scope *scope);
/* Whether `when` of a node or edge holds; NULL holds. */
bool scope_holds(struct scope *scope, const struct tree *when);

#endif
