/* SPDX-License-Identifier: MIT */
#include "supervise/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "supervise/isolate.h"

static const char prefix[] = "lpad-";

enum { REMOVE_TRIES = 50, REMOVE_WAIT_MS = 10 };        /* a killed process is in it until it has ended */

/* ---- where ---- */

static bool lists(const char *folder, const char *file, const char *word)
{
	char *cleanup_free path = memory_format("%s/%s", folder, file);
	struct text cleanup_text text = { 0 };
	if (files_read(path, &text, 65536, NULL))
		return false;
	char *rest = text.data;
	for (char *one; rest && (one = strsep(&rest, " \n")); )
		if (text_equal(one, word))
			return true;
	return false;
}

static bool may_write(const char *folder, const char *file)
{
	char *cleanup_free path = memory_format("%s/%s", folder, file);
	return !access(path, W_OK);
}

/* Below a cgroup that has processes of its own nothing can be limited, so it hands out memory only if it was made to. */
static bool usable(const char *folder)
{
	return lists(folder, "cgroup.subtree_control", "memory") && may_write(folder, "") && may_write(folder, "cgroup.procs");
}

char *cgroup_choose(const char *mount, const char *own, char **why)
{
	char *cleanup_free place = memory_copy_text(own);
	*why = NULL;
	if (!lists(mount, "cgroup.controllers", "memory")) {
		*why = memory_copy_text("the hierarchy of cgroup v2 does not control memory");
		return NULL;
	}
	for (;;) {
		char *cleanup_free folder = memory_format("%s%s", mount, text_equal(place, "/") ? "" : place);
		if (usable(folder)) {
			char *found = folder;
			folder = NULL;
			return found;
		}
		char *slash = strrchr(place, '/');
		if (!slash || text_equal(place, "/"))
			break;
		slash[slash == place] = '\0';
	}
	*why = memory_format("neither %s nor a cgroup above it lets this user limit the memory of others below it", own);
	return NULL;
}

/* "36 25 0:31 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw" */
static char *mount_of(char *line)
{
	char *type = strstr(line, " - cgroup2 ");
	if (!type)
		return NULL;
	*type = '\0';
	for (int field = 0; line && field < 4; field++)
		line = strchr(line, ' ') ? strchr(line, ' ') + 1 : NULL;
	return line ? memory_copy_span(line, strcspn(line, " ")) : NULL;
}

bool cgroup_find(char **mount, char **own)
{
	struct text cleanup_text mounts = { 0 }, cgroups = { 0 };
	*mount = *own = NULL;
	if (files_read("/proc/self/mountinfo", &mounts, 0, NULL) || files_read("/proc/self/cgroup", &cgroups, 0, NULL))
		return false;
	char *rest = mounts.data;
	for (char *line; !*mount && rest && (line = strsep(&rest, "\n")); )
		*mount = mount_of(line);
	rest = cgroups.data;
	for (char *line; !*own && rest && (line = strsep(&rest, "\n")); )
		*own = text_starts(line, "0::/") ? memory_copy_text(line + 3) : NULL;
	return *mount && *own;
}

char *cgroup_delegated(char **why)
{
	const char *given = getenv("LPAD_CGROUP");
	*why = NULL;
	if (given && *given && lists(given, "cgroup.subtree_control", "memory"))
		return memory_copy_text(given);
	if (given) {
		*why = *given ? memory_format("the cgroup %s (LPAD_CGROUP) does not hand out memory", given) :
			memory_copy_text("LPAD_CGROUP is empty");
		return NULL;
	}
	char *cleanup_free mount, *cleanup_free own;
	if (cgroup_find(&mount, &own))
		return cgroup_choose(mount, own, why);
	*why = memory_copy_text("cgroup v2 is not mounted");
	return NULL;
}

/* ---- files ---- */

static int write_file(const char *folder, const char *file, const char *value, struct error *error)
{
	char *cleanup_free path = memory_format("%s/%s", folder, file);
	int cleanup_close fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || files_write_all(fd, value, strlen(value)))
		return error_code(error, errno, "cannot write %s to %s: %s", value, path, strerror(errno));
	return 0;
}

static int make_folder(const char *folder, struct error *error)
{
	if (!mkdir(folder, 0755))
		return 0;
	return error_code(error, errno, "cannot make the cgroup %s: %s", folder, strerror(errno));
}

static char *folder_of(const char *run, int process)
{
	return memory_format("%s/%d", run, process);
}

/* ---- the run's ---- */

char *cgroup_of_run(const char *delegated, pid_t owner)
{
	return memory_format("%s/%s%d", delegated, prefix, (int)owner);
}

/* Of runs whose guards were both killed. In a PID namespace of our own all others would look as if they had been. */
static void remove_left(const char *delegated)
{
	DIR *all = isolate_outside(getpid()) == getpid() ? opendir(delegated) : NULL;
	for (struct dirent *entry; all && (entry = readdir(all)); ) {
		const char *name = entry->d_name;
		int owner = text_starts(name, prefix) ? atoi(name + strlen(prefix)) : 0;
		char *cleanup_free folder = memory_format("%s/%s", delegated, name);
		if (owner > 0 && kill(owner, 0) && errno == ESRCH)
			cgroup_remove(folder);
	}
	if (all)
		closedir(all);
}

int cgroup_make(const char *run, struct error *error)
{
	char *cleanup_free delegated = files_folder_of(run);
	remove_left(delegated);
	cgroup_remove(run);                                     /* of an earlier process with our number */
	return make_folder(run, error) || write_file(run, "cgroup.subtree_control", "+memory", error) ? -1 : 0;
}

/* Swapping is slower than failing, and a limit that swaps is none. A kernel without swap lacks the file. */
int cgroup_limit(const char *run, int process, int64_t memory, struct error *error)
{
	char *cleanup_free folder = folder_of(run, process), *cleanup_free bytes = memory_format("%" PRId64, memory);
	if (make_folder(folder, error) || write_file(folder, "memory.max", bytes, error) ||
	    write_file(folder, "memory.oom.group", "1", error))
		return -1;
	write_file(folder, "memory.swap.max", "0", NULL);
	return 0;
}

int cgroup_enter(const char *run, int process, struct error *error)
{
	char *cleanup_free path = memory_format("%s/%d/cgroup.procs", run, process);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		error_code(error, errno, "cannot open %s: %s", path, strerror(errno));
	return fd;
}

int64_t cgroup_kills(const char *run, int process)
{
	char *cleanup_free path = memory_format("%s/%d/memory.events", run, process);
	struct text cleanup_text text = { 0 };
	if (files_read(path, &text, 65536, NULL))
		return -1;
	const char *at = strstr(text_string(&text), "oom_kill ");
	return at ? strtoll(at + strlen("oom_kill "), NULL, 10) : -1;
}

static void remove_folder(const char *folder)
{
	write_file(folder, "cgroup.kill", "1", NULL);
	for (int i = 0; rmdir(folder) && errno == EBUSY && i < REMOVE_TRIES; i++)
		poll(NULL, 0, REMOVE_WAIT_MS);
}

void cgroup_remove(const char *run)
{
	DIR *all = opendir(run);
	for (struct dirent *entry; all && (entry = readdir(all)); ) {
		char *cleanup_free folder = memory_format("%s/%s", run, entry->d_name);
		if (entry->d_name[0] != '.' && files_is_folder(folder))
			remove_folder(folder);
	}
	if (all) {
		closedir(all);
		remove_folder(run);
	}
}
