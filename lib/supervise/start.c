/* SPDX-License-Identifier: MIT */
/* Spawning: a few processes at a time, so that signals and the first nodes' words are heard meanwhile. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/memory.h"
#include "supervise/inside.h"
#include "supervise/spawn.h"
#include "topology/value.h"

extern char **environ;

enum {
	AT_ONCE = 8,
	DESCRIPTORS_EACH = 3,           /* control, stdout, stderr */
	DESCRIPTORS_OWN = 320,          /* logs held open, and the rest */
	NAMES_SHOWN = 8,
	STEPS_SHOWN = 6
};

int supervise_can_start(int processes, struct error *error)
{
	struct rlimit limit;
	rlim_t needed = (rlim_t)processes * DESCRIPTORS_EACH + DESCRIPTORS_OWN;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return error_code(error, errno, "cannot read the limit of open files: %s", strerror(errno));
	if (limit.rlim_max < needed)
		return error_set(error, "%d processes need %llu open files, and the hard limit is %llu (RLIMIT_NOFILE): "
			"set it to at least %llu with `ulimit -Hn %llu`, in /etc/security/limits.conf (nofile) or with "
			"LimitNOFILE= of the service", processes, (unsigned long long)needed,
			(unsigned long long)limit.rlim_max, (unsigned long long)needed, (unsigned long long)needed);
	return 0;
}

static void raise_descriptors(struct supervisor *supervisor)
{
	getrlimit(RLIMIT_NOFILE, &supervisor->descriptors);
	struct rlimit ours = supervisor->descriptors;
	ours.rlim_cur = ours.rlim_max;
	setrlimit(RLIMIT_NOFILE, &ours);
}

static bool is_waited_for(const struct group *group)
{
	bool has_run = group->spec ? group->spec->has_run && !group->spec->service : group->command != NULL;
	return has_run && !group->background && !group->service_declared;
}

static void add_member(struct supervisor *supervisor, const struct group *group, int index)
{
	int id = group->first + index;
	struct member *member = &supervisor->members[id];
	*member = (struct member){ .group = group, .index = index, .id = id, .incarnation = 1,
		.name = group_replica_name(group, index), .waited = is_waited_for(group),
		.has_run = group->spec ? group->spec->has_run : true, .timer.kind = TIMER_MEMBER };
	supervisor->by_name[id] = member;
	supervisor->waited += member->waited;
	supervisor->unfinished += member->waited;
}

static int64_t longer(int64_t a, int64_t b)
{
	return a < 0 || b < 0 ? -1 : a > b ? a : b;
}

/* Its replicas are those from `first` on; the name becomes the process's own. */
static void add_process(struct supervisor *supervisor, int first, int count, char *name)
{
	int number = supervisor->process_count++;
	struct process *process = &supervisor->processes[number];
	*process = (struct process){ .number = number, .name = name, .count = count,
		.members = memory_array((size_t)count, sizeof *process->members), .end_timer.kind = TIMER_END,
		.closed_timer.kind = TIMER_CLOSED, .control.fd = -1 };
	process->control_watch = (struct watch){ .kind = WATCH_CONTROL, .process = process, .fd = -1 };
	process->stream_watch[0] = (struct watch){ .kind = WATCH_OUTPUT, .process = process, .fd = -1 };
	process->stream_watch[1] = (struct watch){ .kind = WATCH_ERRORS, .process = process, .fd = -1 };
	outlet_init(&supervisor->output, &process->outlet, process->name, number);
	for (int i = 0; i < count; i++) {
		struct member *member = &supervisor->members[first + i];
		process->members[i] = member;
		member->process = process;
		process->start_within_ns = longer(process->start_within_ns, member->group->start_within_ns);
		process->stop_within_ns = longer(process->stop_within_ns, member->group->stop_within_ns);
	}
}

static void prepare_table(struct supervisor *supervisor)
{
	size_t size = 64;
	while (size < (size_t)supervisor->process_count * 2)
		size *= 2;
	supervisor->pid_mask = size - 1;
	supervisor->pids = memory_array(size, sizeof *supervisor->pids);
	for (size_t i = 0; i < size; i++)
		supervisor->pids[i] = -1;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp((*(struct member *const *)a)->name, (*(struct member *const *)b)->name);
}

static void prepare_members(struct supervisor *supervisor)
{
	const struct topology *topology = supervisor->topology;
	supervisor->total = topology->total;
	supervisor->members = memory_array((size_t)topology->total, sizeof *supervisor->members);
	supervisor->by_name = memory_array((size_t)topology->total, sizeof(struct member *));
	for (size_t g = 0; g < topology->groups.count; g++)
		for (int i = 0; i < topology->groups.at[g].replicas; i++)
			add_member(supervisor, &topology->groups.at[g], i);
	supervisor->in_state[MEMBER_NEW] = supervisor->total;
	if (supervisor->total)
		qsort(supervisor->by_name, (size_t)supervisor->total, sizeof(struct member *), compare_names);
}

