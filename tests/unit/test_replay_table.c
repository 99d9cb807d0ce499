/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "modules/replay/table.h"

static struct pool *identities(void)
{
	struct column column = { .name = "identity", .type = LPAD_U64 };
	return pool_new(&column, 1);
}

static uint32_t identity_step(struct pool *pool, uint64_t identity)
{
	uint32_t step = pool_add(pool);
	memcpy(pool_row(pool, step), &identity, sizeof identity);
	return step;
}

static uint64_t identity_of(struct pool *pool, uint32_t step)
{
	uint64_t identity;
	memcpy(&identity, pool_row(pool, step), sizeof identity);
	return identity;
}

static struct table_settings plain(enum selector_kind sampler, enum selector_kind remover, int64_t max_size)
{
	return (struct table_settings){ .name = "t", .sampler = sampler, .remover = remover, .sampler_exponent = 1, .remover_exponent = 1,
		.max_size = max_size, .limiter = lpad_limiter_min_size(1) };
}

static uint64_t insert_one(struct table *table, struct pool *pool, uint64_t identity, double priority)
{
	uint32_t step = identity_step(pool, identity);
	uint64_t key = table_insert(table, pool, &step, 1, priority);
	pool_unref(pool, step);
	return key;
}

/* Sequences of 20 that begin at every step, in two tables: each step is there once, and gone with the last that wants it. */
START_TEST(overlapping_sequences_share_steps)
{
	enum { STEPS = 300, LENGTH = 20 };
	struct table_settings settings = plain(SELECTOR_UNIFORM, SELECTOR_FIFO, 100);
	struct table *one = table_new(&settings), *other = table_new(&settings);
	struct pool *pool = identities();
	uint32_t steps[STEPS];
	uint64_t keys[STEPS] = { 0 };
	for (int i = 0; i < STEPS; i++) {
		steps[i] = identity_step(pool, (uint64_t)i);
		if (i + 1 < LENGTH)
			continue;
		keys[i] = table_insert(one, pool, &steps[i + 1 - LENGTH], LENGTH, 1);
		if (i % 2)
			table_insert(other, pool, &steps[i + 1 - LENGTH], LENGTH, 1);
		pool_unref(pool, steps[i + 1 - LENGTH]);
	}
	for (int i = STEPS - LENGTH + 1; i < STEPS; i++)
		pool_unref(pool, steps[i]);
	/* The other has the ends of the last 100 odd steps. */
	ck_assert_uint_eq(pool_count(pool), 199 + LENGTH - 1);
	table_reset(other);
	ck_assert_uint_eq(pool_count(pool), 100 + LENGTH - 1);
	for (int i = STEPS - 100; i < STEPS - 1; i++)
		ck_assert(table_delete(one, keys[i]));
	ck_assert_uint_eq(pool_count(pool), LENGTH);
	lpad_rng rng = { 1 };
	struct picked picked;
	table_sample(one, &rng, 1, &picked);
	ck_assert(table_delete(one, keys[STEPS - 1]));
	ck_assert_uint_eq(pool_count(pool), LENGTH);
	for (uint32_t i = 0; i < LENGTH; i++)
		ck_assert_uint_eq(identity_of(pool, picked.steps[i]), STEPS - LENGTH + i);
	table_release_picked(one, &picked, 1);
	ck_assert_uint_eq(pool_count(pool), 0);
	table_free(one);
	table_free(other);
	pool_release(pool);
}
END_TEST

