/* SPDX-License-Identifier: MIT */
/* A source and one choice of its variables, as groups and edges. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "topology/build.h"
#include "topology/joins.h"
#include "topology/mark.h"
#include "topology/shares.h"
#include "topology/words.h"

static const struct use nowhere = { 0 };

/* ---- the top level ---- */

/* Names of runs and of folders are made of it. */
static bool is_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	return *name && strchr(letters, *name) && !name[strspn(name, all)];
}

static void read_name(struct builder *builder)
{
	const char *given = builder->source->settings->name;
	struct tree *value = NULL;
	struct mark option = { "--name", 1, 1, 1, 1 };
	if (!given && !(value = take(builder, SCHEMA_TOP, builder->source->root, "name", &nowhere, NULL)))
		return;
	const char *name = given ? given : value->text;
	struct mark mark = given ? option : value->mark;
	if (strlen(name) > LABEL_LONGEST)
		problem_add(builder->problems, mark, "name", NULL,
			"a name has at most %d characters, not %zu", LABEL_LONGEST,
			mark_characters(name, strlen(name)));
	else if (!is_name(name))
		problem_add(builder->problems, mark, "name", NULL,
			"a topology's name is made of letters, digits, `.`, _ and -, and begins with a letter or digit: not `%s`", name);
	else
		builder->topology->name = memory_copy_text(name);
	scope_set_name(builder->scope, name);
	tree_free(value);
}

static void read_seed(struct builder *builder)
{
	struct tree *use = tree_scalar("$seed", (struct mark){ builder->source->file, 0, 0, 0, 0 },
		NULL, false);
	struct tree *seed = scope_expand(builder->scope, use, &nowhere);
	seed->mark = seed->from;
	seed->from.line = 0;
	take_int(builder, seed, "seed", INT64_MIN, INT64_MAX, &builder->topology->seed);
	tree_free(seed);
	tree_free(use);
}

static void read_time(struct builder *builder, const char *key, int64_t *out, struct mark *mark)
{
	struct tree *value = take(builder, SCHEMA_TOP, builder->source->root, key, &nowhere, NULL);
	if (!value)
		return;
	int bad = take_duration(builder, value, key, out);
	if (!bad && mark)
		*mark = value->mark;
	tree_free(value);
}

static void read_top(struct builder *builder)
{
	struct topology *topology = builder->topology;
	topology->seed = 1;
	topology->time_limit_ns = builder->start_within_ns = -1;
	builder->stop_within_ns = 10000000000;
	read_name(builder);
	read_seed(builder);
	read_time(builder, "time_limit", &topology->time_limit_ns, &topology->time_limit_mark);
	read_time(builder, "start_within", &builder->start_within_ns, NULL);
	read_time(builder, "stop_within", &builder->stop_within_ns, NULL);
	struct tree *policy = take(builder, SCHEMA_TOP, builder->source->root, "on_failure", &nowhere, NULL);
	if (policy)
		policy_read(builder, policy, &topology->policy);
	tree_free(policy);
}

/* ---- nodes ---- */

/* The maps of a node and of the defaults; what is no map has been reported. */
static struct tree *map_or_null(struct tree *tree)
{
	return tree && tree->kind == TREE_MAP ? tree : NULL;
}

static void count_replicas(struct builder *builder, const struct group *group)
{
	struct topology *topology = builder->topology;
	if (group->replicas <= REPLICAS_MOST - topology->total)
		topology->total += group->replicas;
	else
		problem_add(builder->problems, group->replicas_mark.line ? group->replicas_mark : group->mark,
			"range", NULL,
			"up to here there are more than %d replicas in all", REPLICAS_MOST);
}

static void read_nodes(struct builder *builder, const struct tree *nodes)
{
	struct topology *topology = builder->topology;
	struct tree *defaults = map_or_null(tree_get(builder->source->root, "defaults"));
	for (size_t i = 0; i < nodes->count; i++) {
		struct tree *own = map_or_null(nodes->items[i]);
		struct tree *when = tree_get(own, "when") ? tree_get(own, "when") : tree_get(defaults, "when");
		names_put(&builder->nodes, nodes->keys[i], i);
		if (!scope_holds(builder->scope, when))
			continue;
		if (!own && !tree_is_null(nodes->items[i]))
			continue;       /* no node: reported with the file */
		names_put(&builder->groups, nodes->keys[i], topology->groups.count);
		group_build(builder, nodes->keys[i], nodes->key_marks[i], own, defaults);
		count_replicas(builder, &topology->groups.at[topology->groups.count - 1]);
	}
	if (nodes->count && !topology->groups.count)
		problem_add(builder->problems, nodes->key_marks[0], "no-nodes", NULL,
			"every node is off: there is nothing to run");
}

static void builder_release(struct builder *builder)
{
	for (size_t i = 0; i < builder->edge_names.count; i++)
		free(builder->edge_names.at[i]);
	list_release(&builder->edge_names);
	names_release(&builder->nodes);
	names_release(&builder->groups);
	names_release(&builder->edges);
	scope_free(builder->scope);
}

struct topology *topology_resolve(struct source *source, const struct combination *combination,
	struct problems *problems)
{
	struct tree *nodes = map_or_null(tree_get(source->root, "nodes"));
	struct tree *edges = tree_get(source->root, "edges");
	if (!nodes)
		return NULL;
	struct topology *topology = memory_new(sizeof *topology);
	struct builder builder = { .source = source, .topology = topology, .problems = problems,
		.scope = scope_new(source, combination, problems) };
	topology->source = source;
	read_top(&builder);
	read_nodes(&builder, nodes);
	for (size_t i = 0; edges && edges->kind == TREE_LIST && i < edges->count; i++)
		edge_build(&builder, edges->items[i]);
	if (edges && edges->kind != TREE_LIST && !tree_is_null(edges))
		edge_lose(&builder);
	cycle_mark(topology);
	shares_check(topology, false, problems);
	if (!topology->name)
		topology->name = memory_copy_text("topology");
	builder_release(&builder);
	return topology;
}

void topology_free(struct topology *topology)
{
	if (!topology)
		return;
	for (size_t i = 0; i < topology->groups.count; i++)
		group_release(&topology->groups.at[i]);
	list_release(&topology->groups);
	for (size_t i = 0; i < topology->edges.count; i++)
		edge_release(&topology->edges.at[i]);
	list_release(&topology->edges);
	for (size_t i = 0; i < topology->lost.count; i++) {
		free(topology->lost.at[i].from_port);
		free(topology->lost.at[i].to_port);
	}
	list_release(&topology->lost);
	joins_free(topology->joins);
	free(topology->name);
	free(topology);
}

struct group *topology_group(const struct topology *topology, const char *label)
{
	for (size_t i = 0; i < topology->groups.count; i++)
		if (!strcmp(topology->groups.at[i].label, label))
			return &topology->groups.at[i];
	return NULL;
}
