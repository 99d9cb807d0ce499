/* SPDX-License-Identifier: MIT */
#include "supervise/usage.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"

static bool read_process(const char *process, struct usage *out)
{
	struct text cleanup_text text = { 0 };
	unsigned long long user = 0, system = 0;
	long long user_of_children = 0, system_of_children = 0, pages = 0;
	int group = 0;
	char *cleanup_free path = memory_format("/proc/%s/stat", process);
	const char *after = files_read(path, &text, 0, NULL) ? NULL : strrchr(text_string(&text), ')');
	if (!after || sscanf(after, ") %*c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %lld %lld %*d %*d %*d %*d %*u %*u %lld",
	    &group, &user, &system, &user_of_children, &system_of_children, &pages) != 6)
		return false;
	double ticks = (double)user + (double)system + (double)user_of_children + (double)system_of_children;
	*out = (struct usage){ .group = group, .cpu = ticks / (double)sysconf(_SC_CLK_TCK),
		.memory = pages * sysconf(_SC_PAGESIZE) };
	return true;
}

static int by_group(const void *a, const void *b)
{
	const struct usage *one = a, *two = b;
	return one->group < two->group ? -1 : one->group > two->group;
}

void usage_read(struct usages *out)
{
	DIR *all = opendir("/proc");
	struct usage usage;
	*out = (struct usages){ 0 };
	for (struct dirent *entry; all && (entry = readdir(all)); )
		if (isdigit((unsigned char)entry->d_name[0]) && read_process(entry->d_name, &usage))
			*list_add(&out->list) = usage;
	if (all)
		closedir(all);
	if (out->list.count)
		qsort(out->list.at, out->list.count, sizeof *out->list.at, by_group);
}

struct usage usage_of(const struct usages *usages, pid_t group)
{
	struct usage sum = { .group = group };
	size_t low = 0, high = usages->list.count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (usages->list.at[middle].group < group)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < usages->list.count && usages->list.at[low].group == group; low++) {
		sum.cpu += usages->list.at[low].cpu;
		sum.memory += usages->list.at[low].memory;
	}
	return sum;
}

void usage_release(struct usages *usages)
{
	list_release(&usages->list);
}