START_TEST(lifo_removes_the_new_one)
{
	struct table_settings settings = plain(SELECTOR_FIFO, SELECTOR_LIFO, 2);
	struct table *table = table_new(&settings);
	struct pool *pool = identities();
	lpad_rng rng = { 1 };
	uint64_t first = insert_one(table, pool, 0, 1), last = 0;
	insert_one(table, pool, 1, 1);
	for (uint64_t i = 2; i < 5000; i++) {
		uint64_t key = insert_one(table, pool, i, 1);
		ck_assert(!table_delete(table, key));
		ck_assert_uint_ne((uint32_t)key, (uint32_t)last);         /* slots take turns */
		last = key;
	}
	ck_assert_int_eq(table_size(table), 2);
	ck_assert_uint_eq(pool_count(pool), 2);
	struct picked picked;
	table_sample(table, &rng, 1, &picked);
	ck_assert_uint_eq(picked.key, first);
	table_release_picked(table, &picked, 1);
	ck_assert_int_eq(table_limiter(table)->deletes, 4998);
	table_free(table);
	pool_release(pool);
}
END_TEST

/* What was given after the checkpoint was taken is not given again by the table that is restored from it. */
START_TEST(keys_stay_apart_after_a_restore)
{
	enum { AFTER = 3000 };
	static uint64_t later[AFTER];
	struct table_settings settings = plain(SELECTOR_FIFO, SELECTOR_FIFO, 3);
	struct table *table = table_new(&settings), *restored = table_new(&settings);
	struct pool *pool = identities();
	struct item list[3];
	uint64_t keys[3];
	for (uint64_t i = 0; i < 3; i++)
		keys[i] = insert_one(table, pool, i, 1);
	table_items(table, list);
	for (int i = 0; i < 3; i++)
		ck_assert(table_restore_item(restored, pool, &list[i]));
	table_restore_counters(restored, table_limiter(table), table_next_key(table));
	for (uint64_t i = 0; i < AFTER; i++)
		later[i] = insert_one(table, pool, i, 1);
	for (uint64_t i = 0; i < AFTER; i++) {
		uint64_t key = insert_one(restored, pool, i, 1);
		for (int k = 0; k < AFTER; k++)
			if (key == later[k])
				ck_abort_msg("key %llx comes again", (unsigned long long)key);
		ck_assert_uint_ne(key, keys[i % 3]);
	}
	ck_assert_int_eq(table_size(restored), 3);
	table_free(table);
	table_free(restored);
	pool_release(pool);
}
END_TEST

START_TEST(a_smaller_table_is_restored)
{
	struct table_settings settings = plain(SELECTOR_FIFO, SELECTOR_FIFO, 10);
	struct table *table = table_new(&settings);
	struct pool *pool = identities();
	struct item list[10];
	lpad_rng rng = { 1 };
	struct picked picked[4];
	for (uint64_t i = 0; i < 10; i++)
		insert_one(table, pool, i, 1);
	table_items(table, list);
	list[8].times_sampled = 7;
	settings.max_size = 4;
	settings.max_times_sampled = 7;
	struct table *restored = table_new(&settings);
	for (int i = 0; i < 10; i++)
		ck_assert(table_restore_item(restored, pool, &list[i]));
	table_restore_counters(restored, table_limiter(table), table_next_key(table));
	ck_assert_int_eq(table_size(restored), 4);
	ck_assert_int_eq(lpad_limiter_size(table_limiter(restored)), 4);
	table_sample(restored, &rng, 4, picked);
	ck_assert_uint_eq(identity_of(pool, picked[0].steps[0]), 5);
	table_release_picked(restored, picked, 4);
	table_free(table);
	ck_assert_uint_eq(pool_count(pool), 4);
	table_free(restored);
	pool_release(pool);
}
END_TEST

