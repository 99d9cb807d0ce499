/* SPDX-License-Identifier: MIT */
/* Flat JSON, as people type it: {"table": "transitions", "n": 2, "item.key": [3, 4]}. Texts without escapes, numbers, lists of numbers. */
#ifndef FLAT_H
#define FLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FLAT_MOST = 8, FLAT_TEXT = 80 };

struct flat_field {
	char key[FLAT_TEXT];
	char text[FLAT_TEXT];           /* of a text */
	const char *numbers;            /* of numbers: where they begin; NULL: a text */
	size_t count;
};
struct flat {
	struct flat_field fields[FLAT_MOST];
	size_t count;
};

/* NULL, or what is wrong. Nothing at all, and null, are {}. */
const char *flat_read(const char *json, struct flat *out);
const struct flat_field *flat_find(const struct flat *flat, const char *key);   /* NULL: it is not there */
/* All numbers of the field, which are `count`; false: one is no such number. */
bool flat_integers(const struct flat_field *field, int64_t *out);
bool flat_keys(const struct flat_field *field, uint64_t *out);
bool flat_reals(const struct flat_field *field, double *out);

#endif
