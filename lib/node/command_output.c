/* SPDX-License-Identifier: MIT */
/* The topic `stdout`: each line that the program prints is published. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "link/message_convert.h"
#include "node/command_inside.h"

enum {
	CHUNK = 64 << 10,
	SHOWN_MOST = 60,        /* of a line that is told of */
	LEFT_MOST = 4 << 20     /* what a pipe may hold when the program has ended; what is behind it was written later */
};

static bool is_blank(const struct text *line)
{
	return strspn(text_string(line), " \t\r") == line->length;
}

static void publish_line(struct stream *stream)
{
	struct error error = { 0 };
	const struct text *line = &stream->line;
	lpad_message *message = NULL;
	stream->lines++;
	if (is_blank(line))
		return;
	if (strlen(line->data) != line->length)
		error_set(&error, "it holds a byte of value 0");
	else
		message = message_from_json(line->data, stream->signature, &error);
	if (!message)
		mishap(stream->command, &stream->mishaps, "line %lld was not published: %s: %.*s%s", (long long)stream->lines,
			error.text, SHOWN_MOST, line->data, line->length > SHOWN_MOST ? "..." : "");
	else if (command_publish(stream->command, stream->topic, message, &stream->patient_until_ns))
		mishap(stream->command, &stream->mishaps, "line %lld was not published: %s", (long long)stream->lines, fault_text());
}

static void end_line(struct stream *stream)
{
	if (stream->overlong) {
		stream->lines++;
		mishap(stream->command, &stream->mishaps, "line %lld was not published: it is longer than max_message, %zu bytes",
			(long long)stream->lines, stream->command->longest);
	} else {
		publish_line(stream);
	}
	stream->overlong = false;
	text_clear(&stream->line);
}

static void add(struct stream *stream, const char *piece, size_t length)
{
	if (stream->overlong || stream->line.length + length > stream->command->longest) {
		stream->overlong = true;
		text_release(&stream->line);
		return;
	}
	text_add_span(&stream->line, piece, length);
}

static void take(struct stream *stream, const char *data, size_t size)
{
	for (const char *at = data, *end = data + size, *newline; at < end; at = newline + 1) {
		newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline) {
			add(stream, at, (size_t)(end - at));
			return;
		}
		add(stream, at, (size_t)(newline - at));
		end_line(stream);
	}
}

static void wait_for_more(const struct stream *stream)
{
	struct pollfd polls[2] = { { .fd = stream->fd, .events = POLLIN }, { .fd = stream->command->over, .events = POLLIN } };
	poll(polls, 2, -1);
}

/* What children of the program, once it has ended, hold open is not waited for. */
static void *pump(void *context)
{
	struct stream *stream = context;
	char *cleanup_free chunk = memory_array(CHUNK, 1);
	size_t left = 0;
	pthread_setname_np(pthread_self(), "stdout");
	while (left < LEFT_MOST) {
		bool over = command_is_over(stream->command);        /* looked at before reading: what was printed before its end is read */
		ssize_t got = read(stream->fd, chunk, CHUNK);
		left += over && got > 0 ? (size_t)got : 0;
		if (got > 0)
			take(stream, chunk, (size_t)got);
		else if (!got || (errno != EAGAIN && errno != EINTR) || over)
			break;
		else
			wait_for_more(stream);
	}
	if (stream->line.length || stream->overlong)    /* the last one needs no newline */
		end_line(stream);
	text_release(&stream->line);
	close(stream->fd);
	return NULL;
}

int output_start(struct stream *stream)
{
	stream->running = !pthread_create(&stream->thread, NULL, pump, stream);
	return stream->running ? 0 : -1;
}
