/* SPDX-License-Identifier: MIT */
/* Who began it: the root cause, not the cascade. */
#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "supervise/inside.h"

enum {
	CODE_TIME = 124, CODE_START = 125, CODE_KILLED = 137, CODE_STDOUT = 141,
	LINES_SHOWN = 10
};

void failure_free(struct failure *failure)
{
	if (!failure)
		return;
	free(failure->text);
	free(failure->peer);
	free(failure->limit);
	free(failure);
}

/* An error that names a failed peer is a consequence of that peer's failure, if that let the run end; through another
   replica of its process it may be found in two steps. */
struct member *failure_root(const struct supervisor *supervisor)
{
	if (!supervisor->failures.count)
		return NULL;
	struct member *member = supervisor->failures.at[0];
	for (size_t i = 0; i < 2 * supervisor->failures.count; i++) {
		struct member *peer = member_named(supervisor, member->failure->peer);
		if (!peer || !peer->failure || !peer->failure->stops)
			break;
		member = peer;
	}
	return member;
}

static int code_of(const struct failure *failure)
{
	if (failure->signal)
		return 128 + failure->signal;
	if (failure->start)
		return CODE_START;
	return failure->code ? failure->code : 1;
}

static bool someone_was_killed(const struct supervisor *supervisor)
{
	for (int i = 0; i < supervisor->child_count; i++)
		if (supervisor->children[i].had_to_be_killed && supervisor->children[i].order != ORDER_STOP)
			return true;
	return false;
}

/* What began the stop, before what came after it is looked at. */
static int code_of_cause(const struct supervisor *supervisor)
{
	switch (supervisor->cause) {
	case CAUSE_NODE:
	case CAUSE_USER:
		return supervisor->stop_code;
	case CAUSE_FAILURE:
		return code_of(failure_root(supervisor)->failure);
	case CAUSE_SIGNAL:
		return 128 + supervisor->stop_code;
	case CAUSE_TIME:
		return CODE_TIME;
	case CAUSE_STDOUT:
		return CODE_STDOUT;
	case CAUSE_GUARDIAN:
		return CODE_KILLED;
	default:
		return 0;
	}
}

int failure_exit_code(const struct supervisor *supervisor)
{
	int code = code_of_cause(supervisor);
	if (!code && supervisor->failures.count)
		code = code_of(failure_root(supervisor)->failure);
	if (!code && someone_was_killed(supervisor))
		code = CODE_KILLED;
	if (!code && output_closed(&supervisor->output))
		code = CODE_STDOUT;
	return code;
}

const char *failure_status(const struct supervisor *supervisor)
{
	switch (supervisor->cause) {
	case CAUSE_NODE:
	case CAUSE_USER:
		return !supervisor->stop_code && failure_exit_code(supervisor) ? "failed" : "stopped";
	case CAUSE_SIGNAL:
		return "stopped";
	case CAUSE_TIME:
		return "time limit";
	case CAUSE_STDOUT:
		return "output closed";
	case CAUSE_GUARDIAN:
		return "killed";
	case CAUSE_FAILURE:
		return failure_root(supervisor)->failure->start ? "not started" : "failed";
	default:
		return failure_exit_code(supervisor) ? "failed" : "completed";
	}
}

static void describe_signal(int number, struct text *out)
{
	const char *name = strsignal(number);
	text_format(out, "signal %d (", number);
	for (const char *at = name ? name : "unknown"; *at; at++)
		text_add_char(out, (char)tolower((unsigned char)*at));
	text_add(out, ")");
}

const char *failure_name(const struct member *member)
{
	return member->failure->whole ? member->child->name : member->name;
}

static bool is_usual(const char *step)
{
	return text_equal(step, "run") || text_equal(step, "serve");
}

static void describe_text(const struct failure *failure, struct text *out)
{
	if (failure->limit && failure->limit_is_sure)
		text_format(out, "%s: ", failure->limit);
	if (failure->signal)
		describe_signal(failure->signal, out);
	else
		text_add(out, failure->text);
	if (failure->limit && !failure->limit_is_sure)
		text_format(out, ", %s", failure->limit);
}

void failure_describe_reason(const struct failure *failure, struct text *out)
{
	describe_text(failure, out);
	if (!is_usual(failure->step))
		text_format(out, " (in %s)", failure->step);
}

