/* SPDX-License-Identifier: MIT */
#include "topology/mark.h"

#include "base/memory.h"
#include "base/text.h"

size_t mark_characters(const char *text, size_t length)
{
	size_t count = 0;
	for (size_t i = 0; i < length; i++)
		count += ((unsigned char)text[i] & 0xC0) != 0x80;
	return count;
}

struct mark mark_within(struct mark mark, const char *text, size_t offset, size_t length)
{
	size_t width = mark.end_column > mark.column ? (size_t)(mark.end_column - mark.column) : 0;
	size_t count = mark_characters(text, strlen(text));
	/* Plain, or in quotes without an escape: otherwise text and source do not run in step. */
	if (mark.line != mark.end_line || (width != count && width != count + 2))
		return mark;
	mark.column += (int)(mark_characters(text, offset) + (width != count));
	mark.end_column = mark.column + (int)mark_characters(text + offset, length);
	return mark;
}

bool mark_equal(const struct mark *a, const struct mark *b)
{
	return a->line == b->line && a->column == b->column && a->end_line == b->end_line
		&& a->end_column == b->end_column && text_equal(a->file, b->file);
}

bool mark_is_option(const struct mark *mark)
{
	return mark->file && text_starts(mark->file, "--");
}

char *mark_text(struct mark mark)
{
	if (mark_is_option(&mark) || !mark.line)
		return memory_copy_text(mark.file ? mark.file : "nowhere");
	return memory_format("%s:%d", mark.file, mark.line);
}
