/* SPDX-License-Identifier: MIT */
/* Tables beside a plain model of them: arrays in the order of the inserts, and searches through all. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "modules/replay/table.h"

enum { KINDS = 6, MOST = 40, LONGEST = 6, WINDOW = 8 };

/* Libcheck writes to a pipe for each of its assertions: too slow for millions. */
#define must(condition) ((condition) ? (void)0 : ck_abort_msg("%s", #condition))

struct model_item {
	uint64_t key;
	double priority;
	int64_t times;
	uint32_t count;
	uint64_t first;                 /* the steps are first .. first + count - 1 */
};

struct model {
	struct table_settings settings;
	struct model_item items[MOST + 2];
	int count;
	int64_t inserts, samples, deletes;
};

struct world {
	struct model model;
	struct table *table;
	struct pool *pool;
	uint32_t window[WINDOW];        /* the newest steps, as a stream holds them: step n in place n % WINDOW */
	uint64_t next;
	lpad_rng choice, chance;
	uint64_t *keys;                 /* all that were ever given: open addressing */
	size_t keys_room;
};

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

static int below(struct world *world, int most)
{
	return (int)lpad_random_below(&world->choice, (uint64_t)most);
}

/* ---- the model ---- */

static void model_remove(struct model *model, int at)
{
	model->count--;
	memmove(&model->items[at], &model->items[at + 1], (size_t)(model->count - at) * sizeof model->items[0]);
}

static int model_find(const struct model *model, uint64_t key)
{
	for (int i = 0; i < model->count; i++)
		if (model->items[i].key == key)
			return i;
	return -1;
}

static double weight(const struct model *model, int at, double exponent)
{
	return pow(model->items[at].priority, exponent);
}

static double chance_of(const struct model *model, int at, enum selector_kind kind, double exponent)
{
	double sum = 0;
	if (kind == SELECTOR_PRIORITIZED)
		for (int i = 0; i < model->count; i++)
			sum += weight(model, i, exponent);
	return sum > 0 ? weight(model, at, exponent) / sum : 1.0 / model->count;
}

static int extreme(const struct model *model, int sign)
{
	int best = 0;
	for (int i = 1; i < model->count; i++)
		if (sign * model->items[i].priority > sign * model->items[best].priority)
			best = i;
	return best;
}

/* -1: chance decides. */
static int must_pick(const struct model *model, enum selector_kind kind)
{
	switch (kind) {
	case SELECTOR_FIFO:
		return 0;
	case SELECTOR_LIFO:
		return model->count - 1;
	case SELECTOR_MIN_HEAP:
		return extreme(model, -1);
	case SELECTOR_MAX_HEAP:
		return extreme(model, 1);
	default:
		return -1;
	}
}

static double model_diff(const struct model *model)
{
	return (double)model->inserts * model->settings.limiter.samples_per_insert - (double)model->samples;
}

static bool model_can_insert(const struct model *model)
{
	const lpad_limiter *limiter = &model->settings.limiter;
	return model->count + 1 <= limiter->min_size || model_diff(model) + limiter->samples_per_insert <= limiter->max_diff;
}

static bool model_can_sample(const struct model *model, int64_t count)
{
	const lpad_limiter *limiter = &model->settings.limiter;
	int64_t left = 0;
	for (int i = 0; i < model->count; i++)
		left += model->settings.max_times_sampled - model->items[i].times;
	return model->count && model->count >= limiter->min_size && model_diff(model) - (double)count >= limiter->min_diff
		&& (!model->settings.max_times_sampled || left >= count);
}

static size_t model_steps(const struct world *world)
{
	size_t live = 0;
	for (uint64_t step = 0; step < world->next; step++) {
		bool used = step + WINDOW >= world->next;
		for (int i = 0; i < world->model.count && !used; i++)
			used = step - world->model.items[i].first < world->model.items[i].count;
		live += used;
	}
	return live;
}

/* ---- both compared ---- */

static void same(struct world *world)
{
	const struct model *model = &world->model;
	const lpad_limiter *limiter = table_limiter(world->table);
	must(table_size(world->table) == model->count);
	must(limiter->inserts == model->inserts);
	must(limiter->samples == model->samples);
	must(limiter->deletes == model->deletes);
	must(table_can_insert(world->table) == model_can_insert(model));
	for (int64_t count = 1; count < 4; count++)
		must(table_can_sample(world->table, count) == model_can_sample(model, count));
}

static bool knows_ages(const struct table_settings *settings)
{
	return (settings->sampler != SELECTOR_UNIFORM && settings->sampler != SELECTOR_PRIORITIZED)
	    || (settings->remover != SELECTOR_UNIFORM && settings->remover != SELECTOR_PRIORITIZED);
}

static void same_item(struct world *world, const struct model_item *expected, const struct item *item)
{
	must(item->key == expected->key);
	must(item->priority == expected->priority);
	must(item->times_sampled == expected->times);
	must(item->count == expected->count);
	for (uint32_t i = 0; i < item->count; i++)
		must(identity_of(world->pool, item->steps[i]) == expected->first + i);
}

