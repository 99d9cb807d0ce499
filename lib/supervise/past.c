/* SPDX-License-Identifier: MIT */
#include "supervise/past.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* ---- which nodes ---- */

static size_t label_length(const char *name)
{
	return strcspn(name, "/");
}

/* A replica by its name, or by that of its group. */
static bool is_named(const char *replica, const char *name)
{
	return !strcmp(replica, name) || (strlen(name) == label_length(replica) && !strncmp(replica, name, strlen(name)));
}

static bool is_wanted(const json_t *nodes, const char *replica)
{
	size_t i;
	json_t *name;
	json_array_foreach(nodes, i, name)
		if (is_named(replica, json_string_value(name)))
			return true;
	return !nodes;
}

static const char *nearest(const json_t *all, const char *name)
{
	size_t count = json_object_size(all), i = 0;
	const char **words = memory_array(count + 1, sizeof *words);
	const char *key;
	json_t *node;
	json_object_foreach((json_t *)(uintptr_t)all, key, node)
		words[i++] = key;
	const char *word = text_nearest(name, words, count);
	free(words);
	return word;
}

static int check_names(const json_t *all, const json_t *nodes, struct error *error)
{
	size_t i;
	json_t *name, *node;
	json_array_foreach(nodes, i, name) {
		const char *key, *text = json_string_value(name);
		bool found = false;
		json_object_foreach((json_t *)(uintptr_t)all, key, node)
			found |= is_named(key, text);
		const char *near = found ? NULL : nearest(all, text);
		if (!found)
			return error_code(error, ENOENT, "there is no node `%s`%s%s%s", text, near ? ": did you mean " : "",
				near ? near : "", near ? "?" : "");
	}
	return 0;
}

/* ---- a node ---- */

static json_t *or_null(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);
	return value ? json_incref(value) : json_null();
}

static void keep(json_t *out, const json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);
	if (value)
		json_object_set(out, key, value);
}

static json_t *last_failure(const json_t *node)
{
	const json_t *past = json_object_get(node, "incarnations");
	return or_null(json_array_get(past, json_array_size(past) - 1), "failure");
}

static json_t *node_json(const char *name, const json_t *node, bool metrics)
{
	const json_t *cpu = json_object_get(node, "cpu"), *process = json_object_get(node, "process");
	json_int_t restarts = json_integer_value(json_object_get(node, "restarts"));
	bool stopped = json_is_true(json_object_get(node, "stopped"));
	json_t *out = json_pack("{ss so so ss sn sn sn sn sn sI sI sf sf sI so so}", "node", name,
		"group", json_stringn(name, label_length(name)),
		"process", json_string(process ? json_string_value(process) : name), "state", stopped ? "stopped" : "dead",
		"step", "waits_for", "pid", "cpus", "gpus", "incarnation", restarts + 1, "restarts", restarts,
		"uptime", json_number_value(json_object_get(node, "seconds")),
		"cpu", json_number_value(json_object_get(cpu, "user")) + json_number_value(json_object_get(cpu, "system")),
		"memory", json_integer_value(json_object_get(node, "memory")), "failure", or_null(node, "failure"),
		"last_failure", last_failure(node));
	json_t *texts = json_object_get(node, "status");
	json_object_set_new(out, "status", texts ? json_incref(texts) : json_object());
	keep(out, node, "exit");
	keep(out, node, "signal");
	if (metrics)
		keep(out, node, "metrics");
	return out;
}

/* Of a run that was lost, or killed, only the names are known, and who shares a process. */
static json_t *names_of(const json_t *manifest)
{
	json_t *out = json_object(), *process;
	const char *replica;
	json_object_foreach(json_object_get(manifest, "processes"), replica, process)
		json_object_set_new(out, replica, json_pack("{sO}", "process", process));
	return out;
}

/* ---- the run ---- */

static json_t *cause_text(const json_t *result)
{
	const json_t *cause = json_object_get(result, "cause");
	const char *what = json_string_value(json_object_get(cause, "what"));
	const char *node = json_string_value(json_object_get(cause, "node"));
	const char *text = json_string_value(json_object_get(json_object_get(cause, "failure"), "text"));
	const char *why = json_string_value(json_object_get(cause, "why"));
	if (!what)
		return result ? or_null(result, "status") : json_null();
	char *cleanup_free out = memory_format("%s%s%s%s%s", what, node ? ": " : "", node ? node : "",
		text || (why && *why) ? ": " : "", text ? text : why ? why : "");
	return json_string(out);
}

json_t *past_status(struct run *run, const json_t *nodes, bool metrics, bool edges, struct error *error)
{
	const json_t *manifest = runs_manifest(run), *result = runs_result(run);
	json_t *known = json_object_get(result, "nodes");       /* not of one whose supervisor was killed, or of a full disk */
	json_t *all = json_object_size(known) ? json_incref(known) : names_of(manifest);
	json_t *list = json_array(), *node;
	const char *name;
	if (check_names(all, nodes, error)) {
		json_decref(all);
		json_decref(list);
		return NULL;
	}
	json_object_foreach(all, name, node)
		if (is_wanted(nodes, name))
			json_array_append_new(list, node_json(name, node, metrics));
	json_decref(all);
	json_t *out = json_pack("{si ss so ss so so sn ss so sf sb sb sb si si sn so ss}", "schema", 1, "run", run->id,
		"name", or_null(manifest, "name"), "record", run->record, "file", or_null(manifest, "file"),
		"seed", or_null(manifest, "seed"), "pid", "phase", "over", "started", or_null(manifest, "started"),
		"time", json_number_value(json_object_get(result, "seconds")), "running", false, "paused", false,
		"detached", json_is_true(json_object_get(manifest, "detached")),
		"waited", 0, "unfinished", 0, "time_limit", "cause", cause_text(result), "state", run_state_word(run->state));
	keep(out, result, "status");
	keep(out, result, "exit");
	json_object_set_new(out, "nodes", list);
	if (edges)
		json_object_set_new(out, "edges", result ? or_null(result, "edges") : json_array());
	return out;
}
