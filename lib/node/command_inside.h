/* SPDX-License-Identifier: MIT */
/* What the files of commands share: command.c (the life of the program), command_ports.c (the implementation), command_program.c
   (starting it), command_environment.c, command_input.c and command_output.c (its stdin and stdout), command_stream.c; and talk.h. */
#ifndef NODE_COMMAND_INSIDE_H
#define NODE_COMMAND_INSIDE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/text.h"
#include "node/command.h"
#include "node/host.h"

/* ---- command_program.c ---- */

struct program {
	pid_t pid;              /* 0: not started, or reaped */
	int ended;              /* readable once it has; -1 */
	int in, out, ready;     /* our ends of its stdin, its stdout and $LPAD_READY_FD, not blocking; -1: it has none */
};
struct program_order {
	char *const *words, *const *environment;        /* NULL-terminated */
	bool shell;                                     /* words[0] is a line for sh */
	bool in, out, ready;                            /* which ends are wanted; without: /dev/null, our stdout, none */
};

/* In the process group of this process, killed when the calling thread ends. -1 and an error whose code is errno. */
int program_start(struct program *program, const struct program_order *order, struct error *error);
/* TERM to it and to all of the process group but this process, which only notes a TERM that comes from outside. */
void program_terminate(const struct program *program);
/* A TERM from outside ended, or was to end, what this process hosts: it dies of it as others do. Returns if there was none. */
void program_share_fate(void);
/* Waits for its end. The status of waitpid. */
int program_reap(struct program *program);

/* ---- command_environment.c ---- */

enum { PROGRAM_READY_FD = 3 };          /* $LPAD_READY_FD */

struct environment {
	LIST(char *) list;
};
/* NULL-terminated. */
void environment_make(struct environment *environment, const lpad_node *node, const char *socket, bool ready);
void environment_release(struct environment *environment);
const char *environment_value(const struct environment *environment, const char *name);         /* NULL: not set */

/* ---- streams: a thread each between an edge and the program ---- */

/* What did not fit in: some are told of one by one, all are counted and reported as the metric NAME_errors. */
struct mishaps {
	const char *name;       /* "stdin" */
	int64_t count;
};
void mishap(struct command *command, struct mishaps *mishaps, const char *format, ...) __attribute__((format(printf, 3, 4)));
void mishaps_sum_up(struct command *command, const struct mishaps *mishaps);

struct stream {
	struct command *command;
	pthread_t thread;
	bool running;
	int fd;                 /* owned; -1: closed */
	struct mishaps mishaps;
	/* input */
	lpad_subscription *subscription;
	bool cycle;             /* it may wait for itself: its end is not waited for when the program stops */
	/* output */
	lpad_topic *topic;
	const char *signature;
	struct text line;
	int64_t lines;
	bool overlong;          /* what comes up to the next newline is dropped */
	int64_t patient_until_ns;       /* command_publish */
};
int input_start(struct stream *stream);
int output_start(struct stream *stream);

bool command_is_over(const struct command *command);    /* its program has ended */
/* Nanoseconds; how long what has not ended yet is waited for once the program stops. */
int64_t command_patience(const struct command *command);
/* When the program stops, what publishers say as their last is still taken, unless it takes them long, waits for this node (cycle), or
   only this node stops: they go on.
   *until_ns begins as 0. True: after a moment, look again. */
bool command_may_come(const struct command *command, bool cycle, int64_t *until_ns);
/* Takes the message. While the program stops, a subscriber that has not taken what was published before is given a little time: one that
   takes nothing at all, once. *until_ns begins as 0, and is the same for all messages of a port. */
int command_publish(const struct command *command, lpad_topic *topic, lpad_message *message, int64_t *until_ns);

/* ---- command.c ---- */

struct command {
	lpad_implementation implementation;     /* the first member: a node leads to its command by it */
	json_t *document;                       /* borrowed */
	lpad_node *node;
	size_t longest;                         /* max_message */
	struct program program;
	struct environment environment;
	struct talk *talk;                      /* talk.h: over its socket; NULL before it is started */
	int stop;                               /* readable: the program around it stops */
	int over;                               /* readable: its program has ended */
	bool told;                              /* TERM was sent because of the stop */
	struct stream input, output;
	struct command_end end;
	char *end_text;
};
struct command *command_of(const lpad_node *node);
/* command.c, for command_ports.c: the callbacks. */
int command_init(lpad_node *node);
int command_run(lpad_node *node);
void command_fini(lpad_node *node);
void command_note(struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
