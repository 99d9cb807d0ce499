/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/memory.h"
#include "supervise/cgroup.h"
#include "supervise/console.h"
#include "supervise/guardian.h"
#include "supervise/inside.h"
#include "supervise/reap.h"
#include "supervise/tmux.h"

enum {
	EVENTS_AT_ONCE = 128,
	READ_AT_ONCE = 64 << 10,
	LAST_READS = 1 << 20            /* 64 GiB: what a pipe of a dead node holds is far less */
};
static const int64_t MS = 1000000;
static const int64_t SECOND_SIGNAL = 500 * MS;          /* `timeout` signals twice within this */
static const int64_t CLEAN_EVERY = 50 * MS, CLEAN_PATIENCE = 5000 * MS;
static const int64_t TMUX_PATIENCE = 1000 * MS;         /* to leave its guests' terminals as they were */
static const int64_t OUTPUT_PATIENCE = 3000 * MS;      /* of a reader that takes nothing, after a signal or time limit */

int64_t supervisor_now(const struct supervisor *supervisor)
{
	(void)supervisor;
	return clock_ns();
}

double supervisor_seconds(const struct supervisor *supervisor, int64_t at_ns)
{
	return (double)((at_ns - supervisor->started_ns) / 1000) / 1e6;
}

/* ---- descriptors ---- */

void supervisor_watch(struct supervisor *supervisor, struct watch *watch, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };
	if (watch->fd == fd && watch->events == events)
		return;
	if (epoll_ctl(supervisor->epoll, watch->fd == fd && watch->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) &&
	    errno != EPERM)
		BUG("epoll_ctl of descriptor %d: %s", fd, strerror(errno));
	watch->fd = fd;
	watch->events = events;
}

