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

/* "FILE:LINE[:COLUMN]" at the beginning of a line. What stands behind it; NULL: it begins otherwise. */
static const char *read_place(const char *line, size_t length, struct diagnostic *out)
{
	const char *end = NULL, *colon = line;
	int number = 0;
	while ((colon = memchr(colon, ':', length - (size_t)(colon - line))) && !(number = colon_number(colon, &end)))
		colon++;
	if (!number || colon == line)
		return NULL;
	*out = (struct diagnostic){ .file = line, .file_length = (size_t)(colon - line), .line = number, .column = 1 };
	const char *behind = end;
	int column = colon_number(end, &behind);
	if (!column)
		return end;
	out->column = column;
	return behind;
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
	const char *end = read_place(line, length, out);
	for (size_t i = 0; end && i < sizeof kinds / sizeof kinds[0]; i++)
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

/* gcc says where a macro is defined, and then where it is used: the last of these is the author's line. */
static bool read_expansion(const char *line, size_t length, struct diagnostic *diagnostic)
{
	static const char words[] = ": note: in expansion of macro ";
	struct diagnostic use;
	const char *end = read_place(line, length, &use);
	if (!end || !text_starts(end, words))
		return false;
	diagnostic->file = use.file;
	diagnostic->file_length = use.file_length;
	diagnostic->line = use.line;
	diagnostic->column = use.column;
	diagnostic->macro = end + strlen(words);
	diagnostic->macro += !isalnum((unsigned char)*diagnostic->macro) && *diagnostic->macro != '_';
	diagnostic->macro_length = strspn(diagnostic->macro,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
	return true;
}

static const char *next_line(const char **at, size_t *length)
{
	const char *line = *at;
	*length = strcspn(line, "\n");
	*at += *length + (line[*length] == '\n');
	return line;
}

/* Lines of source and carets may stand between the notes. */
static void follow_macro(const char *at, struct diagnostic *out)
{
	while (*at) {
		size_t length;
		const char *line = next_line(&at, &length);
		if (line[0] != ' ' && !read_expansion(line, length, out))
			return;
	}
}

bool diagnostic_next(const char **at, struct diagnostic *out)
{
	while (**at) {
		size_t length;
		const char *line = next_line(at, &length);
		line = skip_linker(line, &length);
		if (read_line(line, length, out)) {
			follow_macro(*at, out);
			return true;
		}
	}
	return false;
}
