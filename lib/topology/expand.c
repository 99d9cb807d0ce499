/* SPDX-License-Identifier: MIT */
/* The resolved topology as one JSON document: lpad expand --json, resolved.json of a record. Fields are only added. */
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/memory.h"
#include "topology/graph.h"
#include "topology/joins.h"
#include "topology/value.h"

enum { SCHEMA = 1 };

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *seconds_or_null(int64_t ns)
{
	return ns < 0 ? json_null() : json_real((double)ns / 1e9);
}

/* ---- values ---- */

/* As written: what a text means is not known without a declaration. */
static json_t *tree_json(const struct tree *tree)
{
	if (tree->kind == TREE_SCALAR)
		return tree_is_null(tree) ? json_null() : json_string(tree->text);
	json_t *out = tree->kind == TREE_LIST ? json_array() : json_object();
	for (size_t i = 0; i < tree->count; i++) {
		if (tree->kind == TREE_LIST)
			json_array_append_new(out, tree_json(tree->items[i]));
		else
			json_object_set_new(out, tree->keys[i], tree_json(tree->items[i]));
	}
	return out;
}

bool expand_is_path(const struct param_spec *spec)
{
	return spec && (!strcmp(spec->type, "path") || (!strcmp(spec->type, "list") && !strcmp(spec->element, "path")));
}

const struct param_spec *expand_field(const struct param_spec *spec, const char *name)
{
	for (size_t i = 0; spec && i < spec->fields.count; i++)
		if (!strcmp(spec->fields.at[i].name, name))
			return &spec->fields.at[i];
	return NULL;
}

static json_t *value_json(const struct param_spec *spec, json_t *value);

static json_t *list_json(const struct param_spec *spec, json_t *value)
{
	json_t *list = json_array(), *item;
	size_t i;
	json_array_foreach(value, i, item)
		json_array_append_new(list, value_json(spec, item));
	return list;
}

static json_t *object_json(const struct param_spec *spec, json_t *value)
{
	json_t *out = json_object(), *item;
	const char *name;
	json_object_foreach(value, name, item)
		json_object_set_new(out, name, value_json(expand_field(spec, name), item));
	return out;
}

static json_t *map_json(const struct param_spec *spec, json_t *value)
{
	json_t *out = json_object(), *item;
	const char *name;
	json_object_foreach(value, name, item)
		json_object_set_new(out, name, object_json(spec, item));
	return out;
}

/* A template as its text: $index and $folder are put in per replica. */
static json_t *value_json(const struct param_spec *spec, json_t *value)
{
	if (value_is_template(value)) {
		char *cleanup_free text = value_template_text(value, expand_is_path(spec));
		return json_string(text);
	}
	if (json_is_array(value))
		return list_json(spec, value);
	if (!json_is_object(value))
		return json_incref(value);
	return strcmp(spec->type, "map") ? object_json(spec, value) : map_json(spec, value);
}

/* Typed and complete once bound, else what the file gives. */
static json_t *params_json(const struct group *group)
{
	json_t *out = json_object(), *value;
	const char *name;
	json_object_foreach(group->values, name, value)
		json_object_set_new(out, name, value_json(implementation_param(group->spec, name), value));
	if (group->values)
		return out;
	const struct tree *maps[] = { group->defaults, group->params };
	for (int m = 0; m < 2; m++)
		for (size_t i = 0; maps[m] && i < maps[m]->count; i++)
			json_object_set_new(out, maps[m]->keys[i], tree_json(maps[m]->items[i]));
	return out;
}

/* ---- nodes ---- */

/* Where the file's author meant it, if it is there; what is searched elsewhere stays a name. */
char *expand_module_path(const struct word *word)
{
	char *path = word->base ? files_absolute(word->base, word->text) : memory_copy_text(word->text);
	if (files_is_file(path))
		return path;
	free(path);
	return memory_copy_text(word->text);
}

static json_t *modules_json(const struct group *group)
{
	json_t *out = json_array();
	for (size_t i = 0; i < group->module.count; i++) {
		char *cleanup_free path = expand_module_path(&group->module.at[i]);
		json_array_append_new(out, json_string(path));
	}
	return out;
}

static json_t *strings_json(char *const *at, size_t count)
{
	json_t *out = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(out, json_string(at[i]));
	return out;
}

static json_t *build_json(const struct group *group)
{
	return json_pack("{s:o, s:o, s:o}", "flags", strings_json(group->build.flags.at, group->build.flags.count),
		"libs", strings_json(group->build.libs.at, group->build.libs.count), "compiler",
		text_or_null(group->build.compiler));
}

static json_t *axes_json(const struct group *group)
{
	json_t *out = json_array();
	for (size_t i = 0; i < group->axes.count; i++)
		json_array_append_new(out, json_pack("{s:s, s:i}", "name", group->axes.at[i].name, "extent",
			group->axes.at[i].extent));
	return out;
}

static json_t *policy_json(const struct policy *policy)
{
	static const char *const names[] = {
		[POLICY_STOP] = "stop", [POLICY_IGNORE] = "ignore", [POLICY_RESTART] = "restart"
	};
	json_t *out = json_pack("{s:s}", "do", names[policy->kind]);
	if (policy->kind != POLICY_RESTART)
		return out;
	json_object_set_new(out, "restarts", policy->restarts < 0 ? json_null() : json_integer(policy->restarts));
	json_object_set_new(out, "within", seconds_or_null(policy->within_ns));
	json_object_set_new(out, "backoff", json_pack("[o, o]", seconds_or_null(policy->backoff_low_ns),
		seconds_or_null(policy->backoff_high_ns)));
	json_object_set_new(out, "then", json_string(names[policy->then]));
	return out;
}