START_TEST(foreign_keys_are_refused)
{
	static const uint64_t keys[] = { 0, 7, (uint64_t)2 << 32, (uint64_t)1 << 32 | 0x80000000u, UINT64_MAX };
	struct table_settings settings = plain(SELECTOR_FIFO, SELECTOR_FIFO, 10);
	struct table *table = table_new(&settings);
	struct pool *pool = identities();
	uint32_t step = identity_step(pool, 1);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		ck_assert(!table_restore_item(table, pool, &(struct item){ .key = keys[i], .count = 1, .steps = &step }));
	ck_assert_int_eq(table_size(table), 0);
	table_free(table);
	/* One that is restored and goes at once has had its place. */
	settings.max_times_sampled = 1;
	table = table_new(&settings);
	ck_assert(table_restore_item(table, pool, &(struct item){ .key = (uint64_t)1 << 32, .times_sampled = 1, .count = 1, .steps = &step }));
	ck_assert(!table_restore_item(table, pool, &(struct item){ .key = (uint64_t)3 << 32, .count = 1, .steps = &step }));
	table_free(table);
	pool_unref(pool, step);
	ck_assert_uint_eq(pool_count(pool), 0);
	pool_release(pool);
}
END_TEST

/* 32 bits are not enough for one item that is drawn for weeks. */
START_TEST(times_sampled_go_past_32_bits)
{
	struct table_settings settings = plain(SELECTOR_FIFO, SELECTOR_FIFO, 10);
	settings.max_times_sampled = ((int64_t)1 << 32) + 2;
	struct table *table = table_new(&settings);
	struct pool *pool = identities();
	uint32_t step = identity_step(pool, 1);
	lpad_rng rng = { 1 };
	struct picked picked[3];
	ck_assert(table_restore_item(table, pool, &(struct item){ .key = (uint64_t)1 << 32, .priority = 1,
		.times_sampled = (int64_t)UINT32_MAX, .count = 1, .steps = &step }));
	table_restore_counters(table, table_limiter(table), table_next_key(table));
	uint64_t key = table_insert(table, pool, &step, 1, 1);
	ck_assert(table_delete(table, key));
	ck_assert(table_can_sample(table, 3));
	ck_assert(!table_can_sample(table, 4));
	table_sample(table, &rng, 3, picked);
	ck_assert_int_eq(picked[0].times_sampled, (int64_t)1 << 32);
	ck_assert_int_eq(picked[2].times_sampled, settings.max_times_sampled);
	ck_assert_int_eq(table_size(table), 0);
	table_release_picked(table, picked, 3);
	table_free(table);
	pool_unref(pool, step);
	pool_release(pool);
}
END_TEST

START_TEST(priorities_come_back)
{
	struct table_settings settings = plain(SELECTOR_MAX_HEAP, SELECTOR_MIN_HEAP, 3);
	struct table *table = table_new(&settings);
	struct pool *pool = identities();
	lpad_rng rng = { 1 };
	struct picked picked;
	uint64_t low = insert_one(table, pool, 0, 1), high = insert_one(table, pool, 1, 5);
	ck_assert(table_update(table, low, 7));
	table_sample(table, &rng, 1, &picked);
	ck_assert_uint_eq(picked.key, low);
	ck_assert_double_eq(picked.priority, 7);
	table_release_picked(table, &picked, 1);
	insert_one(table, pool, 2, 6);
	insert_one(table, pool, 3, 6);
	ck_assert(!table_update(table, high, 1));
	table_free(table);
	pool_release(pool);
}
END_TEST

/* ---- what can never be ---- */

