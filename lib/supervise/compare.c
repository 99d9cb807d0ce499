/* SPDX-License-Identifier: MIT */
#include "supervise/compare.h"

#include <string.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "supervise/figures.h"
#include "supervise/record.h"

/* Adds value as NAME.KEY.KEY..., lists and scalars as they are; null and {} are nothing. */
static void add(json_t *thing, const char *name, json_t *value)
{
	const char *key;
	json_t *member;
	if (value && !json_is_object(value) && !json_is_null(value))
		json_object_set(thing, name, value);
	if (!json_is_object(value))
		return;
	json_object_foreach(value, key, member) {
		char *cleanup_free longer = memory_format("%s.%s", name, key);
		add(thing, longer, member);
	}
}

static void add_under(json_t *thing, const char *name, const char *key, json_t *value)
{
	char *cleanup_free longer = memory_format("%s.%s", name, key);
	add(thing, longer, value);
}

static json_t *thing_named(json_t *facts, const char *name)
{
	json_t *thing = json_object_get(facts, name);
	if (thing)
		return thing;
	json_object_set_new(facts, name, json_object());
	return json_object_get(facts, name);
}

/* ---- the run as a whole ---- */

/* Which commit, and what was changed since; not where it lay. */
static void add_git(json_t *thing, struct run *run)
{
	static const char *const parts[] = { "commit", "branch", "dirty" };
	const json_t *git = json_object_get(runs_manifest(run), "git");
	struct text cleanup_text changes = { 0 };
	char hash[65];
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		add_under(thing, "git", parts[i], json_object_get(git, parts[i]));
	char *cleanup_free path = memory_format("%s/git.diff", run->record);
	if (!json_object_get(git, "diff") || files_read(path, &changes, 0, NULL))
		return;
	manifest_hash(text_string(&changes), changes.length, hash);
	json_object_set_new(thing, "git.diff", json_string(hash));
}

static void add_run(json_t *facts, struct run *run)
{
	static const char *const parts[] = { "name", "vars", "versions", "host" }, *const whole[] = { "time_limit", "on_failure" };
	json_t *thing = thing_named(facts, "run");
	const json_t *manifest = runs_manifest(run), *result = run->state == RUN_ENDED ? runs_result(run) : NULL;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		add(thing, parts[i], json_object_get(manifest, parts[i]));
	for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
		add(thing, whole[i], json_object_get(runs_resolved(run), whole[i]));
	add_git(thing, run);
	add(thing, "topology.yaml", json_object_get(json_object_get(manifest, "hashes"), "topology.yaml"));
	json_object_set_new(thing, "state", json_string(run_state_word(run->state)));
	add(thing, "status", json_object_get(result, "status"));
	add(thing, "exit", json_object_get(result, "exit"));
}

/* ---- nodes and edges ---- */

static void add_nodes(json_t *facts, struct run *run)
{
	size_t i;
	json_t *node;
	const json_t *manifest = runs_manifest(run), *modules = json_object_get(json_object_get(manifest, "launch"), "modules");
	json_array_foreach(json_object_get(runs_resolved(run), "nodes"), i, node) {
		const char *label = json_string_value(json_object_get(node, "node"));
		const char *module = json_string_value(json_object_get(modules, label));
		json_t *thing = thing_named(facts, label), *rest = json_copy(node);
		json_object_del(rest, "node");
		json_object_del(rest, "module");        /* where it lies; what it is, its hash tells */
		add(thing, label, rest);
		json_decref(rest);
		if (module)
			add_under(thing, label, "module hash", json_object_get(json_object_get(manifest, "hashes"), module));
	}
}

static void add_edge(json_t *facts, const json_t *edge)
{
	static const char *const ends[] = { "from", "port", "to", "subscription" };
	const char *words[4];
	json_t *rest = json_copy((json_t *)edge);
	for (int i = 0; i < 4; i++) {
		words[i] = json_string_value(json_object_get(edge, ends[i]));
		json_object_del(rest, ends[i]);
	}
	char *cleanup_free name = memory_format("%s.%s -> %s%s%s", words[0], words[1], words[2], words[3] ? "." : "",
		words[3] ? words[3] : "");
	add(thing_named(facts, name), name, rest);
	json_decref(rest);
}

