/* SPDX-License-Identifier: MIT */
/* What of a run is shown where, and what single processes get that the others do not. */
#include "launching.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "supervise/terminal.h"

/* ---- options ---- */

static const struct mode {
	const char *name;
	struct output_style style;
} modes[] = {
	{ "prefix", { 0 } },
	{ "files", { .files = true } },
	{ "tmux", { .files = true } },
	{ "json", { .json = true } },
	{ "quiet", { .quiet = true } },
};

static const struct mode *mode_named(const char *name)
{
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		if (text_equal(modes[i].name, name))
			return &modes[i];
	return NULL;
}

int launching_take_output(struct launching *launching, const struct command *command, const char *mode)
{
	const struct mode *found = mode_named(mode);
	if (!found)
		return command_usage_error(command, "--output is prefix, files, tmux, json or quiet, not `%s`", mode);
	if (launching->output && strcmp(launching->output, found->name))
		return command_usage_error(command, "the output is %s or %s, not both", launching->output, found->name);
	launching->output = found->name;
	launching->style = found->style;
	return 0;
}

int launching_take_wrap(struct launching *launching, const struct command *command, const char *text)
{
	struct error error = { 0 };
	const char *equals = strchr(text, '=');
	if (!equals || equals == text)
		return command_usage_error(command, "--wrap %s: it is NODE=PROGRAM ARGUMENT..., as 'learner=gdb --args'", text);
	struct wrap *wrap = list_add(&launching->ways.wraps);
	wrap->node = memory_copy_span(text, (size_t)(equals - text));
	if (split_words(equals + 1, &wrap->words, &error))
		return command_usage_error(command, "--wrap %s: %s", text, error.text);
	if (!wrap->words.list.count || !wrap->words.list.at[0][0])
		return command_usage_error(command, "--wrap %s: it names no program", text);
	return 0;
}

/* The streams are its own: what else would be written there goes to the record. */
int launching_check_ways(struct launching *launching, const struct command *command)
{
	struct ways *ways = &launching->ways;
	const char *output = launching->output;
	if (!ways->foreground)
		return 0;
	if (launching->detach)
		return command_usage_error(command, "--foreground %s: a detached run has no terminal", ways->foreground);
	if (output && strcmp(output, "files") && strcmp(output, "quiet"))
		return command_usage_error(command, "--foreground %s: standard output is that node's: with --output files or quiet, not %s",
			ways->foreground, output);
	launching->style.files = launching->style.steady = true;
	ways->terminal = terminal_is_ours();
	return 0;
}

/* ---- what they mean for the processes ---- */

/* As a shell finds it. NULL: there is none. Caller frees. */
static char *program_in_path(const char *name)
{
	const char *path = getenv("PATH");
	if (strchr(name, '/'))
		return access(name, X_OK) ? NULL : memory_copy_text(name);
	for (const char *at = path ? path : "/usr/local/bin:/usr/bin:/bin"; at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
		char *cleanup_free folder = memory_copy_span(at, strcspn(at, ":"));
		char *found = memory_format("%s/%s", *folder ? folder : ".", name);
		if (!access(found, X_OK))
			return found;
		free(found);
	}
	return NULL;
}

char *launching_own_program(void)
{
	char own[PATH_MAX] = "";
	return readlink("/proc/self/exe", own, sizeof own - 1) < 0 ? memory_copy_text("lpad") : memory_copy_text(own);
}

/* The words as they are executed: the program where it was found, and at the end our own. */
static int complete_words(struct wrap *wrap)
{
	char **first = &wrap->words.list.at[0];
	char *program = program_in_path(*first);
	if (!program)
		return launching_cannot("--wrap %s: there is no program `%s`%s", wrap->node, *first,
			strchr(*first, '/') ? "" : " in PATH");
	free(*first);
	*first = program;
	*list_add(&wrap->words.list) = launching_own_program();
	*list_add(&wrap->words.list) = NULL;
	return 0;
}

static int wrap_its_processes(struct launching *launching, struct wrap *wrap)
{
	const struct processes *processes = launching->processes;
	bool *cleanup_free marks = memory_array((size_t)launching->topology->total, sizeof *marks);
	int code = launching_mark(launching, "--wrap", wrap->node, marks);
	if (!code)
		code = complete_words(wrap);
	for (int i = 0; !code && i < processes->total; i++) {
		struct launch_way *way = &launching->ways.of[processes->of[i]];
		if (marks[i] && way->wrap && way->wrap != wrap->words.list.at)
			return launching_cannot("--wrap %s: the process %s is wrapped already", wrap->node,
				processes->at[processes->of[i]].name);
		if (marks[i])
			way->wrap = wrap->words.list.at;
	}
	return code;
}

static int find_foreground(struct launching *launching)
{
	const struct processes *processes = launching->processes;
	const char *name = launching->ways.foreground;
	bool *cleanup_free marks = memory_array((size_t)launching->topology->total, sizeof *marks);
	int code = launching_mark(launching, "--foreground", name, marks), found = 0;
	for (int i = 0; !code && i < processes->total; i++)
		if (marks[i]) {
			launching->ways.of[processes->of[i]].streams = true;
			found++;
		}
	return found <= 1 ? code : launching_cannot("--foreground %s: it has %d replicas, and there is one terminal: name one, as %s/0",
		name, found, name);
}

int launching_find_ways(struct launching *launching)
{
	struct ways *ways = &launching->ways;
	int code = 0;
	char *cleanup_free tmux = text_equal(launching->output, "tmux") ? program_in_path("tmux") : memory_copy_text("");
	if (!tmux)
		return launching_cannot("--output tmux: there is no program `tmux` in PATH");
	if (!ways->wraps.count && !ways->foreground)
		return 0;
	ways->of = memory_array((size_t)launching->processes->count, sizeof *ways->of);
	for (size_t i = 0; !code && i < ways->wraps.count; i++)
		code = wrap_its_processes(launching, &ways->wraps.at[i]);
	return code || !ways->foreground ? code : find_foreground(launching);
}

void launching_release_ways(struct launching *launching)
{
	struct ways *ways = &launching->ways;
	for (size_t i = 0; i < ways->wraps.count; i++) {
		free(ways->wraps.at[i].node);
		split_release(&ways->wraps.at[i].words);
	}
	list_release(&ways->wraps);
	free(ways->of);
}
