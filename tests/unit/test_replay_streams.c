/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modules/replay/stream.h"

static struct pool *numbers(void)
{
	struct column column = { .name = "number", .type = LPAD_I64 };
	return pool_new(&column, 1);
}

static void add(struct stream *stream, struct pool *pool, int64_t number)
{
	uint32_t step = pool_add(pool);
	memcpy(pool_row(pool, step), &number, sizeof number);
	stream_add(stream, pool, step);
}

static int64_t number_of(const struct stream *stream, int64_t at)
{
	uint32_t step;
	int64_t number;
	stream_steps(stream, at, 1, &step);
	memcpy(&number, pool_row(stream->pool, step), sizeof number);
	return number;
}

/* first .. next-1 are there, hold their own numbers, and nothing else is there. */
static void holds(const struct stream *stream, int64_t first, int64_t next)
{
	ck_assert_int_eq(stream->first, first);
	ck_assert_int_eq(stream->next, next);
	for (int64_t i = first; i < next; i++)
		ck_assert_int_eq(number_of(stream, i), i);
	ck_assert(stream_has(stream, first, next - first));
	ck_assert(!stream_has(stream, first - 1, 1));
	ck_assert(!stream_has(stream, first, next - first + 1));
	ck_assert_uint_eq(pool_count(stream->pool), (size_t)(next - first));
}

START_TEST(a_window_moves_and_grows)
{
	struct streams *streams = streams_new();
	struct stream *stream = streams_find(streams, "actor/3", "");
	struct pool *pool = numbers();
	lpad_rng rng = { 7 };
	ck_assert_int_eq(stream->next, 0);
	ck_assert_ptr_null(stream->pool);
	ck_assert(!stream_has(stream, 0, 1));
	int64_t first = 0, next = 0;
	for (int round = 0; round < 300; round++) {
		for (int64_t i = (int64_t)lpad_random_below(&rng, 40); i > 0; i--)
			add(stream, pool, next++);
		first += (int64_t)lpad_random_below(&rng, (uint64_t)(next - first) + 1);
		stream_keep(stream, first);
		stream_keep(stream, first - 5);         /* what is gone does not come back */
		holds(stream, first, next);
	}
	ck_assert_uint_lt(stream_memory(stream), 2000);
	streams_free(streams);
	ck_assert_uint_eq(pool_count(pool), 0);
	pool_release(pool);
}
END_TEST

START_TEST(a_new_incarnation_goes_on_from_next)
{
	struct streams *streams = streams_new();
	struct stream *stream = streams_find(streams, "actor/3", "");
	struct pool *pool = numbers();
	for (int64_t i = 0; i < 20; i++)
		add(stream, pool, i);
	uint32_t kept;
	stream_steps(stream, 12, 1, &kept);
	pool_ref(pool, kept);
	stream->items = 9;
	stream_take_over(stream, 2);
	ck_assert_int_eq(stream->incarnation, 2);
	ck_assert_int_eq(stream->items, 9);
	ck_assert_int_eq(stream->next, 20);
	ck_assert(!stream_has(stream, 19, 1));
	ck_assert_uint_eq(pool_count(pool), 1);
	pool_unref(pool, kept);
	add(stream, pool, 20);
	holds(stream, 20, 21);
	stream_take_over(stream, 3);
	stream_take_over(stream, 3);
	holds(stream, 21, 21);
	streams_free(streams);
	pool_release(pool);
}
END_TEST

START_TEST(steps_that_never_came_leave_no_gap)
{
	struct streams *streams = streams_new();
	struct stream *stream = streams_find(streams, "actor/3", "");
	struct pool *pool = numbers();
	stream_keep(stream, 1000);              /* before anything came */
	ck_assert_int_eq(stream->next, 1000);
	add(stream, pool, 1000);
	add(stream, pool, 1001);
	holds(stream, 1000, 1002);
	stream_keep(stream, 1002);
	holds(stream, 1002, 1002);
	for (int64_t i = 1002; i < 1020; i++)
		add(stream, pool, i);
	stream_keep(stream, 1500);              /* past all that is there */
	holds(stream, 1500, 1500);
	add(stream, pool, 1500);
	holds(stream, 1500, 1501);
	streams_free(streams);
	ck_assert_uint_eq(pool_count(pool), 0);
	pool_release(pool);
}
END_TEST

