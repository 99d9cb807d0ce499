/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "blocks.h"
#include "checkpoint.h"
#include "room.h"

/* Steps are numbered in the order in which streams, then items, first refer to them. */
struct saved_pool {
	struct pool *pool;
	uint32_t *steps, count, room;   /* by number, with a reference each */
	uint32_t *numbers, most;        /* 1 + number of a step, 0: none yet; only while the snapshot is taken */
};

struct numbers {
	uint32_t *at;
	size_t count, room;
};

struct saved_stream {
	struct stream is;               /* names are copies; the rest of what it points to is not to be touched */
	int32_t pool;
	struct numbers steps;
};

struct saved_table {
	char *name;
	lpad_limiter limiter;
	uint64_t next_key;
	uint32_t places;                /* behind the last one of a key; a key's low half is its place */
	int32_t pool;                   /* -1: none */
	struct item *items;             /* their steps are in `steps`, one item's after the other's; of those with NULL the first only */
	size_t count;
	struct numbers steps;
};

struct checkpoint {
	struct saved_pool *pools;
	struct saved_stream *streams;
	struct saved_table *tables;
	size_t pool_count, stream_count, table_count;
	size_t returning;               /* the pool whose steps are being given back */
};

/* ---- taking ---- */

static int32_t save_pool(struct checkpoint *checkpoint, struct pool *pool)
{
	size_t i = 0;
	if (!pool)
		return -1;
	while (i < checkpoint->pool_count && checkpoint->pools[i].pool != pool)
		i++;
	if (i == checkpoint->pool_count) {
		checkpoint->pools = room_resize(checkpoint->pools, ++checkpoint->pool_count, sizeof *checkpoint->pools);
		checkpoint->pools[i] = (struct saved_pool){ .pool = pool_share(pool) };
	}
	return (int32_t)i;
}

static void grow_numbers(struct saved_pool *saved, uint32_t step)
{
	uint64_t most = saved->most ? saved->most * (uint64_t)2 : 1024;
	most = most <= step ? step + (uint64_t)1 : most > UINT32_MAX ? UINT32_MAX : most;
	saved->numbers = room_resize(saved->numbers, most, sizeof *saved->numbers);
	memset(saved->numbers + saved->most, 0, (most - saved->most) * sizeof *saved->numbers);
	saved->most = (uint32_t)most;
}

static uint32_t number_of(struct saved_pool *saved, uint32_t step)
{
	if (step >= saved->most)
		grow_numbers(saved, step);
	if (!saved->numbers[step]) {
		if (saved->count == saved->room) {
			saved->room = saved->room ? saved->room + saved->room / 2 : 1024;
			saved->steps = room_resize(saved->steps, saved->room, sizeof *saved->steps);
		}
		pool_ref(saved->pool, step);
		saved->steps[saved->count++] = step;
		saved->numbers[step] = saved->count;
	}
	return saved->numbers[step] - 1;
}

/* True: the numbers of these steps follow each other. */
static bool save_steps(struct checkpoint *checkpoint, int32_t pool, struct numbers *numbers, const uint32_t *steps, uint32_t count)
{
	size_t first = numbers->count;
	if (numbers->room - numbers->count < count) {
		numbers->room += numbers->room / 2 + count;
		numbers->at = room_resize(numbers->at, numbers->room, sizeof *numbers->at);
	}
	for (uint32_t i = 0; i < count; i++)
		numbers->at[numbers->count++] = number_of(&checkpoint->pools[pool], steps[i]);
	for (uint32_t i = 1; i < count; i++)
		if (numbers->at[first + i] != numbers->at[first] + i)
			return false;
	return true;
}

static void save_stream(struct checkpoint *checkpoint, struct saved_stream *saved, const struct stream *stream)
{
	uint32_t count = (uint32_t)(stream->next - stream->first), *steps = room_resize(NULL, count, sizeof *steps);
	stream_steps(stream, stream->first, count, steps);
	saved->is = *stream;
	saved->is.owner = room_copy_text(stream->owner);
	saved->is.name = room_copy_text(stream->name);
	saved->pool = count ? save_pool(checkpoint, stream->pool) : -1;
	save_steps(checkpoint, saved->pool, &saved->steps, steps, count);
	free(steps);
}

