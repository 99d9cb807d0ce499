/* SPDX-License-Identifier: MIT */
/*
 * lpad/collective.h - broadcast, reduce, all-reduce, all-gather and barrier among the replicas of a group, over a handle onto
 * one's own group: all of it, or those along one axis of a grid. In prose: lpad-collective(3).
 *
 *     struct worker { lpad_collective peers; };
 *     LPAD_COLLECTIVE_HANDLE(struct worker, peers, "the other workers"),     in .handles
 *     LPAD_COLLECTIVE(struct worker, peers, "the other workers"),            in .methods
 *     - worker.peers -> worker                                               in .edges of the topology
 *     lpad_collective_open(node, &me->peers, "peers");                       in run
 *     lpad_all_reduce(&me->peers, data, count, LPAD_F32, LPAD_SUM, lpad_default());
 *
 * Every member calls the same operations in the same order. Numbers are combined in the order of the members' places, element
 * by element, whatever the timing, the transport and the size: the result has the same bits at all of them, always.
 * One thread at a time. An object that has failed fails from then on, with the same reason.
 */
#ifndef LPAD_COLLECTIVE_H
#define LPAD_COLLECTIVE_H

#include <stdlib.h>
#include <string.h>

#include <lpad/members.h>
#include <lpad/node.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LPAD_COLLECTIVE(T, m, /* help */ ...) LPAD_INBOX_AS(#m, T, m.inbox, __VA_ARGS__)
#define LPAD_COLLECTIVE_HANDLE(T, m, help) LPAD_HANDLE_AS(#m, T, m.group, LPAD_MANY, #m, help)

/* ---- inside: the operations ---- */

static inline void lpad_collective_send_(lpad_collective *c, lpad_collective_part_ *part, int place, const void *data, size_t size, lpad_deadline deadline)
{
	part->futures[place] = lpad_start(c->group, place, c->method, lpad_collective_message_(c, LPAD_DATA_, data, size), deadline);
}

/* Exactly `size` bytes of the member at `place`; they stay with the call. */
static inline int lpad_collective_receive_(lpad_collective *c, lpad_collective_part_ *part, int place, size_t size, const char **data, lpad_deadline deadline)
{
	size_t got = 0;
	int code = lpad_collective_take_(c, place, &part->calls[place], deadline);
	if (code)
		return code;
	const lpad_collective_head_ *head = lpad_collective_read_(lpad_request(part->calls[place]), &got);
	*data = (const char *)(head + 1);
	if (got == size)
		return 0;
	lpad_fail(c->node, "%s: %s sent %zu bytes where %zu belong", c->method, lpad_server(c->group, place), got, size);
	return LPAD_EBROKEN;
}

static inline void lpad_collective_answer_(lpad_collective_part_ *part, int place, lpad_message *reply)
{
	lpad_answer(part->calls[place], reply);
	part->calls[place] = NULL;
}

/* The answer to what was sent to `place`: `size` bytes, into `to`. */
static inline int lpad_collective_result_(lpad_collective *c, lpad_collective_part_ *part, int place, void *to, size_t size, lpad_deadline deadline)
{
	lpad_message *reply = NULL;
	size_t got = 0;
	int code = lpad_collective_reply_(c, place, &part->futures[place], &reply, deadline);
	if (code)
		return code;
	const lpad_collective_head_ *head = to ? lpad_collective_read_(reply, &got) : NULL;
	if (head && got == size)
		lpad_collective_copy_(to, head + 1, size);
	else if (to) {
		lpad_fail(c->node, "%s: %s answered with something else", c->method, lpad_server(c->group, place));
		code = LPAD_EBROKEN;
	}
	lpad_free(reply);
	return code;
}

#define LPAD_COMBINE_(T, unsigned_or_T) { \
	T *__restrict__ a = (T *)into; \
	const T *__restrict__ b = (const T *)from; \
	if (combine == LPAD_SUM) \
		for (size_t i = 0; i < count; i++) \
			a[i] = (T)((unsigned_or_T)a[i] + (unsigned_or_T)b[i]); \
	else if (combine == LPAD_MAX) \
		for (size_t i = 0; i < count; i++) \
			a[i] = b[i] > a[i] ? b[i] : a[i]; \
	else \
		for (size_t i = 0; i < count; i++) \
			a[i] = b[i] < a[i] ? b[i] : a[i]; \
	break; \
}

