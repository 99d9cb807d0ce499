/* SPDX-License-Identifier: MIT */
/*
 * Whether the processes still answer. Whatever one says is a sign of life; one that says nothing for a third of its time is
 * asked, and one that has said nothing for all of it has failed. What answers there is a thread of its own, so that who
 * computes is not taken for dead. While a module is loaded it is that thread which does it: not then.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "supervise/inside.h"

static int64_t third(const struct child *child)
{
	return child->plan->health_ns / 3;
}

static bool is_ending(const struct child *child)
{
	return !child->pid || child->members[0]->state >= MEMBER_FINISHING;
}

static bool is_loading(const struct child *child)
{
	for (int i = 0; i < child->count; i++)
		if (!child->members[i]->step || text_equal(child->members[i]->step, "load"))
			return true;
	return false;
}

void health_heard(struct supervisor *supervisor, struct child *child)
{
	child->heard_ns = supervisor_now(supervisor);
	child->pinged_ns = 0;
}

void health_begin(struct supervisor *supervisor, struct child *child)
{
	bool wrapped = supervisor->launch->ways && supervisor->launch->ways[child->number].wrap;
	health_heard(supervisor, child);
	if (child->plan->health_ns > 0 && !wrapped)
		timers_set(&supervisor->timers, &child->health_timer, child->heard_ns + third(child));
}

void health_end(struct supervisor *supervisor, struct child *child)
{
	timers_clear(&supervisor->timers, &child->health_timer);
}

void health_shift(struct child *child, int64_t by_ns)
{
	child->heard_ns += by_ns;
	child->pinged_ns += child->pinged_ns ? by_ns : 0;
}

static void fail(struct supervisor *supervisor, struct child *child)
{
	char span[32];
	clock_span(span, child->plan->health_ns / 1000000);
	child_fail(supervisor, child, failure_new(child_step(child), 0, "did not answer for %s", span));
	child_kill(supervisor, child);
}

/* It has been silent for a third: asked once, it has two thirds for the answer, and at least one if this comes late. */
static void ask(struct supervisor *supervisor, struct child *child, int64_t now)
{
	int64_t last = child->heard_ns + child->plan->health_ns;
	child->pinged_ns = now;
	child_send(supervisor, child, json_pack("{ss}", "do", "ping"));
	timers_set(&supervisor->timers, &child->health_timer, last > now + third(child) ? last : now + third(child));
}

void health_look(struct supervisor *supervisor, struct child *child)
{
	control_readable(supervisor, child);            /* what came while the supervisor did not run */
	int64_t now = supervisor_now(supervisor);
	if (is_ending(child))
		return;
	if (is_loading(child))
		health_heard(supervisor, child);
	if (now - child->heard_ns < third(child))
		timers_set(&supervisor->timers, &child->health_timer, child->heard_ns + third(child));
	else if (child->pinged_ns)
		fail(supervisor, child);
	else
		ask(supervisor, child, now);
}
