/* SPDX-License-Identifier: MIT */
/*
 * What may stand at a place of a command line: asked by the shells' completions (cmd/completions), which know nothing
 * themselves. `lpad complete N WORD...`: word N of them (0: lpad) is to be completed; a line for each candidate, a tab and what
 * it is. A line that is only a tab: names of files, too. What cannot be found out is left out, and nothing is ever said on
 * standard error.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "command.h"
#include "supervise/figures.h"
#include "supervise/folders.h"
#include "supervise/runs.h"
#include "topology/places.h"

static const int64_t PATIENCE_NS = 500000000;

struct completing {
	const struct command *command;
	char **words;
	int count, at;
	const char *word;               /* what is there of it */
	const char *run, *topology;     /* as given in front of it; NULL: none */
	const char *prefix;             /* stands in front of each candidate: "--run=" */
	json_t *offered;                /* its keys */
};

static void offer(const struct completing *completing, const char *candidate, const char *what)
{
	if (text_starts(candidate, completing->word) && !json_object_get(completing->offered, candidate) &&
	    !json_object_set_new(completing->offered, candidate, json_true()))
		printf("%s%s\t%s\n", completing->prefix, candidate, what ? what : "");
}

static void offer_files(void)
{
	puts("\t");
}

/* ---- runs ---- */

static void offer_runs(const struct completing *completing)
{
	struct runs runs = { 0 };
	struct error error;
	if (runs_list(NULL, &runs, &error))
		return;
	for (size_t i = 0; i < runs.list.count; i++)
		offer(completing, runs.list.at[i].id, run_state_word(runs.list.at[i].state));
	runs_release(&runs);
	offer(completing, "latest", "the newest");
}

static bool find_run(const struct completing *completing, struct run *out)
{
	struct error error;
	return !runs_find(completing->run, NULL, out, &error);
}

/* Every group, and every replica of those that are numbered. */
static void offer_run_nodes(const struct completing *completing, const char *ending)
{
	struct run run;
	size_t i;
	json_t *node;
	if (!find_run(completing, &run))
		return;
	json_array_foreach(json_object_get(runs_resolved(&run), "nodes"), i, node) {
		const char *label = json_string_value(json_object_get(node, "node"));
		json_int_t replicas = json_integer_value(json_object_get(node, "replicas"));
		char *cleanup_free group = label ? memory_format("%s%s", label, ending) : NULL;
		if (!group)
			continue;
		offer(completing, group, replicas > 1 ? "all replicas" : "node");
		bool plain = !json_array_size(json_object_get(node, "axes"));
		for (json_int_t k = 0; plain && replicas > 1 && k < replicas && k < 1000; k++) {
			char *cleanup_free name = memory_format("%s/%d%s", label, (int)k, ending);
			offer(completing, name, "replica");
		}
	}
	runs_close(&run);
}

static void offer_nodes(const struct completing *completing)
{
	offer_run_nodes(completing, "");
}

static void offer_metrics(const struct completing *completing)
{
	struct run run;
	const char *node, *name;
	json_t *metrics, *metric;
	if (!find_run(completing, &run))
		return;
	json_t *figures = figures_of(&run, NULL);
	json_object_foreach(figures, node, metrics)
		json_object_foreach(metrics, name, metric) {
			char *cleanup_free whole = memory_format("%s.%s", node, name);
			char *cleanup_free group = memory_format("%.*s.%s", (int)strcspn(node, "/"), node, name);
			offer(completing, whole, "metric");
			if (strchr(node, '/'))
				offer(completing, group, "metric of all replicas");
		}
	json_decref(figures);
	runs_close(&run);
}

/* NODE. first, and behind the dot what its process offers. */
static void offer_methods(const struct completing *completing)
{
	struct run run;
	struct error error;
	size_t i;
	json_t *method;
	const char *dot = strchr(completing->word, '.');
	if (!dot) {
		offer_run_nodes(completing, ".");
		return;
	}
	if (runs_open(completing->run, &run, &error))
		return;
	char *cleanup_free node = memory_copy_span(completing->word, (size_t)(dot - completing->word));
	json_t *answer = runs_ask(&run, json_pack("{ss ss}", "ask", "node", "node", node), clock_ns() + PATIENCE_NS, &error);
	json_array_foreach(json_object_get(answer, "methods"), i, method) {
		const char *name = json_string_value(json_object_get(method, "name"));
		char *cleanup_free whole = name ? memory_format("%s.%s", node, name) : NULL;
		if (whole)
			offer(completing, whole, json_string_value(json_object_get(method, "help")));
	}
	json_decref(answer);
	runs_close(&run);
}

