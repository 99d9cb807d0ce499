/* SPDX-License-Identifier: MIT */
/* What the nodes of a run have written, and go on to write. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/dump.h"
#include "base/memory.h"
#include "command.h"
#include "supervise/logs.h"
#include "supervise/record.h"
#include "supervise/runs.h"
#include "topology/scalar.h"

enum { FOLLOW, LINES, SINCE, RUN, JSON, COLOR };
static const struct option_row rows[] = {
	[FOLLOW] = { "follow", 'f', NULL, "go on with what comes until the run has ended" },
	[LINES] = { "lines", 'n', "COUNT", "begin with so many lines of each" },
	[SINCE] = { "since", 0, "WHEN", "begin with what came in this time (10m), or after this moment (14:36)" },
	[RUN] = { "run", 'r', "RUN", "its id, or the folder of its record; otherwise $LPAD_RUN, the only run under way, or the newest" },
	[JSON] = { "json", 0, NULL, "a JSON line for each line" },
	[COLOR] = { "color", 0, "WHEN", "auto, always or never" },
	{ .name = NULL },
};

enum { WIDEST = 32, LOOK_MS = 200 };

struct showing {
	const struct command *command;
	const char *run_name, *color;
	bool follow, json, named, coloured;
	struct logs_from from;
	struct run run;
	json_t *processes;
	int width;                      /* of the longest name */
};

/* ---- options ---- */

static int take_lines(struct showing *showing, const char *text)
{
	struct error error = { 0 };
	int64_t count;
	if (scalar_int(text, &count, &error) || count < 0 || count > INT32_MAX)
		return command_usage_error(showing->command, "--lines %s: a number of lines is wanted", text);
	showing->from.last = (long)count;
	return 0;
}

static int take_option(struct showing *showing, const struct options *options, int row)
{
	struct error error = { 0 };
	switch (row) {
	case FOLLOW:
		showing->follow = true;
		return 0;
	case LINES:
		return take_lines(showing, options->value);
	case SINCE:
		if (!logs_read_moment(options->value, clock_wall_ms(), &showing->from.since_ms, &error))
			return 0;
		return command_usage_error(options->command, "--since: %s", error.text);
	case RUN:
		showing->run_name = options->value;
		return 0;
	case JSON:
		showing->json = true;
		return 0;
	case COLOR:
		showing->color = options->value;
		if (colour_wanted(options->value, STDOUT_FILENO) >= 0)
			return 0;
		return command_usage_error(options->command, "--color is auto, always or never, not `%s`", options->value);
	default:
		return row;
	}
}

/* ---- which ---- */

static int fail(const struct error *error)
{
	fprintf(stderr, "lpad logs: %s\n", error->text);
	return EXIT_UNREADABLE;
}

static bool has(const json_t *list, const char *name)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item)
		if (!strcmp(json_string_value(item), name))
			return true;
	return false;
}

/* Each process once, in the order of the program. */
static int choose(struct showing *showing, const struct options *options)
{
	struct error error = { 0 };
	json_t *wanted = json_array(), *all = runs_processes(&showing->run, NULL);
	size_t k;
	json_t *process;
	int code = 0;
	for (int i = 0; i < options->operand_count && !code; i++) {
		if (runs_check_node(&showing->run, options->operands[i], &error))
			code = fail(&error);
		json_t *some = runs_processes(&showing->run, options->operands[i]);
		json_array_extend(wanted, some);
		json_decref(some);
	}
	showing->processes = json_array();
	json_array_foreach(all, k, process) {
		const char *name = json_string_value(process);
		if (options->operand_count && !has(wanted, name))
			continue;
		json_array_append(showing->processes, process);
		if ((int)strlen(name) > showing->width)
			showing->width = strlen(name) < WIDEST ? (int)strlen(name) : WIDEST;
	}
	json_decref(wanted);
	json_decref(all);
	showing->named = json_array_size(showing->processes) > 1;
	return code;
}

/* ---- showing ---- */

static void show_json(const struct log_line *line)
{
	json_t *out = json_pack("{ss ss so so}", "event", "output", "node", line->process, "text",
		channel_text(line->text, line->length), "time", line->ms ? json_integer(line->ms) : json_null());
	char *cleanup_free text = dump_json(out, JSON_COMPACT);
	json_decref(out);
	puts(text);
}

/* As lpad launch shows it. */
static void show_line(void *context, const struct log_line *line)
{
	static const char *const colours[] = { "36", "33", "32", "35", "34", "96", "93", "92", "95", "94" };
	const struct showing *showing = context;
	if (showing->json) {
		show_json(line);
		return;
	}
	if (showing->named && showing->coloured)
		printf("\033[0;%sm", colours[(size_t)line->number % (sizeof colours / sizeof colours[0])]);
	if (showing->named)
		printf("%-*s |%s ", showing->width, line->process, showing->coloured ? "\033[0m" : "");
	fwrite(line->text, 1, line->length, stdout);
	putchar('\n');
}

static bool is_over(struct run *run)
{
	runs_look(run);
	return !runs_is_under_way(run) && !record_is_held(run->record);
}

static bool nobody_reads(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };
	return poll(&out, 1, 0) > 0 && (out.revents & POLLERR);
}

static void show(struct showing *showing)
{
	struct logs logs;
	bool any = false, over = !showing->follow || is_over(&showing->run);
	logs_open(&logs, showing->run.record, showing->processes, &showing->from);
	for (;;) {
		any |= logs_read(&logs, over, show_line, showing);
		fflush(stdout);
		if (over || ferror(stdout) || nobody_reads())
			break;
		logs_wait(&logs, LOOK_MS);
		over = is_over(&showing->run);
	}
	logs_close(&logs);
	if (!any)
		fprintf(stderr, "lpad logs: nothing of that was written in run %s\n", showing->run.id);
}

static int run_logs(const struct command *command, int count, char **arguments)
{
	struct options options = { .command = command, .count = count, .arguments = arguments };
	struct showing showing = { .command = command, .from.last = -1, .run.console.fd = -1 };
	struct error error = { 0 };
	int code = 0, row;
	while (!code && (row = options_next(&options)) != OPTIONS_END)
		code = row < 0 ? row : take_option(&showing, &options, row);
	if (!code && options.rest)
		code = command_usage_error(command, "nothing is wanted behind --");
	if (!code && runs_find(showing.run_name, NULL, &showing.run, &error))
		code = fail(&error);
	if (!code)
		code = choose(&showing, &options);
	showing.coloured = colour_wanted(showing.color, STDOUT_FILENO) > 0;
	if (!code)
		show(&showing);
	json_decref(showing.processes);
	runs_close(&showing.run);
	options_release(&options);
	return code == OPTIONS_HELP ? EXIT_OK : code == OPTIONS_BAD ? EXIT_USAGE : code;
}

const struct command command_logs = {
	.name = "logs",
	.summary = "print what the nodes of a run have written, and follow it",
	.usage = "[options] [NODE...]",
	.options = rows,
	.details = "NODE is a replica or a group; without one, all of them. Lines of several stand under their names, in the order in which\n"
		"they came. Nodes that share a process have one log.\n"
		"Exit: 0 printed, 2 usage, 3 no such run or node, 141 standard output was closed.\n",
	.run = run_logs,
};
