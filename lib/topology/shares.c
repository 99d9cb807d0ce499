/* SPDX-License-Identifier: MIT */
#include "topology/shares.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "topology/mark.h"
#include "topology/names.h"
#include "topology/processes.h"

static const char rule[] = "process";

struct variable_said {
	const struct group *group;
	const struct word *word;
};

/* What was said first of each process. */
struct checking {
	const struct topology *topology;
	struct problems *problems;
	bool threads;
	struct names labels;            /* of groups */
	struct names policies, resources, variables;    /* "PROCESS", "PROCESS NAME" to the place in: */
	LIST(const struct group *) said;
	LIST(struct variable_said) said_variables;
	LIST(char *) keys;
};

/* The process's name in messages; NULL: the group's replicas share none with another group. */
static const char *process_of(const struct checking *checking, const struct group *group)
{
	return checking->threads ? "" : group->process;
}

static char *described(const struct checking *checking, const char *process)
{
	return checking->threads ? memory_copy_text("with --threads they share one process") :
		memory_format("they share the process `%s`", process);
}

static struct mark process_mark(const struct group *group)
{
	return group->process_mark.line ? group->process_mark : group->mark;
}

/* The group that said it first, or this one. */
static const struct group *first_to_say(struct checking *checking, struct names *names, const char *process,
	const struct group *group)
{
	size_t place;
	if (names_find(names, process, &place))
		return checking->said.at[place];
	names_put(names, process, checking->said.count);
	*list_add(&checking->said) = group;
	return group;
}

/* ---- on_failure ---- */

static const char *const kinds[] = { [POLICY_STOP] = "stop", [POLICY_IGNORE] = "ignore", [POLICY_RESTART] = "restart" };

static bool same_policy(const struct policy *a, const struct policy *b)
{
	return a->kind == b->kind && a->then == b->then && a->restarts == b->restarts && a->within_ns == b->within_ns &&
		a->backoff_low_ns == b->backoff_low_ns && a->backoff_high_ns == b->backoff_high_ns;
}

static void check_policy(struct checking *checking, const struct group *group, const char *process)
{
	if (checking->threads || !process_policy_given(checking->topology, group))
		return;
	const struct group *first = first_to_say(checking, &checking->policies, process, group);
	if (same_policy(&first->policy, &group->policy))
		return;
	char *cleanup_free place = mark_text(first->policy.mark);
	bool kinds_differ = first->policy.kind != group->policy.kind;
	problem_add(checking->problems, group->policy.mark, rule, "a process fails as a whole: say it once, or the same of each",
		"%s says `on_failure: %s`%s, %s says %s (%s), but they share the process `%s`", group->label,
		kinds[group->policy.kind], kinds_differ ? "" : " with other limits", first->label,
		kinds_differ ? kinds[first->policy.kind] : "otherwise", place, process);
}

/* ---- resources ---- */

static bool same_resources(const struct resources *a, const struct resources *b)
{
	return a->cpus >= b->cpus && a->cpus <= b->cpus && a->memory == b->memory && a->gpus == b->gpus &&
		a->nofile == b->nofile && a->has_nice == b->has_nice && a->nice == b->nice;
}

static void check_resources(struct checking *checking, const struct group *group, const char *process)
{
	if (!group->resources.mark.line)
		return;
	const struct group *first = first_to_say(checking, &checking->resources, process, group);
	if (same_resources(&first->resources, &group->resources))
		return;
	char *cleanup_free place = mark_text(first->resources.mark), *cleanup_free shared = described(checking, process);
	problem_add(checking->problems, group->resources.mark, rule, "resources are those of the process: give them once",
		"%s and %s (%s) want different resources, but %s", group->label, first->label, place, shared);
}

/* ---- env ---- */

static bool depends_on_replica(const struct word *word)
{
	return word->template && (strstr(word->text, "$index") || strstr(word->text, "${index}") ||
		strstr(word->text, "$folder") || strstr(word->text, "${folder}"));
}

static void check_same_for_all(struct checking *checking, const struct group *group, const struct word *word)
{
	if (group->replicas < 2 || !depends_on_replica(word))
		return;
	problem_add(checking->problems, word->mark, rule, "make it a parameter: each replica has its own",
		"env.%.*s differs from replica to replica, but replicas of %s share a process%s", (int)strcspn(word->text, "="),
		word->text, group->label, checking->threads ? " with --threads" : "");
}

static void check_variable(struct checking *checking, const struct group *group, const struct word *word, const char *process)
{
	int length = (int)strcspn(word->text, "=");
	char *key = memory_format("%s %.*s", process, length, word->text);
	size_t place;
	*list_add(&checking->keys) = key;
	if (!names_find(&checking->variables, key, &place)) {
		names_put(&checking->variables, key, checking->said_variables.count);
		*list_add(&checking->said_variables) = (struct variable_said){ group, word };
		return;
	}
	const struct variable_said *first = &checking->said_variables.at[place];
	if (text_equal(first->word->text, word->text) && !(depends_on_replica(word) && first->group != group))
		return;
	char *cleanup_free where = mark_text(first->word->mark), *cleanup_free shared = described(checking, process);
	problem_add(checking->problems, word->mark, rule, "a process has one environment",
		"env.%.*s is not the same for %s and %s (%s), but %s", length, word->text, group->label, first->group->label,
		where, shared);
}

