/* SPDX-License-Identifier: MIT */
/* Problems as people read them: the place, the line, carets under the words, and what to do. */
#include "topology/problem.h"

#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/memory.h"
#include "topology/mark.h"

enum {
	SHOWN = 160,                    /* characters of a line; a longer one is shown around the caret */
	BEFORE = 60,                    /* of them before the caret */
	OTHER_FILE_MOST = 16 << 20,
	LINE_MOST = 1 << 20             /* bytes of a line: a longer one is not shown */
};

static const struct palette {
	const char *place, *error, *warning, *caret, *off;
} plain = { "", "", "", "", "" }, colours = { "\033[1m", "\033[1;31m", "\033[1;35m", "\033[1;32m", "\033[0m" };

/* The texts that lines are taken from: the topology's own, and the last other file. */
struct sources {
	const struct problems *problems;
	struct text other;
	char *other_name;
	/* A line that was found and where it begins: the next problem is mostly further down. */
	const char *text, *start;
	int line;
};

/* Bytes of the UTF-8 sequence at `at`, 0 if it is none. */
static size_t sequence(const char *at, const char *end)
{
	unsigned char first = (unsigned char)*at;
	size_t length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3
		: first >> 3 == 30 ? 4 : 0;
	if ((size_t)(end - at) < length)
		return 0;
	for (size_t i = 1; i < length; i++)
		if (((unsigned char)at[i] & 0xC0) != 0x80)
			return 0;
	return length;
}

/* Bytes of a line's end here: libyaml counts NEL, LS and PS as well. */
static size_t break_at(const char *at, const char *end)
{
	size_t left = (size_t)(end - at);
	if (*at == '\n')
		return 1;
	if (*at == '\r')
		return left > 1 && at[1] == '\n' ? 2 : 1;
	if (left > 1 && !memcmp(at, "\xC2\x85", 2))
		return 2;
	return left > 2 && (!memcmp(at, "\xE2\x80\xA8", 3) || !memcmp(at, "\xE2\x80\xA9", 3)) ? 3 : 0;
}

/* Line `number` of a text, without its end. False if there is none. */
static bool find_line(struct sources *sources, const char *text, size_t length, int number, const char **start,
	size_t *size)
{
	const char *at = text, *end = text + length;
	int line = 1;
	if (length >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3))
		at += 3;
	if (sources->text == text && sources->line <= number) {
		line = sources->line;
		at = sources->start;
	}
	for (; at < end; line++) {
		const char *begin = at;
		while (at < end && !break_at(at, end))
			at++;
		if (line == number) {
			sources->text = text;
			sources->start = *start = begin;
			sources->line = number;
			*size = (size_t)(at - begin);
			return true;
		}
		if (at < end)
			at += break_at(at, end);
	}
	return false;
}

static bool source_line(struct sources *sources, const struct mark *mark, const char **start, size_t *size)
{
	const struct problems *problems = sources->problems;
	if (!mark->file || !mark->line || mark_is_option(mark))
		return false;
	if (problems->source && text_equal(mark->file, problems->file))
		return find_line(sources, problems->source, problems->source_length, mark->line, start, size);
	if (!text_equal(mark->file, sources->other_name)) {
		text_clear(&sources->other);
		sources->text = NULL;
		free(sources->other_name);
		sources->other_name = memory_copy_text(mark->file);
		if (!files_is_file(mark->file)
			|| files_read(mark->file, &sources->other, OTHER_FILE_MOST, NULL))
			text_clear(&sources->other);
	}
	return find_line(sources, text_string(&sources->other), sources->other.length, mark->line, start, size);
}

