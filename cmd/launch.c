/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "command.h"
#include "supervise/folders.h"
#include "supervise/guardian.h"
#include "supervise/probe.h"
#include "supervise/supervise.h"
#include "topology/document.h"
#include "topology/scalar.h"
#include "topology/shares.h"

enum { SET, TIME_LIMIT, NAME, RECORD, THREADS, HOLD, DRY_RUN, QUIET, JSON, COLOR };
static const struct option_row rows[] = {
	[SET] = { "set", 's', "NAME=VALUE", "a variable's value; a list splits at commas" },
	[TIME_LIMIT] = { "time-limit", 0, "DURATION", "stop with exit 124 after so long (10m); instead of the file's" },
	[NAME] = { "name", 0, "NAME", "the run is NAME-1, NAME-2, ... instead of the file's name" },
	[RECORD] = { "record", 0, "FOLDER", "keep the record in FOLDER/RUN, not in the state folder" },
	[THREADS] = { "threads", 0, NULL, "all nodes as threads of one process, for debugging and tests" },
	[HOLD] = { "hold", 0, "NODE[,NODE]", "make and serve these, but do not start their run" },
	[DRY_RUN] = { "dry-run", 0, NULL, "check, compile, and print what would be started" },
	[QUIET] = { "quiet", 'q', NULL, "no lines of lpad but errors, no names before the nodes' lines" },
	[JSON] = { "json", 0, NULL, "everything that happens as JSON lines on standard output" },
	[COLOR] = { "color", 0, "WHEN", "auto, always or never" },
	{ .name = NULL },
};

struct launching {
	struct request request;
	struct output_style style;
	const char *color, *record_folder;
	bool dry_run, threads;
	LIST(const char *) hold;        /* as given: names with commas */
	bool *held;                     /* by replica; NULL: none is */
	int64_t time_limit_ns;          /* -1: the file's */
	int guardian;                   /* the channel to it */
	int argument_count;             /* the command line, for the record */
	char **arguments;
	struct problems problems;
	struct probe *probe;
	struct source *source;
	struct topology *topology;
	struct record record;
	char *sockets;
	char token[17];
	struct processes *processes;
	enum carrier carrier;
	const int *known;               /* by replica: the incarnation that the process should know, whose document is written */
	struct run_places places;
};

__attribute__((format(printf, 1, 2)))
static int cannot(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	fputs("lpad: ", stderr);
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
	va_end(list);
	return EXIT_START;
}

/* ---- reading and checking ---- */

static bool any_unused(const struct source *source)
{
	for (size_t i = 0; i < source->variables.count; i++)
		if (!source->variables.at[i].used)
			return true;
	return false;
}

/* A variable that only another combination uses is used; what else is wrong there is not this launch's business. */
static void report_unused(struct launching *launching)
{
	struct problems elsewhere = { 0 };
	struct combinations combinations = { 0 };
	if (any_unused(launching->source))
		source_combinations(launching->source, &combinations, &elsewhere);
	for (size_t i = 1; i < combinations.list.count && any_unused(launching->source); i++)
		topology_free(topology_resolve(launching->source, &combinations.list.at[i], &elsewhere));
	combinations_release(&combinations);
	problems_release(&elsewhere);
	source_report_unused(launching->source, &launching->problems);
}

static void resolve(struct launching *launching)
{
	struct module_lookup lookup = probe_lookup(launching->probe);
	topology_free(launching->topology);
	launching->topology = topology_resolve(launching->source, NULL, &launching->problems);
	if (!launching->topology)
		return;
	if (!launching->problems.errors)
		probe_prepare(launching->probe, launching->topology);
	topology_bind(launching->topology, &lookup, &launching->problems);
}

static void show_problems(const struct launching *launching)
{
	if (launching->style.json)
		problems_print_json(&launching->problems, stdout);
	else if (launching->problems.errors || !launching->style.quiet)
		problems_print(&launching->problems, stderr, launching->style.colour_err);
}

/* Each node by itself, or a replica of it. */
static int hold_one(struct launching *launching, const char *name)
{
	const struct topology *topology = launching->topology;
	size_t count = topology->groups.count;
	const char **cleanup_free labels = memory_array(count, sizeof *labels);
	int found = 0;
	for (size_t i = 0; i < count; i++) {
		const struct group *group = &topology->groups.at[i];
		labels[i] = group->label;
		for (int k = 0; k < group->replicas && text_starts(name, group->label); k++) {
			char *cleanup_free replica = group_replica_name(group, k);
			bool meant = text_equal(name, group->label) || text_equal(name, replica);
			launching->held[group->first + k] |= meant;
			found += meant;
			if (meant && group->command)
				return cannot("--hold %s: it is a command, which begins to run when it is started", name);
		}
	}
	if (found)
		return 0;
	char *cleanup_free label = memory_copy_span(name, strcspn(name, "/"));
	const struct group *group = topology_group(topology, label);
	if (group)
		return cannot("--hold: there is no replica %s: %s has %d", name, label, group->replicas);
	const char *nearest = text_nearest(name, labels, count);
	return cannot("--hold %s: there is no such node%s%s%s", name, nearest ? ": did you mean " : "",
		nearest ? nearest : "", nearest ? "?" : "");
}

