/* SPDX-License-Identifier: MIT */
#include "node/talk.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"
#include "link/message.h"
#include "node/talk_inside.h"

enum {
	UNREAD_MOST = 64 << 20,         /* bytes that the program has not read: nothing more is heard of it until it has */
	PIECES_MOST = 4096              /* of 1 MiB at most: what an ended connection may have left */
};

void talk_wake(const struct talk *talk)
{
	uint64_t one = 1;
	ssize_t ignored = write(talk->wake, &one, sizeof one);
	(void)ignored;
}

void talk_say(struct talk *talk, int64_t visit, json_t *line)
{
	pthread_mutex_lock(&talk->lock);
	if (visit == talk->visit && visit % 2)          /* the first that anybody hears is "hello" */
		*list_add(&talk->outbox) = line;
	else
		json_decref(line);
	pthread_mutex_unlock(&talk->lock);
	talk_wake(talk);
}

void talk_say_error(struct talk *talk, int64_t visit, const json_t *id, int code, const char *text)
{
	json_t *line = json_pack("{s:s, s:s, s:o}", "is", "error", "code", fault_name(code), "text", channel_text(text, strlen(text)));
	if (id)
		json_object_set_new(line, "id", json_deep_copy(id));
	talk_say(talk, visit, line);
}

int64_t talk_visit(struct talk *talk)
{
	pthread_mutex_lock(&talk->lock);
	int64_t visit = talk->visit;
	pthread_mutex_unlock(&talk->lock);
	return visit;
}

/* ---- the connection ---- */

static bool is_connected(const struct talk *talk)
{
	return talk->channel.fd >= 0;
}

/* The last that a connection hears. */
static void say_last(int fd, int code, const char *text)
{
	char *cleanup_free line = memory_format("{\"is\":\"error\",\"code\":\"%s\",\"text\":\"%s\"}\n", fault_name(code), text);
	ssize_t ignored = send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)ignored;
}

/* A message takes more room as text than it has bytes. */
static size_t longest_line(size_t max_message)
{
	const size_t most = (size_t)256 << 20, least = (size_t)1 << 20;
	return max_message > most / 16 ? most : max_message * 16 + least;
}

