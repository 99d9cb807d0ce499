/* SPDX-License-Identifier: MIT */
/* What the failure of a process leads to: the stop of the run, going on without it, or starting it again. */
#include <stdlib.h>
#include <sys/random.h>

#include "base/memory.h"
#include "supervise/inside.h"

static uint64_t random_bits(const struct supervisor *supervisor)
{
	uint64_t bits = 0;
	if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != (ssize_t)sizeof bits)
		bits = (uint64_t)supervisor_now(supervisor) * 0x9e3779b97f4a7c15u >> 16;
	return bits;
}

static enum verdict then(const struct policy *policy)
{
	return policy->then == POLICY_IGNORE ? VERDICT_IGNORE : VERDICT_STOP;
}

static enum verdict judge_again(struct supervisor *supervisor, struct child *child, struct failure *failure)
{
	const struct policy *policy = &child->plan->policy;
	int64_t now = supervisor_now(supervisor);
	struct restart_verdict verdict = restart_judge(&child->history, policy, now,
		child->running_ns ? now - child->running_ns : 0, random_bits(supervisor));
	child->wait_ns = verdict.wait_ns;
	failure->times = verdict.failures;
	return verdict.again ? VERDICT_AGAIN : then(policy);
}

static enum verdict judge(struct supervisor *supervisor, struct child *child, struct failure *failure)
{
	const struct policy *policy = &child->plan->policy;
	if (child->order && supervisor->phase < PHASE_STOP)
		return VERDICT_IGNORE;                  /* it was to end */
	if (failure->refused || policy->kind == POLICY_STOP)
		return VERDICT_STOP;
	if (policy->kind == POLICY_IGNORE)
		return VERDICT_IGNORE;
	return supervisor->phase >= PHASE_STOP || failure->final ? then(policy) : judge_again(supervisor, child, failure);
}

/* ---- what comes of it ---- */

/* The run ends. One that would have been started again, had the program not been stopping, began nothing. */
static void stop(struct supervisor *supervisor, struct member *failed)
{
	struct failure *failure = failed->failure;
	bool stopping = supervisor->phase >= PHASE_STOP;
	failure->stops = !stopping || failure->refused || failed->child->plan->policy.kind == POLICY_STOP;
	*list_add(&supervisor->failures) = failed;
	if (!stopping)
		run_stop(supervisor, CAUSE_FAILURE, 0, failed, NULL);
}

static void go_on_without(struct supervisor *supervisor, const struct member *failed)
{
	struct text cleanup_text text = { 0 };
	if (supervisor->phase >= PHASE_STOP)
		return;
	failure_describe(failed, &text);
	if (failed->child->order) {
		output_error(&supervisor->output, "%s; it was to end (lpad %s)", text_string(&text),
			failed->child->order == ORDER_STOP ? "stop" : "restart");
		return;
	}
	output_error(&supervisor->output, "%s; the run goes on without it (on_failure%s: ignore)", text_string(&text),
		failed->child->plan->policy.kind == POLICY_RESTART ? ".then" : "");
}

/* "(1 of 5 within 1m)" */
static char *how_often(const struct policy *policy, int failures)
{
	char within[32];
	restart_span(within, policy->within_ns);
	return policy->restarts < 0 ? memory_format("%d within %s", failures, within) :
		memory_format("%d of %d within %s", failures, policy->restarts, within);
}

static void say_again(struct supervisor *supervisor, const struct member *failed)
{
	const struct child *child = failed->child;
	struct text cleanup_text reason = { 0 };
	char wait[32];
	char *cleanup_free often = how_often(&child->plan->policy, failed->failure->times);
	failure_describe_reason(failed->failure, &reason);
	double seconds = (double)child->wait_ns / 1e9;
	snprintf(wait, sizeof wait, seconds < 0.1 ? "%.3f s" : "%.1f s", seconds);
	output_error(&supervisor->output, "%s: %s; starting it again in %s (%s)", failure_name(failed), text_string(&reason), wait,
		often);
	for (int i = 0; i < child->count; i++)
		output_event(&supervisor->output, json_pack("{ss ss si sf si so}", "event", "restart", "node",
			child->members[i]->name, "incarnation", child->members[i]->incarnation + 1, "wait", seconds,
			"failures", failed->failure->times, "why", output_json_text(text_string(&reason), reason.length)));
}

void policy_act(struct supervisor *supervisor, struct member *failed)
{
	struct child *child = failed->child;
	bool first = child->verdict == VERDICT_NONE;
	if (first)
		child->verdict = judge(supervisor, child, failed->failure);
	bool again = child->verdict == VERDICT_AGAIN || child->order == ORDER_RESTART;
	for (int i = 0; first && i < child->count; i++)
		(again ? run_member_again : run_member_over)(supervisor, child->members[i]);
	if (child->verdict == VERDICT_STOP)
		stop(supervisor, failed);
	else if (first && child->verdict == VERDICT_IGNORE)
		go_on_without(supervisor, failed);
	else if (first)
		say_again(supervisor, failed);
}
