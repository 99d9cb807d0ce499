/* SPDX-License-Identifier: MIT */
/* Looks on while a program runs: a topic, a metric, a node, or everything. */
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "topology/scalar.h"
#include "watching.h"

enum { RUN, COUNT, INTERVAL, TIMEOUT, RATE, FULL, JSON };
static const struct option_row rows[] = {
	[RUN] = { "run", 'r', "RUN", "its id, or the folder of its record; otherwise $LPAD_RUN, or the only run under way" },
	[COUNT] = { "count", 'n', "COUNT", "end after so many lines" },
	[INTERVAL] = { "interval", 0, "DURATION", "between two tables, or two lines of --rate (default 1s)" },
	[TIMEOUT] = { "timeout", 0, "DURATION", "end after that time, with code 124" },
	[RATE] = { "rate", 0, NULL, "of a topic: messages and bytes per second, and how many were missed" },
	[FULL] = { "full", 0, NULL, "print long tensors and bytes whole" },
	[JSON] = { "json", 0, NULL, "JSON lines for tables and rates, too" },
	{ .name = NULL },
};
enum { GRACE_MS = 100 };
static const int64_t SECOND_NS = 1000000000, CONSOLE_PATIENCE_NS = INT64_C(10000000000);

void watching_say(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *cleanup_free text = memory_format_list(format, list);
	va_end(list);
	fprintf(stderr, "lpad watch: %s\n", text);
}

json_t *watching_ask(struct watching *watching, json_t *question, int *code)
{
	struct error error = { 0 };
	json_t *answer = runs_ask(&watching->run, question, clock_ns() + CONSOLE_PATIENCE_NS, &error);
	*code = answer ? EXIT_OK : EXIT_UNREADABLE;
	if (!answer)
		watching_say("%s", error.text);
	return answer;
}

bool watching_enough(struct watching *watching)
{
	return watching->most > 0 && --watching->most == 0;
}

/* ---- arguments ---- */

static int take_duration(const struct watching *watching, const char *option, const char *text, int64_t *out)
{
	struct error error = { 0 };
	if (scalar_duration(text, out, &error))
		return command_usage_error(watching->command, "%s: %s", option, error.text);
	return *out > 0 ? 0 : command_usage_error(watching->command, "%s: more than nothing is wanted", option);
}

static int take_count(struct watching *watching, const char *text)
{
	char *end;
	watching->most = strtoll(text, &end, 10);
	return watching->most > 0 && !*end ? 0 : command_usage_error(watching->command, "--count: `%s` is no number from 1 on", text);
}

static int take_option(struct watching *watching, int option, const char *value)
{
	int64_t timeout_ns = 0;
	switch (option) {
	case RUN:
		watching->run_name = value;
		return 0;
	case COUNT:
		return take_count(watching, value);
	case INTERVAL:
		return take_duration(watching, "--interval", value, &watching->interval_ns);
	case TIMEOUT:
		if (take_duration(watching, "--timeout", value, &timeout_ns))
			return EXIT_USAGE;
		watching->until_ns = clock_ns() + timeout_ns;
		return 0;
	case RATE:
		watching->rate = true;
		return 0;
	case FULL:
		watching->full = true;
		return 0;
	case JSON:
		watching->json = true;
		return 0;
	default:
		return EXIT_USAGE;
	}
}

/* A label has no dot: what follows the first is a topic, or a metric. */
static int take_target(struct watching *watching, const struct options *options)
{
	if (options->operand_count > 1 || options->rest)
		return command_usage_error(watching->command, "one NODE, NODE.TOPIC or NODE.METRIC is wanted, or nothing");
	const char *target = watching->target = options->operand_count ? options->operands[0] : NULL;
	const char *dot = target ? strchr(target, '.') : NULL;
	if (target && (!*target || dot == target || (dot && !dot[1])))
		return command_usage_error(watching->command, "`%s` is no NODE, NODE.TOPIC or NODE.METRIC: learner.loss", target);
	if (!dot && watching->rate)
		return command_usage_error(watching->command, "--rate is of a topic: NODE.TOPIC");
	watching->node = dot ? memory_copy_span(target, (size_t)(dot - target)) : memory_copy_text(target);
	watching->port = dot ? memory_copy_text(dot + 1) : NULL;
	return -1;
}

static int read_options(struct watching *watching, struct options *options)
{
	for (int i; (i = options_next(options)) != OPTIONS_END; )
		if (i == OPTIONS_HELP)
			return EXIT_OK;
		else if (take_option(watching, i, options->value))
			return EXIT_USAGE;
	return take_target(watching, options);
}

/* ---- what is meant ---- */

static const char *nearest_of(const json_t *list, const char *word)
{
	size_t count = json_array_size(list);
	const char **cleanup_free words = memory_array(count + 1, sizeof *words);
	for (size_t i = 0; i < count; i++)
		words[i] = json_string_value(json_array_get(list, i));
	return text_nearest(word, words, count);
}

