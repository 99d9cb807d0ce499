/* SPDX-License-Identifier: MIT */
/* How a run is, and each of its nodes; of one that has ended, how it was. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "asking.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/table.h"
#include "base/text.h"
#include "supervise/past.h"

enum { RUN, METRICS, EDGES, JSON };
static const struct option_row rows[] = {
	[RUN] = ASKING_RUN_ROW,
	[METRICS] = { "metrics", 0, NULL, "what the nodes have reported, too" },
	[EDGES] = { "edges", 0, NULL, "what went over the edges, too" },
	[JSON] = { "json", 0, NULL, "one JSON document" },
	{ .name = NULL },
};
static const int64_t PATIENCE_NS = 10000000000;

struct showing {
	struct asked asked;
	bool metrics, edges;
};

static int read_options(struct showing *showing, struct options *options)
{
	struct asked *asked = &showing->asked;
	for (int i; (i = options_next(options)) != OPTIONS_END; )
		switch (i) {
		case RUN:
			asked->run_name = options->value;
			break;
		case METRICS:
			showing->metrics = true;
			break;
		case EDGES:
			showing->edges = true;
			break;
		case JSON:
			asked->json = true;
			break;
		case OPTIONS_HELP:
			return EXIT_OK;
		default:
			return EXIT_USAGE;
		}
	return asking_take_nodes(asked, options) ? EXIT_USAGE : -1;
}

/* ---- asking ---- */

/* NULL with an error. One that ends while it is asked is looked up. */
static json_t *ask_run(struct showing *showing, struct error *error)
{
	struct asked *asked = &showing->asked;
	if (runs_connect(&asked->run, error))
		return NULL;
	json_t *question = asking_question(asked, "status");
	json_object_set_new(question, "metrics", json_boolean(showing->metrics));
	json_object_set_new(question, "edges", json_boolean(showing->edges));
	json_t *status = runs_ask(&asked->run, question, clock_ns() + PATIENCE_NS, error);
	if (status)
		json_object_set_new(status, "state", json_string(run_state_word(run_state_of_phase(
			json_string_value(json_object_get(status, "phase"))))));
	return status;
}

static json_t *get_status(struct showing *showing, struct error *error)
{
	struct asked *asked = &showing->asked;
	json_t *status = runs_is_under_way(&asked->run) ? ask_run(showing, error) : NULL;
	if (status)
		return status;
	runs_look(&asked->run);
	if (runs_is_under_way(&asked->run))
		return NULL;
	*error = (struct error){ 0 };
	return past_status(&asked->run, asked->nodes, showing->metrics, showing->edges, error);
}

/* ---- the table ---- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static double number_of(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

/* "1.2 s", "3 min 20 s" */
static void span(char out[32], double seconds)
{
	if (seconds < 60)
		snprintf(out, 32, "%.1f s", seconds);
	else
		clock_span(out, (int64_t)(seconds * 1000));
}

