/* SPDX-License-Identifier: MIT */
/* What the commands share that ask a run for something: status, stop, kill, restart. */
#ifndef CMD_ASKING_H
#define CMD_ASKING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "supervise/runs.h"

#define ASKING_RUN_ROW { "run", 'r', "RUN", "its id, or the folder of its record; otherwise $LPAD_RUN, the only run under way, or the newest" }

struct asked {
	const struct command *command;
	const char *run_name;           /* -r; NULL */
	json_t *nodes;                  /* the operands; NULL: none */
	bool up;                        /* waits for nodes to run, not for their ends */
	bool json;
	int64_t until_ns;               /* INT64_MAX: no --timeout */
	char *said;                     /* who was last said to be waited for */
	struct run run;
};

/* "lpad CMD: TEXT"; returns the exit code that belongs to the error. */
int asking_fail(const struct asked *asked, const struct error *error);
/* --timeout. 0, or EXIT_USAGE with the complaint printed. */
int asking_timeout(struct asked *asked, const char *text);
/* The operands. 0, or EXIT_USAGE with the complaint printed. */
int asking_take_nodes(struct asked *asked, const struct options *options);
/* {"ask": WHAT}, with the nodes. */
json_t *asking_question(const struct asked *asked, const char *what);
/* Sends it, and waits for the answer; after two seconds says for whom. NULL with an error: EPIPE if the run has ended, ETIMEDOUT. */
json_t *asking_ask(struct asked *asked, json_t *question, struct error *error);
/* The same without a question: until the run ends. */
json_t *asking_wait(struct asked *asked, struct error *error);
/* "actor/0, actor/1 and 3 more". Caller frees. */
char *asking_names(const json_t *names);
/* One document on stdout; takes the reference. */
void asking_print(json_t *document);
void asking_release(struct asked *asked);

#endif
