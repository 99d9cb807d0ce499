/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "blocks.h"
#include "checkpoint.h"
#include "room.h"

enum { NAME_MOST = 4096, PLACE_BYTES = 64 };      /* a place takes less in a table */
enum { RANK_MOST = LPAD_RANK - 2 };               /* a batch of sequences has two more */

/* The least that each of these takes in the file: how many there are is checked by it before memory is asked for. */
enum { LEAST_POOL = 20, LEAST_COLUMN = 20, LEAST_STREAM = 40, LEAST_TABLE = 104, LEAST_ITEM = 32, LEAST_STEP = 4 };

struct read_pool {
	struct pool *pool;
	uint32_t *steps;                /* by number, with a reference each */
	uint64_t count;
};

struct reading {
	struct blocks_in in;
	struct table *const *tables;
	size_t table_count;
	struct streams *streams;
	bool *seen;                     /* tables that have come */
	struct read_pool *pools;
	uint32_t pool_count, stream_count, saved_tables;
};

static bool count_is_good(struct blocks_in *in, const char *of, uint64_t count, uint64_t least)
{
	if (count > blocks_left(in) / least)
		blocks_refuse(in, "the number of %s, at most %" PRIu64 " as %" PRIu64 " bytes follow, expected; %" PRIu64 " came", of,
			blocks_left(in) / least, blocks_left(in), count);
	return !in->code;
}

/* ---- pools ---- */

static size_t type_size(int32_t type)
{
	return type >= LPAD_U64 ? 8 : type >= LPAD_U32 ? 4 : type >= LPAD_U16 ? 2 : 1;
}

/* Sets the size; a shape that no memory could hold is refused. */
static void read_shape(struct blocks_in *in, struct column *column)
{
	column->size = type_size(column->type);
	for (int i = 0; i < column->rank && !in->code; i++) {
		int64_t extent = column->shape[i] = blocks_get_i64(in);
		if (extent < 0 || (extent && column->size > (size_t)(INT64_MAX / extent)))
			blocks_refuse(in, "an extent of column %s expected, %" PRId64 " came", column->name, extent);
		else
			column->size *= (size_t)extent;
	}
}

static bool read_column(struct blocks_in *in, struct column *column, const struct column *before)
{
	column->name = blocks_get_text(in, NAME_MOST);
	if (column->name && before && strcmp(before->name, column->name) >= 0)
		blocks_refuse(in, "a column's name behind %s expected, %s came", before->name, column->name);
	column->type = (int32_t)blocks_get_u32(in);
	if (column->type < LPAD_BOOL8 || column->type > LPAD_F64)
		blocks_refuse(in, "a type, 1 to %d, expected; %d came", LPAD_F64, column->type);
	column->rank = (int32_t)blocks_get_u32(in);
	if (column->rank < 0 || column->rank > RANK_MOST)
		blocks_refuse(in, "a rank, 0 to %d, expected; %d came", RANK_MOST, column->rank);
	if (!in->code)
		read_shape(in, column);
	column->offset = blocks_get_u64(in);
	return !in->code;
}

static bool row_is_good(struct blocks_in *in, const struct column *columns, uint32_t count, uint64_t size)
{
	uint64_t left = size;
	for (uint32_t i = 0; i < count && !in->code; i++)
		if (columns[i].size > left || columns[i].offset > size - columns[i].size)
			blocks_refuse(in, "the size of a row expected that holds column %s; %" PRIu64 " came", columns[i].name, size);
		else
			left -= columns[i].size;
	return !in->code;
}

/* From the file's layout of a row to the pool's. */
static void place_row(const struct pool *pool, unsigned char *to, const struct column *columns, const unsigned char *from)
{
	size_t count;
	const struct column *ours = pool_columns(pool, &count);
	for (size_t i = 0; i < count; i++)
		memcpy(to + ours[i].offset, from + columns[i].offset, ours[i].size);
}

static bool same_layout(const struct pool *pool, const struct column *columns, uint64_t size)
{
	size_t count;
	const struct column *ours = pool_columns(pool, &count);
	for (size_t i = 0; i < count; i++)
		if (ours[i].offset != columns[i].offset)
			return false;
	return pool_row_size(pool) == size;
}

static void read_rows(struct blocks_in *in, struct read_pool *read, const struct column *columns, uint64_t size)
{
	bool same = same_layout(read->pool, columns, size);
	unsigned char *row = room_resize(NULL, same ? 0 : size, 1);
	for (uint64_t i = 0; i < read->count && !in->code; i++) {
		uint32_t step = read->steps[i] = pool_add(read->pool);
		unsigned char *to = pool_row(read->pool, step);
		if (!blocks_get(in, same ? to : row, size))
			read->count = i + 1;
		else if (!same)
			place_row(read->pool, to, columns, row);
	}
	free(row);
}

