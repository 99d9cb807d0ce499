/* SPDX-License-Identifier: MIT */
/* How everything is, at this moment. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/memory.h"
#include "supervise/isolate.h"
#include "supervise/questions.h"
#include "supervise/usage.h"

static const char *const phases[] = { "start", "wire", "run", "stop", "drain", "finish", "over" };

const char *status_phase(enum phase phase)
{
	return phases[phase];
}

/* ---- one node ---- */

/* As seen from outside: what it waits for is left out. */
const char *status_state(const struct member *member)
{
	static const char *const names[MEMBER_STATES] = {
		[MEMBER_NEW] = "starting", [MEMBER_STARTING] = "starting", [MEMBER_BOUND] = "starting",
		[MEMBER_WIRING] = "wiring", [MEMBER_WIRED] = "wiring",
		[MEMBER_RUNNING] = "running", [MEMBER_ENDED] = "ended",
		[MEMBER_STOPPING] = "stopping", [MEMBER_STOPPED] = "stopping",
		[MEMBER_DRAINING] = "draining", [MEMBER_DRAINED] = "draining",
		[MEMBER_FINISHING] = "finishing", [MEMBER_FAILING] = "failing",
		[MEMBER_TERMINATED] = "stopping", [MEMBER_KILLED] = "stopping",
		[MEMBER_WAITING] = "waiting", [MEMBER_DEAD] = "dead" };
	bool ending = member->state == MEMBER_TERMINATED || member->state == MEMBER_KILLED;
	if (ending && child_has_failed(member->child))
		return "failing";
	if (member->state == MEMBER_DEAD && member->child->order == ORDER_STOP)
		return "stopped";
	return names[member->state];
}

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* Time of all incarnations; memory of the one that is, or the most there was. */
static void add_usage(json_t *out, const struct child *child, const struct usages *usages)
{
	double cpu = seconds(child->usage.ru_utime) + seconds(child->usage.ru_stime);
	int64_t memory = (int64_t)child->usage.ru_maxrss * 1024;
	if (child->pid) {
		struct usage usage = usage_of(usages, child->pid);
		cpu += usage.cpu;
		memory = usage.memory;
	}
	json_object_set_new(out, "cpu", json_real(cpu));
	json_object_set_new(out, "memory", json_integer(memory));
}

static json_t *optional(const char *text)
{
	return text ? json_string(text) : json_null();
}

/* The last step that it told of, as long as there is a process. */
static const char *step_of(const struct member *member)
{
	return !member->child->pid ? NULL : member->state == MEMBER_ENDED ? "serve" : member->step;
}

static json_t *last_failure(const struct member *member)
{
	json_t *last = json_object_get(json_array_get(member->past, json_array_size(member->past) - 1), "failure");
	return last ? json_incref(last) : json_null();
}

static void add_exit(json_t *out, const struct child *child)
{
	if (child->pid || !child->last_pid)
		return;
	if (child->exit_signal)
		json_object_set_new(out, "signal", json_integer(child->exit_signal));
	else
		json_object_set_new(out, "exit", json_integer(child->exit_code));
}

static json_t *member_json(const struct supervisor *supervisor, const struct member *member, bool metrics,
	const struct usages *usages)
{
	const struct child *child = member->child;
	int64_t until = child->pid ? supervisor_now(supervisor) : child->ended_ns;
	char *cleanup_free waits_for = words_waits(supervisor, member);
	json_t *out = json_pack("{ss ss ss ss so so so si si sf}", "node", member->name, "group", member->group->label,
		"process", child->name, "state", status_state(member), "step", optional(step_of(member)),
		"waits_for", optional(waits_for), "pid", child->pid ? json_integer(child->last_pid) : json_null(),
		"incarnation", member->incarnation, "restarts", member->incarnation - member->first,
		"uptime", child->started_ns ? (double)((until - child->started_ns) / 1000) / 1e6 : 0.0);
	add_usage(out, child, usages);
	const struct allotment *own = limits_of(supervisor, child);
	json_object_set_new(out, "cpus", optional(own->processors_text));
	json_object_set_new(out, "gpus", optional(own->gpus));
	json_object_set_new(out, "status", words_texts(member));
	json_object_set_new(out, "failure", result_failure(member->failure));
	json_object_set_new(out, "last_failure", last_failure(member));
	add_exit(out, child);
	if (metrics)
		json_object_set_new(out, "metrics", statistics_metrics(member));
	return out;
}

/* ---- the run ---- */

static json_t *path_json(const char *path)
{
	return path ? output_json_text(path, strlen(path)) : json_null();
}

static json_t *cause_text(const struct supervisor *supervisor)
{
	struct text cleanup_text text = { 0 };
	failure_cause(supervisor, &text);
	return text.length ? output_json_text(text_string(&text), text.length) : json_null();
}

static json_t *run_json(const struct supervisor *supervisor)
{
	const struct launch *launch = supervisor->launch;
	char started[32];
	int64_t now = supervisor_now(supervisor);
	clock_stamp(started, clock_wall_ms() - (now - supervisor->started_ns) / 1000000);
	json_t *limit = launch->time_limit_ns < 0 ? json_null() : json_real((double)launch->time_limit_ns / 1e9);
	return json_pack("{si ss ss so so sI si ss ss sf sb sb sb si si so so}", "schema", 1, "run", launch->record->id,
		"name", supervisor->topology->name, "record", path_json(launch->record->folder),
		"file", path_json(supervisor->topology->source ? supervisor->topology->source->file : NULL), "seed", (json_int_t)supervisor->topology->seed,
		"pid", (int)isolate_outside(getpid()), "phase", status_phase(supervisor->phase), "started", started,
		"time", supervisor_seconds(supervisor, now), "running", supervisor->phase == PHASE_RUN,
		"paused", supervisor->paused_ns != 0, "detached", launch->detached, "waited", supervisor->waited, "unfinished", supervisor->unfinished,
		"time_limit", limit, "cause", cause_text(supervisor));
}

void status_ask(const struct asking *asking)
{
	struct chosen chosen;
	struct usages usages;
	bool metrics = json_is_true(json_object_get(asking->question, "metrics"));
	if (!console_choose(asking, &chosen))
		return;
	usage_read(&usages);
	json_t *out = run_json(asking->supervisor), *nodes = json_array();
	for (size_t i = 0; i < chosen.list.count; i++)
		json_array_append_new(nodes, member_json(asking->supervisor, chosen.list.at[i], metrics, &usages));
	usage_release(&usages);
	json_object_set_new(out, "nodes", nodes);
	if (json_is_true(json_object_get(asking->question, "edges")))
		json_object_set_new(out, "edges", statistics_edges(asking->supervisor));
	list_release(&chosen.list);
	console_answer(asking, out);
}
