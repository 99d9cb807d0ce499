/* SPDX-License-Identifier: MIT */
#include "base/dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { DIGITS_TRIED = 15, DIGITS_ALL = 17 };    /* of a double: any 15 survive, 17 always do */

/* The number of `length` characters at `at`; whole numbers as they are. */
static void add_number(struct text *out, const char *at, size_t length)
{
	char shortest[40];
	if (!memchr(at, '.', length) && !memchr(at, 'e', length)) {
		text_add_span(out, at, length);
		return;
	}
	double value = strtod(at, NULL);
	for (int digits = DIGITS_TRIED; digits <= DIGITS_ALL; digits++) {
		snprintf(shortest, sizeof shortest, "%.*g", digits, value);
		if (strtod(shortest, NULL) == value)
			break;
	}
	text_add(out, shortest);
	if (!strpbrk(shortest, ".e"))
		text_add(out, ".0");            /* it stays a real number */
}

/* Length of the string at `at`, quotes and all. */
static size_t string_length(const char *at)
{
	size_t length = 1;
	while (at[length] != '"')
		length += at[length] == '\\' ? 2 : 1;
	return length + 1;
}

char *dump_json(const json_t *value, size_t flags)
{
	char *all = json_dumps(value, flags);
	if (!all)
		return NULL;
	struct text out = { 0 };
	for (const char *at = all; *at; ) {
		bool number = *at == '-' || (*at >= '0' && *at <= '9');
		size_t length = number ? strspn(at, "+-.0123456789e") : *at == '"' ? string_length(at) : 1;
		if (number)
			add_number(&out, at, length);
		else
			text_add_span(&out, at, length);
		at += length;
	}
	free(all);
	return text_take(&out);
}
