/* SPDX-License-Identifier: MIT */
#include "asking.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/dump.h"
#include "base/memory.h"
#include "base/text.h"
#include "topology/scalar.h"

enum { NAMES_SHOWN = 8 };
static const int64_t SAY_EVERY_NS = 2000000000;

/* What is given as a node, and is the id of another run; NULL. */
static const char *other_run(const struct asked *asked)
{
	size_t i;
	json_t *name;
	json_array_foreach(asked->nodes, i, name)
		if (asked->run.id && runs_is_beside(&asked->run, json_string_value(name)))
			return json_string_value(name);
	return NULL;
}

int asking_fail(const struct asked *asked, const struct error *error)
{
	const char *other = error->code == ENOENT ? other_run(asked) : NULL;
	if (other)
		fprintf(stderr, "lpad %s: there is no node `%s` in run %s: %s is a run: -r %s\n", asked->command->name, other,
			asked->run.id, other, other);
	else
		fprintf(stderr, "lpad %s: %s\n", asked->command->name, error->text);
	return error->code == ENOENT ? EXIT_UNREADABLE : error->code == ETIMEDOUT ? EXIT_TIME : EXIT_PROBLEMS;
}

int asking_timeout(struct asked *asked, const char *text)
{
	struct error error = { 0 };
	int64_t ns;
	if (scalar_duration(text, &ns, &error))
		return command_usage_error(asked->command, "--timeout: %s", error.text);
	asked->until_ns = clock_ns() + ns;
	return 0;
}

int asking_take_nodes(struct asked *asked, const struct options *options)
{
	if (options->rest)
		return command_usage_error(asked->command, "nodes are wanted, and nothing behind --");
	for (int i = 0; i < options->operand_count; i++) {
		if (!asked->nodes)
			asked->nodes = json_array();
		json_array_append_new(asked->nodes, channel_text(options->operands[i], strlen(options->operands[i])));
	}
	return 0;
}

json_t *asking_question(const struct asked *asked, const char *what)
{
	json_t *question = json_pack("{ss}", "ask", what);
	if (asked->nodes)
		json_object_set(question, "nodes", asked->nodes);
	return question;
}

/* ---- waiting ---- */

static bool is_awaited(const struct asked *asked, const json_t *node)
{
	const char *state = json_string_value(json_object_get(node, "state"));
	if (asked->up)
		return !text_equal(state, "running") && !text_equal(state, "ended");
	return json_is_integer(json_object_get(node, "pid"));
}

/* "learner (stopping, in run)" */
static void add_node(struct text *out, const json_t *node)
{
	const char *step = json_string_value(json_object_get(node, "step"));
	const char *waits_for = json_string_value(json_object_get(node, "waits_for"));
	text_format(out, "%s (%s%s%s%s%s)", json_string_value(json_object_get(node, "node")),
		json_string_value(json_object_get(node, "state")), step ? ", in " : "", step ? step : "",
		waits_for ? ", waits for " : "", waits_for ? waits_for : "");
}

/* Says whom it waits for, if that is news. */
static void say_who(struct asked *asked, const json_t *status)
{
	struct text text = { 0 };
	size_t i, count = 0;
	json_t *node;
	json_array_foreach(json_object_get(status, "nodes"), i, node) {
		if (!is_awaited(asked, node) || count++ >= NAMES_SHOWN)
			continue;
		text_add(&text, text.length ? ", " : "");
		add_node(&text, node);
	}
	if (count > NAMES_SHOWN)
		text_format(&text, " and %zu more", count - NAMES_SHOWN);
	if (count && !text_equal(asked->said, text_string(&text))) {
		fprintf(stderr, "lpad %s: waiting for %s\n", asked->command->name, text_string(&text));
		free(asked->said);
		asked->said = text_take(&text);
	}
	text_release(&text);
}

json_t *asking_wait(struct asked *asked, struct error *error)
{
	for (;;) {
		int64_t now = clock_ns(), look = now + SAY_EVERY_NS;
		*error = (struct error){ 0 };
		json_t *line = runs_next(&asked->run, look < asked->until_ns ? look : asked->until_ns, error);
		if (line && json_object_get(line, "phase")) {
			say_who(asked, line);
			json_decref(line);
		} else if (line || error->code != ETIMEDOUT || clock_ns() >= asked->until_ns)
			return line;
		else
			channel_send(&asked->run.console, asking_question(asked, "status"));
	}
}

json_t *asking_ask(struct asked *asked, json_t *question, struct error *error)
{
	channel_send(&asked->run.console, question);
	return asking_wait(asked, error);
}

/* ---- the rest ---- */

char *asking_names(const json_t *names)
{
	struct text text = { 0 };
	size_t i, count = json_array_size(names);
	for (i = 0; i < count && i < NAMES_SHOWN; i++)
		text_format(&text, "%s%s", i ? ", " : "", json_string_value(json_array_get(names, i)));
	if (count > NAMES_SHOWN)
		text_format(&text, " and %zu more", count - NAMES_SHOWN);
	return text_take(&text);
}

void asking_print(json_t *document)
{
	char *cleanup_free text = dump_json(document, JSON_COMPACT);
	json_decref(document);
	puts(text);
}

void asking_release(struct asked *asked)
{
	json_decref(asked->nodes);
	free(asked->said);
	runs_close(&asked->run);
}
