/* SPDX-License-Identifier: MIT */
/* Where the file is that a word of `module:` names: beside the topology, in $LPAD_PATH, among lpad's own modules. */
#ifndef SUPERVISE_LOCATE_H
#define SUPERVISE_LOCATE_H

#include <stdbool.h>

#include "topology/places.h"

/* Absolute; NULL: nowhere. Caller frees. */
char *locate(const struct places *places, const char *base, const char *word);
/* The nearest name of a .c or .so file in those folders; NULL. Caller frees. */
char *locate_nearest(const struct places *places, const char *base, const char *word);
/* "/a, $LPAD_PATH or /usr/lib/lpad/nodes". Caller frees. */
char *locate_folders(const struct places *places, const char *base, const char *word);
/* "worker.so" whose worker.c beside it is newer: its path. NULL: no such thing. Caller frees. */
char *locate_newer_source(const char *object);

#endif
