/* SPDX-License-Identifier: MIT */
#include "topology/words.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "topology/mark.h"
#include "topology/topology.h"

enum { NEAREST_MOST = 500000 }; /* comparisons, about: those of all problems so far */

const char *words_nearest(const struct problems *problems, const char *word, const char *const *words,
	size_t count)
{
	if (count && problems->errors > NEAREST_MOST / count)
		return NULL;
	const char *nearest = text_nearest(word, words, count);
	return nearest && text_distance(word, nearest) < strlen(nearest) ? nearest : NULL;
}

char *words_list(const char *const *words, size_t count)
{
	struct text out = { 0 };
	for (size_t i = 0; i < count; i++) {
		if (i)
			text_add(&out, ", ");
		text_add(&out, words[i]);
	}
	return text_take(&out);
}

int words_report(struct problems *problems, const struct tree *value, const char *rule, const char *hint,
	const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *cleanup_free message = memory_format_list(format, list);
	va_end(list);
	if (!value->from.line)
		return problem_add(problems, value->mark, rule, hint, "%s", message);
	char *cleanup_free place = mark_text(value->from);
	return problem_add(problems, value->mark, rule, hint, "%s (set %s %s)", message,
		mark_is_option(&value->from) ? "by" : "at", place);
}

bool words_is_set_empty(const struct tree *value)
{
	return value->kind == TREE_SCALAR && !*value->text && mark_is_option(value->from.line ? &value->from : &value->mark);
}

char *words_leave_quotes_out(const struct tree *value)
{
	char *cleanup_free place = mark_text(value->from);
	return value->from.line ? memory_format("leave the quotes out where it is set, at %s", place)
		: memory_copy_text("leave the quotes out");
}

int words_check_label(struct problems *problems, const char *label, struct mark mark, const char *what)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz",
		all[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t length = mark_characters(label, strlen(label));
	if (length > LABEL_LONGEST)
		return problem_add(problems, mark, "name", NULL,
			"a name has at most %d characters, not %zu", LABEL_LONGEST,
			length);
	if (*label && strchr(letters, *label) && !label[strspn(label, all)])
		return 0;
	return problem_add(problems, mark, "name", NULL,
		"%s is made of a-z, 0-9, _ and -, and begins with a letter: not `%s`",
		what, label);
}

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool words_is_variable_name(const char *name, size_t length)
{
	if (!length || !letter(*name))
		return false;
	for (size_t i = 1; i < length; i++)
		if (!letter(name[i]) && !(name[i] >= '0' && name[i] <= '9'))
			return false;
	return true;
}
