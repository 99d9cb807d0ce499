/* SPDX-License-Identifier: MIT */
#include "topology/processes.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "topology/mark.h"
#include "topology/names.h"

struct making {
	const struct topology *topology;
	struct processes *out;
	struct names named;             /* `process: NAME` to its number */
	int everyone;                   /* the process of --threads; -1: not there yet */
};

/* ---- who is where ---- */

static int add_process(struct making *making, char *name)
{
	making->out->at[making->out->count].name = name;
	return making->out->count++;
}

static int everyone(struct making *making)
{
	if (making->everyone < 0)
		making->everyone = add_process(making, memory_copy_text(making->topology->name));
	return making->everyone;
}

static int named(struct making *making, const char *name)
{
	size_t number;
	if (names_find(&making->named, name, &number))
		return (int)number;
	int process = add_process(making, memory_copy_text(name));
	names_put(&making->named, name, (size_t)process);
	return process;
}

/* "worker/4-7", or the name of its only replica. */
static char *packed_name(const struct group *group, int first, int count)
{
	return count == 1 ? group_replica_name(group, first) :
		memory_format("%s/%d-%d", group->label, first, first + count - 1);
}

static int packed(struct making *making, const struct group *group, int first, int per)
{
	int left = group->replicas - first;
	return add_process(making, packed_name(group, first, left < per ? left : per));
}

static void place_group(struct making *making, const struct group *group)
{
	int per = group->command || group->per_process < 1 ? 1 : group->per_process, process = -1;
	bool together = making->out->threads || group->process;
	if (!group->command && together)
		process = making->out->threads ? everyone(making) : named(making, group->process);
	for (int i = 0; i < group->replicas; i++) {
		if ((group->command || !together) && i % per == 0)
			process = packed(making, group, i, per);
		making->out->of[group->first + i] = process;
		making->out->at[process].count++;
	}
}

/* Replicas in ascending order, so each process's members are ascending too. */
static void collect_members(struct processes *processes)
{
	int *cleanup_free next = memory_array((size_t)processes->count + 1, sizeof *next);
	for (int i = 0, start = 0; i < processes->count; i++) {
		struct process *process = &processes->at[i];
		process->members = processes->members + start;
		process->shared = process->count > 1;
		next[i] = start;
		start += process->count;
	}
	for (int i = 0; i < processes->total; i++)
		processes->members[next[processes->of[i]]++] = i;
}

/* ---- what they say of it ---- */

bool process_policy_given(const struct topology *topology, const struct group *group)
{
	return group->policy.mark.line && !mark_equal(&group->policy.mark, &topology->policy.mark);
}

static int64_t longer(int64_t a, int64_t b)
{
	return a < 0 || b < 0 ? -1 : a > b ? a : b;
}

/* One group's word on a process that some of its replicas live in. */
static void hear(struct making *making, const struct group *group, struct process *process)
{
	struct policy *policy = &process->policy;
	bool first = process->members[0] >= group->first;
	if (first) {
		*policy = group->policy;
		process->start_within_ns = group->start_within_ns;
		process->stop_within_ns = group->stop_within_ns;
		process->health_ns = group->health_ns;
	} else if (mark_equal(&policy->mark, &making->topology->policy.mark) &&
	    process_policy_given(making->topology, group)) {
		*policy = group->policy;
	}
	if (making->out->threads && !group->command)
		*policy = (struct policy){ .kind = POLICY_STOP };
	process->health_ns = !process->health_ns || !group->health_ns ? 0 : longer(process->health_ns, group->health_ns);
	process->start_within_ns = longer(process->start_within_ns, group->start_within_ns);
	process->stop_within_ns = longer(process->stop_within_ns, group->stop_within_ns);
	if (!process->resources && group->resources.mark.line)
		process->resources = &group->resources;
}

static void hear_group(struct making *making, const struct group *group)
{
	int last = -1;
	for (int i = 0; i < group->replicas; i++) {
		int process = making->out->of[group->first + i];
		if (process != last)
			hear(making, group, &making->out->at[process]);
		last = process;
	}
}

