/* SPDX-License-Identifier: MIT */
/*
 * A text as words, as a shell would split it, but nothing is expanded: blanks part words; '...' and "..." hold them
 * together; \\ takes the next character as it is, between "..." only if that is " or \\.
 */
#ifndef BASE_SPLIT_H
#define BASE_SPLIT_H

#include "base/error.h"
#include "base/list.h"

struct split {
	LIST(char *) list;
};

/* Adds the words to *out. -1 with an error that says which quote is not closed. */
int split_words(const char *text, struct split *out, struct error *error);
void split_release(struct split *words);

#endif
