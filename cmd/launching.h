/* SPDX-License-Identifier: MIT */
/*
 * One `lpad launch` on its way to a run, shared by the files of the command:
 *
 *     launch.c            options
 *     launch_again.c      --again, --continue: what an earlier run was given
 *     launch_read.c       the file, read and checked
 *     launch_ways.c       --output, and what single nodes get: --wrap, --foreground
 *     launch_plan.c       --dry-run: what would be started
 *     launch_places.c     the record, and the folder of sockets
 *     launch_run.c        the run itself
 *
 * All of it happens below the guardian.
 */
#ifndef LAUNCHING_H
#define LAUNCHING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"
#include "base/split.h"
#include "command.h"
#include "supervise/detach.h"
#include "supervise/probe.h"
#include "supervise/runs.h"
#include "supervise/supervise.h"
#include "topology/document.h"
#include "topology/topology.h"

/* Of one --wrap NODE=WORD... */
struct wrap {
	char *node;
	struct split words;             /* ends with the program's own path and NULL, once it is known */
};
struct ways {
	LIST(struct wrap) wraps;
	const char *foreground;         /* the node's name; NULL: none */
	bool terminal;                  /* it is lent ours */
	struct launch_way *of;          /* by process; NULL: nothing special */
};

struct launching {
	struct request request;
	struct output_style style;
	pid_t tmux;                     /* --output tmux: the server; 0: none */
	char *note;
	const char *output;             /* the mode's name; NULL: not chosen */
	struct ways ways;
	const char *color, *record_folder;
	const char *again, *continued;  /* the run as it was called; NULL */
	struct run earlier;             /* that one */
	struct inputs inputs, noted;    /* what it was given; what this one is */
	char *caller_folder;            /* where lpad was called, if nodes run elsewhere */
	int *incarnations;              /* by replica: the first of this launch; NULL: 1 */
	LIST(const char *) env_files;
	struct envfile variables;
	json_t *git;
	struct text diff;
	bool dry_run, isolate, threads, detach;
	struct detaching detaching;
	LIST(const char *) hold;        /* as given: names with commas */
	bool *held;                     /* by replica; NULL: none is */
	int64_t time_limit_ns;          /* -1: the file's */
	int guardian;                   /* the channel to it */
	int argument_count;             /* the command line, for the record */
	char **arguments;
	struct problems problems;
	struct probe *probe;
	struct source *source;
	struct topology *topology;
	struct record record;
	char *sockets;
	char token[17];
	struct processes *processes;
	struct allotments *allotments;
	char *cgroup;                   /* of the run, for limits of memory; NULL: none */
	enum carrier carrier;
	const int *known;               /* by replica: the incarnation that the process should know, whose document is written */
	struct run_places places;
};

/* launch_read.c: all return 0 or the exit code, with the reason printed. */
int launching_read(struct launching *launching);
/* $run is the record's name, so the file is put together once more when it is known. */
int launching_resolve_with_run(struct launching *launching);
/* "lpad: TEXT". Returns EXIT_START. */
int launching_cannot(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Marks, by replica, a node or one replica of it. */
int launching_mark(const struct launching *launching, const char *option, const char *name, bool *marks);

/* launch_ways.c: options, 0 or EXIT_USAGE with the complaint printed; then what they mean for these processes. */
int launching_take_output(struct launching *launching, const struct command *command, const char *mode);
int launching_take_wrap(struct launching *launching, const struct command *command, const char *text);
/* Our own path, where another program starts it: /proc/self/exe is not it there. Caller frees. */
char *launching_own_program(void);
/* After all options. */
int launching_check_ways(struct launching *launching, const struct command *command);
int launching_find_ways(struct launching *launching);
void launching_release_ways(struct launching *launching);

/* launch_again.c: 0 or the exit code, with the reason printed. */
/* After the options: takes up what the earlier run was given. */
int launching_take_earlier(struct launching *launching, const struct options *options);
/* What this launch is given, for its own record. */
void launching_note_inputs(struct launching *launching);
/* Of a topology that was resolved: the modules are those of the record. */
void launching_use_recorded(struct launching *launching);
/* --env-file, and what the earlier run had of it. */
int launching_read_variables(struct launching *launching);
/* Of the earlier run's files: what git said of them then. */
void launching_take_git(struct launching *launching);
/* --continue: which incarnation is next, of each replica. */
void launching_count_incarnations(struct launching *launching);
void launching_release_earlier(struct launching *launching);

/* launch_plan.c */
void launching_print_plan(const struct launching *launching);

/* launch_places.c */
int launching_make_places(struct launching *launching);
/* With --output tmux, once nothing else is started before the nodes. */
int launching_make_tmux(struct launching *launching);

/* launch_run.c: from the first process to the last. Returns the exit code. */
int launching_run(struct launching *launching);

#endif
