/* SPDX-License-Identifier: MIT */
/* Runs, as somebody from outside finds them: by their records, and by who listens in their folder of sockets. */
#ifndef SUPERVISE_RUNS_H
#define SUPERVISE_RUNS_H

#include <jansson.h>

#include "base/channel.h"
#include "base/error.h"

/* A run with a living supervisor. */
struct run {
	char *id, *record, *sockets;
	struct channel console;         /* console.h */
};

/*
 * `name` is an id, or a path to a record (it has a slash). NULL: $LPAD_RUN, else the only run that is under way. -1 with an
 * error: there is none, it has ended, or there are several, which are named.
 */
int runs_open(const char *name, struct run *out, struct error *error);
void runs_close(struct run *run);
/* One question to its supervisor; takes the reference. The answer is a new reference; NULL with an error: what it says
   in "error", or that it did not answer by `until_ns`. */
json_t *runs_ask(struct run *run, json_t *question, int64_t until_ns, struct error *error);

#endif