void supervisor_unwatch(struct supervisor *supervisor, struct watch *watch)
{
	if (watch->fd >= 0 && watch->events)
		epoll_ctl(supervisor->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->events = 0;
}

/* ---- what nodes print ---- */

static void hold(struct supervisor *supervisor, struct watch *watch, int sink)
{
	if (watch->held)
		return;
	watch->held = true;
	watch->next_held = supervisor->held[sink];
	supervisor->held[sink] = watch;
	supervisor_unwatch(supervisor, watch);
}

static void release_held(struct supervisor *supervisor, int sink)
{
	struct watch *watch = supervisor->held[sink];
	supervisor->held[sink] = NULL;
	for (struct watch *next; watch; watch = next) {
		next = watch->next_held;
		watch->held = false;
		if (watch->fd >= 0)
			supervisor_watch(supervisor, watch, watch->fd, EPOLLIN);
	}
}

static void end_stream(struct supervisor *supervisor, struct child *child, int stream)
{
	struct watch *watch = &child->stream_watch[stream];
	supervisor_unwatch(supervisor, watch);
	close(watch->fd);
	watch->fd = -1;
	supervisor->streams_open--;
	output_end(&supervisor->output, &child->outlet, stream);
}

void supervisor_read_stream(struct supervisor *supervisor, struct child *child, int stream, bool wait)
{
	struct watch *watch = &child->stream_watch[stream];
	struct sink *sink = output_sink(&supervisor->output, stream);
	if (watch->fd < 0)
		return;
	if (sink_full(sink)) {
		hold(supervisor, watch, sink == &supervisor->output.out ? 0 : 1);
		return;
	}
	ssize_t got = read(watch->fd, supervisor->buffer, READ_AT_ONCE);
	if (got > 0)
		output_feed(&supervisor->output, &child->outlet, stream, supervisor->buffer, (size_t)got);
	else if (got == 0 || !wait || (errno != EAGAIN && errno != EINTR))
		end_stream(supervisor, child, stream);
}

bool supervisor_end_streams(struct supervisor *supervisor, struct child *child)
{
	bool ended = true;
	for (int stream = 0; stream < 2; stream++) {
		struct sink *sink = output_sink(&supervisor->output, stream);
		struct watch *watch = &child->stream_watch[stream];
		for (int reads = 0; watch->fd >= 0 && !sink_full(sink) && reads < LAST_READS; reads++)
			supervisor_read_stream(supervisor, child, stream, false);
		ended &= watch->fd < 0 && !watch->held;
	}
	return ended;
}

static void flush_sink(struct supervisor *supervisor, int which)
{
	struct sink *sink = which == 0 ? &supervisor->output.out : &supervisor->output.err;
	size_t before = sink->waiting.length - sink->sent;
	if (sink_flush(sink) && sink == output_sink(&supervisor->output, 0))
		run_stop(supervisor, CAUSE_STDOUT, 0, NULL, NULL);
	if (sink->blocked)
		supervisor_watch(supervisor, &supervisor->sink_watch[which], sink->fd, EPOLLOUT);
	else
		supervisor_unwatch(supervisor, &supervisor->sink_watch[which]);
	if (before != sink->waiting.length - sink->sent)
		supervisor->output_moved_ns = supervisor_now(supervisor);
	if (!sink_full(sink) && supervisor->held[which])
		release_held(supervisor, which);
}

/* ---- signals ---- */

static void take_end_signal(struct supervisor *supervisor, int number)
{
	int64_t now = supervisor_now(supervisor);
	if (supervisor->phase == PHASE_OVER)
		supervisor->give_up = true;
	if (!supervisor->first_signal_ns) {
		supervisor->first_signal_ns = now;
		if (supervisor->phase >= PHASE_STOP)
			output_say(&supervisor->output, "already stopping (once more kills at once)");
		run_stop(supervisor, CAUSE_SIGNAL, number, NULL, NULL);
	} else if (number != SIGHUP && now - supervisor->first_signal_ns >= SECOND_SIGNAL && !supervisor->killing) {
		output_say(&supervisor->output, "killing");
		run_kill_all(supervisor);
	}
}

static void take_signals(struct supervisor *supervisor)
{
	struct signalfd_siginfo info;
	while (read(supervisor->signals, &info, sizeof info) == (ssize_t)sizeof info)
		switch (info.ssi_signo) {
		case SIGINT:
		case SIGTERM:
		case SIGHUP:
			take_end_signal(supervisor, (int)info.ssi_signo);
			break;
		case SIGTSTP:
			run_pause(supervisor);
			break;
		case SIGCONT:
			run_resume(supervisor);
			break;
		case SIGCHLD:
			children_reap(supervisor);
			break;
		}
}

/* The guardian says nothing: this is its end. Whoever killed it wants everything gone. */
static void lose_guardian(struct supervisor *supervisor)
{
	char byte;
	if (read(supervisor->guardian, &byte, 1) > 0)
		return;
	supervisor_unwatch(supervisor, &supervisor->guardian_watch);
	supervisor->guardian_lost = true;
	run_stop(supervisor, CAUSE_GUARDIAN, 0, NULL, NULL);
	run_kill_all(supervisor);
	supervisor->give_up = true;
}

/* ---- deadlines ---- */

static void channel_was_closed(struct supervisor *supervisor, struct child *child)
{
	if (!child->pid || child->members[0]->state >= MEMBER_FINISHING)
		return;
	child_fail(supervisor, child, failure_new(child_step(child), 0, "its process closed its control channel"));
	child_kill(supervisor, child);
}

#define OWNER(timer, type, field) ((type *)(void *)((char *)(timer) - offsetof(type, field)))

static void take_timer(struct supervisor *supervisor, struct timer *timer)
{
	switch (timer->kind) {
	case TIMER_MEMBER:
		member_happens(supervisor, OWNER(timer, struct member, timer), EVENT_DEADLINE);
		break;
	case TIMER_END:
		child_overdue(supervisor, OWNER(timer, struct child, end_timer));
		break;
	case TIMER_CLOSED:
		channel_was_closed(supervisor, OWNER(timer, struct child, closed_timer));
		break;
	case TIMER_HEALTH:
		health_look(supervisor, OWNER(timer, struct child, health_timer));
		break;
	case TIMER_LIMIT:
		run_stop(supervisor, CAUSE_TIME, 0, NULL, NULL);
		break;
	case TIMER_OTHERS:
		slow_others(supervisor);
		break;
	case TIMER_SLOW:
		slow_say(supervisor);
		break;
	case TIMER_PROGRESS:
		progress_show(supervisor);
		break;
	case TIMER_WATCHDOG:
		notices_watchdog(supervisor);
		break;
	case TIMER_SWEEP:
		children_sweep(supervisor);
		break;
	case TIMER_OVER:
		break;
	}
}

/* ---- the end: nothing left below, everything written ---- */

static void read_last_output(struct supervisor *supervisor)
{
	for (int i = 0; i < supervisor->child_count; i++)
		supervisor_end_streams(supervisor, &supervisor->children[i]);
}

static bool output_is_stuck(const struct supervisor *supervisor)
{
	bool bounded = supervisor->cause == CAUSE_SIGNAL || supervisor->cause == CAUSE_TIME;
	int64_t quiet = supervisor_now(supervisor) - supervisor->output_moved_ns;
	return supervisor->give_up || supervisor->killing || (bounded && quiet >= OUTPUT_PATIENCE);
}

static void report(struct supervisor *supervisor)
{
	failure_report(supervisor);
	result_write(supervisor);
	notices_end(supervisor);
	supervisor->reported = true;
}

/* False: not over yet, and the over timer is set. */
static bool is_over(struct supervisor *supervisor)
{
	int64_t now = supervisor_now(supervisor);
	if (!supervisor->over_ns) {
		supervisor->over_ns = supervisor->output_moved_ns = now;
		tmux_end(supervisor->launch->tmux);
	}
	bool tmux_ends = tmux_is_there(supervisor->launch->tmux) && now - supervisor->over_ns < TMUX_PATIENCE;
	if (!supervisor->children_gone && !tmux_ends)
		supervisor->children_gone = children_end(supervisor) || now - supervisor->over_ns > CLEAN_PATIENCE;
	if (supervisor->children_gone)
		read_last_output(supervisor);
	bool stuck = output_is_stuck(supervisor);
	if (supervisor->children_gone && !supervisor->reported && (!supervisor->streams_open || stuck))
		report(supervisor);
	flush_sink(supervisor, 0);
	flush_sink(supervisor, 1);
	timers_set(&supervisor->timers, &supervisor->over_timer,
		now + (supervisor->children_gone ? OUTPUT_PATIENCE : CLEAN_EVERY));
	bool written = sink_empty(&supervisor->output.out) && sink_empty(&supervisor->output.err);
	return supervisor->reported && (written || stuck);
}

/* ---- the loop ---- */

static void take_event(struct supervisor *supervisor, const struct epoll_event *event)
{
	struct watch *watch = event->data.ptr;
	if (!watch->events)
		return;                                 /* let go by an event before this one */
	switch (watch->kind) {
	case WATCH_SIGNALS:
		take_signals(supervisor);
		break;
	case WATCH_GUARDIAN:
		lose_guardian(supervisor);
		break;
	case WATCH_SINK_OUT:
	case WATCH_SINK_ERR:
		break;                                  /* flushed below */
	case WATCH_CONTROL:
		if (event->events & EPOLLOUT && !channel_flush(&watch->child->control) &&
		    !channel_pending(&watch->child->control))
			supervisor_watch(supervisor, watch, watch->fd, EPOLLIN);
		if (event->events & ~(uint32_t)EPOLLOUT)
			control_readable(supervisor, watch->child);
		break;
	case WATCH_CONSOLE:
		console_accept(supervisor);
		break;
	case WATCH_GUEST:
		console_readable(supervisor, watch->guest);
		break;
	case WATCH_OUTPUT:
	case WATCH_ERRORS:
		supervisor_read_stream(supervisor, watch->child, watch->kind == WATCH_ERRORS, true);
		break;
	}
}

static void take_events(struct supervisor *supervisor)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	bool starting = supervisor->phase == PHASE_START && supervisor->spawned < supervisor->child_count;
	int wait = supervisor->paused_ns ? -1 : timers_wait_ms(&supervisor->timers, supervisor_now(supervisor));
	int count = epoll_wait(supervisor->epoll, events, EVENTS_AT_ONCE, starting && !supervisor->paused_ns ? 0 : wait);
	for (int i = 0; i < count; i++)
		take_event(supervisor, &events[i]);
}

