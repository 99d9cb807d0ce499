/* SPDX-License-Identifier: MIT */
/* Lists runs: those under way, or all that have a record. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dump.h"
#include "base/memory.h"
#include "base/table.h"
#include "base/text.h"
#include "command.h"
#include "supervise/columns.h"
#include "supervise/runs.h"

enum { ALL, COLUMNS, SORT, RECORD, JSON };
static const struct option_row rows[] = {
	[ALL] = { "all", 'a', NULL, "those that have ended or were lost, too" },
	[COLUMNS] = { "columns", 'c', "COLUMN[,COLUMN]", "what to show behind the run: vars.lr,evaluator.return.max,time" },
	[SORT] = { "sort", 's', "COLUMN", "the least first; -COLUMN: the greatest first; otherwise the newest" },
	[RECORD] = { "record", 0, "FOLDER", "runs whose record is in FOLDER, not in the state folder" },
	[JSON] = { "json", 0, NULL, "one JSON document" },
	{ .name = NULL },
};
static const char usual[] = "run,state,exit,status,nodes,time,started";
static const char usual_json[] = "run,state,exit,status,name,seed,nodes,time,started,folder,record";
static const int64_t PATIENCE_NS = 2000000000;

struct listing {
	bool all, json, descending;
	const char *columns_given, *sort_given, *folder;
	struct columns columns, sort;   /* of `sort` the first */
	struct runs runs;
	struct row *rows;
	json_t **answers, **keys;
	size_t count;                   /* of rows */
};

static int fail(const char *text)
{
	fprintf(stderr, "lpad ps: %s\n", text);
	return EXIT_PROBLEMS;
}

/* ---- options ---- */

static bool names_run(const char *list)
{
	for (const char *at = list; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ','))
		if (text_starts(at, "run") && strchr(",", at[3]))
			return true;
	return false;
}

static int take_columns(struct listing *listing, const struct command *command)
{
	struct error error = { 0 };
	const char *wanted = listing->columns_given ? listing->columns_given : listing->json ? usual_json : usual;
	const char *sort = listing->sort_given;
	if (!names_run(wanted))
		columns_add(&listing->columns, "run", &error);
	if (columns_add(&listing->columns, wanted, &error))
		return command_usage_error(command, "--columns: %s", error.text);
	listing->descending = sort && sort[0] == '-';
	if (sort && columns_add(&listing->sort, sort + listing->descending, &error))
		return command_usage_error(command, "--sort: %s", error.text);
	if (listing->sort.list.count > 1)
		return command_usage_error(command, "--sort takes one column");
	return -1;
}

static int read_options(struct listing *listing, struct options *options)
{
	for (int i; (i = options_next(options)) != OPTIONS_END; )
		switch (i) {
		case ALL:
			listing->all = true;
			break;
		case COLUMNS:
			listing->columns_given = options->value;
			break;
		case SORT:
			listing->sort_given = options->value;
			break;
		case RECORD:
			listing->folder = options->value;
			break;
		case JSON:
			listing->json = true;
			break;
		case OPTIONS_HELP:
			return EXIT_OK;
		default:
			return EXIT_USAGE;
		}
	if (options->operand_count || options->rest)
		return command_usage_error(options->command, "no operand is wanted; --record FOLDER says where the records are");
	return take_columns(listing, options->command);
}

/* ---- the rows ---- */

static void ask(struct listing *listing, bool figures)
{
	json_t *question = json_pack("{ss sb}", "ask", "status", "metrics", figures);
	runs_ask_all(&listing->runs, question, clock_ns() + PATIENCE_NS, listing->answers);
	json_decref(question);
}

static void make_rows(struct listing *listing)
{
	size_t count = listing->runs.list.count;
	bool figures = columns_want_figures(&listing->columns) || columns_want_figures(&listing->sort);
	listing->answers = memory_array(count + 1, sizeof *listing->answers);
	listing->rows = memory_array(count + 1, sizeof *listing->rows);
	ask(listing, figures);
	for (size_t i = 0; i < count; i++) {
		struct run *run = &listing->runs.list.at[i];
		if (runs_is_under_way(run) && !listing->answers[i])
			runs_look(run);                 /* it may just have ended */
		if (!listing->all && !runs_is_under_way(run))
			continue;
		listing->rows[listing->count++] = (struct row){ .run = run, .status = listing->answers[i],
			.figures = figures ? figures_of(run, listing->answers[i]) : NULL };
	}
}

