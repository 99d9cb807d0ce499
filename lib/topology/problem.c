/* SPDX-License-Identifier: MIT */
#include "topology/problem.h"

#include <jansson.h>

#include "base/memory.h"
#include "topology/mark.h"

enum { PROBLEMS_KEPT = 1000 };  /* a file of ten million mistakes is counted, not remembered */

/* Names and values come from files: nothing in them may move a terminal's cursor. */
static char *escaped(const char *text)
{
	struct text out = { 0 };
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			text_format(&out, "\\x%02x", (unsigned char)*text);
		else
			text_add_char(&out, *text);
	}
	return text_take(&out);
}

static bool known(const struct problems *problems, struct mark mark, const char *rule, const char *bare,
	const char *whole)
{
	for (size_t i = 0; i < problems->list.count; i++) {
		const struct problem *old = &problems->list.at[i];
		if (mark_equal(&old->mark, &mark) && !strcmp(old->rule, rule)
			&& (!strcmp(old->message, whole) || !strcmp(old->message, bare)))
			return true;
	}
	return false;
}

__attribute__((format(printf, 6, 0)))
static int add(struct problems *problems, enum severity severity, struct mark mark, const char *rule,
	const char *hint,
	const char *format, va_list list)
{
	char *cleanup_free raw = memory_format_list(format, list);
	char *cleanup_free bare = escaped(raw);
	char *whole = memory_format("%s%s", problems->prefix ? problems->prefix : "", bare);
	size_t *count = severity == SEVERITY_ERROR ? &problems->errors : &problems->warnings;
	if (problems->list.count >= PROBLEMS_KEPT) {
		++*count;
		free(whole);
	} else if (known(problems, mark, rule, bare, whole)) {
		free(whole);
	} else {
		++*count;
		*list_add(&problems->list) = (struct problem){ severity, rule, mark, whole, hint ? escaped(hint) : NULL };
	}
	return -1;
}

int problem_add(struct problems *problems, struct mark mark, const char *rule, const char *hint,
	const char *format, ...)
{
	va_list list;
	va_start(list, format);
	add(problems, SEVERITY_ERROR, mark, rule, hint, format, list);
	va_end(list);
	return -1;
}

int problem_warn(struct problems *problems, struct mark mark, const char *rule, const char *hint,
	const char *format, ...)
{
	va_list list;
	va_start(list, format);
	add(problems, SEVERITY_WARNING, mark, rule, hint, format, list);
	va_end(list);
	return -1;
}

void problems_release(struct problems *problems)
{
	for (size_t i = 0; i < problems->list.count; i++) {
		free(problems->list.at[i].message);
		free(problems->list.at[i].hint);
	}
	list_release(&problems->list);
	for (size_t i = 0; i < problems->kept.count; i++)
		free(problems->kept.at[i]);
	list_release(&problems->kept);
	problems->errors = problems->warnings = 0;
}

/* JSON is UTF-8 only; a file's name, or a word of a broken file, need not be. */
static json_t *text_json(const char *text)
{
	if (!text)
		return json_null();
	json_t *value = json_string(text);
	if (value)
		return value;
	struct text out = { 0 };
	for (; *text; text++) {
		if ((unsigned char)*text < 0x80)
			text_add_char(&out, *text);
		else
			text_format(&out, "\\x%02x", (unsigned char)*text);
	}
	value = json_string(out.data);
	text_release(&out);
	return value;
}

void problems_print_json(const struct problems *problems, FILE *out)
{
	for (size_t i = 0; i < problems->list.count; i++) {
		const struct problem *problem = &problems->list.at[i];
		json_t *line = json_pack("{s:o, s:i, s:i, s:i, s:i, s:s, s:s, s:o, s:o}", "file",
			text_json(problem->mark.file),
			"line", problem->mark.line, "column", problem->mark.column,
			"end_line", problem->mark.end_line, "end_column", problem->mark.end_column,
			"severity", problem->severity == SEVERITY_ERROR ? "error" : "warning",
			"rule", problem->rule,
			"message", text_json(problem->message), "hint", text_json(problem->hint));
		json_dumpf(line, out, JSON_COMPACT);
		fputc('\n', out);
		json_decref(line);
	}
}
