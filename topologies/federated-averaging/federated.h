/* SPDX-License-Identifier: MIT */
/* What the nodes say to each other: bytes, these structs. */
#ifndef FEDERATED_H
#define FEDERATED_H

#include <lpad/node.h>

#include "data.h"

/* The answer to `work`: these clients (by their place among all 100) train from these weights. None: it is over. */
struct task {
	int64_t run, round, split;
	struct local local;
	double clip;                    /* longest update; 0: any */
	int32_t count, ids[CHOSEN];
	float weights[PARAMETERS];
};

/* What `work` brings: the sum of so many clients' weights. With the first call of a child it is empty. */
struct update {
	int64_t count;
	int32_t sum[PARAMETERS];
};

/* What is published: a round's weights; of a peer before and after gossip. */
enum { RUNS = 32 };              /* trainings of a server, at most */
enum phase { PHASE_SERVER, PHASE_BEFORE, PHASE_AFTER };
struct model {
	int64_t round, clients, gossip, phase;
	char run[32];
	float weights[PARAMETERS];
};

int model_publish(lpad_topic *topic, const char *run, int64_t round, const float *weights);

/* Those who ask for work: one call each, which is answered when there is some. */
struct children {
	int clients;                    /* nodes that host clients */
	int edges;                      /* 0: the children are those nodes; otherwise these stand in between */
	lpad_inbox *work;
	lpad_call *idle[CLIENTS];       /* by the child's replica */
	int32_t todo[CLIENTS][CHOSEN];  /* by the child's replica: ids that it has not been given yet */
	int todos[CLIENTS];
	int64_t sent, received;         /* tasks and updates */
};

/* Has the task's ids trained from its weights: their sum. One task for all ids of a child that is an edge, one each otherwise. */
int children_train(struct children *children, const struct task *task, struct update *sum);
/* Waits until so many are idle, and tells them that it is over. */
int children_end(struct children *children, int count);

struct client {
	lpad_handle *parent;
	struct data *data;
};
struct peer {
	int64_t gossip, rounds;
	lpad_handle *left, *right;
	lpad_inbox *neighbour;
	lpad_topic *model;
};
struct edge {
	int64_t clients;
	lpad_handle *parent;
	lpad_inbox *work;
};
struct run {
	int32_t split;
	int64_t epochs, batch;
	double lr, clip, noise;
};
enum mode { MODE_CENTRAL, MODE_HIERARCHICAL, MODE_RING };
#define MODES "central hierarchical ring"
struct server {
	int32_t mode;
	int64_t clients, edges, rounds;
	lpad_map runs;                  /* of struct run */
	lpad_inbox *work;
	lpad_topic *model;
};
struct eval {
	double target;
	bool falling;
	lpad_subscription *model;
};

int client_check(lpad_node *node);
int client_init(lpad_node *node);
int client_run(lpad_node *node);
void client_fini(lpad_node *node);
int peer_check(lpad_node *node);
int peer_run(lpad_node *node);
int edge_run(lpad_node *node);
int server_check(lpad_node *node);
int server_run(lpad_node *node);
int eval_run(lpad_node *node);
extern const lpad_param eval_params[];
extern const lpad_subscription_decl eval_subscriptions[];

#endif