static void offer_columns(const struct completing *completing)
{
	static const char *const names[] = { "run", "state", "exit", "status", "name", "seed", "time", "started", "nodes", "folder",
		"record" };
	struct completing last = *completing;
	const char *comma = strrchr(completing->word, ',');
	char *cleanup_free prefix = memory_format("%s%.*s", completing->prefix, comma ? (int)(comma + 1 - completing->word) : 0,
		completing->word);
	struct run run;
	const char *name;
	json_t *value;
	last.prefix = prefix;
	last.word = comma ? comma + 1 : completing->word;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		offer(&last, names[i], "column");
	if (find_run(completing, &run)) {
		json_object_foreach((json_t *)json_object_get(runs_manifest(&run), "vars"), name, value) {
			char *cleanup_free column = memory_format("vars.%s", name);
			offer(&last, column, "variable");
		}
		runs_close(&run);
	}
	offer_metrics(&last);
}

static void offer_sweeps(const struct completing *completing)
{
	struct error error;
	char *cleanup_free records = folders_records(&error);
	char *cleanup_free place = records ? memory_format("%s/.sweeps", records) : NULL;
	DIR *folder = place ? opendir(place) : NULL;
	for (struct dirent *entry; folder && (entry = readdir(folder)); )
		if (entry->d_name[0] != '.')
			offer(completing, entry->d_name, "sweep");
	if (folder)
		closedir(folder);
}

/* ---- topologies ---- */

static struct source *read_source(const struct completing *completing, struct request *request, struct problems *problems)
{
	bool unreadable = false;
	char *operand[] = { (char *)completing->topology, NULL };
	struct options options = { .command = completing->command, .operands = operand, .operand_count = completing->topology != NULL };
	if (completing->topology && !strcmp(completing->topology, "-"))
		return NULL;
	return request_finish(request, &options) ? NULL : source_read(request->path, &request->settings, problems, &unreadable);
}

static void offer_variables(const struct completing *completing)
{
	struct request request = { 0 };
	struct problems problems = { 0 };
	struct source *source = read_source(completing, &request, &problems);
	for (size_t i = 0; source && i < source->variables.count; i++) {
		const struct variable *variable = &source->variables.at[i];
		char *cleanup_free bare = memory_format("%s=", variable->name);
		if (!variable->one_of.count)
			offer(completing, bare, variable->help);
		for (size_t k = 0; k < variable->one_of.count; k++) {
			char *cleanup_free whole = memory_format("%s%s", bare, variable->one_of.at[k]);
			offer(completing, whole, variable->help);
		}
	}
	source_free(source);
	problems_release(&problems);
	request_release(&request);
}

static void offer_labels(const struct completing *completing)
{
	struct request request = { 0 };
	struct problems problems = { 0 };
	struct source *source = read_source(completing, &request, &problems);
	const struct tree *nodes = source ? tree_get(source->root, "nodes") : NULL;
	for (size_t i = 0; nodes && nodes->kind == TREE_MAP && i < nodes->count; i++)
		offer(completing, nodes->keys[i], "node");
	source_free(source);
	problems_release(&problems);
	request_release(&request);
}

static void offer_topologies(const struct completing *completing)
{
	struct places places;
	offer_files();
	if (places_find(&places, NULL))
		return;
	DIR *folder = opendir(places.topologies);
	for (struct dirent *entry; folder && (entry = readdir(folder)); ) {
		char *cleanup_free file = memory_format("%s/%s/topo.yaml", places.topologies, entry->d_name);
		if (entry->d_name[0] != '.' && files_is_file(file))
			offer(completing, entry->d_name, "example");
	}
	if (folder)
		closedir(folder);
	places_release(&places);
}

/* ---- words ---- */

static void offer_words(const struct completing *completing, const char *words)
{
	for (const char *at = words; *at; ) {
		size_t length = strcspn(at, " ");
		char *cleanup_free word = memory_copy_span(at, length);
		offer(completing, word, NULL);
		at += length + (at[length] == ' ');
	}
}
static void offer_colours(const struct completing *completing) { offer_words(completing, "auto always never"); }
static void offer_formats(const struct completing *completing) { offer_words(completing, "text mermaid dot json"); }
static void offer_modes(const struct completing *completing) { offer_words(completing, "prefix files tmux json quiet"); }
static void offer_signals(const struct completing *completing) { offer_words(completing, "TERM KILL INT HUP STOP CONT USR1 USR2 ABRT SEGV QUIT"); }
static void offer_only_files(const struct completing *completing) { (void)completing; offer_files(); }

/* ---- which ---- */

/* By what the option table or the usage line calls it; the first that fits. `command`: of this one alone; NULL: of all. */
static const struct kind {
	const char *command, *argument;
	void (*offer)(const struct completing *completing);
} kinds[] = {
	{ NULL, "RUN", offer_runs },
	{ NULL, "SWEEP", offer_sweeps },
	{ NULL, "NAME=VALUE", offer_variables },
	{ NULL, "COLUMN", offer_columns },
	{ "sweep", "NODE.METRIC", offer_metrics },
	{ "wait", "CONDITION", offer_metrics },
	{ "watch", "NODE.METRIC", offer_metrics },
	{ "call", "NODE.METHOD", offer_methods },
	{ "launch", "NODE", offer_labels },
	{ "describe", "NODE", offer_labels },
	{ NULL, "NODE", offer_nodes },
	{ "logs", "WHEN", NULL },
	{ NULL, "WHEN", offer_colours },
	{ NULL, "FORMAT", offer_formats },
	{ NULL, "MODE", offer_modes },
	{ NULL, "SIGNAL", offer_signals },
	{ NULL, "TOPOLOGY", offer_topologies },
	{ NULL, "MODULE", offer_topologies },
	{ NULL, "FOLDER", offer_only_files },
	{ NULL, "FILE", offer_only_files },
};

