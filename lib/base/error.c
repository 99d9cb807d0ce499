/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	char old[sizeof error->text];
	if (!error)
		return -1;
	memcpy(old, error->text, sizeof old);
	va_list list;
	va_start(list, format);
	int used = vsnprintf(error->text, sizeof error->text, format, list);
	va_end(list);
	if (used >= 0 && (size_t)used < sizeof error->text)
		snprintf(error->text + used, sizeof error->text - (size_t)used, ": %s", old);
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
