/* SPDX-License-Identifier: MIT */
/* The logs of a record: what each process wrote, byte for byte, and beside it when. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/memory.h"
#include "supervise/record.h"

enum {
	TIMES_EVERY_MS = 250,
	TAIL_BYTES = 16 << 10
};

static int open_log(struct record *record, const char *name)
{
	char *cleanup_free path = memory_format("%s/logs/%s.log", record->folder, name);
	int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
	int fd = open(path, flags, 0666);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	char *cleanup_free folder = files_folder_of(path);
	struct error error = { 0 };
	if (files_make_folders(folder, 0777, &error)) {
		errno = error.code;
		return -1;
	}
	return open(path, flags, 0666);
}

/* A line of NAME.times: when, and how long the log was. What cannot be written is only missing. */
static void note_time(const struct record *record, struct log *log, const char *name)
{
	int64_t now = clock_wall_ms(), since = now - log->noted_ms;
	if (since >= 0 && since < TIMES_EVERY_MS)
		return;
	char line[48];
	char *cleanup_free path = memory_format("%s/logs/%s.times", record->folder, name);
	int cleanup_close fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	int length = snprintf(line, sizeof line, "%lld %lld\n", (long long)now, (long long)lseek(log->fd, 0, SEEK_END));
	log->noted_ms = now;
	if (fd >= 0)
		files_write_all(fd, line, (size_t)length);
}

void record_log(struct record *record, struct log *log, const char *name, const char *data, size_t size)
{
	if (record->logs_broken)
		return;
	if (log->fd < 0)
		log->fd = open_log(record, name);
	if (log->fd >= 0)
		note_time(record, log, name);
	if (log->fd < 0 || files_write_all(log->fd, data, size)) {
		record->logs_broken = true;
		record_complain(record, "cannot write the logs in %s/logs: %s; the run goes on without them", record->folder,
			strerror(errno));
		return;
	}
	if (log->held)
		return;
	if (record->logs_open < record->logs_most) {
		log->held = true;
		record->logs_open++;
	} else {
		record_close_log(record, log);
	}
}

void record_close_log(struct record *record, struct log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	if (log->held)
		record->logs_open--;
	log->fd = -1;
	log->held = false;
}

char *record_log_tail(const struct record *record, const char *name, int most)
{
	char *cleanup_free path = memory_format("%s/logs/%s.log", record->folder, name);
	int cleanup_close fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (size <= 0)
		return NULL;
	char buffer[TAIL_BYTES];
	ssize_t got = pread(fd, buffer, sizeof buffer, size > TAIL_BYTES ? size - TAIL_BYTES : 0);
	if (got <= 0)
		return NULL;
	size_t end = (size_t)got, start = end;
	while (end && buffer[end - 1] == '\n')
		end--;
	for (start = end; start; start--)
		if (buffer[start - 1] == '\n' && !--most)
			break;
	return start < end ? memory_copy_span(buffer + start, end - start) : NULL;
}
