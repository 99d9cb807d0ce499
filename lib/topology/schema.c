/* SPDX-License-Identifier: MIT */
#include "topology/schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "topology/words.h"

static const struct schema_key top_keys[] = {
	{ "lpad", KIND_TEXT, "the number 1", NULL,
		"version of the format", 0 },
	{ "name", KIND_TEXT, "a name", NULL,
		"name of the topology, and of its runs", 0 },
	{ "vars", KIND_MAP | KIND_NOTHING, "a map of variables", NULL,
		"variables and their defaults", 0 },
	{ "defaults", KIND_MAP | KIND_NOTHING, "a map of node keys", NULL,
		"for the nodes that do not say otherwise", SCHEMA_NODE },
	{ "nodes", KIND_MAP, "a map of nodes", NULL,
		"what runs", 0 },
	{ "edges", KIND_LIST | KIND_NOTHING, "a list of edges", NULL,
		"who calls whom, who listens to whom", 0 },
	{ "time_limit", KIND_TEXT, "a duration", "none",
		"the run is stopped after it, exit 124", 0 },
	{ "on_failure", KIND_TEXT | KIND_MAP, "stop, ignore, restart or a map", "stop",
		"what a node's failure does", SCHEMA_POLICY },
	{ "start_within", KIND_TEXT, "a duration", "none",
		"for the `init` of each node", 0 },
	{ "stop_within", KIND_TEXT, "a duration", "10s",
		"from the stop to the first signal", 0 },
};
static const struct schema_key variable_keys[] = {
	{ "default", KIND_TEXT | KIND_LIST | KIND_MAP | KIND_NOTHING, "a text, a list or a map", NULL,
		"its value without --set", 0 },
	{ "one_of", KIND_LIST, "a list of texts", NULL,
		"the only values it can have", 0 },
	{ "help", KIND_TEXT, "a text", NULL,
		"what it is for", 0 },
};
static const struct schema_key node_keys[] = {
	{ "module", KIND_TEXT | KIND_LIST, "a file or a list of files", NULL,
		"C sources, or one shared object", 0 },
	{ "implementation", KIND_TEXT, "a name", "the label, or the only one",
		"which one of the module", 0 },
	{ "build", KIND_MAP | KIND_NOTHING, "a map", NULL,
		"how C sources are compiled", SCHEMA_BUILD },
	{ "command", KIND_TEXT | KIND_LIST, "a text or a list of texts", NULL,
		"a program: a list of words, or a line for sh", 0 },
	{ "params", KIND_MAP | KIND_NOTHING, "a map of parameters", NULL,
		"parameters of the implementation", 0 },
	{ "replicas", KIND_TEXT | KIND_MAP, "a whole number or a grid like {row: 4, column: 4}", "1",
		"how many of it", 0 },
	{ "when", KIND_MAP, "a map like {variable: value}", NULL,
		"the node is there only then", 0 },
	{ "on_failure", KIND_TEXT | KIND_MAP, "stop, ignore, restart or a map", "stop",
		"what its failure does", SCHEMA_POLICY },
	{ "background", KIND_TEXT, "true or false", "false",
		"the run does not wait for it", 0 },
	{ "process", KIND_TEXT, "a name", NULL,
		"nodes with one name share a process", 0 },
	{ "per_process", KIND_TEXT, "a whole number", "1",
		"so many replicas share a process", 0 },
	{ "resources", KIND_MAP | KIND_NOTHING, "a map", NULL,
		"what each process may use", SCHEMA_RESOURCES },
	{ "start_within", KIND_TEXT, "a duration", "none",
		"for its `init`", 0 },
	{ "stop_within", KIND_TEXT, "a duration", "10s",
		"from the stop to the first signal", 0 },
	{ "health", KIND_TEXT, "a duration or off", "30s",
		"it has failed if it does not answer for so long", 0 },
	{ "env", KIND_MAP | KIND_NOTHING, "a map of texts", NULL,
		"variables of its environment", 0 },
	{ "ready", KIND_TEXT, "start or fd", "start",
		"of a command: once it is started, or once it has said so", 0 },
	{ "handles", KIND_MAP | KIND_NOTHING, "a map like {server: [method]}", NULL,
		"of a command: whom it calls", 0 },
	{ "methods", KIND_LIST | KIND_MAP | KIND_NOTHING, "a list of names", NULL,
		"of a command: what it serves", 0 },
	{ "subscriptions", KIND_MAP | KIND_NOTHING, "a map like {port: all}", NULL,
		"of a command: what it listens to", 0 },
	{ "topics", KIND_LIST | KIND_MAP | KIND_NOTHING, "a list of names", NULL,
		"of a command: what it publishes", 0 },
};
static const struct schema_key build_keys[] = {
	{ "flags", KIND_TEXT | KIND_LIST, "a text or a list of texts", NULL,
		"for the compiler, behind lpad's own", 0 },
	{ "libs", KIND_TEXT | KIND_LIST, "a text or a list of texts", NULL,
		"for the linker: -lm", 0 },
	{ "compiler", KIND_TEXT, "a program", "cc",
		"which compiler", 0 },
};
static const struct schema_key resource_keys[] = {
	{ "cpus", KIND_TEXT, "a number", NULL,
		"processors", 0 },
	{ "memory", KIND_TEXT, "a size", NULL,
		"most memory", 0 },
	{ "gpus", KIND_TEXT, "a whole number", NULL,
		"GPUs", 0 },
	{ "nofile", KIND_TEXT, "a whole number", NULL,
		"open files", 0 },
	{ "nice", KIND_TEXT, "a whole number", NULL,
		"scheduling priority, -20 to 19", 0 },
};
static const struct schema_key policy_keys[] = {
	{ "restart", KIND_TEXT, "a whole number", NULL,
		"most restarts within the window", 0 },
	{ "within", KIND_TEXT, "a duration", "1m",
		"the window", 0 },
	{ "backoff", KIND_TEXT, "durations like 100ms..10s", "100ms..10s",
		"wait before a restart: the first and the longest", 0 },
	{ "then", KIND_TEXT, "stop or ignore", "stop",
		"after the last restart", 0 },
};
static const struct schema_key edge_keys[] = {
	{ "map", KIND_TEXT | KIND_MAP, "all, one-to-one, round-robin, next, previous or {along: axis}", "all",
		"which replicas it joins", 0 },
	{ "keep", KIND_TEXT | KIND_MAP, "latest, a number or all", "the subscription's",
		"what waits for the subscriber", 0 },
	{ "fetch", KIND_TEXT, "eager or lazy", "lazy",
		"when the body of a latest message moves", 0 },
	{ "deadline", KIND_TEXT, "a duration", "none",
		"for calls that name none", 0 },
	{ "max_message", KIND_TEXT, "a size", "1GiB",
		"larger messages are refused", 0 },
	{ "when", KIND_MAP, "a map like {variable: value}", NULL,
		"the edge is there only then", 0 },
};
static const struct schema_key all_keys[] = {
	{ "all", KIND_TEXT, "a whole number", "128",
		"messages that a publisher may run ahead", 0 },
};

