/* SPDX-License-Identifier: MIT */
#include "supervise/console.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "supervise/inside.h"
#include "topology/joins.h"

enum {
	GUESTS_MOST = 64,
	QUESTION_LONGEST = 1 << 20,
	OBSERVERS = 65535               /* the place in a socket's name: behind those of all topics */
};

/* A question that waits for its node. */
struct waiting {
	struct member *member;
	json_t *id;                     /* owned; NULL: none */
};
struct guest {
	struct guest *next;
	struct watch watch;
	struct channel channel;
	LIST(struct waiting) waiting;
};

/* ---- answers ---- */

static void answer(struct supervisor *supervisor, struct guest *guest, json_t *id, json_t *message)
{
	if (id)
		json_object_set(message, "id", id);
	channel_send(&guest->channel, message);
	channel_flush(&guest->channel);
	if (!guest->channel.ended)
		supervisor_watch(supervisor, &guest->watch, guest->channel.fd,
			EPOLLIN | (channel_pending(&guest->channel) ? EPOLLOUT : 0));
}

static void refuse(struct supervisor *supervisor, struct guest *guest, json_t *id, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static void refuse(struct supervisor *supervisor, struct guest *guest, json_t *id, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *cleanup_free text = memory_format_list(format, list);
	va_end(list);
	answer(supervisor, guest, id, json_pack("{so}", "error", output_json_text(text, strlen(text))));
}

static json_t *optional(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *methods_of(const struct group *group)
{
	json_t *list = json_array();
	for (size_t i = 0; group->spec && i < group->spec->methods.count; i++) {
		const struct method_spec *method = &group->spec->methods.at[i];
		json_array_append_new(list, json_pack("{ss so sb so so}", "name", method->name, "help", optional(method->help),
			"idempotent", method->idempotent, "request", optional(method->request), "reply", optional(method->reply)));
	}
	return list;
}

static json_t *describe(const struct supervisor *supervisor, const struct member *member, const char *address)
{
	return json_pack("{si ss si si si ss ss ss sI so}", "schema", 1, "node", member->name, "number",
		member->group->number, "index", member->index, "incarnation", member->incarnation, "state", "running",
		"address", address, "token", supervisor->launch->token, "max_message",
		(json_int_t)supervisor->topology->joins->max_message, "methods", methods_of(member->group));
}

/* ---- questions ---- */

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

static void refuse_name(struct supervisor *supervisor, struct guest *guest, json_t *id, const char *name)
{
	char *cleanup_free label = memory_copy_span(name, strcspn(name, "/"));
	const struct group *group = topology_group(supervisor->topology, label);
	const char *nearest = group ? NULL : nearest_group(supervisor, label);
	if (group && !strchr(name, '/'))
		refuse(supervisor, guest, id, "%s has %d replicas: say which, %s/0 to %s", label, group->replicas, label,
			supervisor->members[group->first + group->replicas - 1].name);
	else if (group)
		refuse(supervisor, guest, id, "there is no replica %s: %s has %d", name, label, group->replicas);
	else if (nearest)
		refuse(supervisor, guest, id, "there is no node `%s`: did you mean %s?", name, nearest);
	else
		refuse(supervisor, guest, id, "there is no node `%s`", name);
}

static void ask_node(struct supervisor *supervisor, struct guest *guest, json_t *id, const json_t *question)
{
	const char *name = json_string_value(json_object_get(question, "node"));
	struct member *member = name ? member_named(supervisor, name) : NULL;
	if (!member) {
		refuse_name(supervisor, guest, id, name ? name : "");
		return;
	}
	if (!member_alive(member) || member->state < MEMBER_RUNNING || member->state >= MEMBER_FINISHING) {
		refuse(supervisor, guest, id, "%s is not running now (%s)", member->name,
			member_alive(member) ? child_step(member->child) : "it has no process");
		return;
	}
	*list_add(&guest->waiting) = (struct waiting){ member, json_incref(id) };
	char *cleanup_free address = memory_format("ipc://%s/%d.%d.%d", supervisor->launch->sockets, member->id,
		member->incarnation, OBSERVERS);
	child_send(supervisor, member->child, json_pack("{ss ss ss}", "do", "listen", "node", member->name,
		"address", address));
}

static const struct {
	const char *word;
	void (*ask)(struct supervisor *supervisor, struct guest *guest, json_t *id, const json_t *question);
} questions[] = {
	{ "node", ask_node },
};

static void take_question(struct supervisor *supervisor, struct guest *guest, const json_t *question)
{
	const char *word = json_string_value(json_object_get(question, "ask"));
	json_t *id = json_object_get(question, "id");
	for (size_t i = 0; word && i < sizeof questions / sizeof questions[0]; i++)
		if (!strcmp(questions[i].word, word)) {
			questions[i].ask(supervisor, guest, id, question);
			return;
		}
	refuse(supervisor, guest, id, "this version of lpad does not know the question `%s`", word ? word : "");
}

/* ---- what the nodes say ---- */

static void settle(struct supervisor *supervisor, struct member *member, const char *address, const char *text)
{
	for (struct guest *guest = supervisor->guests; guest; guest = guest->next)
		for (size_t i = 0; i < guest->waiting.count; ) {
			struct waiting waiting = guest->waiting.at[i];
			if (waiting.member != member) {
				i++;
				continue;
			}
			guest->waiting.at[i] = guest->waiting.at[--guest->waiting.count];
			if (address)
				answer(supervisor, guest, waiting.id, describe(supervisor, member, address));
			else
				refuse(supervisor, guest, waiting.id, "%s: %s", member->name, text);
			json_decref(waiting.id);
		}
}

void console_listening(struct supervisor *supervisor, struct member *member, const char *address, const char *text)
{
	settle(supervisor, member, address, text ? text : "it cannot listen");
}

void console_lost(struct supervisor *supervisor, struct member *member)
{
	settle(supervisor, member, NULL, "its process has ended");
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
	for (size_t i = 0; i < guest->waiting.count; i++)
		json_decref(guest->waiting.at[i].id);
	list_release(&guest->waiting);
	free(guest);
}

void console_readable(struct supervisor *supervisor, struct guest *guest)
{
	struct error error = { 0 };
	json_t *question;
	int got, bad = channel_read(&guest->channel, &error) || channel_flush(&guest->channel);
	while ((got = channel_next(&guest->channel, &question, &error)) > 0) {
		take_question(supervisor, guest, question);
		json_decref(question);
	}
	if (bad || got < 0 || guest->channel.ended)
		dismiss(supervisor, guest);
	else
		supervisor_watch(supervisor, &guest->watch, guest->channel.fd,
			EPOLLIN | (channel_pending(&guest->channel) ? EPOLLOUT : 0));
}

static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof peer;
	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) && (peer.uid == geteuid() || peer.uid == 0);
}

void console_accept(struct supervisor *supervisor)
{
	int fd = accept4(supervisor->console_watch.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (!is_ours(fd) || supervisor->guest_count == GUESTS_MOST) {
		close(fd);
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

void console_close(struct supervisor *supervisor)
{
	while (supervisor->guests)
		dismiss(supervisor, supervisor->guests);
	int fd = supervisor->console_watch.fd;
	if (fd < 0)
		return;
	supervisor_unwatch(supervisor, &supervisor->console_watch);
	close(fd);
}
