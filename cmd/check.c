/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "command.h"
#include "supervise/probe.h"
#include "supervise/resources.h"

enum { SET, JSON, COLOR };
static const struct option_row rows[] = {
	[SET] = { "set", 's', "NAME=VALUE", "a variable's value; a list splits at commas" },
	[JSON] = { "json", 0, NULL, "one JSON object per problem, then one with the counts" },
	[COLOR] = { "color", 0, "WHEN", "auto, always or never" },
	{ .name = NULL },
};

struct check {
	struct request request;
	bool json;
	int colour;
	struct problems problems;
	struct machine_limits limits;
	struct topology_size size;      /* of the default combination */
	bool measured;
	size_t combinations;
};

/* ---- one combination after the other ---- */

/* "with mode=ring, ": what differs from the first combination. Caller frees. */
static char *combination_prefix(const struct combination *first, const struct combination *one)
{
	struct text text = { 0 };
	for (size_t i = 0; i < one->count; i++)
		if (!text_equal(first->values[i], one->values[i]))
			text_format(&text, "%s%s=%s", text.length ? ", " : "with ", one->names[i], one->values[i]);
	if (text.length)
		text_add(&text, ", ");
	return text_take(&text);
}

static void check_combination(struct check *check, struct source *source, struct probe *probe,
	const struct combination *combination)
{
	struct module_lookup lookup = probe_lookup(probe);
	struct topology *topology = topology_resolve(source, combination, &check->problems);
	if (!topology)
		return;
	probe_prepare(probe, topology);
	topology_bind(topology, &lookup, &check->problems);
	topology_check_programs(topology, false, &check->problems);
	resources_warn(topology, &check->problems);
	topology_check_limits(topology, &check->limits, &check->problems);
	if (!check->measured)
		check->size = topology_measure(topology, NULL);
	check->measured = true;
	topology_free(topology);
}

static void check_all(struct check *check, struct source *source, struct probe *probe)
{
	struct combinations combinations = { 0 };
	source_combinations(source, &combinations, &check->problems);
	check->combinations = combinations.list.count;
	for (size_t i = 0; i < combinations.list.count; i++) {
		char *cleanup_free prefix = combination_prefix(&combinations.list.at[0], &combinations.list.at[i]);
		check->problems.prefix = *prefix ? prefix : NULL;
		check_combination(check, source, probe, &combinations.list.at[i]);
		check->problems.prefix = NULL;
	}
	source_report_unused(source, &check->problems);
	combinations_release(&combinations);
}

/* ---- the result ---- */

static void add_count(struct text *text, int64_t count, const char *one, const char *many)
{
	text_format(text, "%s%" PRId64 " %s", text->length ? ", " : "", count, count == 1 ? one : many);
}

static void print_summary(const struct check *check, const char *file)
{
	struct text cleanup_text text = { 0 };
	const struct topology_size *size = &check->size;
	if (check->problems.errors)
		add_count(&text, (int64_t)check->problems.errors, "error", "errors");
	if (check->problems.warnings)
		add_count(&text, (int64_t)check->problems.warnings, "warning", "warnings");
	if (check->measured) {
		add_count(&text, size->nodes, "node", "nodes");
		add_count(&text, size->replicas, "replica", "replicas");
		add_count(&text, size->processes, "process", "processes");
		add_count(&text, size->threads, "thread", "threads");
		add_count(&text, size->connections, "connection", "connections");
	}
	if (check->combinations > 1)
		text_format(&text, " (%zu combinations checked)", check->combinations);
	if (text.length)
		printf("%s: %s\n", file, text.data);
}

static void print_json_summary(const struct check *check)
{
	const struct topology_size *size = &check->size;
	json_t *json = json_pack("{s:i, s:I, s:I, s:I}", "schema", 1, "errors", (json_int_t)check->problems.errors,
		"warnings", (json_int_t)check->problems.warnings, "combinations", (json_int_t)check->combinations);
	if (check->measured) {
		json_object_set_new(json, "nodes", json_integer(size->nodes));
		json_object_set_new(json, "replicas", json_integer(size->replicas));
		json_object_set_new(json, "processes", json_integer(size->processes));
		json_object_set_new(json, "threads", json_integer(size->threads));
		json_object_set_new(json, "connections", json_integer(size->connections));
	}
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
}

static void print_result(const struct check *check, const char *file)
{
	if (check->json) {
		problems_print_json(&check->problems, stdout);
		print_json_summary(check);
		return;
	}
	problems_print(&check->problems, stdout, check->colour);
	print_summary(check, file);
}

static int check_file(struct check *check)
{
	bool unreadable = false;
	struct probe *probe = probe_open();
	machine_limits_read(&check->limits);
	struct source *source = source_read(check->request.path, &check->request.settings, &check->problems, &unreadable);
	if (source)
		check_all(check, source, probe);
	probe_settle(probe);
	print_result(check, source ? source->file : check->request.path);
	source_free(source);
	probe_close(probe);
	return unreadable ? EXIT_UNREADABLE : check->problems.errors ? EXIT_PROBLEMS : EXIT_OK;
}

/* ---- the command ---- */

static int take_option(struct check *check, const struct options *options, int row)
{
	switch (row) {
	case SET:
		return request_set(options->command, &check->request, options->value);
	case JSON:
		check->json = true;
		return 0;
	case COLOR:
		check->colour = colour_wanted(options->value, STDOUT_FILENO);
		return check->colour >= 0 ? 0
			: command_usage_error(options->command, "--color is auto, always or never, not `%s`", options->value);
	case OPTIONS_HELP:
		return OPTIONS_HELP;
	default:
		return EXIT_USAGE;
	}
}

static int run(const struct command *command, int count, char **arguments)
{
	struct check check = { .colour = colour_wanted("auto", STDOUT_FILENO) };
	struct options options = { .command = command, .count = count, .arguments = arguments };
	int code = 0, row;
	while (!code && (row = options_next(&options)) != OPTIONS_END)
		code = take_option(&check, &options, row);
	if (!code)
		code = request_finish(&check.request, &options);
	if (!code)
		code = check_file(&check);
	problems_release(&check.problems);
	request_release(&check.request);
	options_release(&options);
	return code == OPTIONS_HELP ? EXIT_OK : code;
}

const struct command command_check = {
	.name = "check",
	.summary = "verify a topology without starting it",
	.usage = "[options] [TOPOLOGY] [-- ARGUMENT...]",
	.options = rows,
	.details =
		"Every combination of the one_of variables is checked: syntax, variables, modules (compiled, and opened in\n"
		"processes that are thrown away), parameters, edges, and what the nodes themselves check.\n"
		"What this version cannot launch yet, or this machine cannot give, is a warning.\n"
		"Exit: 0 clean or only warnings, 1 problems, 2 usage, 3 the file could not be read.\n",
	.run = run,
};
