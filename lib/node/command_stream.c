/* SPDX-License-Identifier: MIT */
/* What the streams between edges and a program share. */
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "node/command_inside.h"

enum {
	TOLD_ONE_BY_ONE = 3,            /* mishaps of one stream */
	NAP_MS = 5
};

void mishap(struct command *command, struct mishaps *mishaps, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *cleanup_free text = memory_format_list(format, list);
	va_end(list);
	char *cleanup_free metric = memory_format("%s_errors", mishaps->name);
	mishaps->count++;
	if (mishaps->count <= TOLD_ONE_BY_ONE)
		command_note(command, "%s: %s", mishaps->name, text);
	if (mishaps->count == TOLD_ONE_BY_ONE)
		command_note(command, "%s: further ones are counted only, as the metric %s", mishaps->name, metric);
	host_table.report(command->node, metric, (double)mishaps->count, mishaps->count);
}

void mishaps_sum_up(struct command *command, const struct mishaps *mishaps)
{
	if (mishaps->count > TOLD_ONE_BY_ONE)
		command_note(command, "%s: %lld errors in all", mishaps->name, (long long)mishaps->count);
}

static bool readable(int fd, int wait_ms)
{
	struct pollfd poll_in = { .fd = fd, .events = POLLIN };
	return poll(&poll_in, 1, wait_ms) > 0;
}

bool stream_over(const struct stream *stream)
{
	return readable(stream->command->over, 0);
}

void stream_nap(void)
{
	poll(NULL, 0, NAP_MS);
}
