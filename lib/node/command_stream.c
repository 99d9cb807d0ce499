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

bool command_is_over(const struct command *command)
{
	return readable(command->over, 0);
}

/* A moment. */
static void nap(void)
{
	poll(NULL, 0, NAP_MS);
}

bool command_may_come(const struct command *command, bool cycle, int64_t *until_ns)
{
	if (!*until_ns)
		*until_ns = clock_ns() + command_patience(command);
	if (cycle || command->node->alone || clock_ns() >= *until_ns || command_is_over(command))
		return false;
	nap();
	return true;
}

int command_publish(const struct command *command, lpad_topic *topic, lpad_message *message, int64_t *until_ns)
{
	int code;
	while ((code = topic_publish(topic, message_share(message))) == LPAD_ESTOPPED) {
		if (!*until_ns)
			*until_ns = clock_ns() + command_patience(command);
		if (clock_ns() >= *until_ns)
			break;
		nap();
	}
	if (!code)
		*until_ns = 0;          /* it goes on */
	message_free(message);
	return code;
}
