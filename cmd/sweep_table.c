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

/* One trial with what its record says. */
struct line {
	const struct trial *trial;
	struct run run;
	json_t *figures;                /* NULL: there is no record */
	double value;                   /* of `by`; NaN: none */
};
struct lines {
	const struct sweep *sweep;
	struct line *at;
	size_t count;
	struct figure by;
};

/* ---- what they have reported ---- */

static void open_line(const struct sweep *sweep, const struct figure *by, const struct trial *trial, struct line *out)
{
	struct error error;
	*out = (struct line){ .trial = trial, .value = NAN, .run.console.fd = -1 };
	if (!trial->record || trial->state != TRIAL_DONE || runs_find(trial->record, sweep->records, &out->run, &error))
		return;
	out->figures = figures_of(&out->run, NULL);
	if (by->node && !figure_value(by, out->figures, &out->value))
		out->value = NAN;
}

static void close_line(struct line *line)
{
	json_decref(line->figures);
	if (line->run.record)
		runs_close(&line->run);
}

double sweep_value(const struct sweep *sweep, const struct trial *trial)
{
	struct figure by = { 0 };
	struct line line;
	if (!sweep->by || !figure_parse(sweep->by, &by))
		return NAN;
	open_line(sweep, &by, trial, &line);
	close_line(&line);
	figure_release(&by);
	return line.value;
}

/* ---- the order ---- */

/* Those with a value first, the best of them first; else as they were made. */
static int compare(const void *a, const void *b, void *context)
{
	const struct lines *lines = context;
	const struct line *one = a, *two = b;
	if (isnan(one->value) != isnan(two->value))
		return isnan(one->value) ? 1 : -1;
	if (!isnan(one->value) && one->value != two->value)
		return (one->value < two->value) == lines->sweep->lowest ? -1 : 1;
	return one->trial->number - two->trial->number;
}

static void read_lines(struct lines *lines, const struct sweep *sweep)
{
	*lines = (struct lines){ .sweep = sweep, .count = sweep->trials.count };
	if (sweep->by)
		figure_parse(sweep->by, &lines->by);
	lines->at = memory_array(lines->count + 1, sizeof *lines->at);
	for (size_t i = 0; i < lines->count; i++)
		open_line(sweep, &lines->by, &sweep->trials.at[i], &lines->at[i]);
	qsort_r(lines->at, lines->count, sizeof *lines->at, compare, lines);
}

static void release_lines(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		close_line(&lines->at[i]);
	free(lines->at);
	figure_release(&lines->by);
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
		const struct line *line = &lines->at[k];
		bool done = line->trial->state == TRIAL_DONE;
		for (size_t i = 0; i < sweep->vary.count; i++)
			table_cell(&table, vary_value(sweep, line->trial->number, i));
		char *cleanup_free value = memory_format("%g", line->value);
		char *cleanup_free code = memory_format("%d", line->trial->code);
		char *cleanup_free time = memory_format("%.1f s", (double)line->trial->taken_ns / 1e9);
		if (sweep->by)
			table_cell(&table, isnan(line->value) ? "-" : value);
		table_cell(&table, status_of(line->trial));
		table_cell(&table, done ? code : "-");
		table_cell(&table, done ? time : "-");
		table_cell(&table, line->trial->run ? line->trial->run : "-");
	}
	table_print(&table, stdout, table_width(STDOUT_FILENO));
	table_release(&table);
}

/* ---- for programs ---- */

/* {"learner.loss": {"count": ..}} of one run, in the order of their names. */
static json_t *all_metrics(const struct line *line)
{
	json_t *out = json_object(), *metrics, *metric;
	const char *node, *name;
	json_object_foreach(line->figures, node, metrics)
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
		const struct line *line = &lines->at[k];
		const struct trial *trial = line->trial;
		bool done = trial->state == TRIAL_DONE;
		json_array_append_new(runs, json_pack("{so ss so so so so so so}", "vars", vars_json(lines->sweep, trial->number),
			"status", status_of(trial), "exit", done ? json_integer(trial->code) : json_null(),
			"seconds", done ? json_real((double)trial->taken_ns / 1e9) : json_null(),
			"by", isnan(line->value) ? json_null() : figure_json(line->value),
			"run", text_json(trial->run), "record", text_json(trial->record), "metrics", all_metrics(line)));
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
		json_t *metrics = all_metrics(&lines->at[k]);
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
	for (size_t i = 0; i < sweep->vary.count; i++)
		print_field(sweep->vary.at[i].name, i == 0);
	fputs(",status,exit,seconds,run", stdout);
	if (sweep->by)
		print_field(sweep->by, false);
	for (size_t i = 0; i < count; i++)
		print_field(names[i], false);
	putchar('\n');
	for (size_t k = 0; k < lines->count; k++) {
		const struct line *line = &lines->at[k];
		bool done = line->trial->state == TRIAL_DONE;
		for (size_t i = 0; i < sweep->vary.count; i++)
			print_field(vary_value(sweep, line->trial->number, i), i == 0);
		print_field(status_of(line->trial), false);
		if (done)
			printf(",%d,%.3f,", line->trial->code, (double)line->trial->taken_ns / 1e9);
		else
			fputs(",,,", stdout);
		fputs(line->trial->run ? line->trial->run : "", stdout);
		if (sweep->by)
			isnan(line->value) ? (void)putchar(',') : print_number(line->value);
		json_t *metrics = all_metrics(line);
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
	read_lines(&lines, sweep);
	for (size_t i = 0; i < lines.count; i++) {
		ran |= lines.at[i].trial->state == TRIAL_DONE && !lines.at[i].trial->code;
		found |= !isnan(lines.at[i].value);
	}
	if (sweep->form == SWEEP_JSON)
		print_json(&lines);
	else if (sweep->form == SWEEP_CSV)
		print_csv(&lines);
	else
		print_table(&lines);
	release_lines(&lines);
	if (sweep->by && ran && !found)
		return error_set(error, "no run has reported %s", sweep->by);
	return 0;
}
