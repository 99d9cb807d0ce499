/* SPDX-License-Identifier: MIT */
/* Why calls wait, and for whom: for the note of a long wait and for `lpad status`. */
#ifndef WHY_H
#define WHY_H

#include "inside.h"

/* In one sentence. */
void why_held(const struct held *held, char *text, size_t room);
/* "queue" or "stack", if the table is one and all that it counts is still in it; else NULL. */
const char *why_queue(const struct place *place);
/* "; learner sampled last, 15 s ago": if this side waits and the other does not, who could let it go on. The length, also if cut. */
int why_nobody(const struct place *place, enum side side, char *text, size_t room);

#endif
