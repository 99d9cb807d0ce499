/* SPDX-License-Identifier: MIT */
#include "base/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *checked(void *block)
{
	if (!block) {
		static const char line[] = "lpad: out of memory\n";
		ssize_t ignored = write(2, line, sizeof line - 1);
		(void)ignored;
		_exit(125);
	}
	return block;
}

void *memory_array(size_t count, size_t size)
{
	return checked(calloc(count ? count : 1, size ? size : 1));
}

void *memory_new(size_t size)
{
	return memory_array(1, size);
}

void *memory_resize(void *old, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes))
		bytes = SIZE_MAX;
	return checked(realloc(old, bytes ? bytes : 1));
}

char *memory_copy_text(const char *text)
{
	return text ? checked(strdup(text)) : NULL;
}

char *memory_copy_span(const char *text, size_t length)
{
	char *copy = memory_array(length + 1, 1);
	memcpy(copy, text, length);
	return copy;
}

char *memory_format_list(const char *format, va_list list)
{
	char *out = NULL;
	if (vasprintf(&out, format, list) < 0)
		out = NULL;
	return checked(out);
}

char *memory_format(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *out = memory_format_list(format, list);
	va_end(list);
	return out;
}

void memory_keep_large(void)
{
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

void memory_free_at(void *place)
{
	free(*(void **)place);
}

void memory_close_at(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
