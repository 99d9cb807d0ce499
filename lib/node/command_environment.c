/* SPDX-License-Identifier: MIT */
/* What a program is told by its environment, on top of this process's own. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "node/command_inside.h"

extern char **environ;

static size_t name_length(const char *entry)
{
	return strcspn(entry, "=") + 1;
}

static char **find(const struct environment *environment, const char *entry, size_t length)
{
	for (size_t i = 0; i < environment->list.count; i++)
		if (environment->list.at[i] && !strncmp(environment->list.at[i], entry, length))
			return &environment->list.at[i];
	return NULL;
}

/* Takes "NAME=value". */
static void set(struct environment *environment, char *entry)
{
	char **before = find(environment, entry, name_length(entry));
	if (!before) {
		*list_add(&environment->list) = entry;
		return;
	}
	free(*before);
	*before = entry;
}

const char *environment_value(const struct environment *environment, const char *name)
{
	char *cleanup_free entry = memory_format("%s=", name);
	char **found = find(environment, entry, strlen(entry));
	return found ? *found + strlen(entry) : NULL;
}

/* The folder of lpad.py: beside a program that is not installed, else where it is installed. Caller frees; NULL: it is nowhere. */
static char *python_folder(void)
{
	char program[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
	char *cleanup_free folder = length > 0 ? memory_copy_span(program, (size_t)length) : memory_copy_text("/");
	char *cleanup_free beside = files_folder_of(folder);
	const char *const candidates[] = { "python", "../share/lpad/python", LPAD_PREFIX "/share/lpad/python" };
	for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
		char *found = files_absolute(beside, candidates[i]);
		char *cleanup_free library = memory_format("%s/lpad.py", found);
		if (files_is_file(library))
			return found;
		free(found);
	}
	return NULL;
}

static void set_python(struct environment *environment)
{
	char *cleanup_free folder = python_folder();
	const char *before = environment_value(environment, "PYTHONPATH");
	if (folder)
		set(environment, memory_format("PYTHONPATH=%s%s%s", folder, before && *before ? ":" : "", before ? before : ""));
	if (!environment_value(environment, "PYTHONUNBUFFERED"))
		set(environment, memory_copy_text("PYTHONUNBUFFERED=1"));
}

void environment_make(struct environment *environment, const lpad_node *node, const char *socket, bool ready)
{
	const struct replica_document *document = node->document;
	for (char **entry = environ; *entry; entry++)
		*list_add(&environment->list) = memory_copy_text(*entry);
	set(environment, memory_format("LPAD_RUN=%s", node->process->run));
	set(environment, memory_format("LPAD_NAME=%s", document->node));
	set(environment, memory_format("LPAD_FOLDER=%s", document->folder));
	set(environment, memory_format("LPAD_INDEX=%d", document->index));
	set(environment, memory_format("LPAD_REPLICAS=%d", document->replicas));
	set(environment, memory_format("LPAD_INCARNATION=%d", document->incarnation));
	set(environment, memory_format("LPAD_SEED=%lld", (long long)node->process->seed));
	set(environment, memory_format("LPAD_SOCKET=%s", socket));
	if (ready)
		set(environment, memory_format("LPAD_READY_FD=%d", PROGRAM_READY_FD));
	set_python(environment);
	*list_add(&environment->list) = NULL;
}

void environment_release(struct environment *environment)
{
	for (size_t i = 0; i < environment->list.count; i++)
		free(environment->list.at[i]);
	list_release(&environment->list);
}
