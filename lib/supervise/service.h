/* SPDX-License-Identifier: MIT */
/*
 * What systemd is told of a run that is a service of Type=notify (sd_notify(3)): READY=1 once everything runs, STATUS= in each
 * phase, STOPPING=1, and WATCHDOG=1 if it asks for that. systemd listens to the process that it started alone, which is the
 * guardian: the supervisor has it say what there is to say. Nodes get none of the variables.
 */
#ifndef SUPERVISE_SERVICE_H
#define SUPERVISE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

/* Takes the variables out of the environment: before the guardian and the supervisor part, and in the former's process. */
void service_take(void);
bool service_listens(void);             /* somebody wants to hear */
int64_t service_watchdog_ns(void);      /* how often it has to hear that we live; 0: never */
/* In the guardian. What cannot be told is told once on standard error. */
void service_tell(const char *text);

#endif
