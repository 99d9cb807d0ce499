/* SPDX-License-Identifier: MIT */
#include "supervise/columns.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/dump.h"
#include "base/memory.h"
#include "base/text.h"

/* ---- fields ---- */

static json_t *of_manifest(const struct row *row, const char *name)
{
	json_t *value = json_object_get(runs_manifest(row->run), name);
	return value ? json_incref(value) : json_null();
}

static json_t *of_result(const struct row *row, const char *name)
{
	json_t *value = row->run->state == RUN_ENDED ? json_object_get(runs_result(row->run), name) : NULL;
	return value ? json_incref(value) : json_null();
}

static json_t *value_run(const struct row *row)
{
	return json_string(row->run->id);
}

static json_t *value_state(const struct row *row)
{
	return json_string(run_state_word(row->run->state));
}

static json_t *value_exit(const struct row *row)
{
	return of_result(row, "exit");
}

static json_t *value_status(const struct row *row)
{
	return of_result(row, "status");
}

static json_t *value_name(const struct row *row)
{
	return of_manifest(row, "name");
}

static json_t *value_seed(const struct row *row)
{
	return of_manifest(row, "seed");
}

static json_t *value_started(const struct row *row)
{
	return of_manifest(row, "started");
}

static json_t *value_folder(const struct row *row)
{
	return of_manifest(row, "folder");
}

static json_t *value_record(const struct row *row)
{
	json_t *path = json_string(row->run->record);
	return path ? path : json_null();
}

/* Of a lost one it is not known. */
static json_t *value_time(const struct row *row)
{
	if (row->run->state == RUN_ENDED)
		return of_result(row, "seconds");
	json_t *time = json_object_get(row->status, "time");
	if (time)
		return json_incref(time);
	if (!runs_is_under_way(row->run) || !row->run->started_ms)
		return json_null();
	return json_real((double)(clock_wall_ms() - row->run->started_ms) / 1e3);
}

static json_t *value_nodes(const struct row *row)
{
	const json_t *ended = row->run->state == RUN_ENDED ? json_object_get(runs_result(row->run), "nodes") : NULL;
	const json_t *living = json_object_get(row->status, "nodes");
	if (ended || living)
		return json_integer((json_int_t)(ended ? json_object_size(ended) : json_array_size(living)));
	json_t *replicas = json_object_get(runs_resolved(row->run), "replicas");
	return replicas ? json_incref(replicas) : json_null();
}

static const struct field {
	const char *name;
	json_t *(*value)(const struct row *row);
	bool number;
} fields[] = {
	{ "run", value_run, false },
	{ "state", value_state, false },
	{ "exit", value_exit, true },
	{ "status", value_status, false },
	{ "name", value_name, false },
	{ "seed", value_seed, true },
	{ "time", value_time, true },
	{ "started", value_started, false },
	{ "nodes", value_nodes, true },
	{ "folder", value_folder, false },
	{ "record", value_record, false },
};
enum { FIELDS = sizeof fields / sizeof fields[0], TIME = 6, STARTED = 7 };

/* ---- reading them ---- */

static int unknown(const char *name, struct error *error)
{
	const char *names[FIELDS];
	for (int i = 0; i < FIELDS; i++)
		names[i] = fields[i].name;
	const char *nearest = text_nearest(name, names, FIELDS);
	if (nearest)
		return error_set(error, "there is no column `%s`: did you mean %s?", name, nearest);
	return error_set(error, "there is no column `%s`: there are run, state, exit, status, name, seed, time, started, nodes, "
		"folder, record, vars.NAME, and NODE.METRIC or NODE.METRIC.max (last, min, max, mean, count)", name);
}

static int parse(const char *name, struct column *out, struct error *error)
{
	*out = (struct column){ .field = -1 };
	for (int i = 0; i < FIELDS; i++)
		if (!strcmp(name, fields[i].name))
			out->field = i;
	bool variable = text_starts(name, "vars.") && name[5];
	if (out->field < 0 && !variable && !figure_parse(name, &out->figure))
		return unknown(name, error);
	out->name = memory_copy_text(name);
	out->variable = variable ? out->name + 5 : NULL;
	return 0;
}

