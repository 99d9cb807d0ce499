/* SPDX-License-Identifier: MIT */
/*
 * Batched methods. Calls gather in the order in which they came; once there are enough, or the first has waited long enough, or the
 * node drains, a batch is posted if fewer than `most` are under way. What it consists of is settled when its turn comes, so
 * that it goes on filling until then. A batch is a call itself, of no client: what the node answers is cut into the answers of
 * its members, and its errors are theirs. All under the link's lock unless said otherwise.
 */
#ifndef LINK_BATCH_H
#define LINK_BATCH_H

#include "link/server.h"

struct gathering {
	size_t size, most;              /* calls of a batch; batches under way */
	size_t declared;                /* what init may choose */
	int64_t wait_ns;                /* INT64_MAX: until there are enough */
	bool pad;
	struct calls calls;
	size_t count;                   /* of calls */
	size_t posted, active;          /* batches: their turn has not come; posted, running and kept */
};

struct gathering *batch_new(const struct method_link *spec);    /* NULL: not a batched method */
bool batch_is(const struct lpad_call *call);
void batch_gather(struct link *link, struct lpad_call *call);
/* Why a call that gathers has not begun: one sentence. false: it does not gather. */
bool batch_why(const struct lpad_call *call, char *text, size_t room);
void batch_leave(struct lpad_call *call);                       /* before its batch was taken */
/* Posts what is due. When it is to be called again; INT64_MAX: not by time. */
int64_t batch_look(struct link *link, struct method *method);
/* As server_take and server_open. */
bool batch_take(struct link *link, struct lpad_call *batch);
bool batch_open(struct link *link, struct lpad_call *batch);    /* no lock */
int batch_answer(struct lpad_call *batch, lpad_message *reply); /* no lock; as call_answer, of a reply that is sound */
void batch_fail(struct lpad_call *batch, int code, const char *text);   /* ends its members */
void batch_ended(struct lpad_call *batch);                      /* another may begin */
void batch_member_gone(struct lpad_call *member);

#endif
