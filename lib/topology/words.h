/* SPDX-License-Identifier: MIT */
/* What the reading half's messages are made of. */
#ifndef TOPOLOGY_WORDS_H
#define TOPOLOGY_WORDS_H

#include <stdbool.h>

#include "topology/problem.h"
#include "topology/tree.h"

/* text_nearest, unless so many problems are there already that looking through a long list would take too long. */
const char *words_nearest(const struct problems *problems, const char *word, const char *const *words, size_t count);
/* "a, b, c"; caller frees. */
char *words_list(const char *const *words, size_t count);
/* A problem of a value; if it came from a variable, the place where that was set is named as well. Returns -1. */
int words_report(struct problems *problems, const struct tree *value, const char *rule, const char *hint,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

/* An empty text that --set gave: no quotes were written. */
bool words_is_set_empty(const struct tree *value);
/* The hint for a number in quotes; if it came from a variable, with the place where that was set. Caller frees. */
char *words_leave_quotes_out(const struct tree *value);

/* [a-z][a-z0-9_-]*, at most LABEL_LONGEST characters. `what`: "a node's name". Returns 0, or -1 with a problem. */
int words_check_label(struct problems *problems, const char *label, struct mark mark, const char *what);
bool words_is_variable_name(const char *name, size_t length);   /* [A-Za-z_][A-Za-z0-9_]* */

#endif
