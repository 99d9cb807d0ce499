/* SPDX-License-Identifier: MIT */
/* One node of the file, with what `defaults` says of it, as a group. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "topology/bind.h"
#include "topology/build.h"
#include "topology/words.h"

static const int64_t HEALTH_NS = 30000000000;

struct node {
	struct builder *builder;
	struct group *group;
	struct tree *own, *defaults;    /* borrowed; either may be NULL or empty */
	struct use early, late;         /* the places that values are put into */
	bool bad;
};

static bool has(const struct tree *map, const char *key)
{
	return tree_get(map, key) != NULL;
}

/* A node that says how it runs itself is not given the defaults of the other way. */
static bool is_cancelled(const struct node *node, const char *key)
{
	static const char *const of_modules[] = { "module", "implementation", "build", "params", "process", "per_process", NULL };
	static const char *const of_commands[] = { "command", "ready", "handles", "methods", "subscriptions",
		"topics", NULL };
	const char *const *keys = has(node->own, "command") ? of_modules
		: has(node->own, "module") ? of_commands : NULL;
	while (keys && *keys && strcmp(*keys, key))
		keys++;
	return keys && *keys;
}

static struct tree *take_default(struct node *node, const char *key, const struct use *use)
{
	return is_cancelled(node, key) ? NULL : take(node->builder, SCHEMA_NODE, node->defaults, key,
		use, &node->bad);
}

/* The node's own value, else the default. tree_free. */
static struct tree *value_of(struct node *node, const char *key, const struct use *use)
{
	struct tree *value = take(node->builder, SCHEMA_NODE, node->own, key, use, &node->bad);
	return value || has(node->own, key) ? value : take_default(node, key, use);
}

/* Both maps in one, the node's own values first. tree_free. */
static struct tree *merged(struct node *node, const char *key, const struct use *use)
{
	struct tree *own = take(node->builder, SCHEMA_NODE, node->own, key, use, &node->bad);
	struct tree *defaults = take_default(node, key, use);
	if (!own || !defaults)
		return own ? own : defaults;
	struct tree *both = tree_map(own->mark);
	for (size_t i = 0; i < own->count; i++)
		tree_put(both, own->keys[i], own->key_marks[i], tree_share(own->items[i]));
	for (size_t i = 0; i < defaults->count; i++)
		if (!has(own, defaults->keys[i]))
			tree_put(both, defaults->keys[i], defaults->key_marks[i],
				tree_share(defaults->items[i]));
	tree_free(own);
	tree_free(defaults);
	return both;
}

/* ---- how it runs ---- */

static struct word word_of(const struct tree *value)
{
	return (struct word){ memory_copy_text(value->text), value->mark, value->base, value->template };
}

static void add_module(void *context, const struct tree *text)
{
	struct group *group = context;
	*list_add(&group->module) = word_of(text);
}

static void ignore(void *context, const struct tree *text)
{
	(void)context, (void)text;
}

/* A key that nobody knows, and that was reported, may have been meant for the one that is missing. */
static bool has_strangers(const struct tree *map)
{
	for (size_t i = 0; map && i < map->count; i++)
		if (!schema_find(SCHEMA_NODE, map->keys[i]) && strncmp(map->keys[i], "x-", 2))
			return true;
	return false;
}

static void read_module(struct node *node)
{
	struct group *group = node->group;
	struct tree *value = value_of(node, "module", &node->early);
	if (value)
		take_texts(node->builder, value, "module", add_module, group);
	tree_free(value);
	value = value_of(node, "implementation", &node->early);
	if (value && value->kind == TREE_SCALAR)
		group->implementation = word_of(value);
	tree_free(value);
	group->command = value_of(node, "command", &node->late);
	if (group->command)
		take_texts(node->builder, group->command, "command", ignore, NULL);
	bool both = has(node->own, "command") && has(node->own, "module");
	if (both || (group->command && group->module.count))
		problem_add(node->builder->problems, group->mark, "type", NULL,
			"`%s` has both `module` and `command`: a node is one of them", group->label);
	else if (!group->command && !group->module.count && !node->bad && !has(node->own, "module")
		&& !has_strangers(node->own) && !has_strangers(node->defaults))
		problem_add(node->builder->problems, group->mark, "missing-key", NULL,
			"`%s` has no `module` and no `command`: what does it run?", group->label);
}

struct flags_out {
	struct group *group;
	bool libs;
};

/* Blanks part the words of a text: `libs: -lopenblas -lm`. */
static void add_flags(void *context, const struct tree *text)
{
	struct flags_out *out = context;
	for (const char *at = text->text; *(at += strspn(at, " \t\n")); ) {
		size_t length = strcspn(at, " \t\n");
		char *word = memory_copy_span(at, length);
		if (out->libs)
			*list_add(&out->group->build.libs) = word;
		else
			*list_add(&out->group->build.flags) = word;
		at += length;
	}
}

