/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dump.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "supervise/folders.h"
#include "sweep.h"

static const size_t FILE_LONGEST = (size_t)4 << 30;         /* of 100,000 trials, with what each has reported */

void sweep_release(struct sweep *sweep)
{
	free(sweep->topology);
	free(sweep->folder);
	free(sweep->by);
	free(sweep->time_limit);
	free(sweep->records);
	free(sweep->name);
	free(sweep->id);
	free(sweep->place);
	for (size_t i = 0; i < sweep->set.count; i++)
		free(sweep->set.at[i]);
	for (size_t i = 0; i < sweep->arguments.count; i++)
		free(sweep->arguments.at[i]);
	for (size_t i = 0; i < sweep->vary.count; i++)
		vary_release(&sweep->vary.at[i]);
	for (size_t i = 0; i < sweep->trials.count; i++) {
		struct trial *trial = &sweep->trials.at[i];
		channel_close(&trial->events);
		free(trial->run);
		free(trial->record);
		free(trial->status);
		free(trial->why);
		json_decref(trial->figures);
	}
	list_release(&sweep->set);
	list_release(&sweep->arguments);
	list_release(&sweep->vary);
	list_release(&sweep->trials);
	if (sweep->log >= 0)
		close(sweep->log);
}

static void make_trials(struct sweep *sweep, int count)
{
	for (int i = 0; i < count; i++)
		*list_add(&sweep->trials) = (struct trial){ .number = i, .events.fd = -1 };
}

/* ---- sweep.json ---- */

static json_t *text_json(const char *text)
{
	return text ? channel_text(text, strlen(text)) : json_null();
}

static json_t *texts_json(char *const *at, size_t count)
{
	json_t *out = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(out, text_json(at[i]));
	return out;
}

static json_t *sweep_json(const struct sweep *sweep)
{
	json_t *vary = json_array();
	for (size_t i = 0; i < sweep->vary.count; i++)
		json_array_append_new(vary, json_pack("{so so}", "name", text_json(sweep->vary.at[i].name), "values",
			texts_json(sweep->vary.at[i].values.at, sweep->vary.at[i].values.count)));
	return json_pack("{si so so so so so so so so sb so so}", "schema", 1, "sweep", text_json(sweep->id),
		"name", text_json(sweep->name), "topology", text_json(sweep->topology), "folder", text_json(sweep->folder),
		"set", texts_json(sweep->set.at, sweep->set.count), "arguments",
		texts_json(sweep->arguments.at, sweep->arguments.count), "vary", vary, "by", text_json(sweep->by),
		"lowest", sweep->lowest, "time_limit", text_json(sweep->time_limit), "records", text_json(sweep->records));
}

static char *copy_of(const json_t *object, const char *key)
{
	return memory_copy_text(json_string_value(json_object_get(object, key)));
}

static void read_description(struct sweep *sweep, const json_t *description)
{
	size_t i, k;
	json_t *item, *value;
	sweep->id = copy_of(description, "sweep");
	sweep->name = copy_of(description, "name");
	sweep->topology = copy_of(description, "topology");
	sweep->folder = copy_of(description, "folder");
	sweep->records = copy_of(description, "records");
	sweep->time_limit = copy_of(description, "time_limit");
	if (!sweep->by) {
		sweep->by = copy_of(description, "by");
		sweep->lowest |= json_is_true(json_object_get(description, "lowest"));
	}
	json_array_foreach(json_object_get(description, "set"), i, item)
		*list_add(&sweep->set) = memory_copy_text(json_string_value(item));
	json_array_foreach(json_object_get(description, "arguments"), i, item)
		*list_add(&sweep->arguments) = memory_copy_text(json_string_value(item));
	json_array_foreach(json_object_get(description, "vary"), i, item) {
		struct vary *vary = list_add(&sweep->vary);
		*vary = (struct vary){ .name = copy_of(item, "name") };
		json_array_foreach(json_object_get(item, "values"), k, value)
			if (json_is_string(value))
				*list_add(&vary->values) = memory_copy_text(json_string_value(value));
	}
}

static bool is_whole(const struct sweep *sweep)
{
	bool whole = sweep->id && sweep->topology && sweep->folder && sweep->records && sweep->vary.count;
	for (size_t i = 0; i < sweep->vary.count; i++)
		whole &= sweep->vary.at[i].name && sweep->vary.at[i].values.count;
	for (size_t i = 0; i < sweep->set.count; i++)
		whole &= sweep->set.at[i] != NULL;
	return whole;
}

/* ---- trials.jsonl ---- */

/* One that was cut off, by the end of a process or a full disk, must not swallow the next. */
static int end_last_line(int log)
{
	char last = '\n';
	off_t end = lseek(log, 0, SEEK_END);
	if (end > 0 && pread(log, &last, 1, end - 1) != 1)
		return -1;
	return last == '\n' ? 0 : files_write_all(log, "\n", 1);
}

