/* SPDX-License-Identifier: MIT */
#include "supervise/guardian.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLEAN_MS = 30000 };

struct guardian {
	pid_t supervisor;
	int channel, signals;
	bool stop_wanted;       /* the run has stopped: stop ourselves */
};

static void signal_set(sigset_t *set)
{
	static const int taken[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGCHLD };
	struct sigaction hangup;
	sigemptyset(set);
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
		sigaddset(set, taken[i]);
	if (!sigaction(SIGHUP, NULL, &hangup) && hangup.sa_handler == SIG_IGN)
		sigdelset(set, SIGHUP);                         /* nohup */
}

/* A blocked signal that is ignored is thrown away by the kernel: `lpad launch &` in a script ignores INT. */
static void take_default(int number)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigaction(number, &action, NULL);
}

void guardian_block_signals(void)
{
	sigset_t set;
	signal_set(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	static const int taken[] = { SIGINT, SIGTERM, SIGTSTP, SIGCONT, SIGCHLD };
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
		take_default(taken[i]);
}

int guardian_signals(void)
{
	sigset_t set;
	signal_set(&set);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool is_pending(int number)
{
	sigset_t set;
	sigpending(&set);
	return sigismember(&set, number) == 1;
}

static void unblock(int number)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/*
 * As a program that the shell stops: TSTP with its default action. A process group without a shell (orphaned) is not
 * stopped by TSTP; then STOP does it. CONT is blocked, so it tells whether we had been stopped.
 */
static void stop_self(const struct guardian *guardian)
{
	sigset_t before;
	sigprocmask(SIG_BLOCK, NULL, &before);
	raise(SIGTSTP);
	unblock(SIGTSTP);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (!is_pending(SIGCONT))
		raise(SIGSTOP);
	kill(guardian->supervisor, SIGCONT);
}

static void hand_on(const struct guardian *guardian)
{
	struct signalfd_siginfo info;
	while (read(guardian->signals, &info, sizeof info) == (ssize_t)sizeof info)
		if (info.ssi_signo != SIGCHLD)
			kill(guardian->supervisor, (int)info.ssi_signo);
}

static void hear(struct guardian *guardian)
{
	char words[16];
	ssize_t got = read(guardian->channel, words, sizeof words);
	if (got > 0)
		guardian->stop_wanted = true;
	if (got == 0) {                                         /* its end; SIGCHLD comes */
		close(guardian->channel);
		guardian->channel = -1;
	}
}

/* Whether the supervisor has ended; what else died below us is reaped. */
static bool has_ended(const struct guardian *guardian, int *status)
{
	int other;
	for (pid_t reaped; (reaped = waitpid(-1, &other, WNOHANG)) > 0; )
		if (reaped == guardian->supervisor) {
			*status = other;
			return true;
		}
	return false;
}

static void wait_for_end(struct guardian *guardian, int *status)
{
	while (!has_ended(guardian, status)) {
		struct pollfd watched[] = {
			{ .fd = guardian->signals, .events = POLLIN }, { .fd = guardian->channel, .events = POLLIN } };
		if (poll(watched, 2, -1) < 0 && errno != EINTR)
			return;
		if (watched[0].revents)
			hand_on(guardian);
		if (watched[1].revents)
			hear(guardian);
		if (guardian->stop_wanted) {
			guardian->stop_wanted = false;
			stop_self(guardian);
		}
	}
}

static int supervisor_was_lost(struct record *record, int status)
{
	struct error error;
	int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : 1;
	fprintf(stderr, "lpad: the supervisor was killed (signal %d): everything below it has been killed\n", code - 128);
	json_t *result = json_pack("{si ss ss si s{ss si}}", "schema", 1, "run", record->id, "status", "killed",
		"exit", code, "cause", "what", "supervisor killed", "signal", code - 128);
	if (record_write_json(record, "result.json", result, &error))
		fprintf(stderr, "lpad: %s\n", error.text);
	return code;
}

int guardian_run(pid_t supervisor, int channel, const struct processes *spared, struct record *record)
{
	struct guardian guardian = { .supervisor = supervisor, .channel = channel, .signals = guardian_signals() };
	int status = 0;
	wait_for_end(&guardian, &status);
	bool lost = !WIFEXITED(status);
	if (!reap_everything(spared, CLEAN_MS))
		fputs("lpad: a process of the run cannot be killed\n", stderr);
	int code = lost ? supervisor_was_lost(record, status) : WEXITSTATUS(status);
	close(guardian.signals);
	if (guardian.channel >= 0)
		close(guardian.channel);
	return code;
}
