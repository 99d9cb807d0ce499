/* SPDX-License-Identifier: MIT */
#include "base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

static int failed(struct error *error, const char *what, const char *path)
{
	int code = errno;
	return error_code(error, code, "cannot %s %s: %s", what, path, strerror(code));
}

int files_read_fd(int fd, const char *name, struct text *out, size_t limit, struct error *error)
{
	for (;;) {
		text_reserve(out, 65536);
		ssize_t got = read(fd, out->data + out->length, 65536);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return failed(error, "read", name);
		if (got == 0)
			return 0;
		out->length += (size_t)got;
		out->data[out->length] = '\0';
		if (limit && out->length > limit)
			return error_code(error, EFBIG, "cannot read %s: larger than %zu bytes", name, limit);
	}
}

int files_read(const char *path, struct text *out, size_t limit, struct error *error)
{
	int cleanup_close fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(error, "open", path);
	return files_read_fd(fd, path, out, limit, error);
}

int files_write_all(int fd, const void *data, size_t size)
{
	const char *at = data;
	while (size) {
		ssize_t put = write(fd, at, size);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		at += put;
		size -= (size_t)put;
	}
	return 0;
}

int files_replace(const char *path, const void *data, size_t size, mode_t mode, struct error *error)
{
	char *cleanup_free beside = memory_format("%s.new.%d", path, (int)getpid());
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return failed(error, "write", beside);
	int bad = files_write_all(fd, data, size) || fsync(fd);
	int code = errno;
	if (close(fd) && !bad)
		bad = 1, code = errno;
	if (!bad && rename(beside, path))
		bad = 1, code = errno;
	if (!bad)
		return 0;
	unlink(beside);
	errno = code;
	return failed(error, "write", path);
}

int files_make_folders(const char *path, mode_t mode, struct error *error)
{
	char *cleanup_free copy = memory_copy_text(path);
	for (char *at = copy + 1; ; at++) {
		if (*at != '/' && *at != '\0')
			continue;
		char end = *at;
		*at = '\0';
		if (mkdir(copy, mode) && !(errno == EEXIST && files_is_folder(copy))) {
			if (errno == EEXIST)
				return error_code(error, ENOTDIR, "cannot make folder %s: %s is not a folder", path, copy);
			return failed(error, "make folder", copy);
		}
		*at = end;
		if (!end)
			return 0;
	}
}

static int remove_at(int parent, const char *name)
{
	if (!unlinkat(parent, name, 0) || errno == ENOENT)
		return 0;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	DIR *folder = fdopendir(fd);
	if (!folder) {
		close(fd);
		return -1;
	}
	int bad = 0;
	for (struct dirent *entry; (entry = readdir(folder)); )
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			bad |= remove_at(fd, entry->d_name);
	closedir(folder);
	return unlinkat(parent, name, AT_REMOVEDIR) || bad ? -1 : 0;
}

int files_remove_tree(const char *path)
{
	return remove_at(AT_FDCWD, path);
}

bool files_is_folder(const char *path)
{
	struct stat status;
	return !stat(path, &status) && S_ISDIR(status.st_mode);
}

bool files_is_file(const char *path)
{
	struct stat status;
	return !stat(path, &status) && S_ISREG(status.st_mode);
}

char *files_absolute(const char *folder, const char *path)
{
	char *cleanup_free joined = path[0] == '/' ? memory_copy_text(path) : memory_format("%s/%s", folder, path);
	struct text out = { 0 };
	for (const char *at = joined; *at; ) {
		size_t length = strcspn(at, "/");
		if (length == 2 && !strncmp(at, "..", 2)) {
			while (out.length && out.data[--out.length] != '/')
				;
			if (out.data)
				out.data[out.length] = '\0';
		} else if (length && !(length == 1 && *at == '.')) {
			text_add_char(&out, '/');
			text_add_span(&out, at, length);
		}
		at += length + (at[length] == '/');
	}
	if (!out.length)
		text_add_char(&out, '/');
	return text_take(&out);
}

char *files_current_folder(void)
{
	return getcwd(NULL, 0);
}

char *files_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return memory_copy_text(".");
	return memory_copy_span(path, slash == path ? 1 : (size_t)(slash - path));
}

const char *files_name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static bool is_program(const char *path)
{
	if (files_is_folder(path)) {
		errno = EISDIR;
		return false;
	}
	return !access(path, X_OK);
}

/* One that is there and may not be executed says more than that it is not there. */
char *files_find_program(const char *name, const char *path)
{
	int why = ENOENT;
	if (strchr(name, '/'))
		return is_program(name) ? memory_copy_text(name) : NULL;
	for (const char *at = path; *name && *at; at += *at == ':') {
		size_t length = strcspn(at, ":");
		char *tried = length ? memory_format("%.*s/%s", (int)length, at, name) : memory_format("./%s", name);
		if (is_program(tried))
			return tried;
		why = errno == EACCES ? EACCES : why;
		free(tried);
		at += length;
	}
	errno = why;
	return NULL;
}

int files_close_on_exec(int fd)
{
	int flags = fcntl(fd, F_GETFD);
	return flags < 0 ? -1 : fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

int files_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}
