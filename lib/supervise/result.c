/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "supervise/inside.h"

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

json_t *result_failure(const struct failure *failure)
{
	if (!failure)
		return json_null();
	json_t *out = json_pack("{ss so}", "step", failure->step, "text",
		output_json_text(failure->text, strlen(failure->text)));
	if (failure->signal)
		json_object_set_new(out, "signal", json_integer(failure->signal));
	else
		json_object_set_new(out, "code", json_integer(failure->code));
	if (failure->limit)
		json_object_set_new(out, "limit", json_string(failure->limit));
	if (failure->peer)
		json_object_set_new(out, "peer", output_json_text(failure->peer, strlen(failure->peer)));
	return out;
}

static void add_exit(json_t *out, const struct child *child)
{
	if (child->last_pid)
		json_object_set_new(out, "pid", json_integer(child->last_pid));
	if (child->exit_signal)
		json_object_set_new(out, "signal", json_integer(child->exit_signal));
	else
		json_object_set_new(out, "exit", json_integer(child->exit_code));
}

static json_t *microseconds(int64_t ns)
{
	return json_real((double)(ns / 1000) / 1e6);
}

json_t *result_incarnation(const struct member *member)
{
	const struct child *child = member->child;
	json_t *out = json_pack("{si}", "incarnation", member->incarnation);
	add_exit(out, child);
	json_object_set_new(out, "failure", result_failure(member->failure));
	if (child->had_to_be_killed)
		json_object_set_new(out, "killed", json_true());
	json_object_set_new(out, "seconds", microseconds(child->ended_ns - child->started_ns));
	return out;
}

static json_t *member_json(const struct member *member)
{
	const struct child *child = member->child;
	json_t *out = json_pack("{sb si}", "started", child->started_ns != 0, "restarts", member->incarnation - member->first);
	if (child_is_shared(child))
		json_object_set_new(out, "process", json_string(child->name));
	add_exit(out, child);
	if (member->past)
		json_object_set(out, "incarnations", member->past);
	if (member->failure)
		json_object_set_new(out, "failure", result_failure(member->failure));
	if (child->had_to_be_killed)
		json_object_set_new(out, "killed", json_true());
	if (child->order == ORDER_STOP)
		json_object_set_new(out, "stopped", json_true());
	if (member->left)
		json_object_set_new(out, "not_drained", json_integer(member->left));
	json_object_set_new(out, "seconds", microseconds(child->lived_ns + child->ended_ns - child->started_ns));
	json_object_set_new(out, "cpu", json_pack("{sf sf}", "user", seconds(child->usage.ru_utime),
		"system", seconds(child->usage.ru_stime)));
	json_object_set_new(out, "memory", json_integer((json_int_t)child->usage.ru_maxrss * 1024));
	if (json_object_size(member->texts))
		json_object_set_new(out, "status", words_texts(member));
	json_object_set_new(out, "metrics", statistics_metrics(member));
	return out;
}

static json_t *why_json(const struct supervisor *supervisor)
{
	const char *why = supervisor->stop_why ? supervisor->stop_why : "";
	return output_json_text(why, strlen(why));
}

static json_t *cause_json(const struct supervisor *supervisor)
{
	const struct member *root = failure_root(supervisor);
	switch (supervisor->cause) {
	case CAUSE_NODE:
		if (!supervisor->stop_code && root)
			break;
		return json_pack("{ss ss si so}", "what", "stopped by a node", "node", supervisor->stop_by->name,
			"code", supervisor->stop_code, "why", why_json(supervisor));
	case CAUSE_SIGNAL:
		return json_pack("{ss si}", "what", "signal", "signal", supervisor->stop_code);
	case CAUSE_USER:
		if (!supervisor->stop_code && root)
			break;
		return json_pack("{ss si so}", "what",
			supervisor->stop_code == 128 + SIGKILL ? "lpad kill" : "lpad stop", "code", supervisor->stop_code, "why", why_json(supervisor));
	case CAUSE_TIME:
		return json_pack("{ss}", "what", "time limit");
	case CAUSE_STDOUT:
		return json_pack("{ss}", "what", "output closed");
	case CAUSE_GUARDIAN:
		return json_pack("{ss}", "what", "guardian killed");
	default:
		break;
	}
	if (!root)
		return json_null();
	return json_pack("{ss ss so}", "what", "failure", "node", failure_name(root), "failure", result_failure(root->failure));
}

/* Seconds since the start of the launch, as far as it came. */
static json_t *times_json(const struct supervisor *supervisor)
{
	json_t *out = json_object();
	if (supervisor->running_ns)
		json_object_set_new(out, "running", json_real(supervisor_seconds(supervisor, supervisor->running_ns)));
	if (supervisor->stopped_ns)
		json_object_set_new(out, "stopped", json_real(supervisor_seconds(supervisor, supervisor->stopped_ns)));
	json_object_set_new(out, "ended", json_real(supervisor_seconds(supervisor, supervisor_now(supervisor))));
	return out;
}

static json_t *path_json(const struct supervisor *supervisor)
{
	const char *folder = supervisor->launch->record->folder;
	return output_json_text(folder, strlen(folder));
}

void result_write(struct supervisor *supervisor)
{
	char now[32];
	struct error error = { 0 };
	clock_stamp(now, clock_wall_ms());
	int code = failure_exit_code(supervisor);
	const char *status = failure_status(supervisor);
	double took = supervisor_seconds(supervisor, supervisor_now(supervisor));
	output_event(&supervisor->output, json_pack("{ss ss si so sf so}", "event", "result", "status", status, "exit", code,
		"cause", cause_json(supervisor), "seconds", took, "record", path_json(supervisor)));
	json_t *nodes = json_object();
	for (int i = 0; i < supervisor->total; i++)
		json_object_set_new(nodes, supervisor->members[i].name, member_json(&supervisor->members[i]));
	json_t *result = json_pack("{si ss ss si so ss sf so so so}", "schema", 1, "run", supervisor->launch->record->id,
		"status", status, "exit", code, "cause", cause_json(supervisor), "ended", now, "seconds", took, "times", times_json(supervisor),
		"nodes", nodes, "edges", statistics_edges(supervisor));
	if (record_write_result(supervisor->launch->record, result, &error))
		output_error(&supervisor->output, "the result could not be recorded: %s", error.text);
}
