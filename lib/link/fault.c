/* SPDX-License-Identifier: MIT */
#include "link/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static _Thread_local struct {
	int code;
	char text[1000];
} last;

static const struct {
	int code;
	const char *name, *text;
} codes[] = {
	{ LPAD_OK, "OK", "success" },
	{ LPAD_LATER, "LATER", "the call was kept" },
#define ROW(code, name, text) { code, #name, text },
	LPAD_CODES(ROW)
#undef ROW
};

int fault_set(int code, const char *format, ...)
{
	char text[sizeof last.text];    /* an argument may be the old text itself */
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	last.code = code;
	memcpy(last.text, text, sizeof text);
	return code;
}

int fault_code(void)
{
	return last.code;
}

const char *fault_text(void)
{
	return last.text;
}

static int place_of(int code)
{
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (codes[i].code == code)
			return (int)i;
	return -1;
}

const char *fault_name(int code)
{
	int place = place_of(code);
	return place < 0 ? "EUNKNOWN" : codes[place].name;
}

const char *fault_string(int code)
{
	int place = place_of(code);
	return place < 0 ? "a code that lpad does not know" : codes[place].text;
}

char *fault_of_result(const char *function, int result)
{
	if (result > 0)
		return memory_format("%s returned %d", function, result);
	if (last.code == result && *last.text)
		return memory_copy_text(last.text);
	if (*last.text && last.code == LPAD_EINVALID)          /* lpad_fail, and another code returned */
		return memory_format("%s (%s returned %d: %s)", last.text, function, result, fault_string(result));
	return memory_format("%s returned %d: %s", function, result, fault_string(result));
}
