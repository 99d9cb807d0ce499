/* SPDX-License-Identifier: MIT */
#include "supervise/probe.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "supervise/candidate.h"
#include "supervise/globals.h"
#include "supervise/subject.h"

enum {
	AT_ONCE = 32,           /* modules opened at the same time */
	DEATHS_MOST = 3         /* of one module's child in check callbacks: then it is not asked again */
};

struct entry {
	struct candidate module;
	bool known;                     /* the rest is final */
	struct interface *interface;    /* NULL: the module's findings say why */
	json_t *description;
	struct subject subject;
	int deaths;
};

struct probe {
	struct workshop workshop;
	LIST(struct entry *) entries;
	struct pids before;     /* the children we had */
	int was_subreaper;
	bool settled;
};

/* ---- opening ---- */

/* An array without its end is read on into whatever lies behind it. */
static char *crash_hint(const char *output)
{
	static const char question[] = "does every array of declarations end with LPAD_END?";
	char *cleanup_free lines = candidate_last_lines(output);
	return lines ? memory_format("%s; %s", lines, question) : memory_copy_text(question);
}

static void describe_death(struct entry *entry, const char *when)
{
	const struct subject *subject = &entry->subject;
	char *cleanup_free how = helper_status_text(subject->status);
	if (subject->state == SUBJECT_LATE)
		candidate_add(&entry->module, 0, "module-hangs", candidate_last_lines(text_string(&subject->output)),
			"%s hangs %s: no answer within %g s", entry->module.shown, when, subject_step_limit());
	else if (WIFSIGNALED(subject->status))
		candidate_add(&entry->module, 0, "module-crash", crash_hint(text_string(&subject->output)), "%s crashes %s: %s",
			entry->module.shown, when, how);
	else
		candidate_add(&entry->module, 0, "module-crash", candidate_last_lines(text_string(&subject->output)),
			"%s ends the process %s: %s", entry->module.shown, when, how);
}

/* What only a constructor can have done: nothing of the module was called yet. */
static bool misbehaved(struct entry *entry)
{
	if (entry->subject.output.length) {
		candidate_add(&entry->module, 0, "module-prints", candidate_last_lines(text_string(&entry->subject.output)),
			"%s prints while it is loaded: nothing may happen before init", entry->module.shown);
		return true;
	}
	if (subject_forked(&entry->subject)) {
		candidate_add(&entry->module, 0, "module-forks", NULL,
			"%s starts a process while it is loaded: nothing may happen before init", entry->module.shown);
		return true;
	}
	return false;
}

static void take_interface(struct entry *entry)
{
	struct error error = { 0 };
	json_t *json = json_object_get(entry->subject.reply, "interface");
	const char *wrong = json_string_value(json_object_get(entry->subject.reply, "error"));
	if (wrong) {
		char *hint = entry->module.sources ? candidate_undefined_hint(&entry->module, wrong) : NULL;
		candidate_add(&entry->module, 0, "module-refused", hint, "%s is no module: %s", entry->module.shown, wrong);
		return;
	}
	char *cleanup_free globals = globals_of(entry->module.object);
	if (globals)
		json_object_set_new(json, "globals", json_string(globals));
	entry->interface = interface_from_json(json, entry->module.object, entry->module.shown, &error);
	if (!entry->interface)
		candidate_add(&entry->module, 0, "module-refused", NULL, "%s describes itself badly: %s", entry->module.shown, error.text);
	entry->description = json_incref(json);
}

static bool has_check(const struct interface *interface)
{
	for (size_t i = 0; interface && i < interface->implementations.count; i++)
		if (interface->implementations.at[i].has_check)
			return true;
	return false;
}