static const struct {
	int64_t max_size, max_times, count;
	lpad_limiter limiter;
	const char *why;                /* NULL: it may come true */
} nevers[] = {
	{ 10, 0, 1000000, { 1, -INFINITY, INFINITY, 1, 0, 0, 0, 0, 0, 0 }, NULL },
	{ 10, 0, 0, { 1, -INFINITY, INFINITY, 1, 0, 0, 0, 0, 0, 0 }, "table t: 0 samples were asked for: at least 1 is needed" },
	{ 10, 0, -3, { 1, -INFINITY, INFINITY, 1, 0, 0, 0, 0, 0, 0 }, "table t: -3 samples were asked for: at least 1 is needed" },
	{ 10, 0, 1, { 1, -INFINITY, INFINITY, 11, 0, 0, 0, 0, 0, 0 },
		"table t: samples begin at 11 items, and it holds 10 at most" },
	{ 10, 2, 20, { 1, -INFINITY, INFINITY, 1, 0, 0, 0, 0, 0, 0 }, NULL },
	{ 10, 2, 21, { 1, -INFINITY, INFINITY, 1, 0, 0, 0, 0, 0, 0 },
		"table t: 21 samples at once are more than its at most 10 items give, 2 each" },
	{ 10, 1, 5, { 1, 0, 5, 1, 0, 0, 0, 0, 0, 0 }, NULL },
	{ 10, 1, 6, { 1, 0, 5, 1, 0, 0, 0, 0, 0, 0 },
		"table t: 6 samples at once are more than the limiter's range of 5 lets through" },
	{ 1000, 0, 64, { 8, 768, 832, 100, 0, 0, 0, 0, 0, 0 }, NULL },
	{ 1000, 0, 65, { 8, 768, 832, 100, 0, 0, 0, 0, 0, 0 },
		"table t: 65 samples at once are more than the limiter's range of 64 lets through" },
	/* The first min_size inserts get further ahead than max_diff: once. */
	{ 1000, 0, 110, { 1, -10, 10, 100, 0, 0, 0, 0, 0, 0 }, NULL },
	{ 1000, 0, 111, { 1, -10, 10, 100, 0, 0, 0, 0, 0, 0 },
		"table t: 111 samples at once are more than the limiter's range of 110 lets through" },
};

START_TEST(says_what_can_never_be)
{
	struct table_settings settings = plain(SELECTOR_UNIFORM, SELECTOR_FIFO, nevers[_i].max_size);
	settings.max_times_sampled = nevers[_i].max_times;
	settings.limiter = nevers[_i].limiter;
	struct table *table = table_new(&settings);
	struct pool *pool = identities();
	char text[200];
	const char *why = table_never(table, nevers[_i].count, text, sizeof text);
	ck_assert_pstr_eq(why, nevers[_i].why);
	/* What may come true comes true by inserts alone; what may not, does not. */
	for (uint64_t i = 0; i < 2000 && table_can_insert(table); i++)
		insert_one(table, pool, i, 1);
	if (nevers[_i].count > 0)
		ck_assert_int_eq(table_can_sample(table, nevers[_i].count), !nevers[_i].why);
	table_free(table);
	pool_release(pool);
}
END_TEST

START_TEST(what_came_true_once_is_refused_later)
{
	struct table_settings settings = plain(SELECTOR_UNIFORM, SELECTOR_FIFO, 1000);
	settings.limiter = lpad_limiter_diffs(1, 100, -10, 10);
	struct table *table = table_new(&settings);
	struct pool *pool = identities();
	struct picked picked[110];
	lpad_rng rng = { 1 };
	char text[200];
	while (table_can_insert(table))
		insert_one(table, pool, 0, 1);
	ck_assert(table_can_sample(table, 110));
	table_sample(table, &rng, 110, picked);
	table_release_picked(table, picked, 110);
	ck_assert_ptr_null(table_never(table, 20, text, sizeof text));
	ck_assert_ptr_nonnull(table_never(table, 21, text, sizeof text));
	table_reset(table);
	ck_assert_ptr_null(table_never(table, 110, text, sizeof text));
	table_free(table);
	ck_assert_uint_eq(pool_count(pool), 0);
	pool_release(pool);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replay_table");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, overlapping_sequences_share_steps);
	tcase_add_test(tcase, lifo_removes_the_new_one);
	tcase_add_test(tcase, keys_stay_apart_after_a_restore);
	tcase_add_test(tcase, a_smaller_table_is_restored);
	tcase_add_test(tcase, foreign_keys_are_refused);
	tcase_add_test(tcase, times_sampled_go_past_32_bits);
	tcase_add_test(tcase, priorities_come_back);
	tcase_add_loop_test(tcase, says_what_can_never_be, 0, sizeof nevers / sizeof nevers[0]);
	tcase_add_test(tcase, what_came_true_once_is_refused_later);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