static json_t *resources_json(const struct resources *resources)
{
	if (!resources->mark.line)
		return json_null();
	return json_pack("{s:f, s:I, s:i, s:i, s:o}", "cpus", resources->cpus, "memory", (json_int_t)resources->memory,
		"gpus", resources->gpus, "nofile", resources->nofile, "nice",
		resources->has_nice ? json_integer(resources->nice) : json_null());
}

static json_t *env_json(const struct group *group)
{
	json_t *out = json_object();
	for (size_t i = 0; i < group->env.count; i++) {
		const char *text = group->env.at[i].text, *value = strchr(text, '=');
		char *cleanup_free name = memory_copy_span(text, value ? (size_t)(value - text) : strlen(text));
		json_object_set_new(out, name, json_string(value ? value + 1 : ""));
	}
	return out;
}

static void put_tree(json_t *out, const char *key, const struct tree *tree)
{
	if (tree)
		json_object_set_new(out, key, tree_json(tree));
}

static json_t *group_json(const struct group *group)
{
	const char *implementation = group->spec ? group->spec->name : group->implementation.text;
	json_t *out = json_object();
	json_object_set_new(out, "node", json_string(group->label));
	json_object_set_new(out, "replicas", json_integer(group->replicas));
	json_object_set_new(out, "axes", axes_json(group));
	if (group->command) {
		put_tree(out, "command", group->command);
		json_object_set_new(out, "ready", json_string(group->says_ready ? "fd" : "start"));
		put_tree(out, "handles", group->handles);
		put_tree(out, "methods", group->methods);
		put_tree(out, "subscriptions", group->subscriptions);
		put_tree(out, "topics", group->topics);
	} else {
		json_object_set_new(out, "module", modules_json(group));
		json_object_set_new(out, "implementation", text_or_null(implementation));
		json_object_set_new(out, "build", build_json(group));
		json_object_set_new(out, "params", params_json(group));
	}
	json_object_set_new(out, "env", env_json(group));
	json_object_set_new(out, "on_failure", policy_json(&group->policy));
	json_object_set_new(out, "resources", resources_json(&group->resources));
	json_object_set_new(out, "process", text_or_null(group->process));
	json_object_set_new(out, "per_process", json_integer(group->per_process));
	json_object_set_new(out, "start_within", seconds_or_null(group->start_within_ns));
	json_object_set_new(out, "stop_within", seconds_or_null(group->stop_within_ns));
	json_object_set_new(out, "health", seconds_or_null(group->health_ns ? group->health_ns : -1));
	json_object_set_new(out, "background", json_boolean(group->background));
	return out;
}

/* ---- edges ---- */

/* What the edge says, else, once bound, what the subscription declares. */
static json_t *keep_json(const struct topology *topology, size_t number)
{
	const struct edge *edge = &topology->edges.at[number];
	int keep = edge->has_keep ? edge->keep : topology->joins ? topology->joins->edges[number].keep : 0;
	if (keep >= 0)
		return keep ? json_integer(keep) : json_null();
	return json_string(keep == KEEP_LATEST ? "latest" : "all");
}

static json_t *edge_json(const struct topology *topology, size_t number)
{
	const struct edge *edge = &topology->edges.at[number];
	char *cleanup_free map = graph_map(edge);
	json_t *out = json_object();
	json_object_set_new(out, "from", json_string(topology->groups.at[edge->from].label));
	json_object_set_new(out, "port", text_or_null(edge->from_port));
	json_object_set_new(out, "to", json_string(topology->groups.at[edge->to].label));
	json_object_set_new(out, "subscription", text_or_null(edge->to_port));
	json_object_set_new(out, "map", json_string(map));
	json_object_set_new(out, "pairs", json_integer(edge_pairs(topology, edge)));
	if (edge->to_port) {
		json_object_set_new(out, "keep", keep_json(topology, number));
		json_object_set_new(out, "window", edge->keep_window > 0 ? json_integer(edge->keep_window) : json_null());
		json_object_set_new(out, "fetch", edge->has_fetch ? json_string(edge->eager ? "eager" : "lazy") : json_null());
	}
	json_object_set_new(out, "deadline", seconds_or_null(edge->deadline_ns));
	json_object_set_new(out, "max_message", json_integer(edge->max_message));
	return out;
}

json_t *topology_to_json(const struct topology *topology)
{
	json_t *nodes = json_array(), *edges = json_array();
	for (size_t i = 0; i < topology->groups.count; i++)
		json_array_append_new(nodes, group_json(&topology->groups.at[i]));
	for (size_t i = 0; i < topology->edges.count; i++)
		json_array_append_new(edges, edge_json(topology, i));
	json_t *out = json_pack("{s:i, s:i, s:s, s:I, s:o, s:o, s:i, s:o, s:o}", "schema", SCHEMA, "lpad", 1,
		"name", topology->name, "seed", (json_int_t)topology->seed, "time_limit",
		seconds_or_null(topology->time_limit_ns), "on_failure", policy_json(&topology->policy),
		"replicas", topology->total, "nodes", nodes, "edges", edges);
	if (topology->source)
		json_object_set_new(out, "file", json_string(topology->source->file));
	return out;
}
