/* SPDX-License-Identifier: MIT */
/*
 * What the modules of a topology offer, learned without opening one here: C sources are compiled, each shared object is
 * opened in a throw-away child that answers questions. A module that crashes, hangs, prints or forks while it is loaded is
 * one problem, and nothing of it survives.
 *
 *     struct probe *probe = probe_open();
 *     struct module_lookup lookup = probe_lookup(probe);
 *     probe_prepare(probe, topology);                  // all modules at once; without it, one by one
 *     topology_bind(topology, &lookup, &problems);
 *     ... problems_print(&problems, ...) ...
 *     probe_settle(probe);                             // no child is left; before the program starts others
 *     ... interfaces and compiled modules are still there: interface->path ...
 *     probe_close(probe);
 *
 * Marks of the problems it adds point to texts of the probe: print before probe_close.
 * While a probe is open and not settled, this process is a subreaper, and new children that it did not have before
 * probe_open are killed by probe_settle: start none meanwhile.
 */
#ifndef SUPERVISE_PROBE_H
#define SUPERVISE_PROBE_H

#include "topology/topology.h"

struct probe;

struct probe *probe_open(void);
struct module_lookup probe_lookup(struct probe *probe);
void probe_prepare(struct probe *probe, const struct topology *topology);
/* What the module said of itself (topology/interface.h), borrowed; NULL: it is not one of the probe's. */
json_t *probe_description(const struct probe *probe, const struct interface *interface);
void probe_settle(struct probe *probe);
void probe_close(struct probe *probe);          /* settles too; frees the interfaces, removes a temporary cache */

#endif
