/* SPDX-License-Identifier: MIT */
#include "supervise/envfile.h"

#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"

enum { FILE_MOST = 1 << 20 };

struct parser {
	const char *path, *at, *end;
	int line;
	struct error *error;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static void skip_blanks(struct parser *parser)
{
	while (parser->at < parser->end && is_blank(*parser->at))
		parser->at++;
}

static bool at_line_end(const struct parser *parser)
{
	return parser->at == parser->end || *parser->at == '\n';
}

static const char *line_end(const struct parser *parser)
{
	const char *end = memchr(parser->at, '\n', (size_t)(parser->end - parser->at));
	return end ? end : parser->end;
}

static void set(struct envfile *file, const char *name, size_t name_length, const char *value)
{
	char *entry = memory_format("%.*s=%s", (int)name_length, name, value);
	for (size_t i = 0; i < file->list.count; i++)
		if (!strncmp(file->list.at[i], entry, name_length + 1)) {
			free(file->list.at[i]);
			file->list.at[i] = entry;
			return;
		}
	*list_add(&file->list) = entry;
}

/* ---- one line ---- */

static int take_quoted(struct parser *parser, struct text *value)
{
	char quote = *parser->at++;
	int begun = parser->line;
	for (; parser->at < parser->end && *parser->at != quote; parser->at++) {
		bool escaped = quote == '"' && *parser->at == '\\' && parser->at + 1 < parser->end &&
			strchr("\"\\$`", parser->at[1]);
		parser->at += escaped;
		parser->line += *parser->at == '\n';
		text_add_char(value, *parser->at);
	}
	if (parser->at == parser->end)
		return error_set(parser->error, "%s:%d: the %c that begins the value is never closed", parser->path, begun, quote);
	parser->at++;
	skip_blanks(parser);
	if (!at_line_end(parser))
		return error_set(parser->error, "%s:%d: nothing may follow the closing %c", parser->path, parser->line, quote);
	return 0;
}

static int take_value(struct parser *parser, struct text *value)
{
	skip_blanks(parser);
	if (!at_line_end(parser) && (*parser->at == '"' || *parser->at == '\''))
		return take_quoted(parser, value);
	const char *end = line_end(parser), *last = end;
	while (last > parser->at && is_blank(last[-1]))
		last--;
	text_add_span(value, parser->at, (size_t)(last - parser->at));
	parser->at = end;
	return 0;
}

static int bad_name(const struct parser *parser, const char *from)
{
	int length = (int)(line_end(parser) - from);
	if (text_starts(from, "export "))
		return error_set(parser->error, "%s:%d: no shell reads this file: `export` has no place in it", parser->path,
			parser->line);
	return error_set(parser->error, "%s:%d: NAME=VALUE is wanted, a name of letters, digits and _, not `%.*s`", parser->path,
		parser->line, length > 60 ? 60 : length, from);
}

static int take_line(struct envfile *file, struct parser *parser)
{
	skip_blanks(parser);
	const char *name = parser->at;
	if (at_line_end(parser))
		return 0;
	if (*name == '#' || *name == ';') {
		parser->at = line_end(parser);
		return 0;
	}
	while (parser->at < parser->end && (is_letter(*parser->at) || (parser->at > name && *parser->at >= '0' && *parser->at <= '9')))
		parser->at++;
	size_t length = (size_t)(parser->at - name);
	if (!length || parser->at == parser->end || *parser->at != '=')
		return bad_name(parser, name);
	parser->at++;
	struct text cleanup_text value = { 0 };
	if (take_value(parser, &value))
		return -1;
	set(file, name, length, text_string(&value));
	return 0;
}

int envfile_parse(struct envfile *file, const char *text, size_t length, const char *path, struct error *error)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct parser parser = { .path = path, .at = text, .end = text + length, .line = 1, .error = error };
	if (length >= 3 && !memcmp(text, mark, 3))
		parser.at += 3;
	const char *nul = length ? memchr(text, '\0', length) : NULL;
	if (nul)
		return error_set(error, "%s: a variable cannot hold a NUL, which is at byte %zu", path, (size_t)(nul - text));
	while (parser.at < parser.end) {
		if (take_line(file, &parser))
			return -1;
		if (parser.at < parser.end) {
			parser.at++;
			parser.line++;
		}
	}
	return 0;
}

int envfile_read(struct envfile *file, const char *path, struct error *error)
{
	struct text cleanup_text content = { 0 };
	if (files_read(path, &content, FILE_MOST, error))
		return -1;
	return envfile_parse(file, text_string(&content), content.length, path, error);
}

/* ---- */

char *envfile_text(const struct envfile *file)
{
	struct text text = { 0 };
	for (size_t i = 0; i < file->list.count; i++) {
		const char *entry = file->list.at[i], *value = strchr(entry, '=') + 1;
		text_add_span(&text, entry, (size_t)(value - entry));
		text_add_char(&text, '"');
		for (; *value; value++) {
			if (strchr("\"\\$`", *value))
				text_add_char(&text, '\\');
			text_add_char(&text, *value);
		}
		text_add(&text, "\"\n");
	}
	return text_take(&text);
}

void envfile_release(struct envfile *file)
{
	for (size_t i = 0; i < file->list.count; i++)
		free(file->list.at[i]);
	list_release(&file->list);
}
