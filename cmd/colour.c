/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

int colour_wanted(const char *when, int fd)
{
	if (!when || !strcmp(when, "auto")) {
		const char *none = getenv("NO_COLOR");
		return !(none && *none) && isatty(fd);
	}
	if (!strcmp(when, "always"))
		return 1;
	return strcmp(when, "never") ? -1 : 0;
}
