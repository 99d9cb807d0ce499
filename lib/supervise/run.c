/* SPDX-License-Identifier: MIT */
/* The run as a whole: its barriers and its end. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "supervise/guardian.h"
#include "supervise/inside.h"
#include "supervise/reap.h"

static void for_each_in(struct supervisor *supervisor, enum member_state state,
	void (*tell)(struct supervisor *supervisor, struct member *member))
{
	for (int i = 0; i < supervisor->total; i++)
		if (supervisor->members[i].state == state)
			tell(supervisor, &supervisor->members[i]);
}

static void set_phase(struct supervisor *supervisor, enum phase phase)
{
	supervisor->phase = phase;
	output_event(&supervisor->output, json_pack("{ss ss sf}", "event", "phase", "phase", status_phase(phase),
		"seconds", supervisor_seconds(supervisor, supervisor_now(supervisor))));
	notices_phase(supervisor);
}

/* Whether all that live have come to `state`. */
static bool all_in(const struct supervisor *supervisor, enum member_state state)
{
	return supervisor->in_state[state] + supervisor->in_state[MEMBER_DEAD] == supervisor->total;
}

void run_member_over(struct supervisor *supervisor, struct member *member)
{
	bool again = member->child->order == ORDER_RESTART && supervisor->phase < PHASE_STOP;   /* its next incarnation is waited for */
	if (member->run_over || again)
		return;
	member->run_over = true;
	supervisor->unfinished -= member->waited;
	if (member->waited)
		slow_others_expect(supervisor);
}

/* What had ended well and serves no more is not over. */
void run_member_again(struct supervisor *supervisor, struct member *member)
{
	if (!member->run_over)
		return;
	member->run_over = false;
	supervisor->unfinished += member->waited;
}

/* ---- the stop ---- */

static void announce(struct supervisor *supervisor)
{
	struct output *output = &supervisor->output;
	const char *why = supervisor->stop_why;
	char span[32];
	switch (supervisor->cause) {
	case CAUSE_NODE:
		output_say(output, "%s stops the run with %d%s%s", supervisor->stop_by->name, supervisor->stop_code,
			why && *why ? ": " : "", why ? why : "");
		break;
	case CAUSE_USER:
		output_say(output, "%s%s%s", supervisor->stop_code == 128 + SIGKILL ? "killed by lpad kill" : "stopped by lpad stop", why && *why ? ": " : "", why ? why : "");
		break;
	case CAUSE_SIGNAL:
		output_say(output, "stopping (once more kills at once)");
		break;
	case CAUSE_TIME:
		clock_span(span, supervisor->launch->time_limit_ns / 1000000);
		output_error(output, "the time limit of %s is reached: stopping", span);
		break;
	case CAUSE_STDOUT:
		output_error(output, "standard output cannot be written any more: stopping");
		break;
	default:
		break;
	}
}

void run_stop(struct supervisor *supervisor, enum cause cause, int code, struct member *by, const char *why)
{
	if (supervisor->phase >= PHASE_STOP)
		return;
	if (supervisor->paused_ns)
		run_resume(supervisor);
	supervisor->cause = cause;
	supervisor->stop_code = code;
	supervisor->stop_by = by;
	supervisor->stop_why = memory_copy_text(why);
	supervisor->stopped_ns = supervisor_now(supervisor);
	timers_clear(&supervisor->timers, &supervisor->limit_timer);
	timers_clear(&supervisor->timers, &supervisor->slow_timer);
	timers_clear(&supervisor->timers, &supervisor->others_timer);
	announce(supervisor);
	set_phase(supervisor, PHASE_STOP);
	progress_begin(supervisor);
	supervisor->spawned = supervisor->child_count;
	for (int i = 0; i < supervisor->total; i++) {
		struct member *member = &supervisor->members[i];
		member->alive_at_stop = member_alive(member) && !child_has_failed(member->child);
		member_stop(supervisor, member);
	}
}

void run_kill_all(struct supervisor *supervisor)
{
	run_resume(supervisor);                                 /* or nobody would look for what is left */
	supervisor->killing = true;
	for (int i = 0; i < supervisor->child_count; i++) {
		struct child *child = &supervisor->children[i];
		child->had_to_be_killed |= child->pid && !child_has_failed(child);
		child_kill(supervisor, child);
	}
	reap_signal_descendants(getpid(), SIGKILL);
}

/* ---- barriers ---- */

