/* SPDX-License-Identifier: MIT */
/*
 * One shared object in one throw-away child (`lpad node --probe`, see node/probe.h), and what is asked of it. A child that
 * died or was killed is replaced by the next request.
 */
#ifndef SUPERVISE_SUBJECT_H
#define SUPERVISE_SUBJECT_H

#include <jansson.h>

#include "base/channel.h"
#include "supervise/helper.h"

enum subject_state {
	SUBJECT_IDLE,           /* nothing was asked yet */
	SUBJECT_ASKED,
	SUBJECT_ANSWERED,       /* the reply is there */
	SUBJECT_DIED,           /* status says how */
	SUBJECT_LATE,           /* no answer within the limit; it was killed */
	SUBJECT_FAILED          /* no child could be started: error */
};
struct subject {
	const char *path;       /* borrowed; set by the owner */
	enum subject_state state;
	struct helper helper;   /* pid 0 or less: no child */
	struct channel channel;
	struct text output;     /* what it has printed since it was started */
	int64_t limit_ms;       /* until when it may take */
	json_t *reply;
	int status;
	struct error error;
};

/* Takes the reference. */
void subject_ask(struct subject *subject, json_t *request);
/* Until none of them is SUBJECT_ASKED any more. */
void subjects_wait(struct subject *const *subjects, size_t count);
/* Kills the child and its process group; forgets the reply. */
void subject_end(struct subject *subject);
double subject_step_limit(void);        /* seconds: $LPAD_STEP_LIMIT, else 30 */
/* Does the living child have children of its own? */
bool subject_forked(const struct subject *subject);

#endif
