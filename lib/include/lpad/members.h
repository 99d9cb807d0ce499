/* SPDX-License-Identifier: MIT */
/*
 * lpad/members.h - the inside of lpad/collective.h: what members of a group send each other, and how they wait for each other.
 * Not for authors: names that end with _ may change.
 *
 * What a member sends is a call of an inbox of another one, which is answered when it has been used. Each carries operation, round
 * and size, so that members that do not agree find out; one that waits long looks through its inbox from time to time, and calls
 * whom it waits for, since nobody says that a call will not come.
 */
#ifndef LPAD_MEMBERS_H
#define LPAD_MEMBERS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lpad/node.h>

#ifdef __cplusplus
extern "C" {
#endif

enum lpad_combine { LPAD_SUM = 1, LPAD_MAX, LPAD_MIN };

typedef struct lpad_collective {
	lpad_handle *group;             /* bound, as `inbox` is */
	lpad_inbox *inbox;
	/* all else is for the functions below */
	lpad_node *node;
	const char *method;
	struct lpad_collective_head_ *now;
	struct lpad_collective_early_ *early;
	uint64_t round;
	int failed;
	char why[512];
} lpad_collective;

enum { LPAD_BARRIER_ = 1, LPAD_BROADCAST_, LPAD_REDUCE_, LPAD_ALL_REDUCE_, LPAD_ALL_GATHER_ };
enum { LPAD_DATA_ = 1, LPAD_PROBE_, LPAD_FAILURE_ };    /* a part of an operation; "I wait for you"; "I gave up" */
enum { LPAD_COLLECTIVE_MAGIC_ = 0x3143504c, LPAD_AT_ONCE_ = 262144 };   /* fewer bytes go over one member, not in slices */

typedef struct lpad_collective_head_ {
	uint32_t magic;
	int32_t what, operation, type, combine, root;
	int32_t place;                  /* of the sender */
	int32_t code;                   /* of a failure */
	uint64_t round, count;
	uint8_t spare[16];              /* to 64: what follows begins on a boundary */
} lpad_collective_head_;

/* A call that came before its turn. */
typedef struct lpad_collective_early_ {
	struct lpad_collective_early_ *next;
	lpad_call *call;
	int place;
} lpad_collective_early_;

typedef struct lpad_collective_wait_ {
	lpad_deadline until, note;
	int seconds;                    /* that the next note tells of */
} lpad_collective_wait_;

static inline size_t lpad_collective_size_(int type)
{
	switch (type) {
	case LPAD_BOOL8: case LPAD_U8: case LPAD_I8: return 1;
	case LPAD_U16: case LPAD_I16: case LPAD_F16: case LPAD_BF16: return 2;
	case LPAD_U32: case LPAD_I32: case LPAD_F32: return 4;
	case LPAD_U64: case LPAD_I64: case LPAD_F64: return 8;
	default: return 0;
	}
}

static inline void lpad_collective_copy_(void *to, const void *from, size_t size)
{
	if (size)
		memcpy(to, from, size);
}

/* "all_reduce of 10 f32 (sum), round 3" */
static inline void lpad_collective_describe_(const lpad_collective_head_ *head, char *text, size_t room)
{
	static const char *const operations[] = { "?", "barrier", "broadcast", "reduce", "all_reduce", "all_gather" };
	static const char *const types[] = { "?", "bool", "u8", "i8", "u16", "i16", "f16", "bf16", "u32", "i32", "f32", "u64", "i64", "f64" };
	static const char *const combines[] = { "", " (sum)", " (max)", " (min)" };
	char of[64] = "", root[48] = "";
	bool known = head->operation >= LPAD_BARRIER_ && head->operation <= LPAD_ALL_GATHER_;
	if (head->type)
		snprintf(of, sizeof of, " of %llu %s%s", (unsigned long long)head->count,
			types[head->type > 0 && head->type <= LPAD_F64 ? head->type : 0],
			combines[head->combine > 0 && head->combine <= LPAD_MIN ? head->combine : 0]);
	if (head->operation == LPAD_BROADCAST_ || head->operation == LPAD_REDUCE_)
		snprintf(root, sizeof root, " %s place %d", head->operation == LPAD_REDUCE_ ? "to" : "from", head->root);
	snprintf(text, room, "%s%s%s, round %llu", operations[known ? head->operation : 0], of, root,
		(unsigned long long)head->round);
}

static inline lpad_message *lpad_collective_message_(const lpad_collective *c, int what, const void *data, size_t size)
{
	lpad_message *message = lpad_bytes(NULL, sizeof(lpad_collective_head_) + size);
	lpad_collective_head_ *head = (lpad_collective_head_ *)lpad_fill(message);
	if (!head)
		return message;         /* too large: the send will say so */
	*head = *c->now;
	head->what = what;
	if (data)
		lpad_collective_copy_(head + 1, data, size);
	return message;
}

/* NULL: no message of a collective. *size: of what follows the head. */
static inline const lpad_collective_head_ *lpad_collective_read_(const lpad_message *message, size_t *size)
{
	size_t all = lpad_size(message);
	const lpad_collective_head_ *head = (const lpad_collective_head_ *)lpad_body(message, all);
	*size = all - sizeof *head;
	return head && lpad_kind(message) == LPAD_BYTES && all >= sizeof *head && head->magic == LPAD_COLLECTIVE_MAGIC_ ? head : NULL;
}

static inline bool lpad_collective_same_(const lpad_collective_head_ *a, const lpad_collective_head_ *b)
{
	return a->operation == b->operation && a->type == b->type && a->combine == b->combine && a->root == b->root && a->count == b->count;
}

/* Two members do not agree: both hear it. A restarted one begins anew while the others go on. */
static inline int lpad_collective_differ_(lpad_collective *c, lpad_call *call, const lpad_collective_head_ *theirs)
{
	char here[128], there[128], text[440];
	const char *caller = lpad_caller(call), *again = "";
	int code = LPAD_EINVALID;
	if (theirs->round != c->now->round && (lpad_caller_incarnation(call) > 1 || lpad_incarnation(c->node) > 1)) {
		code = LPAD_ELOST;
		again = lpad_caller_incarnation(call) > lpad_incarnation(c->node) ? " (it was restarted)" : " (a member was restarted)";
	}
	lpad_collective_describe_(c->now, here, sizeof here);
	lpad_collective_describe_(theirs, there, sizeof there);
	snprintf(text, sizeof text, "%s is in %s%s, but %s is in %s", caller, there, again, lpad_name(c->node), here);
	lpad_refuse(call, code, "%s", text);
	lpad_fail(c->node, "%s: %s", c->method, text);
	return code;
}

static inline int lpad_collective_gave_up_(lpad_collective *c, lpad_call *call, const lpad_collective_head_ *head, size_t size)
{
	int code = head->code < 0 ? head->code : LPAD_EFAILED;
	lpad_fail(c->node, "%s: %.*s", lpad_caller(call), (int)(size < sizeof c->why ? size : sizeof c->why), (const char *)(head + 1));
	lpad_answer(call, NULL);
	return code;
}

enum { LPAD_MATCHES_ = 0, LPAD_ANSWERED_ = 1, LPAD_AHEAD_ = 2 };

/* What has come? Negative: the operation has failed, and the call is answered. */
static inline int lpad_collective_examine_(lpad_collective *c, lpad_call *call, int *place)
{
	size_t size;
	const lpad_collective_head_ *head = lpad_collective_read_(lpad_request(call), &size);
	if (!head || head->place < 0 || head->place >= lpad_count(c->group)) {
		lpad_refuse(call, LPAD_EINVALID, "only members of the group call this, by lpad/collective.h");
		return LPAD_ANSWERED_;
	}
	*place = head->place;
	if (head->what == LPAD_FAILURE_)
		return lpad_collective_gave_up_(c, call, head, size);
	if (head->round == c->now->round && !lpad_collective_same_(head, c->now))
		return lpad_collective_differ_(c, call, head);
	if (head->what == LPAD_PROBE_ && head->round <= c->now->round) {
		lpad_answer(call, NULL);        /* what it waits for is on its way */
		return LPAD_ANSWERED_;
	}
	if (head->round < c->now->round)
		return lpad_collective_differ_(c, call, head);
	return head->round == c->now->round ? LPAD_MATCHES_ : LPAD_AHEAD_;
}

static inline int lpad_collective_keep_early_(lpad_collective *c, lpad_call *call, int place)
{
	lpad_collective_early_ **at = &c->early, *early = (lpad_collective_early_ *)malloc(sizeof *early);
	if (!early) {
		lpad_refuse(call, LPAD_EFAILED, "out of memory");
		lpad_fail(c->node, "%s: out of memory", c->method);
		return LPAD_EFAILED;
	}
	early->next = NULL;
	early->call = call;
	early->place = place;
	while (*at)
		at = &(*at)->next;
	*at = early;
	return 0;
}

static inline lpad_call *lpad_collective_take_early_(lpad_collective *c, int place)
{
	lpad_collective_early_ **at = &c->early, *early;
	while (*at && place >= 0 && (*at)->place != place)
		at = &(*at)->next;
	early = *at;
	if (!early)
		return NULL;
	*at = early->next;
	lpad_call *call = early->call;
	free(early);
	return call;
}

/* Looks through all that has come: somebody may have given up, or be somewhere else. */
static inline int lpad_collective_look_(lpad_collective *c)
{
	lpad_call *call;
	int code = 0, place;
	while (code >= 0 && !lpad_next(c->inbox, &call, lpad_in(0))) {
		code = lpad_collective_examine_(c, call, &place);
		if (code == LPAD_MATCHES_ || code == LPAD_AHEAD_)
			code = lpad_collective_keep_early_(c, call, place);
	}
	return code < 0 ? code : 0;
}

static inline bool lpad_collective_passed_(lpad_deadline deadline)
{
	return deadline.at != lpad_default().at && deadline.at <= lpad_in(0).at;
}

static inline lpad_deadline lpad_collective_sooner_(lpad_deadline deadline, double seconds)
{
	lpad_deadline soon = lpad_in(seconds);
	return deadline.at != lpad_default().at && deadline.at < soon.at ? deadline : soon;
}

static inline lpad_collective_wait_ lpad_collective_begin_(lpad_deadline until)
{
	lpad_collective_wait_ wait;
	wait.until = until;
	wait.seconds = 10;
	wait.note = lpad_in(wait.seconds);
	return wait;
}

static inline int lpad_collective_late_(lpad_collective *c, int place)
{
	char here[128];
	lpad_collective_describe_(c->now, here, sizeof here);
	lpad_fail(c->node, "%s: %s: nothing came from %s within the time given", c->method, here, lpad_server(c->group, place));
	return LPAD_ETIMEDOUT;
}

/* From time to time during a long wait for the member at `place`. */
static inline int lpad_collective_tick_(lpad_collective *c, lpad_collective_wait_ *wait, int place)
{
	char here[128];
	if (lpad_collective_passed_(wait->until))
		return lpad_collective_late_(c, place);
	lpad_collective_describe_(c->now, here, sizeof here);
	if (lpad_collective_passed_(wait->note)) {
		lpad_log(c->node, "%s has waited %d s for %s: %s, %s", lpad_name(c->node), wait->seconds, lpad_server(c->group, place),
			c->method, here);
		wait->note = lpad_in(wait->seconds);
		wait->seconds *= 2;
	}
	return lpad_collective_look_(c);
}

/* A deadline passed, here or at one that waits for this member: whom did it wait for? */
static inline void lpad_collective_blame_(lpad_collective *c, int place)
{
	char text[sizeof c->why];
	const char *peer = lpad_server(c->group, place);
	snprintf(text, sizeof text, "%s", lpad_error());
	if (!strstr(text, peer))
		lpad_fail(c->node, "%s; %s waited for %s", text, lpad_name(c->node), peer);
}

/* The link knows which call failed; here one wants to know in which operation, too. Dead for good, or its run has ended: the group
   has lost it. */
static inline int lpad_collective_lost_(lpad_collective *c, int place, int code)
{
	char here[128], text[sizeof c->why];
	if (code != LPAD_EGONE && code != LPAD_ELOST && code != LPAD_ETIMEDOUT)
		return code;
	lpad_collective_describe_(c->now, here, sizeof here);
	snprintf(text, sizeof text, "%s", lpad_error());
	if (!strstr(text, here) && code == LPAD_ETIMEDOUT)
		lpad_collective_late_(c, place);
	else if (!strstr(text, here))
		lpad_fail(c->node, "%s (%s)", text, here);
	return code == LPAD_EGONE ? LPAD_ELOST : code;
}

/*
 * The next call from the member at `place`, a part of this operation. Since nobody tells that a member will not call, one that
 * lets wait is called itself: it answers, or the link says what became of it.
 */
static inline int lpad_collective_take_(lpad_collective *c, int place, lpad_call **out, lpad_deadline deadline)
{
	lpad_collective_wait_ wait = lpad_collective_begin_(deadline);
	lpad_future *probe = NULL;
	int code, from = place;
	for (;;) {
		*out = lpad_collective_take_early_(c, place);
		code = *out ? 0 : lpad_next_from(c->inbox, c->group, place, out, lpad_collective_sooner_(deadline, probe ? 0.1 : 0.05));
		if (!code)
			code = lpad_collective_examine_(c, *out, &from);
		if (code == LPAD_AHEAD_ || (!code && from != place)) {
			size_t size;
			code = lpad_collective_differ_(c, *out, lpad_collective_read_(lpad_request(*out), &size));
		}
		if (code == LPAD_ANSWERED_)
			continue;
		if (code != LPAD_ETIMEDOUT)
			break;
		if (probe && lpad_ready(probe)) {
			code = lpad_wait(probe, NULL);
			probe = NULL;
			if (code)
				break;
		}
		if ((code = lpad_collective_tick_(c, &wait, place)))
			break;
		if (!probe)
			probe = lpad_start(c->group, place, c->method, lpad_collective_message_(c, LPAD_PROBE_, NULL, 0), deadline);
	}
	lpad_cancel(probe);
	if (!code)
		return 0;
	*out = NULL;
	code = lpad_collective_lost_(c, place, code);
	if (code == LPAD_ETIMEDOUT)
		lpad_collective_blame_(c, place);
	return code;
}

static inline int lpad_collective_reason_of_circle_(lpad_collective *c)
{
	char text[sizeof c->why];
	snprintf(text, sizeof text, "%s", lpad_error());
	int code = lpad_collective_look_(c);
	if (!code)
		lpad_fail(c->node, "%s", text);
	return code ? code : LPAD_EDEADLK;
}

/* As lpad_wait, for the answer of the member at `place`. */
static inline int lpad_collective_reply_(lpad_collective *c, int place, lpad_future **future, lpad_message **reply, lpad_deadline deadline)
{
	lpad_collective_wait_ wait = lpad_collective_begin_(deadline);
	double step = 0.015;                    /* before the link looks for circles */
	int code = lpad_ready(*future) ? 0 : lpad_collective_look_(c);
	for (; !code && lpad_wait_any(future, 1, lpad_collective_sooner_(deadline, step)) == LPAD_ETIMEDOUT; step = 0.1)
		code = lpad_collective_tick_(c, &wait, place);
	if (!code) {
		code = lpad_wait(*future, reply);
		*future = NULL;
	}
	if (code == LPAD_EDEADLK)               /* members that do not agree may wait in a circle: better say why */
		code = lpad_collective_reason_of_circle_(c);
	return lpad_collective_lost_(c, place, code);
}

/* ---- one operation ---- */

/* Of this member's part in an operation: a place for each member. */
typedef struct lpad_collective_part_ {
	int me, members;
	lpad_future **futures;          /* calls to others that are not answered yet */
	lpad_call **calls;              /* calls of others that are not answered yet */
	lpad_collective_head_ head;
} lpad_collective_part_;

/* What others are told: the link puts the method's name in front. */
static inline const char *lpad_collective_reason_(const lpad_collective *c)
{
	size_t length = strlen(c->method);
	return !strncmp(c->why, c->method, length) && !strncmp(c->why + length, ": ", 2) ? c->why + length + 2 : c->why;
}

/* What has come and what comes too late. */
static inline void lpad_collective_refuse_all_(lpad_collective *c)
{
	lpad_call *call;
	while ((call = lpad_collective_take_early_(c, -1)))
		lpad_refuse(call, c->failed, "%s", lpad_collective_reason_(c));
	while (!lpad_next(c->inbox, &call, lpad_in(0)))
		lpad_refuse(call, c->failed, "%s", lpad_collective_reason_(c));
}

static inline int lpad_collective_enter_(lpad_collective *c, lpad_collective_part_ *part, int operation, int root, size_t count, int type, int combine)
{
	memset(part, 0, sizeof *part);
	if (!c->node)
		return LPAD_EINVALID;           /* never opened: there is no node whose error to set */
	if (c->failed) {
		lpad_collective_refuse_all_(c);
		lpad_fail(c->node, "%s", c->why);
		return c->failed;
	}
	part->members = lpad_count(c->group);
	part->me = lpad_place(c->group);
	part->futures = (lpad_future **)calloc((size_t)part->members, sizeof *part->futures);
	part->calls = (lpad_call **)calloc((size_t)part->members, sizeof *part->calls);
	part->head.magic = LPAD_COLLECTIVE_MAGIC_;
	part->head.operation = operation;
	part->head.type = type;
	part->head.combine = combine;
	part->head.root = root;
	part->head.place = part->me;
	part->head.round = ++c->round;
	part->head.count = count;
	c->now = &part->head;
	if (part->futures && part->calls)
		return 0;
	lpad_fail(c->node, "%s: out of memory", c->method);
	return LPAD_EFAILED;
}

/* How many of the calls are not answered yet; the others are freed. */
static inline int lpad_collective_unanswered_(lpad_collective_part_ *part)
{
	int count = 0;
	for (int i = 0; i < part->members; i++)
		if (part->futures[i] && lpad_ready(part->futures[i])) {
			lpad_cancel(part->futures[i]);
			part->futures[i] = NULL;
		} else
			count += part->futures[i] != NULL;
	return count;
}

/* To those who wait just now, who look ten times a second; who computes hears it when he comes. */
static inline void lpad_collective_tell_failure_(lpad_collective *c, lpad_collective_part_ *part)
{
	lpad_deadline until = lpad_in(0.25);
	const char *why = lpad_collective_reason_(c);
	part->head.code = c->failed;
	for (int i = 0; i < part->members; i++) {
		lpad_cancel(part->futures[i]);
		part->futures[i] = i == part->me ? NULL : lpad_start(c->group, i, c->method,
			lpad_collective_message_(c, LPAD_FAILURE_, why, strlen(why)), lpad_never());
	}
	while (lpad_collective_unanswered_(part) && !lpad_collective_passed_(until) && lpad_wait_stop(c->node, lpad_in(0.01)))
		lpad_collective_refuse_all_(c);
	for (int i = 0; i < part->members; i++)
		part->futures[i] = NULL;        /* what nobody has taken by now ends with run */
}

/* Whoever waits for this member, now or later, hears why it no longer takes part. */
static inline void lpad_collective_give_up_(lpad_collective *c, lpad_collective_part_ *part, int code)
{
	c->failed = code;
	snprintf(c->why, sizeof c->why, "%s", lpad_error());
	for (int i = 0; part->calls && i < part->members; i++)
		if (part->calls[i])
			lpad_refuse(part->calls[i], code, "%s", lpad_collective_reason_(c));
	lpad_collective_refuse_all_(c);
	if (code != LPAD_ESTOPPED && part->futures)
		lpad_collective_tell_failure_(c, part);
	lpad_fail(c->node, "%s", c->why);
}

static inline int lpad_collective_leave_(lpad_collective *c, lpad_collective_part_ *part, int code)
{
	if (!c->node || c->failed)
		return code;
	if (code)
		lpad_collective_give_up_(c, part, code);
	for (int i = 0; part->futures && i < part->members; i++)
		lpad_cancel(part->futures[i]);
	free(part->futures);
	free(part->calls);
	c->now = NULL;
	return code;
}

#ifdef __cplusplus
}
#endif
#endif
