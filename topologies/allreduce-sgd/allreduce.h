/* SPDX-License-Identifier: MIT */
/* What driver, worker and server say to each other. All messages are bytes: one of these structs, then numbers. */
#ifndef ALLREDUCE_H
#define ALLREDUCE_H

#include <lpad/node.h>

#include "blocks.h"
#include "numbers.h"

/* FORWARD_BACKWARD: my samples' gradient, cut into slices. SYNCHRONISE: my slice of all gradients, summed; a step; the new slice put
   at all others before it is answered. BOTH: so many iterations of both, where fetching what is needed takes the place of barriers. */
enum task_kind { TASK_FORWARD_BACKWARD, TASK_SYNCHRONISE, TASK_BOTH };

struct task {                   /* count: iterations, of BOTH */
	int64_t kind, iteration, count;
};

/* Numbers of gradients and weights that a worker has sent to others, and received from them. */
struct traffic {
	int64_t sent, received;
};

#define LR 0.3
enum die { DIE_NONE, DIE_FORWARD, DIE_SYNCHRONISE };
#define DIES "none forward synchronise"

struct driver {
	int64_t steps, group, die_at;
	int32_t precision, die;
	double launch_cost;
	lpad_handle *workers, *owners;
	const struct numbers *numbers;
	struct glyphs *glyphs;
	bool has_server;
	int *incarnations;              /* of the workers, as far as they have been given weights */
	int64_t launched;               /* tasks */
};

int drive(lpad_node *node);
extern const lpad_param driver_params[];
extern const lpad_handle_decl driver_handles[];

struct worker {
	int64_t group, die_at;
	int32_t precision, die;
	double compute, slow;
	lpad_handle *owners, *workers;  /* of a worker: who owns slices; of a server: who computes */
	lpad_inbox *task;
	const struct numbers *numbers;
	struct glyphs *glyphs;
	char *weights, *gradient;       /* PARAMETERS numbers; for `run` */
	int slices, mine, length;       /* how many; the one I own, or -1; numbers in each */
	struct blocks *blocks;          /* these two under the node's lock */
	struct traffic traffic;
};

int work(lpad_node *node);
int work_check(lpad_node *node);
int work_init(lpad_node *node);
void work_fini(lpad_node *node);
extern const lpad_param worker_params[], server_params[];
extern const lpad_handle_decl worker_handles[], server_handles[];
extern const lpad_method worker_methods[];

#endif