START_TEST(any_numbers_may_be_asked_for)
{
	struct streams *streams = streams_new();
	struct stream *stream = streams_find(streams, "actor/3", "");
	struct pool *pool = numbers();
	stream_keep(stream, 5);
	add(stream, pool, 5);
	add(stream, pool, 6);
	static const struct { int64_t first, count; bool there; } cases[] = {
		{ 5, 2, true }, { 5, 0, true }, { 7, 0, true }, { 6, 1, true }, { 7, 1, false }, { 4, 1, false }, { 8, 0, false }, { 5, -1, false },
		{ INT64_MAX, 1, false }, { INT64_MIN, 1, false }, { 6, INT64_MAX, false }, { INT64_MAX, INT64_MAX, false },
		{ INT64_MIN, INT64_MAX, false }, { 5, INT64_MIN, false }
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		ck_assert_msg(stream_has(stream, cases[i].first, cases[i].count) == cases[i].there, "case %zu", i);
	stream_keep(stream, INT64_MIN);
	holds(stream, 5, 7);
	stream_keep(stream, INT64_MAX);
	ck_assert_int_eq(stream->next, INT64_MAX);
	streams_free(streams);
	ck_assert_uint_eq(pool_count(pool), 0);
	pool_release(pool);
}
END_TEST

START_TEST(another_layout_begins_anew)
{
	struct streams *streams = streams_new();
	struct stream *stream = streams_find(streams, "actor/3", "");
	struct pool *one = numbers(), *other = numbers();
	for (int64_t i = 0; i < 10; i++)
		add(stream, one, i);
	add(stream, other, 10);
	ck_assert_uint_eq(pool_count(one), 0);
	ck_assert_ptr_eq(stream->pool, other);
	holds(stream, 10, 11);
	streams_free(streams);
	ck_assert_uint_eq(pool_count(other), 0);
	pool_release(one);
	pool_release(other);
}
END_TEST

START_TEST(streams_are_found_by_owner_and_name)
{
	enum { MANY = 3000 };
	static struct stream *made[MANY];
	struct streams *streams = streams_new();
	char owner[32], name[32];
	for (int i = 0; i < MANY; i++) {
		snprintf(owner, sizeof owner, "actor/%d", i / 3);
		snprintf(name, sizeof name, "%.*s", i % 3, "ab");
		made[i] = streams_find(streams, owner, name);
		made[i]->items = i;
	}
	ck_assert_uint_eq(streams_count(streams), MANY);
	for (int i = 0; i < MANY; i++) {
		snprintf(owner, sizeof owner, "actor/%d", i / 3);
		snprintf(name, sizeof name, "%.*s", i % 3, "ab");
		ck_assert_ptr_eq(streams_find(streams, owner, name), made[i]);
		ck_assert_ptr_eq(streams_at(streams, (size_t)i), made[i]);
		ck_assert_int_eq(made[i]->items, i);
	}
	ck_assert_ptr_ne(streams_find(streams, "ab", "c"), streams_find(streams, "a", "bc"));
	ck_assert_uint_eq(streams_count(streams), MANY + 2);
	streams_free(streams);
	streams_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replay_streams");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, a_window_moves_and_grows);
	tcase_add_test(tcase, a_new_incarnation_goes_on_from_next);
	tcase_add_test(tcase, steps_that_never_came_leave_no_gap);
	tcase_add_test(tcase, any_numbers_may_be_asked_for);
	tcase_add_test(tcase, another_layout_begins_anew);
	tcase_add_test(tcase, streams_are_found_by_owner_and_name);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
