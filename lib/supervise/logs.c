/* SPDX-License-Identifier: MIT */
#include "supervise/logs.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "topology/scalar.h"

enum { NOTED_EVERY_MS = 250, GATHER_MS = 20 };

/* ---- when ---- */

/* In which forms a moment is written; without a date, today's. */
static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d",
	"%H:%M:%S", "%H:%M" };

static bool read_form(const char *text, const char *form, int64_t now_ms, int64_t *out_ms)
{
	time_t now = (time_t)(now_ms / 1000);
	struct tm parts = { 0 };
	if (form[1] == 'H') {
		localtime_r(&now, &parts);
		parts.tm_sec = 0;
	}
	const char *end = strptime(text, form, &parts);
	double fraction = 0;
	if (end && *end == '.' && text_ends(form, "%S")) {
		char *digits;
		fraction = strtod(end, &digits);
		end = digits;
	}
	bool universal = end && !strcmp(end, "Z");
	if (!end || (*end && !universal))
		return false;
	parts.tm_isdst = -1;
	*out_ms = (int64_t)(universal ? timegm(&parts) : mktime(&parts)) * 1000 + (int64_t)(fraction * 1000 + 0.5);
	return true;
}

int logs_read_moment(const char *text, int64_t now_ms, int64_t *out_ms, struct error *error)
{
	int64_t span;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (read_form(text, forms[i], now_ms, out_ms))
			return 0;
	if (scalar_duration(text, &span, NULL) || span < 0)
		return error_set(error, "`%s` is neither a duration (10m, 30s) nor a moment (14:36, 2026-11-22T14:36:27Z)", text);
	*out_ms = now_ms - span / 1000000;
	return 0;
}

static void take_moment(void *context, const char *line, size_t length, off_t at)
{
	struct log_source *source = context;
	char *end;
	long long ms = strtoll(line, &end, 10);
	(void)length;
	(void)at;
	if (ms > 0 && *end == ' ')
		*list_add(&source->moments) = (struct log_moment){ ms, (off_t)strtoll(end, NULL, 10) };
}

