/* SPDX-License-Identifier: MIT */
#include "supervise/helper.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"

enum { CHANNEL_FD = 3, READS_AT_ONCE = 64 };
static const struct helper no_helper = { -1, -1, false, -1, -1, -1 };

/* Both ends of everything a child is given; -1: not there. */
struct wires {
	int null;
	int out[2], err[2], channel[2], report[2];      /* [0] is ours; report: errno of a failed exec */
};

static void close_pair(int pair[2])
{
	memory_close_at(&pair[0]);
	memory_close_at(&pair[1]);
}

static void close_wires(struct wires *wires)
{
	memory_close_at(&wires->null);
	close_pair(wires->out);
	close_pair(wires->err);
	close_pair(wires->channel);
	close_pair(wires->report);
}

static int open_wires(struct wires *wires, const struct helper_order *order)
{
	*wires = (struct wires){ -1, { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } };
	wires->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (wires->null < 0 || pipe2(wires->out, O_CLOEXEC) || pipe2(wires->report, O_CLOEXEC))
		return -1;
	if (order->apart && pipe2(wires->err, O_CLOEXEC))
		return -1;
	if (order->channel && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wires->channel))
		return -1;
	return 0;
}

/* Our end is [0] everywhere; a copy above the standard ones, so that none is overwritten before it is used. */
static int above(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 10);
}

static void reset_signals(void)
{
	sigset_t none;
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn))
static void become(const struct helper_order *order, const struct wires *wires, pid_t parent)
{
	int report = above(wires->report[1]), channel = above(wires->channel[1]);
	int out = above(wires->out[1]), err = above(order->apart ? wires->err[1] : wires->out[1]);
	prctl(PR_SET_PDEATHSIG, order->channel ? SIGKILL : SIGTERM);   /* compilers remove their temporary files */
	if (getppid() != parent)
		_exit(1);
	if (order->channel)
		setpgid(0, 0);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	reset_signals();
	bool fine = dup2(wires->null, 0) >= 0 && dup2(out, 1) >= 0 && dup2(err, 2) >= 0
	         && (!order->channel || dup2(channel, CHANNEL_FD) >= 0)
	         && (!order->folder || !chdir(order->folder));
	if (fine)
		execvp(order->words[0], (char *const *)order->words);
	int code = errno;
	(void)!write(report, &code, sizeof code);
	_exit(127);
}

static int take_descriptor(int *fd)
{
	int taken = *fd;
	*fd = -1;
	if (taken >= 0)
		files_nonblocking(taken);
	return taken;
}

static int start_failed(struct error *error, const char *what, int code)
{
	return error_code(error, code, "cannot start %s: %s", what, strerror(code));
}

int helper_start(struct helper *helper, const struct helper_order *order, struct error *error)
{
	struct wires wires;
	*helper = no_helper;
	pid_t parent = getpid();
	int code = open_wires(&wires, order) ? errno : 0;
	pid_t pid = code ? -1 : fork();
	if (pid == 0)
		become(order, &wires, parent);
	if (pid < 0) {
		code = code ? code : errno;
		close_wires(&wires);
		return start_failed(error, order->words[0], code);
	}
	if (order->channel)
		setpgid(pid, pid);      /* whichever of us is first */
	memory_close_at(&wires.report[1]);
	wires.report[1] = -1;
	ssize_t got;
	while ((got = read(wires.report[0], &code, sizeof code)) < 0 && errno == EINTR)
		;
	if (got == (ssize_t)sizeof code) {
		waitpid(pid, NULL, 0);
		close_wires(&wires);
		return start_failed(error, order->words[0], code);
	}
	*helper = (struct helper){ pid, pidfd_open(pid, 0), order->channel, take_descriptor(&wires.out[0]),
		take_descriptor(&wires.err[0]), take_descriptor(&wires.channel[0]) };
	close_wires(&wires);
	return 0;
}