static void welcome(struct talk *talk)
{
	int fd = accept4(talk->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (is_connected(talk)) {
		say_last(fd, LPAD_EBUSY, "another connection to this node is open: there is one at a time");
		close(fd);
		return;
	}
	channel_init(&talk->channel, fd);
	talk->channel.longest = longest_line(talk->command->longest);
	pthread_mutex_lock(&talk->lock);
	talk->visit++;
	json_t *hello = talk_hello(talk);
	json_object_set_new(hello, "stopping", json_boolean(talk->stopping));
	*list_add(&talk->outbox) = hello;
	talk_send_kept(talk);
	pthread_mutex_unlock(&talk->lock);
	talk_wake(talk);
}

static void part(struct talk *talk)
{
	channel_close(&talk->channel);
	talk->channel.fd = -1;
	pthread_mutex_lock(&talk->lock);
	talk->visit++;
	for (size_t i = 0; i < talk->outbox.count; i++)
		json_decref(talk->outbox.at[i]);
	talk->outbox.count = 0;
	pthread_mutex_unlock(&talk->lock);
	talk_refuse_kept(talk, false, LPAD_ELOST, "its program closed the connection before it had answered");
}

static void hear(struct talk *talk)
{
	struct error error = { 0 };
	json_t *line;
	int got;
	const struct channel *channel = &talk->channel;
	channel_read(&talk->channel, &error);
	for (size_t before = channel->taken; (got = channel_next(&talk->channel, &line, &error)); before = channel->taken) {
		talk->heard = channel->taken - before;
		if (got > 0) {
			talk_obey(talk, line);
			continue;
		}
		if (!talk->heard) {                     /* it is too long, and none of it was taken */
			say_last(talk->channel.fd, LPAD_EINVALID, error.text);
			break;
		}
		talk_misheard(talk, channel->in.data + before, talk->heard - 1, error.text);
	}
}

static void take_outbox(struct talk *talk)
{
	pthread_mutex_lock(&talk->lock);
	for (size_t i = 0; i < talk->outbox.count; i++)
		channel_send(&talk->channel, talk->outbox.at[i]);
	talk->outbox.count = 0;
	pthread_mutex_unlock(&talk->lock);
	channel_flush(&talk->channel);
}

static bool is_set(struct talk *talk, const bool *flag)
{
	pthread_mutex_lock(&talk->lock);
	bool value = *flag;
	pthread_mutex_unlock(&talk->lock);
	return value;
}

static bool is_readable(int fd)
{
	struct pollfd poll_in = { .fd = fd, .events = POLLIN };
	return poll(&poll_in, 1, 0) > 0;
}

static bool has_room(struct talk *talk)
{
	pthread_mutex_lock(&talk->lock);
	bool room = talk->undone < UNDONE_MOST;
	pthread_mutex_unlock(&talk->lock);
	return room && talk->channel.out.length - talk->channel.sent < UNREAD_MOST;
}

static short wanted(struct talk *talk)
{
	bool hears = is_set(talk, &talk->begun) && has_room(talk);
	return (short)((hears ? POLLIN : 0) | (channel_pending(&talk->channel) ? POLLOUT : 0));
}

/* `whole`: up to its end, if that is near. */
static void hear_all(struct talk *talk, bool whole)
{
	for (int pieces = whole ? PIECES_MOST : 1; is_connected(talk) && is_set(talk, &talk->begun) && !talk->channel.ended &&
	     pieces > 0 && (whole || has_room(talk)) && is_readable(talk->channel.fd); pieces--)
		hear(talk);
	if (!is_connected(talk))
		return;
	take_outbox(talk);
	if (talk->channel.ended || talk->channel.unheard)
		part(talk);
}

/* Whoever connects has often closed an earlier connection just before: that is looked at first. */
static void *serve(void *context)
{
	struct talk *talk = context;
	pthread_setname_np(pthread_self(), "talk");
	for (bool ended = false; !ended; ) {
		short events = is_connected(talk) ? wanted(talk) : 0;
		struct pollfd polls[3] = { { .fd = talk->listener, .events = POLLIN }, { .fd = talk->wake, .events = POLLIN },
			{ .fd = events ? talk->channel.fd : -1, .events = events } };   /* one that has hung up would be heard at once */
		poll(polls, 3, -1);
		uint64_t count;
		ssize_t ignored = read(talk->wake, &count, sizeof count);
		(void)ignored;
		ended = is_set(talk, &talk->ended);     /* looked at before reading: its last words are heard */
		hear_all(talk, ended || polls[0].revents);
		if (polls[0].revents && !ended)
			welcome(talk);
	}
	return NULL;
}

/* ---- life ---- */

static int bind_socket(struct talk *talk, struct error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(talk->path) >= sizeof address.sun_path)
		return error_set(error, "%s: the name is too long for a socket", talk->path);
	memcpy(address.sun_path, talk->path, strlen(talk->path) + 1);
	talk->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(talk->path);
	if (talk->listener < 0 || bind(talk->listener, (struct sockaddr *)&address, sizeof address) || chmod(talk->path, 0600) ||
	    listen(talk->listener, 8))
		return error_code(error, errno, "cannot listen at %s: %s", talk->path, strerror(errno));
	return 0;
}

struct talk *talk_open(struct command *command, struct error *error)
{
	const struct replica_document *replica = command->node->document;
	const char *sockets = json_string_value(json_object_get(command->node->process->json, "sockets"));
	struct talk *talk = memory_new(sizeof *talk);
	talk->command = command;
	talk->channel.fd = -1;
	talk->path = memory_format("%s/%lld.%d.program", sockets ? sockets : "/nowhere",
		(long long)json_integer_value(json_object_get(replica->json, "id")), replica->incarnation);
	talk->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&talk->lock, NULL);
	lanes_new(talk);
	if (talk->wake < 0 || bind_socket(talk, error) || pthread_create(&talk->thread, NULL, serve, talk)) {
		if (!error->text[0])
			error_set(error, "cannot start a thread: see ulimit -u");
		return NULL;            /* the process ends next */
	}
	return talk;
}

const char *talk_path(const struct talk *talk)
{
	return talk->path;
}

static void set(struct talk *talk, bool *flag)
{
	pthread_mutex_lock(&talk->lock);
	*flag = true;
	pthread_mutex_unlock(&talk->lock);
	talk_wake(talk);
}

void talk_begin(struct talk *talk)
{
	set(talk, &talk->begun);
}

void talk_stop(struct talk *talk)
{
	set(talk, &talk->stopping);
	talk_say(talk, talk_visit(talk), json_pack("{s:s}", "is", "stopping"));
}

bool talk_connected(struct talk *talk)
{
	return talk_visit(talk) % 2;
}

bool talk_end(struct talk *talk, const struct timespec *until)
{
	if (until)
		set(talk, &talk->failed);
	set(talk, &talk->ended);
	pthread_join(talk->thread, NULL);
	close(talk->listener);
	unlink(talk->path);
	talk_refuse_kept(talk, true, until ? LPAD_ELOST : LPAD_EGONE, "its program has ended");
	lanes_close(talk);
	if (is_connected(talk))
		part(talk);
	return lanes_join(talk, until);
}
