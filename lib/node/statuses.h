/* SPDX-License-Identifier: MIT */
/* lpad_status's lines on their way to the control channel: the newest text of each name. Setting one never waits for the channel. */
#ifndef NODE_STATUSES_H
#define NODE_STATUSES_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/list.h"

enum { STATUSES_MOST = 64, STATUS_LONGEST = 400 };      /* names; bytes of a text, and of a name */

struct status {
	char *name, *text;
};

struct statuses {
	pthread_mutex_t lock;
	LIST(struct status) list;       /* in the order in which they came */
	bool changed;                   /* since statuses_take */
	bool refused;                   /* a name too many came */
};

enum status_outcome {
	STATUS_KEPT,                    /* nothing is to be done */
	STATUS_CHANGED,                 /* the first change since statuses_take: the owner should be woken */
	STATUS_REFUSED                  /* the first name that is one too many: the user should be told */
};

void statuses_init(struct statuses *statuses);
void statuses_release(struct statuses *statuses);
/* What is longer is cut off; an empty text, or none, takes the name away. */
enum status_outcome statuses_set(struct statuses *statuses, const char *name, const char *text);
/* {name: text}, if that has changed since the last time; NULL: it has not. New reference. */
json_t *statuses_take(struct statuses *statuses);
const char *statuses_text(const struct statuses *statuses, const char *name);  /* "": no such; no lock: of a node under test */

#endif