static void read_build(struct node *node)
{
	struct group *group = node->group;
	struct tree *map = merged(node, "build", &node->early);
	if (!map)
		return;
	group->build.mark = map->mark;
	struct flags_out flags = { group, false }, libs = { group, true };
	struct tree *value = take(node->builder, SCHEMA_BUILD, map, "flags", &node->early, &node->bad);
	if (value)
		take_texts(node->builder, value, "flags", add_flags, &flags);
	tree_free(value);
	if ((value = take(node->builder, SCHEMA_BUILD, map, "libs", &node->early, &node->bad)))
		take_texts(node->builder, value, "libs", add_flags, &libs);
	tree_free(value);
	if ((value = take(node->builder, SCHEMA_BUILD, map, "compiler", &node->early, &node->bad)))
		group->build.compiler = memory_copy_text(value->text);
	tree_free(value);
	tree_free(map);
}

/* ---- what it is told ---- */

static void read_params(struct node *node)
{
	struct group *group = node->group;
	group->params = take(node->builder, SCHEMA_NODE, node->own, "params", &node->late, &node->bad);
	struct tree *defaults = take_default(node, "params", &node->late);
	if (group->params && has(node->own, "command"))
		problem_add(node->builder->problems, group->params->mark, "type",
			"put them into the command, or into `env`",
			"a command has no `params`");
	for (size_t i = 0; defaults && i < defaults->count; i++) {
		if (has(group->params, defaults->keys[i]))
			continue;
		if (!group->defaults)
			group->defaults = tree_map(defaults->mark);
		tree_put(group->defaults, defaults->keys[i], defaults->key_marks[i],
			tree_share(defaults->items[i]));
	}
	tree_free(defaults);
}

static void read_environment(struct node *node)
{
	struct problems *problems = node->builder->problems;
	struct tree *map = merged(node, "env", &node->late);
	for (size_t i = 0; map && i < map->count; i++) {
		const struct tree *value = map->items[i];
		const char *name = map->keys[i];
		if (!words_is_variable_name(name, strlen(name)))
			problem_add(problems, map->key_marks[i], "name", NULL,
				"the name of an environment variable is made of letters, digits and _: not `%.60s`", name);
		else if (value->kind != TREE_SCALAR)
			words_report(problems, value, "type", NULL, "`env.%.60s` is a text, not %s",
				name, tree_kind_name(value));
		else
			*list_add(&node->group->env) = (struct word){ memory_format("%s=%s", name, value->text), value->mark,
				value->base, value->template };
	}
	tree_free(map);
}

/* ---- how it lives ---- */

static void read_policy(struct node *node)
{
	struct tree *value = value_of(node, "on_failure", &node->early);
	if (value)
		policy_read(node->builder, value, &node->group->policy);
	tree_free(value);
	if ((value = merged(node, "resources", &node->early)))
		resources_read(node->builder, value, &node->group->resources);
	tree_free(value);
}

/* A duration, or "off"; of none at all the same is meant. */
static void take_health(struct builder *builder, const struct tree *value, int64_t *out)
{
	if (text_equal(value->text, "off"))
		*out = 0;
	else
		take_duration(builder, value, "health", out);
}

static void read_times(struct node *node)
{
	struct tree *value = value_of(node, "start_within", &node->early);
	if (value)
		take_duration(node->builder, value, "start_within", &node->group->start_within_ns);
	tree_free(value);
	if ((value = value_of(node, "stop_within", &node->early)))
		take_duration(node->builder, value, "stop_within", &node->group->stop_within_ns);
	tree_free(value);
	if ((value = value_of(node, "health", &node->early)))
		take_health(node->builder, value, &node->group->health_ns);
	tree_free(value);
	if ((value = value_of(node, "background", &node->early)))
		take_bool(node->builder, value, "background", &node->group->background);
	tree_free(value);
}

static void read_process(struct node *node)
{
	struct group *group = node->group;
	struct tree *name = value_of(node, "process", &node->early),
		*packed = value_of(node, "per_process", &node->early);
	int64_t count = 1;
	if (name) {
		words_check_label(node->builder->problems, name->text, name->mark, "the name of a process");
		group->process = memory_copy_text(name->text);
	}
	if (packed)
		take_int(node->builder, packed, "per_process", 1, REPLICAS_MOST, &count);
	if (name && packed)
		words_report(node->builder->problems, packed, "type", NULL,
			"`process` and `per_process` exclude each other: all replicas share the process");
	group->per_process = (int)count;
	group->process_mark = name ? name->mark : packed ? packed->mark : group->process_mark;
	tree_free(name);
	tree_free(packed);
}

/* ---- the ports of a command ---- */

static void check_names(struct node *node, const struct tree *value, const char *key)
{
	struct problems *problems = node->builder->problems;
	for (size_t i = 0; value && value->kind == TREE_LIST && i < value->count; i++) {
		if (value->items[i]->kind == TREE_SCALAR)
			words_check_label(problems, value->items[i]->text, value->items[i]->mark,
				"a port's name");
		else
			words_report(problems, value->items[i], "type", NULL, "`%s` holds names, not %s", key,
				tree_kind_name(value->items[i]));
	}
	for (size_t i = 0; value && value->kind == TREE_MAP && i < value->count; i++)
		words_check_label(problems, value->keys[i], value->key_marks[i], "a port's name");
}