bool helper_read(int fd, struct text *into)
{
	for (int i = 0; i < READS_AT_ONCE; i++) {
		text_reserve(into, 16384);
		ssize_t got = read(fd, into->data + into->length, 16384);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		if (got == 0)
			return false;
		into->length += (size_t)got;
		into->data[into->length] = '\0';
	}
	return true;
}

int helper_wait(struct helper *helper)
{
	int status = 0;
	while (helper->pid > 0 && waitpid(helper->pid, &status, 0) < 0 && errno == EINTR)
		;
	memory_close_at(&helper->pidfd);
	memory_close_at(&helper->out);
	memory_close_at(&helper->err);
	memory_close_at(&helper->channel);
	*helper = no_helper;
	return status;
}

int helper_kill(struct helper *helper)
{
	if (helper->pid > 0 && helper->leads)
		kill(-helper->pid, SIGKILL);
	if (helper->pid > 0)
		kill(helper->pid, SIGKILL);
	return helper_wait(helper);
}

int helper_run(const struct helper_order *order, struct text *out, struct text *err, struct error *error)
{
	struct helper helper;
	if (helper_start(&helper, order, error))
		return -1;
	struct pollfd polls[2] = { { helper.out, POLLIN, 0 }, { helper.err, POLLIN, 0 } };
	while (polls[0].fd >= 0 || polls[1].fd >= 0) {
		if (poll(polls, 2, -1) < 0 && errno != EINTR)
			break;
		if (polls[0].revents && !helper_read(helper.out, out))
			polls[0].fd = -1;
		if (polls[1].revents && !helper_read(helper.err, err))
			polls[1].fd = -1;
	}
	return helper_wait(&helper);
}

char *helper_status_text(int status)
{
	if (!WIFSIGNALED(status))
		return memory_format("exit %d", WEXITSTATUS(status));
	char *name = memory_copy_text(strsignal(WTERMSIG(status)));
	name[0] = (char)tolower((unsigned char)name[0]);
	char *text = memory_format("signal %d (%s)", WTERMSIG(status), name);
	free(name);
	return text;
}

/* ---- whose child is whose ---- */

static pid_t parent_of(const char *name)
{
	char line[512];
	char *cleanup_free path = memory_format("/proc/%s/stat", name);
	FILE *file = fopen(path, "re");
	size_t length = file ? fread(line, 1, sizeof line - 1, file) : 0;
	if (file)
		fclose(file);
	line[length] = '\0';
	const char *behind = strrchr(line, ')');        /* the program's name may hold anything */
	int parent = -1;
	if (!behind || sscanf(behind, ") %*c %d", &parent) != 1)
		return -1;
	return parent;
}

/* Without the kernel's own list of children: every process is asked for its parent. */
static void search_children(pid_t parent, struct pids *out)
{
	DIR *proc = opendir("/proc");
	for (struct dirent *entry; proc && (entry = readdir(proc)); )
		if (isdigit((unsigned char)entry->d_name[0]) && parent_of(entry->d_name) == parent)
			*list_add(&out->list) = (pid_t)atoi(entry->d_name);
	if (proc)
		closedir(proc);
}

/* One thread's children: numbers with a blank behind each. */
static int list_children(const char *path, struct pids *out)
{
	struct text cleanup_text text = { 0 };
	if (files_read(path, &text, 0, NULL))
		return -1;
	char *end;
	for (const char *at = text_string(&text); *at; at = end) {
		long pid = strtol(at, &end, 10);
		if (end == at)
			break;
		*list_add(&out->list) = (pid_t)pid;
		end += strspn(end, " \n");
	}
	return 0;
}

void helper_children(pid_t parent, struct pids *out)
{
	char *cleanup_free folder = memory_format("/proc/%d/task", (int)parent);
	DIR *tasks = opendir(folder);
	bool listed = true;
	for (struct dirent *entry; tasks && listed && (entry = readdir(tasks)); ) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		char *cleanup_free path = memory_format("%s/%s/children", folder, entry->d_name);
		listed = !list_children(path, out) || errno == ESRCH;
	}
	if (tasks)
		closedir(tasks);
	if (!listed)
		search_children(parent, out);
}
