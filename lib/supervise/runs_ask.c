/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "supervise/console.h"
#include "supervise/runs.h"

/* Of its supervisor; -1 with errno. One that is too busy to take guests (EAGAIN) is not waited for. */
static int connect_to(const char *sockets)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", sockets, CONSOLE_NAME);
	if (length >= (int)sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || !connect(fd, (struct sockaddr *)&address, sizeof address))
		return fd;
	int code = errno;
	close(fd);
	errno = code;
	return -1;
}

static int cannot_connect(struct run *run, int code, struct error *error)
{
	bool not_yet = code == ENOENT || code == ECONNREFUSED;
	if (not_yet && run->state == RUN_RUNNING)
		run->state = RUN_STARTING;
	return error_code(error, code, "run %s cannot be asked: %s", run->id, not_yet ? "it does not listen, as at its very start" :
		code == EAGAIN ? "too many others wait for its supervisor, which takes no more guests" : strerror(code));
}

int runs_connect(struct run *run, struct error *error)
{
	if (run->console.fd >= 0)
		return 0;
	if (!run->sockets)
		run->sockets = memory_copy_text(json_string_value(json_object_get(runs_manifest(run), "sockets")));
	int fd = run->sockets ? connect_to(run->sockets) : (errno = ENOENT, -1);
	if (fd < 0)
		return cannot_connect(run, errno, error);
	channel_init(&run->console, fd);
	return 0;
}

static int late(const struct run *run, struct error *error)
{
	return error_code(error, ETIMEDOUT, "the supervisor of %s did not answer in time", run->id);
}

/* 0: something may have come, or can be written. */
static int await(struct run *run, int64_t until_ns, struct error *error)
{
	struct pollfd poll_fd = { .fd = run->console.fd, .events = POLLIN | (channel_pending(&run->console) ? POLLOUT : 0) };
	int64_t left = until_ns == INT64_MAX ? -1 : (until_ns - clock_ns()) / 1000000;
	if (until_ns != INT64_MAX && left <= 0)
		return late(run, error);
	poll(&poll_fd, 1, left < 0 ? -1 : left > 1000000 ? 1000000 : (int)left + 1);
	return 0;
}

/* The answer, unless it is an error. */
static json_t *unwrap(json_t *answer, struct error *error)
{
	const char *wrong = json_string_value(json_object_get(answer, "error"));
	if (!wrong)
		return answer;
	error_code(error, json_is_true(json_object_get(answer, "unknown")) ? ENOENT : 0, "%s", wrong);
	json_decref(answer);
	return NULL;
}

json_t *runs_next(struct run *run, int64_t until_ns, struct error *error)
{
	json_t *answer = NULL;
	for (;;) {
		channel_flush(&run->console);
		int got = channel_next(&run->console, &answer, error);
		if (got)
			return got < 0 ? NULL : unwrap(answer, error);
		if (run->console.ended) {
			error_code(error, EPIPE, "run %s has ended", run->id);
			return NULL;
		}
		if (await(run, until_ns, error) || channel_read(&run->console, error))
			return NULL;
	}
}

json_t *runs_ask(struct run *run, json_t *question, int64_t until_ns, struct error *error)
{
	channel_send(&run->console, question);
	return runs_next(run, until_ns, error);
}

/* ---- all at once ---- */

/* Takes the answer if it is there. False: the run has nothing more to say. */
static bool take_answer(struct run *run, json_t **answer)
{
	json_t *got = NULL;
	channel_flush(&run->console);
	if (channel_read(&run->console, NULL) || channel_next(&run->console, &got, NULL) < 0)
		return false;
	if (!got)
		return !run->console.ended;
	*answer = unwrap(got, NULL);
	if (*answer && json_object_get(*answer, "phase"))
		run->state = run_state_of_phase(json_string_value(json_object_get(*answer, "phase")));
	return false;
}

static size_t ask_each(struct runs *runs, const json_t *question, struct pollfd *polls, size_t *places)
{
	size_t waiting = 0;
	for (size_t i = 0; i < runs->list.count; i++) {
		struct run *run = &runs->list.at[i];
		if (!runs_is_under_way(run) || runs_connect(run, NULL))
			continue;
		channel_send(&run->console, json_deep_copy(question));
		channel_flush(&run->console);
		polls[waiting] = (struct pollfd){ .fd = run->console.fd, .events = POLLIN };
		places[waiting++] = i;
	}
	return waiting;
}

void runs_ask_all(struct runs *runs, const json_t *question, int64_t until_ns, json_t **answers)
{
	size_t count = runs->list.count;
	struct pollfd *cleanup_free polls = memory_array(count + 1, sizeof *polls);
	size_t *cleanup_free places = memory_array(count + 1, sizeof *places);
	size_t waiting = ask_each(runs, question, polls, places);
	for (size_t i = 0; i < count; i++)
		answers[i] = NULL;
	while (waiting) {
		int64_t left = (until_ns - clock_ns()) / 1000000;
		if (left < 0 || (poll(polls, waiting, left > 1000000 ? 1000000 : (int)left + 1) < 0 && errno != EINTR))
			break;
		for (size_t i = 0; i < waiting; ) {
			if (polls[i].revents && !take_answer(&runs->list.at[places[i]], &answers[places[i]])) {
				polls[i] = polls[--waiting];
				places[i] = places[waiting];
			} else
				i++;
		}
	}
}
