/* SPDX-License-Identifier: MIT */
/*
 * The result of a run, for which there is room from the start: a run that filled the disk still tells how it ended. The
 * room is a hidden file beside it, which is written in its place and then gets its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/dump.h"
#include "base/files.h"
#include "base/memory.h"
#include "supervise/record.h"

enum { ROOM = 64 << 10, ROOM_OF_REPLICA = 4 << 10 };

static char *reserved(const struct record *record)
{
	return memory_format("%s/.result.json", record->folder);
}

int record_reserve_result(const struct record *record, int replicas, struct error *error)
{
	char *cleanup_free path = reserved(record);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	int code = fd < 0 ? errno : posix_fallocate(fd, 0, ROOM + (off_t)replicas * ROOM_OF_REPLICA);
	if (fd >= 0)
		close(fd);
	if (fd < 0 || code == ENOSPC || code == EDQUOT)         /* not every file system can keep room free */
		return error_code(error, code, "cannot write %s: %s", path, strerror(code));
	return 0;
}

static int write_whole(int fd, const char *path, const char *text)
{
	char *cleanup_free folder = files_folder_of(path);
	char *cleanup_free result = memory_format("%s/result.json", folder);
	size_t size = strlen(text);
	return lseek(fd, 0, SEEK_SET) || files_write_all(fd, text, size) || ftruncate(fd, (off_t)size) || fsync(fd) ||
		rename(path, result) ? -1 : 0;
}

/* How it ended, without what came of each node: that is short. */
static char *essence(json_t *result)
{
	if (json_object_get(result, "nodes"))
		json_object_set_new(result, "nodes", json_object());
	if (json_object_get(result, "edges"))
		json_object_set_new(result, "edges", json_array());
	return dump_json(result, JSON_INDENT(2));
}

int record_write_result(const struct record *record, json_t *result, struct error *error)
{
	char *cleanup_free path = reserved(record);
	char *cleanup_free text = dump_json(result, JSON_INDENT(2));
	char *cleanup_free least = essence(result);
	json_decref(result);
	int cleanup_close fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (!text || !least)
		return error_set(error, "cannot write %s/result.json: not valid as JSON", record->folder);
	if (fd >= 0 && !write_whole(fd, path, text))
		return 0;
	int code = errno;
	if (fd < 0 || (code != ENOSPC && code != EDQUOT) || write_whole(fd, path, least))
		return error_code(error, code, "cannot write %s/result.json: %s", record->folder, strerror(code));
	return error_code(error, code, "%s: %s/result.json says how the run ended, and nothing of its nodes", strerror(code),
		record->folder);
}
