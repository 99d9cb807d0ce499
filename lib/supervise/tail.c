/* SPDX-License-Identifier: MIT */
#include "supervise/tail.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

enum { BLOCK = 64 << 10 };

static bool is_open(struct tail *tail)
{
	if (tail->fd < 0)
		tail->fd = open(tail->path, O_RDONLY | O_CLOEXEC);
	return tail->fd >= 0;
}

void tail_init(struct tail *tail, const char *path)
{
	*tail = (struct tail){ .path = memory_copy_text(path), .fd = -1 };
}

void tail_release(struct tail *tail)
{
	if (tail->fd >= 0)
		close(tail->fd);
	free(tail->path);
	text_release(&tail->line);
	*tail = (struct tail){ .fd = -1 };
}

/* ---- where to begin ---- */

/* Where the line begins before whose last byte, at `end`, there are `most` ends of lines. */
static off_t back(const struct tail *tail, off_t end, long most)
{
	char block[BLOCK];
	for (off_t at = end, from; at > 0; at = from) {
		from = at > BLOCK ? at - BLOCK : 0;
		ssize_t got = pread(tail->fd, block, (size_t)(at - from), from);
		for (ssize_t i = got; i-- > 0; )
			if (block[i] == '\n' && !--most)
				return from + i + 1;
	}
	return 0;
}

void tail_from_end(struct tail *tail, long most)
{
	char last = 0;
	off_t end = is_open(tail) ? lseek(tail->fd, 0, SEEK_END) : 0;
	if (end > 0 && pread(tail->fd, &last, 1, end - 1) != 1)
		last = 0;
	tail->offset = most > 0 && end > 0 ? back(tail, end - (last == '\n'), most) : end;
}

void tail_from(struct tail *tail, off_t offset)
{
	char block[BLOCK];
	tail->offset = offset;
	if (!offset || !is_open(tail))
		return;
	ssize_t got;
	for (off_t at = offset - 1; (got = pread(tail->fd, block, sizeof block, at)) > 0; at += got) {
		char *end = memchr(block, '\n', (size_t)got);
		tail->offset = end ? at + (end - block) + 1 : at + got;
		if (end)
			return;
	}
}

/* ---- reading ---- */

bool tail_read_to(struct tail *tail, off_t end, void (*take)(void *context, const char *line, size_t length, off_t at), void *context)
{
	static char block[BLOCK];
	bool any = false;
	while (tail->offset < end && is_open(tail)) {
		off_t at = tail->offset;
		ssize_t got = pread(tail->fd, block, end - at < BLOCK ? (size_t)(end - at) : BLOCK, at);
		if (got <= 0)
			break;
		const char *from = block, *const stop = block + got;
		any = true;
		tail->offset = at + got;
		for (const char *stop_line; (stop_line = memchr(from, '\n', (size_t)(stop - from))); from = stop_line + 1) {
			text_add_span(&tail->line, from, (size_t)(stop_line - from));
			take(context, text_string(&tail->line), tail->line.length, at + (stop_line - block) - (off_t)tail->line.length);
			text_clear(&tail->line);
		}
		text_add_span(&tail->line, from, (size_t)(stop - from));
	}
	return any;
}

bool tail_read(struct tail *tail, bool all, void (*take)(void *context, const char *line, size_t length, off_t at), void *context)
{
	bool any = tail_read_to(tail, INT64_MAX, take, context);
	if (!all || !tail->line.length)
		return any;
	take(context, text_string(&tail->line), tail->line.length, tail->offset - (off_t)tail->line.length);
	text_clear(&tail->line);
	return true;
}