/* "3.2 MiB" */
static void size_text(char out[32], double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;
	for (; bytes >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
		bytes /= 1024;
	snprintf(out, 32, bytes < 10 && unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static void show_run(const json_t *status)
{
	char time[32];
	span(time, number_of(status, "time"));
	const char *state = text_of(status, "state"), *cause = text_of(status, "cause"), *phase = text_of(status, "phase");
	bool over = text_equal(phase, "over");
	printf("run %s, %s%s%s%s, %s", text_of(status, "run"), json_is_true(json_object_get(status, "paused")) ? "paused" : state,
		over || text_equal(phase, "run") ? "" : " (", over || text_equal(phase, "run") ? "" : phase,
		over || text_equal(phase, "run") ? "" : ")", time);
	const json_t *code = json_object_get(status, "exit");
	if (*cause)
		printf(": %s", cause);
	if (code)
		printf(", exit %d", (int)json_integer_value(code));
	putchar('\n');
}

/* What it does: of one that has ended, how. */
static void add_step(struct table *table, const json_t *node)
{
	char text[64];
	const json_t *code = json_object_get(node, "exit"), *signal = json_object_get(node, "signal");
	snprintf(text, sizeof text, "%s", text_of(node, "step"));
	if (signal)
		snprintf(text, sizeof text, "signal %d", (int)json_integer_value(signal));
	else if (code)
		snprintf(text, sizeof text, "exit %d", (int)json_integer_value(code));
	table_cell(table, text);
}

static void add_row(struct table *table, const json_t *node)
{
	char text[32];
	const json_t *pid = json_object_get(node, "pid");
	table_cell(table, text_of(node, "node"));
	table_cell(table, text_of(node, "state"));
	add_step(table, node);
	snprintf(text, sizeof text, "%d", (int)json_integer_value(pid));
	table_cell(table, json_is_integer(pid) ? text : "");
	snprintf(text, sizeof text, "%d", (int)number_of(node, "restarts"));
	table_cell(table, text);
	span(text, number_of(node, "cpu"));
	table_cell(table, text);
	size_text(text, number_of(node, "memory"));
	table_cell(table, text);
	span(text, number_of(node, "uptime"));
	table_cell(table, text);
}

static void show_nodes(const json_t *nodes)
{
	static const struct {
		const char *name;
		bool right;
	} columns[] = { { "node", false }, { "state", false }, { "step", false }, { "pid", true }, { "restarts", true },
		{ "cpu", true }, { "memory", true }, { "uptime", true } };
	struct table table = { 0 };
	size_t i;
	json_t *node;
	for (i = 0; i < sizeof columns / sizeof columns[0]; i++)
		table_column(&table, columns[i].name, columns[i].right);
	json_array_foreach(nodes, i, node)
		add_row(&table, node);
	table_print(&table, stdout, table_width(STDOUT_FILENO));
	table_release(&table);
}

static void show_failure(const json_t *node, const char *key, const char *how)
{
	const json_t *failure = json_object_get(node, key);
	if (json_is_object(failure))
		printf("%s %s in %s: %s%s%s\n", text_of(node, "node"), how, text_of(failure, "step"), text_of(failure, "text"),
			*text_of(failure, "limit") ? ", " : "", text_of(failure, "limit"));
}

/* What nodes, and those whom they ask, say in their own words. */
__attribute__((format(printf, 1, 2)))
static void show_line(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *cleanup_free line = memory_format_list(format, list);
	va_end(list);
	puts(text_printable(line));
}

static void show_words(const json_t *node)
{
	const char *name;
	json_t *text;
	json_object_foreach(json_object_get(node, "status"), name, text)
		show_line("%s%s%s: %s", text_of(node, "node"), *name ? " " : "", name, json_string_value(text));
	if (*text_of(node, "waits_for"))
		show_line("%s waits for %s", text_of(node, "node"), text_of(node, "waits_for"));
}

static void show_metrics(const json_t *nodes)
{
	static const char *const columns[] = { "last", "min", "max", "mean", "count", "step" };
	struct table table = { 0 };
	size_t i;
	json_t *node, *metric;
	const char *name;
	table_column(&table, "metric", false);
	for (i = 0; i < sizeof columns / sizeof columns[0]; i++)
		table_column(&table, columns[i], true);
	json_array_foreach(nodes, i, node)
		json_object_foreach(json_object_get(node, "metrics"), name, metric) {
			char *cleanup_free full = memory_format("%s.%s", text_of(node, "node"), name);
			table_cell(&table, full);
			for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++) {
				const json_t *value = json_object_get(metric, columns[k]);
				char text[32];
				snprintf(text, sizeof text, "%.6g", json_number_value(value));
				table_cell(&table, json_is_string(value) ? json_string_value(value) : text);
			}
		}
	if (table.cells.count)
		putchar('\n');
	if (table.cells.count)
		table_print(&table, stdout, table_width(STDOUT_FILENO));
	table_release(&table);
}

static void show_edges(const json_t *edges)
{
	static const char *const columns[] = { "messages", "bytes", "received", "dropped", "lost", "errors" };
	struct table table = { 0 };
	size_t i;
	json_t *edge;
	table_column(&table, "edge", false);
	for (i = 0; i < sizeof columns / sizeof columns[0]; i++)
		table_column(&table, columns[i], true);
	json_array_foreach(edges, i, edge) {
		table_cell(&table, text_of(edge, "edge"));
		for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++) {
			char text[32];
			const json_t *value = json_object_get(edge, columns[k]);
			snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
			table_cell(&table, value ? text : "");
		}
	}
	putchar('\n');
	table_print(&table, stdout, table_width(STDOUT_FILENO));
	table_release(&table);
}

static void show(const struct showing *showing, const json_t *status)
{
	size_t i;
	json_t *node;
	const json_t *nodes = json_object_get(status, "nodes");
	show_run(status);
	show_nodes(nodes);
	json_array_foreach(nodes, i, node) {
		show_words(node);
		show_failure(node, "failure", "failed");
		show_failure(node, "last_failure", "had failed");
	}
	if (showing->metrics)
		show_metrics(nodes);
	if (showing->edges)
		show_edges(json_object_get(status, "edges"));
}

static int status(struct showing *showing)
{
	struct error error = { 0 };
	if (runs_find(showing->asked.run_name, NULL, &showing->asked.run, &error)) {
		asking_fail(&showing->asked, &error);
		return EXIT_UNREADABLE;
	}
	json_t *status = get_status(showing, &error);
	if (!status)
		return asking_fail(&showing->asked, &error);
	if (showing->asked.json)
		asking_print(json_incref(status));
	else
		show(showing, status);
	json_decref(status);
	return EXIT_OK;
}

static int run_status(const struct command *command, int count, char **arguments)
{
	struct options options = { .command = command, .count = count, .arguments = arguments };
	struct showing showing = { .asked = { .command = command, .until_ns = INT64_MAX, .run.console.fd = -1 } };
	int code = read_options(&showing, &options);
	if (code < 0)
		code = status(&showing);
	asking_release(&showing.asked);
	options_release(&options);
	return code;
}

const struct command command_status = {
	.name = "status",
	.summary = "show how a run and its nodes are, or were",
	.usage = "[options] [NODE...]",
	.options = rows,
	.details = "NODE is a replica, actor/3, or a group, actor, for all of its replicas.\n"
		"Exit: 0 shown, 1 it could not be, 2 usage, 3 no such run or node, 124 its supervisor does not answer.\n",
	.run = run_status,
};
