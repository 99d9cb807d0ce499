/* SPDX-License-Identifier: MIT */
/* Stops a run, or some of its nodes, orderly, and waits until they are down. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "asking.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

enum { RUN, CODE, WHY, TIMEOUT, JSON };
static const struct option_row rows[] = {
	[RUN] = ASKING_RUN_ROW,
	[CODE] = { "code", 0, "N", "the launch ends with N, 0 to 125; otherwise with 143, as by TERM" },
	[WHY] = { "why", 0, "TEXT", "a reason, which is shown and recorded" },
	[TIMEOUT] = { "timeout", 0, "DURATION", "wait no longer than this (30s, 2m); the stop goes on" },
	[JSON] = { "json", 0, NULL, "what was stopped, as one JSON document" },
	{ .name = NULL },
};
enum { CODE_MOST = 125, LOOK_MS = 20 };
static const int64_t PATIENCE_NS = 40000000000;         /* the guardian takes 30 s at most */

struct stopping {
	struct asked asked;
	int code;                       /* -1: none */
	const char *why;
};

static int read_code(struct stopping *stopping, const char *text)
{
	char *end;
	errno = 0;
	long code = strtol(text, &end, 10);
	if (errno || end == text || *end || code < 0 || code > CODE_MOST)
		return command_usage_error(stopping->asked.command, "--code: `%s` is no number from 0 to %d", text, CODE_MOST);
	stopping->code = (int)code;
	return 0;
}

static int read_options(struct stopping *stopping, struct options *options)
{
	struct asked *asked = &stopping->asked;
	for (int i; (i = options_next(options)) != OPTIONS_END; )
		switch (i) {
		case RUN:
			asked->run_name = options->value;
			break;
		case CODE:
			if (read_code(stopping, options->value))
				return EXIT_USAGE;
			break;
		case WHY:
			stopping->why = options->value;
			break;
		case TIMEOUT:
			if (asking_timeout(asked, options->value))
				return EXIT_USAGE;
			break;
		case JSON:
			asked->json = true;
			break;
		case OPTIONS_HELP:
			return EXIT_OK;
		default:
			return EXIT_USAGE;
		}
	if (asking_take_nodes(asked, options))
		return EXIT_USAGE;
	if (asked->nodes && (stopping->code >= 0 || stopping->why))
		return command_usage_error(asked->command, "--code and --why are for the whole run, not for nodes of it");
	return -1;
}

/* ---- nodes ---- */

static void show_stopped(const json_t *answer)
{
	const char *node;
	json_t *failure;
	const json_t *killed = json_object_get(answer, "killed");
	char *cleanup_free names = asking_names(json_object_get(answer, "nodes"));
	char *cleanup_free late = asking_names(killed);
	fprintf(stderr, "lpad stop: %s %s down\n", names, json_array_size(json_object_get(answer, "nodes")) > 1 ? "are" : "is");
	if (json_array_size(killed))
		fprintf(stderr, "lpad stop: %s did not end in time, and had to be killed\n", late);
	json_object_foreach(json_object_get(answer, "failures"), node, failure)
		fprintf(stderr, "lpad stop: %s failed: %s\n", node, json_string_value(json_object_get(failure, "text")));
}

static int stop_nodes(struct asked *asked)
{
	struct error error = { 0 };
	json_t *answer = asking_ask(asked, asking_question(asked, "stop"), &error);
	if (!answer)
		return asking_fail(asked, &error);
	show_stopped(answer);
	int code = json_object_size(json_object_get(answer, "failures")) ? EXIT_PROBLEMS : EXIT_OK;
	if (asked->json)
		asking_print(json_incref(answer));
	json_decref(answer);
	return code;
}

/* ---- the run ---- */

/* Its supervisor says no more, but its guardian may have to clean up, and to write the result. */
static bool is_over(struct asked *asked)
{
	int64_t patience_ns = clock_ns() + PATIENCE_NS;
	for (;;) {
		runs_look(&asked->run);
		if (!runs_is_under_way(&asked->run) || clock_ns() >= patience_ns || clock_ns() >= asked->until_ns)
			return !runs_is_under_way(&asked->run);
		poll(NULL, 0, LOOK_MS);
	}
}

static int show_end(struct asked *asked)
{
	if (!is_over(asked)) {
		fprintf(stderr, "lpad stop: run %s does not answer any more, and has not ended yet\n", asked->run.id);
		return EXIT_TIME;
	}
	char *cleanup_free ending = runs_ending(&asked->run);
	const json_t *result = runs_result(&asked->run);
	fprintf(stderr, "lpad stop: run %s has ended: %s\n", asked->run.id, ending);
	if (asked->json)
		asking_print(json_pack("{si ss sO? sO?}", "schema", 1, "run", asked->run.id, "status",
			json_object_get(result, "status"), "exit", json_object_get(result, "exit")));
	return result ? EXIT_OK : EXIT_PROBLEMS;
}

static int stop_run(struct stopping *stopping)
{
	struct asked *asked = &stopping->asked;
	struct error error = { 0 };
	json_t *question = asking_question(asked, "stop");
	if (stopping->code >= 0)
		json_object_set_new(question, "code", json_integer(stopping->code));
	if (stopping->why)
		json_object_set_new(question, "why", channel_text(stopping->why, strlen(stopping->why)));
	json_t *answer = asking_ask(asked, question, &error);
	if (json_is_true(json_object_get(answer, "already")))
		fprintf(stderr, "lpad stop: run %s is stopping already%s\n", asked->run.id,
			stopping->code >= 0 || stopping->why ? ": --code and --why change nothing" : "");
	bool asked_for = answer != NULL;
	json_decref(answer);
	answer = asked_for ? asking_wait(asked, &error) : NULL;
	json_decref(answer);
	return error.code == EPIPE ? show_end(asked) : asking_fail(asked, &error);
}

static int stop(struct stopping *stopping)
{
	struct error error = { 0 };
	if (runs_open(stopping->asked.run_name, &stopping->asked.run, &error)) {
		asking_fail(&stopping->asked, &error);
		return EXIT_UNREADABLE;
	}
	return stopping->asked.nodes ? stop_nodes(&stopping->asked) : stop_run(stopping);
}

static int run_stop(const struct command *command, int count, char **arguments)
{
	struct options options = { .command = command, .count = count, .arguments = arguments };
	struct stopping stopping = { .asked = { .command = command, .until_ns = INT64_MAX, .run.console.fd = -1 }, .code = -1 };
	int code = read_options(&stopping, &options);
	if (code < 0)
		code = stop(&stopping);
	asking_release(&stopping.asked);
	options_release(&options);
	return code;
}

const struct command command_stop = {
	.name = "stop",
	.summary = "stop a run, or some of its nodes, orderly",
	.usage = "[options] [NODE...]",
	.options = rows,
	.details = "NODE is a replica, actor/3, or a group, actor, for all of its replicas. A node that is stopped did not fail.\n"
		"Exit: 0 they are down, 1 they ended badly, 2 usage, 3 no such run or node, 124 the timeout.\n",
	.run = run_stop,
};
