/* SPDX-License-Identifier: MIT */
#include "node/command.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "node/command_inside.h"
#include "node/talk.h"

enum { END_MS = 1000 };                                 /* between the last descriptor of a program that ends, and its end */
static const int64_t SECOND = 1000000000;
static const int64_t STOP_PATIENCE = 2;                 /* seconds at most, of a fifth of stop_within */
static const int64_t OUTPUT_PATIENCE = 1;               /* seconds: for the last lines of a program that failed */

void command_note(struct command *command, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *cleanup_free text = memory_format_list(format, list);
	va_end(list);
	command->node->owner.note(command->node->owner.context, text);
}

const struct command_end *command_end(const struct command *command)
{
	return command->end.text ? &command->end : NULL;
}

/* Returns what init and run return then. */
static int __attribute__((format(printf, 4, 5))) fail(struct command *command, int code, int signal, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	free(command->end_text);
	command->end_text = memory_format_list(format, list);
	va_end(list);
	command->end = (struct command_end){ code, signal, command->end_text };
	return LPAD_EFAILED;
}

/* ---- the program's beginning ---- */

static void raise_flag(int fd)
{
	uint64_t one = 1;
	ssize_t ignored = write(fd, &one, sizeof one);
	(void)ignored;
}

static void on_stop(lpad_node *node, void *context)
{
	(void)node;
	struct command *command = context;
	raise_flag(command->stop);
	talk_stop(command->talk);
}

static const char *const *words_of(const struct command *command)
{
	json_t *words = json_object_get(command->document, "words");
	const char **out = memory_array(json_array_size(words) + 1, sizeof *out);
	for (size_t i = 0; i < json_array_size(words); i++)
		out[i] = json_string_value(json_array_get(words, i));
	return out;
}

static bool document_says(const struct command *command, const char *key)
{
	return json_is_true(json_object_get(command->document, key));
}

/* A topic that no edge names is no topic: what the program prints is output as any node's. */
static bool is_published(const struct command *command)
{
	return json_object_get(json_object_get(command->node->document->json, "topics"), "stdout");
}

static int start(struct command *command)
{
	struct error error = { 0 };
	char *const *cleanup_free words = (char *const *)(uintptr_t)words_of(command);
	struct program_order order = { .words = words, .shell = document_says(command, "shell"),
		.ready = document_says(command, "ready"), .in = command->input.subscription, .out = is_published(command) };
	environment_make(&command->environment, command->node, talk_path(command->talk), order.ready);
	order.environment = command->environment.list.at;
	if (program_start(&command->program, &order, &error))
		return fail(command, error.code == ENOENT ? 127 : 126, 0, "%s", error.text);
	return 0;
}

static int prepare(struct command *command, lpad_node *node)
{
	struct error error = { 0 };
	command->node = node;
	command->longest = (size_t)json_integer_value(json_object_get(node->document->json, "max_message"));
	command->input = (struct stream){ .command = command, .fd = -1, .mishaps.name = "stdin",
		.subscription = link_subscription(node->link, "stdin") };
	command->input.cycle = json_is_true(json_object_get(json_object_get(json_object_get(node->document->json,
		"subscriptions"), "stdin"), "cycle"));
	command->output = (struct stream){ .command = command, .fd = -1, .mishaps.name = "stdout",
		.topic = link_topic(node->link, "stdout") };
	json_t *topic = json_array_get(json_object_get(command->document, "topics"), 0);
	command->output.signature = json_string_value(json_object_get(topic, "signature"));
	command->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	command->over = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (command->stop < 0 || command->over < 0)
		return fail(command, 1, 0, "cannot make an eventfd: %s", strerror(errno));
	command->talk = talk_open(command, &error);
	if (!command->talk)
		return fail(command, 1, 0, "%s", error.text);
	return host_table.on_stop(node, on_stop, command);
}

/* ---- its end ---- */

int64_t command_patience(const struct command *command)
{
	json_t *within = json_object_get(command->node->document->json, "stop_within");
	double seconds = json_number_value(within);
	int64_t fifth = seconds < 0 ? STOP_PATIENCE * SECOND : (int64_t)(seconds * 1e9 / 5);
	return fifth < STOP_PATIENCE * SECOND ? fifth : STOP_PATIENCE * SECOND;
}

/* One that reads its messages gets its end of file first, one that is connected is told, and both have time: half of stop_within
   at most. */
static int64_t term_after(const struct command *command)
{
	bool asked = command->input.running || talk_connected(command->talk);
	return asked ? command_patience(command) * 5 / 2 : 0;
}

static int milliseconds_until(int64_t when_ns)
{
	int64_t left = (when_ns - clock_ns() + 999999) / 1000000;
	return when_ns == INT64_MAX ? -1 : left < 0 ? 0 : left > 1000000 ? 1000000 : (int)left;
}

