/* SPDX-License-Identifier: MIT */
/* Where a run keeps its things: the folder of all records, and a folder of its own for sockets. */
#ifndef SUPERVISE_FOLDERS_H
#define SUPERVISE_FOLDERS_H

#include <stdbool.h>

#include "base/error.h"

/* ${XDG_STATE_HOME:-~/.local/state}/lpad/runs; HOME unset: the user database. Not made yet. Caller frees;
   NULL with an error if there is no such place. */
char *folders_records(struct error *error);

/*
 * `lasting`: for a run that outlives the login, whose $XDG_RUNTIME_DIR does not: always below /tmp/lpad-UID.
 * A new, empty folder, 0700, named by a number, for the sockets of one run: below $XDG_RUNTIME_DIR/lpad if that is a
 * folder of ours, else /tmp/lpad-UID. What lies in the way and is not ours is refused, never touched. Caller frees
 * the path and removes the folder.
 */
char *folders_sockets(bool lasting, struct error *error);

/* What that would be made in; nothing is. Caller frees. */
char *folders_sockets_base(bool lasting);
/* Whether it could be, as far as can be told without trying. */
int folders_check_sockets(const char *base, struct error *error);
/* `path`, or the nearest folder above it that is there. Caller frees. */
char *folders_existing(const char *path);
/* The same below a given folder; made 0700 if it is not there. For tests. */
char *folders_numbered(const char *base, struct error *error);

#endif