int columns_add(struct columns *columns, const char *list, struct error *error)
{
	for (const char *at = list; ; at++) {
		size_t length = strcspn(at, ",");
		struct column column;
		char *cleanup_free name = memory_copy_span(at, length);
		if (!length)
			return error_set(error, "`%s`: a name is missing before or after a comma", list);
		if (parse(name, &column, error))
			return -1;
		*list_add(&columns->list) = column;
		at += length;
		if (!*at)
			return 0;
	}
}

void columns_release(struct columns *columns)
{
	for (size_t i = 0; i < columns->list.count; i++) {
		free(columns->list.at[i].name);
		figure_release(&columns->list.at[i].figure);
	}
	list_release(&columns->list);
}

bool columns_want_figures(const struct columns *columns)
{
	for (size_t i = 0; i < columns->list.count; i++)
		if (columns->list.at[i].figure.node)
			return true;
	return false;
}

bool column_is_number(const struct column *column)
{
	return column->figure.node || (column->field >= 0 && fields[column->field].number);
}

/* ---- whether anybody has it ---- */

struct words {
	LIST(const char *) list;
};

static const char *nearest_of(const char *name, struct words *words)
{
	const char *nearest = text_nearest(name, words->list.at, words->list.count);
	list_release(&words->list);
	return nearest;
}

static int nobody_has(const char *what, const char *name, const char *prefix, struct words *words, struct error *error)
{
	const char *nearest = nearest_of(name, words);
	if (nearest)
		return error_set(error, "none of these runs has %s `%s`: did you mean %s%s?", what, name, prefix, nearest);
	return error_set(error, "none of these runs has %s `%s`", what, name);
}

static int check_variable(const struct column *column, const struct row *rows, size_t count, struct error *error)
{
	struct words words = { 0 };
	bool any = false;
	for (size_t i = 0; i < count; i++) {
		const char *name;
		json_t *value;
		json_object_foreach(json_object_get(runs_manifest(rows[i].run), "vars"), name, value) {
			*list_add(&words.list) = name;
			any |= !strcmp(name, column->variable);
		}
	}
	if (!any)
		return nobody_has("the variable", column->variable, "vars.", &words, error);
	list_release(&words.list);
	return 0;
}

static bool has_node(const struct figure *figure, const struct row *row, struct words *words)
{
	size_t i;
	json_t *group;
	bool any = false;
	size_t length = strcspn(figure->node, "/");
	json_array_foreach(json_object_get(runs_resolved(row->run), "nodes"), i, group) {
		const char *label = json_string_value(json_object_get(group, "node"));
		if (!label)
			continue;
		*list_add(&words->list) = label;
		any |= strlen(label) == length && !strncmp(label, figure->node, length);
	}
	return any;
}

/* Names that its replicas have reported. */
static void add_metrics(const struct figure *figure, const struct row *row, struct words *words)
{
	const char *node, *name;
	json_t *metrics, *metric;
	json_object_foreach(row->figures, node, metrics)
		if (figure_has_node(figure, node))
			json_object_foreach(metrics, name, metric)
				*list_add(&words->list) = name;
}

static int check_figure(const struct column *column, const struct row *rows, size_t count, struct error *error)
{
	struct words nodes = { 0 }, metrics = { 0 };
	bool node = false;
	double value;
	for (size_t i = 0; i < count; i++) {
		if (figure_value(&column->figure, rows[i].figures, &value)) {
			list_release(&nodes.list);
			list_release(&metrics.list);
			return 0;
		}
		node |= has_node(&column->figure, &rows[i], &nodes);
		if (!runs_is_under_way(rows[i].run))
			add_metrics(&column->figure, &rows[i], &metrics);
	}
	if (!node) {
		list_release(&metrics.list);
		return nobody_has("the node", column->figure.node, "", &nodes, error);
	}
	list_release(&nodes.list);
	char *cleanup_free prefix = memory_format("%s.", column->figure.node);
	return metrics.list.count ? nobody_has("the metric", column->name + strlen(prefix), prefix, &metrics, error) : 0;
}

