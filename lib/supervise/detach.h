/* SPDX-License-Identifier: MIT */
/*
 * `lpad launch --detach`. The process that the user started becomes one that waits: the guardian, its child, leads a session
 * of its own, out of reach of the terminal and of whoever called. It tells when everything runs; what happens before is
 * shown on the standard error of the one that waits, and kept in RECORD/lpad.log, where all goes afterwards.
 */
#ifndef SUPERVISE_DETACH_H
#define SUPERVISE_DETACH_H

#include <stdbool.h>

#include "base/list.h"

struct detaching {
	int report;             /* to the one that waits; -1: not detached */
	LIST(int) inherited;    /* descriptors of whoever called; nobody shall wait for their end because of us */
};

/*
 * Forks. False in the child, which goes on as the guardian. True in the one that waits, when it is known how the start
 * went: the run's name has been printed and *code is 0, or *code says why there is no run.
 * INT and TERM that come while it waits stop the run; if it is killed itself, the run goes on.
 */
bool detach_begin(struct detaching *detaching, int *code);
/* What was open when the command was called, standard descriptors apart. */
void detach_close_inherited(struct detaching *detaching);
/* The guardian: everything runs. Closes `report`. */
void detach_report(struct detaching *detaching, const char *run);
/* /dev/null, or the end of a file, in place of a standard descriptor. */
void detach_redirect(int fd, const char *path);

#endif
