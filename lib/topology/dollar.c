/* SPDX-License-Identifier: MIT */
#include "topology/dollar.h"

#include <string.h>

#include "topology/words.h"

const char *const builtin_names[BUILTINS] = {
	[BUILTIN_REPLICAS] = "replicas", [BUILTIN_NAME] = "name", [BUILTIN_RUN] = "run",
		[BUILTIN_ARGS] = "args",
	[BUILTIN_HERE] = "here", [BUILTIN_INDEX] = "index", [BUILTIN_FOLDER] = "folder",
};

enum builtin builtin_find(const char *name, size_t length)
{
	for (int i = BUILTIN_NONE + 1; i < BUILTINS; i++)
		if (strlen(builtin_names[i]) == length && !memcmp(builtin_names[i], name, length))
			return (enum builtin)i;
	return BUILTIN_NONE;
}

/* Length of the name that begins here. */
static size_t name_span(const char *at)
{
	size_t length = 0;
	while (words_is_variable_name(at + length, 1) || (length && at[length] >= '0' && at[length] <= '9'))
		length++;
	return length;
}

static void named(const char *at, struct dollar *out)
{
	bool braced = at[1] == '{';
	out->kind = braced ? DOLLAR_OPEN : DOLLAR_ALONE;
	out->length = braced ? 2 : 1;
	out->name = at + out->length;
	out->name_length = name_span(out->name);
	if (!out->name_length || (braced && out->name[out->name_length] != '}'))
		return;
	out->kind = DOLLAR_NAME;
	out->length += out->name_length + braced;
}

bool dollar_next(const char **at, struct dollar *out)
{
	if (!**at)
		return false;
	*out = (struct dollar){ .kind = DOLLAR_TEXT, .start = *at, .length = strcspn(*at, "$") };
	if (!out->length && (*at)[1] == '$') {
		out->kind = DOLLAR_DOLLAR;
		out->length = 2;
	} else if (!out->length) {
		named(*at, out);
	}
	*at += out->length;
	return true;
}

bool dollar_is_whole(const char *text, struct dollar *out)
{
	return *text == '$' && dollar_next(&text, out) && out->kind == DOLLAR_NAME && !*text;
}
