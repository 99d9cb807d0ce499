/* SPDX-License-Identifier: MIT */
/*
 * Files of environment variables, as docker and systemd have them: NAME=VALUE lines. Blank lines and those that begin
 * with # or ; are skipped; blanks around a value are not part of it. A value in '...' or "..." is what stands between, over
 * several lines if need be; in "..." a backslash takes ", \, $ or ` as it is. Nothing is expanded.
 */
#ifndef SUPERVISE_ENVFILE_H
#define SUPERVISE_ENVFILE_H

#include "base/error.h"
#include "base/list.h"

struct envfile {
	LIST(char *) list;      /* "NAME=value", each name once: the last one given */
};

/* Adds what stands in a file. -1 with an error "FILE:LINE: ...". */
int envfile_read(struct envfile *file, const char *path, struct error *error);
/* The same of a text, which is called `path` in errors. */
int envfile_parse(struct envfile *file, const char *text, size_t length, const char *path, struct error *error);
/* All of them as such a file. Caller frees. */
char *envfile_text(const struct envfile *file);
void envfile_release(struct envfile *file);

#endif
