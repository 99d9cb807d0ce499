/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "modules/replay/steps.h"

static const struct column transition[] = {
	{ .name = "reward", .type = LPAD_F32 },
	{ .name = "done", .type = LPAD_BOOL8 },
	{ .name = "observation", .type = LPAD_F32, .rank = 2, .shape = { 2, 3 } },
	{ .name = "action", .type = LPAD_I64 },
	{ .name = "half", .type = LPAD_F16, .rank = 1, .shape = { 3 } },
	{ .name = "nothing", .type = LPAD_F64, .rank = 2, .shape = { 4, 0 } },
};
enum { COLUMNS = sizeof transition / sizeof transition[0] };

START_TEST(columns_are_sorted_and_aligned)
{
	static const struct { const char *name; size_t size, align; } expected[] = {
		{ "action", 8, 8 }, { "done", 1, 1 }, { "half", 6, 2 }, { "nothing", 0, 8 }, { "observation", 24, 4 }, { "reward", 4, 4 }
	};
	struct pool *pool = pool_new(transition, COLUMNS);
	bool taken[43] = { 0 };
	size_t count;
	const struct column *columns = pool_columns(pool, &count);
	ck_assert_uint_eq(count, COLUMNS);
	for (size_t i = 0; i < count; i++) {
		ck_assert_str_eq(columns[i].name, expected[i].name);
		ck_assert_uint_eq(columns[i].size, expected[i].size);
		ck_assert_uint_eq(columns[i].offset % expected[i].align, 0);
		for (size_t k = 0; k < columns[i].size; k++) {
			ck_assert(!taken[columns[i].offset + k]);
			taken[columns[i].offset + k] = true;
		}
	}
	ck_assert_uint_eq(pool_row_size(pool), sizeof taken);
	pool_release(pool);
}
END_TEST

START_TEST(another_layout_is_told)
{
	static const struct { struct column column; const char *text; } cases[] = {
		{ { .name = "reward", .type = LPAD_F32 }, NULL },
		{ { .name = "reward", .type = LPAD_F64 }, "column reward: f32 expected, f64 came" },
		{ { .name = "reward", .type = LPAD_F32, .rank = 1, .shape = { 1 } }, "column reward: f32 expected, f32[1] came" },
		{ { .name = "rewards", .type = LPAD_F32 }, "column reward: f32 expected, none came" },
	};
	struct pool *pool = pool_new(transition, COLUMNS);
	char text[200];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct column columns[COLUMNS];
		memcpy(columns, transition, sizeof columns);
		columns[0] = cases[i].column;
		ck_assert_pstr_eq(pool_differs(pool, columns, COLUMNS, text, sizeof text), cases[i].text);
	}
	struct column more[COLUMNS + 1];
	memcpy(more, transition, sizeof transition);
	more[2].shape[1] = 4;
	ck_assert_str_eq(pool_differs(pool, more, COLUMNS, text, sizeof text), "column observation: f32[2,3] expected, f32[2,4] came");
	more[2].shape[1] = 3;
	more[COLUMNS] = (struct column){ .name = "extra", .type = LPAD_U8, .rank = 1, .shape = { 9 } };
	ck_assert_str_eq(pool_differs(pool, more, COLUMNS + 1, text, sizeof text), "column extra: none expected, u8[9] came");
	ck_assert_str_eq(pool_differs(pool, more, COLUMNS + 1, text, 10), "column ex");
	pool_release(pool);
}
END_TEST

static struct pool *of_size(int64_t bytes)
{
	struct column column = { .name = "x", .type = LPAD_U8, .rank = 1, .shape = { bytes } };
	return pool_new(&column, 1);
}

