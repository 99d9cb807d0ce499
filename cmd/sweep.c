/* SPDX-License-Identifier: MIT */
#include "sweep.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "command.h"
#include "supervise/figures.h"
#include "supervise/folders.h"
#include "topology/scalar.h"

enum { VARY, SET, JOBS, BY, LOWEST, TIME_LIMIT, RECORD, RESUME, RETRY, CSV, JSON };
static const struct option_row rows[] = {
	[VARY] = { "vary", 'v', "NAME=VALUES", "a variable's values: lr=0.1,0.01 or seed=1..5; all combinations are run" },
	[SET] = { "set", 's', "NAME=VALUE", "a variable's value in all of them" },
	[JOBS] = { "jobs", 'j', "N", "so many at a time; otherwise one" },
	[BY] = { "by", 0, "NODE.METRIC", "the best first by this: evaluator.return.max (last, min, max, mean, count)" },
	[LOWEST] = { "lowest", 0, NULL, "the best has the least; .min means that too" },
	[TIME_LIMIT] = { "time-limit", 0, "DURATION", "of each run" },
	[RECORD] = { "record", 0, "FOLDER", "keep the records in FOLDER, not in the state folder" },
	[RESUME] = { "resume", 0, "SWEEP", "go on with one that was stopped: its name, or latest" },
	[RETRY] = { "retry", 0, NULL, "with --resume: those that failed as well" },
	[CSV] = { "csv", 0, NULL, "the table as CSV, with all metrics" },
	[JSON] = { "json", 0, NULL, "the table as one JSON document" },
	{ .name = NULL },
};

enum { READ_MOST = 1000, REHEARSED_MOST = 32 };

struct sweeping {
	const struct command *command;
	struct sweep sweep;
	struct request request;
	const char *resume, *record;
};

static int fail(int code, const char *text)
{
	fprintf(stderr, "lpad sweep: %s\n", text);
	return code;
}

/* ---- options ---- */

static int take_vary(struct sweeping *sweeping, const char *text)
{
	struct error error = { 0 };
	struct vary *vary = list_add(&sweeping->sweep.vary);
	if (vary_read(text, vary, &error))
		return command_usage_error(sweeping->command, "--vary: %s", error.text);
	for (size_t i = 0; i + 1 < sweeping->sweep.vary.count; i++)
		if (!strcmp(sweeping->sweep.vary.at[i].name, vary->name))
			return command_usage_error(sweeping->command, "--vary: %s is given twice", vary->name);
	return 0;
}

static int take_jobs(struct sweeping *sweeping, const char *text)
{
	int64_t jobs;
	struct error error = { 0 };
	if (scalar_int(text, &jobs, &error) || jobs < 1 || jobs > 1000)
		return command_usage_error(sweeping->command, "--jobs: %s", error.text[0] ? error.text : "1 to 1000");
	sweeping->sweep.jobs = (int)jobs;
	return 0;
}

static int take_by(struct sweeping *sweeping, const char *text)
{
	struct figure figure;
	if (!figure_parse(text, &figure))
		return command_usage_error(sweeping->command, "--by wants NODE.METRIC, not `%s`", text);
	figure_release(&figure);
	free(sweeping->sweep.by);
	sweeping->sweep.by = memory_copy_text(text);
	sweeping->sweep.lowest |= text_ends(text, ".min");
	return 0;
}

static int take_time_limit(struct sweeping *sweeping, const char *text)
{
	int64_t ns;
	struct error error = { 0 };
	if (scalar_duration(text, &ns, &error))
		return command_usage_error(sweeping->command, "--time-limit: %s", error.text);
	free(sweeping->sweep.time_limit);
	sweeping->sweep.time_limit = memory_copy_text(text);
	return 0;
}

static int take_option(struct sweeping *sweeping, const struct options *options, int row)
{
	switch (row) {
	case VARY:
		return take_vary(sweeping, options->value);
	case SET:
		*list_add(&sweeping->sweep.set) = memory_copy_text(options->value);
		return request_set(options->command, &sweeping->request, options->value);
	case JOBS:
		return take_jobs(sweeping, options->value);
	case BY:
		return take_by(sweeping, options->value);
	case LOWEST:
		sweeping->sweep.lowest = true;
		return 0;
	case TIME_LIMIT:
		return take_time_limit(sweeping, options->value);
	case RECORD:
		sweeping->record = options->value;
		return 0;
	case RESUME:
		sweeping->resume = options->value;
		return 0;
	case RETRY:
		sweeping->sweep.retry = true;
		return 0;
	case CSV:
		sweeping->sweep.form = SWEEP_CSV;
		return 0;
	case JSON:
		sweeping->sweep.form = SWEEP_JSON;
		return 0;
	case OPTIONS_HELP:
		return OPTIONS_HELP;
	default:
		return EXIT_USAGE;
	}
}

