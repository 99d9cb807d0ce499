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

static const int64_t SECOND = 1000000000;
static const int64_t STOP_PATIENCE = 2;                 /* seconds at most, of a fifth of stop_within */
static const int64_t OUTPUT_PATIENCE = 1;               /* seconds: for the last lines of a program that failed */

static struct command *command_of(const lpad_node *node)
{
	return (struct command *)(uintptr_t)node->implementation;
}

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
	raise_flag(((struct command *)context)->stop);
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
	environment_make(&command->environment, command->node, order.ready);
	order.environment = command->environment.list.at;
	if (program_start(&command->program, &order, &error))
		return fail(command, error.code == ENOENT ? 127 : 126, 0, "%s", error.text);
	return 0;
}

static int prepare(struct command *command, lpad_node *node)
{
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

/* One that reads its messages gets its end of file first, and has time for it: half of stop_within at most. */
static int64_t term_after(const struct command *command)
{
	bool asked = command->input.running;
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

/* What was printed is published first. Of one that failed, not at any price. */
static void end_streams(struct command *command, bool well)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += OUTPUT_PATIENCE;
	raise_flag(command->over);
	if (command->input.running) {
		subscription_close(command->input.subscription);
		pthread_join(command->input.thread, NULL);
		mishaps_sum_up(command, &command->input.mishaps);
	}
	if (!command->output.running)
		return;
	if (well)
		pthread_join(command->output.thread, NULL);
	else if (pthread_timedjoin_np(command->output.thread, NULL, &until))
		command_note(command, "what it printed last was not published: its subscribers do not take it");
	mishaps_sum_up(command, &command->output.mishaps);
}

static int end(struct command *command)
{
	int result = judge(command, program_reap(&command->program));
	end_streams(command, !result);
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
	if (!got && !poll(&ended, 1, 0))
		return fail(command, 1, 0, "it closed $LPAD_READY_FD before it had written to it: that it is ready is said with a newline");
	int result = end(command);
	if (link_stopping(command->node->link))
		return LPAD_ESTOPPED;
	return result ? result : fail(command, 1, 0, "it ended before it was ready");
}

static int command_init(lpad_node *node)
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

static int command_run(lpad_node *node)
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
	wait_for_program(command, -1);
	return end(command);
}

/* Still there if run was not to begin (--hold). */
static void command_fini(lpad_node *node)
{
	struct command *command = command_of(node);
	if (!command->program.pid)
		return;
	raise_flag(command->stop);
	wait_for_program(command, -1);
	end(command);
}

static int refuse_call(lpad_node *node, lpad_call *call)
{
	(void)node;
	return host_table.refuse(call, LPAD_EGONE, "its program has ended");
}

/* ---- the implementation ---- */

static const char *name_of(const json_t *entry)
{
	return json_is_string(entry) ? json_string_value(entry) : json_string_value(json_object_get(entry, "name"));
}

/* Every port has a word of the state. */
static size_t place(struct command *command)
{
	size_t at = command->implementation.state;
	command->implementation.state += sizeof(void *);
	return at;
}

static void declare_handles(struct command *command, json_t *list)
{
	lpad_handle_decl *out = memory_array(json_array_size(list) + 1, sizeof *out);
	for (size_t i = 0; i < json_array_size(list); i++)
		out[i] = (lpad_handle_decl){ .name = name_of(json_array_get(list, i)), .into = place(command), .many = LPAD_MANY };
	command->implementation.handles = json_array_size(list) ? out : NULL;
	if (!json_array_size(list))
		free(out);
}

static void declare_methods(struct command *command, json_t *list)
{
	lpad_method *out = memory_array(json_array_size(list) + 1, sizeof *out);
	for (size_t i = 0; i < json_array_size(list); i++)
		out[i] = (lpad_method){ .name = name_of(json_array_get(list, i)), .call = refuse_call };
	command->implementation.methods = out;
}

static void declare_topics(struct command *command, json_t *list)
{
	lpad_topic_decl *out = memory_array(json_array_size(list) + 1, sizeof *out);
	for (size_t i = 0; i < json_array_size(list); i++)
		out[i] = (lpad_topic_decl){ .name = name_of(json_array_get(list, i)), .into = place(command) };
	command->implementation.topics = out;
}

static void declare_subscriptions(struct command *command, json_t *list)
{
	lpad_subscription_decl *out = memory_array(json_array_size(list) + 1, sizeof *out);
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *entry = json_array_get(list, i);
		out[i] = (lpad_subscription_decl){ .name = name_of(entry), .into = place(command),
			.keep = (int32_t)json_integer_value(json_object_get(entry, "keep")), .optional = true };
	}
	command->implementation.subscriptions = out;
}

struct command *command_new(json_t *document)
{
	struct command *command = memory_new(sizeof *command);
	command->document = document;
	command->stop = command->over = -1;
	command->program = (struct program){ .ended = -1, .in = -1, .out = -1, .ready = -1 };
	command->implementation = (lpad_implementation){ .name = "command", .init = command_init, .run = command_run,
		.fini = command_fini };
	declare_handles(command, json_object_get(document, "handles"));
	declare_methods(command, json_object_get(document, "methods"));
	declare_topics(command, json_object_get(document, "topics"));
	declare_subscriptions(command, json_object_get(document, "subscriptions"));
	return command;
}

const lpad_implementation *command_implementation(const struct command *command)
{
	return &command->implementation;
}
