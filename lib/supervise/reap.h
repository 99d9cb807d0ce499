/* SPDX-License-Identifier: MIT */
/*
 * Nothing outlives a run: finding and killing what is below this process, which is a subreaper, so that whatever
 * escapes a node comes to it. A process tells whose it is by LPAD_NODE=RUN/LABEL/INDEX/INCARNATION in its environment.
 */
#ifndef SUPERVISE_REAP_H
#define SUPERVISE_REAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"

struct pids {
	LIST(pid_t) list;
};

/* Makes this process the one that orphans below it come to. */
void reap_become_subreaper(void);
/* The direct children, appended. Works without /proc/PID/task/PID/children (then by the parents in /proc/PID/stat). */
void reap_children(struct pids *out);
/* The value of NAME in a process's environment. Caller frees; NULL: not there or not readable. */
char *reap_variable(pid_t process, const char *name);
/* Sends a signal to everything below a process. */
void reap_signal_descendants(pid_t above, int signal);
/* Whether anything below it still runs. */
bool reap_anyone_below(pid_t above);
/* Kills and reaps everything below until nothing is left but `spared` children (NULL: none), which were there before.
   False if something is still there after limit_ms. */
bool reap_everything(const struct pids *spared, int64_t limit_ms);

/* For tests: as if the kernel had no children files. */
extern bool reap_without_children_file;

#endif