/* What does not go together. */
static int check_options(const struct sweeping *sweeping, const struct options *options)
{
	const struct sweep *sweep = &sweeping->sweep;
	if (sweeping->resume && (sweep->vary.count || sweep->set.count || sweep->time_limit || options->operand_count || options->rest))
		return command_usage_error(sweeping->command, "--resume goes on with what the sweep was: without topology, --vary, --set and "
			"--time-limit");
	if (!sweeping->resume && sweep->retry)
		return command_usage_error(sweeping->command, "--retry goes with --resume");
	if (!sweeping->resume && !sweep->vary.count)
		return command_usage_error(sweeping->command, "--vary NAME=VALUES is wanted: what shall be different?");
	for (size_t i = 0; i < sweep->vary.count; i++)
		for (size_t k = 0; k < sweep->set.count; k++)
			if (text_starts(sweep->set.at[k], sweep->vary.at[i].name) && sweep->set.at[k][strlen(sweep->vary.at[i].name)] == '=')
				return command_usage_error(sweeping->command, "%s is both set and varied", sweep->vary.at[i].name);
	return 0;
}

/* ---- before the first ---- */

/* One combination, read: what is wrong with the file and the variables. The first gives the topology's name. */
static int read_one(struct sweeping *sweeping, int number)
{
	struct sweep *sweep = &sweeping->sweep;
	struct problems problems = { 0 };
	bool unreadable = false;
	size_t given = sweeping->request.set.count;
	for (size_t i = 0; i < sweep->vary.count; i++)
		*list_add(&sweeping->request.set) = (struct setting){ .name = memory_copy_text(sweep->vary.at[i].name),
			.value = memory_copy_text(vary_value(sweep, number, i)) };
	struct settings settings = sweeping->request.settings;
	settings.at = sweeping->request.set.at;
	settings.count = sweeping->request.set.count;
	struct source *source = source_read(sweeping->request.path, &settings, &problems, &unreadable);
	struct topology *topology = source ? topology_resolve(source, NULL, &problems) : NULL;
	bool good = topology && !problems.errors;
	if (good && !sweep->name)
		sweep->name = memory_copy_text(topology->name);
	if (!good)
		problems_print(&problems, stderr, colour_wanted("auto", STDERR_FILENO));
	topology_free(topology);
	problems_release(&problems);
	source_free(source);
	while (sweeping->request.set.count > given) {
		const struct setting *last = &sweeping->request.set.at[--sweeping->request.set.count];
		free((char *)last->name);
		free((char *)last->value);
	}
	return good ? 0 : EXIT_START;
}

/* Everything a launch would refuse of it; it compiles what is to be compiled. */
static int rehearse_one(const struct sweep *sweep, int number)
{
	struct trial trial = { .number = number };
	char **words = sweep_command_line(sweep, &trial);
	int status = 0;
	free(words[2]);
	words[2] = memory_copy_text("--dry-run");
	pid_t child = fork();
	if (!child) {
		int nothing = open("/dev/null", O_RDWR);
		if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(nothing, 1) < 0)
			_exit(EXIT_START);
		execv("/proc/self/exe", words);
		_exit(EXIT_START);
	}
	sweep_free_words(words);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return EXIT_START;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The combination in which variable `which` has value `value`, and all others their first. */
static int number_of(const struct sweep *sweep, size_t which, size_t value)
{
	size_t step = 1;
	for (size_t i = which + 1; i < sweep->vary.count; i++)
		step *= sweep->vary.at[i].values.count;
	return (int)(value * step);
}