int columns_check(const struct columns *columns, const struct row *rows, size_t count, struct error *error)
{
	for (size_t i = 0; count && i < columns->list.count; i++) {
		const struct column *column = &columns->list.at[i];
		if ((column->variable && check_variable(column, rows, count, error)) ||
		    (column->figure.node && check_figure(column, rows, count, error)))
			return -1;
	}
	return 0;
}

/* ---- values ---- */

json_t *column_value(const struct column *column, const struct row *row)
{
	double value;
	if (column->field >= 0)
		return fields[column->field].value(row);
	if (column->figure.node)
		return figure_value(&column->figure, row->figures, &value) ? figure_json(value) : json_null();
	json_t *variable = json_object_get(json_object_get(runs_manifest(row->run), "vars"), column->variable);
	return variable ? json_incref(variable) : json_null();
}

/* "0.43s", "12.3s", "3m20s", "2h05m", "4d03h" */
static char *time_text(double seconds)
{
	long whole = (long)seconds;
	if (seconds < 60)
		return memory_format(seconds < 10 ? "%.2fs" : "%.1fs", seconds);
	if (whole < 3600)
		return memory_format("%ldm%02lds", whole / 60, whole % 60);
	if (whole < 86400)
		return memory_format("%ldh%02ldm", whole / 3600, whole / 60 % 60);
	return memory_format("%ldd%02ldh", whole / 86400, whole / 3600 % 24);
}

/* In local time. */
static char *started_text(const char *stamp)
{
	struct tm parts = { 0 };
	char out[32];
	if (!strptime(stamp, "%Y-%m-%dT%H:%M:%S", &parts))
		return memory_copy_text(stamp);
	time_t moment = timegm(&parts);
	localtime_r(&moment, &parts);
	strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S", &parts);
	return memory_copy_text(out);
}

static char *list_text(const json_t *list)
{
	size_t i;
	json_t *item;
	struct text out = { 0 };
	json_array_foreach(list, i, item) {
		char *cleanup_free other = json_is_string(item) ? NULL : dump_json(item, JSON_ENCODE_ANY | JSON_COMPACT);
		text_format(&out, "%s%s", i ? "," : "", other ? other : json_string_value(item));
	}
	return text_take(&out);
}

char *column_text(const struct column *column, const struct row *row)
{
	json_t *value = column_value(column, row);
	char *out;
	if (json_is_null(value))
		out = memory_copy_text("-");
	else if (column->field == TIME)
		out = time_text(json_number_value(value));
	else if (column->field == STARTED && json_is_string(value))
		out = started_text(json_string_value(value));
	else if (json_is_string(value))
		out = memory_copy_text(json_string_value(value));
	else if (json_is_real(value))
		out = memory_format("%.6g", json_real_value(value));
	else if (json_is_array(value))
		out = list_text(value);
	else
		out = dump_json(value, JSON_ENCODE_ANY | JSON_COMPACT);
	json_decref(value);
	return out ? out : memory_copy_text("-");
}

/* A number, or a text that is one, as variables are. */
static bool as_number(const json_t *value, double *out)
{
	const char *text = json_string_value(value);
	char *end = NULL;
	if (json_is_number(value))
		*out = json_number_value(value);
	else if (text)
		*out = strtod(text, &end);
	return (json_is_number(value) || (text && end != text && !*end)) && !isnan(*out);
}

int column_compare(const json_t *a, const json_t *b, bool descending)
{
	double one, two;
	bool no_a = json_is_null(a), no_b = json_is_null(b);
	if (no_a || no_b)
		return no_a - no_b;
	bool number_a = as_number(a, &one), number_b = as_number(b, &two);
	if (number_a != number_b)
		return number_b - number_a;
	int order;
	if (number_a) {
		order = one < two ? -1 : one > two;
	} else {
		char *cleanup_free left = json_is_string(a) ? NULL : json_dumps(a, JSON_ENCODE_ANY);
		char *cleanup_free right = json_is_string(b) ? NULL : json_dumps(b, JSON_ENCODE_ANY);
		order = strverscmp(left ? left : json_string_value(a), right ? right : json_string_value(b));
	}
	return descending ? -order : order;
}
