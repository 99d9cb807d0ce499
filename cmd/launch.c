/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "command.h"
#include "launching.h"
#include "supervise/guardian.h"
#include "topology/scalar.h"

enum { SET, TIME_LIMIT, NAME, RECORD, THREADS, HOLD, DRY_RUN, OUTPUT, QUIET, JSON, WRAP, FOREGROUND, ISOLATE,
	COLOR, DETACH, ENV_FILE, AGAIN, CONTINUE };
static const struct option_row rows[] = {
	[SET] = { "set", 's', "NAME=VALUE", "a variable's value; a list splits at commas" },
	[TIME_LIMIT] = { "time-limit", 0, "DURATION", "stop with exit 124 after so long (10m); instead of the file's" },
	[NAME] = { "name", 0, "NAME", "the run is NAME-1, NAME-2, ... instead of the file's name" },
	[RECORD] = { "record", 0, "FOLDER", "keep the record in FOLDER/RUN, not in the state folder" },
	[THREADS] = { "threads", 0, NULL, "all nodes as threads of one process, for debugging and tests" },
	[HOLD] = { "hold", 0, "NODE[,NODE]", "make and serve these, but do not start their run" },
	[DRY_RUN] = { "dry-run", 0, NULL, "check, compile, and print what would be started" },
	[OUTPUT] = { "output", 0, "MODE", "prefix: nodes' lines under their names; files: only in the record; tmux; json; quiet" },
	[QUIET] = { "quiet", 'q', NULL, "no lines of lpad but errors, no names before the nodes' lines" },
	[JSON] = { "json", 0, NULL, "everything that happens as JSON lines on standard output" },
	[WRAP] = { "wrap", 0, "NODE=WORDS", "start it as WORDS lpad node: 'learner=gdb --args', valgrind, perf record" },
	[FOREGROUND] = { "foreground", 0, "NODE", "standard input and output, and the terminal, go to this node" },
	[ISOLATE] = { "isolate", 0, NULL, "in a PID namespace: even if both of lpad's processes are killed, nothing is left" },
	[COLOR] = { "color", 0, "WHEN", "auto, always or never" },
	[DETACH] = { "detach", 'd', NULL, "print the run's name once everything runs, and leave it to itself" },
	[ENV_FILE] = { "env-file", 0, "FILE", "NAME=VALUE lines for the environment of all nodes" },
	[AGAIN] = { "again", 0, "RUN", "a new run of the same: file, modules, variables, arguments are those of its record" },
	[CONTINUE] = { "continue", 0, "RUN", "go on in the record of a run that has ended, with the nodes' folders as they are" },
	{ .name = NULL },
};

/* Below the guardian. */
static int launch(struct launching *launching)
{
	launching->probe = probe_open();
	int code = launching_read(launching);
	detach_close_inherited(&launching->detaching);
	if (!code && !launching->dry_run)
		code = launching_make_places(launching);
	probe_settle(launching->probe);
	if (!code && !launching->dry_run)
		code = launching_make_tmux(launching);
	bool started = !code && !launching->dry_run;
	if (started)
		code = launching_run(launching);
	else if (!code)
		launching_print_plan(launching);
	else if (launching->sockets) {
		files_remove_tree(launching->sockets);
		guardian_tell_no_sockets(launching->guardian);
	}
	if (code == EXIT_START && !launching->dry_run && !started)
		fputs(launching->continued ? "lpad: nothing was started; the record is as it was\n" :
			"lpad: nothing was started, and there is no record of it\n", stderr);
	allotments_free(launching->allotments);
	free(launching->cgroup);
	processes_free(launching->processes);
	free(launching->held);
	topology_free(launching->topology);
	source_free(launching->source);
	problems_release(&launching->problems);
	probe_close(launching->probe);
	record_release(&launching->record);
	free(launching->sockets);
	free(launching->note);
	close(launching->guardian);
	return code;
}

/* ---- the command ---- */

static int take_time_limit(struct launching *launching, const struct options *options)
{
	struct error error = { 0 };
	if (!scalar_duration(options->value, &launching->time_limit_ns, &error) && launching->time_limit_ns >= 0)
		return 0;
	return command_usage_error(options->command, "--time-limit %s: %s", options->value,
		error.text[0] ? error.text : "it cannot be negative");
}

static int take_color(struct launching *launching, const struct options *options)
{
	launching->color = options->value;
	if (colour_wanted(options->value, STDOUT_FILENO) >= 0)
		return 0;
	return command_usage_error(options->command, "--color is auto, always or never, not `%s`", options->value);
}