static void save_table(struct checkpoint *checkpoint, struct saved_table *saved, const struct table *table)
{
	saved->name = room_copy_text(table_settings(table)->name);
	saved->limiter = *table_limiter(table);
	saved->next_key = table_next_key(table);
	saved->count = (size_t)table_size(table);
	saved->pool = saved->count ? save_pool(checkpoint, table_pool(table)) : -1;
	saved->items = room_resize(NULL, saved->count, sizeof *saved->items);
	saved->steps.room = saved->count;
	saved->steps.at = room_resize(NULL, saved->count, sizeof *saved->steps.at);
	table_items(table, saved->items);
	for (size_t i = 0; i < saved->count; i++) {
		uint32_t place = (uint32_t)saved->items[i].key;
		saved->places = place < saved->places ? saved->places : place + 1;
		if (!save_steps(checkpoint, saved->pool, &saved->steps, saved->items[i].steps, saved->items[i].count))
			continue;
		saved->steps.count -= saved->items[i].count - 1;
		saved->items[i].steps = NULL;
	}
}

struct checkpoint *checkpoint_take(struct table *const *tables, size_t count, struct streams *streams)
{
	struct checkpoint *checkpoint = room_new(1, sizeof *checkpoint);
	checkpoint->stream_count = streams_count(streams);
	checkpoint->streams = room_new(checkpoint->stream_count, sizeof *checkpoint->streams);
	for (size_t i = 0; i < checkpoint->stream_count; i++)
		save_stream(checkpoint, &checkpoint->streams[i], streams_at(streams, i));
	checkpoint->table_count = count;
	checkpoint->tables = room_new(count, sizeof *checkpoint->tables);
	for (size_t i = 0; i < count; i++)
		save_table(checkpoint, &checkpoint->tables[i], tables[i]);
	for (size_t i = 0; i < checkpoint->pool_count; i++) {
		free(checkpoint->pools[i].numbers);
		checkpoint->pools[i].numbers = NULL;
	}
	return checkpoint;
}

size_t checkpoint_memory(const struct checkpoint *checkpoint)
{
	size_t bytes = sizeof *checkpoint;
	for (size_t i = 0; i < checkpoint->pool_count; i++)
		bytes += sizeof *checkpoint->pools + checkpoint->pools[i].room * sizeof(uint32_t);
	for (size_t i = 0; i < checkpoint->stream_count; i++)
		bytes += sizeof *checkpoint->streams + checkpoint->streams[i].steps.room * sizeof(uint32_t);
	for (size_t i = 0; i < checkpoint->table_count; i++)
		bytes += sizeof *checkpoint->tables + checkpoint->tables[i].steps.room * sizeof(uint32_t)
			+ checkpoint->tables[i].count * sizeof(struct item);
	return bytes;
}

static void free_all(struct checkpoint *checkpoint)
{
	for (size_t i = 0; i < checkpoint->stream_count; i++) {
		free(checkpoint->streams[i].is.owner);
		free(checkpoint->streams[i].is.name);
		free(checkpoint->streams[i].steps.at);
	}
	for (size_t i = 0; i < checkpoint->table_count; i++) {
		free(checkpoint->tables[i].name);
		free(checkpoint->tables[i].items);
		free(checkpoint->tables[i].steps.at);
	}
	free(checkpoint->pools);
	free(checkpoint->streams);
	free(checkpoint->tables);
	free(checkpoint);
}

bool checkpoint_give_back(struct checkpoint *checkpoint, size_t most)
{
	for (; checkpoint->returning < checkpoint->pool_count; checkpoint->returning++) {
		struct saved_pool *saved = &checkpoint->pools[checkpoint->returning];
		for (; saved->count; most--) {
			if (!most)
				return false;
			pool_unref(saved->pool, saved->steps[--saved->count]);
		}
		free(saved->steps);
		pool_release(saved->pool);
	}
	free_all(checkpoint);
	return true;
}

/* ---- writing ---- */

static void write_pool(struct blocks_out *out, const struct saved_pool *saved)
{
	size_t count, size = pool_row_size(saved->pool);
	const struct column *columns = pool_columns(saved->pool, &count);
	blocks_put_u32(out, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		blocks_put_text(out, columns[i].name);
		blocks_put_u32(out, (uint32_t)columns[i].type);
		blocks_put_u32(out, (uint32_t)columns[i].rank);
		for (int k = 0; k < columns[i].rank; k++)
			blocks_put_i64(out, columns[i].shape[k]);
		blocks_put_u64(out, columns[i].offset);
	}
	blocks_put_u64(out, size ? size : 1);   /* at least a byte, so that the number of steps can be held against what follows */
	blocks_put_u64(out, saved->count);
	for (uint32_t i = 0; i < saved->count && !out->code; i++)
		blocks_put(out, size ? pool_row(saved->pool, saved->steps[i]) : (const void *)"", size ? size : 1);
}

