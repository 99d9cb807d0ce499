/* SPDX-License-Identifier: MIT */
/*
 * Runs, as somebody from outside finds them: by their records. While a launch lives, both its processes hold its record
 * (record_hold), so that nothing needs to be asked to tell a run that is under way from one that was lost.
 *
 *     runs.c        which there are, and which one is meant
 *     runs_nodes.c  what nodes and processes one has
 *     runs_remove.c removes one
 *     runs_ask.c    questions to their supervisors
 */
#ifndef SUPERVISE_RUNS_H
#define SUPERVISE_RUNS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/channel.h"
#include "base/error.h"
#include "base/list.h"

enum run_state {
	RUN_STARTING,           /* held, and nobody listens yet; or its supervisor says so */
	RUN_RUNNING,            /* held; the default of what has not been asked */
	RUN_STOPPING,
	RUN_ENDED,              /* result.json is there */
	RUN_LOST,               /* neither held nor ended: its processes were killed, the machine went down, or its disk was full */
	RUN_STATES
};
const char *run_state_word(enum run_state state);
/* Of the word that a supervisor calls its phase. */
enum run_state run_state_of_phase(const char *phase);

struct run {
	char *id, *record;              /* the record's name and its folder */
	enum run_state state;
	int64_t started_ms;             /* since 1970: when its manifest was written; 0: not yet */
	char *sockets;                  /* once connected */
	struct channel console;         /* console.h; fd -1: not connected */
	json_t *manifest, *resolved, *result;   /* once read */
};
struct runs {
	LIST(struct run) list;          /* the newest first */
};

/* All runs of a folder of records; NULL: of the usual one. A folder that is not there has none. */
int runs_list(const char *records, struct runs *out, struct error *error);
void runs_release(struct runs *runs);
bool runs_is_under_way(const struct run *run);

/*
 * `name` is an id, "latest", or a path to a record (it has a slash). NULL: $LPAD_RUN, else the only run that is under way,
 * else the newest. `records`: as for runs_list. -1 with an error: there is none of that name, there are none at all, or
 * several are under way, which are named.
 */
int runs_find(const char *name, const char *records, struct run *out, struct error *error);
/* The same in the usual folder, but under way and connected; an error says how it ended. */
int runs_open(const char *name, struct run *out, struct error *error);
void runs_close(struct run *run);
/* Whether another run, its record beside this one, has this id. */
bool runs_is_beside(const struct run *run, const char *name);
/* Looks again: it may have ended, or been lost, meanwhile. */
void runs_look(struct run *run);

/* What the record says of its start, its topology, and its end. Borrowed; NULL: not there, or not readable. */
const json_t *runs_manifest(struct run *run);
const json_t *runs_resolved(struct run *run);
const json_t *runs_result(struct run *run);
/* "completed, exit 0"; "lost: its supervisor was killed". Caller frees. */
char *runs_ending(struct run *run);

/* ---- runs_nodes.c ---- */

/* 0: NODE is a replica or a group of this run, as far as its record knows. -1 with an error that suggests the nearest. */
int runs_check_node(struct run *run, const char *name, struct error *error);
/* The names of the processes that it lives in, each once, as their logs are called: all of them for NULL. New reference, a list. */
json_t *runs_processes(struct run *run, const char *name);

/* ---- runs_remove.c ---- */

/* The whole record, and the sockets of one that was lost; `latest` names another one then. Never one that is held: EBUSY.
   No link is followed. */
int runs_remove(struct run *run, struct error *error);
/* When it ended, or last wrote anything: milliseconds since 1970. */
int64_t runs_last_ms(const struct run *run);

/* ---- runs_ask.c ---- */

/* 0: `console` is open. -1 with an error; never waits. */
int runs_connect(struct run *run, struct error *error);
/* One question to its supervisor; takes the reference. The answer is a new reference; NULL with an error: what it says
   in "error" (ENOENT: what is asked for does not exist), or that it did not answer by `until_ns` (ETIMEDOUT), or has ended (EPIPE). */
json_t *runs_ask(struct run *run, json_t *question, int64_t until_ns, struct error *error);
/* The next line of an answer that goes on: the same. */
json_t *runs_next(struct run *run, int64_t until_ns, struct error *error);
/* The same question to all that are under way, at once. answers[i], by place in the list: a new reference, or NULL: it is not
   under way, or did not answer. Sets the states that the answers tell ("phase"). */
void runs_ask_all(struct runs *runs, const json_t *question, int64_t until_ns, json_t **answers);

#endif
