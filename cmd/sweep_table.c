/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/dump.h"
#include "base/memory.h"
#include "base/table.h"
#include "base/text.h"
#include "supervise/columns.h"
#include "sweep.h"

struct lines {
	const struct sweep *sweep;
	const struct trial **at;
	size_t count;
};

/* ---- what they have reported ---- */

void sweep_read_figures(const struct sweep *sweep, struct trial *trial)
{
	struct run run;
	struct error error;
	if (!trial->record || runs_find(trial->record, sweep->records, &run, &error))
		return;
	trial->figures = figures_of(&run, NULL);
	runs_close(&run);
}

double sweep_value(const struct sweep *sweep, const struct trial *trial)
{
	struct figure by = { 0 };
	double value;
	if (!sweep->by || trial->state != TRIAL_DONE || !figure_parse(sweep->by, &by))
		return NAN;
	if (!trial->figures || !figure_value(&by, trial->figures, &value))
		value = NAN;
	figure_release(&by);
	return value;
}

/* ---- the order ---- */

/* 0: completed, with a value; 1: without one; 2: failed. */
static int rank(const struct lines *lines, const struct trial *trial)
{
	if (!lines->sweep->by)
		return 0;
	return trial->state != TRIAL_DONE || trial->code ? 2 : isnan(trial->value);
}

/* The best first, what failed last; else as they were made. */
static int compare(const void *a, const void *b, void *context)
{
	const struct lines *lines = context;
	const struct trial *one = *(const struct trial *const *)a, *two = *(const struct trial *const *)b;
	if (rank(lines, one) != rank(lines, two))
		return rank(lines, one) - rank(lines, two);
	if (!isnan(one->value) && !isnan(two->value) && one->value != two->value)
		return (one->value < two->value) == lines->sweep->lowest ? -1 : 1;
	return one->number - two->number;
}

static void sort_lines(struct lines *lines, const struct sweep *sweep)
{
	*lines = (struct lines){ .sweep = sweep, .count = sweep->trials.count };
	lines->at = memory_array(lines->count + 1, sizeof *lines->at);
	for (size_t i = 0; i < lines->count; i++)
		lines->at[i] = &sweep->trials.at[i];
	qsort_r(lines->at, lines->count, sizeof *lines->at, compare, lines);
}

static const char *status_of(const struct trial *trial)
{
	if (trial->halted || trial->state == TRIAL_WAITING)
		return trial->halted ? "stopped" : "waiting";
	return trial->status ? trial->status : "not started";
}

/* ---- for people ---- */

static void print_table(const struct lines *lines)
{
	const struct sweep *sweep = lines->sweep;
	struct table table = { 0 };
	for (size_t i = 0; i < sweep->vary.count; i++)
		table_column(&table, sweep->vary.at[i].name, true);
	if (sweep->by)
		table_column(&table, sweep->by, true);
	table_column(&table, "status", false);
	table_column(&table, "exit", true);
	table_column(&table, "time", true);
	table_column(&table, "run", false);
	for (size_t k = 0; k < lines->count; k++) {
		const struct trial *trial = lines->at[k];
		bool done = trial->state == TRIAL_DONE;
		for (size_t i = 0; i < sweep->vary.count; i++)
			table_cell(&table, vary_value(sweep, trial->number, i));
		char *cleanup_free value = memory_format("%g", trial->value);
		char *cleanup_free code = memory_format("%d", trial->code);
		char *cleanup_free time = memory_format("%.1f s", (double)trial->taken_ns / 1e9);
		if (sweep->by)
			table_cell(&table, isnan(trial->value) ? "-" : value);
		table_cell(&table, status_of(trial));
		table_cell(&table, done ? code : "-");
		table_cell(&table, done ? time : "-");
		table_cell(&table, trial->run ? trial->run : "-");
	}
	table_print(&table, stdout, table_width(STDOUT_FILENO));
	table_release(&table);
}

/* ---- for programs ---- */

/* {"learner.loss": {"count": ..}} of one run, in the order of their names. */
static json_t *all_metrics(const struct trial *trial)
{
	json_t *out = json_object(), *metrics, *metric;
	const char *node, *name;
	json_object_foreach(trial->figures, node, metrics)
		json_object_foreach(metrics, name, metric) {
			char *cleanup_free whole = memory_format("%s.%s", node, name);
			json_object_set(out, whole, metric);
		}
	return out;
}

static json_t *vars_json(const struct sweep *sweep, int number)
{
	json_t *out = json_object();
	for (size_t i = 0; i < sweep->vary.count; i++) {
		const char *value = vary_value(sweep, number, i);
		json_object_set_new(out, sweep->vary.at[i].name, channel_text(value, strlen(value)));
	}
	return out;
}

