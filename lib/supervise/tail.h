/* SPDX-License-Identifier: MIT */
/* A file that grows, read line by line. */
#ifndef SUPERVISE_TAIL_H
#define SUPERVISE_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/text.h"

struct tail {
	char *path;
	int fd;                         /* -1: not there yet */
	off_t offset;                   /* of what is read next */
	struct text line;               /* begun, and perhaps not whole */
};

void tail_init(struct tail *tail, const char *path);
void tail_release(struct tail *tail);
/* Beginning with the last `most` lines, or (0) behind the end. */
void tail_from_end(struct tail *tail, long most);
/* Beginning with the line that begins at or after `offset`. */
void tail_from(struct tail *tail, off_t offset);
/* Hands each line that is there by now to `take`, without its end; `at`: where it begins. With `all`, also a last one without
   an end. True if there was any. */
bool tail_read(struct tail *tail, bool all, void (*take)(void *context, const char *line, size_t length, off_t at), void *context);
/* The same, no further than `end`; what is begun of a line there is kept. */
bool tail_read_to(struct tail *tail, off_t end, void (*take)(void *context, const char *line, size_t length, off_t at), void *context);

#endif