static inline void lpad_collective_combine_(void *into, const void *from, size_t count, int type, int combine)
{
	switch (type) {
	case LPAD_F32: LPAD_COMBINE_(float, float)
	case LPAD_F64: LPAD_COMBINE_(double, double)
	case LPAD_I32: LPAD_COMBINE_(int32_t, uint32_t)
	case LPAD_I64: LPAD_COMBINE_(int64_t, uint64_t)
	}
}
#undef LPAD_COMBINE_

/* Everybody's `count` numbers, of which `own` are this member's, in the order of places. The calls wait for their answers. */
static inline int lpad_collective_combine_all_(lpad_collective *c, lpad_collective_part_ *part, const void *own, size_t count, void *into, lpad_deadline deadline)
{
	size_t size = count * lpad_collective_size_(part->head.type);
	for (int i = 0; i < part->members; i++) {
		const char *data = (const char *)own;
		int code = i == part->me ? 0 : lpad_collective_receive_(c, part, i, size, &data, deadline);
		if (code)
			return code;
		if (i == 0)
			lpad_collective_copy_(into, data, size);
		else
			lpad_collective_combine_(into, data, count, part->head.type, part->head.combine);
	}
	return 0;
}

/*
 * Combines what everybody sent of the slice that this member owns, into `data`; then the senders are answered: with the result,
 * if `answer` is not NULL, which has room for it, and nothing in it yet.
 */
static inline int lpad_collective_own_(lpad_collective *c, lpad_collective_part_ *part, char *data, size_t count, lpad_message *answer, lpad_deadline deadline)
{
	size_t size = count * lpad_collective_size_(part->head.type);
	lpad_message *result = answer ? answer : lpad_bytes(NULL, size);
	char *into = (char *)lpad_fill(result);
	int code = LPAD_ETOOBIG;
	if (into)
		code = lpad_collective_combine_all_(c, part, data, count, into + (answer ? sizeof part->head : 0), deadline);
	else
		lpad_fail(c->node, "%s: %zu bytes at once are more than max_message", c->method, size);
	if (!code)
		lpad_collective_copy_(data, into + (answer ? sizeof part->head : 0), size);
	for (int i = 0; !code && i < part->members; i++)
		if (i != part->me)
			lpad_collective_answer_(part, i, answer ? lpad_share(answer) : NULL);
	if (!answer)
		lpad_free(result);
	return code;
}

typedef struct lpad_collective_slice_ {
	char *at;
	size_t count, size;
} lpad_collective_slice_;

/* The i-th of so many slices, as equal as can be. */
static inline lpad_collective_slice_ lpad_collective_cut_(char *data, size_t count, size_t element, int i, int slices)
{
	lpad_collective_slice_ slice;
	size_t each = count / (size_t)slices, longer = count % (size_t)slices, at = (size_t)i;
	slice.count = each + (at < longer);
	slice.size = slice.count * element;
	slice.at = count ? data + (at * each + (at < longer ? at : longer)) * element : data;
	return slice;
}

/*
 * Whoever owns slice i combines it. Everybody sends each slice to its owner, and has the result as the answer: one call to each,
 * and each number goes to one member and back. Of little there is one slice only: fewer calls.
 */
static inline int lpad_collective_all_reduce_(lpad_collective *c, int operation, char *data, size_t count, int type, int combine, lpad_deadline deadline)
{
	lpad_collective_part_ part;
	size_t element = lpad_collective_size_(type);
	int code = lpad_collective_enter_(c, &part, operation, 0, count, type, combine);
	int owners = count * element < LPAD_AT_ONCE_ ? 1 : part.members;
	for (int i = 0; !code && i < owners; i++) {
		lpad_collective_slice_ slice = lpad_collective_cut_(data, count, element, i, owners);
		if (i != part.me)
			lpad_collective_send_(c, &part, i, slice.at, slice.size, deadline);
	}
	if (!code && part.me < owners) {
		lpad_collective_slice_ slice = lpad_collective_cut_(data, count, element, part.me, owners);
		lpad_message *answer = lpad_collective_message_(c, LPAD_DATA_, NULL, slice.size);
		code = lpad_collective_own_(c, &part, slice.at, slice.count, answer, deadline);
		lpad_free(answer);
	}
	for (int i = 0; !code && i < owners; i++) {
		lpad_collective_slice_ slice = lpad_collective_cut_(data, count, element, i, owners);
		if (i != part.me)
			code = lpad_collective_result_(c, &part, i, slice.at, slice.size, deadline);
	}
	return lpad_collective_leave_(c, &part, code);
}

