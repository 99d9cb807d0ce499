/* SPDX-License-Identifier: MIT */
/* Waits for the end of a run, or until one of its nodes has reported a number, or is in a state. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/dump.h"
#include "base/memory.h"
#include "command.h"
#include "supervise/condition.h"
#include "supervise/record.h"
#include "supervise/runs.h"
#include "supervise/tail.h"
#include "topology/scalar.h"

enum { RUN, UNTIL, TIMEOUT, JSON };
static const struct option_row rows[] = {
	[RUN] = { "run", 'r', "RUN", "its id, or the folder of its record; otherwise $LPAD_RUN, the only run under way, or the newest" },
	[UNTIL] = { "until", 'u', "CONDITION", "'learner.loss<0.1' (< <= > >= == !=), or 'actor/3 running'; otherwise its end" },
	[TIMEOUT] = { "timeout", 't', "DURATION", "give up with exit 124 after so long (10m)" },
	[JSON] = { "json", 0, NULL, "say what came of it as one JSON document" },
	{ .name = NULL },
};

enum { LOOK_MS = 50 };
static const int64_t ASK_EVERY_NS = 250000000, PATIENCE_NS = 5000000000;

struct waiting {
	const struct command *command;
	const char *run_name, *until;
	bool json, met;
	int64_t until_ns, asked_ns;
	struct condition condition;
	struct run run;
	struct tail metrics;
	json_t *figures;
};

static int fail(const struct error *error)
{
	fprintf(stderr, "lpad wait: %s\n", error->text);
	return error->code == ENOENT ? EXIT_UNREADABLE : EXIT_PROBLEMS;
}

/* ---- options ---- */

static int take_timeout(struct waiting *waiting, const char *text)
{
	struct error error = { 0 };
	int64_t span;
	if (scalar_duration(text, &span, &error) || span < 0)
		return command_usage_error(waiting->command, "--timeout %s: %s", text, error.text[0] ? error.text : "it cannot be negative");
	waiting->until_ns = clock_ns() + span;
	return -1;
}

static int read_options(struct waiting *waiting, struct options *options)
{
	struct error error = { 0 };
	for (int i, code = -1; (i = options_next(options)) != OPTIONS_END; )
		switch (i) {
		case RUN:
			waiting->run_name = options->value;
			break;
		case UNTIL:
			waiting->until = options->value;
			break;
		case TIMEOUT:
			if ((code = take_timeout(waiting, options->value)) >= 0)
				return code;
			break;
		case JSON:
			waiting->json = true;
			break;
		case OPTIONS_HELP:
			return EXIT_OK;
		default:
			return EXIT_USAGE;
		}
	if (options->operand_count || options->rest)
		return command_usage_error(options->command, "no operand is wanted: -r RUN names the run, --until what is waited for");
	if (waiting->until && condition_parse(waiting->until, &waiting->condition, &error))
		return command_usage_error(options->command, "--until %s", error.text);
	return -1;
}

/* ---- whether it is met ---- */

/* Nodes' states, and averages: what single numbers do not tell. */
static bool needs_status(const struct waiting *waiting)
{
	const char *metric = waiting->condition.figure.metric;
	return !metric || text_ends(metric, ".count") || text_ends(metric, ".mean");
}

/* What the supervisor says now; NULL: it says nothing. */
static json_t *ask(struct waiting *waiting)
{
	struct error error = { 0 };
	int64_t until = clock_ns() + PATIENCE_NS;
	json_t *question = json_pack("{ss sb s[s]}", "ask", "status", "metrics", waiting->condition.figure.metric != NULL,
		"nodes", waiting->condition.figure.node);
	waiting->asked_ns = clock_ns();
	if (!runs_is_under_way(&waiting->run) || runs_connect(&waiting->run, &error)) {
		json_decref(question);
		return NULL;
	}
	json_t *answer = runs_ask(&waiting->run, question, until < waiting->until_ns ? until : waiting->until_ns, &error);
	if (!answer)
		channel_close(&waiting->run.console);   /* an answer that is late must not be taken for the next one's */
	return answer;
}

static bool met_by_status(struct waiting *waiting)
{
	json_t *status = ask(waiting);
	if (!waiting->condition.figure.metric) {
		bool met = status && condition_met_by_states(&waiting->condition, status);
		json_decref(status);
		return met;
	}
	json_t *figures = status ? figures_of(&waiting->run, status) : NULL;
	bool met = figures && condition_met_by_figures(&waiting->condition, figures);
	json_decref(figures);
	json_decref(status);
	return met;
}

static void take_report(void *context, const char *line, size_t length, off_t at)
{
	struct waiting *waiting = context;
	(void)at;
	figures_add(waiting->figures, line, length);
	if (!needs_status(waiting) && condition_met_by_figures(&waiting->condition, waiting->figures))
		waiting->met = true;
}

