/* SPDX-License-Identifier: MIT */
/*
 * Standard output or standard error of the launch, written without ever blocking the supervisor. The descriptor is
 * shared with the shell, so it is not switched to non-blocking: a pipe or terminal is opened once more for ourselves,
 * a socket is written with MSG_DONTWAIT, a file just written. What does not fit waits here; a sink that is `full`
 * should be given nothing more.
 */
#ifndef SUPERVISE_SINK_H
#define SUPERVISE_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum sink_kind {
	SINK_OWN,               /* a description of our own, non-blocking */
	SINK_SOCKET,
	SINK_POLLED,            /* could not be opened again: polled, then written in small pieces */
	SINK_FILE               /* never makes anyone wait */
};
struct sink {
	int fd;                 /* what is written; owned only if SINK_OWN */
	enum sink_kind kind;
	struct text waiting;
	size_t sent;            /* of waiting */
	int failed;             /* errno: EPIPE when the reader has gone; what is added later is forgotten */
	bool blocked;           /* the last write did not take all */
	bool spare;             /* what cannot be written is forgotten, and nothing has failed */
	int copy;               /* descriptor of a file that gets the same; -1: none */
	void *watch;            /* the owner's, for epoll */
};

void sink_init(struct sink *sink, int fd);
/* What comes from now on goes to another descriptor, and no more into the copy, which is closed; what waits is in that. */
void sink_move(struct sink *sink, int fd);
void sink_release(struct sink *sink);
void sink_add(struct sink *sink, const char *data, size_t size);
/* Writes what is taken without waiting. 0, or -1 once with `failed` set. */
int sink_flush(struct sink *sink);
bool sink_full(const struct sink *sink);
bool sink_empty(const struct sink *sink);

#endif
