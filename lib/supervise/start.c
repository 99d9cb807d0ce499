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
#include "supervise/cgroup.h"
#include "supervise/inside.h"
#include "supervise/isolate.h"
#include "supervise/spawn.h"
#include "topology/value.h"

extern char **environ;

enum {
	AT_ONCE = 8,
	DESCRIPTORS_EACH = 3,           /* control, stdout, stderr */
	DESCRIPTORS_OWN = 320           /* logs held open, and the rest */
};
static const int64_t LOOK_AGAIN = 20000000;     /* for room to write what was printed */

int supervise_can_start(int children, struct error *error)
{
	struct rlimit limit;
	rlim_t needed = (rlim_t)children * DESCRIPTORS_EACH + DESCRIPTORS_OWN;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return error_code(error, errno, "cannot read the limit of open files: %s", strerror(errno));
	if (limit.rlim_max < needed)
		return error_set(error, "%d processes need %llu open files, and the hard limit is %llu (RLIMIT_NOFILE): "
			"set it to at least %llu with `ulimit -Hn %llu`, in /etc/security/limits.conf (nofile) or with "
			"LimitNOFILE= of the service", children, (unsigned long long)needed,
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
	bool held = supervisor->launch->held && supervisor->launch->held[id];
	int first = supervisor->launch->incarnations ? supervisor->launch->incarnations[id] : 1;
	*member = (struct member){ .group = group, .index = index, .id = id, .incarnation = first, .first = first, .held = held,
		.name = group_replica_name(group, index), .waited = is_waited_for(group) && !held,
		.has_run = group->spec ? group->spec->has_run : true, .timer.kind = TIMER_MEMBER };
	supervisor->by_name[id] = member;
	supervisor->known[id] = first;
	supervisor->waited += member->waited;
	supervisor->unfinished += member->waited;
}

static void add_child(struct supervisor *supervisor, const struct process *plan)
{
	int number = supervisor->child_count++;
	struct child *child = &supervisor->children[number];
	*child = (struct child){ .plan = plan, .number = number, .name = plan->name, .count = plan->count,
		.members = memory_array((size_t)plan->count, sizeof(struct member *)), .end_timer.kind = TIMER_END,
		.closed_timer.kind = TIMER_CLOSED, .health_timer.kind = TIMER_HEALTH, .control.fd = -1 };
	child->control_watch = (struct watch){ .kind = WATCH_CONTROL, .child = child, .fd = -1 };
	child->stream_watch[0] = (struct watch){ .kind = WATCH_OUTPUT, .child = child, .fd = -1 };
	child->stream_watch[1] = (struct watch){ .kind = WATCH_ERRORS, .child = child, .fd = -1 };
	outlet_init(&supervisor->output, &child->outlet, child->name, number);
	for (int i = 0; i < plan->count; i++) {
		child->members[i] = &supervisor->members[plan->members[i]];
		child->members[i]->child = child;
	}
}

static void prepare_table(struct supervisor *supervisor)
{
	size_t size = 64;
	while (size < (size_t)supervisor->child_count * 2)
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
	supervisor->known = memory_array((size_t)topology->total, sizeof *supervisor->known);
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
	const struct processes *processes = supervisor->launch->processes;
	prepare_members(supervisor);
	supervisor->children = memory_array((size_t)processes->count, sizeof *supervisor->children);
	for (int i = 0; i < processes->count; i++)
		add_child(supervisor, &processes->at[i]);
	prepare_table(supervisor);
	raise_descriptors(supervisor);
	output_say(&supervisor->output, "run %s, seed %lld, %s", supervisor->launch->record->id,
		(long long)topology->seed, supervisor->launch->record->folder);
	if (supervisor->launch->note)
		output_say(&supervisor->output, "%s", supervisor->launch->note);
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

static void release_child(struct supervisor *supervisor, struct child *child)
{
	channel_close(&child->control);
	for (int stream = 0; stream < 2; stream++)
		if (child->stream_watch[stream].fd >= 0)
			close(child->stream_watch[stream].fd);
	outlet_release(&supervisor->output, &child->outlet);
	restart_release(&child->history);
	free(child->members);
}

void start_release(struct supervisor *supervisor)
{
	for (int i = 0; i < supervisor->child_count; i++)
		release_child(supervisor, &supervisor->children[i]);
	for (int i = 0; i < supervisor->total; i++) {
		struct member *member = &supervisor->members[i];
		words_forget(member);
		statistics_release(member);
		failure_free(member->failure);
		json_decref(member->serving);
		json_decref(member->past);
		free(member->waits_for);
		free(member->name);
	}
	free(supervisor->children);
	free(supervisor->members);
	free(supervisor->by_name);
	free(supervisor->known);
	free(supervisor->pids);
}

/* ---- one process ---- */

/* What lpad sets, then the topology's env, then --env-file, then what lpad was started with, as far as it is not set before. */
struct environment {
	LIST(char *) list;
};
struct words {
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

/* Each is compared with what was there before: a name that stands twice among them is the user's affair. */
static void add_unset(struct environment *out, char *const *entries, size_t count)
{
	size_t before = out->list.count;
	for (size_t i = 0; i < count; i++) {
		struct environment set = { .list = { .at = out->list.at, .count = before } };
		if (!is_set(&set, entries[i]))
			*list_add(&out->list) = memory_copy_text(entries[i]);
	}
}

static void make_environment(const struct supervisor *supervisor, const struct member *member, const char *folder,
	struct environment *out)
{
	const struct group *group = member->group;
	const struct allotment *own = limits_of(supervisor, member->child);
	char *cleanup_free gpus = own->gpus ? memory_format("%s=%s", gpu_variable(supervisor->launch->allotments->vendor),
		own->gpus) : NULL;
	*list_add(&out->list) = memory_format("LPAD_NODE=%s/%s/%d/%d", supervisor->launch->record->id, group->label,
		member->index, member->incarnation);
	if (gpus && own->gpus_asked)
		*list_add(&out->list) = memory_copy_text(gpus);
	for (size_t i = 0; i < group->env.count; i++)
		if (!is_set(out, group->env.at[i].text))
			*list_add(&out->list) = filled(&group->env.at[i], member, folder);
	if (gpus && !is_set(out, gpus))
		*list_add(&out->list) = memory_copy_text(gpus);
	const struct envfile *file = supervisor->launch->variables;
	if (file)
		add_unset(out, file->list.at, file->list.count);
	size_t count = 0;
	while (environ[count])
		count++;
	add_unset(out, environ, count);
	*list_add(&out->list) = NULL;
}

static void allot(const struct supervisor *supervisor, const struct child *child, struct spawning *spawning)
{
	const struct allotment *own = limits_of(supervisor, child);
	spawning->processors = own->processors;
	spawning->processors_size = own->processors_size;
	spawning->data = own->data;
	if (!own->asked)
		return;
	spawning->has_nice = own->asked->has_nice;
	spawning->nice = own->asked->nice;
	if (own->asked->nofile)
		spawning->descriptors = (struct rlimit){ (rlim_t)own->asked->nofile, (rlim_t)own->asked->nofile };
}

static int spawn(struct supervisor *supervisor, struct child *child, const char *folder, struct spawned *out,
	struct error *error)
{
	struct environment environment = { 0 };
	int cleanup_close cgroup = -1;
	if (limits_by_cgroup(supervisor, child) && (cgroup = cgroup_enter(supervisor->launch->cgroup, child->number, error)) < 0)
		return -1;
	make_environment(supervisor, child->members[0], folder, &environment);
	/* The name is for who looks at the processes. */
	char *cleanup_free name = memory_copy_text(child->name);
	const struct launch_way *way = child_way(supervisor, child);
	char *plain[] = { (char []){ "lpad" }, NULL };
	struct words arguments = { 0 };
	for (char **word = way->wrap ? way->wrap : plain; *word; word++)
		*list_add(&arguments.list) = *word;
	*list_add(&arguments.list) = (char []){ "node" };
	*list_add(&arguments.list) = name;
	*list_add(&arguments.list) = NULL;
	struct spawning spawning = { .program = way->wrap ? way->wrap[0] : supervisor->launch->program,
		.arguments = arguments.list.at, .environment = environment.list.at, .descriptors = supervisor->descriptors,
		.keeps_streams = way->streams, .cgroup = cgroup };
	allot(supervisor, child, &spawning);
	int result = spawn_child(&spawning, out, error);
	list_release(&arguments.list);
	for (size_t i = 0; i < environment.list.count; i++)
		free(environment.list.at[i]);
	list_release(&environment.list);
	return result;
}

/* Of all its replicas; that of the first one stands in the environment. Caller frees; NULL with an error. */
static char *make_folders(struct supervisor *supervisor, const struct child *child, struct error *error)
{
	char *first = record_node_folder(supervisor->launch->record, child->members[0]->name, error);
	for (int i = 1; first && i < child->count; i++) {
		char *cleanup_free folder = record_node_folder(supervisor->launch->record, child->members[i]->name, error);
		if (!folder) {
			free(first);
			return NULL;
		}
	}
	return first;
}

/* To itself a replica is what it is; what the others know of it is older until it is bound. */
static json_t *document_of(struct supervisor *supervisor, const struct child *child)
{
	int *known = supervisor->known;
	int *cleanup_free before = memory_array((size_t)child->count, sizeof *before);
	for (int i = 0; i < child->count; i++) {
		before[i] = known[child->members[i]->id];
		known[child->members[i]->id] = child->members[i]->incarnation;
	}
	json_t *document = supervisor->launch->document(supervisor->launch->context, child->number, known);
	for (int i = 0; i < child->count; i++)
		known[child->members[i]->id] = before[i];
	return document;
}

/* The first time nothing is tried again: what is missing then is missing. */
static void could_not_start(struct supervisor *supervisor, struct child *child, const struct error *error)
{
	struct failure *failure = failure_new("start", 0, "%s", error->text);
	failure->refused = child->members[0]->incarnation == child->members[0]->first;
	failure->start = supervisor->phase < PHASE_RUN;
	child_set_state(supervisor, child, MEMBER_DEAD);
	child_fail(supervisor, child, failure);
	child_settle(supervisor, child);
}

static void is_started(struct supervisor *supervisor, struct child *child, const struct spawned *spawned)
{
	child->pid = spawned->process;
	child->last_pid = isolate_outside(spawned->process);
	child->started_ns = supervisor_now(supervisor);
	children_remember(supervisor, child);
	child_set_state(supervisor, child, MEMBER_STARTING);
	channel_init(&child->control, spawned->control);
	if (spawned->output >= 0) {
		supervisor_watch(supervisor, &child->stream_watch[0], spawned->output, EPOLLIN);
		supervisor_watch(supervisor, &child->stream_watch[1], spawned->errors, EPOLLIN);
		supervisor->streams_open += 2;
	}
	health_begin(supervisor, child);
	foreground_started(supervisor, child);
	for (int i = 0; i < child->count; i++) {
		struct member *member = child->members[i];
		output_event(&supervisor->output, json_pack("{ss ss ss si si}", "event", "spawn", "node", member->name,
			"process", child->name, "pid", (int)child->last_pid, "incarnation", member->incarnation));
		member_begin_step(supervisor, member);
	}
}

static void start_one(struct supervisor *supervisor, struct child *child)
{
	struct error error = { 0 };
	struct spawned spawned;
	for (int i = 0; i < child->count; i++)
		if (child->members[i]->incarnation > 1)
			record_incarnation(supervisor->launch->record, child->members[i]->name, child->members[i]->incarnation);
	char *cleanup_free folder = make_folders(supervisor, child, &error);
	json_t *document = folder ? document_of(supervisor, child) : NULL;
	if (!document || spawn(supervisor, child, folder, &spawned, &error)) {
		json_decref(document);
		if (!error.text[0])
			error_set(&error, "its document could not be written");
		could_not_start(supervisor, child, &error);
		return;
	}
	is_started(supervisor, child, &spawned);
	peers_learn(child, document);
	child_send(supervisor, child, document);
	peers_tell_the_dead(supervisor, child);
}

void start_some(struct supervisor *supervisor)
{
	for (int i = 0; i < AT_ONCE && supervisor->phase == PHASE_START && supervisor->spawned < supervisor->child_count; i++) {
		struct child *child = &supervisor->children[supervisor->spawned++];
		if (child->members[0]->state == MEMBER_NEW)     /* else it is not wanted any more */
			start_one(supervisor, child);
	}
}

/* ---- the next incarnation ---- */

static void forget_the_last(struct supervisor *supervisor, struct child *child)
{
	for (int i = 0; i < child->count; i++)
		member_restart(child->members[i]);
	child->verdict = VERDICT_NONE;
	child->lived_ns += child->ended_ns - child->started_ns;
	child->started_ns = child->ended_ns = supervisor_now(supervisor);
	child->running_ns = 0;
	child->last_pid = 0;
	child->order = ORDER_NONE;
	child->told_ns = 0;
	child->had_to_be_killed = false;
	child->exit_code = child->exit_signal = 0;
}

/* What the last one wrote stands before what this one will write. */
void start_again(struct supervisor *supervisor, struct child *child)
{
	if (!child->due || !child->clean)
		return;
	if (!supervisor_end_streams(supervisor, child)) {
		timers_set(&supervisor->timers, &child->end_timer, supervisor_now(supervisor) + LOOK_AGAIN);
		return;
	}
	timers_clear(&supervisor->timers, &child->end_timer);
	forget_the_last(supervisor, child);
	start_one(supervisor, child);
}
