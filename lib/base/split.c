/* SPDX-License-Identifier: MIT */
#include "base/split.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* What stands between quotes, its end included. NULL: there is none. */
static const char *quoted(const char *at, struct text *word)
{
	char quote = *at++;
	for (; *at && *at != quote; at++) {
		if (quote == '"' && *at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		text_add_char(word, *at);
	}
	return *at ? at + 1 : NULL;
}

/* One word, from its first character on. NULL with an error. */
static const char *one_word(const char *at, struct text *word, struct error *error)
{
	while (at && *at && !strchr(" \t\n", *at)) {
		const char *before = at;
		if (*at == '\'' || *at == '"') {
			at = quoted(at, word);
			if (!at)
				error_set(error, "the quote %c is not closed: %s", *before, before);
			continue;
		}
		if (*at == '\\' && at[1])
			at++;
		text_add_char(word, *at++);
	}
	return at;
}

int split_words(const char *text, struct split *out, struct error *error)
{
	for (const char *at = text; ; ) {
		at += strspn(at, " \t\n");
		if (!*at)
			return 0;
		struct text word = { 0 };
		at = one_word(at, &word, error);
		*list_add(&out->list) = text_take(&word);
		if (!at)
			return -1;
	}
}

void split_release(struct split *words)
{
	for (size_t i = 0; i < words->list.count; i++)
		free(words->list.at[i]);
	list_release(&words->list);
}
