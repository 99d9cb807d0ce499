/* SPDX-License-Identifier: MIT */
/*
 * The terminal of the process that the user started, lent to the process group of one node (--foreground): what is typed
 * goes there, and Ctrl-C and Ctrl-Z too. The guardian lends it, because it is the one that the shell knows.
 */
#ifndef SUPERVISE_TERMINAL_H
#define SUPERVISE_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

struct terminal {
	pid_t own;              /* our process group */
	pid_t lent;             /* the one that has it; 0: none */
	struct termios modes;   /* as the user had them */
};

/* Whether standard input is our session's terminal, so that it can be lent. */
bool terminal_is_ours(void);
void terminal_init(struct terminal *terminal);
/* Lends it, and has the group go on. False: we are in the background and have none to lend. */
bool terminal_lend(struct terminal *terminal, pid_t group);
/* Ours again, unless the shell has taken it meanwhile. */
void terminal_take_back(struct terminal *terminal);

#endif
