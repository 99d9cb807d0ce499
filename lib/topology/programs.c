/* SPDX-License-Identifier: MIT */
/* The programs of commands: whether they are there. What a line for sh begins with is the shell's affair. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "topology/topology.h"

static const char rule[] = "program";

/* As the program's own process will have it. */
static const char *path_of(const struct group *group)
{
	const char *given = getenv("PATH");
	for (size_t i = 0; i < group->env.count; i++)
		if (text_starts(group->env.at[i].text, "PATH=") && !group->env.at[i].template)
			return group->env.at[i].text + strlen("PATH=");
	return given ? given : "/usr/local/bin:/usr/bin:/bin";
}

/* NULL: there is nothing to complain of. Caller frees. */
static char *complaint(const struct group *group)
{
	const struct tree *command = group->command;
	const struct tree *first = command && command->kind == TREE_LIST && command->count ? command->items[0] : NULL;
	if (!first || first->kind != TREE_SCALAR || first->template)
		return NULL;
	char *cleanup_free found = files_find_program(first->text, path_of(group));
	if (found)
		return NULL;
	if (errno == ENOENT && !strchr(first->text, '/'))
		return memory_format("%s: there is no program %s in $PATH", group->label, first->text);
	return memory_format("%s: %s cannot be started: %s", group->label, first->text, strerror(errno));
}

static const char *hint(const struct group *group)
{
	return strchr(group->command->items[0]->text, ' ')
		? "a list has one word each; one string is a line for sh" : NULL;
}

size_t topology_check_programs(const struct topology *topology, bool refuse, struct problems *problems)
{
	size_t count = 0;
	for (size_t i = 0; i < topology->groups.count; i++) {
		const struct group *group = &topology->groups.at[i];
		char *cleanup_free text = complaint(group);
		if (!text)
			continue;
		(refuse ? problem_add : problem_warn)(problems, group->command->items[0]->mark, rule, hint(group), "%s", text);
		count++;
	}
	return count;
}
