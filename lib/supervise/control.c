/* SPDX-License-Identifier: MIT */
/* What a node says: node/control.h lists it. Numbers and texts in it come from a process that may run wild. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/memory.h"
#include "supervise/console.h"
#include "supervise/inside.h"
#include "supervise/observe.h"

static const int64_t CLOSED_GRACE = 500000000;  /* a process that is just ending closes its channel first */
static const int64_t STOP_WITHIN = 10000000000; /* of a failed one without a limit of its own */
static const int64_t EXIT_CODE_MOST = 125;

static const char *text_of(const json_t *message, const char *key)
{
	return json_string_value(json_object_get(message, key));
}

static int code_of(const json_t *message)
{
	json_int_t code = json_integer_value(json_object_get(message, "code"));
	return code < 0 || code > EXIT_CODE_MOST ? 1 : (int)code;
}

/* A command's program may have had any. */
static int exit_code_of(const json_t *message)
{
	json_int_t code = json_integer_value(json_object_get(message, "code"));
	return code < 1 || code > 255 ? 1 : (int)code;
}

static const char *step_named(const char *name)
{
	static const char *const steps[] = { "load", "init", "bind", "wire", "run", "serve", "drain", "fini" };
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		if (text_equal(name, steps[i]))
			return steps[i];
	return NULL;
}

static void heard_step(struct supervisor *supervisor, struct member *member, const json_t *message)
{
	const char *step = step_named(text_of(message, "step"));
	if (!step)
		return;
	bool same = member->step == step;
	member->step = step;
	struct text waits_for = { 0 };
	size_t i;
	json_t *name;
	json_array_foreach(json_object_get(message, "waits_for"), i, name)
		if (json_is_string(name)) {
			text_add(&waits_for, waits_for.length ? ", " : "");
			text_add(&waits_for, json_string_value(name));
		}
	free(member->waits_for);
	member->waits_for = waits_for.length ? text_take(&waits_for) : NULL;
	if (!same && member->state == MEMBER_STARTING)
		member_begin_step(supervisor, member);
}

static void heard_bound(struct supervisor *supervisor, struct member *member, const json_t *message)
{
	peers_find(supervisor, member, message);
	member_happens(supervisor, member, EVENT_BOUND);
}

static void heard_wired(struct supervisor *supervisor, struct member *member, const json_t *message)
{
	(void)message;
	member_happens(supervisor, member, EVENT_WIRED);
}

/* A run that ended with a code is a failure; its process still waits to be told. */
static void heard_ended(struct supervisor *supervisor, struct member *member, const json_t *message)
{
	int code = code_of(message);
	if (!code || member->state >= MEMBER_FAILING) {
		member_happens(supervisor, member, EVENT_ENDED);
		return;
	}
	member_fail(supervisor, member, failure_new("run", code, "its run returned %d", code));
	struct child *child = member->child;
	int64_t within = child->plan->stop_within_ns;
	timers_set(&supervisor->timers, &child->end_timer, supervisor_now(supervisor) + (within < 0 ? STOP_WITHIN : within));
	child_send(supervisor, child, json_pack("{ss sf}", "do", "stop", "within", (double)within / 1e9));
	child_send(supervisor, child, json_pack("{ss}", "do", "finish"));
}

static void heard_failed(struct supervisor *supervisor, struct member *member, const json_t *message)
{
	const char *step = step_named(text_of(message, "step")), *text = text_of(message, "text");
	const char *peer = text_of(message, "peer");
	json_int_t signal = json_integer_value(json_object_get(message, "signal"));
	struct failure *failure = failure_new(step ? step : "run", exit_code_of(message), "%s", text ? text : "no reason given");
	failure->peer = memory_copy_text(peer);
	failure->signal = signal > 0 && signal < NSIG ? (int)signal : 0;
	failure->final = json_is_true(json_object_get(message, "final"));
	failure->refused = text_equal(step, "load") || text_equal(step, "bind");
	failure->start = failure->refused || (text_equal(step, "wire") && supervisor->phase < PHASE_RUN);
	member_fail(supervisor, member, failure);
}

static void heard_stop(struct supervisor *supervisor, struct member *member, const json_t *message)
{
	run_stop(supervisor, CAUSE_NODE, code_of(message), member, text_of(message, "why"));
}

/* A peer asks for it: that incarnation fails, and its policy acts. */
static void heard_restart(struct supervisor *supervisor, struct member *member, const json_t *message)
{
	json_int_t number = json_integer_value(json_object_get(message, "number"));
	json_int_t index = json_integer_value(json_object_get(message, "index"));
	const char *why = text_of(message, "why");
	if (number < 0 || number >= (json_int_t)supervisor->topology->groups.count || supervisor->phase >= PHASE_STOP)
		return;
	const struct group *group = &supervisor->topology->groups.at[number];
	if (index < 0 || index >= group->replicas)
		return;
	struct member *peer = &supervisor->members[group->first + index];
	if (!member_alive(peer) || peer->state >= MEMBER_FAILING || peer->child->order ||       /* it ends already */
	    peer->incarnation != json_integer_value(json_object_get(message, "incarnation")))
		return;
	member_fail(supervisor, peer, failure_new(peer->step ? peer->step : "start", 0, "restarted by %s%s%s", member->name,
		why && *why ? ": " : "", why ? why : ""));
	child_kill(supervisor, peer->child);
}

