/* SPDX-License-Identifier: MIT */
/*
 * A stream of bytes as whole lines. A line longer than `longest` comes in pieces; a piece that goes on with the line
 * of the piece before it says so.
 */
#ifndef SUPERVISE_LINES_H
#define SUPERVISE_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct piece {
	const char *at;         /* borrowed for the call; without the newline */
	size_t length;
	bool continued;         /* goes on with the line of the piece before */
	bool whole;             /* the line ends here */
};
struct lines {
	struct text part;       /* of the line that has not ended */
	bool continued;         /* pieces of it have been given away */
	size_t longest;
};
typedef void lines_taker(void *context, const struct piece *piece);

void lines_feed(struct lines *lines, const char *data, size_t size, lines_taker *take, void *context);
/* At the end of the stream: what stands there without a newline. */
void lines_end(struct lines *lines, lines_taker *take, void *context);
void lines_release(struct lines *lines);

#endif
