/* SPDX-License-Identifier: MIT */
/*
 * What carries calls and topics: memory between replicas of one process, unix sockets or tcp between processes.
 * LPAD_TRANSPORT forces one for the whole run: for tests, and to compare them.
 */
#ifndef TOPOLOGY_CARRIERS_H
#define TOPOLOGY_CARRIERS_H

#include "base/error.h"
#include "topology/processes.h"

enum carrier {
	CARRIER_BEST,                   /* inproc within a process, ipc between processes */
	CARRIER_IPC, CARRIER_TCP, CARRIER_INPROC
};

/* `text`: what LPAD_TRANSPORT says, or NULL. */
int carrier_read(const char *text, enum carrier *out, struct error *error);
/* A problem for each edge that it cannot carry: inproc leads nowhere out of a process. Returns their number. */
size_t carrier_check(enum carrier carrier, const struct topology *topology, const struct processes *processes,
	struct problems *problems);
/* Do these two, by their global numbers, talk by inproc? A replica that calls itself does. */
bool carrier_is_inproc(enum carrier carrier, const struct processes *processes, int a, int b);

#endif
