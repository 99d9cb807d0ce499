/* SPDX-License-Identifier: MIT */
/*
 * JSON lines over a non-blocking stream descriptor, for one thread: incoming bytes become whole lines, outgoing lines
 * wait in memory until the descriptor takes them. The owner polls the descriptor.
 */
#ifndef BASE_CHANNEL_H
#define BASE_CHANNEL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"

struct channel {
	int fd;                 /* owned; -1 once closed */
	struct text in, out;
	size_t taken, sent;     /* consumed of in; written of out */
	size_t searched;        /* of in: no newline before this */
	bool ended;             /* nothing more comes: the other side has closed, or the descriptor failed */
	bool unheard;           /* nothing more is taken there; what was said before may still be read */
	size_t longest;         /* a line beyond this is an error; 0: 256 MiB */
};

void channel_init(struct channel *channel, int fd);
void channel_close(struct channel *channel);
/* Reads what is there, at most 1 MiB. 0, or -1 with an error; sets `ended` at end of file. */
int channel_read(struct channel *channel, struct error *error);
/* The next whole line as JSON: 1 and a new reference in *out; 0: none yet; -1: not JSON, too long (line skipped). */
int channel_next(struct channel *channel, json_t **out, struct error *error);
/* A text for such a line: JSON is UTF-8 only, what is none becomes U+FFFD. */
json_t *channel_text(const char *text, size_t length);
/* Queues one line; takes the reference. */
void channel_send(struct channel *channel, json_t *value);
bool channel_pending(const struct channel *channel);    /* wants POLLOUT */
/* Writes what fits. 0, or -1 when the other side takes nothing any more (`unheard`). */
int channel_flush(struct channel *channel);

#endif
