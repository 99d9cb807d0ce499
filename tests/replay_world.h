/* SPDX-License-Identifier: MIT */
/* Tables and streams with something of everything in them, and a picture of all that a checkpoint has to keep, as text. */
#ifndef TESTS_REPLAY_WORLD_H
#define TESTS_REPLAY_WORLD_H

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "modules/replay/checkpoint.h"

enum { WORLD_TABLES = 4, WORLD_STREAMS = 3 };

struct world {
	struct table *tables[WORLD_TABLES];
	struct streams *streams;
	struct pool *small, *large;
	lpad_rng rng;
	uint32_t serial;                /* of rows */
};

static const struct column world_small[] = {
	{ .name = "reward", .type = LPAD_F32 }, { .name = "obs", .type = LPAD_F64, .rank = 2, .shape = { 2, 3 } },
	{ .name = "action", .type = LPAD_U8, .rank = 1, .shape = { 3 } }
};

/* `row` bytes of a step in the pool of large ones. */
static struct world *world_new(int64_t row)
{
	static const char *const names[WORLD_TABLES] = { "sequences", "queue", "large", "empty" };
	const struct column wide = { .name = "frame", .type = LPAD_U8, .rank = 1, .shape = { row } };
	struct world *world = memory_new(sizeof *world);
	struct table_settings settings = { .sampler = SELECTOR_PRIORITIZED, .sampler_exponent = 0.6, .max_size = 300 };
	world->rng.state = 42;
	for (int i = 0; i < WORLD_TABLES; i++) {
		settings.name = names[i];
		settings.limiter = i == 1 ? lpad_limiter_queue(100) : i == 2 ? lpad_limiter_min_size(1) : lpad_limiter_ratio(4, 10, 400);
		settings.max_times_sampled = i == 1;
		settings.sampler = i == 1 ? SELECTOR_FIFO : SELECTOR_PRIORITIZED;
		world->tables[i] = table_new(&settings);
	}
	world->streams = streams_new();
	world->small = pool_new(world_small, 3);
	world->large = pool_new(&wide, 1);
	return world;
}

static void world_free(struct world *world)
{
	for (int i = 0; i < WORLD_TABLES; i++)
		table_free(world->tables[i]);
	streams_free(world->streams);
	if (world->small)
		ck_assert_uint_eq(pool_count(world->small), 0);
	pool_release(world->small);
	pool_release(world->large);
	free(world);
}

static uint32_t world_step(struct world *world, struct pool *pool)
{
	uint32_t step = pool_add(pool);
	unsigned char *row = pool_row(pool, step);
	size_t size = pool_row_size(pool);
	memset(row, (int)(world->serial % 251), size);
	if (size >= sizeof world->serial)
		memcpy(row, &world->serial, sizeof world->serial);
	world->serial++;
	return step;
}

/* One more step of a stream, and an item of its last ones; sometimes the old ones are dropped. */
static void world_stream(struct world *world)
{
	static const char *const owners[WORLD_STREAMS] = { "actor/0", "actor/1", "learner" };
	uint64_t which = lpad_random_below(&world->rng, WORLD_STREAMS);
	struct stream *stream = streams_find(world->streams, owners[which], which ? "" : "second");
	uint32_t steps[8], count = 1 + (uint32_t)lpad_random_below(&world->rng, 8);
	if (!stream->incarnation)
		stream_take_over(stream, 1 + (int)which);
	stream_add(stream, world->small, world_step(world, world->small));
	if (!stream_has(stream, stream->next - count, count))
		return;
	stream_steps(stream, stream->next - count, count, steps);
	table_insert(world->tables[0], world->small, steps, count, lpad_random_real(&world->rng) * 5);
	if (count == 3)
		table_insert(world->tables[3], world->small, steps, count, 1);
	stream->items++;
	stream_keep(stream, stream->next - 12);
}

static void world_plain(struct world *world, struct table *table, struct pool *pool)
{
	uint32_t step = world_step(world, pool);
	table_insert(table, pool, &step, 1, (double)lpad_random_below(&world->rng, 4));
	pool_unref(pool, step);
}

static void world_sample(struct world *world, struct table *table)
{
	struct picked picked[3];
	if (!table_can_sample(table, 3))
		return;
	table_sample(table, &world->rng, 3, picked);
	table_update(table, picked[0].key, lpad_random_real(&world->rng));
	if (lpad_random_below(&world->rng, 10) == 0)
		table_delete(table, picked[1].key);
	table_release_picked(table, picked, 3);
}

static void world_live(struct world *world, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		world_stream(world);
		if (table_can_insert(world->tables[1]))
			world_plain(world, world->tables[1], world->small);
		if (i % 8 == 0)
			world_plain(world, world->tables[2], world->large);
		world_sample(world, world->tables[0]);
		if (i % 9 == 0)
			world_sample(world, world->tables[1]);
	}
	table_reset(world->tables[3]);
}

