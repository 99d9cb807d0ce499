/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { LONGEST_WORD = 256 };    /* longer ones are never suggestions */

void text_release(struct text *text)
{
	free(text->data);
	*text = (struct text){ 0 };
}

void text_clear(struct text *text)
{
	text->length = 0;
	if (text->data)
		text->data[0] = '\0';
}

void text_reserve(struct text *text, size_t more)
{
	size_t need = text->length + more + 1;
	if (need <= text->room)
		return;
	size_t room = text->room ? text->room : 64;
	while (room < need)
		room += room / 2 + 1;
	text->data = memory_resize(text->data, room, 1);
	text->room = room;
	text->data[text->length] = '\0';
}

void text_add_span(struct text *text, const char *piece, size_t length)
{
	text_reserve(text, length);
	if (length)
		memcpy(text->data + text->length, piece, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void text_add(struct text *text, const char *piece)
{
	text_add_span(text, piece, strlen(piece));
}

void text_add_char(struct text *text, char c)
{
	text_add_span(text, &c, 1);
}

void text_format(struct text *text, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *piece = memory_format_list(format, list);
	va_end(list);
	text_add(text, piece);
	free(piece);
}

void text_drop_front(struct text *text, size_t length)
{
	if (!text->data)
		return;
	memmove(text->data, text->data + length, text->length - length + 1);
	text->length -= length;
}

char *text_take(struct text *text)
{
	char *data = text->data ? text->data : memory_copy_text("");
	*text = (struct text){ 0 };
	return data;
}

const char *text_string(const struct text *text)
{
	return text->data ? text->data : "";
}

char *text_printable(char *text)
{
	for (char *at = text; *at; at++) {
		unsigned char first = (unsigned char)at[0], second = (unsigned char)at[1];
		if (first == 0xc2 && second >= 0x80 && second < 0xa0)
			*at++ = ' ';
		else if (first >= ' ' && first != 0x7f)
			continue;
		*at = ' ';
	}
	return text;
}

bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

bool text_starts(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

bool text_ends(const char *text, const char *suffix)
{
	size_t length = strlen(text), tail = strlen(suffix);
	return length >= tail && !memcmp(text + length - tail, suffix, tail);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t text_distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	if (n > LONGEST_WORD || m > LONGEST_WORD)
		return n > m ? n : m;
	size_t rows[3][LONGEST_WORD + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	for (size_t j = 0; j <= m; j++)
		above[j] = j;
	for (size_t i = 1; i <= n; i++) {
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		size_t *spare = before;
		before = above, above = row, row = spare;
	}
	return above[m];
}

const char *text_nearest(const char *word, const char *const *words, size_t count)
{
	const char *nearest = NULL;
	size_t best = (size_t)-1;
	for (size_t i = 0; i < count; i++) {
		size_t distance = text_distance(word, words[i]);
		size_t length = strlen(words[i]);
		if (distance < best && distance <= (length < 3 ? 1 : (length + 2) / 3)) {
			best = distance;
			nearest = words[i];
		}
	}
	return nearest;
}
