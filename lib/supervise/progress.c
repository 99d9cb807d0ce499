/* SPDX-License-Identifier: MIT */
/* On a terminal: how far a start or a stop is, who is awaited and in which step, in a line that is rewritten. */
#include "base/clock.h"
#include "supervise/inside.h"

static const int64_t MS = 1000000;
static const int64_t FIRST = 500 * MS;          /* what is quicker needs no line */
static const int64_t EVERY = 200 * MS;

static const struct {
	const char *doing, *done;       /* NULL: no line */
} words[] = {
	[PHASE_START] = { "starting", "ready" },
	[PHASE_WIRE] = { "connecting", "ready" },
	[PHASE_STOP] = { "stopping", "stopped" },
	[PHASE_DRAIN] = { "draining", "drained" },
	[PHASE_FINISH] = { "ending", "ended" },
	[PHASE_OVER] = { NULL, NULL },
};

void progress_begin(struct supervisor *supervisor)
{
	if (!supervisor->output.terminal)
		return;
	supervisor->progress_since_ns = supervisor_now(supervisor);
	timers_set(&supervisor->timers, &supervisor->progress_timer, supervisor->progress_since_ns + FIRST);
}

/* "lpad: starting (3 s): 9 of 12 ready; learner in init; actor/2, actor/3 dialling learner" */
static void describe(struct supervisor *supervisor, struct text *out)
{
	struct text cleanup_text who = { 0 };
	int late = slow_who(supervisor, &who);
	long long seconds = (supervisor_now(supervisor) - supervisor->progress_since_ns) / (1000 * MS);
	text_format(out, "lpad: %s (%lld s): %d of %d %s%s%s", words[supervisor->phase].doing, seconds,
		supervisor->total - late, supervisor->total, words[supervisor->phase].done, late ? "; " : "",
		text_string(&who));
}

void progress_show(struct supervisor *supervisor)
{
	struct text cleanup_text line = { 0 };
	if (words[supervisor->phase].doing) {
		describe(supervisor, &line);
		timers_set(&supervisor->timers, &supervisor->progress_timer, supervisor_now(supervisor) + EVERY);
	}
	output_progress(&supervisor->output, text_string(&line));
}
