/* SPDX-License-Identifier: MIT */
#include "launching.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"

/* What is allotted to each process that gets something of its own. */
static void print_allotments(const struct launching *launching)
{
	const struct allotments *all = launching->allotments;
	for (int i = 0; i < all->count; i++) {
		struct text cleanup_text text = { 0 };
		allotment_describe(all, i, &text);
		if (text.length)
			printf("  %s: %s\n", launching->processes->at[i].name, text_string(&text));
	}
}

static json_t *optional(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *allotments_json(const struct launching *launching)
{
	const struct allotments *all = launching->allotments;
	json_t *out = json_object();
	for (int i = 0; i < all->count; i++) {
		const struct allotment *one = &all->at[i];
		if (one->asked || one->processors_text || one->gpus)
			json_object_set_new(out, launching->processes->at[i].name,
				json_pack("{so so}", "cpus", optional(one->processors_text), "gpus", optional(one->gpus)));
	}
	return out;
}

static void print_plan(const struct launching *launching)
{
	const struct topology *topology = launching->topology;
	struct topology_size size = topology_measure(topology, launching->processes);
	printf("%s, seed %" PRId64 ": would start %" PRId64 " process%s with %" PRId64 " connection%s\n", topology->name,
		topology->seed, size.processes, size.processes == 1 ? "" : "es", size.connections,
		size.connections == 1 ? "" : "s");
	for (size_t i = 0; i < topology->groups.count; i++) {
		const struct group *group = &topology->groups.at[i];
		char *cleanup_free first = group_replica_name(group, 0);
		char *cleanup_free last = group_replica_name(group, group->replicas - 1);
		printf("  %s%s%s: %s of %s\n", first, group->replicas > 1 ? " to " : "", group->replicas > 1 ? last : "",
			group->spec && !group->command ? group->spec->name : "command", group->interface ? group->interface->shown : "the file");
	}
	print_allotments(launching);
}

static void print_plan_json(const struct launching *launching)
{
	json_t *plan = json_pack("{ss si so so}", "event", "plan", "schema", 1, "topology",
		topology_to_json(launching->topology), "processes", allotments_json(launching));
	json_dumpf(plan, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(plan);
}

void launching_print_plan(const struct launching *launching)
{
	(launching->style.json ? print_plan_json : print_plan)(launching);
}