static void begin_run(struct supervisor *supervisor)
{
	for_each_in(supervisor, MEMBER_WIRED, member_go);
	supervisor->running_ns = supervisor_now(supervisor);
	timers_clear(&supervisor->timers, &supervisor->slow_timer);
	set_phase(supervisor, PHASE_RUN);
	handover_done(supervisor);
	progress_show(supervisor);
	if (supervisor->launch->held && !supervisor->waited)
		output_say(&supervisor->output, "no node is waited for: the run ends when it is stopped");
}

static bool runs_have_ended(const struct supervisor *supervisor)
{
	return !supervisor->in_state[MEMBER_STOPPING] && !supervisor->in_state[MEMBER_FAILING];
}

/* One step on, if everything it waits for has happened. */
static bool step_on(struct supervisor *supervisor)
{
	bool started = supervisor->spawned == supervisor->child_count;
	switch (supervisor->phase) {
	case PHASE_START:
		if (!started || !all_in(supervisor, MEMBER_BOUND))
			return false;
		for (int i = 0; i < supervisor->child_count; i++)
			peers_tell_found(supervisor, &supervisor->children[i]);
		for_each_in(supervisor, MEMBER_BOUND, member_connect);
		set_phase(supervisor, PHASE_WIRE);
		return true;
	case PHASE_WIRE:
		if (!all_in(supervisor, MEMBER_WIRED))
			return false;
		begin_run(supervisor);
		return true;
	case PHASE_RUN:
		if (supervisor->in_state[MEMBER_DEAD] == supervisor->total || (supervisor->waited && !supervisor->unfinished)) {
			run_stop(supervisor, CAUSE_COMPLETED, 0, NULL, NULL);
			return true;
		}
		return false;
	case PHASE_STOP:
		if (!runs_have_ended(supervisor))
			return false;
		for_each_in(supervisor, MEMBER_STOPPED, member_drain);
		set_phase(supervisor, PHASE_DRAIN);
		return true;
	case PHASE_DRAIN:
		if (supervisor->in_state[MEMBER_DRAINING] || supervisor->in_state[MEMBER_STOPPED])
			return false;
		for_each_in(supervisor, MEMBER_DRAINED, member_finish);
		set_phase(supervisor, PHASE_FINISH);
		return true;
	case PHASE_FINISH:
		if (supervisor->in_state[MEMBER_DEAD] != supervisor->total)
			return false;
		set_phase(supervisor, PHASE_OVER);
		progress_show(supervisor);
		timers_set(&supervisor->timers, &supervisor->over_timer, supervisor_now(supervisor));
		return true;
	case PHASE_OVER:
		return false;
	}
	return false;
}

void run_advance(struct supervisor *supervisor)
{
	while (step_on(supervisor))
		;
}

/* ---- Ctrl-Z ---- */

static void signal_all(struct supervisor *supervisor, int signal)
{
	for (int i = 0; i < supervisor->child_count; i++)
		if (supervisor->children[i].pid)
			kill(-supervisor->children[i].pid, signal);
	reap_signal_descendants(getpid(), signal);
}

/* Everything below stops; then the guardian is told, and stops itself, which is what the shell sees. */
void run_pause(struct supervisor *supervisor)
{
	if (supervisor->paused_ns)
		return;
	supervisor->paused_ns = supervisor_now(supervisor);
	signal_all(supervisor, SIGSTOP);
	output_progress(&supervisor->output, NULL);
	sink_flush(&supervisor->output.err);    /* before the shell has the terminal */
	if (guardian_tell_paused(supervisor->guardian))
		run_resume(supervisor);
}

void run_resume(struct supervisor *supervisor)
{
	if (!supervisor->paused_ns)
		return;
	int64_t paused = supervisor_now(supervisor) - supervisor->paused_ns;
	supervisor->paused_ns = 0;
	timers_shift(&supervisor->timers, paused);
	for (int i = 0; i < supervisor->child_count; i++) {
		restart_shift(&supervisor->children[i].history, paused);
		health_shift(&supervisor->children[i], paused);
		supervisor->children[i].running_ns += supervisor->children[i].running_ns ? paused : 0;
		supervisor->children[i].told_ns += supervisor->children[i].told_ns ? paused : 0;
	}
	supervisor->stop_paused_ns += supervisor->phase >= PHASE_STOP ? paused : 0;
	signal_all(supervisor, SIGCONT);
	foreground_goes_on(supervisor);
}
