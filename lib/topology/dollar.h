/* SPDX-License-Identifier: MIT */
/* Variables inside a text: $name, ${name}, and $$ for a dollar. */
#ifndef TOPOLOGY_DOLLAR_H
#define TOPOLOGY_DOLLAR_H

#include <stdbool.h>
#include <stddef.h>

enum dollar_kind {
	DOLLAR_TEXT,            /* stands for itself */
	DOLLAR_DOLLAR,          /* $$ */
	DOLLAR_NAME,            /* $name, ${name} */
	DOLLAR_ALONE,           /* a dollar with nothing that could be a name behind it */
	DOLLAR_OPEN             /* ${ and no name and brace behind it */
};
struct dollar {
	enum dollar_kind kind;
	const char *start;      /* of the piece */
	size_t length;
	const char *name;       /* DOLLAR_NAME: without the signs */
	size_t name_length;
};

/* The piece at *at, which moves on behind it. False at the end. */
bool dollar_next(const char **at, struct dollar *out);
/* The text is one variable and nothing else. */
bool dollar_is_whole(const char *text, struct dollar *out);

/* The names that lpad itself gives a value. `seed` is not among them: it is a variable. */
enum builtin {
	BUILTIN_NONE, BUILTIN_REPLICAS, BUILTIN_NAME, BUILTIN_RUN, BUILTIN_ARGS, BUILTIN_HERE, BUILTIN_INDEX,
	BUILTIN_FOLDER, BUILTINS
};
extern const char *const builtin_names[BUILTINS];       /* [BUILTIN_NONE] is NULL */
enum builtin builtin_find(const char *name, size_t length);

#endif