#define TABLE(what, keys) { what, keys, sizeof keys / sizeof *keys }
const struct schema_table schema_tables[SCHEMA_LEVELS] = {
	[SCHEMA_TOP] = TABLE("a topology", top_keys),
	[SCHEMA_VARIABLE] = TABLE("a variable", variable_keys),
	[SCHEMA_NODE] = TABLE("a node", node_keys),
	[SCHEMA_BUILD] = TABLE("`build`", build_keys),
	[SCHEMA_RESOURCES] = TABLE("`resources`", resource_keys),
	[SCHEMA_POLICY] = TABLE("`on_failure`", policy_keys),
	[SCHEMA_EDGE] = TABLE("an edge", edge_keys),
	[SCHEMA_ALL] = TABLE("`keep`", all_keys),
};

const struct schema_key *schema_find(enum schema_level level, const char *name)
{
	const struct schema_table *table = &schema_tables[level];
	for (size_t i = 0; i < table->count; i++)
		if (!strcmp(table->keys[i].name, name))
			return &table->keys[i];
	return NULL;
}

/* Another level that has the key. */
static const struct schema_table *elsewhere(const char *name)
{
	for (int level = 0; level < SCHEMA_LEVELS; level++)
		if (schema_find((enum schema_level)level, name))
			return &schema_tables[level];
	return NULL;
}

static void report_unknown(enum schema_level level, const char *name, struct mark mark,
	struct problems *problems)
{
	const struct schema_table *table = &schema_tables[level], *other = elsewhere(name);
	char *cleanup_free singular = memory_copy_span(name, strlen(name) - text_ends(name, "s"));
	const struct schema_table *of_one = elsewhere(singular);
	const char *words[32];
	for (size_t i = 0; i < table->count; i++)
		words[i] = table->keys[i].name;
	const char *nearest = words_nearest(problems, name, words, table->count);
	char *cleanup_free list = words_list(words, table->count);
	if (level == SCHEMA_TOP && !strcmp(name, "include"))
		problem_add(problems, mark, "unknown-key", NULL, "`include` is reserved for a later version");
	else if (nearest)
		problem_add(problems, mark, "unknown-key", NULL,
			"%s has no key `%.60s`: did you mean `%s`?", table->what, name, nearest);
	else if (other)
		problem_add(problems, mark, "unknown-key", NULL,
			"%s has no key `%s`: it is a key of %s", table->what, name, other->what);
	else if (of_one)
		problem_add(problems, mark, "unknown-key", NULL,
			"%s has no key `%s`: did you mean `%s`? It is a key of %s", table->what, name, singular, of_one->what);
	else
		problem_add(problems, mark, "unknown-key", NULL,
			"%s has no key `%.60s`; it has: %s", table->what, name, list);
}

bool schema_fits(const struct schema_key *key, const struct tree *value, struct problems *problems)
{
	static const unsigned kinds[] = {
		[TREE_SCALAR] = KIND_TEXT, [TREE_LIST] = KIND_LIST, [TREE_MAP] = KIND_MAP,
	};
	unsigned kind = tree_is_null(value) ? KIND_NOTHING : kinds[value->kind];
	if (key->kinds & kind)
		return true;
	words_report(problems, value, "type", NULL, "`%s` is %s, not %s", key->name, key->shape,
		tree_kind_name(value));
	return false;
}

/* A text with a variable in it may become anything; it is looked at again when that is put in. */
static bool has_variable(const struct tree *tree)
{
	return tree->kind == TREE_SCALAR && strchr(tree->text, '$');
}

void schema_check(enum schema_level level, const struct tree *map, struct problems *problems)
{
	for (size_t i = 0; i < map->count; i++) {
		const char *name = map->keys[i];
		const struct tree *value = map->items[i];
		const struct schema_key *key = schema_find(level, name);
		if (!strncmp(name, "x-", 2) || !strcmp(name, "<<"))
			continue;
		if (!key)
			report_unknown(level, name, map->key_marks[i], problems);
		else if (!has_variable(value) && schema_fits(key, value, problems) && key->level
			&& value->kind == TREE_MAP)
			schema_check(key->level, value, problems);
	}
}
