/* SPDX-License-Identifier: MIT */
/* Calls a method of a node of a running program, as an observer: nobody waits for it, it is in no count. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/memory.h"
#include "command.h"
#include "link/link.h"
#include "link/message_convert.h"
#include "supervise/runs.h"
#include "topology/scalar.h"

enum { RUN, TIMEOUT, SAVE };
static const struct option_row rows[] = {
	[RUN] = { "run", 'r', "RUN", "its id, or the folder of its record; otherwise $LPAD_RUN, or the only run under way" },
	[TIMEOUT] = { "timeout", 0, "DURATION", "wait no longer than this (30s, 500ms); otherwise until it is answered" },
	[SAVE] = { "save", 0, "FILE", "write the reply to FILE as lpad_save does (tensors: safetensors), and print nothing" },
	{ .name = NULL },
};

enum { REQUEST_LONGEST = 256 << 20 };
static const int64_t CONSOLE_PATIENCE_NS = 10000000000;

struct calling {
	const struct command *command;
	const char *run_name, *save, *target, *request;
	int64_t timeout_ns;             /* -1: none */
	char *node, *method;
	struct run run;
	json_t *answer;                 /* of the console: where the node listens */
	struct link *link;
	int wake;
};

static int fail(const struct calling *calling, int code, const char *text)
{
	fprintf(stderr, "lpad %s: %s\n", calling->command->name, text);
	return code;
}

/* ---- arguments ---- */

static int read_options(struct calling *calling, struct options *options)
{
	struct error error = { 0 };
	for (int i; (i = options_next(options)) != OPTIONS_END; )
		switch (i) {
		case RUN:
			calling->run_name = options->value;
			break;
		case TIMEOUT:
			if (scalar_duration(options->value, &calling->timeout_ns, &error))
				return command_usage_error(calling->command, "--timeout: %s", error.text);
			break;
		case SAVE:
			calling->save = options->value;
			break;
		case OPTIONS_HELP:
			return EXIT_OK;
		default:
			return EXIT_USAGE;
		}
	if (options->operand_count < 1 || options->operand_count > 2 || options->rest)
		return command_usage_error(calling->command, "NODE.METHOD is wanted, and perhaps one request");
	calling->target = options->operands[0];
	calling->request = options->operand_count > 1 ? options->operands[1] : NULL;
	const char *dot = strrchr(calling->target, '.');
	if (!dot || dot == calling->target || !dot[1])
		return command_usage_error(calling->command, "`%s` is no NODE.METHOD: actor/3.status", calling->target);
	calling->node = memory_copy_span(calling->target, (size_t)(dot - calling->target));
	calling->method = memory_copy_text(dot + 1);
	return -1;
}

/* ---- the request ---- */

static const char *signature_of(const struct calling *calling)
{
	size_t i;
	json_t *method;
	json_array_foreach(json_object_get(calling->answer, "methods"), i, method)
		if (text_equal(json_string_value(json_object_get(method, "name")), calling->method))
			return json_string_value(json_object_get(method, "request"));
	return NULL;
}

/* A header's length in 8 bytes, then the header, a JSON object. No JSON has zeros in it. */
static bool is_safetensors(const struct text *text)
{
	return text->length > 8 && text->data[8] == '{' && !text->data[6] && !text->data[7];
}

static lpad_message *from_text(const struct calling *calling, const char *name, struct text *text, struct error *error)
{
	if (is_safetensors(text)) {
		error_set(error, "%s: no JSON but safetensors: a file of tensors is sent as it is if its name ends in .safetensors", name);
		return NULL;
	}
	lpad_message *message = message_from_json(text_string(text), signature_of(calling), error);
	if (!message)
		error_wrap(error, "%s", name);
	return message;
}

/* 0 and a request, NULL for an empty one. */
static int read_request(const struct calling *calling, lpad_message **out, struct error *error)
{
	const char *request = calling->request;
	struct text cleanup_text text = { 0 };
	*out = NULL;
	if (!request)
		return 0;
	if (request[0] == '@' && text_ends(request, ".safetensors"))
		return message_load(request + 1, out) ? error_set(error, "%s", fault_text()) : 0;
	if (request[0] == '@') {
		if (files_read(request + 1, &text, REQUEST_LONGEST, error))
			return -1;
	} else if (!strcmp(request, "-")) {
		if (files_read_fd(STDIN_FILENO, "standard input", &text, REQUEST_LONGEST, error))
			return -1;
	} else
		text_add(&text, request);
	*out = from_text(calling, request[0] == '@' ? request + 1 : strcmp(request, "-") ? "the request" : "standard input", &text,
		error);
	return *out ? 0 : -1;
}

/* ---- the call ---- */

static void on_note(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "lpad: %s\n", text);
}

static void on_wake(void *context)
{
	uint64_t one = 1;
	ssize_t ignored = write(((struct calling *)context)->wake, &one, sizeof one);
	(void)ignored;
}

static void ignore(void *context)
{
	(void)context;
}

