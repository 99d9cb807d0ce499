/* SPDX-License-Identifier: MIT */
#include "supervise/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"

enum {
	FULL = 256 << 10,       /* bytes that wait before the nodes have to */
	PIECE_TERMINAL = 128,   /* of a polled terminal: what it takes once it says it takes something */
	PIECE_PIPE = 4096       /* PIPE_BUF: of a polled pipe */
};

/* A terminal or pipe under its own description, so that O_NONBLOCK is nobody else's. */
static int open_again(int fd)
{
	char path[40];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void sink_init(struct sink *sink, int fd)
{
	*sink = (struct sink){ .fd = fd, .kind = SINK_FILE, .copy = -1 };
	struct stat status;
	if (fstat(fd, &status))
		return;
	if (S_ISSOCK(status.st_mode))
		sink->kind = SINK_SOCKET;
	if (!S_ISFIFO(status.st_mode) && !(S_ISCHR(status.st_mode) && isatty(fd)))
		return;
	int own = open_again(fd);
	sink->kind = own >= 0 ? SINK_OWN : SINK_POLLED;
	sink->fd = own >= 0 ? own : fd;
}

void sink_release(struct sink *sink)
{
	if (sink->kind == SINK_OWN)
		close(sink->fd);
	if (sink->copy >= 0)
		close(sink->copy);
	text_release(&sink->waiting);
}

void sink_move(struct sink *sink, int fd)
{
	bool spare = sink->spare;
	sink_release(sink);
	sink_init(sink, fd);
	sink->spare = spare;
}

void sink_add(struct sink *sink, const char *data, size_t size)
{
	if (sink->copy >= 0)
		(void)!files_write_all(sink->copy, data, size);
	if (!sink->failed)
		text_add_span(&sink->waiting, data, size);
}

static ssize_t write_polled(int fd, const char *data, size_t size)
{
	struct pollfd poll_for = { .fd = fd, .events = POLLOUT };
	size_t most = isatty(fd) ? PIECE_TERMINAL : PIECE_PIPE;
	if (poll(&poll_for, 1, 0) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, data, size < most ? size : most);
}

static ssize_t write_some(struct sink *sink)
{
	const char *data = sink->waiting.data + sink->sent;
	size_t size = sink->waiting.length - sink->sent;
	if (sink->kind == SINK_SOCKET)
		return send(sink->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sink->kind == SINK_POLLED)
		return write_polled(sink->fd, data, size);
	return write(sink->fd, data, size);
}

static void forget_sent(struct sink *sink)
{
	if (sink->sent == sink->waiting.length) {
		if (sink->waiting.room > FULL)
			text_release(&sink->waiting);
		text_clear(&sink->waiting);
		sink->sent = 0;
	} else if (sink->sent >= FULL) {
		text_drop_front(&sink->waiting, sink->sent);
		sink->sent = 0;
	}
}

int sink_flush(struct sink *sink)
{
	sink->blocked = false;
	while (sink->sent < sink->waiting.length) {
		ssize_t put = write_some(sink);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			sink->blocked = true;
			break;
		}
		if (put < 0) {
			sink->failed = sink->spare ? 0 : errno;
			text_release(&sink->waiting);
			sink->sent = 0;
			return sink->spare ? 0 : -1;
		}
		sink->sent += (size_t)put;
	}
	forget_sent(sink);
	return 0;
}

bool sink_full(const struct sink *sink)
{
	return sink->waiting.length - sink->sent >= FULL;
}

bool sink_empty(const struct sink *sink)
{
	return sink->sent == sink->waiting.length;
}
