/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "supervise/inside.h"
#include "supervise/observe.h"

static const int64_t SECOND = 1000000000;
enum { PAST_MOST = 100 };       /* incarnations that are told of: a run may last for months */
static const double NO_LIMIT_SECONDS = 1e9;

void member_set_state(struct supervisor *supervisor, struct member *member, enum member_state state)
{
	const char *before = status_state(member);
	supervisor->in_state[member->state]--;
	supervisor->in_state[state]++;
	member->state = state;
	if (supervisor->followers && strcmp(before, status_state(member)))
		follow_state(supervisor, member);
}

bool member_alive(const struct member *member)
{
	return member->child->pid != 0;
}

struct member *member_named(const struct supervisor *supervisor, const char *name)
{
	int low = 0, high = supervisor->total;
	while (name && low < high) {
		int middle = low + (high - low) / 2;
		int order = strcmp(supervisor->by_name[middle]->name, name);
		if (order == 0)
			return supervisor->by_name[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* An order is for this replica alone; takes the reference. */
static void send_order(struct supervisor *supervisor, struct member *member, json_t *order)
{
	json_object_set_new(order, "node", json_string(member->name));
	child_send(supervisor, member->child, order);
}

/* ---- deadlines of the stop: `parts` tenths (at most seconds) before TERM is due ---- */

static int64_t before_term(const struct supervisor *supervisor, const struct member *member, int parts)
{
	int64_t within = member->child->plan->stop_within_ns;
	int64_t part = within / 10 < SECOND ? within / 10 : SECOND;
	int64_t told = member->child->told_ns ? member->child->told_ns : supervisor->stopped_ns + supervisor->stop_paused_ns;
	return told + within - parts * part;
}

static void arm_stop(struct supervisor *supervisor, struct member *member, int parts)
{
	if (member->child->plan->stop_within_ns < 0)
		timers_clear(&supervisor->timers, &member->timer);
	else
		timers_set(&supervisor->timers, &member->timer, before_term(supervisor, member, parts));
}

static double seconds_left(const struct supervisor *supervisor, const struct member *member, int parts)
{
	if (member->child->plan->stop_within_ns < 0)
		return NO_LIMIT_SECONDS;
	int64_t left = before_term(supervisor, member, parts) - supervisor_now(supervisor);
	return left > 0 ? (double)left / (double)SECOND : 0;
}

/* ---- what the run tells a member ---- */

/* Under a debugger there is no limit, nor for those who wait for it. */
static bool may_take_long(const struct supervisor *supervisor, const struct member *member)
{
	return supervisor->launch->any_wrapped &&
		(child_way(supervisor, member->child)->wrap || text_equal(member->step, "wire"));
}

void member_begin_step(struct supervisor *supervisor, struct member *member)
{
	int64_t limit = supervisor->launch->step_limit_ns;
	if (may_take_long(supervisor, member))
		limit = -1;
	else if (text_equal(member->step, "init"))
		limit = member->child->plan->start_within_ns;
	if (limit < 0)
		timers_clear(&supervisor->timers, &member->timer);
	else
		timers_set(&supervisor->timers, &member->timer, supervisor_now(supervisor) + limit);
}

/* Name and folder stay, and what it has reported and counted is added to. */
void member_restart(struct member *member)
{
	if (!member->past)
		member->past = json_array();
	json_array_append_new(member->past, result_incarnation(member));
	if (json_array_size(member->past) > PAST_MOST)
		json_array_remove(member->past, 0);
	member->incarnation++;
	member->step = NULL;
	free(member->waits_for);
	member->waits_for = NULL;
	failure_free(member->failure);
	member->failure = NULL;
	member->left = 0;
	member->found = false;
	words_forget(member);
	statistics_restart(member);
}

void member_connect(struct supervisor *supervisor, struct member *member)
{
	send_order(supervisor, member, json_pack("{ss}", "do", "connect"));
	member_set_state(supervisor, member, MEMBER_WIRING);
	member->step = "wire";
	member_begin_step(supervisor, member);
}

void member_go(struct supervisor *supervisor, struct member *member)
{
	bool runs = member->has_run && !member->held;
	send_order(supervisor, member, json_pack("{ss sb}", "do", "go", "hold", member->held));
	member_set_state(supervisor, member, MEMBER_RUNNING);
	member->step = runs ? "run" : "serve";
	member->child->running_ns = supervisor_now(supervisor);
	timers_clear(&supervisor->timers, &member->timer);
	observe_running(supervisor, member);
	if (!runs)
		run_member_over(supervisor, member);
}

void member_stop(struct supervisor *supervisor, struct member *member)
{
	if (member->state == MEMBER_NEW) {
		member_set_state(supervisor, member, MEMBER_DEAD);
		run_member_over(supervisor, member);
		return;
	}
	if (member->state == MEMBER_WAITING)
		child_give_up(supervisor, member->child);
	if (member->state > MEMBER_ENDED)
		return;
	bool gone = member->state >= MEMBER_RUNNING;
	send_order(supervisor, member, json_pack("{ss sf sb}", "do", "stop", "within",
		seconds_left(supervisor, member, 0), "alone", supervisor->phase < PHASE_STOP));
	if (!gone) {
		member_finish(supervisor, member);
	} else if (member->run_over) {
		member_set_state(supervisor, member, MEMBER_STOPPED);
		arm_stop(supervisor, member, 2);
	} else {
		member_set_state(supervisor, member, MEMBER_STOPPING);
		arm_stop(supervisor, member, 0);
	}
}

void member_drain(struct supervisor *supervisor, struct member *member)
{
	bool alone = supervisor->phase < PHASE_STOP;
	send_order(supervisor, member, json_pack("{ss sf sb}", "do", "drain", "within",
		seconds_left(supervisor, member, 1), "alone", alone));
	member_set_state(supervisor, member, MEMBER_DRAINING);
	arm_stop(supervisor, member, 1);
}

/* With all that share its process: it is the process that ends. */
void member_finish(struct supervisor *supervisor, struct member *member)
{
	struct child *child = member->child;
	if (member->state == MEMBER_FINISHING)
		return;
	child_send(supervisor, child, json_pack("{ss}", "do", "finish"));
	child_set_state(supervisor, child, MEMBER_FINISHING);
	for (int i = 0; i < child->count; i++)
		arm_stop(supervisor, child->members[i], 0);
}

/* ---- failing ---- */

struct failure *failure_new(const char *step, int code, const char *format, ...)
{
	struct failure *failure = memory_new(sizeof *failure);
	va_list list;
	va_start(list, format);
	failure->text = memory_format_list(format, list);
	va_end(list);
	failure->step = step;
	failure->code = code;
	return failure;
}

void member_fail(struct supervisor *supervisor, struct member *member, struct failure *failure)
{
	if (member->failure) {
		failure_free(failure);
		return;
	}
	member->failure = failure;
	child_begin_failing(supervisor, member->child);
	policy_act(supervisor, member);
}

/* ---- what happens to a member ---- */

/* From here on it waits for the others. */
static void bound(struct supervisor *supervisor, struct member *member)
{
	member->step = "bind";
	child_is_bound(supervisor, member);
}

static void wired(struct supervisor *supervisor, struct member *member)
{
	child_is_wired(supervisor, member->child);
}

static void ended(struct supervisor *supervisor, struct member *member)
{
	run_member_over(supervisor, member);
}

static void terminate(struct supervisor *supervisor, struct member *member)
{
	child_terminate(supervisor, member->child);
}

/* Its run ended while the program stops: waits for the others, but not until its own TERM. */
static void stopped(struct supervisor *supervisor, struct member *member)
{
	run_member_over(supervisor, member);
	arm_stop(supervisor, member, 2);
}

static void drained(struct supervisor *supervisor, struct member *member)
{
	arm_stop(supervisor, member, 1);
}

static void overdue(struct supervisor *supervisor, struct member *member)
{
	char span[32];
	bool init = text_equal(member->step, "init");
	clock_span(span, (init ? member->child->plan->start_within_ns : supervisor->launch->step_limit_ns) / 1000000);
	struct failure *failure;
	if (init)
		failure = failure_new("init", 0, "init has not returned within %s (start_within)", span);
	else if (member->waits_for)
		failure = failure_new(member->step, 0, "not done within %s; it waits for %s", span, member->waits_for);
	else
		failure = failure_new(member->step ? member->step : "start", 0, "not done within %s", span);
	failure->start = supervisor->phase < PHASE_RUN;
	failure->refused = !init && !text_equal(member->step, "wire");
	member_fail(supervisor, member, failure);
	child_kill(supervisor, member->child);
}

struct rule {
	enum member_state to;           /* 0: stays, and the event is not expected */
	void (*act)(struct supervisor *supervisor, struct member *member);
};

/* From FINISHING on, whatever a node says is late and changes nothing. */
static const struct rule rules[MEMBER_STATES][MEMBER_EVENTS] = {
	[MEMBER_STARTING] = {
		[EVENT_BOUND] = { MEMBER_BOUND, bound },
		[EVENT_DEADLINE] = { MEMBER_STARTING, overdue },
	},
	[MEMBER_WIRING] = {
		[EVENT_WIRED] = { MEMBER_WIRED, wired },
		[EVENT_DEADLINE] = { MEMBER_WIRING, overdue },
	},
	[MEMBER_RUNNING] = {
		[EVENT_ENDED] = { MEMBER_ENDED, ended },
	},
	[MEMBER_STOPPING] = {
		[EVENT_ENDED] = { MEMBER_STOPPED, stopped },
		[EVENT_DEADLINE] = { MEMBER_STOPPING, terminate },
	},
	[MEMBER_STOPPED] = {
		[EVENT_ENDED] = { MEMBER_STOPPED, NULL },
		[EVENT_DEADLINE] = { MEMBER_STOPPED, member_drain },
	},
	[MEMBER_DRAINING] = {
		[EVENT_ENDED] = { MEMBER_DRAINING, NULL },
		[EVENT_DRAINED] = { MEMBER_DRAINED, drained },
		[EVENT_DEADLINE] = { MEMBER_DRAINING, member_finish },
	},
	[MEMBER_DRAINED] = {
		[EVENT_DEADLINE] = { MEMBER_DRAINED, member_finish },
	},
	[MEMBER_FINISHING] = {
		[EVENT_DEADLINE] = { MEMBER_FINISHING, terminate },
	},
};

static void unexpected(struct supervisor *supervisor, struct member *member, enum member_event event)
{
	static const char *const events[MEMBER_EVENTS] = {
		[EVENT_BOUND] = "bound", [EVENT_WIRED] = "wired", [EVENT_ENDED] = "ended", [EVENT_DRAINED] = "drained" };
	if (member->state >= MEMBER_FINISHING || event == EVENT_DEADLINE)
		return;
	member_fail(supervisor, member, failure_new(member->step ? member->step : "start", 0,
		"its process said \"%s\" out of turn", events[event]));
	child_kill(supervisor, member->child);
}

void member_happens(struct supervisor *supervisor, struct member *member, enum member_event event)
{
	const struct rule *rule = &rules[member->state][event];
	if (!rule->to) {
		unexpected(supervisor, member, event);
		return;
	}
	if (rule->to != member->state) {
		timers_clear(&supervisor->timers, &member->timer);
		member_set_state(supervisor, member, rule->to);
	}
	if (rule->act)
		rule->act(supervisor, member);
	if (member->child->told_ns)
		ordered_advance(supervisor, member->child);
}