static void read_steps(struct blocks_in *in, struct read_pool *read, const struct column *columns, uint32_t count)
{
	uint64_t size = blocks_get_u64(in);
	if (in->code || !row_is_good(in, columns, count, size))
		return;
	uint64_t steps = blocks_get_u64(in);
	if (!size)
		blocks_refuse(in, "the size of a row, at least 1, expected; 0 came");
	if (!steps)
		blocks_refuse(in, "the number of steps, at least 1, expected; 0 came");
	if (in->code || !count_is_good(in, "steps", steps, size))
		return;
	read->pool = pool_new(columns, count);
	read->steps = room_resize(NULL, steps, sizeof *read->steps);
	read->count = steps;
	read_rows(in, read, columns, size);
}

static void read_pool(struct blocks_in *in, struct read_pool *read)
{
	uint32_t count = blocks_get_u32(in);
	if (!count_is_good(in, "columns", count, LEAST_COLUMN))
		return;
	struct column *columns = room_new(count, sizeof *columns);
	for (uint32_t i = 0; i < count && read_column(in, &columns[i], i ? &columns[i - 1] : NULL); i++)
		;
	if (!in->code)
		read_steps(in, read, columns, count);
	for (uint32_t i = 0; i < count; i++)
		free((char *)columns[i].name);
	free(columns);
}

static void release_pool(struct read_pool *read)
{
	for (uint64_t i = 0; i < read->count; i++)
		pool_unref(read->pool, read->steps[i]);
	free(read->steps);
	pool_release(read->pool);
}

/* The pool that something with `count` steps or items is in; NULL after a failure, or if it is in none. */
static const struct read_pool *get_pool(struct reading *reading, uint64_t count)
{
	struct blocks_in *in = &reading->in;
	int32_t number = (int32_t)blocks_get_u32(in);
	if (number < -1 || (number >= 0 && (uint32_t)number >= reading->pool_count) || (count && number < 0))
		blocks_refuse(in, "the number of a pool, less than %" PRIu32 ", expected; %d came", reading->pool_count, number);
	return in->code || number < 0 ? NULL : &reading->pools[number];
}

static uint32_t get_step(struct blocks_in *in, const struct read_pool *pool)
{
	uint32_t number = blocks_get_u32(in);
	if (number >= pool->count)
		blocks_refuse(in, "the number of a step, less than %" PRIu64 ", expected; %" PRIu32 " came", pool->count, number);
	return in->code ? 0 : pool->steps[number];
}

static int64_t get_count(struct blocks_in *in, const char *what)
{
	int64_t value = blocks_get_i64(in);
	if (value < 0)
		blocks_refuse(in, "%s, at least 0, expected; %" PRId64 " came", what, value);
	return in->code ? 0 : value;
}

/* ---- streams ---- */

static struct stream *new_stream(struct reading *reading)
{
	struct blocks_in *in = &reading->in;
	char *owner = blocks_get_text(in, NAME_MOST), *name = blocks_get_text(in, NAME_MOST);
	struct stream *stream = NULL;
	size_t before = streams_count(reading->streams);
	if (!in->code)
		stream = streams_find(reading->streams, owner, name);
	if (stream && streams_count(reading->streams) == before)
		blocks_refuse(in, "another stream expected, %s of %s came again", name, owner);
	free(owner);
	free(name);
	return stream;
}

static void read_stream(struct reading *reading)
{
	struct blocks_in *in = &reading->in;
	struct stream *stream = new_stream(reading);
	int32_t incarnation = (int32_t)blocks_get_u32(in);
	if (incarnation < 0)
		blocks_refuse(in, "an incarnation, at least 0, expected; %d came", incarnation);
	int64_t items = get_count(in, "the number of the last item"), first = get_count(in, "the number of a step");
	int64_t next = get_count(in, "the number of a step");
	if (next < first)
		blocks_refuse(in, "the number of the next step, at least %" PRId64 ", expected; %" PRId64 " came", first, next);
	const struct read_pool *pool = get_pool(reading, (uint64_t)(next - first));
	if (in->code || (pool && !count_is_good(in, "steps of a stream", (uint64_t)(next - first), LEAST_STEP)))
		return;
	stream->incarnation = incarnation;
	stream->items = items;
	stream_keep(stream, first);
	for (int64_t i = first; i < next && !in->code; i++) {
		uint32_t step = get_step(in, pool);
		if (in->code)
			return;
		pool_ref(pool->pool, step);
		stream_add(stream, pool->pool, step);
	}
}

/* ---- tables ---- */

static struct table *find_table(struct reading *reading, const char *name, size_t *place)
{
	for (*place = 0; *place < reading->table_count; ++*place)
		if (!strcmp(table_settings(reading->tables[*place])->name, name))
			return reading->tables[*place];
	return NULL;
}

