/* SPDX-License-Identifier: MIT */
#include "supervise/terminal.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

bool terminal_is_ours(void)
{
	return tcgetpgrp(STDIN_FILENO) >= 0;
}

void terminal_init(struct terminal *terminal)
{
	terminal->own = getpgrp();
	tcgetattr(STDIN_FILENO, &terminal->modes);
}

/* From the background too, where that stops a process that has not blocked TTOU. */
static void give(pid_t group, const struct termios *modes)
{
	sigset_t set, before;
	sigemptyset(&set);
	sigaddset(&set, SIGTTOU);
	sigprocmask(SIG_BLOCK, &set, &before);
	tcsetpgrp(STDIN_FILENO, group);
	if (modes)
		tcsetattr(STDIN_FILENO, TCSANOW, modes);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static bool is_gone(pid_t group)
{
	return group <= 0 || (kill(-group, 0) && errno == ESRCH);
}

bool terminal_lend(struct terminal *terminal, pid_t group)
{
	pid_t now = tcgetpgrp(STDIN_FILENO);
	if (now != terminal->own && now != terminal->lent && now != group && !is_gone(now))
		return false;
	if (now != group)
		give(group, NULL);
	terminal->lent = group;
	kill(-group, SIGCONT);
	return true;
}

void terminal_take_back(struct terminal *terminal)
{
	pid_t now = tcgetpgrp(STDIN_FILENO);
	bool give_back = terminal->lent && (now == terminal->lent || is_gone(now));
	if (give_back)
		give(terminal->own, &terminal->modes);
	if (give_back || now == terminal->own)
		terminal->lent = 0;             /* else a debugger's, which still runs, or the shell's */
}