static void check_environment(struct checking *checking, const struct group *group, const char *process)
{
	bool packed = process || group->per_process > 1;
	for (size_t i = 0; packed && i < group->env.count; i++) {
		check_same_for_all(checking, group, &group->env.at[i]);
		if (process)
			check_variable(checking, group, &group->env.at[i], process);
	}
}

/* ---- commands, names ---- */

static void check_command(struct checking *checking, const struct group *group)
{
	if (checking->threads)
		problem_add(checking->problems, group->mark, rule, "launch it without --threads",
			"%s is a command, a program of its own: it cannot be a thread", group->label);
	else if (group->process || group->per_process > 1)
		problem_add(checking->problems, process_mark(group), rule, NULL,
			"%s is a command, a program of its own: it cannot share a process", group->label);
}

/* Its lines and its log go by the process's name. */
static void check_name(struct checking *checking, const struct group *group)
{
	size_t place;
	if (checking->threads || !group->process || !names_find(&checking->labels, group->process, &place))
		return;
	const struct group *named = &checking->topology->groups.at[place];
	if (!text_equal(named->process, group->process))
		problem_add(checking->problems, process_mark(group), rule, "choose another name for the process",
			"`%s` is the name of a node that is not in this process", group->process);
}

/* ---- all of it ---- */

static void check_group(struct checking *checking, const struct group *group)
{
	if (group->command) {
		check_command(checking, group);
		return;
	}
	const char *process = process_of(checking, group);
	check_name(checking, group);
	check_environment(checking, group, process);
	if (!process)
		return;
	check_policy(checking, group, process);
	check_resources(checking, group, process);
}

size_t shares_check(const struct topology *topology, bool threads, struct problems *problems)
{
	size_t before = problems->errors;
	struct checking checking = { .topology = topology, .problems = problems, .threads = threads };
	for (size_t i = 0; i < topology->groups.count; i++)
		names_put(&checking.labels, topology->groups.at[i].label, i);
	for (size_t i = 0; i < topology->groups.count; i++)
		check_group(&checking, &topology->groups.at[i]);
	struct names *tables[] = { &checking.labels, &checking.policies, &checking.resources, &checking.variables };
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		names_release(tables[i]);
	for (size_t i = 0; i < checking.keys.count; i++)
		free(checking.keys.at[i]);
	list_release(&checking.keys);
	list_release(&checking.said);
	list_release(&checking.said_variables);
	return problems->errors - before;
}

/* ---- writable globals ---- */

/* Replicas that use the same shared object in one process. NULL: those of this group alone. Caller frees. */
static char *sharing_key(const struct group *group, bool threads)
{
	if (group->command || !group->interface || !group->interface->globals || !(threads || group->process))
		return NULL;
	return memory_format("%s\n%s", threads ? "" : group->process, group->interface->path);
}

static int together(const struct group *group)
{
	return group->per_process < group->replicas ? group->per_process : group->replicas;
}

struct sharing {
	struct names numbers;           /* of a key: its place in: */
	LIST(int64_t) counts;
	LIST(char *) keys;
};

static void count_group(struct sharing *sharing, const struct group *group, bool threads)
{
	char *key = sharing_key(group, threads);
	size_t place;
	if (!key)
		return;
	*list_add(&sharing->keys) = key;
	if (!names_find(&sharing->numbers, key, &place)) {
		place = sharing->counts.count;
		*list_add(&sharing->counts) = 0;
		names_put(&sharing->numbers, key, place);
	}
	sharing->counts.at[place] += group->replicas;
}

static bool is_shared(const struct sharing *sharing, const struct group *group, bool threads)
{
	char *cleanup_free key = sharing_key(group, threads);
	size_t place;
	if (key && names_find(&sharing->numbers, key, &place))
		return sharing->counts.at[place] > 1;
	return !group->command && group->interface && group->interface->globals && together(group) > 1;
}

static void count_all(struct sharing *sharing, const struct topology *topology, bool threads)
{
	for (size_t i = 0; i < topology->groups.count; i++)
		count_group(sharing, &topology->groups.at[i], threads);
}

static void sharing_release(struct sharing *sharing)
{
	for (size_t i = 0; i < sharing->keys.count; i++)
		free(sharing->keys.at[i]);
	list_release(&sharing->keys);
	list_release(&sharing->counts);
	names_release(&sharing->numbers);
}

void shares_warn_of_globals(const struct topology *topology, bool threads, struct problems *problems)
{
	struct sharing by_file = { 0 }, by_threads = { 0 };
	count_all(&by_file, topology, false);
	if (threads)
		count_all(&by_threads, topology, true);
	for (size_t i = 0; i < topology->groups.count; i++) {
		const struct group *group = &topology->groups.at[i];
		bool in_file = is_shared(&by_file, group, false);
		if (threads ? !in_file && is_shared(&by_threads, group, true) : in_file)
			problem_warn(problems, threads ? group->mark : process_mark(group), "shared-globals", NULL,
				"%s has writable globals (%s); replicas in one process share them", group->interface->shown,
				group->interface->globals);
	}
	sharing_release(&by_file);
	sharing_release(&by_threads);
}
