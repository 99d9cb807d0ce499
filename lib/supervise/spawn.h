/* SPDX-License-Identifier: MIT */
/* One child: in a process group of its own, default signals, four descriptors and nothing else. Its stdin is /dev/null. */
#ifndef SUPERVISE_SPAWN_H
#define SUPERVISE_SPAWN_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/error.h"

struct spawning {
	const char *program;
	char *const *arguments, *const *environment;    /* NULL-terminated */
	struct rlimit descriptors;                      /* RLIMIT_NOFILE of the child */
	bool keeps_streams;                             /* its stdin, stdout and stderr are our own */
	/* What it may use of the machine. */
	const cpu_set_t *processors;                    /* NULL: as ours */
	size_t processors_size;
	uint64_t data;                                  /* RLIMIT_DATA; 0: as ours */
	bool has_nice;
	int nice;
	int cgroup;                                     /* the cgroup.procs to enter, open; -1: none */
};
struct spawned {
	pid_t process;
	int output, errors;     /* reading ends of its stdout and stderr, non-blocking; -1: it keeps ours */
	int control;            /* our end of the control socket */
};

/* Once, before the first: descriptors 0 to 3 are taken, everything from 3 on is close-on-exec. */
int spawn_prepare(struct error *error);
/* 0, or -1 with an error, also when the program could not be executed; its code is errno. */
int spawn_child(const struct spawning *spawning, struct spawned *out, struct error *error);

#endif
