/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "supervise/leftover.h"
#include "supervise/record.h"
#include "supervise/runs.h"

/* Not just any folder with a manifest.json in it. */
static int must_be_record(struct run *run, struct error *error)
{
	const json_t *manifest = runs_manifest(run);
	if (text_equal(json_string_value(json_object_get(manifest, "run")), run->id) && json_object_get(manifest, "command_line") &&
	    json_object_get(manifest, "hashes"))
		return 0;
	return error_set(error, "%s is no record of a run %s: its manifest.json does not say so", run->record, run->id);
}

/* FOLDER/latest names the newest that is left. */
static void mend_latest(const char *folder)
{
	struct runs runs;
	struct stat status;
	char *cleanup_free latest = memory_format("%s/latest", folder);
	if (lstat(latest, &status) || !S_ISLNK(status.st_mode) || !access(latest, F_OK) || runs_list(folder, &runs, NULL))
		return;
	char *cleanup_free beside = memory_format("%s.new.%d", latest, (int)getpid());
	if (!runs.list.count)
		unlink(latest);
	else if (!symlink(runs.list.at[0].id, beside) && rename(beside, latest))
		unlink(beside);
	runs_release(&runs);
}

/* Out of sight first: half a record is none. */
static int move_and_remove(const struct run *run, const char *folder, struct error *error)
{
	char *cleanup_free aside = memory_format("%s/.%s.removed.%d", folder, run->id, (int)getpid());
	if (rename(run->record, aside))
		return error_code(error, errno, "cannot remove %s: %s", run->record, strerror(errno));
	if (files_remove_tree(aside))
		return error_code(error, errno, "cannot remove all of %s, which is %s now: %s", run->record, aside, strerror(errno));
	return 0;
}

int runs_remove(struct run *run, struct error *error)
{
	if (must_be_record(run, error))
		return -1;
	int cleanup_close hold = record_hold(run->record);      /* nobody continues it from here on */
	if (hold < 0)
		return error_code(error, errno, "cannot remove %s: %s", run->record, strerror(errno));
	if (record_others_hold(hold))
		return error_code(error, EBUSY, "run %s is under way: `lpad stop -r %s` ends it", run->id, run->id);
	char *cleanup_free folder = files_folder_of(run->record);
	leftover_remove_of(json_string_value(json_object_get(runs_manifest(run), "sockets")), run->record);
	int code = move_and_remove(run, folder, error);
	mend_latest(folder);
	return code;
}

int64_t runs_last_ms(const struct run *run)
{
	static const char *const names[] = { "result.json", "metrics.jsonl", "manifest.json" };
	struct stat status;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char *cleanup_free path = memory_format("%s/%s", run->record, names[i]);
		if (!stat(path, &status))
			return (int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000;
	}
	return run->started_ms;
}
