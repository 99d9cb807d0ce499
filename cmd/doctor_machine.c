/* SPDX-License-Identifier: MIT */
/* The machine and the kernel, as they let this user do. */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "doctor.h"
#include "supervise/cgroup.h"
#include "supervise/resources.h"
#include "supervise/supervise.h"
#include "topology/topology.h"

enum {
	FEW_PROCESSES = 100,            /* that a launch should be able to start */
	FEW_THREADS = 4000,
	YEAR_OF_LPAD = 2026
};
static const uint64_t LITTLE_SHM = 64 << 20;

static void add_limit(struct finding *finding, const char *name, rlim_t value)
{
	if (value == RLIM_INFINITY)
		finding_value(finding, "%s unlimited", name);
	else
		finding_value(finding, "%s %" PRIu64, name, (uint64_t)value);
}

static void look_at_files(struct finding *finding)
{
	struct rlimit limit;
	struct error error = { 0 };
	getrlimit(RLIMIT_NOFILE, &limit);
	add_limit(finding, "soft", limit.rlim_cur);
	add_limit(finding, ", hard", limit.rlim_max);
	if (!supervise_can_start(FEW_PROCESSES, &error))
		return;
	finding_raise(finding, supervise_can_start(1, &error) ? FINDING_PROBLEM : FINDING_WARNING,
		"lpad raises the soft limit itself; the hard one is too low for a hundred processes",
		"`ulimit -Hn 65536` as root, nofile in /etc/security/limits.conf, or LimitNOFILE= of the service");
}

/* The lowest pids.max from here up; 0: none, or not known. */
static int64_t cgroup_pids(void)
{
	char *cleanup_free mount = NULL, *cleanup_free own = NULL;
	int64_t lowest = 0;
	if (!cgroup_find(&mount, &own))
		return 0;
	for (char *slash; (slash = strrchr(own, '/')); *slash = '\0') {
		char *cleanup_free path = memory_format("%s%s/pids.max", mount, own);
		struct text cleanup_text text = { 0 };
		int64_t most = files_read(path, &text, 64, NULL) ? 0 : strtoll(text_string(&text), NULL, 10);
		if (most > 0 && (!lowest || most < lowest))
			lowest = most;
	}
	return lowest;
}

static void look_at_processes(struct finding *finding)
{
	struct machine_limits limits;
	machine_limits_read(&limits);
	const struct { const char *name; int64_t most; } rows[] = {
		{ "threads-max", limits.threads }, { "pid_max", limits.pids }, { "ulimit -u", limits.of_user },
		{ "pids.max", cgroup_pids() } };
	int64_t lowest = INT64_MAX;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].most <= 0)
			continue;
		finding_value(finding, "%s%s %" PRId64, finding->value.length ? ", " : "", rows[i].name, rows[i].most);
		lowest = rows[i].most < lowest ? rows[i].most : lowest;
	}
	if (lowest < FEW_THREADS)
		finding_raise(finding, FINDING_WARNING, "a node with edges has a dozen threads or more, each of which counts",
			"raise the lowest: nproc in /etc/security/limits.conf, TasksMax= of the service or slice, sysctl kernel.pid_max");
}

static void add_size(struct finding *finding, uint64_t bytes)
{
	if (bytes >> 30)
		finding_value(finding, "%.1f GiB", (double)bytes / (1 << 30));
	else
		finding_value(finding, "%" PRIu64 " MiB", bytes >> 20);
}

static void look_at_shared_memory(struct finding *finding)
{
	struct statvfs file_system;
	if (statvfs("/dev/shm", &file_system) || access("/dev/shm", W_OK)) {
		finding_value(finding, "/dev/shm: %s", strerror(errno));
		finding_raise(finding, FINDING_WARNING, "nodes and libraries that share memory between processes will fail",
			"mount a tmpfs there; in a container, --shm-size or a volume");
		return;
	}
	uint64_t free_bytes = (uint64_t)file_system.f_bavail * file_system.f_frsize;
	finding_value(finding, "/dev/shm: ");
	add_size(finding, free_bytes);
	finding_value(finding, " free");
	if (free_bytes < LITTLE_SHM)
		finding_raise(finding, FINDING_WARNING, "little is left, or was given: 64 MiB is what containers have by default",
			"look at /dev/shm for what runs have left there; in a container, --shm-size");
}

