/* SPDX-License-Identifier: MIT */
#include "launching.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "supervise/git.h"
#include "topology/shares.h"

int launching_cannot(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	fputs("lpad: ", stderr);
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
	va_end(list);
	return EXIT_START;
}

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
	launching_use_recorded(launching);
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

int launching_mark(const struct launching *launching, const char *option, const char *name, bool *marks)
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
			marks[group->first + k] |= meant;
			found += meant;
		}
	}
	if (found)
		return 0;
	char *cleanup_free label = memory_copy_span(name, strcspn(name, "/"));
	const struct group *group = topology_group(topology, label);
	if (group)
		return launching_cannot("%s: there is no replica %s: %s has %d", option, name, label, group->replicas);
	const char *nearest = text_nearest(name, labels, count);
	return launching_cannot("%s %s: there is no such node%s%s%s", option, name, nearest ? ": did you mean " : "",
		nearest ? nearest : "", nearest ? "?" : "");
}

/* Why there is no run that could be held; NULL: there is one. */
static const char *not_to_be_held(const struct group *group)
{
	if (group->command)
		return "it is a command, which begins to run when it is started";
	return group->spec && !group->spec->has_run ? "it has no run: it serves from the start" : NULL;
}

static int hold_runs_alone(const struct launching *launching)
{
	const struct topology *topology = launching->topology;
	for (size_t i = 0; i < topology->groups.count; i++) {
		const struct group *group = &topology->groups.at[i];
		const char *why = not_to_be_held(group);
		for (int k = 0; why && k < group->replicas; k++)
			if (launching->held[group->first + k])
				return launching_cannot("--hold %s: %s", group->label, why);
	}
	return 0;
}

static int take_held(struct launching *launching)
{
	int code = 0;
	if (launching->hold.count)
		launching->held = memory_array((size_t)launching->topology->total, sizeof *launching->held);
	for (size_t i = 0; !code && i < launching->hold.count; i++)
		for (const char *at = launching->hold.at[i]; !code && at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
			char *cleanup_free name = memory_copy_span(at, strcspn(at, ","));
			code = launching_mark(launching, "--hold", name, launching->held);
		}
	return code || !launching->held ? code : hold_runs_alone(launching);
}

/* What the machine lacks is a problem of this launch alone. */
static void allot(struct launching *launching)
{
	struct machine machine;
	machine_read_for(&machine, launching->processes);
	allotments_free(launching->allotments);
	launching->allotments = allotments_new(launching->topology, launching->processes, &machine, &launching->problems);
	machine_release(&machine);
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
		return launching_cannot("%s", error.text);
	allot(launching);
	carrier_check(launching->carrier, topology, launching->processes, &launching->problems);
	return 0;
}

/* What the record will say of it besides. An earlier run's files are as they were then. */
static int read_the_rest(struct launching *launching)
{
	int code = launching_read_variables(launching);
	if (code || launching->dry_run)
		return code;
	launching_note_inputs(launching);
	launching_count_incarnations(launching);
	if (launching->inputs.git)
		launching_take_git(launching);
	else
		launching->git = git_describe(launching->source->folder, &launching->diff);
	return 0;
}

int launching_read(struct launching *launching)
{
	bool unreadable = false;
	launching->source = source_read(launching->request.path, &launching->request.settings, &launching->problems,
		&unreadable);
	if (launching->source) {
		resolve(launching);
		report_unused(launching);
	}
	if (launching->topology && !launching->problems.errors && !launching->dry_run)
		topology_check_programs(launching->topology, true, &launching->problems);
	int code = 0;
	if (launching->topology && !launching->problems.errors)
		code = place(launching);
	show_problems(launching);
	if (!launching->topology || launching->problems.errors)
		return EXIT_START;
	if (!code)
		code = take_held(launching);
	if (!code)
		code = launching_find_ways(launching);
	return code ? code : read_the_rest(launching);
}

int launching_resolve_with_run(struct launching *launching)
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