/* "actor/3 failed 6 times within 1m: last exit 1" */
static void describe_too_often(const struct member *member, struct text *out)
{
	char within[32];
	restart_span(within, member->child->plan->policy.within_ns);
	text_format(out, "%s failed %d time%s within %s: last ", failure_name(member), member->failure->times,
		member->failure->times == 1 ? "" : "s", within);
	failure_describe_reason(member->failure, out);
}

/* "learner failed in init: no such file" */
void failure_describe(const struct member *member, struct text *out)
{
	const struct failure *failure = member->failure;
	if (failure->times) {
		describe_too_often(member, out);
		return;
	}
	bool usual = is_usual(failure->step);
	text_format(out, "%s failed%s%s: ", failure_name(member), usual ? "" : " in ", usual ? "" : failure->step);
	describe_text(failure, out);
}

void failure_cause(const struct supervisor *supervisor, struct text *out)
{
	const char *why = supervisor->stop_why && *supervisor->stop_why ? supervisor->stop_why : NULL;
	switch (supervisor->cause) {
	case CAUSE_NONE:
		break;
	case CAUSE_COMPLETED:
		text_add(out, "completed");
		break;
	case CAUSE_NODE:
		text_format(out, "stopped by %s with %d", supervisor->stop_by->name, supervisor->stop_code);
		break;
	case CAUSE_FAILURE:
		failure_describe(failure_root(supervisor), out);
		break;
	case CAUSE_SIGNAL:
		describe_signal(supervisor->stop_code, out);
		break;
	case CAUSE_USER:
		if (supervisor->stop_code > 128)
			text_add(out, supervisor->stop_code == CODE_KILLED ? "killed by lpad kill" : "stopped by lpad stop");
		else
			text_format(out, "stopped by lpad stop with %d", supervisor->stop_code);
		break;
	case CAUSE_TIME:
		text_add(out, "time limit");
		break;
	case CAUSE_STDOUT:
		text_add(out, "output closed");
		break;
	case CAUSE_GUARDIAN:
		text_add(out, "guardian killed");
		break;
	}
	if (why)
		text_format(out, ": %s", why);
}

static void show_last_lines(struct supervisor *supervisor, const struct child *child)
{
	if (output_just_shown(&supervisor->output, &child->outlet))
		return;
	char *cleanup_free tail = record_log_tail(supervisor->launch->record, child->name, LINES_SHOWN);
	if (!tail)
		return;
	output_error(&supervisor->output, "last lines of %s:", child->name);
	for (char *line = tail, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		output_error(&supervisor->output, "  %.2000s", line);
	}
}

static void report_root(struct supervisor *supervisor)
{
	struct member *root = failure_root(supervisor);
	struct text cleanup_text text = { 0 };
	int others = 0;
	if (supervisor->cause_reported)
		return;
	supervisor->cause_reported = true;
	failure_describe(root, &text);
	if (root->failure->times)
		text_add(&text, "; program stopped (on_failure.then: stop)");
	output_error(&supervisor->output, "%s", text_string(&text));
	show_last_lines(supervisor, root->child);
	if (supervisor->output.style.quiet)     /* else it stands in the first line */
		output_error(&supervisor->output, "the record is in %s", supervisor->launch->record->folder);
	if (supervisor->cause != CAUSE_FAILURE)
		return;
	for (int i = 0; i < supervisor->total; i++) {
		const struct member *member = &supervisor->members[i];
		others += member->child != root->child ? member->alive_at_stop : member != root && !root->failure->whole;
	}
	if (others)
		output_error(&supervisor->output, "%d other%s ended because of it", others, others == 1 ? "" : "s");
}

void failure_report_cause(struct supervisor *supervisor)
{
	if (supervisor->cause == CAUSE_FAILURE)
		report_root(supervisor);
}

void failure_report(struct supervisor *supervisor)
{
	int code = failure_exit_code(supervisor);
	char span[32];
	clock_span(span, (supervisor_now(supervisor) - supervisor->started_ns) / 1000000);
	bool decided = supervisor->cause == CAUSE_FAILURE || !code_of_cause(supervisor);
	if (supervisor->failures.count && decided)
		report_root(supervisor);
	output_say(&supervisor->output, "%s after %s, exit %d", failure_status(supervisor), span, code);
}
