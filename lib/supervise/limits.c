/* SPDX-License-Identifier: MIT */
/* What a process was allotted, and whether that was what ended it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "supervise/cgroup.h"
#include "supervise/inside.h"

enum { LINES_READ = 10 };

const struct allotment *limits_of(const struct supervisor *supervisor, const struct child *child)
{
	static const struct allotment none;
	const struct allotments *all = supervisor->launch->allotments;
	return all ? &all->at[child->number] : &none;
}

bool limits_by_cgroup(const struct supervisor *supervisor, const struct child *child)
{
	const struct resources *asked = limits_of(supervisor, child)->asked;
	return supervisor->launch->cgroup && asked && asked->memory;
}

/* The kernel refuses memory above RLIMIT_DATA, and tells nobody: what is known is what the program made of it. */
static bool says_out_of_memory(const struct supervisor *supervisor, const struct child *child)
{
	static const char *const words[] = { "annot allocate memory", "ut of memory", "bad_alloc", "MemoryError", "emory exhausted" };
	char *cleanup_free tail = record_log_tail(supervisor->launch->record, child->name, LINES_READ);
	for (size_t i = 0; tail && i < sizeof words / sizeof words[0]; i++)
		if (strstr(tail, words[i]))
			return true;
	return false;
}

static char *perhaps(const struct supervisor *supervisor, const struct child *child, int64_t limit, int64_t most)
{
	if (most < limit - limit / 8 && !says_out_of_memory(supervisor, child))
		return NULL;
	struct text text = { 0 };
	text_add(&text, "perhaps by its memory limit of ");
	resources_size(limit, &text);
	text_format(&text, " (it used %" PRId64 "MiB at most)", most >> 20);
	return text_take(&text);
}

/* What the kernel has enforced once is counted as long as the run lasts. */
static char *surely(const struct supervisor *supervisor, struct child *child, int64_t limit)
{
	int64_t kills = cgroup_kills(supervisor->launch->cgroup, child->number);
	if (kills <= child->memory_kills)
		return NULL;
	child->memory_kills = kills;
	struct text text = { 0 };
	text_add(&text, "memory limit of ");
	resources_size(limit, &text);
	return text_take(&text);
}

static struct failure *own_failure(const struct child *child)
{
	for (int i = 0; i < child->count; i++)
		if (child->members[i]->failure && !child->members[i]->failure->peer)
			return child->members[i]->failure;
	return NULL;
}

void limits_explain(struct supervisor *supervisor, struct child *child, struct failure *judged,
	const struct rusage *usage)
{
	const struct resources *asked = limits_of(supervisor, child)->asked;
	struct failure *failure = judged ? judged : own_failure(child);
	if (!asked || !asked->memory || !failure || failure->limit)
		return;
	failure->limit_is_sure = limits_by_cgroup(supervisor, child);
	failure->limit = failure->limit_is_sure ? surely(supervisor, child, asked->memory) :
		perhaps(supervisor, child, asked->memory, (int64_t)usage->ru_maxrss * 1024);
	if (failure->limit && !judged && (child->verdict == VERDICT_IGNORE || child->verdict == VERDICT_AGAIN))
		output_error(&supervisor->output, "%s failed %s", child->name, failure->limit);     /* its policy has acted already */
}
