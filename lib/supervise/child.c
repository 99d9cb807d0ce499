/* SPDX-License-Identifier: MIT */
/* One process: the channel to it, its end, and what comes after. Its replicas end, and begin again, together. */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "base/memory.h"
#include "supervise/console.h"
#include "supervise/inside.h"

static const int64_t SECOND = 1000000000;
static const int64_t KILL_AFTER = 3 * SECOND;           /* of TERM */
static const int64_t EXIT_AFTER = 3 * SECOND;           /* of having said "failed" */

bool child_is_shared(const struct child *child)
{
	return child->count > 1;
}

const struct launch_way *child_way(const struct supervisor *supervisor, const struct child *child)
{
	static const struct launch_way usual = { 0 };
	return supervisor->launch->ways ? &supervisor->launch->ways[child->number] : &usual;
}

void child_send(struct supervisor *supervisor, struct child *child, json_t *message)
{
	channel_send(&child->control, message);
	channel_flush(&child->control);
	if (child->control.fd >= 0 && !child->control.ended)
		supervisor_watch(supervisor, &child->control_watch, child->control.fd,
			EPOLLIN | (channel_pending(&child->control) ? EPOLLOUT : 0));
}

void child_set_state(struct supervisor *supervisor, struct child *child, enum member_state state)
{
	for (int i = 0; i < child->count; i++) {
		timers_clear(&supervisor->timers, &child->members[i]->timer);
		member_set_state(supervisor, child->members[i], state);
	}
}

/* All of its replicas are in the same state from FAILING on. */
static enum member_state end_state(const struct child *child)
{
	return child->members[0]->state;
}

const char *child_step(const struct child *child)
{
	const char *step = child->members[0]->step;
	for (int i = 1; i < child->count; i++)
		if (child->members[i]->step != step)
			return "run";
	return step ? step : "start";
}

/* "fini"; of several that are not in the same step, "worker/0 in drain, worker/1 in run". Caller frees. */
static char *doing(const struct child *child)
{
	enum { NAMES_SHOWN = 8 };
	struct text out = { 0 };
	bool same = true;
	for (int i = 1; i < child->count; i++)
		same &= child->members[i]->step == child->members[0]->step;
	if (same)
		return memory_copy_text(child_step(child));
	for (int i = 0; i < child->count && i < NAMES_SHOWN; i++)
		text_format(&out, "%s%s in %s", i ? ", " : "", child->members[i]->name,
			child->members[i]->step ? child->members[i]->step : "start");
	if (child->count > NAMES_SHOWN)
		text_format(&out, " and %d more", child->count - NAMES_SHOWN);
	return text_take(&out);
}

bool child_has_failed(const struct child *child)
{
	for (int i = 0; i < child->count; i++)
		if (child->members[i]->failure)
			return true;
	return false;
}

void child_begin_failing(struct supervisor *supervisor, struct child *child)
{
	if (child->pid && end_state(child) < MEMBER_FAILING) {
		child_set_state(supervisor, child, MEMBER_FAILING);
		timers_set(&supervisor->timers, &child->end_timer, supervisor_now(supervisor) + EXIT_AFTER);
	}
}

void child_terminate(struct supervisor *supervisor, struct child *child)
{
	if (!child->pid)
		return;
	kill(-child->pid, SIGTERM);
	kill(-child->pid, SIGCONT);
	child_set_state(supervisor, child, MEMBER_TERMINATED);
	timers_set(&supervisor->timers, &child->end_timer, supervisor_now(supervisor) + KILL_AFTER);
	if (!child_has_failed(child))
		child->had_to_be_killed = true;
	failure_report_cause(supervisor);
	char *cleanup_free what = doing(child);
	output_error(&supervisor->output, "%s has not ended in time (%s): sent TERM", child->name, what);
}

void child_kill(struct supervisor *supervisor, struct child *child)
{
	if (!child->pid)
		return;
	kill(-child->pid, SIGKILL);
	kill(child->pid, SIGKILL);
	if (end_state(child) == MEMBER_TERMINATED)
		output_error(&supervisor->output, "%s has not ended after TERM: killed", child->name);
	child_set_state(supervisor, child, MEMBER_KILLED);
	timers_clear(&supervisor->timers, &child->end_timer);
}

void child_overdue(struct supervisor *supervisor, struct child *child)
{
	if (end_state(child) == MEMBER_FAILING)
		child_terminate(supervisor, child);
	else if (end_state(child) == MEMBER_TERMINATED)
		child_kill(supervisor, child);
	else if (end_state(child) == MEMBER_WAITING) {
		child->due = true;
		start_again(supervisor, child);
	}
}

void child_fail(struct supervisor *supervisor, struct child *child, struct failure *failure)
{
	failure->whole = child_is_shared(child);
	member_fail(supervisor, child->members[0], failure);
}

/* ---- its death ---- */

static bool expected_to_end(const struct member *member)
{
	return member->state == MEMBER_FINISHING || member->state == MEMBER_STOPPED || member->state == MEMBER_DRAINING ||
		member->state == MEMBER_DRAINED;
}

static bool ended_well(const struct child *child)
{
	for (int i = 0; i < child->count; i++)
		if (!expected_to_end(child->members[i]))
			return false;
	return !child->exit_signal && !child->exit_code;
}