static void same_items(struct world *world)
{
	struct item list[MOST + 2];
	table_items(world->table, list);
	for (int i = 0; i < world->model.count; i++) {
		int at = model_find(&world->model, list[i].key);
		if (knows_ages(&world->model.settings))
			must(at == i);
		must(at >= 0);
		same_item(world, &world->model.items[at], &list[i]);
	}
}

static void new_key(struct world *world, uint64_t key)
{
	must(key != 0);
	for (size_t i = key * 0x9e3779b97f4a7c15u >> 40;; i++) {
		uint64_t *place = &world->keys[i & (world->keys_room - 1)];
		must(*place != key);
		if (*place)
			continue;
		*place = key;
		return;
	}
}

/* ---- operations ---- */

static void add_step(struct world *world)
{
	uint32_t *place = &world->window[world->next % WINDOW];
	if (world->next >= WINDOW)
		pool_unref(world->pool, *place);
	*place = identity_step(world->pool, world->next++);
}

/* The one that is gone. */
static int missing(struct world *world)
{
	struct item list[MOST + 2];
	int gone = -1;
	table_items(world->table, list);
	for (int i = 0; i < world->model.count; i++) {
		bool there = false;
		for (int k = 0; k < world->model.count - 1 && !there; k++)
			there = list[k].key == world->model.items[i].key;
		if (there)
			continue;
		must(gone == -1);
		gone = i;
	}
	must(gone >= 0);
	return gone;
}

static double any_priority(struct world *world)
{
	static const double priorities[] = { 0, 0.5, 1, 1, 2, 3.25 };
	return priorities[below(world, 6)];
}

static void do_insert(struct world *world)
{
	struct model *model = &world->model;
	uint32_t steps[LONGEST];
	for (int i = below(world, 3); i >= 0 || world->next < LONGEST; i--)
		add_step(world);
	struct model_item item = { .priority = any_priority(world), .count = 1 + (uint32_t)below(world, 2) * (uint32_t)below(world, LONGEST) };
	item.first = world->next - item.count;
	for (uint32_t i = 0; i < item.count; i++)
		steps[i] = world->window[(item.first + i) % WINDOW];
	item.key = table_insert(world->table, world->pool, steps, item.count, item.priority);
	new_key(world, item.key);
	model->items[model->count++] = item;
	model->inserts++;
	if (model->count <= model->settings.max_size)
		return;
	int expected = must_pick(model, model->settings.remover), gone = missing(world);
	if (expected >= 0)
		must(gone == expected);
	else
		must(chance_of(model, gone, model->settings.remover, model->settings.remover_exponent) > 0);
	model_remove(model, gone);
	model->deletes++;
}

static void check_pick(struct world *world, const struct picked *picked)
{
	struct model *model = &world->model;
	const struct table_settings *settings = &model->settings;
	int at = model_find(model, picked->key), expected = must_pick(model, settings->sampler);
	must(at >= 0);
	if (expected >= 0)
		must(at == expected);
	double probability = expected >= 0 ? 1 : chance_of(model, at, settings->sampler, settings->sampler_exponent);
	must(fabs(picked->probability - probability) < 1e-9);
	must(picked->table_size == model->count);
	struct model_item *item = &model->items[at];
	item->times++;
	same_item(world, item, &(struct item){ .key = picked->key, .priority = picked->priority, .times_sampled = picked->times_sampled,
		.count = picked->count, .steps = picked->steps });
	if (item->times != settings->max_times_sampled)
		return;
	model_remove(model, at);
	model->deletes++;
}

static void do_sample(struct world *world)
{
	struct picked picked[4];
	int64_t count = 1 + below(world, 4);
	if (!model_can_sample(&world->model, count))
		return;
	table_sample(world->table, &world->chance, count, picked);
	for (int64_t i = 0; i < count; i++)
		check_pick(world, &picked[i]);
	world->model.samples += count;
	table_release_picked(world->table, picked, count);
}

/* A key that is there, or one that was or will be, or nonsense. */
static uint64_t any_key(struct world *world)
{
	uint64_t key = world->model.count ? world->model.items[below(world, world->model.count)].key : 0;
	switch (below(world, 8)) {
	case 0:
		return key + ((uint64_t)1 << 32);
	case 1:
		return key - ((uint64_t)2 << 32);
	case 2:
		return key + ((uint64_t)2 << 32);
	case 3:
		return lpad_random_bits(&world->choice);
	case 4:
		return (uint64_t)below(world, 2000);
	default:
		return key;
	}
}

static void do_update(struct world *world)
{
	uint64_t key = any_key(world);
	double priority = any_priority(world);
	int at = model_find(&world->model, key);
	must(table_update(world->table, key, priority) == (at >= 0));
	if (at >= 0)
		world->model.items[at].priority = priority;
}

