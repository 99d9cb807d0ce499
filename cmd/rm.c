/* SPDX-License-Identifier: MIT */
/* Removes records of runs that are over. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/dump.h"
#include "base/memory.h"
#include "command.h"
#include "supervise/runs.h"
#include "topology/scalar.h"

enum { OLDER, FAILED, DRY_RUN, RECORD, JSON };
static const struct option_row rows[] = {
	[OLDER] = { "older", 0, "DURATION", "all that ended longer ago (30d)" },
	[FAILED] = { "failed", 0, NULL, "all that did not end with 0, and those that were lost; with --older: those of them" },
	[DRY_RUN] = { "dry-run", 'n', NULL, "say what would be removed" },
	[RECORD] = { "record", 0, "FOLDER", "runs whose record is in FOLDER, not in the state folder" },
	[JSON] = { "json", 0, NULL, "one JSON document" },
	{ .name = NULL },
};

struct removing {
	const struct command *command;
	bool failed, dry_run, json;
	int64_t older_ns;               /* -1: not asked */
	const char *folder;
	struct runs chosen;
	json_t *removed;
};

static int fail(const struct error *error, int code)
{
	fprintf(stderr, "lpad rm: %s\n", error->text);
	return code;
}

/* ---- options ---- */

static int read_options(struct removing *removing, struct options *options)
{
	struct error error = { 0 };
	for (int i; (i = options_next(options)) != OPTIONS_END; )
		switch (i) {
		case OLDER:
			if (scalar_duration(options->value, &removing->older_ns, &error) || removing->older_ns < 0)
				return command_usage_error(removing->command, "--older %s: %s", options->value,
					error.text[0] ? error.text : "it cannot be negative");
			break;
		case FAILED:
			removing->failed = true;
			break;
		case DRY_RUN:
			removing->dry_run = true;
			break;
		case RECORD:
			removing->folder = options->value;
			break;
		case JSON:
			removing->json = true;
			break;
		case OPTIONS_HELP:
			return EXIT_OK;
		default:
			return EXIT_USAGE;
		}
	bool wide = removing->failed || removing->older_ns >= 0;
	if (options->rest || wide == (options->operand_count > 0))
		return command_usage_error(removing->command, wide ? "either runs are named, or --older and --failed say which" :
			"which? Runs are named, or --older DURATION or --failed says which");
	return -1;
}

/* ---- which ---- */

static bool is_chosen(const struct removing *removing, struct run *run)
{
	const json_t *result = run->state == RUN_ENDED ? runs_result(run) : NULL;
	int64_t age_ms = clock_wall_ms() - runs_last_ms(run);
	if (runs_is_under_way(run) || (removing->older_ns >= 0 && age_ms < removing->older_ns / 1000000))
		return false;
	return !removing->failed || run->state == RUN_LOST || json_integer_value(json_object_get(result, "exit"));
}

static int choose_all(struct removing *removing)
{
	struct error error = { 0 };
	struct runs runs;
	if (runs_list(removing->folder, &runs, &error))
		return fail(&error, EXIT_PROBLEMS);
	for (size_t i = 0; i < runs.list.count; i++)
		if (is_chosen(removing, &runs.list.at[i])) {
			*list_add(&removing->chosen.list) = runs.list.at[i];
			runs.list.at[i] = (struct run){ .console.fd = -1 };
		}
	runs_release(&runs);
	return EXIT_OK;
}

static bool already(const struct removing *removing, const struct run *run)
{
	for (size_t i = 0; i < removing->chosen.list.count; i++)
		if (!strcmp(removing->chosen.list.at[i].record, run->record))
			return true;
	return false;
}

/* All of them or none: a word that is wrong is more likely a mistake than meant. */
static int choose_named(struct removing *removing, const struct options *options)
{
	int code = EXIT_OK;
	for (int i = 0; i < options->operand_count; i++) {
		struct error error = { 0 };
		struct run run;
		if (runs_find(options->operands[i], removing->folder, &run, &error)) {
			code = fail(&error, EXIT_UNREADABLE);
		} else if (already(removing, &run)) {
			runs_close(&run);
		} else {
			*list_add(&removing->chosen.list) = run;
			if (!runs_is_under_way(&run))
				continue;
			error_set(&error, "run %s is under way: `lpad stop -r %s` ends it", run.id, run.id);
			code = code ? code : fail(&error, EXIT_PROBLEMS);
		}
	}
	if (code)
		fputs("lpad rm: nothing was removed\n", stderr);
	return code;
}

/* ---- removing ---- */

static int remove_one(struct removing *removing, struct run *run)
{
	struct error error = { 0 };
	char *cleanup_free ending = runs_ending(run);
	if (!removing->dry_run && runs_remove(run, &error))
		return fail(&error, EXIT_PROBLEMS);
	json_array_append_new(removing->removed, json_pack("{ss ss}", "run", run->id, "record", run->record));
	if (!removing->json)
		printf("%s %s (%s)\n", removing->dry_run ? "would remove" : "removed", run->id, ending);
	return EXIT_OK;
}

static int remove_all(struct removing *removing)
{
	int code = EXIT_OK;
	removing->removed = json_array();
	for (size_t i = 0; i < removing->chosen.list.count; i++)
		code |= remove_one(removing, &removing->chosen.list.at[i]);
	json_t *whole = json_pack("{si sb so}", "schema", 1, "dry_run", removing->dry_run, "removed", removing->removed);
	char *cleanup_free text = dump_json(whole, JSON_COMPACT);
	json_decref(whole);
	if (removing->json)
		puts(text);
	else if (!removing->chosen.list.count)
		fputs("lpad rm: there is no such run\n", stderr);
	return code;
}

static int run_rm(const struct command *command, int count, char **arguments)
{
	struct options options = { .command = command, .count = count, .arguments = arguments };
	struct removing removing = { .command = command, .older_ns = -1 };
	int code = read_options(&removing, &options);
	if (code < 0) {
		code = options.operand_count ? choose_named(&removing, &options) : choose_all(&removing);
		if (!code)
			code = remove_all(&removing);
	}
	runs_release(&removing.chosen);
	options_release(&options);
	return code;
}

const struct command command_rm = {
	.name = "rm",
	.summary = "remove records of runs that are over",
	.usage = "[options] [RUN...]",
	.options = rows,
	.details = "What is removed is said, a line for each. A run that is under way is never removed.\n"
		"Exit: 0 removed, also if there was none that old; 1 one is under way, or cannot be removed; 2 usage; 3 no such run.\n",
	.run = run_rm,
};
