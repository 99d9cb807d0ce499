/* SPDX-License-Identifier: MIT */
/*
 * YAML text to a tree with places. Everything that lpad's format leaves out of YAML is refused here: tags, merge keys,
 * duplicate keys, keys that are no text, several documents, nesting beyond READ_DEPTH, more than READ_VALUES
 * values, each alias counted as what it stands for.
 */
#ifndef TOPOLOGY_READ_H
#define TOPOLOGY_READ_H

#include "topology/problem.h"
#include "topology/tree.h"

enum { READ_DEPTH = 100, READ_VALUES = 2000000 };

/* What is read, and how its places are named. */
struct reading {
	const char *text;
	size_t length;
	const char *file;       /* borrowed by every mark */
	int column;             /* of the first character, from 1 */
	const char *base;       /* borrowed by every scalar */
};

/* NULL if there is nothing to go on with: not YAML, or empty. Smaller problems are added and the rest is read. */
struct tree *read_yaml(const struct reading *reading, struct problems *problems);

#endif
