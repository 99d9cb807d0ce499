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

static size_t hash_of(const struct supervisor *supervisor, pid_t process)
{
	return ((size_t)process * 0x9e3779b1u) & supervisor->process_mask;
}

void children_remember(struct supervisor *supervisor, struct member *member)
{
	size_t hash = hash_of(supervisor, member->process);
	member->next_same_hash = supervisor->processes[hash];
	supervisor->processes[hash] = member->id;
}

static struct member *find(const struct supervisor *supervisor, pid_t process)
{
	for (int id = supervisor->processes[hash_of(supervisor, process)]; id >= 0;
	     id = supervisor->members[id].next_same_hash)
		if (supervisor->members[id].process == process)
			return &supervisor->members[id];
	return NULL;
}

static void forget(struct supervisor *supervisor, const struct member *member)
{
	int *place = &supervisor->processes[hash_of(supervisor, member->process)];
	while (*place != member->id)
		place = &supervisor->members[*place].next_same_hash;
	*place = member->next_same_hash;
}

/* ---- a node's process has ended ---- */

static bool ended_well(const struct member *member)
{
	if (member->exit_signal || member->exit_code)
		return false;
	return member->state == MEMBER_FINISHING || member->state == MEMBER_STOPPED ||
		member->state == MEMBER_DRAINING || member->state == MEMBER_DRAINED;
}

/* Why this end is a failure; NULL: it is none. */
static struct failure *judge(const struct supervisor *supervisor, const struct member *member)
{
	if (member->failure || member->had_to_be_killed || supervisor->killing || ended_well(member))
		return NULL;
	const char *step = member->step ? member->step : "start";
	struct failure *failure;
	if (member->exit_signal)
		failure = failure_new(step, 0, "signal %d", member->exit_signal);
	else if (member->exit_code)
		failure = failure_new(step, member->exit_code, "exit %d", member->exit_code);
	else
		failure = failure_new(step, 1, "its process exited with 0 before it was told to finish");
	failure->signal = member->exit_signal;
	return failure;
}

static void died(struct supervisor *supervisor, struct member *member, int status, const struct rusage *usage)
{
	control_readable(supervisor, member);           /* its last words came before its death */
	forget(supervisor, member);
	member->process = 0;
	member->exit_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	member->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	member->usage = *usage;
	member->ended_ns = supervisor_now(supervisor);
	timers_clear(&supervisor->timers, &member->timer);
	timers_clear(&supervisor->timers, &member->closed_timer);
	supervisor_unwatch(supervisor, &member->control_watch);
	channel_close(&member->control);
	struct failure *failure = judge(supervisor, member);
	member_set_state(supervisor, member, MEMBER_DEAD);
	run_member_over(supervisor, member);
	if (failure)
		member_fail(supervisor, member, failure);
	output_event(&supervisor->output, json_pack("{ss ss si si}", "event", "end", "node", member->name,
		"exit", member->exit_code, "signal", member->exit_signal));
	run_tell_neighbours(supervisor, member);
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
		struct member *member = find(supervisor, info.si_pid);
		if (member)
			kill(-info.si_pid, SIGKILL);
		if (wait4(info.si_pid, &status, WNOHANG, &usage) != info.si_pid)
			break;
		if (member)
			died(supervisor, member, status, &usage);
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