static void check_handles(struct node *node)
{
	const struct tree *map = node->group->handles;
	for (size_t i = 0; map && i < map->count; i++)
		take_texts(node->builder, map->items[i], "handles", ignore, NULL);
}

static void read_ready(struct node *node)
{
	static const char *const words[] = { "start", "fd" };
	struct group *group = node->group;
	int word = 0;
	struct tree *value = value_of(node, "ready", &node->early);
	if (value && group->module.count)
		problem_add(node->builder->problems, value->mark, "type", NULL,
			"`ready` is for commands: a module is ready when its `init` has returned");
	else if (value && !take_word(node->builder, value, "ready", words, 2, &word))
		group->says_ready = word == 1;
	tree_free(value);
}

static void check_subscriptions(struct node *node)
{
	const struct tree *map = node->group->subscriptions;
	for (size_t i = 0; map && i < map->count; i++) {
		const struct tree *keep = map->items[i];
		int64_t count;
		if (keep->kind != TREE_SCALAR || !keep->text[strcspn(keep->text, "0123456789")]) {
			if (keep->kind != TREE_SCALAR || (strcmp(keep->text, "all") && strcmp(keep->text, "latest")))
				words_report(node->builder->problems, keep, "type", NULL,
					"what `%.60s` keeps: latest, a number or all is needed%s%.60s", map->keys[i],
					keep->kind == TREE_SCALAR ? ", not " : "", keep->kind == TREE_SCALAR ? keep->text : "");
			continue;
		}
		take_int(node->builder, keep, "subscriptions", 1, REPLICAS_MOST, &count);
	}
}

static void read_ports(struct node *node)
{
	static const char *const keys[] = { "handles", "methods", "subscriptions", "topics" };
	struct group *group = node->group;
	struct tree **places[] = { &group->handles, &group->methods, &group->subscriptions, &group->topics };
	for (size_t i = 0; i < 4; i++) {
		*places[i] = value_of(node, keys[i], &node->early);
		check_names(node, *places[i], keys[i]);
		if (*places[i] && group->module.count)
			problem_add(node->builder->problems, (*places[i])->mark, "type", NULL,
				"`%s` is for commands: a module declares its own", keys[i]);
	}
	check_handles(node);
	check_subscriptions(node);
	read_ready(node);
}

/* ---- all of it ---- */

/* `replica: 4`: nobody knows the key, which was reported, but what it was meant for is clear. */
static bool means_replicas(const struct tree *map)
{
	static const char *const words[] = { "replicas" };
	for (size_t i = 0; map && i < map->count; i++)
		if (!schema_find(SCHEMA_NODE, map->keys[i]) && text_nearest(map->keys[i], words, 1))
			return true;
	return false;
}

/* False: the number is not what the file means. */
static bool read_replicas(struct node *node)
{
	bool good = !has(node->own, "replicas") && !has(node->defaults, "replicas")
		&& !means_replicas(node->own) && !means_replicas(node->defaults);
	struct tree *value = value_of(node, "replicas", &node->early);
	if (value)
		good = replicas_read(node->builder, value, node->group);
	tree_free(value);
	return good;
}

void group_build(struct builder *builder, const char *label, struct mark mark, struct tree *own,
	struct tree *defaults)
{
	struct topology *topology = builder->topology;
	int number = (int)topology->groups.count;
	struct group *group = list_add(&topology->groups);
	*group = (struct group){ .label = memory_copy_text(label), .mark = mark, .number = number, .replicas = 1,
		.first = topology->total, .per_process = 1, .policy = topology->policy,
		.start_within_ns = builder->start_within_ns, .stop_within_ns = builder->stop_within_ns,
		.health_ns = HEALTH_NS };
	struct node node = { .builder = builder, .group = group, .own = own, .defaults = defaults,
		.late = { .late = true } };
	group->unsure = !read_replicas(&node);
	char *cleanup_free replicas = memory_format("%d", group->replicas);
	node.early.replicas = node.late.replicas = replicas;
	read_module(&node);
	read_build(&node);
	read_params(&node);
	read_environment(&node);
	read_policy(&node);
	read_times(&node);
	read_process(&node);
	read_ports(&node);
}

static void words_release(struct word *at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(at[i].text);
	free(at);
}

static void texts_release(char **at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(at[i]);
	free(at);
}

void group_release(struct group *group)
{
	struct tree *trees[] = { group->command, group->params, group->defaults, group->handles, group->methods,
		group->subscriptions, group->topics };
	for (size_t i = 0; i < sizeof trees / sizeof *trees; i++)
		tree_free(trees[i]);
	for (size_t i = 0; i < group->axes.count; i++)
		free(group->axes.at[i].name);
	list_release(&group->axes);
	words_release(group->module.at, group->module.count);
	words_release(group->env.at, group->env.count);
	texts_release(group->build.flags.at, group->build.flags.count);
	texts_release(group->build.libs.at, group->build.libs.count);
	free(group->build.compiler);
	free(group->implementation.text);
	free(group->process);
	free(group->label);
	json_decref(group->values);
	group_forget_ports(group);
}
