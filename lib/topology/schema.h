/* SPDX-License-Identifier: MIT */
/* Every key that the format knows, at every level, as data. */
#ifndef TOPOLOGY_SCHEMA_H
#define TOPOLOGY_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "topology/problem.h"
#include "topology/tree.h"

enum schema_level {
	SCHEMA_TOP, SCHEMA_VARIABLE, SCHEMA_NODE, SCHEMA_BUILD, SCHEMA_RESOURCES, SCHEMA_POLICY, SCHEMA_EDGE, SCHEMA_ALL,
	SCHEMA_LEVELS
};

/* What a value may be written as. */
enum {
	KIND_TEXT = 1,
	KIND_LIST = 2,
	KIND_MAP = 4,
	KIND_NOTHING = 8        /* an empty value means as much as a missing key */
};

struct schema_key {
	const char *name;
	unsigned kinds;
	const char *shape;      /* "a number or a grid": for messages */
	const char *fallback;   /* what holds without it; NULL: nothing, or what the text says */
	const char *help;
	enum schema_level level;        /* of the keys of its map; 0: a map with keys of its own, or none */
};
struct schema_table {
	const char *what;       /* "a node" */
	const struct schema_key *keys;
	size_t count;
};

extern const struct schema_table schema_tables[SCHEMA_LEVELS];

const struct schema_key *schema_find(enum schema_level level, const char *name);
/* Unknown keys, and values that cannot be right, of a map of that level and of the known maps in it. */
void schema_check(enum schema_level level, const struct tree *map, struct problems *problems);
/* Whether a value, variables put in, is written as its key wants it; reports if not. */
bool schema_fits(const struct schema_key *key, const struct tree *value, struct problems *problems);

#endif
