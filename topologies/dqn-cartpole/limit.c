/* SPDX-License-Identifier: MIT */
/* limit: ends the program, as failed, once all actor steps are used up. */
#include <stdio.h>

#include <lpad/node.h>

#include "counting.h"

static const double interval = 0.25;    /* seconds between two questions */

struct limit {
	int64_t max_steps;
	lpad_handle *counter;
};

static int ask(const struct limit *me, double *steps)
{
	lpad_message *counts;
	int code = lpad_call_to(me->counter, 0, "counts", NULL, &counts, lpad_default());
	if (code)
		return code;
	*steps = counting_sum(counts, "actor_steps");
	lpad_free(counts);
	return 0;
}

static int run(lpad_node *node)
{
	const struct limit *me = lpad_state(node);
	double steps = 0;
	char why[64];
	while (lpad_wait_stop(node, lpad_in(interval)) == LPAD_ETIMEDOUT) {
		int code = ask(me, &steps);
		if (code)
			return code;
		if (steps < (double)me->max_steps)
			continue;
		snprintf(why, sizeof why, "%.0f actor steps, and not solved", steps);
		return lpad_stop(node, 1, why);
	}
	return LPAD_ESTOPPED;
}

static const lpad_param params[] = {
	LPAD_INT(struct limit, max_steps, "120000", "1..", "of all actors together"),
	LPAD_END
};
static const lpad_handle_decl handles[] = {
	LPAD_HANDLE(struct limit, counter, LPAD_ONE, "counts", "who counts the steps"),
	LPAD_END
};

LPAD_MODULE({ .name = "limit", .help = "stops a run that takes too many steps", .state = sizeof(struct limit), .params = params,
	.handles = handles, .run = run });
