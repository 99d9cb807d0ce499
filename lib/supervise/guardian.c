/* SPDX-License-Identifier: MIT */
#include "supervise/guardian.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "supervise/cgroup.h"
#include "supervise/isolate.h"
#include "supervise/reap.h"
#include "supervise/service.h"
#include "supervise/terminal.h"

enum {
	CLEAN_MS = 30000,
	GENTLE_MS = 500,        /* for a compiler to remove its temporary files */
	CANNOT_START = 125
};

struct guardian {
	pid_t child;
	int channel, signals;
	struct text heard;      /* not whole yet */
	bool hands_on;          /* the child takes signals itself */
	bool stop_wanted;       /* the run has stopped: stop ourselves */
	int ended_by;           /* the signal that ended it before there was a run */
	char *sockets;
	char *cgroup;           /* of the run; NULL: none */
	char *run, *record;     /* name and folder */
	ino_t earlier_result;   /* of a run that is continued: what was there before; 0: nothing */
	int hold;               /* of the record */
	struct pids before;
	struct detaching *detaching;
	struct terminal terminal;       /* all zero: nobody is lent one */
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
static void stop_self(void)
{
	sigset_t before;
	sigprocmask(SIG_BLOCK, NULL, &before);
	raise(SIGTSTP);
	unblock(SIGTSTP);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (!is_pending(SIGCONT))
		raise(SIGSTOP);
}

/* ---- what the child says: a letter, a text (a path may hold any byte but NUL), NUL ---- */

enum { SAYS_SIGNALS = 's', SAYS_PAUSED = 'p', SAYS_SOCKETS = 'f', SAYS_RUN = 'n', SAYS_RECORD = 'r', SAYS_RUNNING = 'd', SAYS_SERVICE = 'w',
	SAYS_LEND = 't', SAYS_NEEDS = 'T',
	SAYS_CGROUP = 'c' };

static void keep(char **place, const char *value)
{
	free(*place);
	*place = memory_copy_text(value);
}

static void lend(struct guardian *guardian, pid_t group, bool needs)
{
	if (group <= 0)
		terminal_take_back(&guardian->terminal);
	else if (!terminal_lend(&guardian->terminal, group) && needs)
		kill(guardian->child, SIGTSTP);                 /* as the shell would have stopped it */
}

/* The number of NAME in the record, by which it is told from what replaces it; 0: not there. */
static ino_t number_of(const char *record, const char *name)
{
	struct stat status;
	char *cleanup_free path = memory_format("%s/%s", record, name);
	return stat(path, &status) ? 0 : status.st_ino;
}

static void take_word(struct guardian *guardian, const char *word)
{
	switch (word[0]) {
	case SAYS_SIGNALS:
		guardian->hands_on = true;
		break;
	case SAYS_PAUSED:
		guardian->stop_wanted = true;
		break;
	case SAYS_SOCKETS:
		keep(&guardian->sockets, word[1] ? word + 1 : NULL);
		break;
	case SAYS_LEND:
	case SAYS_NEEDS:
		lend(guardian, (pid_t)atoi(word + 1), word[0] == SAYS_NEEDS);
		break;
	case SAYS_CGROUP:
		keep(&guardian->cgroup, word + 1);
		break;
	case SAYS_RUN:
		keep(&guardian->run, word + 1);
		break;
	case SAYS_RECORD:
		if (!guardian->record)
			guardian->earlier_result = number_of(word + 1, "result.json");
		keep(&guardian->record, word + 1);
		if (guardian->hold < 0)
			guardian->hold = record_hold(guardian->record);
		break;
	case SAYS_SERVICE:
		service_tell(word + 1);
		break;
	case SAYS_RUNNING:
		detach_redirect(STDERR_FILENO, word + 1);
		detach_report(guardian->detaching, guardian->run);
		break;
	}
}

static void hear(struct guardian *guardian)
{
	char some[512];
	ssize_t got;
	while ((got = read(guardian->channel, some, sizeof some)) > 0)
		text_add_span(&guardian->heard, some, (size_t)got);
	if (got == 0) {                                         /* its end; SIGCHLD comes */
		close(guardian->channel);
		guardian->channel = -1;
	}
	size_t taken = 0;
	const char *from = text_string(&guardian->heard);
	for (const char *end; (end = memchr(from + taken, '\0', guardian->heard.length - taken)); )  {
		take_word(guardian, from + taken);
		taken = (size_t)(end - from) + 1;
	}
	text_drop_front(&guardian->heard, taken);
}

static int tell(int channel, char what, const char *text)
{
	char *cleanup_free word = memory_format("%c%s", what, text);
	return files_write_all(channel, word, strlen(word) + 1);
}

void guardian_leave_signals(int channel)
{
	tell(channel, SAYS_SIGNALS, "");
	prctl(PR_SET_PDEATHSIG, SIGCONT, 0, 0, 0);              /* only wakes us: the run has to be ended */
	signal(SIGUSR1, SIG_DFL);
}

void guardian_tell_places(int channel, const char *sockets, const struct record *record)
{
	if (sockets)
		tell(channel, SAYS_SOCKETS, sockets);
	if (record)
		tell(channel, SAYS_RUN, record->id);
	if (record)
		tell(channel, SAYS_RECORD, record->folder);
}

void guardian_tell_no_sockets(int channel)
{
	tell(channel, SAYS_SOCKETS, "");
}

void guardian_tell_cgroup(int channel, const char *cgroup)
{
	tell(channel, SAYS_CGROUP, cgroup);
}

int guardian_tell_paused(int channel)
{
	return tell(channel, SAYS_PAUSED, "");
}

void guardian_tell_running(int channel, const char *log)
{
	tell(channel, SAYS_RUNNING, log);
}

void guardian_lend_terminal(int channel, pid_t group, bool needs)
{
	char number[20];
	snprintf(number, sizeof number, "%d", (int)group);
	tell(channel, needs ? SAYS_NEEDS : SAYS_LEND, number);
}

void guardian_tell_service(int channel, const char *text)
{
	tell(channel, SAYS_SERVICE, text);
}

/* ---- signals before there is a run ---- */

/* False: it has ended. */
static bool stop_child(const struct guardian *guardian)
{
	siginfo_t info = { 0 };
	kill(guardian->child, SIGSTOP);
	while (waitid(P_PID, (id_t)guardian->child, &info, WSTOPPED | WEXITED | WNOWAIT) && errno == EINTR)
		;
	return info.si_code == CLD_STOPPED;
}

/*
 * The child stands still meanwhile, so that it neither says that a compiler failed nor makes a folder; what it said
 * before counts. Compilers get TERM first.
 */
static void end_early(struct guardian *guardian, int number)
{
	if (!stop_child(guardian))
		return;
	hear(guardian);
	if (guardian->hands_on) {
		kill(guardian->child, number);
		kill(guardian->child, SIGCONT);
		return;
	}
	guardian->ended_by = number;
	reap_signal_descendants(guardian->child, SIGTERM);
	for (int waited = 0; reap_anyone_below(guardian->child) && waited < GENTLE_MS; waited += 10)
		poll(NULL, 0, 10);
	kill(guardian->child, SIGKILL);
}

static void pause_early(struct guardian *guardian)
{
	if (!stop_child(guardian))
		return;
	reap_signal_descendants(guardian->child, SIGSTOP);
	stop_self();
	reap_signal_descendants(guardian->child, SIGCONT);
	kill(guardian->child, SIGCONT);
}

static void take_signal(struct guardian *guardian, int number)
{
	if (number == SIGCHLD || guardian->ended_by)
		return;
	if (guardian->hands_on)
		kill(guardian->child, number);
	else if (number == SIGTSTP)
		pause_early(guardian);
	else if (number != SIGCONT)
		end_early(guardian, number);
}

static void take_signals(struct guardian *guardian)
{
	struct signalfd_siginfo info;
	while (read(guardian->signals, &info, sizeof info) == (ssize_t)sizeof info)
		take_signal(guardian, (int)info.ssi_signo);
}

/* ---- the end ---- */

/* Whether the child has ended; what else died below us is reaped. */
static bool has_ended(const struct guardian *guardian, int *status)
{
	int other;
	for (pid_t reaped; (reaped = waitpid(-1, &other, WNOHANG)) > 0; )
		if (reaped == guardian->child) {
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
		if (watched[1].revents)
			hear(guardian);
		if (watched[0].revents)
			take_signals(guardian);
		if (guardian->stop_wanted) {
			guardian->stop_wanted = false;
			stop_self();
			kill(guardian->child, SIGCONT);
		}
	}
}

static void write_lost(const struct guardian *guardian, int number)
{
	struct error error;
	struct record record = { .folder = guardian->record };
	json_t *result = json_pack("{si ss ss si s{ss si}}", "schema", 1, "run", guardian->run, "status", "killed",
		"exit", 128 + number, "cause", "what", "supervisor killed", "signal", number);
	if (record_write_result(&record, result, &error))
		fprintf(stderr, "lpad: %s\n", error.text);
}

/* The exit code that the record tells already: the supervisor was about to end; -1: none. */
static int told_code(const struct guardian *guardian)
{
	ino_t number = guardian->record ? number_of(guardian->record, "result.json") : 0;
	if (!number || number == guardian->earlier_result)
		return -1;
	char *cleanup_free path = memory_format("%s/result.json", guardian->record);
	json_t *result = json_load_file(path, 0, NULL);
	const json_t *code = json_object_get(result, "exit");
	int told = json_is_integer(code) ? (int)json_integer_value(code) : -1;
	json_decref(result);
	return told;
}

/* What was to replace something (files_replace). */
static void remove_half_written(const char *record)
{
	DIR *folder = opendir(record);
	for (struct dirent *entry; folder && (entry = readdir(folder)); )
		if (strstr(entry->d_name, ".json.new."))
			unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
}

static int child_was_lost(const struct guardian *guardian, int status)
{
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0, told = told_code(guardian);
	if (told >= 0)
		return told;
	fprintf(stderr, "lpad: the supervisor was killed (signal %d): everything below it has been killed\n", number);
	if (guardian->record)
		remove_half_written(guardian->record);
	bool begun = guardian->record && number_of(guardian->record, "manifest.json");
	if (guardian->record && !begun)
		files_remove_tree(guardian->record);
	else if (begun && !number_of(guardian->record, "result.json"))  /* else it is one that was to be continued */
		write_lost(guardian, number);
	return 128 + number;
}

/* By its number it could be another run's by now: our supervisor removes it as well. */
static void remove_sockets(const struct guardian *guardian)
{
	char target[PATH_MAX];
	char *cleanup_free mark = memory_format("%s/record", guardian->sockets);
	ssize_t length = readlink(mark, target, sizeof target - 1);
	target[length < 0 ? 0 : length] = '\0';
	if (length < 0 || text_equal(target, guardian->record))
		files_remove_tree(guardian->sockets);
}

/* Compilers were told of its death, and may end by themselves. */
static void leave_a_moment(void)
{
	for (int waited = 0; reap_anyone_below(getpid()) && waited < GENTLE_MS; waited += 10)
		poll(NULL, 0, 10);
}

static int guard(struct guardian *guardian)
{
	int status = 0;
	guardian->signals = guardian_signals();
	wait_for_end(guardian, &status);
	if (guardian->channel >= 0)
		hear(guardian);                                 /* its last words */
	if (WIFSIGNALED(status) && !guardian->record && !guardian->ended_by)
		leave_a_moment();
	if (!reap_everything(&guardian->before, CLEAN_MS))
		fputs("lpad: a process of the run cannot be killed\n", stderr);
	terminal_take_back(&guardian->terminal);
	int code = WEXITSTATUS(status);
	if (guardian->ended_by) {
		fputs("lpad: stopped before anything was started\n", stderr);
		code = 128 + guardian->ended_by;
	} else if (!WIFEXITED(status)) {
		code = child_was_lost(guardian, status);
		if (guardian->detaching->report >= 0)
			code = CANNOT_START;
	}
	if (guardian->sockets)
		remove_sockets(guardian);
	if (guardian->cgroup)
		cgroup_remove(guardian->cgroup);
	close(guardian->signals);
	return code;
}

/* ---- the beginning ---- */

/*
 * The guardian is dead, and nothing of the run is there yet: compilers, which are in our process group, may remove their
 * temporary files, and then all of it ends. Calls only what a handler may.
 */
static void end_with_guardian(int number)
{
	(void)number;
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	for (int waited = 0; waited < GENTLE_MS; waited += 10) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			break;
		poll(NULL, 0, 10);
	}
	kill(0, SIGKILL);
	_exit(CANNOT_START);                                    /* the first process of a namespace does not kill itself */
}