static struct table *new_table(struct reading *reading)
{
	struct blocks_in *in = &reading->in;
	char *name = blocks_get_text(in, NAME_MOST);
	size_t place = 0;
	struct table *table = in->code ? NULL : find_table(reading, name, &place);
	if (!in->code && !table) {
		in->code = LPAD_EINVALID;
		snprintf(in->text, in->room, "%s: table %s of this checkpoint is not in params.tables: put it back there, or move the file "
			"away to begin without it", in->path, name);
	} else if (table && reading->seen[place]) {
		blocks_refuse(in, "another table expected, %s came again", name);
	} else if (table) {
		reading->seen[place] = true;
	}
	free(name);
	return table;
}

static double get_diff(struct blocks_in *in)
{
	double value = blocks_get_f64(in);
	if (isnan(value))
		blocks_refuse(in, "a number expected, %g came", value);
	return value;
}

static lpad_limiter read_limiter(struct blocks_in *in)
{
	lpad_limiter limiter = lpad_limiter_min_size(1);
	limiter.samples_per_insert = get_diff(in);
	limiter.min_size = get_count(in, "the limiter's min_size");
	limiter.min_diff = get_diff(in);
	limiter.max_diff = get_diff(in);
	limiter.inserts = get_count(in, "the number of inserts");
	limiter.samples = get_count(in, "the number of samples");
	limiter.deletes = get_count(in, "the number of deletes");
	uint32_t opened = blocks_get_u32(in);
	if (opened > 1)
		blocks_refuse(in, "0 or 1 expected, %" PRIu32 " came", opened);
	limiter.opened = opened;
	limiter.error_min = get_diff(in);
	limiter.error_max = get_diff(in);
	return limiter;
}

static void expand_run(struct blocks_in *in, const struct read_pool *pool, uint32_t *steps, uint32_t count)
{
	uint32_t first = blocks_get_u32(in);
	if (first > pool->count - count)
		blocks_refuse(in, "the first of %" PRIu32 " of %" PRIu64 " steps expected, %" PRIu32 " came", count, pool->count, first);
	for (uint32_t i = 0; i < count && !in->code; i++)
		steps[i] = pool->steps[first + i];
}

/* Their number; `steps` grows with what items have. */
static uint32_t read_item_steps(struct blocks_in *in, const struct read_pool *pool, uint32_t **steps, uint32_t *room)
{
	uint32_t said = blocks_get_u32(in), count = said & ~CHECKPOINT_RUN;
	bool run = said & CHECKPOINT_RUN;
	if (!count || count > (run ? pool->count : blocks_left(in) / LEAST_STEP))
		blocks_refuse(in, "the number of an item's steps, at least 1 and no more than there are, expected; %" PRIu32 " came", count);
	if (in->code)
		return 0;
	if (count > *room)
		*steps = room_resize(*steps, *room = count, sizeof **steps);
	if (run)
		expand_run(in, pool, *steps, count);
	for (uint32_t i = 0; i < count && !run && !in->code; i++)
		(*steps)[i] = get_step(in, pool);
	return count;
}

static void read_item(struct reading *reading, struct table *table, const struct read_pool *pool, uint32_t places, uint32_t **steps,
	uint32_t *room)
{
	struct blocks_in *in = &reading->in;
	struct item item = { .key = blocks_get_u64(in) };
	if ((uint32_t)item.key >= places)
		blocks_refuse(in, "a key of one of %" PRIu32 " places expected, %" PRIu64 " came", places, item.key);
	uint64_t at_key = in->field;
	item.priority = blocks_get_f64(in);
	if (!isfinite(item.priority) || item.priority < 0)
		blocks_refuse(in, "a priority, finite and not negative, expected; %g came", item.priority);
	item.times_sampled = get_count(in, "how often an item was sampled");
	item.count = read_item_steps(in, pool, steps, room);
	item.steps = *steps;
	if (in->code || table_restore_item(table, pool->pool, &item))
		return;
	in->field = at_key;
	blocks_refuse(in, "the key of another item expected, %" PRIu64 " came", item.key);
}

/*
 * Where the topology has changed the limiter, what was counted under the old one may be far outside of its range: one side would be
 * held back for hours. Then counting begins anew, as if the items that are here were all that ever came.
 */
