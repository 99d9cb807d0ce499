/* SPDX-License-Identifier: MIT */
#include "base/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/files.h"

enum { READS_AT_ONCE = 64 };     /* of 16 KiB: others want to be heard as well */
static const size_t DEFAULT_LONGEST = (size_t)256 << 20;

void channel_init(struct channel *channel, int fd)
{
	*channel = (struct channel){ .fd = fd };
	if (fd >= 0)
		files_nonblocking(fd);
}

void channel_close(struct channel *channel)
{
	if (channel->fd >= 0)
		close(channel->fd);
	channel->fd = -1;
	channel->ended = true;
	text_release(&channel->in);
	text_release(&channel->out);
	channel->taken = channel->sent = channel->searched = 0;
}

static void compact(struct channel *channel)
{
	if (!channel->taken)
		return;
	text_drop_front(&channel->in, channel->taken);
	channel->searched -= channel->taken < channel->searched ? channel->taken : channel->searched;
	channel->taken = 0;
}

int channel_read(struct channel *channel, struct error *error)
{
	compact(channel);
	for (int i = 0; i < READS_AT_ONCE && !channel->ended && channel->fd >= 0; i++) {
		text_reserve(&channel->in, 16384);
		ssize_t got = read(channel->fd, channel->in.data + channel->in.length, 16384);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (got <= 0)
			channel->ended = true;
		if (got < 0 && errno != ECONNRESET)
			return error_code(error, errno, "cannot read the control channel: %s", strerror(errno));
		if (got <= 0)
			return 0;
		channel->in.length += (size_t)got;
		channel->in.data[channel->in.length] = '\0';
		if (got < 16384)
			return 0;
	}
	return 0;
}

int channel_next(struct channel *channel, json_t **out, struct error *error)
{
	size_t longest = channel->longest ? channel->longest : DEFAULT_LONGEST;
	if (!channel->in.data)
		return 0;
	if (channel->searched < channel->taken)
		channel->searched = channel->taken;
	char *start = channel->in.data + channel->taken;
	char *end = memchr(channel->in.data + channel->searched, '\n', channel->in.length - channel->searched);
	if (!end) {
		channel->searched = channel->in.length;
		if (channel->in.length - channel->taken <= longest)
			return 0;
		channel->ended = true;
		return error_set(error, "a control line is longer than %zu bytes", longest);
	}
	size_t length = (size_t)(end - start);
	channel->taken = channel->searched = (size_t)(end - channel->in.data) + 1;
	json_error_t where;
	*out = json_loadb(start, length, JSON_DECODE_ANY, &where);
	if (*out)
		return 1;
	return error_set(error, "a control line is not JSON: %s", where.text);
}

/* Length of the UTF-8 character at `at`, 0 if it is none. */
static size_t character(const unsigned char *at, size_t left)
{
	size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : (at[0] & 0xf0) == 0xe0 ? 3 :
		at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : 0;
	if (!length || length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
	bool beyond = (at[0] == 0xed && at[1] >= 0xa0) || (at[0] == 0xf4 && at[1] >= 0x90);
	return length > 2 && (overlong || beyond) ? 0 : length;
}

json_t *channel_text(const char *text, size_t length)
{
	json_t *plain = json_stringn(text, length);
	if (plain)
		return plain;
	struct text cleanup_text clean = { 0 };
	for (size_t i = 0, step; i < length; i += step ? step : 1) {
		step = character((const unsigned char *)text + i, length - i);
		if (step)
			text_add_span(&clean, text + i, step);
		else
			text_add(&clean, "\xef\xbf\xbd");
	}
	return json_stringn(text_string(&clean), clean.length);
}

void channel_send(struct channel *channel, json_t *value)
{
	char *line = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	if (!line)
		BUG("a control line cannot be written as JSON");
	if (!channel->ended && !channel->unheard) {
		text_add(&channel->out, line);
		text_add_char(&channel->out, '\n');
	}
	free(line);
	json_decref(value);
}

bool channel_pending(const struct channel *channel)
{
	return !channel->ended && !channel->unheard && channel->sent < channel->out.length;
}

int channel_flush(struct channel *channel)
{
	while (channel_pending(channel)) {
		ssize_t put = send(channel->fd, channel->out.data + channel->sent,
			channel->out.length - channel->sent, MSG_NOSIGNAL);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (put < 0) {
			channel->unheard = true;
			return -1;
		}
		channel->sent += (size_t)put;
	}
	if (channel->sent == channel->out.length) {
		text_clear(&channel->out);
		channel->sent = 0;
	} else if (channel->sent > (size_t)1 << 20) {
		text_drop_front(&channel->out, channel->sent);
		channel->sent = 0;
	}
	return 0;
}
