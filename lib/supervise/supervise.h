/* SPDX-License-Identifier: MIT */
/*
 * Runs a topology: the child of the guardian (guardian.h) becomes the supervisor, whose children are the nodes. The two
 * watch each other; when one dies, the other ends everything.
 */
#ifndef SUPERVISE_SUPERVISE_H
#define SUPERVISE_SUPERVISE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "supervise/envfile.h"
#include "supervise/output.h"
#include "supervise/record.h"
#include "supervise/resources.h"
#include "topology/processes.h"
#include "topology/topology.h"

/* What one process gets that the others do not. */
struct launch_way {
	char **wrap;                    /* it is started as WRAP... node NAME; NULL: as the program */
	bool streams;                   /* its standard streams are the launcher's own, and not read */
};

struct launch {
	const struct topology *topology;
	const struct processes *processes;      /* who shares one with whom */
	const struct launch_way *ways;  /* by process; NULL: nothing special */
	bool any_wrapped;               /* of them */
	bool terminal;                  /* the streams are a terminal, which that node is lent */
	const struct allotments *allotments;    /* what each process may use */
	const char *cgroup;             /* of the run, made; NULL: none. Removed at the end */
	const bool *held;               /* by replica: it serves, but its run is not started; NULL: none is */
	struct record *record;
	const struct envfile *variables;        /* of the environment of all nodes; NULL: none */
	const char *token;              /* of the run, for observers */
	const int *incarnations;        /* by replica: which one is its first; NULL: 1 */
	const char *sockets;            /* folder of the run's sockets: removed at the end */
	const char *program;            /* executed as `PROGRAM node`, once per process */
	/* The document of one process. `known`: by replica, the incarnation that it is, or that the process should know of
	   it. New reference. */
	json_t *(*document)(void *context, int process, const int *known);
	void *context;
	struct output_style style;
	pid_t tmux;                     /* the run's server; 0: none */
	const char *note;               /* said after the first line; NULL */
	int guardian;                   /* of guardian_begin */
	bool detached;                  /* handover.c */
	int64_t time_limit_ns;          /* -1: none */
	int64_t step_limit_ns;          /* lpad's own steps of a start: 30 s */
};

/* Whether the hard limit of descriptors lets so many processes be started. -1 with an error that says which limit is too
   low and what to set. */
int supervise_can_start(int processes, struct error *error);

/* Runs it to its end. Returns the exit code of the launch. */
int supervise(const struct launch *launch);

#endif