static int take_held(struct launching *launching)
{
	int code = 0;
	if (launching->hold.count)
		launching->held = memory_array((size_t)launching->topology->total, sizeof *launching->held);
	for (size_t i = 0; !code && i < launching->hold.count; i++)
		for (const char *at = launching->hold.at[i]; !code && at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
			char *cleanup_free name = memory_copy_span(at, strcspn(at, ","));
			code = hold_one(launching, name);
		}
	return code;
}

/* Who shares a process with whom, and what carries the edges between them. */
static int place(struct launching *launching)
{
	struct error error = { 0 };
	const struct topology *topology = launching->topology;
	if (launching->threads) {
		shares_check(topology, true, &launching->problems);
		shares_warn_of_globals(topology, true, &launching->problems);
	}
	processes_free(launching->processes);
	launching->processes = processes_new(topology, launching->threads);
	if (carrier_read(getenv("LPAD_TRANSPORT"), &launching->carrier, &error))
		return cannot("%s", error.text);
	carrier_check(launching->carrier, topology, launching->processes, &launching->problems);
	return 0;
}

static int read_topology(struct launching *launching)
{
	bool unreadable = false;
	launching->source = source_read(launching->request.path, &launching->request.settings, &launching->problems,
		&unreadable);
	if (launching->source) {
		resolve(launching);
		report_unused(launching);
	}
	if (launching->topology && !launching->problems.errors)
		topology_not_yet(launching->topology, &launching->problems);
	int code = 0;
	if (launching->topology && !launching->problems.errors)
		code = place(launching);
	show_problems(launching);
	if (!launching->topology || launching->problems.errors)
		return EXIT_START;
	return code ? code : take_held(launching);
}

/* ---- what would be started ---- */

static void print_plan(const struct launching *launching)
{
	const struct topology *topology = launching->topology;
	struct topology_size size = topology_measure(topology, launching->processes);
	printf("%s, seed %" PRId64 ": would start %" PRId64 " process%s with %" PRId64 " connection%s\n", topology->name,
		topology->seed, size.processes, size.processes == 1 ? "" : "es", size.connections,
		size.connections == 1 ? "" : "s");
	for (size_t i = 0; i < topology->groups.count; i++) {
		const struct group *group = &topology->groups.at[i];
		char *cleanup_free first = group_replica_name(group, 0);
		char *cleanup_free last = group_replica_name(group, group->replicas - 1);
		printf("  %s%s%s: %s of %s\n", first, group->replicas > 1 ? " to " : "", group->replicas > 1 ? last : "",
			group->spec ? group->spec->name : "command", group->interface ? group->interface->shown : "the file");
	}
}

