/* SPDX-License-Identifier: MIT */
/* What the service manager hears of each phase (service.h). */
#include <stdarg.h>
#include <string.h>

#include "base/memory.h"
#include "supervise/guardian.h"
#include "supervise/inside.h"
#include "supervise/service.h"

/* systemd takes an interval that was missed for a death: it hears twice in it. */
static void set_watchdog(struct supervisor *supervisor)
{
	if (service_watchdog_ns())
		timers_set(&supervisor->timers, &supervisor->watchdog_timer, supervisor_now(supervisor) + service_watchdog_ns() / 2);
}

void notices_watchdog(struct supervisor *supervisor)
{
	guardian_tell_service(supervisor->guardian, "WATCHDOG=1");
	set_watchdog(supervisor);
}

__attribute__((format(printf, 3, 4)))
static void tell(struct supervisor *supervisor, const char *news, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *cleanup_free status = memory_format_list(format, list);
	va_end(list);
	for (char *at = status; (at = strchr(at, '\n')); )
		*at = ' ';
	char *cleanup_free text = memory_format("%sSTATUS=%s: %s", news, supervisor->launch->record->id, status);
	guardian_tell_service(supervisor->guardian, text);
}

static const char *plural(int count, const char *more)
{
	return count == 1 ? "" : more;
}

void notices_phase(struct supervisor *supervisor)
{
	struct text cleanup_text cause = { 0 };
	if (!service_listens())
		return;
	switch (supervisor->phase) {
	case PHASE_START:
		tell(supervisor, "", "starting %d process%s", supervisor->child_count, plural(supervisor->child_count, "es"));
		set_watchdog(supervisor);
		break;
	case PHASE_WIRE:
		tell(supervisor, "", "connecting %d node%s", supervisor->total, plural(supervisor->total, "s"));
		break;
	case PHASE_RUN:
		tell(supervisor, "READY=1\n", "%d node%s run%s", supervisor->total, plural(supervisor->total, "s"),
			supervisor->total == 1 ? "s" : "");
		break;
	case PHASE_STOP:
		failure_cause(supervisor, &cause);
		tell(supervisor, "STOPPING=1\n", "stopping%s%s", cause.length ? ": " : "", text_string(&cause));
		break;
	case PHASE_DRAIN:
	case PHASE_FINISH:
		tell(supervisor, "", "%sing", status_phase(supervisor->phase));
		break;
	case PHASE_OVER:
		break;
	}
}

void notices_end(struct supervisor *supervisor)
{
	if (service_listens())
		tell(supervisor, "", "%s, exit %d", failure_status(supervisor), failure_exit_code(supervisor));
}