static const int64_t sizes[] = { 0, 1, 100, 28 << 10, 300 << 10 };
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* Rows of all sizes, taken and given back in any order: none overlaps another, none moves, all counts come to nothing. */
START_TEST(rows_are_apart_and_stay)
{
	enum { MOST = 4000 };
	static uint32_t steps[MOST];
	static unsigned char *rows[MOST];
	size_t size = (size_t)sizes[_i], count = 0, most = size > 10000 ? 60 : MOST;
	struct pool *pool = of_size(sizes[_i]);
	lpad_rng rng = { 3 };
	for (int round = 0; round < 20000; round++) {
		if (count < most && lpad_random_below(&rng, 100) < (round / 2000 % 2 ? 20 : 80)) {
			steps[count] = pool_add(pool);
			rows[count] = pool_row(pool, steps[count]);
			ck_assert_uint_eq((uintptr_t)rows[count] % 8, 0);
			memset(rows[count], (int)(steps[count] % 251), size);
			count++;
		} else if (count) {
			size_t at = lpad_random_below(&rng, count);
			ck_assert_ptr_eq(rows[at], pool_row(pool, steps[at]));
			for (size_t k = 0; k < size; k += size / 7 + 1)
				if (rows[at][k] != steps[at] % 251)
					ck_abort_msg("byte %zu of step %u was overwritten", k, steps[at]);
			pool_unref(pool, steps[at]);
			steps[at] = steps[--count];
			rows[at] = rows[count];
		}
		if (pool_count(pool) != count)
			ck_abort_msg("%zu steps live, %zu expected", pool_count(pool), count);
	}
	while (count)
		pool_unref(pool, steps[--count]);
	ck_assert_uint_eq(pool_count(pool), 0);
	pool_release(pool);
}
END_TEST

/* Small for what it holds, and given back. */
START_TEST(memory_follows_the_steps)
{
	enum { MANY = 200000 };
	struct pool *pool = of_size(100);
	uint32_t *steps = malloc(MANY * sizeof *steps);
	size_t empty = pool_memory(pool);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++)
			steps[i] = pool_add(pool);
		ck_assert_uint_lt(pool_memory(pool), 111 * (size_t)MANY);
		for (int i = 0; i < MANY; i++)
			pool_unref(pool, steps[i]);
		ck_assert_uint_lt(pool_memory(pool), empty + (300 << 10));
	}
	free(steps);
	pool_release(pool);
}
END_TEST

START_TEST(a_step_lives_as_long_as_its_references)
{
	struct pool *pool = of_size(100), *shared = pool_share(pool);
	uint32_t step = pool_add(pool), other = pool_add(pool);
	for (int i = 0; i < 100000; i++)
		pool_ref(pool, step);
	for (int i = 0; i < 100000; i++)
		pool_unref(pool, step);
	ck_assert_uint_eq(pool_count(pool), 2);
	pool_unref(pool, other);
	pool_release(pool);
	ck_assert_uint_eq(pool_count(shared), 1);
	pool_unref(shared, step);
	ck_assert_uint_eq(pool_count(shared), 0);
	pool_release(shared);
	pool_release(NULL);
}
END_TEST

START_TEST(one_reference_too_few_is_caught)
{
	struct pool *pool = of_size(100);
	uint32_t step = pool_add(pool);
	pool_unref(pool, step);
	pool_unref(pool, step);
}
END_TEST

struct reader {
	struct pool *pool;
	const uint32_t *steps;
	int wrong;
};

enum { HELD = 2000 };

static void *read_rows(void *context)
{
	struct reader *me = context;
	for (int round = 0; round < 200; round++)
		for (int i = 0; i < HELD; i++)
			me->wrong += pool_row(me->pool, me->steps[i])[99] != i % 251;
	return NULL;
}

/* As a checkpoint does, while the table goes on: for the thread sanitizer, too. */
START_TEST(rows_are_read_while_slabs_come_and_go)
{
	static uint32_t held[HELD], more[20000];
	struct reader reader = { of_size(100), held, 0 };
	pthread_t thread;
	for (int i = 0; i < HELD; i++) {
		held[i] = pool_add(reader.pool);
		pool_row(reader.pool, held[i])[99] = (unsigned char)(i % 251);
	}
	ck_assert_int_eq(pthread_create(&thread, NULL, read_rows, &reader), 0);
	for (int round = 0; round < 10; round++) {
		for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
			pool_row(reader.pool, more[i] = pool_add(reader.pool))[99] = 255;
		for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
			pool_unref(reader.pool, more[i]);
	}
	pthread_join(thread, NULL);
	ck_assert_int_eq(reader.wrong, 0);
	pool_release(reader.pool);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replay_steps");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, columns_are_sorted_and_aligned);
	tcase_add_test(tcase, another_layout_is_told);
	tcase_add_loop_test(tcase, rows_are_apart_and_stay, 0, SIZES);
	tcase_add_test(tcase, memory_follows_the_steps);
	tcase_add_test(tcase, a_step_lives_as_long_as_its_references);
	tcase_add_test_raise_signal(tcase, one_reference_too_few_is_caught, SIGABRT);
	tcase_add_test(tcase, rows_are_read_while_slabs_come_and_go);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