static int take_option(struct launching *launching, const struct options *options, int row)
{
	switch (row) {
	case SET:
		return request_set(options->command, &launching->request, options->value);
	case TIME_LIMIT:
		return take_time_limit(launching, options);
	case NAME:
		launching->request.settings.name = options->value;
		return 0;
	case RECORD:
		launching->record_folder = options->value;
		return 0;
	case THREADS:
		launching->threads = true;
		return 0;
	case HOLD:
		*list_add(&launching->hold) = options->value;
		return 0;
	case DRY_RUN:
		launching->dry_run = true;
		return 0;
	case OUTPUT:
		return launching_take_output(launching, options->command, options->value);
	case QUIET:
		return launching_take_output(launching, options->command, "quiet");
	case JSON:
		return launching_take_output(launching, options->command, "json");
	case WRAP:
		return launching_take_wrap(launching, options->command, options->value);
	case COLOR:
		return take_color(launching, options);
	case FOREGROUND:
		launching->ways.foreground = options->value;
		return 0;
	case ISOLATE:
		launching->isolate = true;
		return 0;
	case DETACH:
		launching->detach = true;
		return 0;
	case ENV_FILE:
		*list_add(&launching->env_files) = options->value;
		return 0;
	case AGAIN:
		launching->again = options->value;
		return 0;
	case CONTINUE:
		launching->continued = options->value;
		return 0;
	case OPTIONS_HELP:
		return OPTIONS_HELP;
	default:
		return EXIT_USAGE;
	}
}

/* The words behind `lpad launch`, with these two in front. */
static char **whole_command_line(const struct command *command, int count, char **arguments)
{
	char **whole = memory_array((size_t)count + 2, sizeof *whole);
	whole[0] = memory_copy_text("lpad");
	whole[1] = memory_copy_text(command->name);
	for (int i = 0; i < count; i++)
		whole[i + 2] = arguments[i];
	return whole;
}

/* In the process that the user started, and in those that it becomes: each returns its exit code. */
static int start(struct launching *launching)
{
	int code = 0;
	launching->detach &= !launching->dry_run;
	if (launching->detach && !launching->output)
		launching->style.files = true;
	if (launching->detach && detach_begin(&launching->detaching, &code))
		return code;
	struct guarding how = { .detaching = &launching->detaching, .isolate = launching->isolate, .terminal = launching->ways.terminal };
	return guardian_begin(&how, &launching->guardian, &code) ? code : launch(launching);
}

static int run(const struct command *command, int count, char **arguments)
{
	struct launching launching = { .time_limit_ns = -1, .argument_count = count + 2, .record.metrics = -1,
		.detaching.report = -1, .earlier.console.fd = -1 };
	struct options options = { .command = command, .count = count, .arguments = arguments };
	int code = 0, row;
	guardian_block_signals();
	while (!code && (row = options_next(&options)) != OPTIONS_END)
		code = take_option(&launching, &options, row);
	if (!code)
		code = request_finish(&launching.request, &options);
	if (!code)
		code = launching_check_ways(&launching, command);
	if (!code)
		code = launching_take_earlier(&launching, &options);
	if (!code) {
		launching.style.colour_out = colour_wanted(launching.color, STDOUT_FILENO) > 0;
		launching.style.colour_err = colour_wanted(launching.color, STDERR_FILENO) > 0;
		launching.arguments = whole_command_line(command, count, arguments);
		code = start(&launching);
		free(launching.arguments[0]);
		free(launching.arguments[1]);
		free(launching.arguments);
	}
	request_release(&launching.request);
	list_release(&launching.hold);
	launching_release_ways(&launching);
	launching_release_earlier(&launching);
	options_release(&options);
	return code == OPTIONS_HELP ? EXIT_OK : code;
}

const struct command command_launch = {
	.name = "launch",
	.summary = "start a topology and stay with it until it ends",
	.usage = "[options] [TOPOLOGY] [-- ARGUMENT...]",
	.options = rows,
	.details =
		"Nodes' output goes on under their names, their standard error kept apart. With --quiet it goes on as it is,\n"
		"line by line, so that it can be piped. INT, TERM and HUP stop the run, a second INT or TERM kills it.\n"
		"Exit: 0 completed; the code of the node that failed, or 128 and its signal; 124 the time limit; 125 could\n"
		"not start; 129, 130, 143 stopped by HUP, INT, TERM; 141 standard output was closed. With --detach 0 once\n"
		"everything runs, 125 if it does not get there.\n",
	.run = run,
};