static void adjust(struct reading *reading, const struct table *table, const lpad_limiter *saved, lpad_limiter *counters)
{
	const struct table_settings *settings = table_settings(table);
	lpad_limiter now = settings->limiter;
	bool same = now.samples_per_insert == saved->samples_per_insert && now.min_size == saved->min_size
		&& now.min_diff == saved->min_diff && now.max_diff == saved->max_diff;
	now.inserts = saved->inserts;
	now.samples = saved->samples;
	double diff = lpad_limiter_diff(&now);
	if (same || (diff >= now.min_diff && diff <= now.max_diff))
		return;
	now.inserts = table_size(table);
	now.samples = 0;
	diff = lpad_limiter_diff(&now);
	counters->inserts = now.inserts;
	counters->samples = diff > now.max_diff ? (int64_t)ceil(diff - now.max_diff) : 0;
	counters->opened = false;
	counters->error_min = counters->error_max = 0;
	size_t length = strlen(reading->in.text);
	snprintf(reading->in.text + length, reading->in.room - length, "%stable %s: its limiter is not the one of the checkpoint, after %"
		PRId64 " inserts and %" PRId64 " samples; it begins anew with %" PRId64 " items", length ? "; " : "", settings->name,
		saved->inserts, saved->samples, table_size(table));
}

/* The places of keys that there were when it was saved; the items may be fewer. */
static uint32_t get_places(struct blocks_in *in)
{
	uint32_t places = blocks_get_u32(in);
	size_t size = (size_t)places * PLACE_BYTES + 1;
	void *probe = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (places > INT32_MAX || probe == MAP_FAILED)
		blocks_refuse(in, "a number of places for which there is memory expected, %" PRIu32 " came", places);
	if (probe != MAP_FAILED)
		munmap(probe, size);
	return places;
}

static void read_items(struct reading *reading, struct table *table, const struct read_pool *pool, uint32_t places, uint64_t count)
{
	uint32_t *steps = NULL, room = 0;
	for (uint64_t i = 0; i < count && !reading->in.code; i++)
		read_item(reading, table, pool, places, &steps, &room);
	free(steps);
}

static void read_table(struct reading *reading)
{
	struct blocks_in *in = &reading->in;
	struct table *table = new_table(reading);
	lpad_limiter saved = read_limiter(in);
	uint64_t next_key = blocks_get_u64(in);
	uint32_t places = get_places(in);
	const struct read_pool *pool = get_pool(reading, 0);
	uint64_t count = blocks_get_u64(in);
	if (count && !pool)
		blocks_refuse(in, "no items expected, as the table is in no pool; %" PRIu64 " came", count);
	if (!count_is_good(in, "items", count, LEAST_ITEM))
		return;
	if (saved.inserts - saved.deletes != (int64_t)count)
		blocks_refuse(in, "%" PRId64 " items, inserts less deletes, expected; %" PRIu64 " came", saved.inserts - saved.deletes, count);
	read_items(reading, table, pool, places, count);
	if (in->code)
		return;
	lpad_limiter counters = saved;
	adjust(reading, table, &saved, &counters);
	table_restore_counters(table, &counters, next_key);
}

/* ---- all of it ---- */

static void read_all(struct reading *reading)
{
	struct blocks_in *in = &reading->in;
	blocks_get_i64(in);
	uint32_t pools = blocks_get_u32(in);
	if (!count_is_good(in, "pools", pools, LEAST_POOL))
		return;
	reading->pools = room_new(pools, sizeof *reading->pools);
	uint32_t streams = blocks_get_u32(in);
	count_is_good(in, "streams", streams, LEAST_STREAM);
	uint32_t tables = blocks_get_u32(in);
	count_is_good(in, "tables", tables, LEAST_TABLE);
	for (; reading->pool_count < pools && !in->code; reading->pool_count++)
		read_pool(in, &reading->pools[reading->pool_count]);
	for (uint32_t i = 0; i < streams && !in->code; i++)
		read_stream(reading);
	for (uint32_t i = 0; i < tables && !in->code; i++)
		read_table(reading);
	blocks_done(in);
}

int checkpoint_read(const char *path, struct table *const *tables, size_t count, struct streams *streams, char *text, size_t room)
{
	struct reading reading = { .tables = tables, .table_count = count, .streams = streams };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		snprintf(text, room, "cannot read %s: %s", path, strerror(errno));
		return errno == ENOENT ? LPAD_ENOTFOUND : LPAD_EIO;
	}
	text[0] = '\0';
	reading.seen = room_new(count, sizeof *reading.seen);
	if (!blocks_open(&reading.in, fd, path, CHECKPOINT_MAGIC, CHECKPOINT_VERSION, text, room))
		read_all(&reading);
	for (uint32_t i = 0; i < reading.pool_count; i++)
		release_pool(&reading.pools[i]);
	free(reading.pools);
	free(reading.seen);
	blocks_close(&reading.in);
	close(fd);
	if (reading.in.code == LPAD_EBROKEN)
		snprintf(text + strlen(text), room - strlen(text), "; move it away to begin with empty tables");
	return reading.in.code;
}
