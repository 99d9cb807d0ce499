/* SPDX-License-Identifier: MIT */
/* The subscription `stdin`: each message is a line of JSON for the program; end of file once all publishers have ended. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "link/message_convert.h"
#include "node/command_inside.h"

/* Messages that are JSON may have been written over several lines; in texts of theirs no newline stands as such. Caller frees. */
static char *line_of(const lpad_message *message, struct error *error)
{
	char *line = message_to_json(message, error);
	size_t length = line ? strlen(line) : 0;
	for (size_t i = 0; i < length; i++)
		if (line[i] == '\n' || line[i] == '\r')
			line[i] = ' ';
	if (line)
		line[length] = '\n';    /* no text any more: its length is known by the newline */
	return line;
}

/* False: the program does not read any more, or has ended. */
static bool write_line(const struct stream *stream, const char *line, size_t size)
{
	for (size_t done = 0; done < size; ) {
		struct pollfd polls[2] = { { .fd = stream->fd, .events = POLLOUT },
			{ .fd = stream->command->over, .events = POLLIN } };
		ssize_t wrote = write(stream->fd, line + done, size - done);
		if (wrote > 0)
			done += (size_t)wrote;
		else if (errno != EAGAIN && errno != EINTR)
			return false;
		else if (poll(polls, 2, -1) > 0 && polls[1].revents)
			return false;
	}
	return true;
}

static bool pass_on(struct stream *stream, const lpad_message *message)
{
	struct error error = { 0 };
	char *cleanup_free line = line_of(message, &error);
	if (line)
		return write_line(stream, line, (size_t)((char *)rawmemchr(line, '\n') - line) + 1);
	mishap(stream->command, &stream->mishaps, "a message of %s was dropped: %s", message_sender(message), error.text);
	return true;
}

static void *pump(void *context)
{
	struct stream *stream = context;
	lpad_message *message;
	int64_t until_ns = 0;
	int code;
	pthread_setname_np(pthread_self(), "stdin");
	do {
		code = subscription_take(stream->subscription, &message, (lpad_deadline){ INT64_MAX });
		if (!code && !pass_on(stream, message))
			code = LPAD_EENDED;
		message_free(message);
	} while (!code || (code == LPAD_ESTOPPED && command_may_come(stream->command, stream->cycle, &until_ns)));
	subscription_close(stream->subscription);
	close(stream->fd);
	return NULL;
}

int input_start(struct stream *stream)
{
	stream->running = !pthread_create(&stream->thread, NULL, pump, stream);
	return stream->running ? 0 : -1;
}
