/* SPDX-License-Identifier: MIT */
/* What is read and checked, but that launch would have to ignore: nothing is ever ignored. */
#include "topology/topology.h"

static const char rule[] = "not-yet";
static const char suffix[] = "this version reads and checks it, but cannot run it yet";

static void check_command(const struct group *group, struct problems *problems)
{
	const struct tree *ports[] = { group->handles, group->methods, group->subscriptions, group->topics };
	for (size_t i = 0; group->command && i < sizeof ports / sizeof ports[0]; i++)
		if (ports[i])
			problem_add(problems, ports[i]->mark, rule, NULL, "%s: ports other than stdin and stdout: %s", group->label, suffix);
}

size_t topology_not_yet(const struct topology *topology, struct problems *problems)
{
	size_t before = problems->errors;
	for (size_t i = 0; i < topology->groups.count; i++) {
		const struct group *group = &topology->groups.at[i];
		check_command(group, problems);
	}
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
