/* SPDX-License-Identifier: MIT */
/* Ends nodes orderly and starts them again; what is down is only started. */
#include <stdio.h>
#include <stdlib.h>

#include "asking.h"
#include "base/memory.h"

enum { RUN, TIMEOUT, JSON };
static const struct option_row rows[] = {
	[RUN] = ASKING_RUN_ROW,
	[TIMEOUT] = { "timeout", 0, "DURATION", "wait no longer than this (30s, 2m); the restart goes on" },
	[JSON] = { "json", 0, NULL, "what was restarted, as one JSON document" },
	{ .name = NULL },
};

static int read_options(struct asked *asked, struct options *options)
{
	for (int i; (i = options_next(options)) != OPTIONS_END; )
		switch (i) {
		case RUN:
			asked->run_name = options->value;
			break;
		case TIMEOUT:
			if (asking_timeout(asked, options->value))
				return EXIT_USAGE;
			break;
		case JSON:
			asked->json = true;
			break;
		case OPTIONS_HELP:
			return EXIT_OK;
		default:
			return EXIT_USAGE;
		}
	if (asking_take_nodes(asked, options))
		return EXIT_USAGE;
	if (!asked->nodes)
		return command_usage_error(asked->command, "which nodes? A replica, actor/3, or a group, actor");
	return -1;
}

static int restart(struct asked *asked)
{
	struct error error = { 0 };
	if (runs_open(asked->run_name, &asked->run, &error)) {
		asking_fail(asked, &error);
		return EXIT_UNREADABLE;
	}
	json_t *answer = asking_ask(asked, asking_question(asked, "restart"), &error);
	if (!answer)
		return asking_fail(asked, &error);
	const json_t *nodes = json_object_get(answer, "nodes");
	char *cleanup_free names = asking_names(nodes);
	fprintf(stderr, "lpad restart: %s %s again\n", names, json_array_size(nodes) > 1 ? "run" : "runs");
	if (asked->json)
		asking_print(json_incref(answer));
	json_decref(answer);
	return EXIT_OK;
}

static int run_restart(const struct command *command, int count, char **arguments)
{
	struct options options = { .command = command, .count = count, .arguments = arguments };
	struct asked asked = { .command = command, .up = true, .until_ns = INT64_MAX, .run.console.fd = -1 };
	int code = read_options(&asked, &options);
	if (code < 0)
		code = restart(&asked);
	asking_release(&asked);
	options_release(&options);
	return code;
}

const struct command command_restart = {
	.name = "restart",
	.summary = "end nodes orderly and start them again",
	.usage = "[options] NODE...",
	.options = rows,
	.details = "NODE is a replica, actor/3, or a group, actor, for all of its replicas.\n"
		"Exit: 0 all run again, 1 one failed meanwhile, 2 usage, 3 no such run or node, 124 the timeout.\n",
	.run = run_restart,
};