static void offer_argument(const struct completing *completing, const char *argument)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (text_starts(argument, kinds[i].argument) && (!kinds[i].command || !strcmp(kinds[i].command, completing->command->name))) {
			if (kinds[i].offer)
				kinds[i].offer(completing);
			return;
		}
}

/* Operands, by the usage line: whatever of it is known. */
static void offer_operands(const struct completing *completing)
{
	static const char *const names[] = { "NODE.METHOD", "NODE", "RUN", "TOPOLOGY", "MODULE", "FOLDER" };
	const char *usage = completing->command->usage;
	if (!strcmp(completing->command->name, "watch"))
		offer_metrics(completing);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strstr(usage, names[i])) {
			offer_argument(completing, names[i]);
			return;
		}
}

static void offer_options(const struct completing *completing)
{
	for (const struct option_row *row = completing->command->options; row && row->name; row++) {
		char *cleanup_free option = memory_format("--%s%s", row->name, row->argument ? "=" : "");
		offer(completing, option, row->help);
	}
	offer(completing, "--help", "what the command does");
}

/* The option that a word names and whose argument is the next word; NULL: none. */
static const struct option_row *row_of(const struct command *command, const char *word, size_t length)
{
	for (const struct option_row *row = command->options; row && row->name; row++) {
		bool is_long = length == strlen(row->name) + 2 && text_starts(word, "--") && !strncmp(word + 2, row->name, length - 2);
		bool is_short = length == 2 && word[0] == '-' && row->letter && word[1] == row->letter;
		if (row->argument && (is_long || is_short))
			return row;
	}
	return NULL;
}

/* The run and the topology that the words before name. */
static void look_back(struct completing *completing)
{
	for (int i = 2; i < completing->count && strcmp(completing->words[i], "--"); i++) {
		const char *word = completing->words[i], *equals = strchr(word, '=');
		const struct option_row *row = row_of(completing->command, word, equals ? (size_t)(equals - word) : strlen(word));
		const char *value = row && equals ? equals + 1 : row && i + 1 < completing->count ? completing->words[i + 1] : NULL;
		bool here = i == completing->at || (row && !equals && i + 1 == completing->at);
		if (row && !strcmp(row->name, "run") && !here && value && *value)
			completing->run = value;
		else if (!row && word[0] != '-' && *word && !here && !completing->topology)
			completing->topology = word;
		i += row && !equals;
	}
}

static void complete(struct completing *completing)
{
	const char *word = completing->word, *equals = strchr(word, '=');
	const char *before = completing->words[completing->at - 1];
	const struct option_row *row = completing->at > 2 ? row_of(completing->command, before, strlen(before)) : NULL;
	look_back(completing);
	if (row) {
		offer_argument(completing, row->argument);
	} else if (text_starts(word, "--") && equals && (row = row_of(completing->command, word, (size_t)(equals - word)))) {
		char *cleanup_free prefix = memory_copy_span(word, (size_t)(equals + 1 - word));
		completing->prefix = prefix;
		completing->word = equals + 1;
		offer_argument(completing, row->argument);
	} else if (word[0] == '-') {
		offer_options(completing);
	} else {
		offer_operands(completing);
	}
}

static void offer_commands(const struct completing *completing)
{
	for (size_t i = 0; i < command_count; i++)
		if (!commands[i]->hidden)
			offer(completing, commands[i]->name, commands[i]->summary);
}

static const struct command *command_named(const char *name)
{
	for (size_t i = 0; i < command_count; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int run(const struct command *command, int count, char **arguments)
{
	struct completing completing = { .command = command, .words = arguments + 1, .count = count - 1, .prefix = "" };
	(void)!freopen("/dev/null", "w", stderr);
	completing.at = count > 0 ? atoi(arguments[0]) : 0;
	if (completing.at < 1 || completing.at > completing.count)
		return EXIT_USAGE;
	completing.word = completing.at < completing.count ? completing.words[completing.at] : "";
	completing.offered = json_object();
	completing.command = command_named(completing.at > 1 ? completing.words[1] : "");
	if (completing.at == 1)
		offer_commands(&completing);
	else if (completing.command)
		complete(&completing);
	json_decref(completing.offered);
	return EXIT_OK;
}

const struct command command_complete = {
	.name = "complete",
	.summary = "candidates for a shell's completion",
	.usage = "N WORD...",
	.hidden = true,
	.run = run,
};
