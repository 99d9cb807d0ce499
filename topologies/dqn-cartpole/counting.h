/* SPDX-License-Identifier: MIT */
/*
 * Counts on their way to the counter: each node sends how much it has done in this life, under names of its own. Sent again, or late,
 * they are the same counts, so none is lost or doubled when somebody dies. In the background, 20 times a second at most.
 */
#ifndef COUNTING_H
#define COUNTING_H

#include <lpad/node.h>

struct count {
	const char *name;
	double value;
};

struct counting {
	lpad_handle *counter;           /* NULL: nobody counts */
	lpad_future *under_way;
	double next;
};

double counting_now(void);              /* seconds */
bool counting_due(struct counting *counting);
/* A list that ends with a name of NULL. What is returned is what became of the call before: 0, or a failure that ends the node. */
int counting_send(struct counting *counting, const struct count *counts);
void counting_release(struct counting *counting);

/* Of an answer of the counter: the sum over all who count that; 0 if nobody does. */
double counting_sum(const lpad_message *counts, const char *name);

#endif