/* ---- replicas, and what came of them ---- */

static void add_ends(json_t *facts, const json_t *result)
{
	static const char *const parts[] = { "restarts", "exit", "signal" };
	const char *name;
	json_t *node;
	json_object_foreach(json_object_get(result, "nodes"), name, node) {
		json_t *thing = thing_named(facts, name);
		for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
			add_under(thing, name, parts[i], json_object_get(node, parts[i]));
		add_under(thing, name, "failure", json_object_get(json_object_get(node, "failure"), "text"));
	}
}

static void add_figures(json_t *facts, struct run *run)
{
	static const char *const parts[] = { "count", "last", "min", "max" };
	const char *name, *metric;
	json_t *metrics, *values, *figures = figures_of(run, NULL);
	json_object_foreach(figures, name, metrics)
		json_object_foreach(metrics, metric, values)
			for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
				char *cleanup_free whole = memory_format("%s.%s", name, metric);
				add_under(thing_named(facts, name), whole, parts[i], json_object_get(values, parts[i]));
			}
	json_decref(figures);
}

json_t *compare_facts(struct run *run)
{
	size_t i;
	const char *name;
	json_t *item, *facts = json_object();
	add_run(facts, run);
	add_nodes(facts, run);
	json_array_foreach(json_object_get(runs_resolved(run), "edges"), i, item)
		add_edge(facts, item);
	json_object_foreach(json_object_get(runs_manifest(run), "processes"), name, item)
		thing_named(facts, name);
	add_ends(facts, run->state == RUN_ENDED ? runs_result(run) : NULL);
	add_figures(facts, run);
	return facts;
}

/* ---- two of them ---- */

static void add_difference(json_t *out, const char *what, json_t *a, json_t *b)
{
	json_t *difference = json_pack("{ss}", "what", what);
	if (a)
		json_object_set(difference, "a", a);
	if (b)
		json_object_set(difference, "b", b);
	json_array_append_new(out, difference);
}

static bool same(const json_t *a, const json_t *b)
{
	return json_is_number(a) && json_is_number(b) ? json_number_value(a) == json_number_value(b) : json_equal(a, b);
}

static void compare_thing(json_t *out, const json_t *a, const json_t *b)
{
	const char *what;
	json_t *value;
	json_object_foreach((json_t *)a, what, value) {
		json_t *other = json_object_get(b, what);
		if (!same(value, other))
			add_difference(out, what, value, other);
	}
	json_object_foreach((json_t *)b, what, value)
		if (!json_object_get(a, what))
			add_difference(out, what, NULL, value);
}

/* Of a node that is not there, neither its replicas nor its edges are missed. */
static bool is_expected(const json_t *facts, const char *name)
{
	const char *arrow = strstr(name, " -> ");
	char *cleanup_free label = memory_copy_span(name, strcspn(name, "./"));
	char *cleanup_free target = arrow ? memory_copy_span(arrow + 4, strcspn(arrow + 4, ".")) : NULL;
	return !strcmp(label, name) || (json_object_get(facts, label) && (!target || json_object_get(facts, target)));
}

json_t *compare_differences(const json_t *a, const json_t *b)
{
	const char *name;
	json_t *thing, *out = json_array();
	json_object_foreach((json_t *)a, name, thing) {
		const json_t *other = json_object_get(b, name);
		if (other)
			compare_thing(out, thing, other);
		else if (is_expected(b, name))
			add_difference(out, name, json_true(), NULL);
	}
	json_object_foreach((json_t *)b, name, thing)
		if (!json_object_get(a, name) && is_expected(a, name))
			add_difference(out, name, NULL, json_true());
	return out;
}