static bool holds(const json_t *list, const char *word)
{
	const char *nearest = nearest_of(list, word);
	return nearest && !strcmp(nearest, word);
}

/* "it has: weights, loss". */
static void add_list(struct text *out, const char *what, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		text_format(out, "%s%s", i ? ", " : what, json_string_value(json_array_get(list, i)));
}

static void describe_node(const struct watching *watching, struct text *out)
{
	const json_t *topics = json_object_get(watching->answer, "topics"), *metrics = json_object_get(watching->answer, "metrics");
	text_add(out, json_array_size(topics) ? "" : "; it has no topics");
	add_list(out, "; its topics: ", topics);
	text_add(out, json_array_size(metrics) ? "" : "; it has reported nothing so far");
	add_list(out, "; reported so far: ", metrics);
}

/* Neither a topic, nor a metric yet. 0: it may become one. */
static int judge_unknown(const struct watching *watching)
{
	struct text cleanup_text what = { 0 };
	const char *near = nearest_of(json_object_get(watching->answer, "topics"), watching->port);
	near = near ? near : nearest_of(json_object_get(watching->answer, "metrics"), watching->port);
	describe_node(watching, &what);
	if (near)
		watching_say("%s has no topic or metric `%s`: did you mean %s?%s", watching->node, watching->port, near, text_string(&what));
	else
		watching_say("%s has no topic `%s`, and has reported no metric of that name yet, which is waited for%s", watching->node,
			watching->port, text_string(&what));
	return near ? EXIT_UNREADABLE : 0;
}

static int watch_node(struct watching *watching)
{
	int code;
	json_t *question = json_pack("{ss ss}", "ask", "topic", "node", watching->node);
	if (watching->port)
		json_object_set_new(question, "topic", json_string(watching->port));
	watching->answer = watching_ask(watching, question, &code);
	if (!watching->answer)
		return code;
	const json_t *metrics = json_object_get(watching->answer, "metrics");
	bool topic = json_is_string(json_object_get(watching->answer, "topic"));
	bool metric = watching->port && holds(metrics, watching->port);
	if (topic && metric)
		watching_say("%s is a topic and a metric; this is the topic, `lpad watch %s` shows both", watching->target, watching->node);
	if (topic)
		return watch_topic(watching);
	if (watching->rate)
		return watching_say("%s is no topic: --rate is of topics", watching->target), EXIT_UNREADABLE;
	if (watching->port && !metric && (code = judge_unknown(watching)))
		return code;
	return watch_events(watching);
}

/* `lpad watch x.y | head -1` ends when head has, not when the next message comes. Who has just printed the last line ends as ever. */
static void *mind_reader(void *nothing)
{
	struct pollfd out = { .fd = STDOUT_FILENO };
	while (poll(&out, 1, -1) < 0 || !(out.revents & POLLERR))
		;
	poll(NULL, 0, GRACE_MS);
	_exit(EXIT_STDOUT);
	return nothing;
}

static void start_minding(void)
{
	struct stat status;
	pthread_t thread;
	bool pipe = !fstat(STDOUT_FILENO, &status) && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
	if (pipe && !pthread_create(&thread, NULL, mind_reader, NULL))
		pthread_detach(thread);
}

static int watch(struct watching *watching)
{
	struct error error = { 0 };
	if (runs_open(watching->run_name, &watching->run, &error)) {
		watching_say("%s", error.text);
		return EXIT_UNREADABLE;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	start_minding();
	return watching->node ? watch_node(watching) : watch_table(watching);
}

/* What a thread of watch_topic.c uses lives as long as the program. */
static int run_watch(const struct command *command, int count, char **arguments)
{
	struct options options = { .command = command, .count = count, .arguments = arguments };
	static struct watching watching;
	watching = (struct watching){ .command = command, .most = -1, .interval_ns = SECOND_NS, .until_ns = INT64_MAX,
		.run.console.fd = -1 };
	int code = read_options(&watching, &options);
	if (code < 0)
		code = watch(&watching);
	options_release(&options);
	return code;
}

const struct command command_watch = {
	.name = "watch",
	.summary = "look on: a topic, a metric, a node, or everything",
	.usage = "[options] [NODE | NODE.TOPIC | NODE.METRIC]",
	.options = rows,
	.details = "Without an operand: a table of all nodes and edges, anew each second (q ends it); a line of JSON each time where\n"
		"there is no terminal. NODE may be a group: all of its replicas.\n"
		"Exit: 0 the run or the topic has ended, or COUNT lines were printed, 1 could not, 2 usage, 3 no such run or node,\n"
		"124 the timeout, 141 standard output was closed.\n",
	.run = run_watch,
};
