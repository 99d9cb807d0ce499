/* SPDX-License-Identifier: MIT */
#include "supervise/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

static void set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(attributes);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(attributes, 0);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
}

/* The limit is lowered around the call: there is no other way to hand a child its own before it begins. */
static int run_spawn(const struct spawning *spawning, int out, int err, int control, pid_t *process)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	struct rlimit ours;
	posix_spawn_file_actions_init(&actions);
	if (!spawning->keeps_streams) {
		posix_spawn_file_actions_adddup2(&actions, nothing, 0);
		posix_spawn_file_actions_adddup2(&actions, out, 1);
		posix_spawn_file_actions_adddup2(&actions, err, 2);
	}
	posix_spawn_file_actions_adddup2(&actions, control, CONTROL);
	set_attributes(&attributes);
	int limited = !getrlimit(RLIMIT_NOFILE, &ours) && !setrlimit(RLIMIT_NOFILE, &spawning->descriptors);
	int code = posix_spawn(process, spawning->program, &actions, &attributes, spawning->arguments,
		spawning->environment);
	if (limited)
		setrlimit(RLIMIT_NOFILE, &ours);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
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
	int code = make_channels(!spawning->keeps_streams, output, errors, control) ? errno : 0;
	if (!code)
		code = run_spawn(spawning, output[1], errors[1], control[1], &out->process);
	if (code) {
		close_pair(output);
		close_pair(errors);
		close_pair(control);
		return error_code(error, code, "cannot start %s: %s%s", spawning->program, strerror(code), remedy(code));
	}
	memory_close_at(&output[1]);
	memory_close_at(&errors[1]);
	close(control[1]);
	out->output = output[0];
	out->errors = errors[0];
	out->control = control[0];
	return 0;
}