static void do_delete(struct world *world)
{
	uint64_t key = any_key(world);
	int at = model_find(&world->model, key);
	must(table_delete(world->table, key) == (at >= 0));
	if (at < 0)
		return;
	model_remove(&world->model, at);
	world->model.deletes++;
}

static void do_reset(struct world *world)
{
	table_reset(world->table);
	world->model.count = 0;
	world->model.inserts = world->model.samples = world->model.deletes = 0;
}

static void do_restore(struct world *world)
{
	struct item list[MOST + 2];
	struct table *restored = table_new(&world->model.settings);
	table_items(world->table, list);
	for (int i = 0; i < world->model.count; i++)
		must(table_restore_item(restored, world->pool, &list[i]));
	if (world->model.count)
		must(!table_restore_item(restored, world->pool, &list[0]));
	table_restore_counters(restored, table_limiter(world->table), table_next_key(world->table));
	must(table_limiter(restored)->error_max == table_limiter(world->table)->error_max);
	must(table_limiter(restored)->error_min == table_limiter(world->table)->error_min);
	table_free(world->table);
	world->table = restored;
	same_items(world);
}

static void operate(struct world *world)
{
	int choice = below(world, 1000);
	if (choice < 450 && (model_can_insert(&world->model) || below(world, 8) == 0))
		do_insert(world);
	else if (choice < 700)
		do_sample(world);
	else if (choice < 880)
		do_update(world);
	else if (choice < 990)
		do_delete(world);
	else if (choice < 993)
		do_reset(world);
	else if (choice < 996)
		do_restore(world);
	else
		same_items(world);
	same(world);
}

static void play(const struct table_settings *settings, uint64_t seed, int operations)
{
	struct world world = { .model.settings = *settings, .choice = { seed }, .chance = { seed + 1 }, .keys_room = 1 << 14 };
	world.pool = identities();
	world.table = table_new(settings);
	world.keys = calloc(world.keys_room, sizeof *world.keys);
	for (int i = 0; i < operations; i++) {
		operate(&world);
		if (i % 64 == 0)
			must(pool_count(world.pool) == model_steps(&world));
	}
	must(table_longest(world.table) <= LONGEST);
	table_free(world.table);
	must(pool_count(world.pool) == (world.next < WINDOW ? world.next : WINDOW));
	for (uint64_t i = world.next < WINDOW ? 0 : world.next - WINDOW; i < world.next; i++)
		pool_unref(world.pool, world.window[i % WINDOW]);
	must(pool_count(world.pool) == 0);
	pool_release(world.pool);
	free(world.keys);
}

static const struct { int64_t max_size, max_times; double samples_per_insert; int64_t min_size; double min_diff, max_diff; } shapes[] = {
	{ MOST, 0, 1, 1, -INFINITY, INFINITY },
	{ 7, 3, 2, 3, -6, 20 },
	{ 1, 0, 0.5, 1, -3, 3 },
	{ 20, 1, 1, 1, 0, 20 },
};
enum { SHAPES = sizeof shapes / sizeof shapes[0], OPERATIONS = 4400 };

/* For each sampler, 6 removers times 4 shapes times 4,400 operations: 105,600. */
START_TEST(as_the_model)
{
	for (int remover = 0; remover < KINDS; remover++)
		for (int shape = 0; shape < SHAPES; shape++) {
			struct table_settings settings = { .name = "t", .sampler = (enum selector_kind)_i, .remover = (enum selector_kind)remover,
				.sampler_exponent = 0.6, .remover_exponent = shape % 2 ? 0.6 : 1.5, .max_size = shapes[shape].max_size,
				.max_times_sampled = shapes[shape].max_times, .random = { 5 } };
			settings.limiter = lpad_limiter_diffs(shapes[shape].samples_per_insert, shapes[shape].min_size,
				shapes[shape].min_diff, shapes[shape].max_diff);
			play(&settings, (uint64_t)(_i * 1000 + remover * 10 + shape), OPERATIONS);
		}
}
END_TEST

/* ---- cases ---- */

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
		ck_assert_uint_ne(key, last);
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
			must(key != later[k]);
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
	TCase *model = tcase_create("model"), *cases = tcase_create("cases");
	tcase_set_timeout(model, 120);
	tcase_add_loop_test(model, as_the_model, 0, KINDS);
	suite_add_tcase(suite, model);
	tcase_add_test(cases, overlapping_sequences_share_steps);
	tcase_add_test(cases, lifo_removes_the_new_one);
	tcase_add_test(cases, keys_stay_apart_after_a_restore);
	tcase_add_test(cases, a_smaller_table_is_restored);
	tcase_add_test(cases, foreign_keys_are_refused);
	tcase_add_test(cases, times_sampled_go_past_32_bits);
	tcase_add_test(cases, priorities_come_back);
	tcase_add_loop_test(cases, says_what_can_never_be, 0, sizeof nevers / sizeof nevers[0]);
	tcase_add_test(cases, what_came_true_once_is_refused_later);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