/* The moment of what stands at `offset`: the last one that is not behind it. */
static size_t moment_at(const struct log_source *source, off_t offset)
{
	size_t low = 0, high = source->moments.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (source->moments.at[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : 0;
}

/* ---- beginning and end ---- */

static void begin_at(struct log_source *source, const struct logs_from *from)
{
	off_t offset = 0;
	size_t i = 0;
	tail_read(&source->times, false, take_moment, source);
	if (from->last >= 0)
		tail_from_end(&source->log, from->last);
	offset = source->log.offset;
	/* What was noted a little earlier goes on until then. */
	while (from->since_ms && i < source->moments.count && source->moments.at[i].ms + NOTED_EVERY_MS <= from->since_ms)
		i++;
	if (from->since_ms && i == source->moments.count)
		tail_from_end(&source->log, 0);
	else if (from->since_ms && source->moments.at[i].offset > offset)
		tail_from(&source->log, source->moments.at[i].offset);
	source->at = moment_at(source, source->log.offset);
}

void logs_open(struct logs *logs, const char *record, const json_t *processes, const struct logs_from *from)
{
	size_t count = json_array_size(processes);
	*logs = (struct logs){ .at = memory_array(count + 1, sizeof *logs->at), .count = count, .watch = -1,
		.folders = memory_array(count + 1, sizeof *logs->folders) };
	for (size_t i = 0; i < count; i++) {
		struct log_source *source = &logs->at[i];
		const char *name = json_string_value(json_array_get(processes, i));
		char *cleanup_free log = memory_format("%s/logs/%s.log", record, name);
		char *cleanup_free times = memory_format("%s/logs/%s.times", record, name);
		*source = (struct log_source){ .process = name, .number = (int)i };
		tail_init(&source->log, log);
		tail_init(&source->times, times);
		begin_at(source, from);
	}
}

void logs_close(struct logs *logs)
{
	for (size_t i = 0; i < logs->count; i++) {
		tail_release(&logs->at[i].log);
		tail_release(&logs->at[i].times);
		list_release(&logs->at[i].moments);
		free(logs->folders[i]);
	}
	if (logs->watch >= 0)
		close(logs->watch);
	free(logs->at);
	free(logs->folders);
	*logs = (struct logs){ .watch = -1 };
}

/* ---- reading ---- */

/* What one process wrote from one moment to the next. */
struct segment {
	int64_t ms;
	struct log_source *source;
	off_t end;
};
struct segments {
	LIST(struct segment) list;
};

static int by_time(const void *a, const void *b)
{
	const struct segment *one = a, *two = b;
	if (one->ms != two->ms)
		return one->ms < two->ms ? -1 : 1;
	if (one->source != two->source)
		return one->source < two->source ? -1 : 1;
	return one->end < two->end ? -1 : one->end > two->end;
}

/* Times first: what is there of the log afterwards has been noted. A clock that was set back is not followed. */
static void add_segments(struct segments *segments, struct log_source *source)
{
	struct stat status;
	tail_read(&source->times, false, take_moment, source);
	if (stat(source->log.path, &status) || status.st_size <= source->log.offset)
		return;
	int64_t ms = 0;
	for (size_t i = source->at; i < source->moments.count; i++) {
		bool last = i + 1 == source->moments.count;
		off_t end = last ? status.st_size : source->moments.at[i + 1].offset;
		if (source->moments.at[i].ms > ms)
			ms = source->moments.at[i].ms;
		if (end > source->log.offset)
			*list_add(&segments->list) = (struct segment){ ms, source, end };
	}
	if (!source->moments.count)
		*list_add(&segments->list) = (struct segment){ 0, source, status.st_size };
}

static void take_line(void *context, const char *line, size_t length, off_t at)
{
	struct log_source *source = context;
	source->at = moment_at(source, at);
	struct log_line out = { .process = source->process, .number = source->number, .text = line, .length = length,
		.ms = source->moments.count ? source->moments.at[source->at].ms : 0 };
	source->logs->take(source->logs->context, &out);
}

bool logs_read(struct logs *logs, bool all, logs_take *take, void *context)
{
	struct segments segments = { 0 };
	logs->take = take;
	logs->context = context;
	for (size_t i = 0; i < logs->count; i++) {
		logs->at[i].logs = logs;
		add_segments(&segments, &logs->at[i]);
	}
	if (segments.list.count)
		qsort(segments.list.at, segments.list.count, sizeof *segments.list.at, by_time);
	bool any = segments.list.count > 0;
	for (size_t i = 0; i < segments.list.count; i++)
		tail_read_to(&segments.list.at[i].source->log, segments.list.at[i].end, take_line, segments.list.at[i].source);
	list_release(&segments.list);
	for (size_t i = 0; all && i < logs->count; i++)
		any |= tail_read(&logs->at[i].log, true, take_line, &logs->at[i]);
	return any;
}

/* ---- waiting ---- */

/* Folders of groups come when one of theirs writes for the first time. */
static void watch_folders(struct logs *logs)
{
	if (logs->watch < 0)
		logs->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	for (size_t i = 0; i < logs->count && logs->watch >= 0; i++) {
		if (logs->folders[i])
			continue;
		char *folder = files_folder_of(logs->at[i].log.path);
		bool known = false;
		for (size_t k = i; k-- > 0 && !known; )
			known = text_equal(logs->folders[k], folder);
		if (known || inotify_add_watch(logs->watch, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO) >= 0)
			logs->folders[i] = folder;
		else
			free(folder);
	}
}

void logs_wait(struct logs *logs, int most_ms)
{
	char events[4096];
	watch_folders(logs);
	struct pollfd poll_fd = { .fd = logs->watch, .events = POLLIN };
	if (poll(&poll_fd, 1, most_ms) <= 0)
		return;
	poll(NULL, 0, GATHER_MS);               /* many lines at once cost less */
	while (read(logs->watch, events, sizeof events) > 0)
		;
}
