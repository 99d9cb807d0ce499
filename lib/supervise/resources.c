/* SPDX-License-Identifier: MIT */
#include "supervise/resources.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static const char rule[] = "resources";

/* ---- texts ---- */

void resources_size(int64_t bytes, struct text *out)
{
	static const char *const units[] = { " bytes", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;
	while (unit + 1 < sizeof units / sizeof units[0] && bytes && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	text_format(out, "%" PRId64 "%s", bytes, units[unit]);
}

void resources_ranges(const int *numbers, size_t count, struct text *out)
{
	for (size_t i = 0, last; i < count; i = last + 1) {
		for (last = i; last + 1 < count && numbers[last + 1] == numbers[last] + 1; last++)
			;
		text_format(out, "%s%d", i ? "," : "", numbers[i]);
		if (last > i)
			text_format(out, "-%d", numbers[last]);
	}
}

void allotment_describe(const struct allotments *allotments, int process, struct text *out)
{
	const struct allotment *one = &allotments->at[process];
	size_t before = out->length;
	if (one->processors_text)
		text_format(out, "cpus %s", one->processors_text);
	if (one->gpus)
		text_format(out, "%sgpus %s", out->length > before ? ", " : "", *one->gpus ? one->gpus : "none");
	if (one->asked && one->asked->memory) {
		text_format(out, "%smemory ", out->length > before ? ", " : "");
		resources_size(one->asked->memory, out);
		text_add(out, allotments->cgroup ? " by cgroup" : " by rlimit");
	}
	if (one->asked && one->asked->nofile)
		text_format(out, "%snofile %d", out->length > before ? ", " : "", one->asked->nofile);
	if (one->asked && one->asked->has_nice)
		text_format(out, "%snice %d", out->length > before ? ", " : "", one->asked->nice);
}

/* ---- processors ---- */

static void keep_processors(struct allotment *out, const struct processor_set *set)
{
	struct text text = { 0 };
	int largest = set->numbers[set->count - 1];
	out->processors_size = CPU_ALLOC_SIZE(largest + 1);
	out->processors = memory_new(out->processors_size);
	for (size_t i = 0; i < set->count; i++)
		CPU_SET_S(set->numbers[i], out->processors_size, out->processors);
	resources_ranges(set->numbers, set->count, &text);
	out->processors_text = text_take(&text);
}

static void refuse_processors(const struct machine *machine, const struct process *process, int64_t needed,
	struct problems *problems)
{
	size_t there = machine->processors.count;
	struct text cleanup_text numbers = { 0 };
	int *cleanup_free list = memory_array(there + 1, sizeof *list);
	for (size_t i = 0; i < there; i++)
		list[i] = machine->processors.at[i].number;
	resources_ranges(list, there, &numbers);
	problem_add(problems, process->resources->mark, rule, "a fraction shares: `cpus: 0.5` puts two processes on one processor",
		"%s cannot have %g processor%s of its own: all processes together need %" PRId64 ", and lpad may use %zu here (%s)",
		process->name, process->resources->cpus, process->resources->cpus == 1 ? "" : "s", needed, there,
		text_string(&numbers));
}

static void deal_processors(struct allotments *out, const struct processes *processes, const struct machine *machine,
	struct problems *problems)
{
	size_t count = (size_t)processes->count;
	int64_t *cleanup_free wishes = memory_array(count + 1, sizeof *wishes), needed, any = 0;
	struct processor_set *cleanup_free sets = memory_array(count + 1, sizeof *sets);
	for (size_t i = 0; i < count; i++) {
		const struct resources *asked = processes->at[i].resources;
		if (asked && asked->cpus > 0)
			wishes[i] = asked->cpus < 0.001 ? 1 : llround(asked->cpus * 1000);
		any |= wishes[i];
	}
	if (!any)
		return;
	size_t refused = processors_deal(machine, wishes, count, sets, &needed);
	if (refused < count)
		refuse_processors(machine, &processes->at[refused], needed, problems);
	for (size_t i = 0; i < count; i++) {
		if (refused == count && sets[i].count)
			keep_processors(&out->at[i], &sets[i]);
		free(sets[i].numbers);
	}
}

/* ---- GPUs ---- */

static char *gpu_list(const struct machine *machine, size_t from, size_t count)
{
	struct text text = { 0 };
	for (size_t i = 0; i < count; i++)
		text_format(&text, "%s%s", i ? "," : "", machine->gpus.at[from + i]);
	return text_take(&text);
}

static void refuse_gpus(const struct process *process, int64_t wanted, const struct machine *machine,
	struct problems *problems)
{
	problem_add(problems, process->resources->mark, rule, NULL,
		"%s cannot have %d GPU%s: all processes together want %" PRId64 ", and there %s %zu (by %s)", process->name,
		process->resources->gpus, process->resources->gpus == 1 ? "" : "s", wanted,
		machine->gpus.count == 1 ? "is" : "are", machine->gpus.count, machine->gpus_by);
}

/* In the order of the processes; whoever asked for none sees what nobody asked for. */
static void deal_gpus(struct allotments *out, const struct processes *processes, const struct machine *machine,
	struct problems *problems)
{
	int64_t wanted = 0;
	size_t dealt = 0;
	for (int i = 0; i < processes->count; i++)
		wanted += processes->at[i].resources ? processes->at[i].resources->gpus : 0;
	for (int i = 0; wanted && i < processes->count; i++) {
		size_t own = processes->at[i].resources ? (size_t)processes->at[i].resources->gpus : 0;
		if (own > machine->gpus.count - dealt) {
			refuse_gpus(&processes->at[i], wanted, machine, problems);
			return;
		}
		out->at[i].gpus = own ? gpu_list(machine, dealt, own) : NULL;
		out->at[i].gpus_asked = own > 0;
		dealt += own;
	}
	for (int i = 0; wanted && i < processes->count; i++)
		if (!out->at[i].gpus)
			out->at[i].gpus = gpu_list(machine, dealt, machine->gpus.count - dealt);
}

/* ---- limits ---- */

/* The stacks of lpad's own threads are counted by RLIMIT_DATA, and are no memory that anybody uses. */
static void limit_data(struct allotments *out, const struct topology *topology, const struct processes *processes,
	const struct machine *machine)
{
	int64_t *cleanup_free threads = memory_array((size_t)processes->count, sizeof *threads);
	processes_threads(topology, processes, threads);
	for (int i = 0; i < out->count; i++) {
		const struct resources *asked = out->at[i].asked;
		if (asked && asked->memory)
			out->at[i].data = (uint64_t)asked->memory + (uint64_t)threads[i] * machine->stack;
	}
}

static void check_limits(const struct process *process, const struct machine *machine, struct problems *problems)
{
	const struct resources *asked = process->resources;
	if (asked->nofile && (uint64_t)asked->nofile > machine->nofile)
		problem_add(problems, asked->mark, rule, "raise it with `ulimit -Hn`, in /etc/security/limits.conf (nofile) or with "
			"LimitNOFILE= of the service", "%s cannot have %d open files: the hard limit is %" PRIu64 " (RLIMIT_NOFILE)",
			process->name, asked->nofile, machine->nofile);
	if (asked->has_nice && asked->nice < machine->nice_least)
		problem_add(problems, asked->mark, rule, "a lower one needs CAP_SYS_NICE or RLIMIT_NICE (`ulimit -e`)",
			"%s cannot have nice %d: the least that lpad may set is %d", process->name, asked->nice, machine->nice_least);
	if (asked->memory && !machine->cgroup && !machine->counts_memory)
		problem_add(problems, asked->mark, rule, NULL, "the memory of %s cannot be limited: this lpad is built with a "
			"sanitizer, which reserves more than any limit, and there is no cgroup for it: %s", process->name,
			machine->no_cgroup);
}

struct allotments *allotments_new(const struct topology *topology, const struct processes *processes,
	const struct machine *machine, struct problems *problems)
{
	struct allotments *out = memory_new(sizeof *out);
	out->count = processes->count;
	out->at = memory_array((size_t)processes->count + 1, sizeof *out->at);
	out->vendor = machine->vendor;
	for (int i = 0; i < processes->count; i++) {
		const struct resources *asked = out->at[i].asked = processes->at[i].resources;
		if (!asked)
			continue;
		if (!i || asked != processes->at[i - 1].resources)      /* else it was said of another replica */
			check_limits(&processes->at[i], machine, problems);
		out->any_memory |= asked->memory > 0;
	}
	if (out->any_memory && !machine->cgroup)
		limit_data(out, topology, processes, machine);
	out->cgroup = out->any_memory ? memory_copy_text(machine->cgroup) : NULL;
	deal_processors(out, processes, machine, problems);
	deal_gpus(out, processes, machine, problems);
	return out;
}

void allotments_free(struct allotments *allotments)
{
	if (!allotments)
		return;
	for (int i = 0; i < allotments->count; i++) {
		free(allotments->at[i].processors);
		free(allotments->at[i].processors_text);
		free(allotments->at[i].gpus);
	}
	free(allotments->at);
	free(allotments->cgroup);
	free(allotments);
}

void resources_warn(const struct topology *topology, struct problems *problems)
{
	struct problems found = { 0 };
	struct machine machine;
	struct processes *processes = processes_new(topology, false);
	machine_read_for(&machine, processes);
	allotments_free(allotments_new(topology, processes, &machine, &found));
	for (size_t i = 0; i < found.list.count; i++) {
		const struct problem *one = &found.list.at[i];
		problem_warn(problems, one->mark, one->rule, one->hint, "on this machine %s", one->message);
	}
	problems_release(&found);
	machine_release(&machine);
	processes_free(processes);
}
