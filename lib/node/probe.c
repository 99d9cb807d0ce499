/* SPDX-License-Identifier: MIT */
#include "node/probe.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/text.h"
#include "node/describe.h"
#include "node/host.h"
#include "node/load.h"

struct probe {
	const char *path;
	struct module *module;          /* NULL until the first request */
	struct channel channel;
};

static json_t *describe(struct probe *probe)
{
	return json_pack("{s:o}", "interface", describe_module(probe->module));
}

static json_t *complaints(const struct error *complaint)
{
	return complaint ? json_pack("{s:[o]}", "complaints", channel_text(complaint->text, strlen(complaint->text)))
		: json_pack("{s:[]}", "complaints");
}

static json_t *check(struct probe *probe, json_t *request, struct error *error)
{
	const char *name = json_string_value(json_object_get(request, "implementation"));
	const lpad_implementation *implementation = name ? module_find(probe->module, name) : NULL;
	if (!implementation) {
		error_set(error, "there is no implementation `%s`", name ? name : "");
		return NULL;
	}
	struct error wrong = { 0 };
	if (!host_check(implementation, json_object_get(request, "document"), &wrong))
		return complaints(NULL);
	if (wrong.code == 1)
		return complaints(&wrong);
	error_set(error, "%s", wrong.text);
	return NULL;
}

/* Whatever a forked constructor's child would do here, it is not to answer in our place. */
static void load(struct probe *probe, struct error *error)
{
	pid_t before = getpid();
	probe->module = module_load(probe->path, &host_table, error);
	if (getpid() != before)
		_exit(0);
}

static void answer(struct probe *probe, json_t *request)
{
	struct error error = { 0 };
	const char *what = json_string_value(json_object_get(request, "do"));
	json_t *reply = NULL;
	if (!probe->module)
		load(probe, &error);
	if (probe->module && text_equal(what, "describe"))
		reply = describe(probe);
	else if (probe->module && text_equal(what, "check"))
		reply = check(probe, request, &error);
	else if (probe->module)
		error_set(&error, "there is no request `%s`", what ? what : "");
	fflush(NULL);           /* what the module printed is there before the answer is */
	channel_send(&probe->channel, reply ? reply
		: json_pack("{s:o}", "error", channel_text(error.text, strlen(error.text))));
}

/* Waits until something can be read, and sends meanwhile. */
static int wait_for_line(struct channel *channel)
{
	struct pollfd poller = { .fd = channel->fd, .events = POLLIN };
	if (channel_flush(channel))
		return -1;
	if (channel_pending(channel))
		poller.events |= POLLOUT;
	if (poll(&poller, 1, -1) < 0)
		return errno == EINTR ? 0 : -1;
	if (poller.revents & (POLLIN | POLLHUP | POLLERR))
		return channel_read(channel, NULL);
	return 0;
}

/* A crash is to look like one, whatever handlers a sanitizer has put there. */
static void reset_signals(void)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP };
	for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
		signal(crashes[i], SIG_DFL);
}

int probe_main(int fd, const char *path)
{
	struct probe probe = { .path = path };
	reset_signals();
	channel_init(&probe.channel, fd);
	for (;;) {
		json_t *request;
		int got = channel_next(&probe.channel, &request, NULL);
		if (got > 0) {
			answer(&probe, request);
			json_decref(request);
		} else if (got < 0 || probe.channel.ended || wait_for_line(&probe.channel)) {
			break;
		}
	}
	channel_close(&probe.channel);
	module_free(probe.module);
	return 0;
}