static void write_stream(struct blocks_out *out, const struct saved_stream *saved)
{
	blocks_put_text(out, saved->is.owner);
	blocks_put_text(out, saved->is.name);
	blocks_put_u32(out, (uint32_t)saved->is.incarnation);
	blocks_put_i64(out, saved->is.items);
	blocks_put_i64(out, saved->is.first);
	blocks_put_i64(out, saved->is.next);
	blocks_put_u32(out, (uint32_t)saved->pool);
	for (size_t i = 0; i < saved->steps.count; i++)
		blocks_put_u32(out, saved->steps.at[i]);
}

static const uint32_t *write_item(struct blocks_out *out, const struct item *item, const uint32_t *steps)
{
	uint32_t count = item->steps ? item->count : 1;
	blocks_put_u64(out, item->key);
	blocks_put_f64(out, item->priority);
	blocks_put_i64(out, item->times_sampled);
	blocks_put_u32(out, item->steps ? item->count : item->count | CHECKPOINT_RUN);
	for (uint32_t i = 0; i < count; i++)
		blocks_put_u32(out, steps[i]);
	return steps + count;
}

static void write_table(struct blocks_out *out, const struct saved_table *saved)
{
	const lpad_limiter *limiter = &saved->limiter;
	const uint32_t *steps = saved->steps.at;
	blocks_put_text(out, saved->name);
	blocks_put_f64(out, limiter->samples_per_insert);
	blocks_put_i64(out, limiter->min_size);
	blocks_put_f64(out, limiter->min_diff);
	blocks_put_f64(out, limiter->max_diff);
	blocks_put_i64(out, limiter->inserts);
	blocks_put_i64(out, limiter->samples);
	blocks_put_i64(out, limiter->deletes);
	blocks_put_u32(out, limiter->opened);
	blocks_put_f64(out, limiter->error_min);
	blocks_put_f64(out, limiter->error_max);
	blocks_put_u64(out, saved->next_key);
	blocks_put_u32(out, saved->places);
	blocks_put_u32(out, (uint32_t)saved->pool);
	blocks_put_u64(out, saved->count);
	for (size_t i = 0; i < saved->count && !out->code; i++)
		steps = write_item(out, &saved->items[i], steps);
}

/* 0 or errno; the file is whole then, and on the disk. */
static int write_file(const struct checkpoint *checkpoint, int fd, uint64_t *bytes)
{
	struct blocks_out out;
	blocks_begin(&out, fd, CHECKPOINT_MAGIC, CHECKPOINT_VERSION);
	blocks_put_i64(&out, (int64_t)time(NULL));
	blocks_put_u32(&out, (uint32_t)checkpoint->pool_count);
	blocks_put_u32(&out, (uint32_t)checkpoint->stream_count);
	blocks_put_u32(&out, (uint32_t)checkpoint->table_count);
	for (size_t i = 0; i < checkpoint->pool_count; i++)
		write_pool(&out, &checkpoint->pools[i]);
	for (size_t i = 0; i < checkpoint->stream_count; i++)
		write_stream(&out, &checkpoint->streams[i]);
	for (size_t i = 0; i < checkpoint->table_count; i++)
		write_table(&out, &checkpoint->tables[i]);
	int code = blocks_end(&out);
	*bytes = out.bytes;
	return code ? code : fsync(fd) ? errno : 0;
}

static int sync_folder(const char *path)
{
	char *folder = room_copy_text(path), *slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = '\0';
	int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code = fd < 0 ? errno : fsync(fd) && errno != EINVAL ? errno : 0;
	if (fd >= 0)
		close(fd);
	free(folder);
	return code;
}

int checkpoint_write(const struct checkpoint *checkpoint, const char *path, uint64_t *bytes, char *text, size_t room)
{
	size_t length = strlen(path) + sizeof ".new";
	char *beside = room_resize(NULL, length, 1);
	snprintf(beside, length, "%s.new", path);
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int code = fd < 0 ? errno : write_file(checkpoint, fd, bytes);
	if (fd >= 0 && close(fd) && !code)
		code = errno;
	if (!code && rename(beside, path))
		code = errno;
	if (code && fd >= 0)
		unlink(beside);
	if (code)
		snprintf(text, room, "cannot write the checkpoint %s: %s; the one before it, if there is one, stays", path, strerror(code));
	else if ((code = sync_folder(path)))
		snprintf(text, room, "the checkpoint %s is written, but its folder could not be synced: %s", path, strerror(code));
	free(beside);
	return code ? LPAD_EIO : 0;
}
