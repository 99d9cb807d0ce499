/* SPDX-License-Identifier: MIT */
#include "supervise/runs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "supervise/folders.h"
#include "supervise/record.h"

enum { NAMES_SHOWN = 8 };

static const char *const state_words[RUN_STATES] = {
	[RUN_STARTING] = "starting",
	[RUN_RUNNING] = "running",
	[RUN_STOPPING] = "stopping",
	[RUN_ENDED] = "ended",
	[RUN_LOST] = "lost",
};

const char *run_state_word(enum run_state state)
{
	return state_words[state];
}

enum run_state run_state_of_phase(const char *phase)
{
	static const char *const starting[] = { "start", "wire" };
	for (size_t i = 0; phase && i < sizeof starting / sizeof starting[0]; i++)
		if (!strcmp(phase, starting[i]))
			return RUN_STARTING;
	return !phase || !strcmp(phase, "run") ? RUN_RUNNING : RUN_STOPPING;
}

bool runs_is_under_way(const struct run *run)
{
	return run->state < RUN_ENDED;
}

/* ---- one record ---- */

static bool has_file(const struct run *run, const char *name, int64_t *written_ms)
{
	struct stat status;
	char *cleanup_free path = memory_format("%s/%s", run->record, name);
	if (stat(path, &status))
		return false;
	if (written_ms)
		*written_ms = (int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000;
	return true;
}

/* Who ends writes the result before letting the record go: looked for once more when nobody holds it. */
void runs_look(struct run *run)
{
	bool ended = has_file(run, "result.json", NULL);
	bool held = !ended && record_is_held(run->record);
	if (!ended && !held)
		ended = has_file(run, "result.json", NULL);
	if (ended || !held)
		run->state = ended ? RUN_ENDED : RUN_LOST;
	else if (!runs_is_under_way(run))
		run->state = RUN_RUNNING;
}

/* False: no record of a run. Takes the path. */
static bool read_record(char *record, struct run *out)
{
	*out = (struct run){ .record = record, .console.fd = -1, .state = RUN_LOST };
	bool started = has_file(out, "manifest.json", &out->started_ms);
	runs_look(out);
	if (started || out->state != RUN_LOST) {
		out->id = memory_copy_text(files_name_of(record));
		if (!started)
			out->state = out->state == RUN_RUNNING ? RUN_STARTING : out->state;
		return true;
	}
	free(record);
	*out = (struct run){ .console.fd = -1 };
	return false;
}

bool runs_is_beside(const struct run *run, const char *name)
{
	struct run other;
	char *cleanup_free folder = run->record ? files_folder_of(run->record) : folders_records(NULL);
	bool is_run = folder && *name && name[0] != '.' && !strchr(name, '/') &&
		read_record(memory_format("%s/%s", folder, name), &other);
	if (is_run)
		runs_close(&other);
	return is_run;
}

static const json_t *read_once(const struct run *run, const char *name, json_t **place)
{
	char *cleanup_free path = memory_format("%s/%s", run->record, name);
	if (!*place)
		*place = json_load_file(path, 0, NULL);
	return *place;
}

const json_t *runs_manifest(struct run *run)
{
	return read_once(run, "manifest.json", &run->manifest);
}

const json_t *runs_resolved(struct run *run)
{
	return read_once(run, "resolved.json", &run->resolved);
}

const json_t *runs_result(struct run *run)
{
	return read_once(run, "result.json", &run->result);
}

char *runs_ending(struct run *run)
{
	const json_t *result = run->state == RUN_ENDED ? runs_result(run) : NULL;
	const char *status = json_string_value(json_object_get(result, "status"));
	if (status)
		return memory_format("%s, exit %d", status, (int)json_integer_value(json_object_get(result, "exit")));
	if (run->state == RUN_ENDED)
		return memory_format("%s/result.json cannot be read", run->record);
	return memory_copy_text(run->state == RUN_LOST ? "lost: its processes were killed, or could not write the result" : run_state_word(run->state));
}

void runs_close(struct run *run)
{
	channel_close(&run->console);
	free(run->id);
	free(run->record);
	free(run->sockets);
	json_decref(run->manifest);
	json_decref(run->resolved);
	json_decref(run->result);
	*run = (struct run){ .console.fd = -1 };
}

/* ---- all of them ---- */

/* Numbers within names by their value: dqn-9 before dqn-10. */
static int newest_first(const void *a, const void *b)
{
	const struct run *one = a, *two = b;
	if (one->started_ms != two->started_ms)
		return !one->started_ms || (two->started_ms && one->started_ms > two->started_ms) ? -1 : 1;
	return -strverscmp(one->id, two->id);
}

static char *usual_folder(const char *records, struct error *error)
{
	if (!records)
		return folders_records(error);
	char *cleanup_free current = files_current_folder();
	return files_absolute(current ? current : "/", records);
}

int runs_list(const char *records, struct runs *out, struct error *error)
{
	*out = (struct runs){ 0 };
	char *cleanup_free path = usual_folder(records, error);
	DIR *folder = path ? opendir(path) : NULL;
	if (!path)
		return -1;
	if (!folder)
		return errno == ENOENT ? 0 : error_code(error, errno, "cannot read folder %s: %s", path, strerror(errno));
	for (struct dirent *entry; (entry = readdir(folder)); ) {
		struct run run;
		bool a_link = entry->d_type == DT_LNK, a_file = entry->d_type == DT_REG;
		if (entry->d_name[0] != '.' && !a_link && !a_file && read_record(memory_format("%s/%s", path, entry->d_name), &run))
			*list_add(&out->list) = run;
	}
	closedir(folder);
	if (out->list.count)
		qsort(out->list.at, out->list.count, sizeof *out->list.at, newest_first);
	return 0;
}

void runs_release(struct runs *runs)
{
	for (size_t i = 0; i < runs->list.count; i++)
		runs_close(&runs->list.at[i]);
	list_release(&runs->list);
}

/* ---- which one ---- */

/* A slip in the name. Other digits at the end are no slip: those who write a number mean that one. */
static bool may_be_meant(const char *name, const char *id)
{
	size_t length = strlen(name), id_length = strlen(id);
	size_t same = 0;
	while (same < length && same < id_length && name[length - 1 - same] == id[id_length - 1 - same])
		same++;
	bool cut = (same < length && isdigit((unsigned char)name[length - 1 - same])) ||
		(same < id_length && isdigit((unsigned char)id[id_length - 1 - same]));
	return !cut;
}

static int unknown(const char *name, const char *record, const char *records, struct error *error)
{
	struct runs runs;
	if (strchr(name, '/'))
		return error_code(error, ENOENT, files_is_folder(record) ? "%s is no record of a run: it has no manifest.json" :
			"there is no run %s: no such folder", record);
	if (runs_list(records, &runs, error))
		return -1;
	const char **cleanup_free ids = memory_array(runs.list.count + 1, sizeof *ids);
	size_t count = 0;
	for (size_t i = 0; i < runs.list.count; i++)
		if (may_be_meant(name, runs.list.at[i].id))
			ids[count++] = runs.list.at[i].id;
	const char *nearest = text_nearest(name, ids, count);
	error_code(error, ENOENT, "there is no run %s%s%s%s: no record %s", name, nearest ? " (did you mean " : "",
		nearest ? nearest : "", nearest ? "?)" : "", record);
	runs_release(&runs);
	return -1;
}

static int find_named(const char *records, const char *name, struct run *out, struct error *error)
{
	char *cleanup_free folder = usual_folder(records, error);
	if (!folder)
		return -1;
	if (!*name)
		return error_code(error, ENOENT, "there is no run without a name");
	char *cleanup_free current = files_current_folder();
	char *record = strchr(name, '/') ? files_absolute(current ? current : "/", name) : memory_format("%s/%s", folder, name);
	char *cleanup_free shown = memory_copy_text(record);
	char *whole = realpath(record, NULL);           /* `latest` is a link */
	free(record);
	if (whole && read_record(whole, out))
		return 0;
	return unknown(name, shown, records, error);
}

/* The place of the only one that is under way, else of the newest; -1 with an error. */
static int only_or_newest(const struct runs *runs, const char *folder, struct error *error)
{
	struct text cleanup_text names = { 0 };
	int count = 0, only = 0;
	for (size_t i = 0; i < runs->list.count; i++) {
		if (!runs_is_under_way(&runs->list.at[i]))
			continue;
		if (++count <= NAMES_SHOWN)
			text_format(&names, "%s%s", count > 1 ? ", " : "", runs->list.at[i].id);
		only = (int)i;
	}
	if (count > 1)
		return error_set(error, "%d runs are under way: say which with -r: %s%s", count, text_string(&names),
			count > NAMES_SHOWN ? ", ..." : "");
	if (!runs->list.count)
		return error_code(error, ENOENT, "no run is under way, and there is no record of one (looked in %s)", folder);
	return only;
}

static int find_only(const char *records, struct run *out, struct error *error)
{
	struct runs runs;
	char *cleanup_free folder = usual_folder(records, error);
	if (!folder || runs_list(records, &runs, error))
		return -1;
	int place = only_or_newest(&runs, folder, error);
	if (place >= 0) {
		*out = runs.list.at[place];
		runs.list.at[place] = (struct run){ .console.fd = -1 };
	}
	runs_release(&runs);
	return place < 0 ? -1 : 0;
}

int runs_find(const char *name, const char *records, struct run *out, struct error *error)
{
	const char *variable = getenv("LPAD_RUN");
	*out = (struct run){ .console.fd = -1 };
	if (!name && variable && *variable)
		name = variable;
	return name ? find_named(records, name, out, error) : find_only(records, out, error);
}

int runs_open(const char *name, struct run *out, struct error *error)
{
	if (runs_find(name, NULL, out, error))
		return -1;
	if (runs_is_under_way(out) && !runs_connect(out, error))
		return 0;
	if (!runs_is_under_way(out)) {
		char *cleanup_free ending = runs_ending(out);
		const char *variable = getenv("LPAD_RUN");
		bool named = name || (variable && *variable);
		error_set(error, named ? "run %s is not under way: it has ended (%s)" :
			"no run is under way; the newest, %s, has ended (%s)", out->id, ending);
	}
	runs_close(out);
	return -1;
}