static void take_timers(struct supervisor *supervisor)
{
	int64_t now = supervisor_now(supervisor);
	for (struct timer *timer; !supervisor->paused_ns && (timer = timers_due(&supervisor->timers, now)); )
		take_timer(supervisor, timer);
}

static void loop(struct supervisor *supervisor)
{
	for (;;) {
		take_events(supervisor);
		take_timers(supervisor);
		if (!supervisor->paused_ns)
			start_some(supervisor);
		run_advance(supervisor);
		if (supervisor->acts)
			acts_settle(supervisor);
		output_settle(&supervisor->output);
		flush_sink(supervisor, 0);
		flush_sink(supervisor, 1);
		if (supervisor->phase == PHASE_OVER && is_over(supervisor))
			return;
	}
}

static void say_trouble(void *context, const char *text)
{
	struct supervisor *supervisor = context;
	output_error(&supervisor->output, "%s", text);
}

static void open_all(struct supervisor *supervisor)
{
	int64_t now = supervisor_now(supervisor);
	supervisor->epoll = epoll_create1(EPOLL_CLOEXEC);
	supervisor->signals = guardian_signals();
	if (supervisor->epoll < 0 || supervisor->signals < 0)
		BUG("no descriptors at all: %s", strerror(errno));
	supervisor_watch(supervisor, &supervisor->signals_watch, supervisor->signals, EPOLLIN);
	supervisor_watch(supervisor, &supervisor->guardian_watch, supervisor->guardian, EPOLLIN);
	supervisor->started_ns = now;
	slow_expect(supervisor);
	progress_begin(supervisor);
	notices_phase(supervisor);
	if (supervisor->launch->time_limit_ns >= 0)
		timers_set(&supervisor->timers, &supervisor->limit_timer, now + supervisor->launch->time_limit_ns);
}

