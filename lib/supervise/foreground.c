/* SPDX-License-Identifier: MIT */
/*
 * --foreground: one node has the launcher's own standard streams. If they are its terminal, it has that too, lent by the
 * guardian (terminal.h). Then Ctrl-Z stops that node alone: the whole run is stopped with it, as the shell expects.
 */
#include <signal.h>
#include <sys/wait.h>

#include "supervise/guardian.h"
#include "supervise/inside.h"
#include "supervise/isolate.h"

static bool has_terminal(const struct supervisor *supervisor, const struct child *child)
{
	return supervisor->launch->terminal && child_way(supervisor, child)->streams;
}

void foreground_started(struct supervisor *supervisor, struct child *child)
{
	if (!has_terminal(supervisor, child))
		return;
	supervisor->foreground = child;
	guardian_lend_terminal(supervisor->guardian, isolate_outside(child->pid), false);
}

void foreground_ended(struct supervisor *supervisor, const struct child *child)
{
	if (supervisor->foreground != child)
		return;
	supervisor->foreground = NULL;
	guardian_lend_terminal(supervisor->guardian, 0, false);
}

void foreground_goes_on(struct supervisor *supervisor)
{
	if (supervisor->foreground)
		guardian_lend_terminal(supervisor->guardian, isolate_outside(supervisor->foreground->pid), false);
}

/* It may have read before the terminal was its own, or without having it. */
void foreground_look(struct supervisor *supervisor)
{
	struct child *child = supervisor->foreground;
	siginfo_t info = { 0 };
	if (!child || waitid(P_PID, (id_t)child->pid, &info, WSTOPPED | WNOHANG) || !info.si_pid)
		return;
	if (info.si_status == SIGTTIN || info.si_status == SIGTTOU)
		guardian_lend_terminal(supervisor->guardian, isolate_outside(child->pid), true);
	else if (info.si_status == SIGTSTP)
		run_pause(supervisor);
}
