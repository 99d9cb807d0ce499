/* SPDX-License-Identifier: MIT */
/* What a node does and reports, as it happens; or one of its metrics. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/dump.h"
#include "base/memory.h"
#include "base/text.h"
#include "watching.h"

static const char *word(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* The wall clock of a report becomes a text, as it is with messages. */
static void print(json_t *event)
{
	char stamp[32];
	json_t *time = json_object_get(event, "time");
	if (text_equal(word(event, "event"), "report") && json_is_integer(time)) {
		clock_stamp(stamp, json_integer_value(time));
		json_object_set_new(event, "time", json_string(stamp));
	}
	char *cleanup_free text = dump_json(event, JSON_COMPACT);
	puts(text);
}

/* Of the run as a whole some events come, too. */
static bool is_wanted(const struct watching *watching, const json_t *event)
{
	const char *what = word(event, "event");
	if (!watching->port)
		return word(event, "node");
	return text_equal(what, "report") && text_equal(word(event, "name"), watching->port);
}

static void say_dropped(const json_t *event)
{
	if (text_equal(word(event, "event"), "dropped"))
		watching_say("missed %lld events", (long long)json_integer_value(json_object_get(event, "count")));
}

static json_t *follow(const struct watching *watching)
{
	static const char *const all[] = { "report", "state", "spawn", "end", "restart", "note", "lost" };
	json_t *events = json_array();
	for (size_t i = 0; i < (watching->port ? 1 : sizeof all / sizeof all[0]); i++)
		json_array_append_new(events, json_string(all[i]));
	return json_pack("{ss so s[s]}", "ask", "follow", "events", events, "nodes", watching->node);
}

static int conclude(const struct watching *watching, const struct error *error)
{
	if (error->code == ETIMEDOUT) {
		watching_say("the time is up");
		return EXIT_TIME;
	}
	watching_say(error->code == EPIPE ? "run %s has ended" : "%s", error->code == EPIPE ? watching->run.id : error->text);
	return error->code == EPIPE ? EXIT_OK : EXIT_PROBLEMS;
}

int watch_events(struct watching *watching)
{
	struct error error = { 0 };
	int code;
	json_t *event = watching_ask(watching, follow(watching), &code);
	if (!event)
		return code;
	json_decref(event);
	while ((event = runs_next(&watching->run, watching->until_ns, &error))) {
		bool wanted = is_wanted(watching, event);
		if (wanted)
			print(event);
		else
			say_dropped(event);
		json_decref(event);
		if (wanted && watching_enough(watching))
			return EXIT_OK;
	}
	return conclude(watching, &error);
}