/* Not one that was refused because there would be too many. */
static bool is_counted(const struct group *group)
{
	return group->first <= REPLICAS_MOST - group->replicas;
}

/* With those that were refused, as nobody need know. */
static int numbers(const struct topology *topology)
{
	int most = topology->total;
	for (size_t i = 0; i < topology->groups.count; i++) {
		const struct group *group = &topology->groups.at[i];
		most = group->first + group->replicas > most ? group->first + group->replicas : most;
	}
	return most;
}

struct processes *processes_new(const struct topology *topology, bool threads)
{
	struct processes *out = memory_new(sizeof *out);
	struct making making = { .topology = topology, .out = out, .everyone = -1 };
	size_t most = (size_t)numbers(topology);
	*out = (struct processes){ .total = topology->total, .threads = threads, .at = memory_array(most, sizeof *out->at),
		.members = memory_array(most, sizeof *out->members), .of = memory_array(most, sizeof *out->of) };
	for (size_t i = 0; i < topology->groups.count; i++)
		if (is_counted(&topology->groups.at[i]))
			place_group(&making, &topology->groups.at[i]);
	collect_members(out);
	for (size_t i = 0; i < topology->groups.count; i++)
		if (is_counted(&topology->groups.at[i]))
			hear_group(&making, &topology->groups.at[i]);
	names_release(&making.named);
	return out;
}

/* ---- edges that do not leave a process ---- */

/* Of `count` replicas a step apart, the pairs that share a process: processes hold stretches of a group. */
static int64_t pairs_in_line(const struct processes *processes, int first, int step, int count, bool with_self)
{
	int64_t pairs = 0;
	for (int i = 0, run = 0; i < count; i++) {
		run++;
		if (i + 1 < count && processes->of[first + i * step] == processes->of[first + (i + 1) * step])
			continue;
		pairs += (int64_t)run * (run - !with_self);
		run = 0;
	}
	return pairs;
}

/* All who differ only in `axis`, for every such line of the group; without one the whole group is a line. */
static int64_t pairs_along(const struct processes *processes, const struct group *group, const char *axis, bool with_self)
{
	int64_t pairs = 0;
	int step = 1, extent = group->replicas;
	for (size_t i = group->axes.count; axis && i-- > 0; ) {
		extent = group->axes.at[i].extent;
		if (!strcmp(group->axes.at[i].name, axis))
			break;
		step *= extent;
	}
	for (int i = 0; i < group->replicas; i++)
		if (i / step % extent == 0)
			pairs += pairs_in_line(processes, group->first + i, step, extent, with_self);
	return pairs;
}

static int64_t pairs_one_by_one(const struct processes *processes, const struct topology *topology, const struct edge *edge)
{
	const struct group *from = &topology->groups.at[edge->from], *to = &topology->groups.at[edge->to];
	int64_t pairs = 0;
	for (int i = 0; i < from->replicas; i++) {
		size_t count;
		int *cleanup_free partners = edge_servers(topology, edge, i, &count);
		for (size_t k = 0; k < count; k++)
			pairs += processes->of[from->first + i] == processes->of[to->first + partners[k]];
	}
	return pairs;
}

int64_t processes_pairs_within(const struct processes *processes, const struct topology *topology, const struct edge *edge)
{
	const struct group *from = &topology->groups.at[edge->from], *to = &topology->groups.at[edge->to];
	bool with_self = !edge->to_port, commands = from->command || to->command;
	if (!commands && (processes->threads || (from->process && text_equal(from->process, to->process))))
		return edge_pairs(topology, edge);
	if (from != to)
		return 0;
	if (edge->map == MAP_ALL || edge->map == MAP_ALONG)
		return pairs_along(processes, from, edge->map == MAP_ALONG ? edge->axis : NULL, with_self);
	return pairs_one_by_one(processes, topology, edge);
}

void processes_free(struct processes *processes)
{
	if (!processes)
		return;
	for (int i = 0; i < processes->count; i++)
		free(processes->at[i].name);
	free(processes->at);
	free(processes->members);
	free(processes->of);
	free(processes);
}