/* The same message to everybody. */
static inline int lpad_collective_spread_(lpad_collective *c, lpad_collective_part_ *part, const void *data, size_t size, lpad_deadline deadline)
{
	lpad_message *message = lpad_collective_message_(c, LPAD_DATA_, data, size);
	int code = 0;
	for (int i = 0; i < part->members; i++)
		if (i != part->me)
			part->futures[i] = lpad_start(c->group, i, c->method, lpad_share(message), deadline);
	lpad_free(message);
	for (int i = 0; !code && i < part->members; i++)
		if (i != part->me)
			code = lpad_collective_result_(c, part, i, NULL, 0, deadline);
	return code;
}

static inline int lpad_collective_accept_(lpad_collective *c, lpad_collective_part_ *part, int place, void *to, size_t size, lpad_deadline deadline)
{
	const char *data;
	int code = lpad_collective_receive_(c, part, place, size, &data, deadline);
	if (code)
		return code;
	lpad_collective_copy_(to, data, size);
	lpad_collective_answer_(part, place, NULL);
	return 0;
}

/* Little: the first one has it all, and answers with it. */
static inline int lpad_collective_gather_at_first_(lpad_collective *c, lpad_collective_part_ *part, char *all, size_t size, lpad_deadline deadline)
{
	size_t whole = size * (size_t)part->members;
	int code = 0;
	if (part->me) {
		lpad_collective_send_(c, part, 0, all + (size_t)part->me * size, size, deadline);
		return lpad_collective_result_(c, part, 0, all, whole, deadline);
	}
	for (int i = 1; !code && i < part->members; i++) {
		const char *data;
		code = lpad_collective_receive_(c, part, i, size, &data, deadline);
		if (!code)
			lpad_collective_copy_(all + (size_t)i * size, data, size);
	}
	lpad_message *answer = code ? NULL : lpad_collective_message_(c, LPAD_DATA_, all, whole);
	for (int i = 1; !code && i < part->members; i++)
		lpad_collective_answer_(part, i, lpad_share(answer));
	lpad_free(answer);
	return code;
}

/* Much: each pair swaps in one call, which the member before makes. */
static inline int lpad_collective_exchange_(lpad_collective *c, lpad_collective_part_ *part, char *all, size_t size, lpad_deadline deadline)
{
	lpad_message *mine = lpad_collective_message_(c, LPAD_DATA_, all + (size_t)part->me * size, size);
	int code = 0;
	for (int i = part->me + 1; i < part->members; i++)
		part->futures[i] = lpad_start(c->group, i, c->method, lpad_share(mine), deadline);
	for (int i = 0; !code && i < part->me; i++) {
		const char *data;
		code = lpad_collective_receive_(c, part, i, size, &data, deadline);
		if (!code) {
			lpad_collective_copy_(all + (size_t)i * size, data, size);
			lpad_collective_answer_(part, i, lpad_share(mine));
		}
	}
	lpad_free(mine);
	for (int i = part->me + 1; !code && i < part->members; i++)
		code = lpad_collective_result_(c, part, i, all + (size_t)i * size, size, deadline);
	return code;
}

/* Place, type and way of combining are possible? combine: 0: nothing is combined. */
static inline int lpad_collective_check_(lpad_collective *c, int root, size_t count, int type, int combine)
{
	size_t size = lpad_collective_size_(type);
	bool numbers = type == LPAD_F32 || type == LPAD_F64 || type == LPAD_I32 || type == LPAD_I64;
	if (!c->node)
		return LPAD_EINVALID;
	if (root < 0 || root >= lpad_count(c->group))
		return lpad_fail(c->node, "%s: there is no place %d, only 0 to %d", c->method, root, lpad_count(c->group) - 1);
	if (combine && (combine < LPAD_SUM || combine > LPAD_MIN))
		return lpad_fail(c->node, "%s: one combines by LPAD_SUM, LPAD_MAX or LPAD_MIN", c->method);
	if (combine && !numbers)
		return lpad_fail(c->node, "%s: only LPAD_F32, LPAD_F64, LPAD_I32 and LPAD_I64 can be combined", c->method);
	if (!size || count > SIZE_MAX / 2 / size / (size_t)lpad_count(c->group))
		return lpad_fail(c->node, "%s: %s", c->method, size ? "too many elements" : "there is no such type of elements");
	return 0;
}

