/* SPDX-License-Identifier: MIT */
/* Who is not ready yet, and what it is doing: said after 10 s of a start, then every 30 s; on a terminal a line of progress
   says it all the time (progress.c). */
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "supervise/inside.h"

enum { NAMES_SHOWN = 8, STEPS_SHOWN = 6 };
static const int64_t MS = 1000000;
static const int64_t FIRST = 10000 * MS, NEXT = 30000 * MS;

/* Whether a stop waits for it no longer. */
static bool stopped(const struct member *member, enum phase phase)
{
	if (phase == PHASE_STOP)
		return member->state != MEMBER_STOPPING && member->state != MEMBER_FAILING;
	if (phase == PHASE_DRAIN)
		return member->state != MEMBER_STOPPED && member->state != MEMBER_DRAINING;
	return member->state == MEMBER_DEAD;
}

/* In the run, one that waits for its backoff was told of. */
static bool ready(const struct member *member, enum phase phase)
{
	if (phase >= PHASE_STOP)
		return stopped(member, phase);
	if (phase == PHASE_RUN && member->state == MEMBER_WAITING)
		return !member->child->due;
	if (phase == PHASE_RUN || member->state == MEMBER_WAITING)
		return member->state >= MEMBER_RUNNING && member->state != MEMBER_WAITING;
	return member->state >= MEMBER_WIRED || (phase == PHASE_START && member->state == MEMBER_BOUND);
}

/* What a replica is doing, as the end of "learner ...". */
static char *doing(const struct member *member)
{
	if (member->state == MEMBER_WAITING && member->child->due)
		return memory_copy_text("waiting for the end of what its last process left behind");
	if (member->state == MEMBER_WAITING)
		return memory_copy_text("waiting to be started again");
	if (member->state == MEMBER_TERMINATED || member->state == MEMBER_KILLED)
		return memory_copy_text(member->state == MEMBER_KILLED ? "killed" : "sent TERM");
	if (text_equal(member->step, "wire") && member->waits_for)
		return memory_format("dialling %s", member->waits_for);
	if (text_equal(member->step, "wire"))
		return memory_copy_text("dialling");
	return memory_format("in %s", member->step ? member->step : "start");
}

/* Replicas in the same step stand together; those named are marked by `told`. */
static void add_those_like(const struct supervisor *supervisor, int first, struct text *out)
{
	char *cleanup_free what = doing(&supervisor->members[first]);
	int count = 0;
	for (int i = first; i < supervisor->total; i++) {
		struct member *member = &supervisor->members[i];
		if (member->told == supervisor->news || ready(member, supervisor->phase))
			continue;
		char *cleanup_free same = doing(member);
		if (!text_equal(same, what))
			continue;
		member->told = supervisor->news;
		if (++count <= NAMES_SHOWN)
			text_format(out, "%s%s", count > 1 ? ", " : "", member->name);
	}
	if (count > NAMES_SHOWN)
		text_format(out, " and %d more", count - NAMES_SHOWN);
	text_format(out, " %s", what);
}

int slow_who(struct supervisor *supervisor, struct text *out)
{
	int shown = 0, late = 0;
	supervisor->news++;
	for (int i = 0; i < supervisor->total; i++) {
		const struct member *member = &supervisor->members[i];
		if (ready(member, supervisor->phase))
			continue;
		late++;
		if (member->told == supervisor->news || shown > STEPS_SHOWN)
			continue;
		text_add(out, shown == STEPS_SHOWN ? "; and others" : shown ? "; " : "");
		if (shown++ < STEPS_SHOWN)
			add_those_like(supervisor, i, out);
	}
	return late;
}

/* Before all run the start counts; afterwards the longest of those that were started again. */
static int64_t late_since(const struct supervisor *supervisor, int *late)
{
	int64_t since = supervisor->phase == PHASE_RUN ? INT64_MAX : supervisor->started_ns;
	*late = 0;
	for (int i = 0; i < supervisor->total; i++) {
		const struct member *member = &supervisor->members[i];
		if (ready(member, supervisor->phase))
			continue;
		int64_t begun = member->state == MEMBER_WAITING ? member->child->ended_ns : member->child->started_ns;
		++*late;
		if (begun < since && supervisor->phase == PHASE_RUN)
			since = begun;
	}
	return since;
}

void slow_expect(struct supervisor *supervisor)
{
	if (!supervisor->slow_timer.place && supervisor->phase < PHASE_STOP)
		timers_set(&supervisor->timers, &supervisor->slow_timer, supervisor_now(supervisor) + FIRST);
}

void slow_say(struct supervisor *supervisor)
{
	int late;
	int64_t now = supervisor_now(supervisor), since = late_since(supervisor, &late);
	if (!late)
		return;
	if (now - since < FIRST) {
		timers_set(&supervisor->timers, &supervisor->slow_timer, since + FIRST);
		return;
	}
	struct text cleanup_text who = { 0 };
	char span[32];
	clock_span(span, (now - since) / MS);
	slow_who(supervisor, &who);
	if (supervisor->phase == PHASE_RUN || !supervisor->output.terminal)
		output_say(&supervisor->output, "%d of %d not ready after %s: %s", late, supervisor->total, span,
			text_string(&who));
	timers_set(&supervisor->timers, &supervisor->slow_timer, now + NEXT);
}

/* ---- the run waits for one that only serves, perhaps without its author's knowing ---- */

void slow_others_expect(struct supervisor *supervisor)
{
	if (!supervisor->others_said && supervisor->unfinished && supervisor->phase <= PHASE_RUN)
		timers_set(&supervisor->timers, &supervisor->others_timer, supervisor_now(supervisor) + FIRST);
}

void slow_others(struct supervisor *supervisor)
{
	struct text cleanup_text names = { 0 };
	int count = 0;
	for (int i = 0; i < supervisor->total; i++) {
		const struct member *member = &supervisor->members[i];
		if (!member->waited || member->run_over)
			continue;
		if (++count <= NAMES_SHOWN)
			text_format(&names, "%s%s", count > 1 ? ", " : "", member->name);
	}
	if (!count || supervisor->phase != PHASE_RUN)
		return;
	if (count > NAMES_SHOWN)
		text_format(&names, " and %d more", count - NAMES_SHOWN);
	supervisor->others_said = true;
	output_say(&supervisor->output, "all others have ended; waiting for %s", text_string(&names));
}
