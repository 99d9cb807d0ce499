/* SPDX-License-Identifier: MIT */
/*
 * Control groups, version 2, for limits of memory: one folder for the run, in it one for each process that has a limit.
 *
 *     char *why, *place = cgroup_delegated(&why);             // where: NULL: nowhere, because
 *     char *run = cgroup_of_run(place, getpid());
 *     cgroup_make(run, &error);
 *     cgroup_limit(run, 3, 512 << 20, &error);                // process 3
 *     int fd = cgroup_enter(run, 3, &error);                  // who writes "0" to it is in
 *     cgroup_kills(run, 3);                                   // how often the kernel has enforced it
 *     cgroup_remove(run);
 */
#ifndef SUPERVISE_CGROUP_H
#define SUPERVISE_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* $LPAD_CGROUP ("": none), or the nearest of lpad's own and those above it that it may write and that hands out memory. Caller
   frees both. */
char *cgroup_delegated(char **why);
/* The same in the hierarchy mounted at `mount`, from the cgroup `own` ("/a/b") up. */
char *cgroup_choose(const char *mount, const char *own, char **why);
/* Where version 2 is mounted, and lpad's own place in it. False: not at all. Caller frees both. */
bool cgroup_find(char **mount, char **own);

/* `owner`: the process whose end frees the name. Caller frees. */
char *cgroup_of_run(const char *delegated, pid_t owner);
/* Removes first what runs that were killed have left there. */
int cgroup_make(const char *run, struct error *error);
int cgroup_limit(const char *run, int process, int64_t memory, struct error *error);
int cgroup_enter(const char *run, int process, struct error *error);
/* -1: not known. */
int64_t cgroup_kills(const char *run, int process);
/* Kills what is in it. Nothing if it is not there. */
void cgroup_remove(const char *run);

#endif
