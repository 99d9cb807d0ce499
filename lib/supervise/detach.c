/* SPDX-License-Identifier: MIT */
#include "supervise/detach.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "supervise/guardian.h"

enum { CANNOT_START = 125 };

/* ---- descriptors ---- */

static void find_inherited(struct detaching *detaching)
{
	DIR *folder = opendir("/proc/self/fd");
	for (struct dirent *entry; folder && (entry = readdir(folder)); ) {
		int fd = atoi(entry->d_name);
		if (fd > STDERR_FILENO && fd != dirfd(folder))
			*list_add(&detaching->inherited) = fd;
	}
	if (folder)
		closedir(folder);
}

void detach_close_inherited(struct detaching *detaching)
{
	for (size_t i = 0; i < detaching->inherited.count; i++)
		close(detaching->inherited.at[i]);
	list_release(&detaching->inherited);
}

void detach_redirect(int fd, const char *path)
{
	int to = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (to < 0)
		to = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (to >= 0 && to != fd) {
		dup2(to, fd);
		close(to);
	}
}

void detach_report(struct detaching *detaching, const char *run)
{
	char *cleanup_free line = memory_format("%s\n", run);
	if (detaching->report < 0)
		return;
	files_write_all(detaching->report, line, strlen(line));         /* nobody may be waiting any more */
	close(detaching->report);
	detaching->report = -1;
}

/* ---- the one that waits ---- */

struct waiter {
	pid_t guardian;
	int report, signals;
	int told;               /* the last signal that was handed on; 0: none */
	struct text heard;
};

static void take_signals(struct waiter *waiter)
{
	struct signalfd_siginfo info;
	while (read(waiter->signals, &info, sizeof info) == (ssize_t)sizeof info)
		switch (info.ssi_signo) {
		case SIGINT:
		case SIGTERM:
			waiter->told = (int)info.ssi_signo;
			kill(waiter->guardian, waiter->told);
			break;
		case SIGTSTP:                           /* the run goes on starting */
			raise(SIGSTOP);
			break;
		}
}

/* False: there is no more to hear. */
static bool hear(struct waiter *waiter)
{
	char some[256];
	ssize_t got = read(waiter->report, some, sizeof some);
	if (got > 0)
		text_add_span(&waiter->heard, some, (size_t)got);
	return got > 0 || (got < 0 && errno == EINTR);
}

/* Until the guardian has said that everything runs, or can say nothing any more. After a signal its end is waited for. */
static void listen(struct waiter *waiter)
{
	struct pollfd watched[] = { { .fd = waiter->report, .events = POLLIN }, { .fd = waiter->signals, .events = POLLIN } };
	for (bool open = true; open; ) {
		if (poll(watched, 2, -1) < 0 && errno != EINTR)
			return;
		if (watched[1].revents)
			take_signals(waiter);
		if (watched[0].revents)
			open = hear(waiter);
		if (!waiter->told && text_ends(text_string(&waiter->heard), "\n"))
			return;
	}
}

/* Signals are heard meanwhile. */
static int wait_for_end(struct waiter *waiter)
{
	int status;
	for (pid_t ended; (ended = waitpid(waiter->guardian, &status, WNOHANG)) != waiter->guardian; ) {
		struct pollfd watched = { .fd = waiter->signals, .events = POLLIN };
		if (ended < 0 && errno != EINTR)
			return CANNOT_START;
		if (!ended && poll(&watched, 1, -1) > 0)
			take_signals(waiter);
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "lpad: the guardian was killed (signal %d): everything below it is being killed\n", WTERMSIG(status));
	return CANNOT_START;
}

static int await(struct waiter *waiter)
{
	waiter->signals = guardian_signals();
	listen(waiter);
	bool runs = !waiter->told && waiter->heard.length;
	int code = runs ? 0 : wait_for_end(waiter);
	if (runs)
		fputs(text_string(&waiter->heard), stdout);
	else if (!code && waiter->told)
		code = 128 + waiter->told;              /* everything ran before the signal came */
	text_release(&waiter->heard);
	close(waiter->signals);
	close(waiter->report);
	return code;
}

/* ---- the beginning ---- */

/* The end of the terminal is nothing to a run that has none. */
static void become_guardian(void)
{
	setsid();
	signal(SIGHUP, SIG_IGN);
}

bool detach_begin(struct detaching *detaching, int *code)
{
	int pair[2];
	*detaching = (struct detaching){ .report = -1 };
	find_inherited(detaching);
	guardian_block_signals();
	fflush(NULL);
	pid_t child = pipe2(pair, O_CLOEXEC) ? -1 : fork();
	if (child < 0) {
		fprintf(stderr, "lpad: cannot start the guardian: %s\n", strerror(errno));
		*code = CANNOT_START;
	} else if (!child) {
		close(pair[0]);
		detaching->report = pair[1];
		become_guardian();
		return false;
	} else {
		close(pair[1]);
		struct waiter waiter = { .guardian = child, .report = pair[0] };
		*code = await(&waiter);
	}
	list_release(&detaching->inherited);
	return true;
}
