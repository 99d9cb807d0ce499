/* SPDX-License-Identifier: MIT */
/* Collectives against what one process computes alone, bit by bit; and what becomes of those that do not agree. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lpad/collective.h>

static const int types[] = { LPAD_F32, LPAD_F64, LPAD_I32, LPAD_I64 };
enum { TYPES = 4, BYTES = 1 << 20 };

static size_t size_of(int type)
{
	return type == LPAD_F32 || type == LPAD_I32 ? 4 : 8;
}

/* What the member at `place` brings along: of very different magnitudes, so that the order of a sum shows. */
static void fill(void *data, size_t count, int type, uint64_t seed, int place)
{
	lpad_rng rng = { seed * 1000003 + (uint64_t)place };
	for (size_t i = 0; i < count; i++) {
		uint64_t bits = lpad_random_bits(&rng);
		double real = (lpad_random_real(&rng) - 0.5) * (double)(UINT64_C(1) << bits % 40);
		if (type == LPAD_F32)
			((float *)data)[i] = (float)real;
		else if (type == LPAD_F64)
			((double *)data)[i] = real;
		else if (type == LPAD_I32)
			((int32_t *)data)[i] = (int32_t)(bits >> 34);
		else
			((int64_t *)data)[i] = (int64_t)(bits >> 8) - (INT64_C(1) << 54);
	}
}

/* Written apart from what is tested: one element at a time. Integers wrap around. */
#define COMBINE(T, U) { \
	T a = ((const T *)into)[i], b = ((const T *)from)[i]; \
	((T *)into)[i] = combine == LPAD_SUM ? (T)((U)a + (U)b) : combine == LPAD_MAX ? (a < b ? b : a) : (b < a ? b : a); \
}
static void add(void *into, const void *from, size_t count, int type, int combine)
{
	for (size_t i = 0; i < count; i++)
		if (type == LPAD_F32)
			COMBINE(float, float)
		else if (type == LPAD_F64)
			COMBINE(double, double)
		else if (type == LPAD_I32)
			COMBINE(int32_t, uint32_t)
		else
			COMBINE(int64_t, uint64_t)
}

struct test {
	lpad_node *node;
	lpad_collective *group;
	const char *name;
	int me, members;
	uint64_t seed;          /* the same at all members of this group, another one for each operation */
	char *mine, *expected, *scratch, *all;
	uint64_t digest;        /* of all results: FNV-1a */
	int64_t operations, order_matters;
};

static void digest(struct test *test, const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		test->digest = (test->digest ^ ((const unsigned char *)data)[i]) * 0x100000001b3u;
	test->operations++;
}

static int differs(struct test *test, const char *operation, size_t count, int type, const void *got, const void *expected, size_t size)
{
	digest(test, got, size);
	if (!size || !memcmp(got, expected, size))
		return 0;
	return lpad_fail(test->node, "%s: %s of %zu of type %d differs from the serial result", test->name, operation, count, type);
}

/* Everybody's, in the order `first`, `first + step`... of places. */
static void serial(struct test *test, void *into, size_t count, int type, int combine, bool backwards)
{
	for (int i = 0; i < test->members; i++) {
		fill(i ? test->scratch : into, count, type, test->seed, backwards ? test->members - 1 - i : i);
		if (i)
			add(into, test->scratch, count, type, combine);
	}
}

static int reduces(struct test *test, size_t count, int type, int combine)
{
	size_t size = count * size_of(type);
	int root = (int)(test->seed % (uint64_t)test->members);
	if (combine == LPAD_SUM)
		serial(test, test->all, count, type, combine, true);
	serial(test, test->expected, count, type, combine, false);
	test->order_matters += combine == LPAD_SUM && size && memcmp(test->all, test->expected, size) != 0;
	fill(test->mine, count, type, test->seed, test->me);
	int code = lpad_all_reduce(test->group, test->mine, count, type, combine, lpad_in(60));
	if (!code)
		code = differs(test, "all_reduce", count, type, test->mine, test->expected, size);
	fill(test->mine, count, type, test->seed, test->me);
	if (!code)
		code = lpad_reduce(test->group, root, test->mine, count, type, combine, lpad_in(60));
	if (test->me != root)
		fill(test->expected, count, type, test->seed, test->me);        /* untouched */
	return code ? code : differs(test, "reduce", count, type, test->mine, test->expected, size);
}