static struct checkpoint *world_take(struct world *world)
{
	return checkpoint_take(world->tables, WORLD_TABLES, world->streams);
}

static uint64_t world_save(struct world *world, const char *path)
{
	char text[512] = "";
	uint64_t bytes = 0;
	struct checkpoint *checkpoint = world_take(world);
	ck_assert_msg(checkpoint_write(checkpoint, path, &bytes, text, sizeof text) == 0, "%s", text);
	while (!checkpoint_give_back(checkpoint, 100))
		;
	return bytes;
}

/* Like world_new, without pools of its own; the answer of checkpoint_read in *code and `text`. */
static struct world *world_load(const char *path, int *code, char *text, size_t room)
{
	struct world *world = world_new(1);
	pool_release(world->small);
	pool_release(world->large);
	world->small = world->large = NULL;
	*code = checkpoint_read(path, world->tables, WORLD_TABLES, world->streams, text, room);
	return world;
}

/* ---- the picture ---- */

struct seen {
	const unsigned char **rows;
	size_t count, room;
};

/* Steps are shared in a picture as they are in the tables: each is named by when it was met first. */
static size_t world_seen(struct seen *seen, const unsigned char *row, bool *new)
{
	size_t i = 0;
	while (i < seen->count && seen->rows[i] != row)
		i++;
	*new = i == seen->count;
	if (*new) {
		if (seen->count == seen->room) {
			seen->room = seen->room * 2 + 64;
			seen->rows = memory_resize(seen->rows, seen->room, sizeof *seen->rows);
		}
		seen->rows[seen->count++] = row;
	}
	return i;
}

static void world_show_steps(struct text *out, struct seen *seen, const struct pool *pool, const uint32_t *steps, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const unsigned char *row = pool_row(pool, steps[i]);
		bool new;
		text_format(out, " %zu", world_seen(seen, row, &new));
		uint64_t sum = 0;
		for (size_t k = 0; new && k < pool_row_size(pool); k++)
			sum = sum * 31 + row[k];
		if (new)
			text_format(out, "=%" PRIx64, sum);
	}
}

static void world_show_pool(struct text *out, const struct pool *pool)
{
	size_t count = 0;
	const struct column *columns = pool ? pool_columns(pool, &count) : NULL;
	for (size_t i = 0; i < count; i++)
		text_format(out, " %s %d %d %" PRId64, columns[i].name, columns[i].type, columns[i].rank, columns[i].rank ? columns[i].shape[0] : 0);
	text_add(out, "\n");
}

static void world_show_table(struct text *out, struct seen *seen, const struct table *table)
{
	const lpad_limiter *limiter = table_limiter(table);
	size_t count = (size_t)table_size(table);
	struct item *items = memory_array(count + 1, sizeof *items);
	text_format(out, "table %s: %" PRId64 " %" PRId64 " %" PRId64 " %d %a %a\n", table_settings(table)->name, limiter->inserts, limiter->samples,
		limiter->deletes, limiter->opened, limiter->error_min, limiter->error_max);
	if (count)
		world_show_pool(out, table_pool(table));
	table_items(table, items);
	for (size_t i = 0; i < count; i++) {
		text_format(out, "item %" PRIu64 " %a %" PRId64, items[i].key, items[i].priority, items[i].times_sampled);
		world_show_steps(out, seen, table_pool(table), items[i].steps, items[i].count);
		text_add(out, "\n");
	}
	free(items);
}

static void world_show_stream(struct text *out, struct seen *seen, const struct stream *stream)
{
	uint32_t count = (uint32_t)(stream->next - stream->first), *steps = memory_array(count + 1, sizeof *steps);
	text_format(out, "stream %s of %s %d: %" PRId64 " %" PRId64 " %" PRId64, stream->name, stream->owner, stream->incarnation, stream->items,
		stream->first, stream->next);
	stream_steps(stream, stream->first, count, steps);
	world_show_steps(out, seen, stream->pool, steps, count);
	text_add(out, "\n");
	free(steps);
}

/* Caller frees. */
static char *world_picture(struct world *world)
{
	struct text out = { 0 };
	struct seen seen = { 0 };
	for (size_t i = 0; i < streams_count(world->streams); i++)
		world_show_stream(&out, &seen, streams_at(world->streams, i));
	for (int i = 0; i < WORLD_TABLES; i++)
		world_show_table(&out, &seen, world->tables[i]);
	text_format(&out, "%zu steps\n", seen.count);
	free(seen.rows);
	return text_take(&out);
}

#endif
