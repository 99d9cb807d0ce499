/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

__attribute__((format(printf, 3, 0)))
static int fill(struct error *error, int code, const char *format, va_list list)
{
	if (!error)
		return -1;
	error->code = code;
	vsnprintf(error->text, sizeof error->text, format, list);
	return -1;
}

int error_set(struct error *error, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	fill(error, 0, format, list);
	va_end(list);
	return -1;
}

int error_code(struct error *error, int code, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	fill(error, code, format, list);
	va_end(list);
	return -1;
}

int error_wrap(struct error *error, const char *format, ...)
{
	if (!error)
		return -1;
	va_list list;
	va_start(list, format);
	char *cleanup_free context = memory_format_list(format, list);
	va_end(list);
	char *cleanup_free whole = memory_format("%s: %s", context, error->text);
	snprintf(error->text, sizeof error->text, "%s", whole);
	return -1;
}

void error_bug(const char *file, int line, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	fprintf(stderr, "lpad: bug at %s:%d: ", file, line);
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
	va_end(list);
	abort();
}
