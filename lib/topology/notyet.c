/* SPDX-License-Identifier: MIT */
/* What is read and checked, but that launch would have to ignore: nothing is ever ignored. */
#include <string.h>

#include "topology/bind.h"

static const char rule[] = "not-yet";
static const char suffix[] = "this version reads and checks it, but cannot run it yet";

static void check_policy(const struct policy *policy, struct mark otherwise, struct problems *problems)
{
	if (policy->kind == POLICY_RESTART)
		problem_add(problems, policy->mark.line ? policy->mark : otherwise, rule,
			"leave it out: a failure then stops the program", "on_failure: restart: %s", suffix);
}

static void check_process(const struct group *group, struct problems *problems)
{
	struct mark mark = group->process_mark.line ? group->process_mark : group->mark;
	if (group->process)
		problem_add(problems, mark, rule, "leave it out: every replica is then a process of its own",
			"process: %s: %s", group->process, suffix);
	if (group->per_process > 1)
		problem_add(problems, mark, rule, "leave it out: every replica is then a process of its own",
			"per_process: %d: %s", group->per_process, suffix);
}

static void check_command(const struct group *group, struct problems *problems)
{
	if (group->command)
		problem_add(problems, group->command->mark.line ? group->command->mark : group->mark, rule, NULL,
			"%s is a command: %s", group->label, suffix);
}

static void check_resources(const struct group *group, struct problems *problems)
{
	if (group->resources.mark.line)
		problem_add(problems, group->resources.mark, rule, NULL, "resources: %s", suffix);
}

/* What binding found out, else what the edge itself says. */
static int keep_of(const struct topology *topology, size_t number)
{
	const struct edge *edge = &topology->edges.at[number];
	return topology->joins ? topology->joins->edges[number].keep : edge->has_keep ? edge->keep : 0;
}

static void check_edge(const struct topology *topology, size_t number, struct problems *problems)
{
	const struct edge *edge = &topology->edges.at[number];
	if (!edge->to_port)
		return;
	if (keep_of(topology, number) == KEEP_LATEST)
		problem_add(problems, edge->has_keep && edge->keep_mark.line ? edge->keep_mark : edge->to_mark, rule,
			"keep: 1 keeps a queue of one per publisher", "%s.%s keeps the latest (keep: latest): %s",
			topology->groups.at[edge->to].label, edge->to_port, suffix);
	if (edge->has_fetch)
		problem_add(problems, edge->mark, rule, NULL, "fetch: %s: %s", edge->eager ? "eager" : "lazy", suffix);
}

size_t topology_not_yet(const struct topology *topology, struct problems *problems)
{
	size_t before = problems->errors;
	check_policy(&topology->policy, (struct mark){ 0 }, problems);
	for (size_t i = 0; i < topology->groups.count; i++) {
		const struct group *group = &topology->groups.at[i];
		check_policy(&group->policy, group->mark, problems);
		check_process(group, problems);
		check_command(group, problems);
		check_resources(group, problems);
	}
	for (size_t i = 0; i < topology->edges.count; i++)
		check_edge(topology, i, problems);
	return problems->errors - before;
}

void topology_warn_not_yet(const struct topology *topology, struct problems *problems)
{
	struct problems found = { 0 };
	topology_not_yet(topology, &found);
	for (size_t i = 0; i < found.list.count; i++) {
		const struct problem *one = &found.list.at[i];
		problem_warn(problems, one->mark, one->rule, one->hint, "%s", one->message);
	}
	problems_release(&found);
}
