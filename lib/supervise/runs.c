/* SPDX-License-Identifier: MIT */
#include "supervise/runs.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/memory.h"
#include "supervise/console.h"
#include "supervise/folders.h"

enum { NAMES_SHOWN = 8 };

/* ---- one record ---- */

/* Folder of its sockets. Caller frees; NULL: there is no manifest that says it. */
static char *read_sockets(const char *record)
{
	char *cleanup_free path = memory_format("%s/manifest.json", record);
	json_t *manifest = json_load_file(path, 0, NULL);
	char *sockets = memory_copy_text(json_string_value(json_object_get(manifest, "sockets")));
	json_decref(manifest);
	return sockets;
}

/* Of its supervisor; -1: nobody listens, it has ended. */
static int connect_to(const char *sockets)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool fits = (size_t)snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", sockets, CONSOLE_NAME)
		< sizeof address.sun_path;
	if (fd >= 0 && fits && !connect(fd, (struct sockaddr *)&address, sizeof address) && !files_nonblocking(fd))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Its folder of sockets may be another run's by now. */
static bool has_ended(const char *record)
{
	char *cleanup_free result = memory_format("%s/result.json", record);
	return !access(result, F_OK);
}

/* false: it is not under way. */
static bool open_record(const char *record, struct run *out)
{
	char *sockets = has_ended(record) ? NULL : read_sockets(record);
	int fd = sockets ? connect_to(sockets) : -1;
	if (fd < 0) {
		free(sockets);
		return false;
	}
	const char *slash = strrchr(record, '/');
	*out = (struct run){ .id = memory_copy_text(slash ? slash + 1 : record), .record = memory_copy_text(record),
		.sockets = sockets };
	channel_init(&out->console, fd);
	return true;
}

/* ---- which one ---- */

static int open_named(const char *records, const char *name, struct run *out, struct error *error)
{
	char *cleanup_free current = files_current_folder();
	char *cleanup_free record = strchr(name, '/') ? files_absolute(current ? current : "/", name)
		: memory_format("%s/%s", records, name);
	if (open_record(record, out))
		return 0;
	if (files_is_folder(record))
		return error_set(error, "run %s is not under way: it has ended", name);
	return error_set(error, "there is no run %s: no record %s", name, record);
}

/* Adds every run under way to `names`; keeps the first. */
static int open_only(const char *records, struct run *out, struct error *error)
{
	struct text names = { 0 };
	int count = 0;
	DIR *folder = opendir(records);
	for (struct dirent *entry; folder && (entry = readdir(folder)); ) {
		struct run run;
		char *cleanup_free record = memory_format("%s/%s", records, entry->d_name);
		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "latest") || !open_record(record, &run))
			continue;
		if (++count <= NAMES_SHOWN)
			text_format(&names, "%s%s", count > 1 ? ", " : "", run.id);
		if (count == 1)
			*out = run;
		else
			runs_close(&run);
	}
	if (folder)
		closedir(folder);
	if (count > 1) {
		runs_close(out);
		error_set(error, "%d runs are under way: say which with -r: %s%s", count, text_string(&names),
			count > NAMES_SHOWN ? ", ..." : "");
	} else if (!count)
		error_set(error, "no run is under way (looked in %s)", records);
	text_release(&names);
	return count == 1 ? 0 : -1;
}

int runs_open(const char *name, struct run *out, struct error *error)
{
	char *cleanup_free records = folders_records(error);
	const char *variable = getenv("LPAD_RUN");
	if (!records)
		return -1;
	if (!name && variable && *variable)
		name = variable;
	return name ? open_named(records, name, out, error) : open_only(records, out, error);
}

void runs_close(struct run *run)
{
	channel_close(&run->console);
	free(run->id);
	free(run->record);
	free(run->sockets);
	*run = (struct run){ .console.fd = -1 };
}

/* ---- asking ---- */

/* 0: something may have come, or can be written. */
static int await(struct run *run, int64_t until_ns, struct error *error)
{
	struct pollfd poll_fd = { .fd = run->console.fd, .events = POLLIN | (channel_pending(&run->console) ? POLLOUT : 0) };
	int64_t left = until_ns == INT64_MAX ? -1 : (until_ns - clock_ns()) / 1000000;
	if (until_ns != INT64_MAX && left <= 0)
		return error_code(error, ETIMEDOUT, "the supervisor of %s did not answer in time", run->id);
	poll(&poll_fd, 1, left < 0 || left > 1000000 ? -1 : (int)left + 1);
	return 0;
}

json_t *runs_ask(struct run *run, json_t *question, int64_t until_ns, struct error *error)
{
	json_t *answer = NULL;
	int got = 0;
	channel_send(&run->console, question);
	while (!got) {
		if (channel_flush(&run->console) || run->console.ended) {
			error_set(error, "run %s has ended", run->id);
			return NULL;
		}
		if (await(run, until_ns, error) || channel_read(&run->console, error))
			return NULL;
		got = channel_next(&run->console, &answer, error);
	}
	if (got < 0)
		return NULL;
	const char *wrong = json_string_value(json_object_get(answer, "error"));
	if (!wrong)
		return answer;
	error_set(error, "%s", wrong);
	json_decref(answer);
	return NULL;
}