/* ---- the functions that a node calls ---- */

/* Binds the object to its method, `name`. No messages are sent: it may be called in check, init or run. */
static inline int lpad_collective_open(lpad_node *node, lpad_collective *c, const char *name)
{
	if (!c->group || lpad_place(c->group) < 0)
		return lpad_fail(node, "edges.%s: must lead to the node's own group, and to itself among it: %s.%s -> %s", name,
			lpad_group(node), name, lpad_group(node));
	c->node = node;
	c->method = name;
	return 0;
}

/* Members, and this one's place among them. */
static inline int lpad_collective_members(const lpad_collective *c) { return lpad_count(c->group); }
static inline int lpad_collective_place(const lpad_collective *c) { return lpad_place(c->group); }

/* Nobody goes on before everybody has come. */
static inline int lpad_barrier(lpad_collective *c, lpad_deadline deadline)
{
	return lpad_collective_all_reduce_(c, LPAD_BARRIER_, NULL, 0, 0, 0, deadline);
}

/* The numbers of the member at place `root`, at everybody. */
static inline int lpad_broadcast(lpad_collective *c, int root, void *data, size_t count, int type, lpad_deadline deadline)
{
	lpad_collective_part_ part;
	int code = lpad_collective_check_(c, root, count, type, 0);
	if (code)
		return code;
	code = lpad_collective_enter_(c, &part, LPAD_BROADCAST_, root, count, type, 0);
	if (!code)
		code = part.me == root ? lpad_collective_spread_(c, &part, data, count * lpad_collective_size_(type), deadline)
			: lpad_collective_accept_(c, &part, root, data, count * lpad_collective_size_(type), deadline);
	return lpad_collective_leave_(c, &part, code);
}

/* Everybody's numbers combined, in place of those at `root`; the others keep theirs. */
static inline int lpad_reduce(lpad_collective *c, int root, void *data, size_t count, int type, int combine, lpad_deadline deadline)
{
	lpad_collective_part_ part;
	int code = lpad_collective_check_(c, root, count, type, combine ? combine : -1);
	if (code)
		return code;
	code = lpad_collective_enter_(c, &part, LPAD_REDUCE_, root, count, type, combine);
	if (!code && part.me == root)
		code = lpad_collective_own_(c, &part, (char *)data, count, NULL, deadline);
	else if (!code) {
		lpad_collective_send_(c, &part, root, data, count * lpad_collective_size_(type), deadline);
		code = lpad_collective_result_(c, &part, root, NULL, 0, deadline);
	}
	return lpad_collective_leave_(c, &part, code);
}

/* Everybody's numbers combined, at everybody, in place. */
static inline int lpad_all_reduce(lpad_collective *c, void *data, size_t count, int type, int combine, lpad_deadline deadline)
{
	int code = lpad_collective_check_(c, 0, count, type, combine ? combine : -1);
	return code ? code : lpad_collective_all_reduce_(c, LPAD_ALL_REDUCE_, (char *)data, count, type, combine, deadline);
}

/* `count` numbers of everybody, one after the other in the order of places, at everybody. `mine` may be its place in `all`. */
static inline int lpad_all_gather(lpad_collective *c, const void *mine, void *all, size_t count, int type, lpad_deadline deadline)
{
	lpad_collective_part_ part;
	int code = lpad_collective_check_(c, 0, count, type, 0);
	if (code)
		return code;
	size_t size = count * lpad_collective_size_(type);
	char *own = (char *)all + (size_t)lpad_place(c->group) * size;
	code = lpad_collective_enter_(c, &part, LPAD_ALL_GATHER_, 0, count, type, 0);
	if (!code && size && own != (const char *)mine)
		memcpy(own, mine, size);
	if (!code)
		code = size * (size_t)part.members < LPAD_AT_ONCE_ ? lpad_collective_gather_at_first_(c, &part, (char *)all, size, deadline)
			: lpad_collective_exchange_(c, &part, (char *)all, size, deadline);
	return lpad_collective_leave_(c, &part, code);
}

#ifdef __cplusplus
}
#endif
#endif
