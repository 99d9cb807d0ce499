/* SPDX-License-Identifier: MIT */
/* How a run was that nobody can be asked any more: its record, in the shape of the console's answer to "status". */
#ifndef SUPERVISE_PAST_H
#define SUPERVISE_PAST_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "supervise/runs.h"

/* `nodes`: replicas and groups; NULL: all. A run that was lost has no numbers. New reference; NULL with an error (ENOENT): one of
   the nodes does not exist. */
json_t *past_status(struct run *run, const json_t *nodes, bool metrics, bool edges, struct error *error);

#endif
