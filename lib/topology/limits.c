/* SPDX-License-Identifier: MIT */
/* More threads than this machine lets anybody have: told before the last of them cannot be started. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "topology/topology.h"

static int64_t kernel_number(const char *path)
{
	FILE *file = fopen(path, "re");
	int64_t number = 0;
	if (file && fscanf(file, "%" SCNd64, &number) != 1)
		number = 0;
	if (file)
		fclose(file);
	return number;
}

void machine_limits_read(struct machine_limits *out)
{
	struct rlimit limit;
	*out = (struct machine_limits){ .threads = kernel_number("/proc/sys/kernel/threads-max"),
		.pids = kernel_number("/proc/sys/kernel/pid_max") };
	/* Nobody counts the threads of root. */
	if (geteuid() && !getrlimit(RLIMIT_NPROC, &limit) && limit.rlim_cur != RLIM_INFINITY)
		out->of_user = (int64_t)limit.rlim_cur;
}

static struct mark largest_group(const struct topology *topology)
{
	const struct group *largest = NULL;
	for (size_t i = 0; i < topology->groups.count; i++)
		if (!largest || topology->groups.at[i].replicas > largest->replicas)
			largest = &topology->groups.at[i];
	return !largest ? (struct mark){ 0 } : largest->replicas_mark.line ? largest->replicas_mark : largest->mark;
}

/* The lowest of the limits; each thread has a process id of its own. */
void topology_check_limits(const struct topology *topology, const struct machine_limits *limits,
	struct problems *problems)
{
	const struct { int64_t most; const char *name; } rows[] = {
		{ limits->threads, "kernel.threads-max" },
		{ limits->pids, "kernel.pid_max" },
		{ limits->of_user, "RLIMIT_NPROC, `ulimit -u`" },
	};
	struct topology_size size = topology_measure(topology, NULL);
	size_t lowest = 0;
	for (size_t i = 1; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].most > 0 && (rows[lowest].most <= 0 || rows[i].most < rows[lowest].most))
			lowest = i;
	if (rows[lowest].most > 0 && size.threads > rows[lowest].most)
		problem_warn(problems, largest_group(topology), "many-threads", NULL,
			"%" PRId64 " processes have about %" PRId64 " threads; this machine allows %" PRId64 " (%s)",
			size.processes, size.threads, rows[lowest].most, rows[lowest].name);
}
