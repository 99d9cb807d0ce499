/* SPDX-License-Identifier: MIT */
/*
 * A sweep: one launch for each combination of some variables' values, several at a time.
 *
 *     sweep.c        options
 *     sweep_vary.c   --vary, and the product
 *     sweep_file.c   RECORDS/.sweeps/NAME-N: what the sweep is (sweep.json), and what became of each trial (trials.jsonl)
 *     sweep_run.c    the launches, signals, progress
 *     sweep_table.c  the table at the end
 */
#ifndef CMD_SWEEP_H
#define CMD_SWEEP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/channel.h"
#include "base/error.h"
#include "base/list.h"

/* One --vary: a variable and its values, in their order. */
struct vary {
	char *name;
	LIST(char *) values;
};

enum trial_state { TRIAL_WAITING, TRIAL_RUNNING, TRIAL_DONE };
struct trial {
	int number;                     /* from 0, the first variable slowest */
	enum trial_state state;
	pid_t process;                  /* of its launch */
	struct channel events;          /* what the launch prints; fd -1: nothing more */
	char *run, *record;             /* once it has begun; NULL: it never did */
	char *status;                   /* of its "end"; NULL: none came */
	char *why;                      /* the first problem of one that was not started; NULL */
	int code;                       /* of the launch */
	int64_t begun_ns, taken_ns;
	bool halted;                    /* by the sweep's own stop: it is not done */
	json_t *figures;                /* what its nodes have reported, once done: its record may be gone one day; NULL */
	double value;                   /* of `by`, once done; NaN: none */
};

struct sweep {
	/* What it is: sweep.json. */
	char *topology, *folder;        /* as given, "" without; where it was given */
	LIST(char *) set;               /* "NAME=VALUE" */
	LIST(char *) arguments;         /* behind -- */
	LIST(struct vary) vary;
	char *by;                       /* NODE.METRIC; NULL: not given */
	bool lowest;                    /* the best has the least */
	char *time_limit;               /* of each; NULL */
	char *records;                  /* absolute */
	char *name;                     /* of the topology */
	/* This time. */
	char *id, *place;               /* "NAME-N"; its folder */
	int jobs;
	bool retry;                     /* those that failed, too */
	enum { SWEEP_TABLE, SWEEP_CSV, SWEEP_JSON } form;
	LIST(struct trial) trials;
	int log;                        /* descriptor of trials.jsonl */
};

void sweep_release(struct sweep *sweep);

/* ---- sweep_vary.c ---- */

/* "lr=0.1,0.01", "seed=1..5", "width=16..64..16"; commas in brackets divide nothing. */
int vary_read(const char *text, struct vary *out, struct error *error);
void vary_release(struct vary *vary);
/* 1 to TRIALS_MOST; -1 with an error. */
enum { TRIALS_MOST = 100000 };
int vary_product(const struct sweep *sweep, struct error *error);
/* Which value of vary `which` trial `number` has. */
const char *vary_value(const struct sweep *sweep, int number, size_t which);
/* "lr=0.1 seed=3". Caller frees. */
char *vary_words(const struct sweep *sweep, int number);

/* ---- sweep_file.c ---- */

int sweep_create(struct sweep *sweep, struct error *error);
/* `name`: an id, "latest", or a path to the folder. Reads both files. */
int sweep_open(struct sweep *sweep, const char *name, struct error *error);
/* What became of it is written at once. */
void sweep_note(struct sweep *sweep, const struct trial *trial);

/* ---- sweep_run.c ---- */

/* The launch of a trial as words; freed with sweep_free_words. */
char **sweep_command_line(const struct sweep *sweep, const struct trial *trial);
void sweep_free_words(char **words);
/* Until all trials are done, or a signal came: returns its number, else 0. -1 with an error: nothing could be started. */
int sweep_run(struct sweep *sweep, struct error *error);

/* ---- sweep_table.c ---- */

/* All trials, the best first. -1 with an error: no run has such a metric. */
int sweep_print(struct sweep *sweep, struct error *error);
/* Of what a finished one has reported; NaN: none. */
double sweep_value(const struct sweep *sweep, const struct trial *trial);
/* Reads `figures` from the record. */
void sweep_read_figures(const struct sweep *sweep, struct trial *trial);

#endif
