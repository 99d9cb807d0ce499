/* SPDX-License-Identifier: MIT */
/* One element of a tensor as JSON writes it, and back: exactly, or as a sentence why not. */
#ifndef LINK_ELEMENT_H
#define LINK_ELEMENT_H

#include "base/error.h"
#include "base/text.h"

/* `token`: a number, true, false or null as JSON has them, or what stood between a string's quotes (then `quoted`). Writes one
   element of the type (enum lpad_dtype). 0, or -1 with "300 is no i8: -128 to 127". */
int element_read(int type, const char *token, bool quoted, void *out, struct error *error);
/* Appends a number with as many digits as it takes to be read back the same, true, false, "NaN", "Infinity", "-Infinity". */
void element_write(int type, const void *element, struct text *out);

#endif