/* Out of the terminal's reach, as a session of its own would be: in the background, where writing and taking settings is
   still allowed. */
static void stay_in_session(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTTOU);
	sigprocmask(SIG_BLOCK, &set, NULL);
	setpgid(0, 0);
}

static void become_child(const struct guarding *how, int channel)
{
	struct pollfd guardian = { .fd = channel };
	if (how->terminal)
		stay_in_session();
	else
		setsid();
	reap_become_subreaper();
	signal(SIGUSR1, end_with_guardian);
	prctl(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0);
	if (how->detaching->report >= 0)
		close(how->detaching->report);
	if (poll(&guardian, 1, 0) > 0)                          /* its end is closed: it died before that */
		_exit(CANNOT_START);
}

static pid_t fork_child(const struct guarding *how)
{
	struct error error = { 0 };
	pid_t child = how->isolate ? isolate_fork(&error) : fork();
	if (child < 0 && how->isolate)
		fprintf(stderr, "lpad: --isolate: %s\nlpad: nothing was started, and there is no record of it\n", error.text);
	return child;
}

static int cannot(const char *what)
{
	fprintf(stderr, "lpad: cannot %s: %s\n", what, strerror(errno));
	return CANNOT_START;
}

/* Nobody who called waits for the end of a descriptor because of the guardian. */
static void let_go(struct detaching *detaching)
{
	if (detaching->report < 0)
		return;
	detach_close_inherited(detaching);
	detach_redirect(STDIN_FILENO, "/dev/null");
	detach_redirect(STDOUT_FILENO, "/dev/null");
}

bool guardian_begin(const struct guarding *how, int *channel, int *code)
{
	int pair[2];
	struct guardian guardian = { .hold = -1, .detaching = how->detaching };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		*code = cannot("make a socket pair");
		return true;
	}
	guardian_block_signals();
	service_take();
	if (how->terminal)
		terminal_init(&guardian.terminal);
	reap_become_subreaper();
	reap_children(&guardian.before);
	fflush(NULL);
	guardian.child = fork_child(how);
	if (!guardian.child) {
		list_release(&guardian.before.list);
		close(pair[0]);
		*channel = pair[1];
		become_child(how, pair[1]);
		return false;
	}
	close(pair[1]);
	guardian.channel = pair[0];
	files_nonblocking(pair[0]);
	let_go(how->detaching);
	*code = guardian.child > 0 ? guard(&guardian) : how->isolate ? CANNOT_START : cannot("start the supervisor");
	if (guardian.channel >= 0)
		close(guardian.channel);
	if (guardian.hold >= 0)
		close(guardian.hold);
	text_release(&guardian.heard);
	list_release(&guardian.before.list);
	free(guardian.sockets);
	free(guardian.cgroup);
	free(guardian.run);
	free(guardian.record);
	return true;
}