/* After the answer: the child stays only if something can still be asked of it. */
static void conclude(struct entry *entry)
{
	struct subject *subject = &entry->subject;
	if (subject->state == SUBJECT_FAILED)
		candidate_add(&entry->module, 0, "module-refused", NULL, "%s could not be examined: %s", entry->module.shown,
			subject->error.text);
	else if (subject->state != SUBJECT_ANSWERED)
		describe_death(entry, "while it is loaded");
	else if (!misbehaved(entry))
		take_interface(entry);
	if (!has_check(entry->interface))
		subject_end(subject);
}

static void open_some(struct entry *const *entries, size_t count)
{
	struct subject *subjects[AT_ONCE];
	struct entry *opened[AT_ONCE];
	size_t wanted = 0;
	for (size_t i = 0; i < count; i++) {
		if (!entries[i]->module.object)
			continue;
		opened[wanted] = entries[i];
		subjects[wanted] = &entries[i]->subject;
		subjects[wanted]->path = entries[i]->module.object;
		subject_ask(subjects[wanted++], json_pack("{s:s}", "do", "describe"));
	}
	subjects_wait(subjects, wanted);
	for (size_t i = 0; i < wanted; i++)
		conclude(opened[i]);
}

/* groups[i] names entries[i]. */
static void examine(struct probe *probe, struct entry *const *entries, const struct group *const *groups, size_t count)
{
	struct candidate **cleanup_free candidates = memory_array(count, sizeof *candidates);
	for (size_t i = 0; i < count; i++)
		candidates[i] = &entries[i]->module;
	candidates_make(&probe->workshop, candidates, groups, count);
	for (size_t i = 0; i < count; i += AT_ONCE)
		open_some(entries + i, count - i < AT_ONCE ? count - i : AT_ONCE);
	for (size_t i = 0; i < count; i++)
		entries[i]->known = true;
}

/* ---- the table of modules ---- */

static struct entry *entry_of(struct probe *probe, const struct group *group)
{
	char *cleanup_free key = candidate_key(group);
	for (size_t i = 0; i < probe->entries.count; i++)
		if (!strcmp(probe->entries.at[i]->module.key, key))
			return probe->entries.at[i];
	struct entry *entry = memory_new(sizeof *entry);
	candidate_init(&entry->module, group);
	return *list_add(&probe->entries) = entry;
}

static void entry_free(struct entry *entry)
{
	if (entry->interface)
		interface_free(entry->interface);
	json_decref(entry->description);
	candidate_release(&entry->module);
	free(entry);
}

void probe_prepare(struct probe *probe, const struct topology *topology)
{
	struct entry **cleanup_free entries = memory_array(topology->groups.count, sizeof *entries);
	const struct group **cleanup_free groups = memory_array(topology->groups.count, sizeof *groups);
	size_t count = 0;
	for (size_t i = 0; i < topology->groups.count; i++) {
		const struct group *group = &topology->groups.at[i];
		size_t before = probe->entries.count;
		struct entry *entry = group->module.count ? entry_of(probe, group) : NULL;
		if (probe->entries.count == before)
			continue;
		entries[count] = entry;
		groups[count++] = group;
	}
	examine(probe, entries, groups, count);
}

static const struct interface *find(void *context, const struct source *source, const struct group *group,
	struct problems *problems)
{
	struct probe *probe = context;
	struct entry *entry = entry_of(probe, group);
	(void)source;
	if (!entry->known)
		examine(probe, &entry, &group, 1);
	candidate_tell(&entry->module, group, problems);
	return entry->interface;
}

/* ---- the check callback ---- */

static char **one_complaint(char *text)
{
	char **list = memory_array(2, sizeof *list);
	list[0] = text;
	return list;
}

static char *death_complaint(const struct entry *entry)
{
	const struct subject *subject = &entry->subject;
	const char *end = entry->deaths == DEATHS_MOST ? "; this module's checks are not called again" : "";
	char *cleanup_free how = helper_status_text(subject->status);
	char *cleanup_free lines = candidate_last_lines(text_string(&subject->output));
	if (subject->state == SUBJECT_FAILED)
		return memory_format("its check could not be called: %s%s", subject->error.text, end);
	if (subject->state == SUBJECT_LATE)
		return memory_format("its check hangs: no answer within %g s%s", subject_step_limit(), end);
	return memory_format("its check crashes: %s%s%s%s", how, lines ? "; " : "", lines ? lines : "", end);
}

