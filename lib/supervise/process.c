/* SPDX-License-Identifier: MIT */
/* One process: the channel to it, and how it is brought to its end. Its replicas end together. */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "base/memory.h"
#include "supervise/console.h"
#include "supervise/inside.h"

static const int64_t SECOND = 1000000000;
static const int64_t KILL_AFTER = 3 * SECOND;           /* of TERM */
static const int64_t EXIT_AFTER = 3 * SECOND;           /* of having said "failed" */

bool process_is_shared(const struct process *process)
{
	return process->count > 1;
}

void process_send(struct supervisor *supervisor, struct process *process, json_t *message)
{
	channel_send(&process->control, message);
	channel_flush(&process->control);
	if (process->control.fd >= 0 && !process->control.ended)
		supervisor_watch(supervisor, &process->control_watch, process->control.fd,
			EPOLLIN | (channel_pending(&process->control) ? EPOLLOUT : 0));
}

void process_set_state(struct supervisor *supervisor, struct process *process, enum member_state state)
{
	for (int i = 0; i < process->count; i++) {
		timers_clear(&supervisor->timers, &process->members[i]->timer);
		member_set_state(supervisor, process->members[i], state);
	}
}

/* All of its replicas are in the same state from FAILING on. */
static enum member_state end_state(const struct process *process)
{
	return process->members[0]->state;
}

const char *process_step(const struct process *process)
{
	const char *step = process->members[0]->step;
	for (int i = 1; i < process->count; i++)
		if (process->members[i]->step != step)
			return "run";
	return step ? step : "start";
}

/* "fini"; of several that are not in the same step, "worker/0 in drain, worker/1 in run". Caller frees. */
static char *doing(const struct process *process)
{
	enum { NAMES_SHOWN = 8 };
	struct text out = { 0 };
	bool same = true;
	for (int i = 1; i < process->count; i++)
		same &= process->members[i]->step == process->members[0]->step;
	if (same)
		return memory_copy_text(process_step(process));
	for (int i = 0; i < process->count && i < NAMES_SHOWN; i++)
		text_format(&out, "%s%s in %s", i ? ", " : "", process->members[i]->name,
			process->members[i]->step ? process->members[i]->step : "start");
	if (process->count > NAMES_SHOWN)
		text_format(&out, " and %d more", process->count - NAMES_SHOWN);
	return text_take(&out);
}

bool process_has_failed(const struct process *process)
{
	for (int i = 0; i < process->count; i++)
		if (process->members[i]->failure)
			return true;
	return false;
}

void process_begin_failing(struct supervisor *supervisor, struct process *process)
{
	if (process->pid && end_state(process) < MEMBER_FAILING) {
		process_set_state(supervisor, process, MEMBER_FAILING);
		timers_set(&supervisor->timers, &process->end_timer, supervisor_now(supervisor) + EXIT_AFTER);
	}
	for (int i = 0; i < process->count; i++)
		run_member_over(supervisor, process->members[i]);
}

void process_terminate(struct supervisor *supervisor, struct process *process)
{
	if (!process->pid)
		return;
	kill(-process->pid, SIGTERM);
	kill(-process->pid, SIGCONT);
	process_set_state(supervisor, process, MEMBER_TERMINATED);
	timers_set(&supervisor->timers, &process->end_timer, supervisor_now(supervisor) + KILL_AFTER);
	if (!process_has_failed(process))
		process->had_to_be_killed = true;
	failure_report_cause(supervisor);
	char *cleanup_free what = doing(process);
	output_error(&supervisor->output, "%s has not ended in time (%s): sent TERM", process->name, what);
}

void process_kill(struct supervisor *supervisor, struct process *process)
{
	if (!process->pid)
		return;
	kill(-process->pid, SIGKILL);
	kill(process->pid, SIGKILL);
	if (end_state(process) == MEMBER_TERMINATED)
		output_error(&supervisor->output, "%s has not ended after TERM: killed", process->name);
	process_set_state(supervisor, process, MEMBER_KILLED);
	timers_clear(&supervisor->timers, &process->end_timer);
}

void process_overdue(struct supervisor *supervisor, struct process *process)
{
	if (end_state(process) == MEMBER_FAILING)
		process_terminate(supervisor, process);
	else if (end_state(process) == MEMBER_TERMINATED)
		process_kill(supervisor, process);
}

void process_fail(struct supervisor *supervisor, struct process *process, struct failure *failure)
{
	failure->whole = process_is_shared(process);
	member_fail(supervisor, process->members[0], failure);
}

/* ---- its death ---- */

static bool expected_to_end(const struct member *member)
{
	return member->state == MEMBER_FINISHING || member->state == MEMBER_STOPPED || member->state == MEMBER_DRAINING ||
		member->state == MEMBER_DRAINED;
}

static bool ended_well(const struct process *process)
{
	for (int i = 0; i < process->count; i++)
		if (!expected_to_end(process->members[i]))
			return false;
	return !process->exit_signal && !process->exit_code;
}

/* Why this end is a failure; NULL: it is none, or a replica has said why. */
static struct failure *judge(const struct supervisor *supervisor, const struct process *process)
{
	if (process_has_failed(process) || process->had_to_be_killed || supervisor->killing || ended_well(process))
		return NULL;
	const char *step = process_step(process);
	struct failure *failure;
	if (process->exit_signal)
		failure = failure_new(step, 0, "signal %d", process->exit_signal);
	else if (process->exit_code)
		failure = failure_new(step, process->exit_code, "exit %d", process->exit_code);
	else
		failure = failure_new(step, 1, "its process exited with 0 before it was told to finish");
	failure->signal = process->exit_signal;
	return failure;
}

/* The others of a process that failed did nothing wrong. */
static void note_consequences(struct process *process)
{
	const struct member *failed = NULL;
	for (int i = 0; i < process->count && !failed; i++)
		if (process->members[i]->failure)
			failed = process->members[i];
	for (int i = 0; failed && i < process->count; i++) {
		struct member *member = process->members[i];
		if (member->failure)
			continue;
		member->failure = failure_new(failed->failure->step, failed->failure->code, "shared its process%s%s",
			failed->failure->whole ? "" : " with ", failed->failure->whole ? "" : failed->name);
		member->failure->signal = failed->failure->signal;
		member->failure->peer = memory_copy_text(failed->name);
	}
}

static void tell_its_end(struct supervisor *supervisor, struct process *process)
{
	for (int i = 0; i < process->count; i++) {
		struct member *member = process->members[i];
		output_event(&supervisor->output, json_pack("{ss ss si si}", "event", "end", "node", member->name,
			"exit", process->exit_code, "signal", process->exit_signal));
		peers_tell_gone(supervisor, member);
	}
}

void process_died(struct supervisor *supervisor, struct process *process, int status, const struct rusage *usage)
{
	process->pid = 0;
	process->exit_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	process->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	process->usage = *usage;
	process->ended_ns = supervisor_now(supervisor);
	timers_clear(&supervisor->timers, &process->end_timer);
	timers_clear(&supervisor->timers, &process->closed_timer);
	supervisor_unwatch(supervisor, &process->control_watch);
	channel_close(&process->control);
	struct failure *failure = judge(supervisor, process);
	process_set_state(supervisor, process, MEMBER_DEAD);
	for (int i = 0; i < process->count; i++)
		run_member_over(supervisor, process->members[i]);
	for (int i = 0; i < process->count; i++)
		console_lost(supervisor, process->members[i]);
	if (failure)
		process_fail(supervisor, process, failure);
	note_consequences(process);
	tell_its_end(supervisor, process);
}