/* Keeps time for the link, and ends this program when the run has ended: then nobody will answer. */
static void *keep_time(void *context)
{
	struct calling *calling = context;
	for (;;) {
		int64_t ms = link_tick(calling->link);
		struct pollfd polls[] = {
			{ .fd = calling->wake, .events = POLLIN },
			{ .fd = calling->run.console.fd, .events = POLLIN },
		};
		poll(polls, 2, ms < 0 || ms > 1000000 ? 1000000 : (int)ms);
		uint64_t ignored;
		ssize_t got = polls[0].revents ? read(calling->wake, &ignored, sizeof ignored) : 0;
		(void)got;
		if (polls[1].revents & (POLLHUP | POLLERR)) {
			fprintf(stderr, "lpad call: run %s has ended without an answer of %s\n", calling->run.id, calling->target);
			_exit(EXIT_PROBLEMS);
		}
	}
	return NULL;
}

/* Half of a short timeout: then there is still time for the server to say why it has not answered. 0: as long as others wait. */
static int64_t note_after(const struct calling *calling)
{
	static const int64_t usual_ns = 10000000000;
	return calling->timeout_ns >= 0 && calling->timeout_ns / 2 < usual_ns ? calling->timeout_ns / 2 : 0;
}

static int open_link(struct calling *calling, struct error *error)
{
	const json_t *answer = calling->answer;
	struct peer_spec server = { .node = calling->node,
		.group = (uint32_t)json_integer_value(json_object_get(answer, "number")),
		.index = (uint32_t)json_integer_value(json_object_get(answer, "index")),
		.incarnation = (uint32_t)json_integer_value(json_object_get(answer, "incarnation")),
		.address = json_string_value(json_object_get(answer, "address")) };
	struct handle_link handle = { .name = "node", .place = -1, .deadline_ns = -1, .servers = &server, .count = 1 };
	struct link_spec spec = { .self = { .node = "lpad call", .group = UINT32_MAX, .index = (uint32_t)getpid(),
		.incarnation = 1 }, .observer = true, .note_after_ns = note_after(calling),
		.token = strtoull(json_string_value(json_object_get(answer, "token")), NULL, 16),
		.longest = (size_t)json_integer_value(json_object_get(answer, "max_message")), .handles = &handle, .handle_count = 1 };
	struct link_hooks hooks = { .context = calling, .wired = ignore, .drained = ignore, .note = on_note, .wake = on_wake };
	pthread_t thread;
	calling->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	calling->link = link_new(&spec, &hooks, error);
	if (!calling->link || link_connect(calling->link, error))
		return -1;
	if (pthread_create(&thread, NULL, keep_time, calling))
		return error_set(error, "cannot start a thread");
	return 0;
}

static int print_reply(const struct calling *calling, const lpad_message *reply)
{
	struct error error = { 0 };
	if (calling->save)
		return message_save(reply, calling->save) ? fail(calling, EXIT_PROBLEMS, fault_text()) : EXIT_OK;
	if (!message_size(reply))
		return EXIT_OK;
	char *text = message_to_json(reply, &error);
	if (!text) {
		error_wrap(&error, "--save FILE keeps it");
		return fail(calling, EXIT_PROBLEMS, error.text);
	}
	puts(text);
	free(text);
	return EXIT_OK;
}

/* The link is not closed: the program ends, and that is left to the kernel. */
static int call(struct calling *calling)
{
	struct error error = { 0 };
	lpad_message *request, *reply = NULL;
	if (runs_open(calling->run_name, &calling->run, &error))
		return fail(calling, EXIT_UNREADABLE, error.text);
	calling->answer = runs_ask(&calling->run, json_pack("{ss ss}", "ask", "node", "node", calling->node),
		clock_ns() + CONSOLE_PATIENCE_NS, &error);
	if (!calling->answer || read_request(calling, &request, &error))
		return fail(calling, calling->answer ? EXIT_USAGE : EXIT_UNREADABLE, error.text);
	if (open_link(calling, &error)) {
		message_free(request);
		return fail(calling, EXIT_PROBLEMS, error.text);
	}
	lpad_deadline deadline = { calling->timeout_ns < 0 ? INT64_MAX : clock_ns() + calling->timeout_ns };
	int code = handle_call(link_handle(calling->link, "node"), 0, calling->method, request, &reply, deadline);
	if (code)
		return fail(calling, code == LPAD_ETIMEDOUT ? EXIT_TIME : EXIT_PROBLEMS, fault_text());
	int result = print_reply(calling, reply);
	message_free(reply);
	return result;
}

static int run_call(const struct command *command, int count, char **arguments)
{
	struct options options = { .command = command, .count = count, .arguments = arguments };
	static struct calling calling;          /* for the thread: as long as the program */
	calling = (struct calling){ .command = command, .timeout_ns = -1, .run.console.fd = -1 };
	int code = read_options(&calling, &options);
	if (code < 0)
		code = call(&calling);
	options_release(&options);
	return code;
}

const struct command command_call = {
	.name = "call",
	.summary = "call a method of a node of a running program",
	.usage = "[options] NODE.METHOD [JSON | - | @FILE]",
	.options = rows,
	.details = "The request is JSON: the text itself, standard input (-), or a file (@FILE; a .safetensors file is sent as it is).\n"
		"A method that declares tensors gets them made from an object of arrays. The reply is printed as JSON.\n"
		"Exit: 0 answered, 1 the method's error, 2 usage, 3 no such run or node, 124 the timeout.\n",
	.run = run_call,
};
