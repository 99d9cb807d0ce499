/* SPDX-License-Identifier: MIT */
#include "supervise/leftover.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "supervise/console.h"
#include "supervise/record.h"

enum { UNMARKED_SECONDS = 3600 };       /* without a link for so long: nobody is making it any more */

/* One at a time: a number that is free again may be somebody's new folder. -1: another one is at it, and there is no need. */
static int begin(const char *base)
{
	struct stat status;
	int fd = open(base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool ours = fd >= 0 && !fstat(fd, &status) && status.st_uid == geteuid() && !(status.st_mode & 022);
	if (ours && !flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool is_our_folder(const char *path, struct stat *status)
{
	return !lstat(path, status) && S_ISDIR(status->st_mode) && status->st_uid == geteuid();
}

/* False: there is no such link. */
static bool record_of(const char *sockets, char target[PATH_MAX])
{
	char *cleanup_free mark = memory_format("%s/record", sockets);
	ssize_t length = readlink(mark, target, PATH_MAX - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	return true;
}

static bool somebody_listens(const char *sockets)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", sockets, CONSOLE_NAME);
	int cleanup_close fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || length >= (int)sizeof address.sun_path)
		return true;
	return !connect(fd, (struct sockaddr *)&address, sizeof address) || (errno != ENOENT && errno != ECONNREFUSED);
}

static bool is_left_over(const char *sockets)
{
	struct stat status;
	char record[PATH_MAX];
	if (!is_our_folder(sockets, &status))
		return false;
	bool gone = record_of(sockets, record) ? !record_is_held(record) : time(NULL) - status.st_mtime > UNMARKED_SECONDS;
	return gone && !somebody_listens(sockets);
}

void leftover_remove_all(const char *base)
{
	int cleanup_close lock = begin(base);
	DIR *all = lock < 0 ? NULL : opendir(base);
	for (struct dirent *entry; all && (entry = readdir(all)); ) {
		char *cleanup_free sockets = memory_format("%s/%s", base, entry->d_name);
		if (isdigit((unsigned char)entry->d_name[0]) && is_left_over(sockets))
			files_remove_tree(sockets);
	}
	if (all)
		closedir(all);
}

void leftover_remove_of(const char *sockets, const char *record)
{
	struct stat status;
	char target[PATH_MAX];
	char *cleanup_free base = sockets ? files_folder_of(sockets) : NULL;
	int cleanup_close lock = base ? begin(base) : -1;
	if (lock >= 0 && is_our_folder(sockets, &status) && record_of(sockets, target) && !strcmp(target, record))
		files_remove_tree(sockets);
}
