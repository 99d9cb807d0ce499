/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "base/list.h"
#include "base/memory.h"
#include "base/text.h"
#include "supervise/runs.h"

/* By replica, its process. */
static json_t *processes_of(struct run *run)
{
	return json_object_get(runs_manifest(run), "processes");
}

static bool is_meant(const char *wanted, const char *replica)
{
	size_t length = strlen(wanted);
	return !strncmp(replica, wanted, length) && (!replica[length] || replica[length] == '/');
}

static bool has_node(struct run *run, const char *name)
{
	const char *replica;
	json_t *process;
	json_object_foreach(processes_of(run), replica, process)
		if (is_meant(name, replica))
			return true;
	return false;
}

/* The group's replicas, as far as they have numbers. */
static int no_replica(struct run *run, const char *name, const char *label, struct error *error)
{
	const char *replica;
	json_t *process;
	int count = 0;
	json_object_foreach(processes_of(run), replica, process)
		count += is_meant(label, replica);
	return error_code(error, ENOENT, "there is no replica %s in run %s: %s has %d", name, run->id, label, count);
}

int runs_check_node(struct run *run, const char *name, struct error *error)
{
	LIST(char *) labels = { 0 };
	const char *replica, *before = "";
	json_t *process;
	char *cleanup_free label = memory_copy_span(name, strcspn(name, "/"));
	if (!processes_of(run) || has_node(run, name))
		return 0;
	if (has_node(run, label))
		return no_replica(run, name, label, error);
	if (runs_is_beside(run, name))
		return error_code(error, ENOENT, "there is no node `%s` in run %s: %s is a run: -r %s", name, run->id, name, name);
	json_object_foreach(processes_of(run), replica, process) {
		size_t length = strcspn(replica, "/");
		if (strncmp(before, replica, length) || (before[length] && before[length] != '/'))
			*list_add(&labels) = memory_copy_span(replica, length);
		before = replica;
	}
	const char *nearest = text_nearest(label, (const char *const *)labels.at, labels.count);
	error_code(error, ENOENT, "there is no node `%s` in run %s%s%s%s", name, run->id, nearest ? ": did you mean " : "",
		nearest ? nearest : "", nearest ? "?" : "");
	for (size_t i = 0; i < labels.count; i++)
		free(labels.at[i]);
	list_release(&labels);
	return -1;
}

json_t *runs_processes(struct run *run, const char *name)
{
	const char *replica;
	json_t *process, *seen = json_object(), *out = json_array();
	json_object_foreach(processes_of(run), replica, process) {
		const char *called = json_string_value(process);
		if (!called || (name && !is_meant(name, replica)) || json_object_get(seen, called))
			continue;
		json_object_set_new(seen, called, json_true());
		json_array_append(out, process);
	}
	json_decref(seen);
	return out;
}
