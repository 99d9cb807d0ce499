/* SPDX-License-Identifier: MIT */
/*
 * What a policy makes of the failures of one process: whether it is started again, and when. Times and randomness are
 * handed in, so that a test can.
 */
#ifndef SUPERVISE_RESTART_H
#define SUPERVISE_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "topology/topology.h"

/* All zero: nothing has failed yet. */
struct restart_history {
	LIST(int64_t) failures;         /* when, those within the window, ascending */
	int doublings;                  /* of the backoff since it was low */
};
struct restart_verdict {
	bool again;
	int failures;                   /* within the window, this one included */
	int64_t wait_ns;
};

/* It failed at now_ns, after it had been healthy for healthy_ns. `random`: any 64 bits. */
struct restart_verdict restart_judge(struct restart_history *history, const struct policy *policy, int64_t now_ns,
	int64_t healthy_ns, uint64_t random);
/* So much time did not count (Ctrl-Z). */
void restart_shift(struct restart_history *history, int64_t by_ns);
void restart_release(struct restart_history *history);

/* "1m", "90s", "500ms": a duration as one writes it. */
void restart_span(char out[32], int64_t ns);

#endif