/* Each value once, before many runs start: the file with all of them, and a rehearsal of as many as take no long time. */
static int look_ahead(struct sweeping *sweeping)
{
	const struct sweep *sweep = &sweeping->sweep;
	int code = read_one(sweeping, 0), rehearsed = 1;
	code = code ? code : rehearse_one(sweep, 0);
	for (size_t which = 0; !code && which < sweep->vary.count; which++)
		for (size_t value = 1; !code && value < sweep->vary.at[which].values.count && value < READ_MOST; value++) {
			int number = number_of(sweep, which, value);
			code = read_one(sweeping, number);
			if (!code && rehearsed++ < REHEARSED_MOST)
				code = rehearse_one(sweep, number);
			if (code)
				fprintf(stderr, "lpad sweep: nothing was started: %s=%s is refused\n", sweep->vary.at[which].name,
					sweep->vary.at[which].values.at[value]);
		}
	return code;
}

static int prepare(struct sweeping *sweeping, const struct options *options)
{
	struct sweep *sweep = &sweeping->sweep;
	struct error error = { 0 };
	char *cleanup_free current = files_current_folder();
	if (sweeping->record)
		sweep->records = files_absolute(current ? current : "/", sweeping->record);
	if (sweeping->resume)
		return sweep_open(sweep, sweeping->resume, &error) ? fail(EXIT_UNREADABLE, error.text) : 0;
	sweep->records = sweep->records ? sweep->records : folders_records(&error);
	sweep->folder = memory_copy_text(current);
	sweep->topology = memory_copy_text(options->operand_count ? options->operands[0] : "");
	for (char **at = options->rest; at && *at; at++)
		*list_add(&sweep->arguments) = memory_copy_text(*at);
	if (!sweep->records || !sweep->folder)
		return fail(EXIT_START, sweep->folder ? error.text : "the current folder is gone");
	if (!strcmp(sweep->topology, "-"))
		return command_usage_error(sweeping->command, "standard input can be read once only: name a file");
	if (vary_product(sweep, &error) < 0)
		return command_usage_error(sweeping->command, "--vary: %s", error.text);
	int code = look_ahead(sweeping);
	if (code)
		return code;
	return sweep_create(sweep, &error) ? fail(EXIT_START, error.text) : 0;
}

/* ---- the command ---- */

static int carry_out(struct sweeping *sweeping)
{
	struct sweep *sweep = &sweeping->sweep;
	struct error error = { 0 };
	bool failed = false;
	fprintf(stderr, "lpad: sweep %s, %zu runs, %s\n", sweep->id, sweep->trials.count, sweep->place);
	int stopped = sweep_run(sweep, &error);
	if (stopped < 0)
		fail(EXIT_START, error.text);
	bool unknown = sweep_print(sweep, &error);
	if (stopped)
		return stopped < 0 ? EXIT_START : 128 + stopped;
	for (size_t i = 0; i < sweep->trials.count; i++)
		failed |= sweep->trials.at[i].code != 0;
	if (unknown)
		return fail(EXIT_PROBLEMS, error.text);
	return failed ? EXIT_PROBLEMS : EXIT_OK;
}

static int run(const struct command *command, int count, char **arguments)
{
	struct sweeping sweeping = { .command = command, .sweep = { .jobs = 1, .log = -1 } };
	struct options options = { .command = command, .count = count, .arguments = arguments };
	int code = 0, row;
	while (!code && (row = options_next(&options)) != OPTIONS_END)
		code = take_option(&sweeping, &options, row);
	if (!code)
		code = check_options(&sweeping, &options);
	if (!code)
		code = sweeping.resume ? 0 : request_finish(&sweeping.request, &options);
	if (!code)
		code = prepare(&sweeping, &options);
	if (!code)
		code = carry_out(&sweeping);
	request_release(&sweeping.request);
	sweep_release(&sweeping.sweep);
	options_release(&options);
	return code == OPTIONS_HELP ? EXIT_OK : code;
}

const struct command command_sweep = {
	.name = "sweep",
	.summary = "run all combinations of some variables' values",
	.usage = "[options] --vary NAME=VALUES ... [TOPOLOGY] [-- ARGUMENT...]",
	.options = rows,
	.details =
		"Each run is a launch with a record of its own. One that fails does not keep the others from running. INT, TERM\n"
		"and HUP stop those under way, and --resume goes on. The table at the end is on standard output, the best first.\n"
		"Exit: 0 all completed, 1 some did not, 2 usage, 3 no such sweep, 125 a value was refused, 128 and the\n"
		"signal that stopped it.\n",
	.run = run,
};