static int moves(struct test *test, size_t count, int type)
{
	size_t size = count * size_of(type);
	int root = (int)((test->seed + 1) % (uint64_t)test->members), code;
	fill(test->mine, count, type, test->seed, test->me);
	fill(test->expected, count, type, test->seed, root);
	code = lpad_broadcast(test->group, root, test->mine, count, type, lpad_in(60));
	if (code || (code = differs(test, "broadcast", count, type, test->mine, test->expected, size)))
		return code;
	fill(test->mine, count, type, test->seed, test->me);
	code = lpad_all_gather(test->group, test->mine, test->all, count, type, lpad_in(60));
	for (int i = 0; i < test->members && !code; i++) {
		fill(test->expected, count, type, test->seed, i);
		code = differs(test, "all_gather", count, type, test->all + (size_t)i * size, test->expected, size);
	}
	return code;
}

static int all_sizes(struct test *test)
{
	for (int t = 0; t < TYPES; t++) {
		size_t size = size_of(types[t]);        /* with 256 KiB another algorithm begins */
		size_t counts[] = { 0, 1, 7, 1001, 262144 / size - 1, 262144 / size, BYTES / size };
		for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
			int code = moves(test, counts[i], types[t]);
			for (int combine = LPAD_SUM; combine <= LPAD_MIN && !code; combine++) {
				test->seed++;
				code = reduces(test, counts[i], types[t], combine);
			}
			if (!code)
				code = lpad_barrier(test->group, lpad_in(60));
			if (code)
				return code;
		}
	}
	return 0;
}

/* `seed` tells the groups apart that are not the same one. */
static int compare(lpad_node *node, lpad_collective *group, const char *name, int seed)
{
	struct test test = { .node = node, .group = group, .name = name, .me = lpad_collective_place(group),
		.members = lpad_collective_members(group), .seed = (uint64_t)(seed + 1) << 20, .digest = 0xcbf29ce484222325u };
	test.mine = malloc(BYTES);
	test.expected = malloc(BYTES);
	test.scratch = malloc(BYTES);
	test.all = malloc((size_t)test.members * BYTES);
	int code = test.mine && test.expected && test.scratch && test.all ? all_sizes(&test) : lpad_fail(node, "out of memory");
	if (!code)
		printf("%s place %d of %d: %" PRId64 " results equal, digest %016" PRIx64 "%s\n", name, test.me, test.members,
			test.operations, test.digest, test.order_matters ? ", order matters" : "");
	free(test.mine);
	free(test.expected);
	free(test.scratch);
	free(test.all);
	return code;
}

/* ---- member of one group ---- */

struct member {
	lpad_collective peers;
};

static int run_member(lpad_node *node)
{
	struct member *me = lpad_state(node);
	int code = lpad_collective_open(node, &me->peers, "peers");
	return code ? code : compare(node, &me->peers, "peers", 0);
}

/* ---- cell of a grid: several groups, at different speeds ---- */

struct cell {
	lpad_collective row, column, everyone;
};

static int run_cell(lpad_node *node)
{
	struct cell *me = lpad_state(node);
	int code = lpad_collective_open(node, &me->row, "row");
	if (!code)
		code = lpad_collective_open(node, &me->column, "column");
	if (!code)
		code = lpad_collective_open(node, &me->everyone, "everyone");
	if (!code)
		code = compare(node, &me->row, "row", 1 + lpad_coordinate(node, "row"));
	if (!code)
		code = compare(node, &me->everyone, "everyone", 0);
	return code ? code : compare(node, &me->column, "column", 100 + lpad_coordinate(node, "column"));
}

/* ---- one that does not agree ---- */

enum { ROUNDS = 3 };
enum { NOTHING, OPERATION, COUNT, TYPE, COMBINE_, ROOT, CIRCLE, BEHIND, LATE, DIE, END, CRASH_ONCE };

struct odd {
	int64_t who;
	int32_t fault;
	bool stays;             /* after a failure it goes on running, without a word */
	double deadline;
	lpad_collective peers;
};

static lpad_deadline limit(const struct odd *me)
{
	return me->deadline > 0 ? lpad_in(me->deadline) : lpad_default();
}

