/* SPDX-License-Identifier: MIT */
/*
 * --output tmux: a tmux server of the run's own, its socket in the run's folder of sockets, with a window per process that
 * shows `lpad logs -f`. The nodes are no children of it, and it ends with the run.
 */
#ifndef SUPERVISE_TMUX_H
#define SUPERVISE_TMUX_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "supervise/record.h"
#include "topology/processes.h"

enum { TMUX_WINDOWS = 32 };             /* the first processes have one */

struct tmux_session {
	const char *program;            /* lpad's own path */
	const char *sockets;
	const struct record *record;
	const struct topology *topology;
	const struct processes *processes;
};
/* The server's process, a daemon below us; -1 with an error: tmux is missing, cannot start, or does not answer. */
pid_t tmux_start(const struct tmux_session *session, struct error *error);
/* What to type to see it. Caller frees. */
char *tmux_command(const char *sockets);
/* Tells it to end. */
void tmux_end(pid_t server);
/* Whether it still runs below us. */
bool tmux_is_there(pid_t server);

#endif
