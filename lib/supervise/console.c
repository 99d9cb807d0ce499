/* SPDX-License-Identifier: MIT */
#include "supervise/console.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/memory.h"
#include "supervise/questions.h"

enum {
	GUESTS_MOST = 64,
	QUESTION_LONGEST = 1 << 20,
	WAITING_MOST = 8 << 20,         /* bytes for one guest; follow.c stays below that */
	LAST_MS = 500
};

/* ---- answers ---- */

size_t console_waiting(const struct guest *guest)
{
	return guest->channel.out.length - guest->channel.sent;
}

/* One that does not read its answers asks nothing more until it does. */
static bool is_heard(const struct guest *guest)
{
	return console_waiting(guest) <= WAITING_MOST || guest->channel.unheard;
}

/* Writing, too, if something waits to be written. */
static void watch_guest(struct supervisor *supervisor, struct guest *guest)
{
	if (!guest->channel.ended)
		supervisor_watch(supervisor, &guest->watch, guest->channel.fd,
			(is_heard(guest) ? EPOLLIN : 0) | (channel_pending(&guest->channel) ? EPOLLOUT : 0));
}

void console_answer(const struct asking *asking, json_t *message)
{
	struct guest *guest = asking->guest;
	if (asking->id)
		json_object_set(message, "id", asking->id);
	channel_send(&guest->channel, message);
	channel_flush(&guest->channel);
	watch_guest(asking->supervisor, guest);
}

static json_t *error_json(const char *format, va_list list) __attribute__((format(printf, 1, 0)));
static json_t *error_json(const char *format, va_list list)
{
	char *cleanup_free text = memory_format_list(format, list);
	return json_pack("{so}", "error", output_json_text(text, strlen(text)));
}

void console_refuse(const struct asking *asking, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	console_answer(asking, error_json(format, list));
	va_end(list);
}

/* What is asked for does not exist. */
static void refuse_unknown(const struct asking *asking, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void refuse_unknown(const struct asking *asking, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	json_t *answer = error_json(format, list);
	va_end(list);
	json_object_set_new(answer, "unknown", json_true());
	console_answer(asking, answer);
}

/* ---- names in questions ---- */

static const char *nearest_group(const struct supervisor *supervisor, const char *name)
{
	size_t count = supervisor->topology->groups.count;
	const char **labels = memory_array(count, sizeof *labels);
	for (size_t i = 0; i < count; i++)
		labels[i] = supervisor->topology->groups.at[i].label;
	const char *nearest = text_nearest(name, labels, count);
	free(labels);
	return nearest;
}

static void refuse_name(const struct asking *asking, const char *name)
{
	const struct supervisor *supervisor = asking->supervisor;
	char *cleanup_free label = memory_copy_span(name, strcspn(name, "/"));
	const struct group *group = topology_group(supervisor->topology, label);
	const char *nearest = group ? NULL : nearest_group(supervisor, label);
	if (group && !strchr(name, '/'))
		refuse_unknown(asking, "%s has %d replicas: say which, %s/0 to %s", label, group->replicas, label,
			supervisor->members[group->first + group->replicas - 1].name);
	else if (group)
		refuse_unknown(asking, "there is no replica %s: %s has %d", name, label, group->replicas);
	else if (nearest)
		refuse_unknown(asking, "there is no node `%s`: did you mean %s?", name, nearest);
	else
		refuse_unknown(asking, "there is no node `%s`", name);
}

struct member *console_member(const struct asking *asking, const char *name)
{
	struct member *member = member_named(asking->supervisor, name);
	if (!member)
		refuse_name(asking, name);
	return member;
}

/* Marks one replica, or all of a group, in `wanted`, by id. */
static bool want(const struct asking *asking, const char *name, bool *wanted)
{
	const struct group *group = topology_group(asking->supervisor->topology, name);
	for (int i = 0; group && i < group->replicas; i++)
		wanted[group->first + i] = true;
	if (group)
		return true;
	struct member *member = console_member(asking, name);
	if (member)
		wanted[member->id] = true;
	return member != NULL;
}

bool console_choose(const struct asking *asking, struct chosen *out)
{
	struct supervisor *supervisor = asking->supervisor;
	json_t *names = json_object_get(asking->question, "nodes"), *name;
	bool *cleanup_free wanted = memory_array((size_t)supervisor->total, sizeof *wanted);
	size_t i;
	*out = (struct chosen){ .all = !names };
	json_array_foreach(names, i, name)
		if (!want(asking, json_is_string(name) ? json_string_value(name) : "", wanted))
			return false;
	for (int id = 0; id < supervisor->total; id++)
		if (out->all || wanted[id])
			*list_add(&out->list) = &supervisor->members[id];
	if (out->list.count)
		return true;
	console_refuse(asking, "\"nodes\" names none");
	return false;
}

/* ---- questions ---- */

static const struct {
	const char *word;
	void (*ask)(const struct asking *asking);
} questions[] = {
	{ "node", observe_node },
	{ "topic", observe_topic },
	{ "status", status_ask },
	{ "stop", acts_stop },
	{ "restart", acts_restart },
	{ "kill", acts_kill },
	{ "follow", follow_ask },
};

static void take_question(struct supervisor *supervisor, struct guest *guest, const json_t *question)
{
	const char *word = json_string_value(json_object_get(question, "ask"));
	const struct asking asking = { supervisor, guest, json_object_get(question, "id"), question };
	for (size_t i = 0; word && i < sizeof questions / sizeof questions[0]; i++)
		if (!strcmp(questions[i].word, word)) {
			questions[i].ask(&asking);
			return;
		}
	console_refuse(&asking, "this version of lpad does not know the question `%s`", word ? word : "");
}

/* ---- guests ---- */

static void dismiss(struct supervisor *supervisor, struct guest *guest)
{
	struct guest **at = &supervisor->guests;
	while (*at != guest)
		at = &(*at)->next;
	*at = guest->next;
	supervisor->guest_count--;
	supervisor_unwatch(supervisor, &guest->watch);
	channel_close(&guest->channel);
	observe_forget(guest);
	acts_forget(supervisor, guest);
	follow_forget(supervisor, guest);
	free(guest);
}

void console_readable(struct supervisor *supervisor, struct guest *guest)
{
	struct error error = { 0 };
	json_t *question;
	int got = 0, bad = channel_flush(&guest->channel) || (is_heard(guest) && channel_read(&guest->channel, &error));
	while (is_heard(guest) && (got = channel_next(&guest->channel, &question, &error)) > 0) {
		take_question(supervisor, guest, question);
		json_decref(question);
	}
	if (bad || got < 0 || guest->channel.ended) {
		dismiss(supervisor, guest);
		return;
	}
	follow_catch_up(supervisor, guest, false);
	watch_guest(supervisor, guest);
}

static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof peer;
	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) && (peer.uid == geteuid() || peer.uid == 0);
}

