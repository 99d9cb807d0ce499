/* SPDX-License-Identifier: MIT */
/* Nodes that share a process: what they say against each other, and what they share without knowing. */
#ifndef TOPOLOGY_SHARES_H
#define TOPOLOGY_SHARES_H

#include "topology/topology.h"

/* A process has one policy, one environment, one set of resources, and is no command: what its members say against that is
   an error where it stands. `threads`: all are in one, whose policy is known (lpad launch --threads). Returns the errors. */
size_t shares_check(const struct topology *topology, bool threads, struct problems *problems);
/* Of a bound topology: a warning for each node whose module has writable globals that another replica of the process
   writes too. With `threads` those that the file's own `process` and `per_process` do not warn of. */
void shares_warn_of_globals(const struct topology *topology, bool threads, struct problems *problems);

#endif