/* Until the program has ended, or `extra` is readable (-1: no such thing). TERM is sent when the time has come. */
static void wait_for_program(struct command *command, int extra)
{
	int64_t term_ns = INT64_MAX;
	struct pollfd polls[3] = { { .fd = command->program.ended, .events = POLLIN },
		{ .fd = command->stop, .events = POLLIN }, { .fd = extra, .events = POLLIN } };
	for (;;) {
		poll(polls, 3, milliseconds_until(term_ns));
		if (polls[0].revents || polls[2].revents)
			return;
		if (polls[1].revents) {
			term_ns = clock_ns() + term_after(command);
			polls[1].fd = -1;
		}
		if (clock_ns() >= term_ns) {
			command->told = true;
			term_ns = INT64_MAX;
			program_terminate(&command->program);
		}
	}
}

/* After TERM of the stop, only a crash is a failure: with which code a program ends that was told to end is its own affair. */
static int judge(struct command *command, int status)
{
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0, code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	bool shell = document_says(command, "shell");
	if (command->told && (!number || number == SIGTERM))
		return 0;
	if (number)
		return fail(command, 128 + number, number, "signal %d", number);
	if (shell && code == 127)
		return fail(command, code, 0, "exit 127: sh found no such command");
	return code ? fail(command, code, 0, "exit %d", code) : 0;
}

static void end_input(struct command *command)
{
	if (!command->input.running)
		return;
	subscription_close(command->input.subscription);
	pthread_join(command->input.thread, NULL);
	mishaps_sum_up(command, &command->input.mishaps);
}

/* False: not in time. */
static bool end_output(struct command *command, const struct timespec *until)
{
	if (command->output.running && until && pthread_timedjoin_np(command->output.thread, NULL, until))
		return false;
	if (command->output.running && !until)
		pthread_join(command->output.thread, NULL);
	mishaps_sum_up(command, &command->output.mishaps);
	return true;
}

/* What was said last is done first. For one that failed, not at any price. */
static void end_edges(struct command *command, bool well)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += OUTPUT_PATIENCE;
	raise_flag(command->over);
	end_input(command);
	bool published = end_output(command, well ? NULL : &until);
	published &= talk_end(command->talk, well ? NULL : &until);
	if (!published)
		command_note(command, "what it said last was not published: its subscribers do not take it");
}

static int end(struct command *command)
{
	int result = judge(command, program_reap(&command->program));
	end_edges(command, !result);
	program_share_fate();
	return result;
}

/* ---- the callbacks ---- */

/* It says that it is ready by a byte; the limit for that is start_within. */
static int await_ready(struct command *command)
{
	char byte;
	wait_for_program(command, command->program.ready);
	ssize_t got = read(command->program.ready, &byte, 1);
	close(command->program.ready);
	command->program.ready = -1;
	if (got > 0)
		return 0;
	struct pollfd ended = { .fd = command->program.ended, .events = POLLIN };
	if (!got && !poll(&ended, 1, END_MS))
		return fail(command, 1, 0, "it closed $LPAD_READY_FD before it had written to it: that it is ready is said with a newline");
	int result = end(command);
	if (link_stopping(command->node->link))
		return LPAD_ESTOPPED;
	return result ? result : fail(command, 1, 0, "it ended before it was ready");
}

int command_init(lpad_node *node)
{
	struct command *command = command_of(node);
	int result = prepare(command, node);
	if (result || !document_says(command, "ready"))
		return result;
	result = start(command);
	return result ? result : await_ready(command);
}

static int start_streams(struct command *command)
{
	command->input.fd = command->program.in;
	command->output.fd = command->program.out;
	if ((command->input.fd >= 0 && input_start(&command->input)) || (command->output.fd >= 0 && output_start(&command->output)))
		return fail(command, 1, 0, "cannot start a thread: see ulimit -u");
	return 0;
}

int command_run(lpad_node *node)
{
	struct command *command = command_of(node);
	int result = 0;
	if (link_stopping(node->link) && !command->program.pid)
		return LPAD_ESTOPPED;
	if (!command->program.pid)
		result = start(command);
	if (!result)
		result = start_streams(command);
	if (result)
		return result;
	talk_begin(command->talk);
	wait_for_program(command, -1);
	return end(command);
}

/* Still there if run was not to begin (--hold). */
void command_fini(lpad_node *node)
{
	struct command *command = command_of(node);
	if (!command->program.pid) {
		if (!command_is_over(command))
			end_edges(command, true);
		return;
	}
	raise_flag(command->stop);
	wait_for_program(command, -1);
	end(command);
}