/* Of the last round, at the one that is at fault. */
static int go_wrong(lpad_node *node, struct odd *me, double *data)
{
	int last = lpad_collective_members(&me->peers) - 1;
	switch (me->fault) {
	case OPERATION: return lpad_barrier(&me->peers, limit(me));
	case COUNT: return lpad_all_reduce(&me->peers, data, 3, LPAD_F64, LPAD_SUM, limit(me));
	case TYPE: return lpad_all_reduce(&me->peers, data, 2, LPAD_I64, LPAD_SUM, limit(me));
	case COMBINE_: return lpad_all_reduce(&me->peers, data, 2, LPAD_F64, LPAD_MAX, limit(me));
	case ROOT: return lpad_broadcast(&me->peers, last, data, 2, LPAD_F64, limit(me));
	case LATE:
		lpad_wait_stop(node, lpad_in(me->deadline * 4));
		return lpad_all_reduce(&me->peers, data, 2, LPAD_F64, LPAD_SUM, lpad_never());
	case DIE: case CRASH_ONCE:
		if (me->fault == DIE || lpad_incarnation(node) == 1)
			raise(SIGKILL);
		return lpad_all_reduce(&me->peers, data, 2, LPAD_F64, LPAD_SUM, limit(me));
	case END: return 0;
	default: return lpad_all_reduce(&me->peers, data, 2, LPAD_F64, LPAD_SUM, limit(me));
	}
}

static int last_round(lpad_node *node, struct odd *me, double *data)
{
	int place = lpad_collective_place(&me->peers), members = lpad_collective_members(&me->peers);
	if (me->fault == CIRCLE)                /* everybody waits for the next one */
		return lpad_broadcast(&me->peers, (place + 1) % members, data, 2, LPAD_F64, limit(me));
	if (me->fault == BEHIND && place == me->who) {
		int code = lpad_reduce(&me->peers, place, data, 2, LPAD_F64, LPAD_SUM, limit(me));
		return code ? code : lpad_all_reduce(&me->peers, data, 2, LPAD_F64, LPAD_SUM, limit(me));
	}
	if (place == me->who)
		return go_wrong(node, me, data);
	return me->fault == ROOT ? lpad_broadcast(&me->peers, 0, data, 2, LPAD_F64, limit(me))
		: lpad_all_reduce(&me->peers, data, 2, LPAD_F64, LPAD_SUM, limit(me));
}

static int run_odd(lpad_node *node)
{
	struct odd *me = lpad_state(node);
	double data[3] = { 1, 2, 3 };
	int code = lpad_collective_open(node, &me->peers, "peers");
	for (int i = 1; i < ROUNDS && !code; i++)
		code = lpad_all_reduce(&me->peers, data, 2, LPAD_F64, LPAD_SUM, limit(me));
	if (!code)
		code = last_round(node, me, data);
	lpad_log(node, "result %d: %s", code, code ? lpad_error() : "fine");
	if (code && lpad_barrier(&me->peers, limit(me)) != code)
		return lpad_fail(node, "after a failure something else was heard: %s", lpad_error());
	if (me->stays)
		lpad_wait_stop(node, lpad_never());
	return 0;
}

static const lpad_handle_decl member_handles[] = {
	LPAD_COLLECTIVE_HANDLE(struct member, peers, "the group"),
	LPAD_END
};
static const lpad_method member_methods[] = {
	LPAD_COLLECTIVE(struct member, peers, "the group"),
	LPAD_END
};
static const lpad_handle_decl cell_handles[] = {
	LPAD_COLLECTIVE_HANDLE(struct cell, row, "my row"),
	LPAD_COLLECTIVE_HANDLE(struct cell, column, "my column"),
	LPAD_COLLECTIVE_HANDLE(struct cell, everyone, "all of us"),
	LPAD_END
};
static const lpad_method cell_methods[] = {
	LPAD_COLLECTIVE(struct cell, row, "my row"),
	LPAD_COLLECTIVE(struct cell, column, "my column"),
	LPAD_COLLECTIVE(struct cell, everyone, "all of us"),
	LPAD_END
};
static const lpad_param odd_params[] = {
	LPAD_INT(struct odd, who, "0", "0..", "the place of the one at fault"),
	LPAD_CHOICE(struct odd, fault, "nothing", "nothing operation count type combine root circle behind late die end crash-once",
		"what is wrong"),
	LPAD_BOOL(struct odd, stays, "false", "goes on running after a failure"),
	LPAD_DURATION(struct odd, deadline, "0s", NULL, "of each operation; 0: none"),
	LPAD_END
};
static const lpad_handle_decl odd_handles[] = {
	LPAD_COLLECTIVE_HANDLE(struct odd, peers, "the group"),
	LPAD_END
};
static const lpad_method odd_methods[] = {
	LPAD_COLLECTIVE(struct odd, peers, "the group"),
	LPAD_END
};

LPAD_MODULE(
	{ .name = "member", .state = sizeof(struct member), .handles = member_handles, .methods = member_methods, .run = run_member },
	{ .name = "cell", .state = sizeof(struct cell), .handles = cell_handles, .methods = cell_methods, .run = run_cell },
	{ .name = "odd", .state = sizeof(struct odd), .params = odd_params, .handles = odd_handles, .methods = odd_methods,
	  .run = run_odd });