/* The numbers up to now as its supervisor knows them, or all that were recorded; then each one as it is recorded. */
static void begin_figures(struct waiting *waiting)
{
	char *cleanup_free path = memory_format("%s/metrics.jsonl", waiting->run.record);
	tail_init(&waiting->metrics, path);
	tail_from_end(&waiting->metrics, 0);
	json_t *status = ask(waiting);
	if (status || waiting->run.state == RUN_ENDED) {
		waiting->figures = figures_of(&waiting->run, status);
	} else {
		waiting->figures = json_object();
		waiting->metrics.offset = 0;
	}
	json_decref(status);
	waiting->met = condition_met_by_figures(&waiting->condition, waiting->figures);
}

static void look_at_condition(struct waiting *waiting)
{
	if (!needs_status(waiting))
		tail_read(&waiting->metrics, false, take_report, waiting);
	else if (clock_ns() - waiting->asked_ns >= ASK_EVERY_NS && runs_is_under_way(&waiting->run))
		waiting->met |= met_by_status(waiting);
}

/* The last word is the result's: what came between the last look and the end. */
static void look_at_end(struct waiting *waiting)
{
	if (!waiting->condition.figure.metric || waiting->met || !waiting->figures)
		return;
	tail_read(&waiting->metrics, true, take_report, waiting);
	json_t *figures = waiting->met ? NULL : figures_of(&waiting->run, NULL);
	waiting->met |= figures && condition_met_by_figures(&waiting->condition, figures);
	json_decref(figures);
}

/* ---- the end ---- */

static int say(struct waiting *waiting, int code)
{
	const json_t *result = waiting->run.state == RUN_ENDED ? runs_result(&waiting->run) : NULL;
	json_t *status = json_object_get(result, "status"), *exit = json_object_get(result, "exit");
	json_t *out = json_pack("{si ss ss so so}", "schema", 1, "run", waiting->run.id, "state", run_state_word(waiting->run.state),
		"status", status ? json_incref(status) : json_null(), "exit", exit ? json_incref(exit) : json_null());
	if (waiting->until)
		json_object_set_new(out, "met", json_boolean(waiting->met));
	char *cleanup_free text = waiting->json ? dump_json(out, JSON_COMPACT) : NULL;
	json_decref(out);
	if (text)
		puts(text);
	return code;
}

static int ended(struct waiting *waiting)
{
	char *cleanup_free ending = runs_ending(&waiting->run);
	if (waiting->until) {
		fprintf(stderr, "lpad wait: run %s has ended (%s) without `%s`\n", waiting->run.id, ending, waiting->until);
		return say(waiting, EXIT_PROBLEMS);
	}
	const json_t *code = waiting->run.state == RUN_ENDED ? json_object_get(runs_result(&waiting->run), "exit") : NULL;
	if (code)
		return say(waiting, (int)json_integer_value(code));
	fprintf(stderr, "lpad wait: run %s has no exit code: %s\n", waiting->run.id, ending);
	return say(waiting, EXIT_PROBLEMS);
}

/* What is left of a run after its result is soon over: then it can be continued, or removed. */
static bool is_over(struct waiting *waiting)
{
	runs_look(&waiting->run);
	return !runs_is_under_way(&waiting->run) && !(waiting->run.state == RUN_ENDED && record_is_held(waiting->run.record));
}

static int wait_for_it(struct waiting *waiting)
{
	for (;;) {
		bool over = is_over(waiting);
		if (waiting->until && over)
			look_at_end(waiting);
		else if (waiting->until)
			look_at_condition(waiting);
		if (waiting->met)
			return say(waiting, EXIT_OK);
		if (over)
			return ended(waiting);
		if (clock_ns() >= waiting->until_ns) {
			fprintf(stderr, "lpad wait: run %s: %s%s did not come in time\n", waiting->run.id, waiting->until ? "" : "its end",
				waiting->until ? waiting->until : "");
			return say(waiting, EXIT_TIME);
		}
		poll(NULL, 0, LOOK_MS);
	}
}

static int begin(struct waiting *waiting)
{
	struct error error = { 0 };
	if (runs_find(waiting->run_name, NULL, &waiting->run, &error)) {
		fprintf(stderr, "lpad wait: %s\n", error.text);
		return EXIT_UNREADABLE;
	}
	if (waiting->until && runs_check_node(&waiting->run, waiting->condition.figure.node, &error))
		return fail(&error);
	if (waiting->condition.figure.metric)
		begin_figures(waiting);
	return wait_for_it(waiting);
}

static int run_wait(const struct command *command, int count, char **arguments)
{
	struct options options = { .command = command, .count = count, .arguments = arguments };
	struct waiting waiting = { .command = command, .until_ns = INT64_MAX, .run.console.fd = -1, .metrics.fd = -1 };
	int code = read_options(&waiting, &options);
	if (code < 0)
		code = begin(&waiting);
	json_decref(waiting.figures);
	tail_release(&waiting.metrics);
	condition_release(&waiting.condition);
	runs_close(&waiting.run);
	options_release(&options);
	return code;
}

const struct command command_wait = {
	.name = "wait",
	.summary = "wait for the end of a run, or for a number that a node reports",
	.usage = "[options]",
	.options = rows,
	.details = "A condition of a group is met by any of its replicas.\n"
		"Exit: of the run; with --until: 0 met, 1 the run has ended without it; 2 usage, 3 no such run or node, 124 the timeout.\n",
	.run = run_wait,
};
