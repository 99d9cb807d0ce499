/* SPDX-License-Identifier: MIT */
/* Deaths of the nodes' processes, and the processes that they left behind. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/memory.h"
#include "supervise/inside.h"
#include "supervise/reap.h"

enum { SWEEPS = 5 };
static const int64_t SWEEP_AFTER = 20000000;    /* many deaths at once are one look */

static size_t hash_of(const struct supervisor *supervisor, pid_t pid)
{
	return ((size_t)pid * 0x9e3779b1u) & supervisor->pid_mask;
}

void children_remember(struct supervisor *supervisor, struct process *process)
{
	size_t hash = hash_of(supervisor, process->pid);
	process->next_same_hash = supervisor->pids[hash];
	supervisor->pids[hash] = process->number;
}

static struct process *find(const struct supervisor *supervisor, pid_t pid)
{
	for (int number = supervisor->pids[hash_of(supervisor, pid)]; number >= 0;
	     number = supervisor->processes[number].next_same_hash)
		if (supervisor->processes[number].pid == pid)
			return &supervisor->processes[number];
	return NULL;
}

static void forget(struct supervisor *supervisor, const struct process *process)
{
	int *place = &supervisor->pids[hash_of(supervisor, process->pid)];
	while (*place != process->number)
		place = &supervisor->processes[*place].next_same_hash;
	*place = process->next_same_hash;
}

static void arm_sweep(struct supervisor *supervisor)
{
	if (!supervisor->sweep_timer.place)
		timers_set(&supervisor->timers, &supervisor->sweep_timer, supervisor_now(supervisor) + SWEEP_AFTER);
}

/* The group is killed before its leader is reaped: afterwards the number could be somebody else's. */
void children_reap(struct supervisor *supervisor)
{
	siginfo_t info;
	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid)
			break;
		int status;
		struct rusage usage;
		struct process *process = find(supervisor, info.si_pid);
		if (process)
			kill(-info.si_pid, SIGKILL);
		if (wait4(info.si_pid, &status, WNOHANG, &usage) != info.si_pid)
			break;
		if (process) {
			control_readable(supervisor, process);  /* its last words came before its death */
			forget(supervisor, process);
			process_died(supervisor, process, status, &usage);
		}
		supervisor->sweeps_left = SWEEPS;
		arm_sweep(supervisor);
	}
}

/* ---- what escaped ---- */

/* The replica that a process names as its own, if it still has that process; "RUN/LABEL/INDEX/INCARNATION". */
static bool belongs_to_living(const struct supervisor *supervisor, char *name)
{
	size_t length = strlen(supervisor->launch->record->id);
	if (strncmp(name, supervisor->launch->record->id, length) || name[length] != '/')
		return true;                            /* a run inside the run: it looks after its own */
	char *incarnation = strrchr(name, '/');
	*incarnation++ = '\0';
	char *index = strrchr(name, '/');
	if (!index || index < name + length)
		return false;
	*index++ = '\0';
	const struct group *group = index > name + length + 1 ? topology_group(supervisor->topology, name + length + 1) : NULL;
	long number = strtol(index, NULL, 10);
	if (!group || number < 0 || number >= group->replicas)
		return false;
	const struct member *member = &supervisor->members[group->first + number];
	return member_alive(member) && member->incarnation == atoi(incarnation);
}

/* A child of ours that is no node was orphaned. One whose node lives may stay; one that does not say, and was not just
   executing something (then it cannot be read), goes at the end. */
void children_sweep(struct supervisor *supervisor)
{
	struct processes children = { 0 };
	bool nameless = false;
	reap_children(&children);
	for (size_t i = 0; i < children.list.count; i++) {
		if (find(supervisor, children.list.at[i]))
			continue;
		char *cleanup_free name = reap_variable(children.list.at[i], "LPAD_NODE");
		if (name && !belongs_to_living(supervisor, name))
			kill(children.list.at[i], SIGKILL);
		nameless |= !name;
	}
	list_release(&children.list);
	if (nameless && supervisor->sweeps_left-- > 0)
		arm_sweep(supervisor);
}

bool children_end(struct supervisor *supervisor)
{
	struct processes children = { 0 };
	children_reap(supervisor);
	reap_children(&children);
	for (size_t i = 0; i < children.list.count; i++)
		kill(children.list.at[i], SIGKILL);
	list_release(&children.list);
	siginfo_t info;
	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}
