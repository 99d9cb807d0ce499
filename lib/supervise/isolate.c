/* SPDX-License-Identifier: MIT */
#include "supervise/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"

enum { FAILED = 125 };

static int proc_outside = -1;   /* the /proc of before; -1: not isolated */

/* ---- the child: what is told when it fails ---- */

struct refusal {
	int code;               /* errno */
	char what[60];
};

static int refuse(struct refusal *refusal, const char *what)
{
	refusal->code = errno;
	snprintf(refusal->what, sizeof refusal->what, "%s", what);
	return -1;
}

static int put(const char *path, const char *text, struct refusal *refusal)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (!written)
		refuse(refusal, path);
	if (fd >= 0)
		close(fd);
	return written ? 0 : -1;
}

/* We are in there who we are outside. */
static int keep_ids(uid_t user, gid_t group, struct refusal *refusal)
{
	char users[40], groups[40];
	snprintf(users, sizeof users, "%u %u 1", (unsigned)user, (unsigned)user);
	snprintf(groups, sizeof groups, "%u %u 1", (unsigned)group, (unsigned)group);
	return put("/proc/self/setgroups", "deny", refusal) || put("/proc/self/uid_map", users, refusal) ||
		put("/proc/self/gid_map", groups, refusal) ? -1 : 0;
}

/* What is mounted later outside is seen inside, but not the other way round. */
static int mount_proc(struct refusal *refusal)
{
	proc_outside = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc_outside < 0)
		return refuse(refusal, "open /proc");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		return refuse(refusal, "keep mounts to itself");
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return refuse(refusal, "mount a /proc of its own");
	return 0;
}

/* ---- the parent ---- */

/* What usually forbids it, and who says so. */
static const struct {
	const char *path;
	int forbids;
	const char *says;
} settings[] = {
	{ "/proc/sys/user/max_user_namespaces", 0, "user.max_user_namespaces is 0" },
	{ "/proc/sys/user/max_pid_namespaces", 0, "user.max_pid_namespaces is 0" },
	{ "/proc/sys/kernel/unprivileged_userns_clone", 0, "kernel.unprivileged_userns_clone is 0" },
	{ "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 1, "kernel.apparmor_restrict_unprivileged_userns is 1" },
};

static const char *likely_reason(void)
{
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
		struct text cleanup_text text = { 0 };
		if (!files_read(settings[i].path, &text, 0, NULL) && text.length && atoi(text.data) == settings[i].forbids)
			return settings[i].says;
	}
	return "a container may not allow it";
}

static int cannot(struct error *error, const char *what, int code)
{
	return error_code(error, code, "a PID namespace cannot be made here: %s: %s (%s)", what, strerror(code), likely_reason());
}

static pid_t clone_with(unsigned long flags)
{
	fflush(NULL);
	return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0);
}

static void settle(bool with_user, uid_t user, gid_t group, int report)
{
	struct refusal refusal = { 0 };
	if ((with_user && keep_ids(user, group, &refusal)) || mount_proc(&refusal)) {
		(void)!write(report, &refusal, sizeof refusal);
		_exit(FAILED);
	}
}

pid_t isolate_fork(struct error *error)
{
	int report[2];
	struct refusal refusal;
	uid_t user = geteuid();
	gid_t group = getegid();
	bool with_user = false;
	if (pipe2(report, O_CLOEXEC))
		return cannot(error, "make a pipe", errno);
	pid_t child = clone_with(CLONE_NEWPID | CLONE_NEWNS);
	if (child < 0 && errno == EPERM) {
		with_user = true;
		child = clone_with(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUSER);
	}
	int code = errno;
	if (child == 0)
		settle(with_user, user, group, report[1]);
	close(report[1]);
	if (child > 0 && read(report[0], &refusal, sizeof refusal) == (ssize_t)sizeof refusal) {
		waitpid(child, NULL, 0);
		child = cannot(error, refusal.what, refusal.code);
	} else if (child < 0) {
		child = cannot(error, "clone", code);
	}
	close(report[0]);
	return child;
}

int isolate_probe(struct error *error)
{
	pid_t child = isolate_fork(error);
	if (child == 0)
		_exit(0);
	if (child > 0)
		waitpid(child, NULL, 0);
	return child > 0 ? 0 : -1;
}

/* ---- numbers ---- */

/* A descriptor's page in the /proc of outside names the process as it is called there. */
pid_t isolate_outside(pid_t inside)
{
	char path[40], line[100];
	int outside = 0;
	if (proc_outside < 0)
		return inside;
	int process = pidfd_open(inside, 0);
	if (process < 0)
		return inside;
	snprintf(path, sizeof path, "self/fdinfo/%d", process);
	int fd = openat(proc_outside, path, O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	while (file && outside <= 0 && fgets(line, sizeof line, file))
		(void)!sscanf(line, "Pid: %d", &outside);
	if (file)
		fclose(file);
	close(process);
	return outside > 0 ? (pid_t)outside : inside;
}