int start_prepare(struct supervisor *supervisor)
{
	const struct topology *topology = supervisor->topology;
	prepare_members(supervisor);
	supervisor->processes = memory_array((size_t)supervisor->total, sizeof *supervisor->processes);
	for (int i = 0; i < supervisor->total; i++)
		add_process(supervisor, i, 1, memory_copy_text(supervisor->members[i].name));
	prepare_table(supervisor);
	raise_descriptors(supervisor);
	output_say(&supervisor->output, "run %s, seed %lld, %s", supervisor->launch->record->id,
		(long long)topology->seed, supervisor->launch->record->folder);
	output_event(&supervisor->output, json_pack("{ss si ss sI so}", "event", "start", "schema", 1, "run",
		supervisor->launch->record->id, "seed", (json_int_t)topology->seed, "record",
		output_json_text(supervisor->launch->record->folder, strlen(supervisor->launch->record->folder))));
	struct error error = { 0 };
	if (spawn_prepare(&error)) {
		output_error(&supervisor->output, "%s", error.text);
		return -1;
	}
	return 0;
}

static void release_process(struct supervisor *supervisor, struct process *process)
{
	channel_close(&process->control);
	for (int stream = 0; stream < 2; stream++)
		if (process->stream_watch[stream].fd >= 0)
			close(process->stream_watch[stream].fd);
	outlet_release(&supervisor->output, &process->outlet);
	free(process->members);
	free(process->name);
}

void start_release(struct supervisor *supervisor)
{
	for (int i = 0; i < supervisor->process_count; i++)
		release_process(supervisor, &supervisor->processes[i]);
	for (int i = 0; i < supervisor->total; i++) {
		struct member *member = &supervisor->members[i];
		statistics_release(member);
		failure_free(member->failure);
		free(member->waits_for);
		free(member->name);
	}
	free(supervisor->processes);
	free(supervisor->members);
	free(supervisor->by_name);
	free(supervisor->pids);
}

/* ---- one process ---- */

/* What lpad sets, then the file's env, then what lpad was started with, as far as it is not set before. */
struct environment {
	LIST(char *) list;
};

static bool is_set(const struct environment *environment, const char *entry)
{
	size_t length = strcspn(entry, "=") + 1;
	for (size_t i = 0; i < environment->list.count; i++)
		if (!strncmp(environment->list.at[i], entry, length))
			return true;
	return false;
}

/* NAME=value, with the replica's own $index and $folder. */
static char *filled(const struct word *word, const struct member *member, const char *folder)
{
	static char name[] = "env", type[] = "text";
	static const struct param_spec text = { .name = name, .type = type };
	if (!word->template)
		return memory_copy_text(word->text);
	json_t *template = value_template(word->text, word->base);
	json_t *value = value_filled(&text, template, member->index, folder, NULL);
	char *out = memory_copy_text(value ? json_string_value(value) : word->text);
	json_decref(template);
	json_decref(value);
	return out;
}

static void make_environment(const struct supervisor *supervisor, const struct member *member, const char *folder,
	struct environment *out)
{
	const struct group *group = member->group;
	*list_add(&out->list) = memory_format("LPAD_NODE=%s/%s/%d/%d", supervisor->launch->record->id, group->label,
		member->index, member->incarnation);
	for (size_t i = 0; i < group->env.count; i++)
		if (!is_set(out, group->env.at[i].text))
			*list_add(&out->list) = filled(&group->env.at[i], member, folder);
	size_t own = out->list.count;
	for (char **entry = environ; *entry; entry++) {
		struct environment set = { .list = { .at = out->list.at, .count = own } };
		if (!is_set(&set, *entry))
			*list_add(&out->list) = memory_copy_text(*entry);
	}
	*list_add(&out->list) = NULL;
}

static int spawn(struct supervisor *supervisor, struct process *process, const char *folder, struct spawned *out,
	struct error *error)
{
	struct environment environment = { 0 };
	make_environment(supervisor, process->members[0], folder, &environment);
	/* The name is for who looks at the processes. */
	char *arguments[] = { (char []){ "lpad" }, (char []){ "node" }, process->name, NULL };
	struct spawning spawning = { .program = supervisor->launch->program, .arguments = arguments,
		.environment = environment.list.at, .descriptors = supervisor->descriptors };
	int result = spawn_child(&spawning, out, error);
	for (size_t i = 0; i < environment.list.count; i++)
		free(environment.list.at[i]);
	list_release(&environment.list);
	return result;
}

/* Of all its replicas; that of the first one stands in the environment. Caller frees; NULL with an error. */
static char *make_folders(struct supervisor *supervisor, const struct process *process, struct error *error)
{
	char *first = record_node_folder(supervisor->launch->record, process->members[0]->name, error);
	for (int i = 1; first && i < process->count; i++) {
		char *cleanup_free folder = record_node_folder(supervisor->launch->record, process->members[i]->name, error);
		if (!folder) {
			free(first);
			return NULL;
		}
	}
	return first;
}

