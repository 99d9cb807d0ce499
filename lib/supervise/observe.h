/* SPDX-License-Identifier: MIT */
/* What observe.c and observe_topic.c share: where observers (lpad call, lpad watch) find a node. */
#ifndef SUPERVISE_OBSERVE_H
#define SUPERVISE_OBSERVE_H

#include "supervise/inside.h"

struct guest;

/* A question that goes on: a topic of some replicas of one group. */
struct observing {
	int first, count;               /* replicas, by id */
	char *topic;
	json_t *id;                     /* owned; NULL: none */
};

/* It runs, or serves, and can be told to listen. */
bool observe_is_possible(const struct member *member);
/* Where it then answers; caller frees. */
char *observe_address(const struct supervisor *supervisor, const struct member *member);
/* The node listens for observers of a topic, or says why it cannot. */
void observe_listening(struct supervisor *supervisor, struct member *member, const json_t *message);
/* An incarnation began to run, or has ended. */
void observe_running(struct supervisor *supervisor, struct member *member);
void observe_ended(struct supervisor *supervisor, const struct member *member);
void observe_topic_forget(struct guest *guest);

#endif
