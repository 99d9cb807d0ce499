/* SPDX-License-Identifier: MIT */
#include "supervise/figures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static const char *const statistic_words[] = {
	[STATISTIC_LAST] = "last",
	[STATISTIC_MIN] = "min",
	[STATISTIC_MAX] = "max",
	[STATISTIC_MEAN] = "mean",
	[STATISTIC_COUNT] = "count",
};
enum { STATISTICS = sizeof statistic_words / sizeof statistic_words[0] };

double figure_number(const json_t *value)
{
	if (json_is_number(value))
		return json_number_value(value);
	return json_is_string(value) ? strtod(json_string_value(value), NULL) : NAN;
}

json_t *figure_json(double value)
{
	if (isnan(value))
		return json_string("NaN");
	return isinf(value) ? json_string(value > 0 ? "Infinity" : "-Infinity") : json_real(value);
}

/* ---- where they come from ---- */

static json_t *of_result(const json_t *result)
{
	const char *name;
	json_t *node, *out = json_object();
	json_object_foreach(json_object_get(result, "nodes"), name, node)
		json_object_set(out, name, json_object_get(node, "metrics"));
	return out;
}

static json_t *of_status(const json_t *status)
{
	size_t i;
	json_t *node, *out = json_object();
	json_array_foreach(json_object_get(status, "nodes"), i, node) {
		const char *name = json_string_value(json_object_get(node, "node"));
		json_t *metrics = json_object_get(node, "metrics");
		if (name)
			json_object_set_new(out, name, metrics ? json_incref(metrics) : json_object());
	}
	return out;
}

static json_t *member_object(json_t *parent, const char *name)
{
	json_t *child = json_object_get(parent, name);
	if (child)
		return child;
	json_object_set_new(parent, name, json_object());
	return json_object_get(parent, name);
}

static void add_value(json_t *metric, double value, json_int_t step)
{
	json_int_t count = json_integer_value(json_object_get(metric, "count")) + 1;
	double least = figure_number(json_object_get(metric, "min")), most = figure_number(json_object_get(metric, "max"));
	double mean = count > 1 ? figure_number(json_object_get(metric, "mean")) : 0;
	json_object_set_new(metric, "count", json_integer(count));
	json_object_set_new(metric, "last", figure_json(value));
	json_object_set_new(metric, "min", figure_json(count == 1 || value < least ? value : least));
	json_object_set_new(metric, "max", figure_json(count == 1 || value > most ? value : most));
	json_object_set_new(metric, "mean", figure_json(mean + (value - mean) / (double)count));
	json_object_set_new(metric, "step", json_integer(step));
}

void figures_add(json_t *figures, const char *line, size_t length)
{
	json_t *report = json_loadb(line, length, 0, NULL);
	const char *node = json_string_value(json_object_get(report, "node"));
	const char *name = json_string_value(json_object_get(report, "name"));
	if (node && name)
		add_value(member_object(member_object(figures, node), name), figure_number(json_object_get(report, "value")),
			json_integer_value(json_object_get(report, "step")));
	json_decref(report);
}

static json_t *of_file(const struct run *run)
{
	char *cleanup_free path = memory_format("%s/metrics.jsonl", run->record);
	FILE *file = fopen(path, "re");
	json_t *out = json_object();
	char *line = NULL;
	size_t room = 0;
	for (ssize_t length; file && (length = getline(&line, &room, file)) > 0; )
		if (line[length - 1] == '\n')
			figures_add(out, line, (size_t)length);
	free(line);
	if (file)
		fclose(file);
	return out;
}

json_t *figures_of(struct run *run, const json_t *status)
{
	const json_t *result = run->state == RUN_ENDED ? runs_result(run) : NULL;
	if (json_object_get(result, "nodes"))
		return of_result(result);
	return json_object_get(status, "nodes") ? of_status(status) : of_file(run);
}

/* ---- one of them ---- */

bool figure_parse(const char *text, struct figure *out)
{
	const char *dot = strchr(text, '.');
	if (!dot || dot == text || !dot[1] || text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-/")] != '.')
		return false;
	*out = (struct figure){ memory_copy_span(text, (size_t)(dot - text)), memory_copy_text(dot + 1) };
	return true;
}

void figure_release(struct figure *figure)
{
	free(figure->node);
	free(figure->metric);
	*figure = (struct figure){ 0 };
}

bool figure_has_node(const struct figure *figure, const char *name)
{
	size_t length = strlen(figure->node);
	return !strncmp(name, figure->node, length) && (!name[length] || name[length] == '/');
}

/* The metric, and which statistic of it. */
static const json_t *metric_of(const struct figure *figure, const json_t *metrics, enum statistic *statistic)
{
	const json_t *whole = json_object_get(metrics, figure->metric);
	const char *dot = strrchr(figure->metric, '.');
	*statistic = STATISTIC_LAST;
	if (whole || !dot)
		return whole;
	for (int i = 0; i < STATISTICS; i++)
		if (!strcmp(dot + 1, statistic_words[i])) {
			char *cleanup_free name = memory_copy_span(figure->metric, (size_t)(dot - figure->metric));
			*statistic = (enum statistic)i;
			return json_object_get(metrics, name);
		}
	return NULL;
}

bool figure_of_node(const struct figure *figure, const json_t *metrics, double *out)
{
	enum statistic statistic;
	const json_t *metric = metric_of(figure, metrics, &statistic);
	if (metric)
		*out = figure_number(json_object_get(metric, statistic_words[statistic]));
	return metric != NULL;
}

static void merge(enum statistic statistic, double *all, double value, double weight, double weights)
{
	if (statistic == STATISTIC_COUNT)
		*all += value;
	else if (statistic == STATISTIC_MIN)
		*all = weights == weight || value < *all ? value : *all;
	else if (statistic == STATISTIC_MAX)
		*all = weights == weight || value > *all ? value : *all;
	else
		*all += (value - *all) * weight / weights;
}

bool figure_value(const struct figure *figure, const json_t *figures, double *out)
{
	const char *name;
	json_t *metrics;
	double all = 0, weights = 0;
	json_object_foreach((json_t *)figures, name, metrics) {
		enum statistic statistic;
		const json_t *metric = figure_has_node(figure, name) ? metric_of(figure, metrics, &statistic) : NULL;
		if (!metric)
			continue;
		double weight = statistic == STATISTIC_MEAN ? json_number_value(json_object_get(metric, "count")) : 1;
		weights += weight;
		merge(statistic, &all, figure_number(json_object_get(metric, statistic_words[statistic])), weight, weights);
	}
	*out = all;
	return weights > 0;
}
