/* SPDX-License-Identifier: MIT */
#include "supervise/reap.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"

bool reap_without_children_file;

struct relation {
	pid_t process, parent;
	bool ended;                     /* not reaped yet */
};
struct relations {
	LIST(struct relation) list;
};

void reap_become_subreaper(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* Process and parent as /proc names them, which in a PID namespace of our own is as everybody does. */
static bool relation_of(pid_t process, struct relation *out)
{
	char path[40], line[512];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	size_t got = fread(line, 1, sizeof line - 1, file);
	fclose(file);
	line[got] = '\0';
	const char *behind = strrchr(line, ')');        /* the name may hold anything */
	int parent;
	char state;
	if (!behind || sscanf(behind + 1, " %c %d", &state, &parent) != 2)
		return false;
	*out = (struct relation){ .process = process, .parent = parent, .ended = state == 'Z' || state == 'X' };
	return true;
}

static void read_relations(struct relations *out)
{
	DIR *all = opendir("/proc");
	if (!all)
		return;
	for (struct dirent *entry; (entry = readdir(all)); ) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		struct relation relation;
		if (relation_of((pid_t)atoi(entry->d_name), &relation))
			*list_add(&out->list) = relation;
	}
	closedir(all);
}

/* False if the kernel has no such file. The supervisor and the guardian have one thread. */
static bool read_children_file(struct pids *out)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	struct text cleanup_text text = { 0 };
	if (reap_without_children_file || files_read(path, &text, 0, NULL))
		return false;
	char *at = text.data;
	for (char *end; at && *at; at = end) {
		long process = strtol(at, &end, 10);
		if (end == at)
			break;
		*list_add(&out->list) = (pid_t)process;
	}
	return true;
}

void reap_children(struct pids *out)
{
	if (read_children_file(out))
		return;
	struct relations relations = { 0 };
	read_relations(&relations);
	for (size_t i = 0; i < relations.list.count; i++)
		if (relations.list.at[i].parent == getpid())
			*list_add(&out->list) = relations.list.at[i].process;
	list_release(&relations.list);
}

char *reap_variable(pid_t process, const char *name)
{
	char path[40];
	snprintf(path, sizeof path, "/proc/%d/environ", (int)process);
	struct text cleanup_text text = { 0 };
	if (files_read(path, &text, (size_t)8 << 20, NULL) || !text.length)
		return NULL;
	size_t length = strlen(name);
	for (const char *at = text.data; at < text.data + text.length; at += strlen(at) + 1)
		if (!strncmp(at, name, length) && at[length] == '=')
			return memory_copy_text(at + length + 1);
	return NULL;
}

static int by_parent(const void *a, const void *b)
{
	const struct relation *x = a, *y = b;
	return (x->parent > y->parent) - (x->parent < y->parent);
}

/* First relation with this parent, or the end. */
static size_t first_child(const struct relations *relations, pid_t parent)
{
	size_t low = 0, high = relations->list.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (relations->list.at[middle].parent < parent)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A process and everything below it, parents before children. */
static void read_descendants(pid_t above, struct relations *below)
{
	struct relations relations = { 0 };
	read_relations(&relations);
	if (relations.list.count)
		qsort(relations.list.at, relations.list.count, sizeof relations.list.at[0], by_parent);
	*list_add(&below->list) = (struct relation){ .process = above };
	for (size_t i = 0; i < below->list.count; i++) {
		pid_t parent = below->list.at[i].process;
		for (size_t child = first_child(&relations, parent); child < relations.list.count &&
		     relations.list.at[child].parent == parent; child++)
			*list_add(&below->list) = relations.list.at[child];
	}
	list_release(&relations.list);
}

void reap_signal_descendants(pid_t above, int signal)
{
	struct relations below = { 0 };
	read_descendants(above, &below);
	for (size_t i = 1; i < below.list.count; i++)
		kill(below.list.at[i].process, signal);
	list_release(&below.list);
}

bool reap_anyone_below(pid_t above)
{
	struct relations below = { 0 };
	bool found = false;
	read_descendants(above, &below);
	for (size_t i = 1; i < below.list.count; i++)
		found |= !below.list.at[i].ended;
	list_release(&below.list);
	return found;
}

/* Waits for SIGCHLD, which the caller has blocked, or a little. */
static void wait_for_child(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	struct timespec limit = { .tv_nsec = 20000000 };
	sigtimedwait(&set, NULL, &limit);
}

static bool is_among(const struct pids *processes, pid_t process)
{
	for (size_t i = 0; processes && i < processes->list.count; i++)
		if (processes->list.at[i] == process)
			return true;
	return false;
}

/* Sends KILL to the children that are there; how many. Dead ones count until they are reaped. */
static size_t kill_children(const struct pids *spared)
{
	struct pids children = { 0 };
	size_t count = 0;
	reap_children(&children);
	for (size_t i = 0; i < children.list.count; i++)
		if (!is_among(spared, children.list.at[i])) {
			kill(children.list.at[i], SIGKILL);
			count++;
		}
	list_release(&children.list);
	return count;
}

bool reap_everything(const struct pids *spared, int64_t limit_ms)
{
	int64_t end = clock_ms() + limit_ms;
	for (;;) {
		size_t left = kill_children(spared);
		pid_t reaped;
		bool any = false;
		while ((reaped = waitpid(-1, NULL, WNOHANG)) > 0)
			any = true;
		if (reaped < 0 && errno == ECHILD)
			return true;
		if (!left && !any && spared && spared->list.count)
			return true;
		if (clock_ms() >= end)
			return false;
		if (!any)
			wait_for_child();
	}
}
