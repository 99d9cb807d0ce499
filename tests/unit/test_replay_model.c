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

int main(void)
{
	Suite *suite = suite_create("replay_model");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, as_the_model, 0, KINDS);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
