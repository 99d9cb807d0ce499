/* SPDX-License-Identifier: MIT */
#include "supervise/probe.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "supervise/build.h"
#include "supervise/diagnostics.h"
#include "supervise/globals.h"
#include "supervise/locate.h"
#include "supervise/subject.h"

enum {
	AT_ONCE = 32,           /* modules opened at the same time */
	DIAGNOSTICS_MOST = 30,
	LAST_LINES = 3
};

/* A problem to be told wherever the module is named. */
struct finding {
	enum severity severity;
	const char *rule;
	struct mark mark;       /* line 0: at the module's word */
	size_t word;
	char *message, *hint;
};

struct entry {
	char *key;              /* all that makes it this module */
	char *shown;            /* as the author named it */
	bool known;             /* the rest is final */
	bool sources;
	LIST(char *) paths;     /* of its words */
	char *object;
	struct interface *interface;    /* NULL: findings say why */
	json_t *description;
	LIST(struct finding) findings;
	struct subject subject;
};

struct probe {
	struct places places;
	struct builder builder;
	struct error error;     /* why there is no builder */
	char *current_folder;
	LIST(struct entry *) entries;
	LIST(char *) names;     /* of files in marks */
	struct pids before;     /* the children we had */
	int was_subreaper;
	bool settled;
};

/* What is done for one group's module, while the group is there. */
struct task {
	struct entry *entry;
	const struct group *group;
};

/* ---- findings ---- */

__attribute__((format(printf, 5, 6)))
static struct finding *add_finding(struct entry *entry, size_t word, const char *rule, char *hint, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	struct finding *finding = list_add(&entry->findings);
	*finding = (struct finding){ SEVERITY_ERROR, rule, { 0 }, word, memory_format_list(format, list), hint };
	va_end(list);
	return finding;
}