static char **read_complaints(const json_t *reply)
{
	const json_t *list = json_object_get(reply, "complaints");
	const char *wrong = json_string_value(json_object_get(reply, "error"));
	if (wrong)
		return one_complaint(memory_copy_text(wrong));
	size_t count = json_array_size(list);
	if (!count)
		return NULL;
	char **complaints = memory_array(count + 1, sizeof *complaints);
	for (size_t i = 0; i < count; i++)
		complaints[i] = memory_copy_text(json_string_value(json_array_get(list, i)));
	return complaints;
}

static char **ask_check(struct entry *entry, const char *name, json_t *document)
{
	struct subject *subject = &entry->subject;
	if (entry->deaths == DEATHS_MOST)
		return NULL;
	subject_ask(subject, json_pack("{s:s, s:s, s:O}", "do", "check", "implementation", name, "document", document));
	subjects_wait(&subject, 1);
	if (subject->state == SUBJECT_ANSWERED)
		return read_complaints(subject->reply);
	entry->deaths++;
	return one_complaint(death_complaint(entry));
}

static char **check(void *context, const struct interface *interface, json_t *document)
{
	struct probe *probe = context;
	const char *name = json_string_value(json_object_get(document, "implementation"));
	const struct implementation_spec *spec = name ? interface_find(interface, name) : NULL;
	if (!spec || !spec->has_check)
		return NULL;
	for (size_t i = 0; i < probe->entries.count; i++)
		if (probe->entries.at[i]->interface == interface)
			return ask_check(probe->entries.at[i], name, document);
	return NULL;
}

/* ---- the probe ---- */

struct probe *probe_open(void)
{
	struct probe *probe = memory_new(sizeof *probe);
	workshop_open(&probe->workshop);
	helper_children(getpid(), &probe->before);
	prctl(PR_GET_CHILD_SUBREAPER, &probe->was_subreaper);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return probe;
}

struct module_lookup probe_lookup(struct probe *probe)
{
	return (struct module_lookup){ .context = probe, .find = find, .check = check };
}

json_t *probe_description(const struct probe *probe, const struct interface *interface)
{
	for (size_t i = 0; i < probe->entries.count; i++)
		if (probe->entries.at[i]->interface == interface)
			return probe->entries.at[i]->description;
	return NULL;
}

static bool was_there(const struct probe *probe, pid_t pid)
{
	for (size_t i = 0; i < probe->before.list.count; i++)
		if (probe->before.list.at[i] == pid)
			return true;
	return false;
}

/* What modules have left behind became our children; when those die, theirs do. */
static bool kill_strays(const struct probe *probe)
{
	struct pids children = { 0 };
	bool found = false;
	helper_children(getpid(), &children);
	for (size_t i = 0; i < children.list.count; i++) {
		pid_t pid = children.list.at[i];
		if (was_there(probe, pid))
			continue;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		found = true;
	}
	list_release(&children.list);
	return found;
}

void probe_settle(struct probe *probe)
{
	if (probe->settled)
		return;
	probe->settled = true;
	for (size_t i = 0; i < probe->entries.count; i++)
		subject_end(&probe->entries.at[i]->subject);
	while (kill_strays(probe))
		;
	prctl(PR_SET_CHILD_SUBREAPER, probe->was_subreaper);
}

void probe_close(struct probe *probe)
{
	probe_settle(probe);
	for (size_t i = 0; i < probe->entries.count; i++)
		entry_free(probe->entries.at[i]);
	list_release(&probe->entries);
	list_release(&probe->before.list);
	workshop_close(&probe->workshop);
	free(probe);
}