static void print_plan_json(const struct launching *launching)
{
	json_t *plan = json_pack("{ss si so}", "event", "plan", "schema", 1, "topology",
		topology_to_json(launching->topology));
	json_dumpf(plan, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(plan);
}

/* ---- places ---- */

static int refuse(const struct error *error)
{
	fprintf(stderr, "lpad: %s\n", error->text);
	return EXIT_START;
}

static int make_record(struct launching *launching)
{
	struct error error = { 0 };
	const char *given = launching->record_folder;
	char *cleanup_free folder = given ? files_absolute(launching->request.current_folder, given) :
		folders_records(&error);
	if (!folder || record_create(&launching->record, folder, launching->topology->name, &error))
		return refuse(&error);
	return 0;
}

/* $run is the record's name, so the file is put together once more when it is known. */
static int resolve_with_run(struct launching *launching)
{
	const char *text = text_string(&launching->source->text);
	if (!strstr(text, "$run") && !strstr(text, "${run}"))
		return 0;
	launching->request.settings.run = launching->record.id;
	resolve(launching);
	if (launching->topology && !launching->problems.errors)
		return place(launching);
	show_problems(launching);
	return EXIT_START;
}

static int fill_record(struct launching *launching)
{
	struct error error = { 0 };
	struct manifest manifest = { .topology = launching->topology, .argument_count = launching->argument_count,
		.arguments = launching->arguments, .current_folder = launching->request.current_folder,
		.sockets = launching->sockets };
	return record_fill(&launching->record, &manifest, &error) ? refuse(&error) : 0;
}

static int make_sockets(struct launching *launching)
{
	struct error error = { 0 };
	launching->sockets = folders_sockets(&error);
	guardian_tell_places(launching->guardian, launching->sockets, NULL);
	return launching->sockets ? 0 : refuse(&error);
}

static void make_token(struct launching *launching)
{
	uint64_t bits = 0;
	if (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits)
		bits = (uint64_t)getpid() << 32 | (uint64_t)(uintptr_t)launching;
	snprintf(launching->token, sizeof launching->token, "%016" PRIx64, bits);
}

/* The nodes are told of both in JSON. */
static int must_be_utf8(const char *path, const char *remedy)
{
	json_t *text = json_string(path);
	json_decref(text);
	if (text)
		return 0;
	fprintf(stderr, "lpad: the path %s is not UTF-8; %s\n", path, remedy);
	return EXIT_START;
}

static int prepare(struct launching *launching)
{
	struct error error = { 0 };
	int code = 0;
	if (supervise_can_start(launching->processes->count, &error))
		return refuse(&error);
	guardian_leave_signals(launching->guardian);
	if ((code = make_sockets(launching)) || (code = make_record(launching)))
		return code;
	guardian_tell_places(launching->guardian, launching->sockets, &launching->record);
	if ((code = must_be_utf8(launching->sockets, "set XDG_RUNTIME_DIR to another")) ||
	    (code = must_be_utf8(launching->record.folder, "--record FOLDER names another place")) ||
	    (code = resolve_with_run(launching)) || (code = fill_record(launching)))
		record_discard(&launching->record);
	return code;
}

/* ---- the run ---- */

static int known_incarnation(void *context, int replica)
{
	const struct launching *launching = context;
	return launching->known[replica];
}

static json_t *write_document(void *context, int process, const int *known)
{
	struct launching *launching = context;
	launching->known = known;
	return document_process(launching->topology, &launching->places, process);
}

static size_t longest_name(const struct processes *processes)
{
	size_t longest = 0;
	for (int i = 0; i < processes->count; i++)
		if (strlen(processes->at[i].name) > longest)
			longest = strlen(processes->at[i].name);
	return longest;
}

/* For tests: nobody else waits for 30 s of lpad's own steps on purpose. */
static int64_t step_limit_ns(void)
{
	const char *text = getenv("LPAD_STEP_LIMIT");
	double seconds = text ? strtod(text, NULL) : 0;
	return (int64_t)((seconds > 0 ? seconds : 30) * 1e9);
}

static int run_it(struct launching *launching)
{
	make_token(launching);
	launching->places = (struct run_places){ .run = launching->record.id, .token = launching->token,
		.sockets = launching->sockets, .nodes = launching->record.nodes, .module = record_module,
		.context = &launching->record, .incarnation = known_incarnation, .supervisor = launching,
		.processes = launching->processes, .carrier = launching->carrier };
	launching->style.width = longest_name(launching->processes);
	struct launch launch = { .topology = launching->topology, .processes = launching->processes, .held = launching->held,
		.record = &launching->record,
		.sockets = launching->sockets, .token = launching->token, .program = "/proc/self/exe", .document = write_document,
		.context = launching, .style = launching->style, .guardian = launching->guardian,
		.step_limit_ns = step_limit_ns(),
		.time_limit_ns = launching->time_limit_ns >= 0 ? launching->time_limit_ns :
			launching->topology->time_limit_ns };
	return supervise(&launch);
}

/* Below the guardian. */
static int launch(struct launching *launching)
{
	launching->probe = probe_open();
	int code = read_topology(launching);
	if (!code && !launching->dry_run)
		code = prepare(launching);
	probe_settle(launching->probe);
	bool started = !code && !launching->dry_run;
	if (started)
		code = run_it(launching);
	else if (!code)
		(launching->style.json ? print_plan_json : print_plan)(launching);
	else if (launching->sockets)
		files_remove_tree(launching->sockets);
	if (code == EXIT_START && !launching->dry_run && !started)
		fputs("lpad: nothing was started, and there is no record of it\n", stderr);
	processes_free(launching->processes);
	free(launching->held);
	topology_free(launching->topology);
	source_free(launching->source);
	problems_release(&launching->problems);
	probe_close(launching->probe);
	record_release(&launching->record);
	free(launching->sockets);
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
	case QUIET:
		launching->style.quiet = true;
		return 0;
	case JSON:
		launching->style.json = true;
		return 0;
	case COLOR:
		return take_color(launching, options);
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

static int run(const struct command *command, int count, char **arguments)
{
	struct launching launching = { .time_limit_ns = -1, .argument_count = count + 2, .record.metrics = -1 };
	struct options options = { .command = command, .count = count, .arguments = arguments };
	int code = 0, row;
	guardian_block_signals();
	while (!code && (row = options_next(&options)) != OPTIONS_END)
		code = take_option(&launching, &options, row);
	if (!code)
		code = request_finish(&launching.request, &options);
	if (!code) {
		launching.style.colour_out = colour_wanted(launching.color, STDOUT_FILENO) > 0;
		launching.style.colour_err = colour_wanted(launching.color, STDERR_FILENO) > 0;
		launching.arguments = whole_command_line(command, count, arguments);
		if (!guardian_begin(&launching.guardian, &code))
			code = launch(&launching);
		free(launching.arguments[0]);
		free(launching.arguments[1]);
		free(launching.arguments);
	}
	request_release(&launching.request);
	list_release(&launching.hold);
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
		"not start; 129, 130, 143 stopped by HUP, INT, TERM; 141 standard output was closed.\n",
	.run = run,
};