/* "its last lines: ..."; NULL: it said nothing. */
static char *last_lines(const char *output)
{
	size_t length = strlen(output);
	while (length && output[length - 1] == '\n')
		length--;
	size_t from = length;
	for (int lines = 0; from && (output[from - 1] != '\n' || ++lines < LAST_LINES); from--)
		;
	if (!length)
		return NULL;
	char *text = memory_format("its last lines: %.*s", (int)(length - from), output + from);
	for (char *at = text; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = *at == '\n' ? '|' : ' ';
	return text;
}

static struct mark word_mark(const struct group *group, size_t word)
{
	return word < group->module.count ? group->module.at[word].mark : group->mark;
}

static void tell(const struct entry *entry, const struct group *group, struct problems *problems)
{
	for (size_t i = 0; i < entry->findings.count; i++) {
		const struct finding *one = &entry->findings.at[i];
		struct mark mark = one->mark.line ? one->mark : word_mark(group, one->word);
		if (one->severity == SEVERITY_ERROR)
			problem_add(problems, mark, one->rule, one->hint, "%s", one->message);
		else
			problem_warn(problems, mark, one->rule, one->hint, "%s", one->message);
	}
}

/* ---- which files ---- */

static bool is_source(const char *word)
{
	return text_ends(word, ".c");
}

static bool is_object(const char *word)
{
	return text_ends(word, ".so") || strstr(word, ".so.");
}

static void check_kind(struct entry *entry, const struct group *group, size_t place)
{
	const char *word = group->module.at[place].text;
	if (!is_source(word) && !is_object(word))
		add_finding(entry, place, "module-kind", memory_copy_text("another language's sources are compiled into a "
			"shared object by hand: g++ -shared -fPIC $(pkg-config --cflags lpad) ..."),
			"`%s` is neither a C source (.c) nor a shared object (.so)", word);
	else if (is_object(word) && group->module.count > 1)
		add_finding(entry, place, "module-kind", NULL, "the shared object `%s` stands alone: a list names C sources",
			word);
}

static void find_file(struct probe *probe, struct entry *entry, const struct group *group, size_t place)
{
	const struct word *word = &group->module.at[place];
	const char *base = word->base ? word->base : probe->current_folder;
	char *path = locate(&probe->places, base, word->text);
	if (path) {
		*list_add(&entry->paths) = path;
		return;
	}
	char *cleanup_free folders = locate_folders(&probe->places, base, word->text);
	char *cleanup_free nearest = locate_nearest(&probe->places, base, word->text);
	add_finding(entry, place, "module-missing", nearest ? memory_format("did you mean %s?", nearest) : NULL,
		"there is no `%s` in %s", word->text, folders);
}

static void check_age(struct entry *entry)
{
	char *cleanup_free newer = locate_newer_source(entry->paths.at[0]);
	if (newer)
		add_finding(entry, 0, "module-stale", NULL, "%s is newer than the %s named here: name %s, or build it",
			files_name_of(newer), files_name_of(entry->paths.at[0]), files_name_of(newer));
}

static void find_files(struct probe *probe, const struct task *task)
{
	struct entry *entry = task->entry;
	for (size_t i = 0; i < task->group->module.count; i++) {
		check_kind(entry, task->group, i);
		if (!entry->findings.count)
			find_file(probe, entry, task->group, i);
	}
	if (entry->findings.count)
		return;
	entry->sources = is_source(entry->paths.at[0]);
	if (entry->sources)
		return;
	check_age(entry);
	if (!entry->findings.count)
		entry->object = memory_copy_text(entry->paths.at[0]);
}

/* ---- compiling ---- */

/* A path as a person here would write it, to stay as long as the probe. */
static const char *file_name(struct probe *probe, const char *path, size_t length)
{
	size_t folder = strlen(probe->current_folder);
	if (length > folder + 1 && !strncmp(path, probe->current_folder, folder) && path[folder] == '/') {
		path += folder + 1;
		length -= folder + 1;
	}
	for (size_t i = 0; i < probe->names.count; i++)
		if (strlen(probe->names.at[i]) == length && !strncmp(probe->names.at[i], path, length))
			return probe->names.at[i];
	return *list_add(&probe->names) = memory_copy_span(path, length);
}

static size_t add_diagnostics(struct probe *probe, struct entry *entry, const char *output)
{
	struct diagnostic one;
	size_t errors = 0;
	for (size_t count = 0; count < DIAGNOSTICS_MOST && diagnostic_next(&output, &one); count++) {
		struct finding *finding = add_finding(entry, 0, one.error ? "compiler" : "compiler-warning", NULL, "%.*s",
			(int)one.message_length, one.message);
		finding->severity = one.error ? SEVERITY_ERROR : SEVERITY_WARNING;
		finding->mark = (struct mark){ file_name(probe, one.file, one.file_length), one.line, one.column,
			one.line, one.column + 1 };
		errors += one.error;
	}
	return errors;
}

static void take_build(struct probe *probe, struct entry *entry, const struct build *build)
{
	size_t errors = 0;
	switch (build->outcome) {
	case BUILD_DONE:
		entry->object = memory_copy_text(build->object);
		add_diagnostics(probe, entry, build->output);
		break;
	case BUILD_NO_COMPILER:
		add_finding(entry, 0, "no-compiler", memory_copy_text("apt install build-essential, or name a compiler: "
			"`build: {compiler: clang}` or $CC"), "there is no compiler `%s` to compile %s with",
			build->used, entry->shown);
		break;
	case BUILD_REFUSED:
		errors = add_diagnostics(probe, entry, build->output);
		add_finding(entry, 0, "module-compile", errors ? NULL : last_lines(build->output), "%s does not compile",
			entry->shown);
		break;
	case BUILD_FAILED:
		add_finding(entry, 0, "module-compile", last_lines(build->output), "%s could not be compiled", entry->shown);
		break;
	}
}

static void order_build(const struct task *task, struct build *out)
{
	const struct group *group = task->group;
	*out = (struct build){
		.sources = task->entry->paths.at, .source_count = task->entry->paths.count,
		.flags = group->build.flags.at, .flag_count = group->build.flags.count,
		.libs = group->build.libs.at, .lib_count = group->build.libs.count,
		.compiler = group->build.compiler, .folder = group->module.at[0].base };
}

static void compile(struct probe *probe, const struct task *tasks, size_t count)
{
	struct build *cleanup_free builds = memory_array(count, sizeof *builds);
	size_t *cleanup_free places = memory_array(count, sizeof *places);
	size_t wanted = 0;
	for (size_t i = 0; i < count; i++)
		if (tasks[i].entry->sources && !tasks[i].entry->findings.count) {
			order_build(&tasks[i], &builds[wanted]);
			places[wanted++] = i;
		}
	if (wanted && !probe->builder.cache) {
		for (size_t i = 0; i < wanted; i++)
			add_finding(tasks[places[i]].entry, 0, "module-compile", NULL, "%s", probe->error.text);
		return;
	}
	build_all(&probe->builder, builds, wanted);
	for (size_t i = 0; i < wanted; i++) {
		take_build(probe, tasks[places[i]].entry, &builds[i]);
		build_release(&builds[i]);
	}
}

/* ---- opening ---- */

static void describe_death(struct entry *entry, const char *when)
{
	const struct subject *subject = &entry->subject;
	char *cleanup_free how = helper_status_text(subject->status);
	if (subject->state == SUBJECT_LATE)
		add_finding(entry, 0, "module-hangs", last_lines(text_string(&subject->output)),
			"%s hangs %s: no answer within %g s", entry->shown, when, subject_step_limit());
	else if (WIFSIGNALED(subject->status))
		add_finding(entry, 0, "module-crash", last_lines(text_string(&subject->output)), "%s crashes %s: %s",
			entry->shown, when, how);
	else
		add_finding(entry, 0, "module-crash", last_lines(text_string(&subject->output)),
			"%s ends the process %s: %s", entry->shown, when, how);
}

/* What only a constructor can have done: nothing of the module was called yet. */
static bool misbehaved(struct entry *entry)
{
	if (entry->subject.output.length) {
		add_finding(entry, 0, "module-prints", last_lines(text_string(&entry->subject.output)),
			"%s prints while it is loaded: nothing may happen before init", entry->shown);
		return true;
	}
	if (subject_forked(&entry->subject)) {
		add_finding(entry, 0, "module-forks", NULL,
			"%s starts a process while it is loaded: nothing may happen before init", entry->shown);
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
		add_finding(entry, 0, "module-refused", NULL, "%s is no module: %s", entry->shown, wrong);
		return;
	}
	char *cleanup_free globals = globals_of(entry->object);
	if (globals)
		json_object_set_new(json, "globals", json_string(globals));
	entry->interface = interface_from_json(json, entry->object, entry->shown, &error);
	if (!entry->interface)
		add_finding(entry, 0, "module-refused", NULL, "%s describes itself badly: %s", entry->shown, error.text);
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
		add_finding(entry, 0, "module-refused", NULL, "%s could not be examined: %s", entry->shown,
			subject->error.text);
	else if (subject->state != SUBJECT_ANSWERED)
		describe_death(entry, "while it is loaded");
	else if (!misbehaved(entry))
		take_interface(entry);
	if (!has_check(entry->interface))
		subject_end(subject);
}

static void open_some(const struct task *tasks, size_t count)
{
	struct subject *subjects[AT_ONCE];
	struct entry *opened[AT_ONCE];
	size_t wanted = 0;
	for (size_t i = 0; i < count; i++) {
		struct entry *entry = tasks[i].entry;
		if (!entry->object)
			continue;
		entry->subject.path = entry->object;
		subject_ask(&entry->subject, json_pack("{s:s}", "do", "describe"));
		opened[wanted] = entry;
		subjects[wanted++] = &entry->subject;
	}
	subjects_wait(subjects, wanted);
	for (size_t i = 0; i < wanted; i++)
		conclude(opened[i]);
}

static void examine(struct probe *probe, const struct task *tasks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		find_files(probe, &tasks[i]);
	compile(probe, tasks, count);
	for (size_t i = 0; i < count; i += AT_ONCE)
		open_some(tasks + i, count - i < AT_ONCE ? count - i : AT_ONCE);
	for (size_t i = 0; i < count; i++)
		tasks[i].entry->known = true;
}

/* ---- the table of modules ---- */

static char *entry_key(const struct group *group)
{
	struct text key = { 0 };
	for (size_t i = 0; i < group->module.count; i++)
		text_format(&key, "%s\n%s\n", group->module.at[i].base ? group->module.at[i].base : "",
			group->module.at[i].text);
	text_format(&key, "compiler %s\n", group->build.compiler ? group->build.compiler : "");
	for (size_t i = 0; i < group->build.flags.count; i++)
		text_format(&key, "flag %s\n", group->build.flags.at[i]);
	for (size_t i = 0; i < group->build.libs.count; i++)
		text_format(&key, "lib %s\n", group->build.libs.at[i]);
	return text_take(&key);
}

static struct entry *entry_of(struct probe *probe, const struct group *group)
{
	char *key = entry_key(group);
	for (size_t i = 0; i < probe->entries.count; i++)
		if (!strcmp(probe->entries.at[i]->key, key)) {
			free(key);
			return probe->entries.at[i];
		}
	struct entry *entry = memory_new(sizeof *entry);
	*entry = (struct entry){ .key = key, .shown = memory_copy_text(group->module.at[0].text) };
	return *list_add(&probe->entries) = entry;
}

static void entry_free(struct entry *entry)
{
	for (size_t i = 0; i < entry->findings.count; i++) {
		free(entry->findings.at[i].message);
		free(entry->findings.at[i].hint);
	}
	for (size_t i = 0; i < entry->paths.count; i++)
		free(entry->paths.at[i]);
	list_release(&entry->findings);
	list_release(&entry->paths);
	if (entry->interface)
		interface_free(entry->interface);
	json_decref(entry->description);
	free(entry->key);
	free(entry->shown);
	free(entry->object);
	free(entry);
}

void probe_prepare(struct probe *probe, const struct topology *topology)
{
	struct task *cleanup_free tasks = memory_array(topology->groups.count, sizeof *tasks);
	size_t count = 0;
	for (size_t i = 0; i < topology->groups.count; i++) {
		const struct group *group = &topology->groups.at[i];
		size_t before = probe->entries.count;
		if (!group->module.count)
			continue;
		struct entry *entry = entry_of(probe, group);
		if (probe->entries.count > before)
			tasks[count++] = (struct task){ entry, group };
	}
	examine(probe, tasks, count);
}

static const struct interface *find(void *context, const struct source *source, const struct group *group,
	struct problems *problems)
{
	struct probe *probe = context;
	struct task task = { entry_of(probe, group), group };
	(void)source;
	if (!task.entry->known)
		examine(probe, &task, 1);
	tell(task.entry, group, problems);
	return task.entry->interface;
}

/* ---- the check callback ---- */

static char **one_complaint(char *text)
{
	char **list = memory_array(2, sizeof *list);
	list[0] = text;
	return list;
}

static char *death_complaint(const struct subject *subject)
{
	char *cleanup_free how = helper_status_text(subject->status);
	char *cleanup_free lines = last_lines(text_string(&subject->output));
	if (subject->state == SUBJECT_FAILED)
		return memory_format("its check could not be called: %s", subject->error.text);
	if (subject->state == SUBJECT_LATE)
		return memory_format("its check hangs: no answer within %g s", subject_step_limit());
	return memory_format("its check crashes: %s%s%s", how, lines ? "; " : "", lines ? lines : "");
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

static char **check(void *context, const struct interface *interface, json_t *document)
{
	struct probe *probe = context;
	const char *name = json_string_value(json_object_get(document, "implementation"));
	const struct implementation_spec *spec = name ? interface_find(interface, name) : NULL;
	if (!spec || !spec->has_check)
		return NULL;
	for (size_t i = 0; i < probe->entries.count; i++) {
		struct subject *subject = &probe->entries.at[i]->subject;
		if (probe->entries.at[i]->interface != interface)
			continue;
		subject_ask(subject, json_pack("{s:s, s:s, s:O}", "do", "check", "implementation", name,
			"document", document));
		subjects_wait(&subject, 1);
		return subject->state == SUBJECT_ANSWERED ? read_complaints(subject->reply)
			: one_complaint(death_complaint(subject));
	}
	return NULL;
}

/* ---- the probe ---- */

struct probe *probe_open(void)
{
	struct probe *probe = memory_new(sizeof *probe);
	if (builder_open(&probe->builder, &probe->error))
		probe->builder = (struct builder){ 0 };
	if (places_find(&probe->places, NULL))
		probe->places.nodes = memory_copy_text(LPAD_PREFIX "/lib/lpad/nodes");
	probe->current_folder = files_current_folder();
	if (!probe->current_folder)
		probe->current_folder = memory_copy_text("/");
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
	for (size_t i = 0; i < probe->names.count; i++)
		free(probe->names.at[i]);
	list_release(&probe->entries);
	list_release(&probe->names);
	list_release(&probe->before.list);
	builder_close(&probe->builder);
	places_release(&probe->places);
	free(probe->current_folder);
	free(probe);
}