static void look_at_memory_limits(struct finding *finding)
{
	char *cleanup_free why = NULL, *cleanup_free place = cgroup_delegated(&why);
	if (place) {
		finding_value(finding, "by cgroup, below %s", place);
		return;
	}
	finding_value(finding, "by rlimit: %s", why);
	finding_raise(finding, FINDING_WARNING,
		"`memory` of resources limits what each process maps, not what a node and its children use, and the kernel does not say "
		"when it was reached", "start lpad as `systemd-run --user --scope lpad launch ...`, or set LPAD_CGROUP to a cgroup v2 "
		"folder of yours with memory in its cgroup.subtree_control");
}

/* Tried in a child that then ends: whoever is not root needs a user namespace for it. */
static bool may_unshare(int flags)
{
	int status = 0;
	pid_t process = fork();
	if (!process)
		_exit(unshare(flags) ? 1 : 0);
	while (process > 0 && waitpid(process, &status, 0) < 0 && errno == EINTR)
		;
	return process > 0 && WIFEXITED(status) && !WEXITSTATUS(status);
}

static void look_at_namespaces(struct finding *finding)
{
	bool user = may_unshare(CLONE_NEWUSER), process = may_unshare(CLONE_NEWPID);
	if (!process)
		process = may_unshare(CLONE_NEWUSER | CLONE_NEWPID);
	finding_value(finding, "user %s, pid %s", user ? "yes" : "no", process ? "yes" : "no");
	if (!process)
		finding_raise(finding, FINDING_WARNING, "--isolate cannot be had: if both of lpad's guards are killed at the same "
			"moment, what nodes have detached goes on", "sysctl user.max_user_namespaces above 0, kernel.unprivileged_userns_clone=1, "
			"or kernel.apparmor_restrict_unprivileged_userns=0");
}

static int count_nodes(const struct machine *machine)
{
	int most = -1;
	for (size_t i = 0; i < machine->processors.count; i++)
		if (machine->processors.at[i].node > most)
			most = machine->processors.at[i].node;
	return most + 1;
}

static void look_at_processors(struct finding *finding)
{
	struct machine machine;
	struct text cleanup_text ranges = { 0 };
	machine_read(&machine, MACHINE_PROCESSORS);
	size_t count = machine.processors.count;
	long there = sysconf(_SC_NPROCESSORS_ONLN);
	int *cleanup_free numbers = memory_array(count + 1, sizeof *numbers);
	for (size_t i = 0; i < count; i++)
		numbers[i] = machine.processors.at[i].number;
	resources_ranges(numbers, count, &ranges);
	finding_value(finding, "%zu of %ld (%s), %d NUMA node%s", count, there, text_string(&ranges), count_nodes(&machine),
		count_nodes(&machine) == 1 ? "" : "s");
	if ((long)count < there)
		finding_raise(finding, FINDING_WARNING, "lpad and its nodes may use only a part of this machine",
			"if that is not meant: taskset, the cpuset of the cgroup, or the allocation of the scheduler");
	machine_release(&machine);
}

static void look_at_gpus(struct finding *finding)
{
	struct machine machine;
	machine_read(&machine, MACHINE_GPUS);
	if (!machine.gpus.count)
		finding_value(finding, "none (by %s)", machine.gpus_by);
	else
		finding_value(finding, "%zu of %s (by %s)", machine.gpus.count, gpu_vendor_name(machine.vendor), machine.gpus_by);
	machine_release(&machine);
}

static void look_at_clock(struct finding *finding)
{
	struct timex state = { .modes = 0 };
	char text[64];
	time_t now = time(NULL);
	struct tm parts;
	gmtime_r(&now, &parts);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
	bool synchronised = adjtimex(&state) >= 0 && !(state.status & STA_UNSYNC);
	finding_value(finding, "%s, %ssynchronised", text, synchronised ? "" : "not ");
	if (parts.tm_year + 1900 < YEAR_OF_LPAD)
		finding_raise(finding, FINDING_WARNING, "that is before lpad was written: records and caches are dated wrongly",
			"set the clock: timedatectl set-ntp true");
}

const struct doctor_check doctor_machine[] = {
	{ "open files", look_at_files },
	{ "processes", look_at_processes },
	{ "shared memory", look_at_shared_memory },
	{ "memory limits", look_at_memory_limits },
	{ "namespaces", look_at_namespaces },
	{ "processors", look_at_processors },
	{ "gpus", look_at_gpus },
	{ "clock", look_at_clock },
	{ .name = NULL },
};
