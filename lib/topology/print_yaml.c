/* SPDX-License-Identifier: MIT */
/* The resolved topology as a file that lpad reads again: no variables, no when, no defaults. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "topology/graph.h"
#include "topology/value.h"

/* ---- scalars ---- */

/* Such a text means the same plain and in quotes, in flow and in block context. */
static bool plain_is_safe(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char inside[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-$=";
	const char *first = *text == '-' || *text == '+' || *text == '.' ? text + 1 : text;
	if (!*first || !strchr(first == text ? letters : "0123456789.iInN/", *first))
		return *text == '/' && !text[strspn(text, inside)];
	return !text[strspn(text, inside)];
}

static void put_as_it_is(FILE *out, const char *text)
{
	fputs(text, out);
}

static void put_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '\t')
			fputs("\\t", out);
		else if ((unsigned char)*text < ' ' || *text == 0x7f)
			fprintf(out, "\\x%02x", (unsigned char)*text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

/* What is no template has its dollars doubled, so that nothing in it is a variable again. */
static char *with_dollars(const char *text)
{
	struct text out = { 0 };
	for (; *text; text++)
		text_add(&out, *text == '$' ? "$$" : (char[]){ *text, '\0' });
	return text_take(&out);
}

static void put_text(FILE *out, const char *text)
{
	char *cleanup_free escaped = with_dollars(text);
	if (plain_is_safe(escaped))
		fputs(escaped, out);
	else
		put_quoted(out, escaped);
}

/* A word that may be read as null, a number or a boolean, but is meant as a text. */
static void put_word(FILE *out, const char *text)
{
	char *cleanup_free escaped = with_dollars(text);
	put_quoted(out, escaped);
}

static void put_scalar(FILE *out, const struct tree *tree)
{
	if (tree_is_null(tree)) {
		fputc('~', out);
		return;
	}
	char *cleanup_free text = tree->template ? memory_copy_text(tree->text) : with_dollars(tree->text);
	if (!tree->quoted && plain_is_safe(text))
		fputs(text, out);
	else
		put_quoted(out, text);
}

/* In flow style, on one line. */
static void put_tree(FILE *out, const struct tree *tree)
{
	if (tree->kind == TREE_SCALAR) {
		put_scalar(out, tree);
		return;
	}
	fputc(tree->kind == TREE_LIST ? '[' : '{', out);
	for (size_t i = 0; i < tree->count; i++) {
		fputs(i ? ", " : "", out);
		if (tree->kind == TREE_MAP) {
			put_text(out, tree->keys[i]);
			fputs(": ", out);
		}
		put_tree(out, tree->items[i]);
	}
	fputc(tree->kind == TREE_LIST ? ']' : '}', out);
}

/* Exact, in the largest unit that is whole. */
static void put_duration(FILE *out, int64_t ns)
{
	static const struct { const char *name; int64_t ns; } units[] = {
		{ "h", 3600000000000 }, { "m", 60000000000 }, { "s", 1000000000 }, { "ms", 1000000 }, { "us", 1000 }, { "ns", 1 }
	};
	size_t i = 0;
	while (ns % units[i].ns)
		i++;
	fprintf(out, "%" PRId64 "%s", ns / units[i].ns, ns ? units[i].name : "s");
}

/* ---- parameters: relative paths would mean something else in another folder ---- */

static void put_path(FILE *out, const struct tree *tree)
{
	if (tree->kind == TREE_LIST) {
		fputc('[', out);
		for (size_t i = 0; i < tree->count; i++) {
			fputs(i ? ", " : "", out);
			put_path(out, tree->items[i]);
		}
		fputc(']', out);
	} else if (tree->kind != TREE_SCALAR || !*tree->text || *tree->text == '/' || !tree->base) {
		put_tree(out, tree);
	} else if (tree->template) {
		char *cleanup_free path = value_template_path(tree->text, tree->base);
		(plain_is_safe(path) ? put_as_it_is : put_quoted)(out, path);
	} else {
		char *cleanup_free path = files_absolute(tree->base, tree->text);
		put_text(out, path);
	}
}

static void put_value(FILE *out, const struct param_spec *spec, const struct tree *tree);

/* An object's fields by their names; all objects of a map by the same ones. */
static void put_fields(FILE *out, const struct param_spec *spec, const struct tree *tree, bool map)
{
	fputc('{', out);
	for (size_t i = 0; i < tree->count; i++) {
		fputs(i ? ", " : "", out);
		put_text(out, tree->keys[i]);
		fputs(": ", out);
		if (map && tree->items[i]->kind == TREE_MAP)
			put_fields(out, spec, tree->items[i], false);
		else
			put_value(out, map ? NULL : expand_field(spec, tree->keys[i]), tree->items[i]);
	}
	fputc('}', out);
}

static void put_value(FILE *out, const struct param_spec *spec, const struct tree *tree)
{
	if (spec && value_is_nested(spec->type) && tree->kind == TREE_MAP)
		put_fields(out, spec, tree, !strcmp(spec->type, "map"));
	else
		(expand_is_path(spec) ? put_path : put_tree)(out, tree);
}

static void put_params(FILE *out, const struct group *group)
{
	const struct tree *maps[] = { group->params, group->defaults };
	bool any = false;
	for (int m = 0; m < 2; m++)
		for (size_t i = 0; maps[m] && i < maps[m]->count; i++) {
			const char *name = maps[m]->keys[i];
			const struct param_spec *spec = group->spec ? implementation_param(group->spec, name) : NULL;
			bool stranger = m == 1 && group->spec && !spec;
			if (stranger || (m == 1 && tree_get(group->params, name)))
				continue;
			fputs(any ? "" : "    params:\n", out);
			fputs("      ", out);
			put_text(out, name);
			fputs(": ", out);
			put_value(out, spec, maps[m]->items[i]);
			fputc('\n', out);
			any = true;
		}
}

/* ---- nodes ---- */

static void put_module(FILE *out, const struct group *group)
{
	if (!group->module.count)
		return;
	fputs("    module: [", out);
	for (size_t i = 0; i < group->module.count; i++) {
		char *cleanup_free path = expand_module_path(&group->module.at[i]);
		fputs(i ? ", " : "", out);
		put_text(out, path);
	}
	fputs("]\n", out);
	if (group->implementation.text)
		fprintf(out, "    implementation: %s\n", group->implementation.text);
}

static void put_words(FILE *out, const char *key, char *const *at, size_t count)
{
	if (!count)
		return;
	fprintf(out, "      %s: [", key);
	for (size_t i = 0; i < count; i++) {
		fputs(i ? ", " : "", out);
		put_word(out, at[i]);
	}
	fputs("]\n", out);
}

static void put_build(FILE *out, const struct group *group)
{
	if (!group->build.flags.count && !group->build.libs.count && !group->build.compiler)
		return;
	fputs("    build:\n", out);
	put_words(out, "flags", group->build.flags.at, group->build.flags.count);
	put_words(out, "libs", group->build.libs.at, group->build.libs.count);
	if (group->build.compiler) {
		fputs("      compiler: ", out);
		put_word(out, group->build.compiler);
		fputc('\n', out);
	}
}

static void put_replicas(FILE *out, const struct group *group)
{
	if (!group->axes.count && group->replicas == 1 && !group->replicas_mark.line)
		return;
	if (!group->axes.count) {
		fprintf(out, "    replicas: %d\n", group->replicas);
		return;
	}
	fputs("    replicas: {", out);
	for (size_t i = 0; i < group->axes.count; i++)
		fprintf(out, "%s%s: %d", i ? ", " : "", group->axes.at[i].name, group->axes.at[i].extent);
	fputs("}\n", out);
}

static void put_policy(FILE *out, const char *indent, const struct policy *policy)
{
	fprintf(out, "%son_failure: ", indent);
	if (policy->kind != POLICY_RESTART) {
		fputs(policy->kind == POLICY_STOP ? "stop\n" : "ignore\n", out);
		return;
	}
	if (policy->restarts < 0) {
		fputs("restart\n", out);
		return;
	}
	fprintf(out, "{restart: %d, within: ", policy->restarts);
	put_duration(out, policy->within_ns);
	fputs(", backoff: ", out);
	put_duration(out, policy->backoff_low_ns);
	fputs("..", out);
	put_duration(out, policy->backoff_high_ns);
	fprintf(out, ", then: %s}\n", policy->then == POLICY_IGNORE ? "ignore" : "stop");
}

static void put_resources(FILE *out, const struct resources *resources)
{
	if (!resources->mark.line)
		return;
	fputs("    resources:\n", out);
	if (resources->cpus > 0)
		fprintf(out, "      cpus: %.17g\n", resources->cpus);
	if (resources->memory > 0)
		fprintf(out, "      memory: %" PRId64 "\n", resources->memory);
	if (resources->gpus > 0)
		fprintf(out, "      gpus: %d\n", resources->gpus);
	if (resources->nofile > 0)
		fprintf(out, "      nofile: %d\n", resources->nofile);
	if (resources->has_nice)
		fprintf(out, "      nice: %d\n", resources->nice);
}

static void put_env(FILE *out, const struct group *group)
{
	if (group->env.count)
		fputs("    env:\n", out);
	for (size_t i = 0; i < group->env.count; i++) {
		const struct word *word = &group->env.at[i];
		const char *value = strchr(word->text, '=');
		char *cleanup_free name = memory_copy_span(word->text, value ? (size_t)(value - word->text) : strlen(word->text));
		fputs("      ", out);
		put_word(out, name);
		fputs(": ", out);
		if (word->template)
			put_quoted(out, value ? value + 1 : "");
		else
			put_word(out, value ? value + 1 : "");
		fputc('\n', out);
	}
}

static void put_key_tree(FILE *out, const char *key, const struct tree *tree)
{
	if (!tree)
		return;
	fprintf(out, "    %s: ", key);
	put_tree(out, tree);
	fputc('\n', out);
}

static void put_limit(FILE *out, const char *key, int64_t ns, int64_t usual)
{
	if (ns == usual || ns < 0)
		return;
	fprintf(out, "    %s: ", key);
	put_duration(out, ns);
	fputc('\n', out);
}

static void put_group(FILE *out, const struct topology *topology, const struct group *group)
{
	fprintf(out, "  %s:\n", group->label);
	put_module(out, group);
	put_build(out, group);
	put_key_tree(out, "command", group->command);
	put_replicas(out, group);
	put_params(out, group);
	put_env(out, group);
	put_key_tree(out, "handles", group->handles);
	put_key_tree(out, "methods", group->methods);
	put_key_tree(out, "subscriptions", group->subscriptions);
	put_key_tree(out, "topics", group->topics);
	if (group->says_ready)
		fputs("    ready: fd\n", out);
	if (group->policy.kind != POLICY_STOP || topology->policy.kind != POLICY_STOP)
		put_policy(out, "    ", &group->policy);
	put_resources(out, &group->resources);
	if (group->process)
		fprintf(out, "    process: %s\n", group->process);
	if (group->per_process > 1)
		fprintf(out, "    per_process: %d\n", group->per_process);
	put_limit(out, "start_within", group->start_within_ns, -1);
	put_limit(out, "stop_within", group->stop_within_ns, 10000000000);
	if (group->health_ns)
		put_limit(out, "health", group->health_ns, 30000000000);
	else
		fputs("    health: off\n", out);
	if (group->background)
		fputs("    background: true\n", out);
}

/* ---- edges ---- */

static void put_map(FILE *out, const struct edge *edge)
{
	char *cleanup_free map = graph_map(edge);
	char *space = strchr(map, ' ');
	if (!space) {
		fprintf(out, "map: %s", map);
		return;
	}
	*space = '\0';
	fprintf(out, "map: {%s: %s}", map, space + 1);
}

static void put_keep(FILE *out, const struct edge *edge)
{
	if (edge->keep > 0)
		fprintf(out, "keep: %d", edge->keep);
	else if (edge->keep_window > 0)
		fprintf(out, "keep: {all: %" PRId64 "}", edge->keep_window);
	else
		fputs(edge->keep == -1 ? "keep: latest" : "keep: all", out);
}

static void put_options(FILE *out, const struct edge *edge)
{
	static const int64_t usual_size = 1 << 30;
	const char *lead = ": {";
	if (edge->map != MAP_ALL) {
		fputs(lead, out), lead = ", ";
		put_map(out, edge);
	}
	if (edge->has_keep) {
		fputs(lead, out), lead = ", ";
		put_keep(out, edge);
	}
	if (edge->has_fetch) {
		fprintf(out, "%sfetch: %s", lead, edge->eager ? "eager" : "lazy"), lead = ", ";
	}
	if (edge->deadline_ns >= 0) {
		fprintf(out, "%sdeadline: ", lead), lead = ", ";
		put_duration(out, edge->deadline_ns);
	}
	if (edge->max_message != usual_size) {
		fprintf(out, "%smax_message: %" PRId64, lead, edge->max_message), lead = ", ";
	}
	fputs(*lead == ',' ? "}\n" : "\n", out);
}

static void put_end(FILE *out, const char *label, const char *port)
{
	fprintf(out, "%s%s%s", label, port ? "." : "", port ? port : "");
}

void topology_print_yaml(const struct topology *topology, FILE *out)
{
	fputs("lpad: 1\nname: ", out);
	put_text(out, topology->name);
	fputc('\n', out);
	if (topology->seed != 1)
		fprintf(out, "vars: {seed: %" PRId64 "}\n", topology->seed);
	if (topology->policy.kind != POLICY_STOP)
		put_policy(out, "", &topology->policy);
	if (topology->time_limit_ns >= 0) {
		fputs("time_limit: ", out);
		put_duration(out, topology->time_limit_ns);
		fputc('\n', out);
	}
	fputs("nodes:\n", out);
	for (size_t i = 0; i < topology->groups.count; i++)
		put_group(out, topology, &topology->groups.at[i]);
	if (topology->edges.count)
		fputs("edges:\n", out);
	for (size_t i = 0; i < topology->edges.count; i++) {
		const struct edge *edge = &topology->edges.at[i];
		fputs("  - ", out);
		put_end(out, topology->groups.at[edge->from].label, edge->from_port);
		fputs(" -> ", out);
		put_end(out, topology->groups.at[edge->to].label, edge->to_port);
		put_options(out, edge);
	}
}
