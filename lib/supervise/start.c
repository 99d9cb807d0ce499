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
		.has_run = group->spec ? group->spec->has_run : true, .timer.kind = TIMER_MEMBER,
		.closed_timer.kind = TIMER_CLOSED, .control.fd = -1 };
	member->control_watch = (struct watch){ .kind = WATCH_CONTROL, .member = member, .fd = -1 };
	member->stream_watch[0] = (struct watch){ .kind = WATCH_OUTPUT, .member = member, .fd = -1 };
	member->stream_watch[1] = (struct watch){ .kind = WATCH_ERRORS, .member = member, .fd = -1 };
	outlet_init(&supervisor->output, &member->outlet, member->name, id);
	supervisor->waited += member->waited;
	supervisor->unfinished += member->waited;
}

static void prepare_table(struct supervisor *supervisor)
{
	size_t size = 64;
	while (size < (size_t)supervisor->total * 2)
		size *= 2;
	supervisor->process_mask = size - 1;
	supervisor->processes = memory_array(size, sizeof *supervisor->processes);
	for (size_t i = 0; i < size; i++)
		supervisor->processes[i] = -1;
}

int start_prepare(struct supervisor *supervisor)
{
	const struct topology *topology = supervisor->topology;
	supervisor->total = topology->total;
	supervisor->members = memory_array((size_t)topology->total, sizeof *supervisor->members);
	for (size_t g = 0; g < topology->groups.count; g++)
		for (int i = 0; i < topology->groups.at[g].replicas; i++)
			add_member(supervisor, &topology->groups.at[g], i);
	supervisor->in_state[MEMBER_NEW] = supervisor->total;
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

void start_release(struct supervisor *supervisor)
{
	for (int i = 0; i < supervisor->total; i++) {
		struct member *member = &supervisor->members[i];
		channel_close(&member->control);
		for (int stream = 0; stream < 2; stream++)
			if (member->stream_watch[stream].fd >= 0)
				close(member->stream_watch[stream].fd);
		outlet_release(&supervisor->output, &member->outlet);
		statistics_release(member);
		failure_free(member->failure);
		free(member->waits_for);
		free(member->name);
	}
	free(supervisor->members);
	free(supervisor->processes);
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

static int spawn(struct supervisor *supervisor, struct member *member, const char *folder, struct spawned *out,
	struct error *error)
{
	struct environment environment = { 0 };
	make_environment(supervisor, member, folder, &environment);
	/* The name is for who looks at the processes. */
	char *arguments[] = { (char []){ "lpad" }, (char []){ "node" }, member->name, NULL };
	struct spawning spawning = { .program = supervisor->launch->program, .arguments = arguments,
		.environment = environment.list.at, .descriptors = supervisor->descriptors };
	int result = spawn_child(&spawning, out, error);
	for (size_t i = 0; i < environment.list.count; i++)
		free(environment.list.at[i]);
	list_release(&environment.list);
	return result;
}

static void could_not_start(struct supervisor *supervisor, struct member *member, const struct error *error)
{
	struct failure *failure = failure_new("start", 0, "%s", error->text);
	failure->start = true;
	member_set_state(supervisor, member, MEMBER_DEAD);
	member_fail(supervisor, member, failure);
}

static void start_one(struct supervisor *supervisor, struct member *member)
{
	struct error error = { 0 };
	struct spawned spawned;
	char *cleanup_free folder = record_node_folder(supervisor->launch->record, member->name, &error);
	json_t *document = folder ? supervisor->launch->document(supervisor->launch->context, member->group,
		member->index, member->incarnation) : NULL;
	if (!document || spawn(supervisor, member, folder, &spawned, &error)) {
		json_decref(document);
		if (!error.text[0])
			error_set(&error, "its document could not be written");
		could_not_start(supervisor, member, &error);
		return;
	}
	member->process = spawned.process;
	member->last_process = spawned.process;
	member->started_ns = supervisor_now(supervisor);
	output_event(&supervisor->output, json_pack("{ss ss si si}", "event", "spawn", "node", member->name,
		"pid", (int)spawned.process, "incarnation", member->incarnation));
	children_remember(supervisor, member);
	member_set_state(supervisor, member, MEMBER_STARTING);
	channel_init(&member->control, spawned.control);
	supervisor_watch(supervisor, &member->stream_watch[0], spawned.output, EPOLLIN);
	supervisor_watch(supervisor, &member->stream_watch[1], spawned.errors, EPOLLIN);
	supervisor->streams_open += 2;
	member_begin_step(supervisor, member);
	member_send(supervisor, member, document);
}

void start_some(struct supervisor *supervisor)
{
	for (int i = 0; i < AT_ONCE && supervisor->phase == PHASE_START && supervisor->spawned < supervisor->total; i++)
		start_one(supervisor, &supervisor->members[supervisor->spawned++]);
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
