/* SPDX-License-Identifier: MIT */
/* What version control says of a folder, by the program `git`. */
#ifndef SUPERVISE_GIT_H
#define SUPERVISE_GIT_H

#include <jansson.h>

#include "base/text.h"

/*
 * {"root": "/…", "commit": "40 digits", "branch": "main", "dirty": true, "untracked": ["a.c"], "diff": true}; the last three of
 * this folder alone. "branch" is null if none is checked out, "commit" if there is none yet. `diff` gets what is changed against
 * the commit, at most 1 MiB of it ("diff_cut": true). {"error": "…"} when git cannot say. null: not in a repository, or there is
 * no git. New reference.
 */
json_t *git_describe(const char *folder, struct text *diff);

#endif
