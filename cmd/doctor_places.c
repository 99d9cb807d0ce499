/* SPDX-License-Identifier: MIT */
/* Folders: where modules are found, and where runs keep their things. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "doctor.h"
#include "supervise/build.h"
#include "supervise/folders.h"
#include "supervise/runs.h"
#include "topology/places.h"

static const uint64_t NEARLY_FULL = 64 << 20, LITTLE_DISK = (uint64_t)1 << 30;

enum { RUNS_NAMED = 5 };

/* ---- modules ---- */

static void look_at_own_files(struct finding *finding)
{
	static const char remedy[] = "install lpad whole (make install), or build it in its checkout (make)";
	struct places places;
	struct error error = { 0 };
	if (places_find(&places, &error)) {
		finding_value(finding, "%s", error.text);
		finding_raise(finding, FINDING_PROBLEM, "lpad does not find its own files without /proc", "mount /proc");
		return;
	}
	char *cleanup_free header = memory_format("%s/lpad/node.h", places.include);
	char *cleanup_free module = memory_format("%s/cache.so", places.nodes);
	finding_value(finding, "%s, %s", places.include, places.nodes);
	if (!files_is_file(header))
		finding_raise(finding, FINDING_PROBLEM, "lpad/node.h is not there: no module can be compiled", remedy);
	if (!files_is_file(module))
		finding_raise(finding, FINDING_PROBLEM, "cache.so is not there: topologies that use lpad's own modules are refused", remedy);
	places_release(&places);
}

static void look_at_module_path(struct finding *finding)
{
	const char *path = getenv("LPAD_PATH");
	finding_value(finding, "%s", path && *path ? path : "LPAD_PATH is not set");
	for (const char *at = path ? path : ""; *(at += strspn(at, ":")); at += strcspn(at, ":")) {
		char *cleanup_free folder = memory_copy_span(at, strcspn(at, ":"));
		char *cleanup_free meaning = memory_format("%s is no folder: no module is found there", folder);
		if (!files_is_folder(folder))
			finding_raise(finding, FINDING_WARNING, meaning, "mend LPAD_PATH");
	}
}

static void look_at_cache(struct finding *finding)
{
	char *cleanup_free folder = builder_cache_folder();
	char *cleanup_free there = folder ? folders_existing(folder) : NULL;
	finding_value(finding, "%s", folder ? folder : "none");
	if (!there || access(there, W_OK | X_OK))
		finding_raise(finding, FINDING_WARNING, "it cannot be written: modules are compiled again for each launch",
			"set XDG_CACHE_HOME to a folder of yours");
}

/* ---- runs ---- */

static void look_at_disk(struct finding *finding, const char *folder)
{
	struct statvfs file_system;
	if (statvfs(folder, &file_system))
		return;
	uint64_t left = (uint64_t)file_system.f_bavail * file_system.f_frsize;
	finding_value(finding, ", %" PRIu64 " MiB free", left >> 20);
	if (left < LITTLE_DISK)
		finding_raise(finding, left < NEARLY_FULL ? FINDING_PROBLEM : FINDING_WARNING,
			"logs, metrics and what nodes save may fill it in the middle of a run", "lpad rm --older 30d, or --record on another disk");
	if (file_system.f_files && !file_system.f_favail)
		finding_raise(finding, FINDING_PROBLEM, "it has no inodes left: no file can be made", "remove files, as by lpad rm --older 30d");
}

static void look_at_records(struct finding *finding)
{
	struct error error = { 0 };
	char *cleanup_free folder = folders_records(&error);
	finding_value(finding, "%s", folder ? folder : "none");
	if (!folder) {
		finding_raise(finding, FINDING_PROBLEM, error.text, NULL);
		return;
	}
	char *cleanup_free there = folders_existing(folder);
	look_at_disk(finding, there);
	if (access(there, W_OK | X_OK) || !files_is_folder(there))
		finding_raise(finding, FINDING_PROBLEM, "it cannot be written: no run can be started",
			"set XDG_STATE_HOME to a folder of yours, or use --record");
}

static void look_at_sockets(struct finding *finding)
{
	struct error error = { 0 };
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char *cleanup_free base = folders_sockets_base(false);
	finding_value(finding, "%s", base);
	if (runtime && !text_starts(base, runtime))
		finding_raise(finding, FINDING_WARNING, "XDG_RUNTIME_DIR is set, but is no folder of yours that can be written: it is not used",
			"unset it, as `su -` and `sudo -i` do");
	if (folders_check_sockets(base, &error))
		finding_raise(finding, FINDING_PROBLEM, error.text, NULL);
}

static void name_lost(struct finding *finding, const struct runs *runs, size_t lost)
{
	struct text cleanup_text names = { 0 }, cleanup_text remedy = { 0 };
	size_t named = 0;
	for (size_t i = 0; i < runs->list.count && named < RUNS_NAMED; i++)
		if (runs->list.at[i].state == RUN_LOST)
			text_format(&names, "%s%s", named++ ? " " : "", runs->list.at[i].id);
	text_format(&remedy, "lpad rm %s%s, or lpad launch --continue", text_string(&names), lost > named ? " ..." : "");
	finding_raise(finding, FINDING_WARNING, "the lost ones have no end: their supervisors were killed, or the machine went down",
		text_string(&remedy));
}

static void look_at_runs(struct finding *finding)
{
	struct error error = { 0 };
	struct runs runs = { 0 };
	size_t lost = 0, under_way = 0;
	if (runs_list(NULL, &runs, &error)) {
		finding_value(finding, "not known: %s", error.text);
		return;
	}
	for (size_t i = 0; i < runs.list.count; i++) {
		lost += runs.list.at[i].state == RUN_LOST;
		under_way += runs_is_under_way(&runs.list.at[i]);
	}
	finding_value(finding, "%zu record%s: %zu under way, %zu lost", runs.list.count, runs.list.count == 1 ? "" : "s",
		under_way, lost);
	if (lost)
		name_lost(finding, &runs, lost);
	runs_release(&runs);
}

const struct doctor_check doctor_places[] = {
	{ "own files", look_at_own_files },
	{ "module path", look_at_module_path },
	{ "compiled modules", look_at_cache },
	{ "records", look_at_records },
	{ "sockets", look_at_sockets },
	{ "runs", look_at_runs },
	{ .name = NULL },
};
