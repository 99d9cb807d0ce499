/* SPDX-License-Identifier: MIT */
/* The process that the user started, once the supervisor runs. */
#ifndef SUPERVISE_GUARDIAN_H
#define SUPERVISE_GUARDIAN_H

#include <sys/types.h>

#include "supervise/reap.h"
#include "supervise/record.h"

/*
 * Waits for the supervisor; hands INT, TERM and HUP on to it; stops and continues with the whole run (TSTP, CONT).
 * If the supervisor dies before its time, kills and reaps everything. `channel` is a socket to the supervisor, which
 * learns of our death by its end. `spared`: children that this process had before (a shell that became lpad by exec).
 * Returns the exit code of the launch.
 */
int guardian_run(pid_t supervisor, int channel, const struct processes *spared, struct record *record);

/* The signals that guardian and supervisor take; blocked by both before the fork. */
void guardian_block_signals(void);
int guardian_signals(void);     /* a descriptor that reads them */

#endif