static int by_key(const void *a, const void *b, void *context)
{
	const struct listing *listing = context;
	size_t one = *(const size_t *)a, two = *(const size_t *)b;
	int order = column_compare(listing->keys[one], listing->keys[two], listing->descending);
	return order ? order : one < two ? -1 : 1;
}

static void sort_rows(struct listing *listing)
{
	size_t count = listing->count;
	size_t *cleanup_free places = memory_array(count + 1, sizeof *places);
	struct row *sorted = memory_array(count + 1, sizeof *sorted);
	listing->keys = memory_array(count + 1, sizeof *listing->keys);
	for (size_t i = 0; i < count; i++) {
		places[i] = i;
		listing->keys[i] = column_value(&listing->sort.list.at[0], &listing->rows[i]);
	}
	qsort_r(places, count, sizeof *places, by_key, listing);
	for (size_t i = 0; i < count; i++) {
		sorted[i] = listing->rows[places[i]];
		json_decref(listing->keys[i]);
	}
	free(listing->rows);
	free(listing->keys);
	listing->rows = sorted;
}

/* ---- showing them ---- */

static void show_table(const struct listing *listing)
{
	struct table table = { 0 };
	for (size_t i = 0; i < listing->columns.list.count; i++)
		table_column(&table, listing->columns.list.at[i].name, column_is_number(&listing->columns.list.at[i]));
	for (size_t r = 0; r < listing->count; r++)
		for (size_t i = 0; i < listing->columns.list.count; i++) {
			char *cleanup_free text = column_text(&listing->columns.list.at[i], &listing->rows[r]);
			table_cell(&table, text);
		}
	table_print(&table, stdout, table_width(STDOUT_FILENO));
	table_release(&table);
}

static void show_json(const struct listing *listing)
{
	json_t *runs = json_array();
	for (size_t r = 0; r < listing->count; r++) {
		json_t *run = json_object();
		for (size_t i = 0; i < listing->columns.list.count; i++)
			json_object_set_new(run, listing->columns.list.at[i].name,
				column_value(&listing->columns.list.at[i], &listing->rows[r]));
		json_array_append_new(runs, run);
	}
	json_t *whole = json_pack("{si so}", "schema", 1, "runs", runs);
	char *cleanup_free text = dump_json(whole, JSON_COMPACT);
	json_decref(whole);
	puts(text);
}

static int list(struct listing *listing)
{
	struct error error = { 0 };
	if (runs_list(listing->folder, &listing->runs, &error))
		return fail(error.text);
	make_rows(listing);
	if (columns_check(&listing->columns, listing->rows, listing->count, &error) ||
	    columns_check(&listing->sort, listing->rows, listing->count, &error))
		return fail(error.text);
	if (listing->sort.list.count)
		sort_rows(listing);
	if (listing->json)
		show_json(listing);
	else
		show_table(listing);
	if (!listing->count && !listing->json)
		fputs(listing->all ? "lpad ps: there are no records\n" : "lpad ps: no run is under way; -a shows all that have a record\n",
			stderr);
	return EXIT_OK;
}

static void release(struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++)
		json_decref(listing->rows[i].figures);
	for (size_t i = 0; listing->answers && i < listing->runs.list.count; i++)
		json_decref(listing->answers[i]);
	free(listing->answers);
	free(listing->rows);
	runs_release(&listing->runs);
	columns_release(&listing->columns);
	columns_release(&listing->sort);
}

static int run_ps(const struct command *command, int count, char **arguments)
{
	struct options options = { .command = command, .count = count, .arguments = arguments };
	struct listing listing = { 0 };
	int code = read_options(&listing, &options);
	if (code < 0)
		code = list(&listing);
	release(&listing);
	options_release(&options);
	return code;
}

const struct command command_ps = {
	.name = "ps",
	.summary = "list the runs that are under way, or all",
	.usage = "[options]",
	.options = rows,
	.details = "Columns: run state exit status name seed time started nodes folder record, vars.NAME, and what a node reported:\n"
		"NODE.METRIC, or NODE.METRIC.max (last, min, max, mean, count). NODE is a replica, or a group for all of its replicas.\n"
		"Exit: 0 listed, 1 could not be, or no run has such a column, 2 usage.\n",
	.run = run_ps,
};
