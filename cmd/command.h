/* SPDX-License-Identifier: MIT */
/* One subcommand: a file of its own exports one of these; main.c lists them in one table. */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* The exit codes of lpad(1), all in one place. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_PROBLEMS = 1,      /* check: the file has problems */
	EXIT_USAGE = 2,
	EXIT_UNREADABLE = 3,    /* check: the file could not be read */
	EXIT_TIME = 124,        /* the run's time limit */
	EXIT_START = 125,       /* could not start */
	EXIT_STDOUT = 141       /* standard output was closed */
};

/* One option of a command: what the parser takes and what --help prints. Ends with a row without a long name. */
struct option_row {
	const char *name;       /* "set": --set */
	char letter;            /* -s; 0: none */
	const char *argument;   /* "NAME=VALUE"; NULL: a switch */
	const char *help;
};

struct command {
	const char *name, *summary;
	const char *usage;      /* "[options] [TOPOLOGY] [-- ARGUMENT...]" */
	const struct option_row *options;
	const char *details;    /* printed by --help below the options; NULL */
	bool hidden;
	int (*run)(const struct command *command, int count, char **arguments);  /* arguments[0]: behind the name */
};

extern const struct command command_call;
extern const struct command command_check;
extern const struct command command_complete;
extern const struct command command_describe;
extern const struct command command_diff;
extern const struct command command_doctor;
extern const struct command command_expand;
extern const struct command command_graph;
extern const struct command command_kill;
extern const struct command command_launch;
extern const struct command command_logs;
extern const struct command command_node;
extern const struct command command_ps;
extern const struct command command_restart;
extern const struct command command_rm;
extern const struct command command_scaffold;
extern const struct command command_schema;
extern const struct command command_status;
extern const struct command command_stop;
extern const struct command command_sweep;
extern const struct command command_wait;
extern const struct command command_watch;

/* main.c: all of them. */
extern const struct command *const commands[];
extern const size_t command_count;

/* ---- options.c ---- */

/*
 * Walks the arguments of a command: --name value, --name=value, -x value, -xvalue; "--" ends the options.
 *
 *     struct options o = { .command = command, .count = count, .arguments = arguments };
 *     for (int i; (i = options_next(&o)) != OPTIONS_END; )
 *         switch (i) { case OPTIONS_BAD: return EXIT_USAGE; case OPTIONS_HELP: return EXIT_OK; case SET: o.value ... }
 *
 * i is the row's place in command->options. Operands are collected in o.operands (borrowed), what stands behind "--"
 * is o.rest (NULL-terminated, NULL without "--"). -h and --help are known to every command.
 */
enum { OPTIONS_END = -1, OPTIONS_BAD = -2, OPTIONS_HELP = -3 };
struct options {
	const struct command *command;
	int count;
	char **arguments;
	int at;
	const char *letters;    /* what is left of the word -abc */
	const char *value;
	char **operands;
	int operand_count;
	char **rest;
};
int options_next(struct options *options);
void options_release(struct options *options);
void command_print_help(const struct command *command);
/* "lpad check: TEXT" and the hint to --help, on stderr. Returns EXIT_USAGE. */
int command_usage_error(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- colour ---- */
/* --color WHEN: auto, always, never; auto: fd is a terminal and NO_COLOR is not set. -1: not one of them. */
int colour_wanted(const char *when, int fd);

/* ---- settings.c: what check, graph, expand and launch share ---- */

#include "topology/topology.h"

/* The topology operand ("./topo.yaml" without one; a name without a file there: an example of that name), --set
   options, `--` arguments. The caller fills `set` as it meets options. */
struct request {
	LIST(struct setting) set;       /* owned strings */
	struct settings settings;
	char *path;
	char *current_folder;
};
/* --set NAME=VALUE. 0, or EXIT_USAGE with the complaint printed. */
int request_set(const struct command *command, struct request *request, const char *text);
/* After the options: path, folder, arguments. 0 or EXIT_USAGE. */
int request_finish(struct request *request, const struct options *options);
void request_release(struct request *request);
/* A topology, and no module: by its ending, a folder, or the name of an example. */
bool operand_is_topology(const char *operand);

#endif
