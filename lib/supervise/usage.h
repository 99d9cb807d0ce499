/* SPDX-License-Identifier: MIT */
/* What the processes of nodes use at this moment: each node's are a process group, a program and its host too. */
#ifndef SUPERVISE_USAGE_H
#define SUPERVISE_USAGE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"

struct usage {
	pid_t group;
	double cpu;                     /* seconds, those of children that were waited for included */
	int64_t memory;                 /* resident bytes; what several share counts for each */
};
struct usages {
	LIST(struct usage) list;        /* all processes, by group */
};

void usage_read(struct usages *out);
/* The sum over a group; zero if there is none. */
struct usage usage_of(const struct usages *usages, pid_t group);
void usage_release(struct usages *usages);

#endif
