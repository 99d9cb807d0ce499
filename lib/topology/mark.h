/* SPDX-License-Identifier: MIT */
/* Places in a source, and texts that name them. */
#ifndef TOPOLOGY_MARK_H
#define TOPOLOGY_MARK_H

#include <stdbool.h>
#include <stddef.h>

#include "topology/problem.h"

/* Characters (UTF-8) of so many bytes. */
size_t mark_characters(const char *text, size_t length);
/* The part [offset, offset + length) of a scalar's text that stands at `mark`; the whole mark where escapes or several
   lines keep the two apart. */
struct mark mark_within(struct mark mark, const char *text, size_t offset, size_t length);
bool mark_equal(const struct mark *a, const struct mark *b);
/* An option or argument of the command line: it has a name, but no lines. */
bool mark_is_option(const struct mark *mark);
/* "topo.yaml:9", "--set actors"; caller frees. */
char *mark_text(struct mark mark);

#endif
