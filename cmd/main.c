/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "command.h"

const struct command *const commands[] = {
	&command_launch,
	&command_check,
	&command_describe,
	&command_graph,
	&command_expand,
	&command_schema,
	&command_ps,
	&command_status,
	&command_logs,
	&command_watch,
	&command_call,
	&command_wait,
	&command_stop,
	&command_kill,
	&command_restart,
	&command_diff,
	&command_rm,
	&command_sweep,
	&command_scaffold,
	&command_doctor,
	&command_node,
	&command_complete,
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };
const size_t command_count = COMMANDS;

static void print_help(FILE *out)
{
	fputs("usage: lpad COMMAND [options] [TOPOLOGY] [-- ARGUMENT...]\n\n"
	      "Launches distributed experiments: a topology in one YAML file, each node a small C source.\n\n", out);
	for (size_t i = 0; i < COMMANDS; i++)
		if (!commands[i]->hidden)
			fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nTOPOLOGY is a file, a folder with a topo.yaml, - for standard input, or the name of an example;\n"
	      "without one, ./topo.yaml. `lpad COMMAND --help` says more of a command, lpad(1) of all.\n", out);
}

/* A closed standard descriptor would be the next file opened. What nobody may read or write stands in for it. */
static void fill_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

static int unknown(const char *word)
{
	const char *names[COMMANDS];
	size_t count = 0;
	for (size_t i = 0; i < COMMANDS; i++)
		if (!commands[i]->hidden)
			names[count++] = commands[i]->name;
	const char *nearest = text_nearest(word, names, count);
	fprintf(stderr, "lpad: there is no %s `%s`", word[0] == '-' ? "option" : "command", word);
	if (nearest)
		fprintf(stderr, ": did you mean %s?", nearest);
	fputs("\nlpad: `lpad --help` lists the commands\n", stderr);
	return EXIT_USAGE;
}

static int run(int count, char **arguments)
{
	if (count < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	const char *word = arguments[1];
	if (!strcmp(word, "help") && count > 2) {
		static char option[] = "--help";
		word = arguments[2];
		arguments[2] = option;
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help")) {
		print_help(stdout);
		return EXIT_OK;
	}
	if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
		puts("lpad " LPAD_VERSION);
		return EXIT_OK;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(word, commands[i]->name))
			return commands[i]->run(commands[i], count - 2, arguments + 2);
	return unknown(word);
}

/* What could not be written must not look like success. */
static int flush_output(int code)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	if (errno == EPIPE || errno == EBADF)
		return EXIT_STDOUT;
	fprintf(stderr, "lpad: cannot write standard output%s%s\n", errno ? ": " : "", errno ? strerror(errno) : "");
	return code == EXIT_OK ? EXIT_PROBLEMS : code;
}

int main(int count, char **arguments)
{
	fill_standard_descriptors();
	signal(SIGPIPE, SIG_IGN);       /* a closed pipe is an error of the write, not the end of the program */
	signal(SIGXFSZ, SIG_IGN);       /* as is a file that may not grow (`ulimit -f`) */
	return flush_output(run(count, arguments));
}
