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

void children_remember(struct supervisor *supervisor, struct child *child)
{
	size_t hash = hash_of(supervisor, child->pid);
	child->next_same_hash = supervisor->pids[hash];
	supervisor->pids[hash] = child->number;
}

static struct child *find(const struct supervisor *supervisor, pid_t pid)
{
	for (int number = supervisor->pids[hash_of(supervisor, pid)]; number >= 0;
	     number = supervisor->children[number].next_same_hash)
		if (supervisor->children[number].pid == pid)
			return &supervisor->children[number];
	return NULL;
}

static void forget(struct supervisor *supervisor, const struct child *child)
{
	int *place = &supervisor->pids[hash_of(supervisor, child->pid)];
	while (*place != child->number)
		place = &supervisor->children[*place].next_same_hash;
	*place = child->next_same_hash;
}

void children_look(struct supervisor *supervisor)
{
	if (!supervisor->sweep_timer.place)
		timers_set(&supervisor->timers, &supervisor->sweep_timer, supervisor_now(supervisor) + SWEEP_AFTER);
}

/* The group is killed before its leader is reaped: afterwards the number could be somebody else's. */
void children_reap(struct supervisor *supervisor)
{
	siginfo_t info;
	foreground_look(supervisor);
	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid)
			break;
		int status;
		struct rusage usage;
		struct child *child = find(supervisor, info.si_pid);
		if (child)
			kill(-info.si_pid, SIGKILL);
		if (wait4(info.si_pid, &status, WNOHANG, &usage) != info.si_pid)
			break;
		if (child) {
			control_readable(supervisor, child);  /* its last words came before its death */
			forget(supervisor, child);
			child_died(supervisor, child, status, &usage);
		}
		supervisor->sweeps_left = SWEEPS;
		children_look(supervisor);
	}
}

/* ---- what escaped ---- */

/* The replica that a process names as its own, and the incarnation; "RUN/LABEL/INDEX/INCARNATION". NULL: none of this run's.
   Cuts the name into pieces. */
static struct member *owner(const struct supervisor *supervisor, char *name, int *incarnation)
{
	size_t length = strlen(supervisor->launch->record->id);
	if (strncmp(name, supervisor->launch->record->id, length) || name[length] != '/')
		return NULL;                            /* a run inside the run: it looks after its own */
	char *last = strrchr(name, '/');
	*last++ = '\0';
	char *index = strrchr(name, '/');
	if (!index || index <= name + length)
		return NULL;
	*index++ = '\0';
	const struct group *group = topology_group(supervisor->topology, name + length + 1);
	long number = strtol(index, NULL, 10);
	if (!group || number < 0 || number >= group->replicas)
		return NULL;
	*incarnation = atoi(last);
	return &supervisor->members[group->first + number];
}

/* One whose node lives may stay, and one that belongs to another run; the others are killed. */
static void look_at(struct supervisor *supervisor, pid_t pid, char *name)
{
	int incarnation = 0;
	struct member *member = owner(supervisor, name, &incarnation);
	if (!member || (member_alive(member) && member->incarnation == incarnation))
		return;
	kill(pid, SIGKILL);
	member->child->haunted = true;
}

/* Processes that wait to be started again may, once a look has found nothing of theirs. One that does not say whose it is
   may just be executing something, so it is looked at again. True: some have to wait for another look. */
static bool let_start(struct supervisor *supervisor, bool nameless)
{
	bool more = false;
	for (int i = 0; i < supervisor->child_count && supervisor->in_state[MEMBER_WAITING]; i++) {
		struct child *child = &supervisor->children[i];
		if (child->members[0]->state != MEMBER_WAITING || child->clean)
			continue;
		child->clean = !child->haunted && (!nameless || ++child->looks > SWEEPS);
		more |= !child->clean;
		start_again(supervisor, child);
	}
	return more;
}

/* A child of ours that is no node was orphaned. One that does not say whose it is, and was not just executing something
   (then it cannot be read), goes at the end. */
void children_sweep(struct supervisor *supervisor)
{
	struct pids pids = { 0 };
	bool nameless = false;
	for (int i = 0; i < supervisor->child_count; i++)
		supervisor->children[i].haunted = false;
	reap_children(&pids);
	for (size_t i = 0; i < pids.list.count; i++) {
		if (find(supervisor, pids.list.at[i]))
			continue;
		char *cleanup_free name = reap_variable(pids.list.at[i], "LPAD_NODE");
		if (name)
			look_at(supervisor, pids.list.at[i], name);
		nameless |= !name;
	}
	list_release(&pids.list);
	bool more = let_start(supervisor, nameless);
	if (more || (nameless && supervisor->sweeps_left-- > 0))
		children_look(supervisor);
}

bool children_end(struct supervisor *supervisor)
{
	struct pids pids = { 0 };
	children_reap(supervisor);
	reap_children(&pids);
	for (size_t i = 0; i < pids.list.count; i++)
		kill(pids.list.at[i], SIGKILL);
	list_release(&pids.list);
	siginfo_t info;
	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}