/* It hears why: a connection that only ends looks like the end of the run. */
static void turn_away(int fd, const char *why)
{
	char *cleanup_free line = memory_format("{\"error\": \"%s\"}\n", why);
	(void)!send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

void console_accept(struct supervisor *supervisor)
{
	int fd = accept4(supervisor->console_watch.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (!is_ours(fd)) {
		turn_away(fd, "the run belongs to another user");
		return;
	}
	if (supervisor->guest_count == GUESTS_MOST) {
		turn_away(fd, "too many commands are connected to this run at once (64): end some of them, as `lpad watch`");
		return;
	}
	struct guest *guest = memory_new(sizeof *guest);
	guest->next = supervisor->guests;
	supervisor->guests = guest;
	supervisor->guest_count++;
	channel_init(&guest->channel, fd);
	guest->channel.longest = QUESTION_LONGEST;
	guest->watch = (struct watch){ .kind = WATCH_GUEST, .guest = guest, .fd = -1 };
	supervisor_watch(supervisor, &guest->watch, fd, EPOLLIN);
}

/* ---- life ---- */

int console_open(struct supervisor *supervisor, struct error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	supervisor->console_watch = (struct watch){ .kind = WATCH_CONSOLE, .fd = -1 };
	snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", supervisor->launch->sockets, CONSOLE_NAME);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || chmod(address.sun_path, 0600) || listen(fd, 16)) {
		int code = errno;
		if (fd >= 0)
			close(fd);
		return error_code(error, code, "cannot listen on %s: %s", address.sun_path, strerror(code));
	}
	supervisor_watch(supervisor, &supervisor->console_watch, fd, EPOLLIN);
	return 0;
}

/* The last answers; not for long. */
static void flush_guests(struct supervisor *supervisor)
{
	int64_t until = clock_ms() + LAST_MS;
	for (struct guest *guest = supervisor->guests; guest; guest = guest->next)
		while (!channel_flush(&guest->channel) && channel_pending(&guest->channel) && clock_ms() < until) {
			struct pollfd poll_out = { .fd = guest->channel.fd, .events = POLLOUT };
			poll(&poll_out, 1, (int)(until - clock_ms()));
		}
}

void console_close(struct supervisor *supervisor)
{
	flush_guests(supervisor);
	while (supervisor->guests)
		dismiss(supervisor, supervisor->guests);
	int fd = supervisor->console_watch.fd;
	if (fd < 0)
		return;
	supervisor_unwatch(supervisor, &supervisor->console_watch);
	close(fd);
}