void sweep_note(struct sweep *sweep, const struct trial *trial)
{
	json_t *line = json_pack("{si so so so si sf sb sO?}", "trial", trial->number, "run", text_json(trial->run),
		"record", text_json(trial->record), "status", text_json(trial->status), "exit", trial->code,
		"seconds", (double)trial->taken_ns / 1e9, "halted", trial->halted,
		"metrics", trial->figures);
	char *cleanup_free text = dump_json(line, JSON_COMPACT);
	char *cleanup_free whole = memory_format("%s\n", text);
	json_decref(line);
	if (end_last_line(sweep->log) || files_write_all(sweep->log, whole, strlen(whole)))
		fprintf(stderr, "lpad sweep: cannot write %s/trials.jsonl: %s; --resume will run trial %d again\n", sweep->place,
			strerror(errno), trial->number);
}

/* What was written last of a trial holds. */
static void take_line(struct sweep *sweep, const json_t *line)
{
	json_int_t number = json_integer_value(json_object_get(line, "trial"));
	if (!json_is_integer(json_object_get(line, "trial")) || number < 0 || number >= (json_int_t)sweep->trials.count)
		return;
	struct trial *trial = &sweep->trials.at[number];
	free(trial->run);
	free(trial->record);
	free(trial->status);
	json_decref(trial->figures);
	trial->figures = json_incref(json_object_get(line, "metrics"));
	trial->run = copy_of(line, "run");
	trial->record = copy_of(line, "record");
	trial->status = copy_of(line, "status");
	trial->code = (int)json_integer_value(json_object_get(line, "exit"));
	trial->taken_ns = (int64_t)(json_number_value(json_object_get(line, "seconds")) * 1e9);
	trial->halted = json_is_true(json_object_get(line, "halted"));
	bool again = trial->halted || !trial->run || (sweep->retry && trial->code);
	trial->state = again ? TRIAL_WAITING : TRIAL_DONE;
}

/* A last line that was cut off is left out. */
static void take_lines(struct sweep *sweep, const char *text)
{
	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		json_t *line = json_loadb(text, (size_t)(end - text), 0, NULL);
		if (line)
			take_line(sweep, line);
		json_decref(line);
	}
}

static int open_log(struct sweep *sweep, struct error *error)
{
	char *cleanup_free path = memory_format("%s/trials.jsonl", sweep->place);
	sweep->log = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (sweep->log < 0)
		return error_code(error, errno, "cannot open %s: %s", path, strerror(errno));
	/* Two at once would run everything twice. */
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	if (fcntl(sweep->log, F_OFD_SETLK, &lock))
		return error_set(error, "sweep %s is under way already", sweep->id);
	return 0;
}

/* ---- the folder ---- */

static char *folder_of_sweeps(const struct sweep *sweep)
{
	return memory_format("%s/.sweeps", sweep->records);
}

static void point_latest(const char *sweeps, const char *id)
{
	char *cleanup_free link = memory_format("%s/latest", sweeps);
	char *cleanup_free fresh = memory_format("%s/.latest.%d", sweeps, (int)getpid());
	if (!symlink(id, fresh) && rename(fresh, link))
		unlink(fresh);
}

int sweep_create(struct sweep *sweep, struct error *error)
{
	char *cleanup_free sweeps = folder_of_sweeps(sweep);
	if (files_make_folders(sweeps, 0700, error))
		return -1;
	for (int number = 1; !sweep->id; number++) {
		char *cleanup_free path = memory_format("%s/%s-%d", sweeps, sweep->name, number);
		if (!mkdir(path, 0700))
			sweep->id = memory_format("%s-%d", sweep->name, number);
		else if (errno != EEXIST)
			return error_code(error, errno, "cannot make %s: %s; --record FOLDER names another place", path, strerror(errno));
	}
	sweep->place = memory_format("%s/%s", sweeps, sweep->id);
	char *cleanup_free path = memory_format("%s/sweep.json", sweep->place);
	json_t *description = sweep_json(sweep);
	char *cleanup_free text = dump_json(description, JSON_INDENT(2));
	json_decref(description);
	if (files_replace(path, text, strlen(text), 0600, error) || open_log(sweep, error))
		return -1;
	point_latest(sweeps, sweep->id);
	int count = vary_product(sweep, error);
	if (count < 0)
		return -1;
	make_trials(sweep, count);
	return 0;
}

int sweep_open(struct sweep *sweep, const char *name, struct error *error)
{
	char *cleanup_free current = files_current_folder();
	char *cleanup_free records = sweep->records ? memory_copy_text(sweep->records) : folders_records(error);
	if (!records)
		return -1;
	sweep->place = strchr(name, '/') ? files_absolute(current ? current : "/", name) : memory_format("%s/.sweeps/%s", records, name);
	char *cleanup_free path = memory_format("%s/sweep.json", sweep->place);
	char *cleanup_free trials = memory_format("%s/trials.jsonl", sweep->place);
	json_t *description = json_load_file(path, 0, NULL);
	if (!description)
		return error_set(error, "there is no sweep %s: no %s", name, path);
	free(sweep->records);
	sweep->records = NULL;
	read_description(sweep, description);
	json_decref(description);
	if (!is_whole(sweep))
		return error_set(error, "%s is not what lpad sweep has written", path);
	int count = vary_product(sweep, error);
	if (count < 0)
		return -1;
	make_trials(sweep, count);
	struct text cleanup_text text = { 0 };
	if (open_log(sweep, error) || files_read(trials, &text, FILE_LONGEST, error))
		return -1;
	take_lines(sweep, text_string(&text));
	return 0;
}