static json_t *document_of(const struct supervisor *supervisor, const struct process *process)
{
	const struct member *member = process->members[0];
	return supervisor->launch->document(supervisor->launch->context, member->group, member->index, member->incarnation);
}

static void could_not_start(struct supervisor *supervisor, struct process *process, const struct error *error)
{
	struct failure *failure = failure_new("start", 0, "%s", error->text);
	failure->start = true;
	process_set_state(supervisor, process, MEMBER_DEAD);
	process_fail(supervisor, process, failure);
}

static void is_started(struct supervisor *supervisor, struct process *process, const struct spawned *spawned)
{
	process->pid = process->last_pid = spawned->process;
	process->started_ns = supervisor_now(supervisor);
	children_remember(supervisor, process);
	process_set_state(supervisor, process, MEMBER_STARTING);
	channel_init(&process->control, spawned->control);
	supervisor_watch(supervisor, &process->stream_watch[0], spawned->output, EPOLLIN);
	supervisor_watch(supervisor, &process->stream_watch[1], spawned->errors, EPOLLIN);
	supervisor->streams_open += 2;
	for (int i = 0; i < process->count; i++) {
		struct member *member = process->members[i];
		output_event(&supervisor->output, json_pack("{ss ss si si}", "event", "spawn", "node", member->name,
			"pid", (int)spawned->process, "incarnation", member->incarnation));
		member_begin_step(supervisor, member);
	}
}

static void start_one(struct supervisor *supervisor, struct process *process)
{
	struct error error = { 0 };
	struct spawned spawned;
	char *cleanup_free folder = make_folders(supervisor, process, &error);
	json_t *document = folder ? document_of(supervisor, process) : NULL;
	if (!document || spawn(supervisor, process, folder, &spawned, &error)) {
		json_decref(document);
		if (!error.text[0])
			error_set(&error, "its document could not be written");
		could_not_start(supervisor, process, &error);
		return;
	}
	is_started(supervisor, process, &spawned);
	process_send(supervisor, process, document);
}

void start_some(struct supervisor *supervisor)
{
	for (int i = 0; i < AT_ONCE && supervisor->phase == PHASE_START && supervisor->spawned < supervisor->process_count; i++)
		start_one(supervisor, &supervisor->processes[supervisor->spawned++]);
}

/* ---- who is slow ---- */

static bool ready(const struct member *member, enum phase phase)
{
	return member->state >= MEMBER_WIRED || (phase == PHASE_START && member->state == MEMBER_BOUND);
}

/* What a replica is doing, as the end of "learner ...". */
static char *doing(const struct member *member)
{
	if (text_equal(member->step, "wire") && member->waits_for)
		return memory_format("dialling %s", member->waits_for);
	if (text_equal(member->step, "wire"))
		return memory_copy_text("dialling");
	return memory_format("in %s", member->step ? member->step : "start");
}

/* Replicas in the same step stand together; those named are marked by `told`. */
static void add_those_like(const struct supervisor *supervisor, int first, unsigned mark, struct text *out)
{
	char *cleanup_free what = doing(&supervisor->members[first]);
	int count = 0;
	for (int i = first; i < supervisor->total; i++) {
		struct member *member = &supervisor->members[i];
		if (member->told == mark || ready(member, supervisor->phase))
			continue;
		char *cleanup_free same = doing(member);
		if (!text_equal(same, what))
			continue;
		member->told = mark;
		if (++count <= NAMES_SHOWN)
			text_format(out, "%s%s", count > 1 ? ", " : "", member->name);
	}
	if (count > NAMES_SHOWN)
		text_format(out, " and %d more", count - NAMES_SHOWN);
	text_format(out, " %s", what);
}

char *start_who_is_slow(const struct supervisor *supervisor, int64_t after_ms)
{
	struct text out = { 0 };
	char span[32];
	int late = 0;
	const unsigned mark = (unsigned)-1;
	for (int i = 0; i < supervisor->total; i++) {
		supervisor->members[i].told = 0;
		late += !ready(&supervisor->members[i], supervisor->phase);
	}
	clock_span(span, after_ms);
	text_format(&out, "%d of %d not ready after %s: ", late, supervisor->total, span);
	int shown = 0;
	for (int i = 0; i < supervisor->total; i++) {
		if (supervisor->members[i].told == mark || ready(&supervisor->members[i], supervisor->phase))
			continue;
		text_add(&out, shown == STEPS_SHOWN ? "; and others" : shown ? "; " : "");
		if (shown++ == STEPS_SHOWN)
			break;
		add_those_like(supervisor, i, mark, &out);
	}
	for (int i = 0; i < supervisor->total; i++)
		supervisor->members[i].told = 0;
	return text_take(&out);
}
