/* SPDX-License-Identifier: MIT */
#include "supervise/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"

/* The child's descriptor of the control channel: node/control.h, which is another layer's. */
enum { CONTROL = 3 };

static int nothing = -1;        /* /dev/null, the children's stdin */

static void close_all_on_exec(void)
{
	if (!close_range(3, ~0U, CLOSE_RANGE_CLOEXEC))
		return;
	DIR *open_files = opendir("/proc/self/fd");
	for (struct dirent *entry; open_files && (entry = readdir(open_files)); )
		if (atoi(entry->d_name) > 2)
			files_close_on_exec(atoi(entry->d_name));
	if (open_files)
		closedir(open_files);
}

int spawn_prepare(struct error *error)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= CONTROL);
	if (fd < 0)
		return error_code(error, errno, "cannot open /dev/null: %s", strerror(errno));
	nothing = fd;
	close_all_on_exec();
	return 0;
}

static void close_pair(const int pair[2])
{
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
}

/* Ours are [0], the child's [1]. */
static int make_channels(bool streams, int out[2], int err[2], int control[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control))
		return -1;
	if (!streams)
		return 0;
	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		return -1;
	return files_nonblocking(out[0]) || files_nonblocking(err[0]) ? -1 : 0;
}

/* ---- between fork and exec: the memory is still the parent's, so nothing but system calls ---- */

enum step { STEP_GROUP, STEP_DESCRIPTORS, STEP_CGROUP, STEP_PROCESSORS, STEP_NICE, STEP_DATA, STEP_NOFILE, STEP_EXEC };
static const char *const steps[] = {
	[STEP_GROUP] = "cannot make a process group for",
	[STEP_DESCRIPTORS] = "cannot hand descriptors to",
	[STEP_CGROUP] = "cannot enter the cgroup of",
	[STEP_PROCESSORS] = "cannot set the processors (cpus) of",
	[STEP_NICE] = "cannot set the priority (nice) of",
	[STEP_DATA] = "cannot set the memory limit (memory) of",
	[STEP_NOFILE] = "cannot set the limit of open files (nofile) of",
	[STEP_EXEC] = "cannot start",
};
/* How far it came, through a pipe that exec closes. */
struct refusal {
	enum step step;
	int code;
};

static void take_default_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &action, NULL);               /* KILL, STOP and those of libc refuse, rightly */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* -1: our own stays. */
static int take_descriptors(const int descriptors[4])
{
	for (int i = 0; i < 4; i++)
		if (descriptors[i] >= 0 && dup2(descriptors[i], i) < 0)
			return -1;
	return 0;
}

static int enter_cgroup(int fd)
{
	return fd < 0 || write(fd, "0", 1) == 1 ? 0 : -1;
}

static int take_processors(const struct spawning *spawning)
{
	return spawning->processors ? sched_setaffinity(0, spawning->processors_size, spawning->processors) : 0;
}

static int take_nice(const struct spawning *spawning)
{
	return spawning->has_nice ? setpriority(PRIO_PROCESS, 0, spawning->nice) : 0;
}

static int limit_data(const struct spawning *spawning)
{
	struct rlimit limit = { spawning->data, spawning->data };
	return spawning->data ? setrlimit(RLIMIT_DATA, &limit) : 0;
}

/* Returns only if it fails: at which step. */
static enum step become_child(const struct spawning *spawning, const int descriptors[4])
{
	if (setpgid(0, 0))
		return STEP_GROUP;
	take_default_signals();
	if (enter_cgroup(spawning->cgroup))
		return STEP_CGROUP;
	if (take_descriptors(descriptors))
		return STEP_DESCRIPTORS;
	if (take_processors(spawning))
		return STEP_PROCESSORS;
	if (take_nice(spawning))
		return STEP_NICE;
	if (limit_data(spawning))
		return STEP_DATA;
	if (setrlimit(RLIMIT_NOFILE, &spawning->descriptors))
		return STEP_NOFILE;
	execve(spawning->program, spawning->arguments, spawning->environment);
	return STEP_EXEC;
}

static pid_t fork_child(const struct spawning *spawning, const int descriptors[4], int report)
{
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);                /* none may be handled by the child, in our memory */
	pid_t process = vfork();                                /* no copy of page tables, however large we are */
	if (!process) {
		struct refusal refusal = { .step = become_child(spawning, descriptors) };
		refusal.code = errno;
		if (write(report, &refusal, sizeof refusal) < 0)
			_exit(126);
		_exit(127);
	}
	int code = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = code;
	return process;
}

/* 0, or errno with the step. */
static int run_spawn(const struct spawning *spawning, const int descriptors[4], pid_t *process, enum step *step)
{
	int report[2];
	struct refusal refusal = { 0 };
	*step = STEP_EXEC;
	if (pipe2(report, O_CLOEXEC))
		return errno;
	*process = fork_child(spawning, descriptors, report[1]);
	int code = *process < 0 ? errno : 0;
	close(report[1]);
	if (!code && read(report[0], &refusal, sizeof refusal) == (ssize_t)sizeof refusal) {
		waitpid(*process, NULL, 0);
		*step = refusal.step;
		code = refusal.code;
	}
	close(report[0]);
	return code;
}

static const char *remedy(int code)
{
	if (code == EMFILE)
		return " (the limit of open files, `ulimit -n`)";
	if (code == EAGAIN)
		return " (the limit of processes, `ulimit -u`, pids.max of the cgroup or kernel.pid_max)";
	return "";
}

int spawn_child(const struct spawning *spawning, struct spawned *out, struct error *error)
{
	int output[2] = { -1, -1 }, errors[2] = { -1, -1 }, control[2] = { -1, -1 };
	enum step step = STEP_EXEC;
	int code = make_channels(!spawning->keeps_streams, output, errors, control) ? errno : 0;
	if (!code)
		code = run_spawn(spawning, (int [4]){ spawning->keeps_streams ? -1 : nothing, output[1],
			errors[1], control[1] }, &out->process, &step);
	if (code) {
		close_pair(output);
		close_pair(errors);
		close_pair(control);
		return error_code(error, code, "%s %s: %s%s", steps[step], spawning->program, strerror(code), remedy(code));
	}
	memory_close_at(&output[1]);
	memory_close_at(&errors[1]);
	close(control[1]);
	out->output = output[0];
	out->errors = errors[0];
	out->control = control[0];
	return 0;
}
