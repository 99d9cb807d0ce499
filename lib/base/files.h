/* SPDX-License-Identifier: MIT */
/* Files and descriptors. Every descriptor made here is close-on-exec. */
#ifndef BASE_FILES_H
#define BASE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

/* Whole content appended to `out`; refuses more than `limit` bytes (0: no limit). Code of the error: errno. */
int files_read(const char *path, struct text *out, size_t limit, struct error *error);
int files_read_fd(int fd, const char *name, struct text *out, size_t limit, struct error *error);
/* All of it, whatever signals and short writes do; for blocking descriptors. */
int files_write_all(int fd, const void *data, size_t size);
/* Written beside as PATH.new.PID, synced, renamed: the old content or the new, never half. Code: errno. */
int files_replace(const char *path, const void *data, size_t size, mode_t mode, struct error *error);
/* All missing folders of `path`, with `mode`. An existing folder is fine; anything else in the way is an error. */
int files_make_folders(const char *path, mode_t mode, struct error *error);
/* A folder and all below it; never follows a link; what is missing is fine. */
int files_remove_tree(const char *path);
bool files_is_folder(const char *path);
bool files_is_file(const char *path);
/* `path` if absolute, else folder/path; "." and ".." are folded as text. Caller frees. */
char *files_absolute(const char *folder, const char *path);
char *files_current_folder(void);                       /* caller frees; NULL if it is gone */
char *files_folder_of(const char *path);                /* "a/b" -> "a", "b" -> "."; caller frees */
const char *files_name_of(const char *path);            /* borrowed: behind the last slash */
/* As a shell finds it: a name with a slash as it is, another one in the folders of `path`. Caller frees; NULL: errno says why. */
char *files_find_program(const char *name, const char *path);
int files_close_on_exec(int fd);
int files_nonblocking(int fd);

#endif
