/* SPDX-License-Identifier: MIT */
#include "topology/syntax.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "topology/mark.h"

enum { LONGEST_KEY = 1024 };    /* libyaml's, for a key without `?` */

/* What libyaml says, at which character, and what it means. The first row that fits counts. */
static const struct row {
	const char *problem;    /* begins with */
	const char *at;         /* one of these characters stands there; NULL: any */
	bool opened;            /* the place to look at is where it began */
	const char *message, *hint;
} rows[] = {
	{ "found character that cannot start", "\t", false, "a tab cannot indent here", "indent with spaces" },
	{ "found a tab character", NULL, false, "a tab cannot indent here", "indent with spaces" },
	{ "found character that cannot start", NULL, false, "a text cannot begin with `@`, `%` or a back quote",
		"put the text in quotes" },
	{ "mapping values are not allowed", NULL, false, "a `:` cannot stand here",
		"put a text with `: ` in quotes, or check the indentation" },
	{ "block sequence entries are not allowed", NULL, false, "a `- ` cannot stand here",
		"a list begins in a line of its own" },
	{ "could not find expected ':'", NULL, true, "`key: value` is needed here",
		"check the `:` and the indentation" },
	{ "did not find expected key", NULL, false,
		"a key is needed here: this does not line up with what stands above",
		"keys of one map begin in one column; put a text that goes on behind its closing quote in quotes as a whole" },
	{ "did not find expected '-'", NULL, false,
		"a `- ` is needed here: this does not line up with the list above", NULL },
	{ "did not find expected ',' or ']'", NULL, true,
		"this `[` is not closed, or a `,` is missing inside it", NULL },
	{ "did not find expected ',' or '}'", NULL, true,
		"this `{` is not closed, or a `,` is missing inside it", NULL },
	{ "found unexpected end of stream", NULL, true, "this quote is never closed", NULL },
	{ "did not find expected node content", NULL, false, "a value is needed here", NULL },
	{ "found unknown escape character", NULL, false, "there is no such escape",
		"inside \" \" a backslash is written \\\\; inside ' ' it is a plain character" },
	{ "found undefined tag handle", NULL, false, "tags are not part of this format",
		"put a text that begins with `!` in quotes" },
	{ "did not find expected whitespace or line break", NULL, true, "tags are not part of this format",
		"put a text that begins with `!` in quotes" },
	{ "did not find expected alphabetic", NULL, true, "a name is needed behind this character",
		"put a text that begins with `*` or `&` in quotes" },
};

/* The byte of a mark. */
static size_t offset_of(const struct syntax_error *error, const struct mark *mark)
{
	size_t at = 0;
	if (error->length >= 3 && !memcmp(error->text, "\xEF\xBB\xBF", 3))
		at = 3;
	for (int line = 1; line < mark->line && at < error->length; line++) {
		const char *end = memchr(error->text + at, '\n', error->length - at);
		at = end ? (size_t)(end - error->text) + 1 : error->length;
	}
	int left = mark->column - (mark->line == 1 ? error->column : 1);
	for (; left > 0 && at < error->length; left--)
		do
			at++;
		while (at < error->length && ((unsigned char)error->text[at] & 0xC0) == 0x80);
	return at;
}

static bool ends_word(char c)
{
	return strchr(" \t\r\n,[]{}", c) != NULL;       /* the final NUL, too */
}

/* `{lr: ${lr}}`: for YAML the text ends at the brace. */
static bool report_braces(const struct syntax_error *error, struct problems *problems)
{
	size_t at = offset_of(error, &error->at);
	const char *text = error->text;
	if (!at || at >= error->length || text[at] != '{' || text[at - 1] != '$')
		return false;
	size_t name = strcspn(text + at + 1, "}\r\n");
	if (!name || text[at + 1 + name] != '}')
		return false;
	size_t end = at + name + 2, start = at - 1, from = start, to = end;
	while (from && !ends_word(text[from - 1]))
		from--;
	while (to < error->length && !ends_word(text[to]))
		to++;
	struct mark mark = error->at;
	mark.column--;
	mark.end_column = mark.column + (int)mark_characters(text + start, end - start);
	bool map = error->context && strstr(error->context, "mapping");
	if (from == start && to == end)
		problem_add(problems, mark, "quote", NULL,
			"`${%.*s}` must be quoted inside %s: write $%.*s or \"${%.*s}\"",
			(int)name, text + at + 1, map ? "{ }" : "[ ]",
			(int)name, text + at + 1, (int)name, text + at + 1);
	else
		problem_add(problems, mark, "quote", NULL, "`${%.*s}` must be quoted inside %s: write \"%.*s\"",
			(int)name, text + at + 1, map ? "{ }" : "[ ]", (int)(to - from), text + from);
	return true;
}

/* libyaml looks no further than LONGEST_KEY characters for the colon: what it then says is no help. */
static bool report_long_key(const struct syntax_error *error, struct problems *problems)
{
	size_t colon = offset_of(error, &error->at), start = colon;
	if (colon >= error->length || error->text[colon] != ':')
		return false;
	while (start && !strchr("\r\n{[,", error->text[start - 1]))
		start--;
	start += strspn(error->text + start, " ");
	size_t width = mark_characters(error->text + start, colon - start);
	if (width <= LONGEST_KEY)
		return false;
	struct mark mark = error->at;
	mark.end_line = mark.line;
	mark.end_column = mark.column;
	mark.column -= (int)width;
	problem_add(problems, mark, "name", NULL, "a name has at most 200 characters, not %zu", width);
	return true;
}

static const struct row *row_of(const struct syntax_error *error)
{
	size_t at = offset_of(error, &error->at);
	char here = at < error->length ? error->text[at] : '\0';
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (text_starts(error->problem, rows[i].problem)
			&& (!rows[i].at || (here && strchr(rows[i].at, here))))
			return &rows[i];
	return NULL;
}

/* One character wide, so that the caret has something to stand under. */
static struct mark one(struct mark mark)
{
	mark.end_line = mark.line;
	mark.end_column = mark.column + 1;
	return mark;
}

void syntax_report(const struct syntax_error *error, struct problems *problems)
{
	if (!error->problem) {
		problem_add(problems, one(error->at), "yaml", NULL, "this is not YAML");
		return;
	}
	if (report_braces(error, problems) || report_long_key(error, problems))
		return;
	const struct row *row = row_of(error);
	if (row)
		problem_add(problems, one(row->opened && error->opened.line ? error->opened : error->at), "yaml",
			row->hint, "%s", row->message);
	else
		problem_add(problems, one(error->at), "yaml", NULL, "this is not YAML: %s%s%s",
			error->context ? error->context : "",
			error->context ? ", " : "", error->problem);
}

void syntax_bad_byte(const struct syntax_error *error, size_t offset, struct problems *problems)
{
	const char *text = error->text;
	size_t at = error->length >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3) ? 3 : 0;
	size_t bad = at + offset < error->length ? at + offset : error->length ? error->length - 1 : 0;
	struct mark mark = { error->at.file, 1, error->column, 1, error->column + 1 };
	for (; at < bad; at++) {
		if (text[at] == '\n') {
			mark.line++;
			mark.column = 1;
		} else if (((unsigned char)text[at] & 0xC0) != 0x80) {
			mark.column++;
		}
	}
	problem_add(problems, one(mark), "text", NULL,
		"this is not text: byte 0x%02x", error->length ? (unsigned char)text[bad] : 0);
}
