/* SPDX-License-Identifier: MIT */
/* What the blocks of a checkpoint of replay hold; the blocks themselves are good. What is accepted is drawn from and saved again. */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "modules/replay/blocks.h"
#include "modules/replay/checkpoint.h"

enum { TABLES = 2, DRAWS = 8 };

static uint64_t sum;

static void draw(struct table *table)
{
	lpad_rng rng = { 1 };
	struct picked picked[DRAWS];
	if (!table_size(table) || !table_can_sample(table, DRAWS))
		return;
	table_sample(table, &rng, DRAWS, picked);
	for (int i = 0; i < DRAWS; i++)
		for (uint32_t k = 0; k < picked[i].count; k++)
			for (size_t at = 0; at < pool_row_size(table_pool(table)); at++)
				sum += pool_row(table_pool(table), picked[i].steps[k])[at];
	table_update(table, picked[0].key, 2);
	table_release_picked(table, picked, DRAWS);
}

static void use(struct table **tables, struct streams *streams)
{
	char text[600];
	uint64_t bytes;
	struct checkpoint *checkpoint = checkpoint_take(tables, TABLES, streams);
	for (int i = 0; i < TABLES; i++)
		draw(tables[i]);
	if (checkpoint_write(checkpoint, "/nowhere/checkpoint", &bytes, text, sizeof text) != LPAD_EIO)
		abort();
	while (!checkpoint_give_back(checkpoint, 3))
		;
}

static void read_it(const char *path)
{
	char text[600] = "";
	struct table_settings settings[TABLES] = {
		{ .name = "a", .sampler = SELECTOR_PRIORITIZED, .sampler_exponent = 0.6, .max_size = 20, .limiter = lpad_limiter_ratio(4, 2, 40) },
		{ .name = "b", .max_size = 10, .max_times_sampled = 2, .limiter = lpad_limiter_queue(10) }
	};
	struct table *tables[TABLES] = { table_new(&settings[0]), table_new(&settings[1]) };
	struct streams *streams = streams_new();
	int code = checkpoint_read(path, tables, TABLES, streams, text, sizeof text);
	if (code && !text[0])
		abort();
	if (!code)
		use(tables, streams);
	streams_free(streams);
	for (int i = 0; i < TABLES; i++)
		table_free(tables[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	struct blocks_out out;
	int fd = memfd_create("checkpoint", MFD_CLOEXEC);
	if (fd < 0)
		abort();
	blocks_begin(&out, fd, CHECKPOINT_MAGIC, CHECKPOINT_VERSION);
	blocks_put(&out, data, size);
	if (blocks_end(&out))
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	read_it(path);
	close(fd);
	return 0;
}