/* Why this end is a failure; NULL: it is none, or a replica has said why. */
static struct failure *judge(const struct supervisor *supervisor, const struct child *child)
{
	if (child_has_failed(child) || child->had_to_be_killed || supervisor->killing || ended_well(child))
		return NULL;
	const char *step = child_step(child);
	struct failure *failure;
	if (child->exit_signal)
		failure = failure_new(step, 0, "signal %d", child->exit_signal);
	else if (child->exit_code)
		failure = failure_new(step, child->exit_code, "exit %d", child->exit_code);
	else
		failure = failure_new(step, 1, "its process exited with 0 before it was told to finish");
	failure->signal = child->exit_signal;
	return failure;
}

/* The others of a process that failed did nothing wrong. */
static void note_consequences(struct child *child)
{
	const struct member *failed = NULL;
	for (int i = 0; i < child->count && !failed; i++)
		if (child->members[i]->failure)
			failed = child->members[i];
	for (int i = 0; failed && i < child->count; i++) {
		struct member *member = child->members[i];
		if (member->failure)
			continue;
		member->failure = failure_new(failed->failure->step, failed->failure->code, "shared its process%s%s",
			failed->failure->whole ? "" : " with ", failed->failure->whole ? "" : failed->name);
		member->failure->signal = failed->failure->signal;
		member->failure->peer = memory_copy_text(failed->name);
	}
}

static void tell_its_end(struct supervisor *supervisor, const struct child *child)
{
	for (int i = 0; i < child->count; i++)
		output_event(&supervisor->output, json_pack("{ss ss si si}", "event", "end", "node", child->members[i]->name,
			"exit", child->exit_code, "signal", child->exit_signal));
}

static void add_time(struct timeval *sum, const struct timeval *time)
{
	sum->tv_sec += time->tv_sec + (sum->tv_usec + time->tv_usec) / 1000000;
	sum->tv_usec = (sum->tv_usec + time->tv_usec) % 1000000;
}

/* Time adds up over the incarnations, of memory the most counts. */
static void add_usage(struct rusage *sum, const struct rusage *usage)
{
	add_time(&sum->ru_utime, &usage->ru_utime);
	add_time(&sum->ru_stime, &usage->ru_stime);
	if (usage->ru_maxrss > sum->ru_maxrss)
		sum->ru_maxrss = usage->ru_maxrss;
}

void child_died(struct supervisor *supervisor, struct child *child, int status, const struct rusage *usage)
{
	child->pid = 0;
	foreground_ended(supervisor, child);
	child->exit_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	child->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	child->ended_ns = supervisor_now(supervisor);
	add_usage(&child->usage, usage);
	timers_clear(&supervisor->timers, &child->end_timer);
	timers_clear(&supervisor->timers, &child->closed_timer);
	health_end(supervisor, child);
	supervisor_unwatch(supervisor, &child->control_watch);
	channel_close(&child->control);
	struct failure *failure = judge(supervisor, child);
	limits_explain(supervisor, child, failure, usage);
	child_set_state(supervisor, child, MEMBER_DEAD);
	for (int i = 0; i < child->count; i++)
		console_lost(supervisor, child->members[i]);
	if (failure)
		child_fail(supervisor, child, failure);
	note_consequences(child);
	tell_its_end(supervisor, child);
	child_settle(supervisor, child);
}

/* ---- and what comes after it ---- */

void child_settle(struct supervisor *supervisor, struct child *child)
{
	bool again = child->order == ORDER_RESTART || (child->verdict == VERDICT_AGAIN && child->order != ORDER_STOP);
	supervisor->anyone_died = true;
	if (!again || supervisor->phase >= PHASE_STOP) {
		child_give_up(supervisor, child);
		return;
	}
	child_set_state(supervisor, child, MEMBER_WAITING);
	child->due = child->clean = false;
	child->looks = 0;
	timers_set(&supervisor->timers, &child->end_timer, supervisor_now(supervisor) +
		(child->order == ORDER_RESTART ? 0 : child->wait_ns));
	for (int i = 0; i < child->count; i++)
		peers_tell_lost(supervisor, child->members[i]);
	children_look(supervisor);
	slow_expect(supervisor);
}

void child_give_up(struct supervisor *supervisor, struct child *child)
{
	child_set_state(supervisor, child, MEMBER_DEAD);
	timers_clear(&supervisor->timers, &child->end_timer);
	for (int i = 0; i < child->count; i++) {
		run_member_over(supervisor, child->members[i]);
		peers_tell_gone(supervisor, child->members[i]);
	}
}

static bool all_in(const struct child *child, enum member_state state)
{
	for (int i = 0; i < child->count; i++)
		if (child->members[i]->state != state)
			return false;
	return true;
}

void child_is_bound(struct supervisor *supervisor, struct member *member)
{
	struct child *child = member->child;
	if (supervisor->known[member->id] != member->incarnation)
		peers_tell_up(supervisor, member);
	if (supervisor->phase == PHASE_START || !all_in(child, MEMBER_BOUND))
		return;
	peers_tell_found(supervisor, child);
	for (int i = 0; i < child->count; i++)
		member_connect(supervisor, child->members[i]);
}

void child_is_wired(struct supervisor *supervisor, struct child *child)
{
	if (supervisor->phase != PHASE_RUN || !all_in(child, MEMBER_WIRED))
		return;
	for (int i = 0; i < child->count; i++)
		member_go(supervisor, child->members[i]);
}
