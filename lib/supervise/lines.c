/* SPDX-License-Identifier: MIT */
#include "supervise/lines.h"

#include <string.h>

static void give(struct lines *lines, const char *at, size_t length, bool whole, lines_taker *take, void *context)
{
	struct piece piece = { .at = at, .length = length, .continued = lines->continued, .whole = whole };
	lines->continued = !whole;
	take(context, &piece);
}

/* Bytes of one line, its end not among them: keeps up to `longest`, gives away what goes beyond. */
static void keep(struct lines *lines, const char *data, size_t size, lines_taker *take, void *context)
{
	while (lines->part.length + size > lines->longest) {
		size_t room = lines->longest - lines->part.length;
		text_add_span(&lines->part, data, room);
		give(lines, lines->part.data, lines->part.length, false, take, context);
		text_clear(&lines->part);
		data += room, size -= room;
	}
	if (size)
		text_add_span(&lines->part, data, size);
}

static void end_line(struct lines *lines, const char *data, size_t size, lines_taker *take, void *context)
{
	if (!lines->part.length && size <= lines->longest) {
		give(lines, data, size, true, take, context);
		return;
	}
	keep(lines, data, size, take, context);
	give(lines, text_string(&lines->part), lines->part.length, true, take, context);
	text_release(&lines->part);
}

void lines_feed(struct lines *lines, const char *data, size_t size, lines_taker *take, void *context)
{
	const char *end = data + size, *newline;
	for (; data < end && (newline = memchr(data, '\n', (size_t)(end - data))); data = newline + 1)
		end_line(lines, data, (size_t)(newline - data), take, context);
	keep(lines, data, (size_t)(end - data), take, context);
}

void lines_end(struct lines *lines, lines_taker *take, void *context)
{
	if (lines->part.length || lines->continued)
		end_line(lines, "", 0, take, context);
}

void lines_release(struct lines *lines)
{
	text_release(&lines->part);
}
