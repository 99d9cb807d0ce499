/* SPDX-License-Identifier: MIT */
/*
 * Messages between the processes of a layout, each counted, and each as late as the link is slow: the sender stamps it, and the
 * receiver does not use it before `delay` has passed since. A lane is a handle onto one's own group and the inbox where the
 * others' calls arrive; what one process sends to another comes in the order in which it was sent.
 */
#ifndef LANE_H
#define LANE_H

#include <lpad/node.h>

#define LANE_HANDLE(T, m, help) LPAD_HANDLE_AS(#m, T, m.to, LPAD_MANY, #m, help)
#define LANE_INBOX(T, m, help) LPAD_INBOX_AS(#m, T, m.from, help)

struct lane {
	lpad_handle *to;
	lpad_inbox *from;
	const char *method;             /* the inbox's name, set in init */
	int64_t messages, values;       /* sent, ever */
};

/* One process' messages of one pass, on all its lanes. */
struct exchange {
	lpad_node *node;
	double delay;                   /* seconds */
	int64_t messages, values;       /* sent in this pass */
	lpad_future **sent;
	size_t sending, room;
};

int64_t lane_now(void);                                         /* nanoseconds, CLOCK_MONOTONIC */
int lane_wait_until(lpad_node *node, int64_t moment);

/* These return 0 or a code of lpad's, but for the sends, whose failures come at lane_settle. */
void lane_send(struct exchange *exchange, struct lane *lane, int place, const float *values, size_t count);
void lane_spread(struct exchange *exchange, struct lane *lane, const float *values, size_t count);      /* to all others */
int lane_receive(struct exchange *exchange, struct lane *lane, int place, float *into, size_t count);
/* The sum of everybody's `part`, in the order of places, in `sum` of the member at `root`. `spare` has room for one part. */
int lane_reduce(struct exchange *exchange, struct lane *lane, int root, const float *part, float *sum, float *spare, size_t count);
/* In a ring, where `to` is the next one only: everybody's `data` summed, at everybody. members divides count. */
int lane_ring_all_reduce(struct exchange *exchange, struct lane *lane, int me, int members, float *data, size_t count);
int lane_settle(struct exchange *exchange);                     /* until all that was sent has been taken */
void lane_close(struct exchange *exchange);
void lane_report(lpad_node *node, const struct lane *lane);     /* metrics row_messages and row_values, of the lane row */

#endif