/* One character of a line as it is shown: tabs stay, what is not printable becomes \xNN. Returns its columns. */
static size_t show(struct text *out, const char *at, size_t length)
{
	unsigned char first = (unsigned char)*at;
	bool control = (length == 1 && (first < 0x20 || first == 0x7f)) || (length == 2 && first == 0xC2
		&& (unsigned char)at[1] < 0xA0);
	if (*at == '\t' || (length && !control)) {
		text_add_span(out, at, length);
		return 1;
	}
	size_t bytes = length ? length : 1;
	for (size_t i = 0; i < bytes; i++)
		text_format(out, "\\x%02x", (unsigned char)at[i]);
	return bytes * 4;
}

static void pad(struct text *out, char c, size_t count)
{
	while (count--)
		text_add_char(out, c);
}

/* The shown part of the line and, below it, the carets. `column`, `end`: of the carets, from 1, end exclusive. */
static void render(const char *line, size_t size, size_t column, size_t end, struct text *shown,
	struct text *carets)
{
	size_t total = mark_characters(line, size);
	size_t from = total > SHOWN && column > BEFORE ? column - BEFORE : 1;
	size_t number = 1;
	if (from > 1) {
		text_add(shown, "...");
		pad(carets, ' ', 3);
	}
	for (const char *at = line; at < line + size; number++) {
		size_t length = sequence(at, line + size);
		if (number >= from && number < from + SHOWN) {
			size_t width = show(shown, at, length);
			if (number < column && *at == '\t')
				text_add_char(carets, '\t');
			else if (number < end)
				pad(carets, number < column ? ' ' : '^', width);
		}
		at += length ? length : 1;
	}
	if (number > from + SHOWN)
		text_add(shown, "...");
	if (column >= number)
		pad(carets, ' ', column > number ? 1 : 0);
	if (!strchr(text_string(carets), '^'))
		text_add_char(carets, '^');
}

static void print_line(struct sources *sources, const struct problem *problem,
	const struct palette *palette, FILE *out)
{
	const char *line;
	size_t size;
	const struct mark *mark = &problem->mark;
	if (!source_line(sources, mark, &line, &size) || size > LINE_MOST)
		return;
	while (size && (line[size - 1] == ' ' || line[size - 1] == '\t'))
		size--;
	size_t column = mark->column > 0 ? (size_t)mark->column : 1;
	size_t end = mark->end_line == mark->line ? (size_t)mark->end_column : (size_t)-1;
	struct text cleanup_text shown = { 0 };
	struct text cleanup_text carets = { 0 };
	render(line, size, column, end > column ? end : column + 1, &shown, &carets);
	int width = fprintf(out, "%5d | %s\n", mark->line, text_string(&shown)) - (int)shown.length - 4;
	fprintf(out, "%*s | %s%s%s\n", width, "", palette->caret, text_string(&carets), palette->off);
}

static void print_place(const struct mark *mark, FILE *out)
{
	if (!mark->file)
		fputs("lpad", out);
	else if (mark_is_option(mark) || !mark->line)
		fputs(mark->file, out);
	else if (mark->column > 0)
		fprintf(out, "%s:%d:%d", mark->file, mark->line, mark->column);
	else
		fprintf(out, "%s:%d", mark->file, mark->line);
}

void problems_print(const struct problems *problems, FILE *out, bool colour)
{
	const struct palette *palette = colour ? &colours : &plain;
	struct sources sources = { .problems = problems };
	for (size_t i = 0; i < problems->list.count; i++) {
		const struct problem *problem = &problems->list.at[i];
		bool error = problem->severity == SEVERITY_ERROR;
		fputs(palette->place, out);
		print_place(&problem->mark, out);
		fprintf(out, ":%s %s%s:%s %s [%s]\n", palette->off, error ? palette->error : palette->warning,
			error ? "error" : "warning", palette->off, problem->message, problem->rule);
		print_line(&sources, problem, palette, out);
		if (problem->hint)
			fprintf(out, "      hint: %s\n", problem->hint);
	}
	size_t more = problems->errors + problems->warnings - problems->list.count;
	if (more)
		fprintf(out, "... and %zu more problems\n", more);
	text_release(&sources.other);
	free(sources.other_name);
}