static json_t *text_json(const char *text)
{
	return text ? channel_text(text, strlen(text)) : json_null();
}

static void print_json(const struct lines *lines)
{
	json_t *runs = json_array();
	for (size_t k = 0; k < lines->count; k++) {
		const struct trial *trial = lines->at[k];
		bool done = trial->state == TRIAL_DONE;
		json_array_append_new(runs, json_pack("{so ss so so so so so so}", "vars", vars_json(lines->sweep, trial->number),
			"status", status_of(trial), "exit", done ? json_integer(trial->code) : json_null(),
			"seconds", done ? json_real((double)trial->taken_ns / 1e9) : json_null(),
			"by", isnan(trial->value) ? json_null() : figure_json(trial->value),
			"run", text_json(trial->run), "record", text_json(trial->record), "metrics", all_metrics(trial)));
	}
	json_t *whole = json_pack("{si so so sb so so}", "schema", 1, "sweep", text_json(lines->sweep->id),
		"by", text_json(lines->sweep->by), "lowest", lines->sweep->lowest, "folder", text_json(lines->sweep->place), "runs", runs);
	char *cleanup_free text = dump_json(whole, JSON_COMPACT);
	json_decref(whole);
	puts(text);
}

static void print_field(const char *text, bool first)
{
	if (!first)
		putchar(',');
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of all metrics of all runs, sorted. */
static json_t *metric_names(const struct lines *lines, const char ***out, size_t *count)
{
	json_t *names = json_object(), *value;
	const char *name;
	for (size_t k = 0; k < lines->count; k++) {
		json_t *metrics = all_metrics(lines->at[k]);
		json_object_update(names, metrics);
		json_decref(metrics);
	}
	*out = memory_array(json_object_size(names) + 1, sizeof **out);
	json_object_foreach(names, name, value)
		(*out)[(*count)++] = name;
	qsort(*out, *count, sizeof **out, by_text);
	return names;
}

/* As few digits as give the same number again. */
static void print_number(double value)
{
	char text[40];
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	printf(",%s", text);
}

/* RFC 4180 but for the ends of lines: vars, status, exit, seconds, run, `by`, and the last value of every metric. */
static void print_csv(const struct lines *lines)
{
	const struct sweep *sweep = lines->sweep;
	const char **cleanup_free names = NULL;
	size_t count = 0;
	json_t *owner = metric_names(lines, &names, &count);
	bool by = sweep->by && !json_object_get(owner, sweep->by);      /* else it is among them */
	for (size_t i = 0; i < sweep->vary.count; i++)
		print_field(sweep->vary.at[i].name, i == 0);
	fputs(",status,exit,seconds,run", stdout);
	if (by)
		print_field(sweep->by, false);
	for (size_t i = 0; i < count; i++)
		print_field(names[i], false);
	putchar('\n');
	for (size_t k = 0; k < lines->count; k++) {
		const struct trial *trial = lines->at[k];
		bool done = trial->state == TRIAL_DONE;
		for (size_t i = 0; i < sweep->vary.count; i++)
			print_field(vary_value(sweep, trial->number, i), i == 0);
		print_field(status_of(trial), false);
		if (done)
			printf(",%d,%.3f,", trial->code, (double)trial->taken_ns / 1e9);
		else
			fputs(",,,", stdout);
		fputs(trial->run ? trial->run : "", stdout);
		if (by)
			isnan(trial->value) ? (void)putchar(',') : print_number(trial->value);
		json_t *metrics = all_metrics(trial);
		for (size_t i = 0; i < count; i++) {
			json_t *metric = json_object_get(metrics, names[i]);
			metric ? print_number(figure_number(json_object_get(metric, "last"))) : (void)putchar(',');
		}
		json_decref(metrics);
		putchar('\n');
	}
	json_decref(owner);
}

int sweep_print(struct sweep *sweep, struct error *error)
{
	struct lines lines;
	bool ran = false, found = false;
	sort_lines(&lines, sweep);
	for (size_t i = 0; i < lines.count; i++) {
		ran |= lines.at[i]->state == TRIAL_DONE && !lines.at[i]->code;
		found |= !isnan(lines.at[i]->value);
	}
	if (sweep->form == SWEEP_JSON)
		print_json(&lines);
	else if (sweep->form == SWEEP_CSV)
		print_csv(&lines);
	else
		print_table(&lines);
	free(lines.at);
	if (sweep->by && ran && !found)
		return error_set(error, "no run has reported %s", sweep->by);
	return 0;
}
