/* SPDX-License-Identifier: MIT */
/*
 * A growable string. `struct text t = { 0 };` is a valid empty one; `data` is
 * NULL then, otherwise always ends in NUL. Release with text_release.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>

struct text {
	char *data;
	size_t length, room;
};

#define cleanup_text __attribute__((cleanup(text_release)))
void text_release(struct text *text);
void text_clear(struct text *text);                     /* empty, keeps its memory */
void text_reserve(struct text *text, size_t more);      /* room for so many more bytes and the NUL */
void text_add(struct text *text, const char *piece);
void text_add_span(struct text *text, const char *piece, size_t length);
void text_add_char(struct text *text, char c);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_drop_front(struct text *text, size_t length);
char *text_take(struct text *text);                     /* caller frees; never NULL; text is empty after it */
const char *text_string(const struct text *text);       /* borrowed; "" when empty */

/* Plain strings. */
/* Control characters, C1 among them, become blanks, so that it can be shown on a terminal; in place, returns it. */
char *text_printable(char *text);
bool text_equal(const char *a, const char *b);          /* NULL equals only NULL */
bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);
/* Edit distance with transpositions (Damerau, optimal string alignment), for "did you mean". */
size_t text_distance(const char *a, const char *b);
/* The nearest of `count` words if it is near enough to be meant (at most a third of its length), else NULL. */
const char *text_nearest(const char *word, const char *const *words, size_t count);

#endif
