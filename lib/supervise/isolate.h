/* SPDX-License-Identifier: MIT */
/*
 * `lpad launch --isolate`: the supervisor is the first process of a PID namespace. When it ends, in whatever way, the kernel
 * kills everything that is in there, also what the guardian could not find; and the supervisor dies with the guardian.
 * Inside, /proc is one of its own, so that process numbers mean the same everywhere; who looks from outside has others.
 */
#ifndef SUPERVISE_ISOLATE_H
#define SUPERVISE_ISOLATE_H

#include <sys/types.h>

#include "base/error.h"

/* As fork, of a process with one thread; the child is process 1 of its namespace. As another user than root it keeps its
   user and group, and no other privilege of files. -1 with an error that says what does not allow it. */
pid_t isolate_fork(struct error *error);
/* Whether it could be done: 0, or -1 with the same error. */
int isolate_probe(struct error *error);
/* The number by which those who look from outside know a process, ours or a child's, not reaped yet. */
pid_t isolate_outside(pid_t inside);

#endif
