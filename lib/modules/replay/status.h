/* SPDX-License-Identifier: MIT */
/* How the tables are: JSON of the method status, lines of `lpad status`, numbers. */
#ifndef STATUS_H
#define STATUS_H

#include "inside.h"

char *status_json(struct replay *me);           /* caller frees */
/* "312 of 1000 items, ...; 3 samples wait, the first, learner, for 12 s" */
void status_line(const struct place *place, char *text, size_t room);
void status_report(struct replay *me);

#endif