static void heard_reports(struct supervisor *supervisor, struct member *member, const json_t *message)
{
	statistics_report(supervisor, member, message);
}

static void heard_status(struct supervisor *supervisor, struct member *member, const json_t *message)
{
	words_heard(supervisor, member, message);
}

static void heard_counters(struct supervisor *supervisor, struct member *member, const json_t *message)
{
	(void)supervisor;
	statistics_count(member, message);
}

static void heard_note(struct supervisor *supervisor, struct member *member, const json_t *message)
{
	const char *text = text_of(message, "text");
	if (!text)
		return;
	if (text_starts(text, member->name))
		output_say(&supervisor->output, "%s", text);
	else
		output_say(&supervisor->output, "%s: %s", member->name, text);
	output_event(&supervisor->output, json_pack("{ss ss ss}", "event", "note", "node", member->name, "text", text));
}

static void heard_listening(struct supervisor *supervisor, struct member *member, const json_t *message)
{
	if (json_object_get(message, "topic"))
		observe_listening(supervisor, member, message);
	else
		console_listening(supervisor, member, text_of(message, "address"), text_of(message, "text"));
}

static void heard_drained(struct supervisor *supervisor, struct member *member, const json_t *message)
{
	const char *text = text_of(message, "text");
	member->left = json_integer_value(json_object_get(message, "left"));
	if (member->left)
		output_error(&supervisor->output, "%s could not drain in time: %s", member->name,
			text ? text : "something was left");
	member_happens(supervisor, member, EVENT_DRAINED);
}

static const struct {
	const char *is;
	void (*heard)(struct supervisor *supervisor, struct member *member, const json_t *message);
} messages[] = {
	{ "counters", heard_counters },
	{ "reports", heard_reports },
	{ "status", heard_status },
	{ "step", heard_step },
	{ "bound", heard_bound },
	{ "wired", heard_wired },
	{ "ended", heard_ended },
	{ "failed", heard_failed },
	{ "stop", heard_stop },
	{ "restart", heard_restart },
	{ "note", heard_note },
	{ "listening", heard_listening },
	{ "drained", heard_drained },
};

static void broken(struct supervisor *supervisor, struct child *child, const char *why)
{
	child_fail(supervisor, child, failure_new(child_step(child), 0, "%s", why));
	child_kill(supervisor, child);
}

/* Whose words these are; a process of one replica speaks for it. NULL: of none of this process. */
static struct member *speaker(const struct supervisor *supervisor, const struct child *child, const json_t *message)
{
	if (!child_is_shared(child))
		return child->members[0];
	struct member *member = member_named(supervisor, text_of(message, "node"));
	return member && member->child == child ? member : NULL;
}

static void hear(struct supervisor *supervisor, struct child *child, const json_t *message)
{
	const char *is = text_of(message, "is");
	struct member *member = speaker(supervisor, child, message);
	if (!member) {
		broken(supervisor, child, "its process spoke for a node that it does not run");
		return;
	}
	for (size_t i = 0; is && i < sizeof messages / sizeof messages[0]; i++)
		if (!strcmp(is, messages[i].is)) {
			messages[i].heard(supervisor, member, message);
			return;
		}
}

static void hear_all(struct supervisor *supervisor, struct child *child)
{
	struct error error = { 0 };
	struct channel *channel = &child->control;
	json_t *message;
	for (int got; (got = channel_next(channel, &message, &error)); ) {
		if (got < 0) {
			broken(supervisor, child, error.text);
			return;
		}
		health_heard(supervisor, child);
		hear(supervisor, child, message);
		json_decref(message);
	}
	if (channel->taken == channel->in.length) {     /* a thousand idle ones keep no buffers */
		text_release(&channel->in);
		channel->taken = channel->searched = 0;
	}
}

void control_readable(struct supervisor *supervisor, struct child *child)
{
	struct error error = { 0 };
	if (child->control.fd < 0)
		return;
	int bad = channel_read(&child->control, &error);
	hear_all(supervisor, child);
	if (bad && child->pid)
		broken(supervisor, child, error.text);
	if (!child->control.ended)
		return;
	supervisor_unwatch(supervisor, &child->control_watch);
	if (child->pid && child->members[0]->state < MEMBER_TERMINATED)
		timers_set(&supervisor->timers, &child->closed_timer, supervisor_now(supervisor) + CLOSED_GRACE);
}
