/* SPDX-License-Identifier: MIT */
/*
 * bench/replay_table: the table of replay alone, without calls: inserts a second (a step's bytes copied in) while it fills and when it
 * is full, samples a second in batches of 64, priority updates a second, and its memory over the payload: as it counts it, and as the
 * kernel does. Transitions of 100 bytes, and sequences of 20 steps of 28 KiB, a new one at every step. Each line in a process of its
 * own.
 *
 *     build/tests/bench/replay_table [ITEMS of one step, default 1000000; of sequences a hundredth]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "modules/replay/table.h"

enum { BATCH = 64, LONGEST = 20 };

struct setting {
	const char *kinds;
	enum selector_kind sampler, remover;
	int64_t bytes;                  /* of a step */
	uint32_t steps;                 /* of an item, which shares all but one with the next */
};

struct bench {
	const struct setting *setting;
	struct pool *pool;
	struct table *table;
	uint32_t window[LONGEST];
	unsigned char *source;
	uint64_t *keys;                 /* of the last `items` inserts */
	int64_t items, inserted;
	lpad_rng rng;
};

static size_t resident(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (file && fscanf(file, "%*d %ld", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void insert(struct bench *bench)
{
	uint32_t steps = bench->setting->steps, step = pool_add(bench->pool);
	memcpy(pool_row(bench->pool, step), bench->source, (size_t)bench->setting->bytes);
	if (bench->inserted >= steps)
		pool_unref(bench->pool, bench->window[0]);
	memmove(bench->window, bench->window + 1, (steps - 1) * sizeof step);
	bench->window[steps - 1] = step;
	if (++bench->inserted < steps)
		return;
	double priority = bench->setting->sampler == SELECTOR_UNIFORM ? 1 : lpad_random_real(&bench->rng);
	bench->keys[bench->inserted % bench->items] = table_insert(bench->table, bench->pool, bench->window, steps, priority);
}

static double inserts(struct bench *bench, int64_t count)
{
	int64_t begin = clock_ns();
	for (int64_t i = 0; i < count; i++)
		insert(bench);
	return (double)count * 1e9 / (double)(clock_ns() - begin);
}

static double samples(struct bench *bench, int64_t count)
{
	struct picked picked[BATCH];
	int64_t begin = clock_ns();
	for (int64_t i = 0; i < count; i += BATCH) {
		table_sample(bench->table, &bench->rng, BATCH, picked);
		table_release_picked(bench->table, picked, BATCH);
	}
	return (double)count * 1e9 / (double)(clock_ns() - begin);
}

static double updates(struct bench *bench, int64_t count)
{
	int64_t begin = clock_ns();
	for (int64_t i = 0; i < count; i++)
		table_update(bench->table, bench->keys[lpad_random_below(&bench->rng, (uint64_t)bench->items)], lpad_random_real(&bench->rng));
	return (double)count * 1e9 / (double)(clock_ns() - begin);
}

static void run(const struct setting *setting, int64_t items)
{
	struct column column = { .name = "x", .type = LPAD_U8, .rank = 1, .shape = { setting->bytes } };
	struct table_settings settings = { .name = "t", .sampler = setting->sampler, .remover = setting->remover, .sampler_exponent = 0.6,
		.remover_exponent = 1, .max_size = items, .limiter = lpad_limiter_min_size(1) };
	struct bench bench = { .setting = setting, .pool = pool_new(&column, 1), .table = table_new(&settings), .items = items, .rng = { 1 } };
	bench.source = memory_new((size_t)setting->bytes);
	bench.keys = memory_array((size_t)items, sizeof *bench.keys);
	memset(bench.source, 1, (size_t)setting->bytes);
	memset(bench.keys, 1, (size_t)items * sizeof *bench.keys);
	size_t before = resident();
	double fill = inserts(&bench, items + setting->steps - 1);
	double payload = (double)pool_count(bench.pool) * (double)setting->bytes;
	double counted = (double)(table_memory(bench.table) + pool_memory(bench.pool)), taken = (double)(resident() - before);
	double full = inserts(&bench, items), sampled = samples(&bench, items), updated = updates(&bench, items);
	printf("%-20s %2u x %5lld B  filling %9.0f/s  full %9.0f/s  samples %9.0f/s  updates %9.0f/s  memory %.3f counted, %.3f resident"
		" (%.1f bytes an item over its steps)\n", setting->kinds, setting->steps, (long long)setting->bytes, fill, full, sampled, updated,
		counted / payload, taken / payload, (counted - payload) / (double)items);
}

static const struct setting settings[] = {
	{ "uniform, fifo", SELECTOR_UNIFORM, SELECTOR_FIFO, 100, 1 },
	{ "prioritized, fifo", SELECTOR_PRIORITIZED, SELECTOR_FIFO, 100, 1 },
	{ "fifo, fifo", SELECTOR_FIFO, SELECTOR_FIFO, 100, 1 },
	{ "max_heap, min_heap", SELECTOR_MAX_HEAP, SELECTOR_MIN_HEAP, 100, 1 },
	{ "uniform, fifo", SELECTOR_UNIFORM, SELECTOR_FIFO, 28 << 10, 20 },
	{ "prioritized, fifo", SELECTOR_PRIORITIZED, SELECTOR_FIFO, 28 << 10, 20 },
};

int main(int count, char **arguments)
{
	int64_t items = count > 1 ? strtoll(arguments[1], NULL, 10) : 1000000;
	if (items < 100) {
		fprintf(stderr, "usage: replay_table [ITEMS, at least 100]\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
		fflush(stdout);
		pid_t child = fork();
		if (!child) {
			run(&settings[i], settings[i].steps > 1 ? items / 100 : items);
			fflush(stdout);
			_exit(0);
		}
		int status;
		if (child < 0 || waitpid(child, &status, 0) != child || status)
			return 1;
	}
	return 0;
}
