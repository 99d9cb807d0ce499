/* SPDX-License-Identifier: MIT */
#include "supervise/diagnostics.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* ":12" at `text`: the number, and *end behind it. 0: there is none. */
static int colon_number(const char *text, const char **end)
{
	if (text[0] != ':' || !isdigit((unsigned char)text[1]))
		return 0;
	char *behind;
	long number = strtol(text + 1, &behind, 10);
	*end = behind;
	return number > 0 && number < 100000000 ? (int)number : 0;
}

/* "FILE:LINE:COLUMN: error: TEXT" and "FILE:LINE: undefined reference to ..." (ld). */
static bool read_line(const char *line, size_t length, struct diagnostic *out)
{
	static const struct { const char *word; bool error, keep; } kinds[] = {
		{ ": error: ", true, false },
		{ ": fatal error: ", true, false },
		{ ": warning: ", false, false },
		{ ": undefined reference to ", true, true },
		{ ": multiple definition of ", true, true },
	};
	const char *end = NULL, *colon = line;
	int number = 0;
	while ((colon = memchr(colon, ':', length - (size_t)(colon - line))) && !(number = colon_number(colon, &end)))
		colon++;
	if (!number || colon == line)
		return false;
	*out = (struct diagnostic){ .file = line, .file_length = (size_t)(colon - line), .line = number, .column = 1 };
	const char *behind = end;
	int column = colon_number(end, &behind);
	if (column) {
		out->column = column;
		end = behind;
	}
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (text_starts(end, kinds[i].word)) {
			out->error = kinds[i].error;
			out->message = end + (kinds[i].keep ? 2 : strlen(kinds[i].word));
			out->message_length = length - (size_t)(out->message - line);
			return true;
		}
	return false;
}

/* ld puts its own name in front. */
static const char *skip_linker(const char *line, size_t *length)
{
	const char *behind = memchr(line, ':', *length);
	if (!behind || behind[1] != ' ' || behind - line < 2 || strncmp(behind - 2, "ld", 2))
		return line;
	*length -= (size_t)(behind + 2 - line);
	return behind + 2;
}

bool diagnostic_next(const char **at, struct diagnostic *out)
{
	while (**at) {
		size_t length = strcspn(*at, "\n");
		const char *line = *at;
		*at += length + (line[length] == '\n');
		line = skip_linker(line, &length);
		if (read_line(line, length, out))
			return true;
	}
	return false;
}
