/* SPDX-License-Identifier: MIT */
/*
 * A run that was started with --detach (detach.h). Its standard output is RECORD/lpad.log from the first, or
 * RECORD/events.jsonl with --json. What else lpad has to say is shown to the one that waits, and kept in lpad.log, until
 * everything runs; from then on it goes there alone. A full disk is no reason to stop it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "supervise/detach.h"
#include "supervise/guardian.h"
#include "supervise/inside.h"

enum { CODE_START = 125 };

static char *path_of(const struct supervisor *supervisor, const char *name)
{
	return memory_format("%s/%s", supervisor->launch->record->folder, name);
}

void handover_prepare(struct supervisor *supervisor)
{
	if (!supervisor->launch->detached)
		return;
	char *cleanup_free log = path_of(supervisor, "lpad.log");
	char *cleanup_free events = path_of(supervisor, "events.jsonl");
	detach_redirect(STDIN_FILENO, "/dev/null");
	detach_redirect(STDOUT_FILENO, supervisor->launch->style.json ? events : log);
}

void handover_open(struct supervisor *supervisor)
{
	if (!supervisor->launch->detached)
		return;
	char *cleanup_free log = path_of(supervisor, "lpad.log");
	supervisor->output.terminal = false;    /* a line that is rewritten is nothing for a log */
	supervisor->output.out.spare = supervisor->output.err.spare = true;
	supervisor->output.err.copy = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (supervisor->output.err.copy < 0)
		output_error(&supervisor->output, "cannot write %s: %s; what lpad says will be lost", log, strerror(errno));
}

/* What the one that waits did not take stands in the log. */
void handover_done(struct supervisor *supervisor)
{
	struct output *output = &supervisor->output;
	char *cleanup_free log = path_of(supervisor, "lpad.log");
	if (!supervisor->launch->detached || supervisor->handed_over)
		return;
	supervisor->handed_over = true;
	sink_flush(&output->err);
	supervisor_unwatch(supervisor, &supervisor->sink_watch[1]);
	detach_redirect(STDERR_FILENO, log);
	sink_move(&output->err, STDERR_FILENO);
	output->together = !output->style.json;
	guardian_tell_running(supervisor->guardian, log);
}

int handover_code(struct supervisor *supervisor, int code)
{
	if (!supervisor->launch->detached || supervisor->handed_over)
		return code;
	bool by_user = supervisor->cause == CAUSE_SIGNAL || supervisor->cause == CAUSE_USER || supervisor->cause == CAUSE_TIME;
	return by_user || !code ? code : CODE_START;
}
