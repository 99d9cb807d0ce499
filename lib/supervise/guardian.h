/* SPDX-License-Identifier: MIT */
/*
 * The process that the user started. It forks before anything is read, and waits: the child reads, compiles and becomes
 * the supervisor. Until the child says that it takes signals itself, INT, TERM and HUP end everything at once.
 */
#ifndef SUPERVISE_GUARDIAN_H
#define SUPERVISE_GUARDIAN_H

#include <stdbool.h>

#include "supervise/detach.h"
#include "supervise/record.h"

/* The signals that guardian and supervisor take; blocked by both from the first moment. */
void guardian_block_signals(void);
int guardian_signals(void);     /* a descriptor that reads them */

struct guarding {
	struct detaching *detaching;    /* of detach_begin; its `report` is -1 without --detach */
	bool terminal;                  /* standard input is a terminal that a node is lent: the child stays in its session */
	bool isolate;                   /* the child, and all below it, in a PID namespace (isolate.h) */
};
/*
 * Forks. False in the child: it goes on, leads a session of its own, dies with the guardian, and talks to it through
 * *channel, whose end tells each of the other's death. True in the guardian, when everything below it has ended: *code
 * is the exit code of the launch. Children that this process had before (a shell that became lpad by exec) are spared.
 *
 * The guardian hands INT, TERM and HUP on, stops and continues with the whole run (TSTP, CONT), removes the folder of
 * sockets at the end, and if the child dies before its time, kills and reaps everything and writes that to the record.
 */
bool guardian_begin(const struct guarding *how, int *channel, int *code);

/* ---- what the child says ---- */
/* From now on signals, and the guardian's death, wait for the supervisor's loop; before anything is made that must not be left
   behind. */
void guardian_leave_signals(int channel);
/* What the guardian has to look after if the child cannot; NULL: not made yet. */
void guardian_tell_places(int channel, const char *sockets, const struct record *record);
/* They have been removed. */
void guardian_tell_no_sockets(int channel);
/* Before it is made: removed at the end, by whoever survives. */
void guardian_tell_cgroup(int channel, const char *cgroup);
/* Detached, and everything runs: whoever waits is told, and what the guardian has to say goes to `log`. */
void guardian_tell_running(int channel, const char *log);
/* For the service manager (service.h). */
void guardian_tell_service(int channel, const char *text);
/* Everything below is stopped: the guardian may stop. -1: it cannot be told. */
int guardian_tell_paused(int channel);
/* A process group (its number outside) gets the terminal; 0: none does any longer. `needs`: it was stopped for not having it;
   if we are in the background ourselves, the run is stopped as well. */
void guardian_lend_terminal(int channel, pid_t group, bool needs);

#endif
