/* SPDX-License-Identifier: MIT */
/* A signal to nodes, whose policies act on what comes of it; or the end of a run, at once. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asking.h"
#include "base/memory.h"
#include "base/text.h"

enum { RUN, SIGNAL, JSON };
static const struct option_row rows[] = {
	[RUN] = ASKING_RUN_ROW,
	[SIGNAL] = { "signal", 's', "SIGNAL", "a name or a number, TERM, 9; also -TERM, -9; otherwise TERM" },
	[JSON] = { "json", 0, NULL, "who got it, as one JSON document" },
	{ .name = NULL },
};

/* "9", "KILL", "SIGKILL", "usr1". 0: none of that name. */
static int signal_named(const char *name)
{
	char *end;
	long number = strtol(name, &end, 10);
	if (end != name)
		return !*end && number > 0 && number <= SIGRTMAX ? (int)number : 0;
	if (!strncasecmp(name, "SIG", 3))
		name += 3;
	for (int i = 1; i < NSIG; i++)
		if (sigabbrev_np(i) && !strcasecmp(sigabbrev_np(i), name))
			return i;
	return 0;
}

/* "-9", "-KILL": no option of ours begins so. */
static bool is_signal(const char *word)
{
	return word[0] == '-' && (isdigit((unsigned char)word[1]) || isupper((unsigned char)word[1]));
}

static int take_signal(const struct asked *asked, const char *name, int *number)
{
	*number = signal_named(name);
	return *number ? 0 : command_usage_error(asked->command, "there is no signal `%s`", name);
}

/* Takes words like -9 out of the arguments, wherever they stand before "--". */
static int take_signal_words(const struct asked *asked, int *count, char **arguments, int *number)
{
	int kept = 0;
	bool rest = false;
	for (int i = 0; i < *count; i++) {
		rest |= !strcmp(arguments[i], "--");
		if (rest || !is_signal(arguments[i]))
			arguments[kept++] = arguments[i];
		else if (take_signal(asked, arguments[i] + 1, number))
			return EXIT_USAGE;
	}
	*count = kept;
	return 0;
}

static int read_options(struct asked *asked, struct options *options, int *number)
{
	for (int i; (i = options_next(options)) != OPTIONS_END; )
		switch (i) {
		case RUN:
			asked->run_name = options->value;
			break;
		case SIGNAL:
			if (take_signal(asked, options->value, number))
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
	return asking_take_nodes(asked, options) ? EXIT_USAGE : -1;
}

/* The whole run: until it has ended. */
static int await_end(struct asked *asked)
{
	struct error error = { 0 };
	json_decref(asking_wait(asked, &error));
	if (error.code != EPIPE)
		return asking_fail(asked, &error);
	runs_look(&asked->run);
	char *cleanup_free ending = runs_ending(&asked->run);
	fprintf(stderr, "lpad kill: run %s has ended: %s\n", asked->run.id, ending);
	return EXIT_OK;
}

static int send_it(struct asked *asked, int number)
{
	struct error error = { 0 };
	json_t *question = asking_question(asked, "kill");
	bool whole = !asked->nodes && (!number || number == SIGKILL);
	if (runs_open(asked->run_name, &asked->run, &error)) {
		json_decref(question);
		asking_fail(asked, &error);
		return EXIT_UNREADABLE;
	}
	if (!whole)
		json_object_set_new(question, "signal", json_integer(number ? number : SIGTERM));
	json_t *answer = asking_ask(asked, question, &error);
	if (!answer && !(whole && error.code == EPIPE))
		return asking_fail(asked, &error);
	char *cleanup_free without = asking_names(json_object_get(answer, "without"));
	if (*without)
		fprintf(stderr, "lpad kill: %s had no process\n", without);
	if (asked->json && answer)
		asking_print(json_incref(answer));
	json_decref(answer);
	return whole ? await_end(asked) : EXIT_OK;
}

static int run_kill(const struct command *command, int count, char **arguments)
{
	struct asked asked = { .command = command, .until_ns = INT64_MAX, .run.console.fd = -1 };
	int number = 0;
	if (take_signal_words(&asked, &count, arguments, &number))
		return EXIT_USAGE;
	struct options options = { .command = command, .count = count, .arguments = arguments };
	int code = read_options(&asked, &options, &number);
	if (code < 0)
		code = send_it(&asked, number);
	asking_release(&asked);
	options_release(&options);
	return code;
}

const struct command command_kill = {
	.name = "kill",
	.summary = "send a signal to nodes, or end a run at once",
	.usage = "[options] [-SIGNAL] [NODE...]",
	.options = rows,
	.details = "NODE is a replica, actor/3, or a group, actor, for all of its replicas. What comes of it is up to its policy (on_failure).\n"
		"Without NODE and with no other signal than KILL the whole run is killed, and ends with 137.\n"
		"Exit: 0 sent, 1 it could not be, 2 usage, 3 no such run or node.\n",
	.run = run_kill,
};
