/* SPDX-License-Identifier: MIT */
/* Memory that cannot fail to come: running out of it ends the program with one line. Freed with free(). */
#ifndef ROOM_H
#define ROOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As realloc for `count` things of `size` bytes; what is new is not set. */
static inline void *room_resize(void *old, size_t count, size_t size)
{
	void *room = size && count > SIZE_MAX / size ? NULL : realloc(old, count && size ? count * size : 1);
	if (!room) {
		fprintf(stderr, "replay: out of memory: %zu times %zu bytes could not be had\n", count, size);
		abort();
	}
	return room;
}

static inline void *room_new(size_t count, size_t size)         /* zeroed */
{
	void *room = room_resize(NULL, count, size);
	memset(room, 0, count * size);
	return room;
}

static inline char *room_copy_text(const char *text)
{
	size_t size = strlen(text) + 1;
	return memcpy(room_resize(NULL, size, 1), text, size);
}

#endif
