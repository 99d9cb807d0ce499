/* SPDX-License-Identifier: MIT */
#include "supervise/folders.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"

enum {
	/* What follows the folder in a socket's path: "/ID.INCARNATION.PLACE" with a million replicas. */
	LONGEST_NAME = 24,
	LONGEST_FOLDER = sizeof(((struct sockaddr_un *)0)->sun_path) - 1 - LONGEST_NAME,
	MOST_FOLDERS = 1000000
};

/* An XDG variable counts only if it is absolute. */
static const char *absolute_variable(const char *name)
{
	const char *value = getenv(name);
	return value && value[0] == '/' ? value : NULL;
}

char *folders_records(struct error *error)
{
	const char *state = absolute_variable("XDG_STATE_HOME");
	if (state)
		return memory_format("%s/lpad/runs", state);
	const char *home = absolute_variable("HOME");
	const struct passwd *user = home ? NULL : getpwuid(geteuid());
	if (user && user->pw_dir && user->pw_dir[0] == '/')
		home = user->pw_dir;
	if (home)
		return memory_format("%s/.local/state/lpad/runs", home);
	error_set(error, "there is no folder for records: neither XDG_STATE_HOME nor HOME is set to an absolute path, and "
		"user %d is not in the user database; say where with --record FOLDER", (int)geteuid());
	return NULL;
}

/* 0 if it is a folder (no link) of ours that nobody else may enter. */
static int must_be_ours(const char *path, struct error *error)
{
	struct stat status;
	if (lstat(path, &status))
		return error_code(error, errno, "cannot look at %s: %s", path, strerror(errno));
	if (!S_ISDIR(status.st_mode))
		return error_code(error, ENOTDIR, "%s is in the way: a folder for sockets should be there, and it is a %s; "
			"move it away", path, S_ISLNK(status.st_mode) ? "link" : "file");
	if (status.st_uid != geteuid())
		return error_code(error, EPERM, "%s is in the way: it belongs to user %d, not to %d; set XDG_RUNTIME_DIR to "
			"a folder of your own", path, (int)status.st_uid, (int)geteuid());
	if (status.st_mode & 077)
		return error_code(error, EPERM, "%s can be entered by others (mode %03o): sockets need a folder of mode 700; "
			"chmod 700 %s", path, (unsigned)status.st_mode & 0777, path);
	return 0;
}

/* A folder of mode 0700 whatever the umask. 0, -1 with errno. */
static int make_private(const char *path)
{
	return mkdir(path, 0700) ? -1 : chmod(path, 0700);
}

static long highest_number(const char *base)
{
	long highest = 0;
	DIR *folder = opendir(base);
	if (!folder)
		return 0;
	for (struct dirent *entry; (entry = readdir(folder)); ) {
		char *end;
		long number = strtol(entry->d_name, &end, 10);
		if (*end == '\0' && number > highest && number < MOST_FOLDERS)
			highest = number;
	}
	closedir(folder);
	return highest;
}

static int too_long(const char *path, struct error *error)
{
	return error_code(error, ENAMETOOLONG, "the folder for sockets, %s, is too long: %zu bytes, and a socket's "
		"address leaves %d; set XDG_RUNTIME_DIR to a shorter path", path, strlen(path), LONGEST_FOLDER);
}

char *folders_numbered(const char *base, struct error *error)
{
	if (make_private(base) && errno != EEXIST) {
		error_code(error, errno, "cannot make folder %s: %s", base, strerror(errno));
		return NULL;
	}
	if (must_be_ours(base, error))
		return NULL;
	for (long number = highest_number(base) + 1; ; number++) {
		char *path = memory_format("%s/%ld", base, number);
		if (strlen(path) > LONGEST_FOLDER) {
			too_long(path, error);
			free(path);
			return NULL;
		}
		if (!make_private(path))
			return path;
		int code = errno;
		if (code != EEXIST)
			error_code(error, code, "cannot make folder %s: %s", path, strerror(code));
		free(path);
		if (code != EEXIST)
			return NULL;
	}
}

/* Of another user after su or sudo, or gone since the login ended: as if it were not set. */
static bool usable(const char *runtime)
{
	struct stat status;
	return !stat(runtime, &status) && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
		!access(runtime, W_OK | X_OK);
}

char *folders_sockets_base(bool lasting)
{
	const char *runtime = lasting ? NULL : absolute_variable("XDG_RUNTIME_DIR");
	return runtime && usable(runtime) ? memory_format("%s/lpad", runtime) : memory_format("/tmp/lpad-%d", (int)geteuid());
}

char *folders_sockets(bool lasting, struct error *error)
{
	char *cleanup_free base = folders_sockets_base(lasting);
	return folders_numbered(base, error);
}

int folders_check_sockets(const char *base, struct error *error)
{
	char *cleanup_free last = memory_format("%s/%d", base, MOST_FOLDERS - 1);
	if (strlen(last) > LONGEST_FOLDER)
		return too_long(base, error);
	if (!access(base, F_OK))
		return must_be_ours(base, error);
	char *cleanup_free above = files_folder_of(base);
	if (access(above, W_OK | X_OK))
		return error_code(error, errno, "cannot make folder %s: %s", base, strerror(errno));
	return 0;
}

char *folders_existing(const char *path)
{
	char *there = memory_copy_text(path);
	while (access(there, F_OK) && !text_equal(there, "/") && !text_equal(there, ".")) {
		char *above = files_folder_of(there);
		free(there);
		there = above;
	}
	return there;
}