static void close_all(struct supervisor *supervisor)
{
	console_close(supervisor);
	start_release(supervisor);
	output_release(&supervisor->output);
	timers_release(&supervisor->timers);
	list_release(&supervisor->failures);
	text_release(&supervisor->metrics);
	free(supervisor->stop_why);
	free(supervisor->buffer);
	close(supervisor->epoll);
	close(supervisor->signals);
}

/* Here as well as by the guardian: either may be killed at the very end. */
static void remove_places(const struct launch *launch)
{
	files_remove_tree(launch->sockets);
	guardian_tell_no_sockets(launch->guardian);
	if (launch->cgroup)
		cgroup_remove(launch->cgroup);
}

static int supervisor_run(const struct launch *launch)
{
	struct supervisor supervisor = { .launch = launch, .topology = launch->topology, .guardian = launch->guardian,
		.signals_watch = { .kind = WATCH_SIGNALS, .fd = -1 }, .guardian_watch = { .kind = WATCH_GUARDIAN, .fd = -1 },
		.sink_watch = { { .kind = WATCH_SINK_OUT, .fd = -1 }, { .kind = WATCH_SINK_ERR, .fd = -1 } },
		.limit_timer.kind = TIMER_LIMIT, .slow_timer.kind = TIMER_SLOW, .others_timer.kind = TIMER_OTHERS,
		.sweep_timer.kind = TIMER_SWEEP,
		.over_timer.kind = TIMER_OVER, .watchdog_timer.kind = TIMER_WATCHDOG, .progress_timer.kind = TIMER_PROGRESS };
	struct error error = { 0 };
	handover_prepare(&supervisor);
	output_init(&supervisor.output, &launch->style, launch->record);
	supervisor.output.tap = follow_event;
	supervisor.output.tap_context = &supervisor;
	handover_open(&supervisor);
	launch->record->trouble = say_trouble;
	launch->record->context = &supervisor;
	supervisor.buffer = memory_array(READ_AT_ONCE, 1);
	start_prepare(&supervisor);
	open_all(&supervisor);
	if (console_open(&supervisor, &error))
		output_error(&supervisor.output, "%s: other commands cannot reach this run", error.text);
	loop(&supervisor);
	int code = failure_exit_code(&supervisor);
	if (!code)
		handover_done(&supervisor);
	code = handover_code(&supervisor, code);
	close_all(&supervisor);
	remove_places(launch);
	launch->record->trouble = NULL;
	return code;
}

int supervise(const struct launch *launch)
{
	guardian_tell_places(launch->guardian, launch->sockets, launch->record);
	guardian_leave_signals(launch->guardian);
	return supervisor_run(launch);
}
