/* SPDX-License-Identifier: MIT */
/* Checkpoints of replay: all of it comes back; no damage goes unseen; whatever happens while one is written, the one before stays. */
#include "replay_world.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "modules/replay/blocks.h"

static char path[256], beside[270], python[512];

static void in_a_folder_of_its_own(void)
{
	const char *scratch = getenv("SCRATCH"), *tests = getenv("TESTS");
	ck_assert_int_lt(snprintf(path, sizeof path, "%s/checkpoint.%d", scratch ? scratch : "/tmp", (int)getpid()), (int)sizeof path);
	snprintf(beside, sizeof beside, "%s.new", path);
	snprintf(python, sizeof python, "python3 %s/tools/replay_checkpoint.py %s", tests ? tests : "tests", path);
}

static void cleaned_up(void)
{
	unlink(path);
	unlink(beside);
}

static struct text slurp(void)
{
	struct text text = { 0 };
	struct error error = { 0 };
	ck_assert_msg(files_read(path, &text, 0, &error) == 0, "%s", error.text);
	return text;
}

static void spill(const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(files_write_all(fd, data, size), 0);
	close(fd);
}

/* It is whole, and as this picture. */
static void check_picture(const char *picture)
{
	char text[1024];
	int code;
	struct world *world = world_load(path, &code, text, sizeof text);
	ck_assert_msg(code == 0, "%s", text);
	ck_assert_str_eq(text, "");
	char *cleanup_free now = world_picture(world);
	ck_assert_str_eq(now, picture);
	world_free(world);
}

/* It is refused, naming the file; the byte it names. */
static uint64_t check_refused(int expected, const char *why)
{
	char text[1024] = "", *at;
	int code;
	struct world *world = world_load(path, &code, text, sizeof text);
	ck_assert_msg(code == expected, "%d, %s", code, text);
	ck_assert_msg(text_starts(text, path), "%s", text);
	ck_assert_msg(!why || strstr(text, why), "\"%s\" expected: %s", why, text);
	world_free(world);
	at = strstr(text, ": byte ");
	ck_assert(at || expected != LPAD_EBROKEN);
	return at ? strtoull(at + 7, NULL, 10) : 0;
}

/* ---- all of it ---- */

START_TEST(all_of_it_comes_back)
{
	struct world *world = world_new(70000);
	world_live(world, 600);
	ck_assert_int_gt(table_size(world->tables[0]), 200);
	ck_assert_int_gt(table_size(world->tables[1]), 10);
	ck_assert_int_eq(table_size(world->tables[3]), 0);
	uint64_t bytes = world_save(world, path);
	char *cleanup_free picture = world_picture(world);
	struct text file = slurp();
	ck_assert_uint_eq(file.length, bytes);
	ck_assert_uint_gt(bytes, 3 << 20);      /* several blocks */
	check_picture(picture);
	text_release(&file);
	world_free(world);
}
END_TEST

/* What is restored goes on as what was saved: no key is used again, saving it again gives the same items. */
START_TEST(what_is_restored_goes_on)
{
	char text[1024];
	int code;
	struct world *world = world_new(100);
	world_live(world, 300);
	world_save(world, path);
	struct world *again = world_load(path, &code, text, sizeof text);
	ck_assert_int_eq(code, 0);
	again->small = pool_share(table_pool(again->tables[0]));
	again->large = pool_share(table_pool(again->tables[2]));
	again->serial = world->serial;
	world_live(again, 300);
	world_save(again, path);
	char *cleanup_free picture = world_picture(again);
	check_picture(picture);
	world_free(again);
	world_free(world);
}
END_TEST

/* Steps without a byte: there are as many, shared as they were. */
START_TEST(steps_without_a_byte_come_back)
{
	const struct column none = { .name = "none", .type = LPAD_F32, .rank = 2, .shape = { 3, 0 } };
	struct world *world = world_new(1);
	char *pictures[2];
	for (int i = 0; i < 2; i++) {
		struct pool *pool = i ? pool_new(NULL, 0) : pool_new(&none, 1);
		uint32_t steps[3] = { pool_add(pool), pool_add(pool), pool_add(pool) };
		table_insert(world->tables[i ? 2 : 0], pool, steps, 3, 1);
		table_insert(world->tables[i ? 2 : 0], pool, (uint32_t[]){ steps[2], steps[0] }, 2, 1);
		for (int k = 0; k < 3; k++)
			pool_unref(pool, steps[k]);
		pool_release(pool);
		pictures[i] = world_picture(world);
		world_save(world, path);
		check_picture(pictures[i]);
		free(pictures[i]);
	}
	world_free(world);
}
END_TEST

START_TEST(nothing_at_all_comes_back_as_that)
{
	struct world *world = world_new(1);
	char *cleanup_free picture = world_picture(world);
	world_save(world, path);
	check_picture(picture);
	world_free(world);
}
END_TEST

START_TEST(python_reads_it_from_its_description)
{
	struct world *world = world_new(50);
	char line[8192];
	world_live(world, 200);
	world_save(world, path);
	struct text command = { 0 };
	text_format(&command, "%s > %s && jq -r '"
		"\"\\(.tables | map(.name) | join(\" \")) \\(.tables[0].items | length) \\(.tables[0].inserts) "
		"\\(.tables[0].items[0].key) \\([.tables[0].items[].times_sampled] | add) \\(.streams | length) \\(.pools | length) \\(.tables[2].pool)\"' %s",
		python, beside, beside);
	FILE *pipe = popen(text_string(&command), "r");
	ck_assert_ptr_nonnull(pipe);
	char *got = fgets(line, sizeof line, pipe);
	ck_assert_int_eq(pclose(pipe), 0);
	ck_assert_ptr_nonnull(got);
	struct item items[300];
	table_items(world->tables[0], items);
	int64_t times = 0;
	for (int64_t i = 0; i < table_size(world->tables[0]); i++)
		times += items[i].times_sampled;
	char *cleanup_free expected = memory_format("sequences queue large empty %" PRId64 " %" PRId64 " %" PRIu64 " %" PRId64 " 3 2 1\n",
		table_size(world->tables[0]), table_limiter(world->tables[0])->inserts, items[0].key, times);
	ck_assert_str_eq(line, expected);
	text_release(&command);
	world_free(world);
}
END_TEST

/* ---- other settings than those it was saved with ---- */

static struct table *other_table(const char *name, int64_t max_size, int64_t max_times_sampled, lpad_limiter limiter)
{
	struct table_settings settings = { .name = name, .max_size = max_size, .max_times_sampled = max_times_sampled, .limiter = limiter };
	return table_new(&settings);
}

/* Saves a world of one table, fifo, of 200 items sampled 3 times each and more, and reads it into this one. */
static int read_into(struct table *table, char *text, size_t room)
{
	struct world *world = world_new(8);
	struct table *saved = other_table("items", 1000, 0, lpad_limiter_ratio(3, 10, 1000));
	struct streams *streams = streams_new();
	struct picked picked[600];
	uint64_t bytes;
	for (int i = 0; i < 200; i++)
		world_plain(world, saved, world->large);
	table_sample(saved, &world->rng, 600, picked);
	table_release_picked(saved, picked, 600);
	struct checkpoint *checkpoint = checkpoint_take(&saved, 1, streams);
	ck_assert_int_eq(checkpoint_write(checkpoint, path, &bytes, text, room), 0);
	ck_assert(checkpoint_give_back(checkpoint, 1000));
	table_free(saved);
	ck_assert_uint_eq(pool_count(world->large), 0);
	world_free(world);
	int code = checkpoint_read(path, &table, 1, streams, text, room);
	streams_free(streams);
	return code;
}

START_TEST(a_smaller_table_is_cut_by_its_remover)
{
	char text[1024];
	struct table *table = other_table("items", 50, 0, lpad_limiter_ratio(3, 10, 1000));
	ck_assert_msg(read_into(table, text, sizeof text) == 0, "%s", text);
	ck_assert_int_eq(table_size(table), 50);
	ck_assert_int_eq(table_limiter(table)->inserts, 200);
	ck_assert_int_eq(table_limiter(table)->samples, 600);
	ck_assert_int_eq(lpad_limiter_size(table_limiter(table)), 50);
	struct item items[50];
	table_items(table, items);
	ck_assert_uint_eq((uint32_t)items[0].key, 150);         /* the oldest have gone */
	table_free(table);
}
END_TEST

START_TEST(what_the_new_limiter_cannot_bear_is_counted_anew)
{
	char text[1024];
	struct table *same = other_table("items", 1000, 0, lpad_limiter_ratio(3, 10, 1000)), *near = other_table("items", 1000, 0,
		lpad_limiter_ratio(4, 10, 300)), *far = other_table("items", 1000, 0, lpad_limiter_ratio(32, 10, 64));
	ck_assert_int_eq(read_into(same, text, sizeof text), 0);
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(table_limiter(same)->samples, 600);
	ck_assert_int_eq(read_into(near, text, sizeof text), 0);        /* 200 * 4 - 600 is within 40 -+ 300 */
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(table_limiter(near)->samples, 600);
	ck_assert_int_eq(read_into(far, text, sizeof text), 0);
	ck_assert_str_eq(text, "table items: its limiter is not the one of the checkpoint, after 200 inserts and 600 samples; it begins anew with 200 items");
	ck_assert(table_can_sample(far, 1));
	ck_assert_double_eq(lpad_limiter_diff(table_limiter(far)), 32 * 10 + 64);
	table_free(same);
	table_free(near);
	table_free(far);
}
END_TEST

START_TEST(a_table_that_is_no_more_is_named)
{
	char text[1024];
	struct table *table = other_table("renamed", 1000, 0, lpad_limiter_min_size(1));
	ck_assert_int_eq(read_into(table, text, sizeof text), LPAD_EINVALID);
	ck_assert_msg(text_starts(text, path) && strstr(text, ": table items of this checkpoint is not in params.tables: put it back there, or "), "%s", text);
	table_free(table);
}
END_TEST

/* ---- damage ---- */

/* Where blocks begin, by their lengths. */
static size_t block_starts(const struct text *file, size_t *starts, size_t room)
{
	size_t count = 0, at = 16;
	while (at < file->length && count < room) {
		uint32_t length;
		starts[count++] = at;
		memcpy(&length, file->data + at + 8, sizeof length);
		at += 16 + (size_t)length;
	}
	return count;
}

static struct text some_file(int64_t row, int rounds)
{
	struct world *world = world_new(row);
	world_live(world, rounds);
	world_save(world, path);
	world_free(world);
	return slurp();
}

START_TEST(a_file_cut_short_is_refused_where_it_ends)
{
	struct text file = some_file(70000, 500);
	size_t starts[100], count = block_starts(&file, starts, 100);
	lpad_rng rng = { 4 };
	ck_assert_uint_gt(count, 4);
	for (size_t i = 0; i < count; i++)
		for (size_t size = starts[i] - 1; size <= starts[i] + 17 && size < file.length; size++) {
			ck_assert_int_eq(truncate(path, (off_t)size), 0);
			ck_assert_uint_eq(check_refused(LPAD_EBROKEN, "the file ends here"), size);
			spill(file.data, size + 20 < file.length ? size + 20 : file.length);
		}
	for (int i = 0; i < 60; i++) {
		size_t size = lpad_random_below(&rng, i % 2 ? file.length : 20);
		spill(file.data, size);
		ck_assert_uint_eq(check_refused(LPAD_EBROKEN, "the file ends here"), size);
	}
	text_release(&file);
}
END_TEST

/* Every byte of a small file; of a large one, in the block that is named. */
START_TEST(a_flipped_bit_is_found)
{
	struct text file = some_file(20, 40);
	lpad_rng rng = { 5 };
	int fd = open(path, O_RDWR | O_CLOEXEC);
	for (size_t i = 0; i < file.length; i++) {
		char wrong = file.data[i] ^ (char)(1 << lpad_random_below(&rng, 8));
		ck_assert_int_eq(pwrite(fd, &wrong, 1, (off_t)i), 1);
		ck_assert_uint_le(check_refused(LPAD_EBROKEN, NULL), i < 16 ? i : file.length);
		ck_assert_int_eq(pwrite(fd, &file.data[i], 1, (off_t)i), 1);
	}
	close(fd);
	text_release(&file);
}
END_TEST

START_TEST(a_flipped_bit_is_found_in_its_block)
{
	struct text file = some_file(70000, 500);
	size_t starts[100], count = block_starts(&file, starts, 100);
	lpad_rng rng = { 6 };
	int fd = open(path, O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 60; i++) {
		size_t at = 16 + lpad_random_below(&rng, file.length - 16), block = count;
		char wrong = file.data[at] ^ (char)(1 << lpad_random_below(&rng, 8));
		ck_assert_int_eq(pwrite(fd, &wrong, 1, (off_t)at), 1);
		while (starts[--block] > at)
			;
		if (at - starts[block] >= 16)
			ck_assert_uint_eq(check_refused(LPAD_EBROKEN, "it is damaged; move it away"), starts[block]);
		else
			check_refused(LPAD_EBROKEN, NULL);
		ck_assert_int_eq(pwrite(fd, &file.data[at], 1, (off_t)at), 1);
	}
	close(fd);
	text_release(&file);
}
END_TEST

START_TEST(more_than_the_file_is_refused)
{
	struct text file = some_file(20, 40);
	text_add(&file, "x");
	spill(file.data, file.length);
	ck_assert_uint_eq(check_refused(LPAD_EBROKEN, "before it the mark of the end, 16 bytes, expected; it is cut short"), file.length);
	text_release(&file);
}
END_TEST

#define END "\0\0\0\0\0\0\0\0\0\0\0\0\x6f\xc6\xd5\x7b"

static const struct { const char *content; size_t size; uint64_t byte; const char *why; } foreign[] = {
	{ "", 0, 0, "the file ends here: its head of 16 bytes expected" },
	{ "lpad", 4, 4, "the file ends here" },
	{ "lpad: 1\nname: x\n", 16, 4, "this is not a checkpoint of replay: \"lpad-replay\" expected as the beginning" },
	{ "\0\0\0\0\0\0\0\0{}", 10, 0, "not a checkpoint" },
	{ "lpad-replay\n\2\0\0\0", 16, 12, "version 1 of the format expected, 2 came" },
	{ "lpad-replay\n\1\0\0\0", 16, 16, "the file ends here: a block expected" },
	{ "lpad-replay\n\1\0\0\0\0\0\0\0\0\0\0\0\0\0\x20\0\0\0\0\0" END, 48, 24, "a block's length" },
	{ "lpad-replay\n\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" END, 48, 16, "a block for place 0 of the stream expected, one for 1 came" },
};

START_TEST(foreign_files_are_refused)
{
	spill(foreign[_i].content, foreign[_i].size);
	ck_assert_uint_eq(check_refused(LPAD_EBROKEN, foreign[_i].why), foreign[_i].byte);
}
END_TEST

START_TEST(no_file_is_not_a_broken_one)
{
	char text[512];
	int code;
	struct world *world = world_load(path, &code, text, sizeof text);
	ck_assert_int_eq(code, LPAD_ENOTFOUND);
	world_free(world);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	world = world_load(path, &code, text, sizeof text);
	ck_assert_int_eq(code, LPAD_EIO);
	ck_assert_msg(strstr(text, path) && strstr(text, strerror(EISDIR)), "%s", text);
	world_free(world);
	rmdir(path);
}
END_TEST

/* ---- blocks that are good, holding what cannot be ---- */

static struct text stream_of(const struct text *file)
{
	size_t starts[100], count = block_starts(file, starts, 100);
	struct text stream = { 0 };
	for (size_t i = 0; i + 1 < count; i++)
		text_add_span(&stream, file->data + starts[i] + 16, starts[i + 1] - starts[i] - 16);
	return stream;
}

static void spill_stream(const struct text *stream)
{
	struct blocks_out out;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	blocks_begin(&out, fd, CHECKPOINT_MAGIC, CHECKPOINT_VERSION);
	blocks_put(&out, stream->data, stream->length);
	ck_assert_int_eq(blocks_end(&out), 0);
	close(fd);
}

/* In the stream of a world of one round, which has one pool: what is put where, and what is said about it there. */
static const struct { size_t at, size; uint64_t value; const char *why; } impossible[] = {
	{ 8, 4, 0xffffffff, "the number of pools, at most" },
	{ 12, 4, 0x7fffffff, "the number of streams, at most" },
	{ 16, 4, 0x10000, "the number of tables, at most" },
	{ 20, 4, 0x1000000, "the number of columns, at most" },
	{ 24, 4, 0xfffffff0, "a name of at most 4096 bytes expected" },
	{ 28, 1, 0, "a name expected, one with a zero in it came" },
	{ 34, 4, 99, "a type, 1 to 13, expected; 99 came" },
	{ 38, 4, 7, "a rank, 0 to 6, expected; 7 came" },
	{ 42, 8, UINT64_MAX, "an extent of column action expected" },
	{ 42, 8, INT64_MAX, "the size of a row expected that holds column action" },
};

START_TEST(what_cannot_be_is_refused_where_it_stands)
{
	struct text file = some_file(20, 40), stream = stream_of(&file);
	ck_assert_int_eq(memcmp(stream.data + 28, "action", 6), 0);
	memcpy(stream.data + impossible[_i].at, &impossible[_i].value, impossible[_i].size);
	spill_stream(&stream);
	uint64_t byte = check_refused(LPAD_EBROKEN, impossible[_i].why);
	if (strstr(impossible[_i].why, "row") == NULL)
		ck_assert_uint_eq(byte, 32 + impossible[_i].at);
	text_release(&stream);
	text_release(&file);
}
END_TEST

/* Random changes that no CRC shows: refused or taken, nothing else; what is taken can be used. */
START_TEST(random_changes_do_no_harm)
{
	enum { ROUNDS = 1500 };
	struct text file = some_file(20, 60), stream = stream_of(&file);
	lpad_rng rng = { 7 };
	int taken = 0, refused = 0;
	for (int i = 0; i < ROUNDS; i++) {
		struct text wrong = { 0 };
		char text[1024] = "";
		int code;
		text_add_span(&wrong, stream.data, stream.length);
		for (uint64_t k = lpad_random_below(&rng, 3) + 1; k; k--)
			wrong.data[lpad_random_below(&rng, wrong.length)] = (char)lpad_random_bits(&rng);
		spill_stream(&wrong);
		struct world *world = world_load(path, &code, text, sizeof text);
		ck_assert_msg(code == 0 || code == LPAD_EBROKEN || code == LPAD_EINVALID, "%s", text);
		ck_assert(code == 0 || text_starts(text, path));
		if (code == 0)
			free(world_picture(world));
		*(code ? &refused : &taken) += 1;
		world_free(world);
		text_release(&wrong);
	}
	ck_assert_int_gt(taken, ROUNDS / 20);
	ck_assert_int_gt(refused, ROUNDS / 20);
	text_release(&stream);
	text_release(&file);
}
END_TEST

/* ---- what happens while it is written ---- */

/* The child writes a checkpoint of `world` into a file system on which files grow to `most` bytes; its wait status. */
static int write_with_limit(struct world *world, rlim_t most, void (*on_limit)(int), char *said, size_t room)
{
	int ends[2], status;
	ck_assert_int_eq(pipe(ends), 0);
	pid_t child = fork();
	if (!child) {
		struct rlimit files = { most, most }, none = { 0, 0 };
		char text[512] = "";
		uint64_t bytes;
		struct checkpoint *checkpoint = world_take(world);
		setrlimit(RLIMIT_CORE, &none);
		signal(SIGXFSZ, on_limit);
		setrlimit(RLIMIT_FSIZE, &files);
		int code = checkpoint_write(checkpoint, path, &bytes, text, sizeof text);
		ssize_t told = write(ends[1], text, strlen(text));
		_exit(told < 0 ? 100 : code == LPAD_EIO ? 1 : code ? 101 : 0);
	}
	close(ends[1]);
	ssize_t got = read(ends[0], said, room - 1);
	said[got > 0 ? got : 0] = '\0';
	close(ends[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

START_TEST(a_crash_at_any_byte_leaves_the_one_before)
{
	struct world *world = world_new(20000);
	char said[512];
	lpad_rng rng = { 8 };
	world_live(world, 300);
	uint64_t bytes = world_save(world, path);
	char *cleanup_free picture = world_picture(world);
	world_live(world, 30);
	for (int i = 0; i < 40; i++) {
		rlim_t most = i < 5 ? (rlim_t)i * 16 : (rlim_t)lpad_random_below(&rng, bytes);
		int status = write_with_limit(world, most, SIG_DFL, said, sizeof said);
		ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ, "at %lu: %x, %s", (unsigned long)most, status, said);
		check_picture(picture);
	}
	/* What the crash has left is no hindrance. */
	ck_assert_int_eq(access(beside, F_OK), 0);
	world_save(world, path);
	ck_assert_int_ne(access(beside, F_OK), 0);
	char *cleanup_free later = world_picture(world);
	ck_assert_str_ne(later, picture);
	check_picture(later);
	world_free(world);
}
END_TEST

START_TEST(kill_at_any_time_leaves_a_whole_one)
{
	struct world *one = world_new(20000), *other = world_new(20000);
	world_live(one, 300);
	world_live(other, 200);
	char *pictures[2] = { world_picture(one), world_picture(other) }, byte;
	lpad_rng rng = { 9 };
	int seen[2] = { 0 };
	for (int i = 0; i < 40; i++) {
		int ends[2], code, status;
		char text[512];
		ck_assert_int_eq(pipe(ends), 0);
		pid_t child = fork();
		if (!child)
			for (int k = 0;; k++) {
				world_save(k % 2 ? other : one, path);
				if (write(ends[1], "", 1) != 1)
					_exit(0);
			}
		ck_assert_int_eq(read(ends[0], &byte, 1), 1);
		for (uint64_t turns = lpad_random_below(&rng, 3000); turns; turns--)
			sched_yield();
		kill(child, SIGKILL);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		close(ends[0]);
		close(ends[1]);
		struct world *read = world_load(path, &code, text, sizeof text);
		ck_assert_msg(code == 0, "%s", text);
		char *cleanup_free picture = world_picture(read);
		bool second = text_equal(picture, pictures[1]);
		ck_assert(second || text_equal(picture, pictures[0]));
		seen[second]++;
		world_free(read);
	}
	ck_assert_int_gt(seen[0], 0);
	free(pictures[0]);
	free(pictures[1]);
	world_free(one);
	world_free(other);
}
END_TEST

START_TEST(a_failing_write_says_so_and_removes_the_part)
{
	struct world *world = world_new(20000);
	char said[512];
	lpad_rng rng = { 10 };
	world_live(world, 300);
	uint64_t bytes = world_save(world, path);
	char *cleanup_free picture = world_picture(world);
	for (int i = 0; i < 10; i++) {
		int status = write_with_limit(world, i ? (rlim_t)lpad_random_below(&rng, bytes) : 0, SIG_IGN, said, sizeof said);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%x, %s", status, said);
		ck_assert_msg(strstr(said, path) && strstr(said, strerror(EFBIG)), "%s", said);
		ck_assert_int_ne(access(beside, F_OK), 0);
		check_picture(picture);
	}
	world_free(world);
}
END_TEST

START_TEST(a_full_disk_is_named)
{
	struct world *world = world_new(20000);
	char said[512] = "";
	uint64_t bytes;
	world_live(world, 300);
	struct checkpoint *checkpoint = world_take(world);
	ck_assert_int_eq(symlink("/dev/full", beside), 0);
	ck_assert_int_eq(checkpoint_write(checkpoint, path, &bytes, said, sizeof said), LPAD_EIO);
	ck_assert_msg(strstr(said, path) && strstr(said, strerror(ENOSPC)), "%s", said);
	ck_assert_int_ne(access(beside, F_OK), 0);
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_int_eq(checkpoint_write(checkpoint, "/nowhere/at/all", &bytes, said, sizeof said), LPAD_EIO);
	ck_assert_msg(strstr(said, "/nowhere/at/all: ") && strstr(said, strerror(ENOENT)), "%s", said);
	ck_assert(checkpoint_give_back(checkpoint, SIZE_MAX));
	world_free(world);
}
END_TEST

/* ---- beside the life of the tables ---- */

struct writing { const struct checkpoint *checkpoint; uint64_t bytes; int code; char text[512]; };

static void *write_it(void *context)
{
	struct writing *writing = context;
	writing->code = checkpoint_write(writing->checkpoint, path, &writing->bytes, writing->text, sizeof writing->text);
	return NULL;
}

START_TEST(it_is_as_it_was_when_it_was_taken)
{
	struct world *world = world_new(30000);
	world_live(world, 300);
	for (int i = 0; i < 5; i++) {
		struct writing writing = { .checkpoint = world_take(world) };
		char *cleanup_free picture = world_picture(world);
		pthread_t thread;
		ck_assert_int_eq(pthread_create(&thread, NULL, write_it, &writing), 0);
		world_live(world, 400);
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
		ck_assert_msg(writing.code == 0, "%s", writing.text);
		struct checkpoint *checkpoint = (struct checkpoint *)writing.checkpoint;
		size_t steps = pool_count(world->small);
		ck_assert(!checkpoint_give_back(checkpoint, 7));
		while (!checkpoint_give_back(checkpoint, 7))
			;
		ck_assert_uint_lt(pool_count(world->small), steps);     /* those that only it still had */
		check_picture(picture);
	}
	world_free(world);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static rlim_t address_space(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%lu", &pages), 1);
	fclose(file);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* 160 MB are saved within 8 more. */
START_TEST(it_needs_little_memory)
{
	struct world *world = world_new(1000000);
	char text[512] = "";
	uint64_t bytes = 0;
	for (int i = 0; i < 160; i++)
		world_plain(world, world->tables[2], world->large);
	rlim_t most = address_space() + (8 << 20);
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &(struct rlimit){ most, most }), 0);
	ck_assert_ptr_null(malloc(16 << 20));
	struct checkpoint *checkpoint = world_take(world);
	ck_assert_msg(checkpoint_write(checkpoint, path, &bytes, text, sizeof text) == 0, "%s", text);
	ck_assert_uint_gt(bytes, 160000000);
	ck_assert(checkpoint_give_back(checkpoint, SIZE_MAX));
	world_free(world);
}
END_TEST
#endif

START_TEST(small_items_need_little_beside_themselves)
{
	enum { COUNT = 100000 };
	struct table *table = other_table("items", COUNT, 0, lpad_limiter_min_size(1));
	struct streams *streams = streams_new();
	struct world *world = world_new(100);
	for (int i = 0; i < COUNT; i++)
		world_plain(world, table, world->large);
	struct checkpoint *checkpoint = checkpoint_take(&table, 1, streams);
	ck_assert_uint_le(checkpoint_memory(checkpoint), COUNT * 50);
	ck_assert_uint_ge(checkpoint_memory(checkpoint), COUNT * 40);
	ck_assert(checkpoint_give_back(checkpoint, COUNT));
	table_free(table);
	streams_free(streams);
	world_free(world);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

int main(void)
{
	Suite *suite = suite_create("replay_checkpoint");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, in_a_folder_of_its_own, cleaned_up);
	tcase_set_timeout(all, 200);
	tcase_add_test(all, all_of_it_comes_back);
	tcase_add_test(all, what_is_restored_goes_on);
	tcase_add_test(all, steps_without_a_byte_come_back);
	tcase_add_test(all, nothing_at_all_comes_back_as_that);
	tcase_add_test(all, python_reads_it_from_its_description);
	tcase_add_test(all, a_smaller_table_is_cut_by_its_remover);
	tcase_add_test(all, what_the_new_limiter_cannot_bear_is_counted_anew);
	tcase_add_test(all, a_table_that_is_no_more_is_named);
	tcase_add_test(all, a_file_cut_short_is_refused_where_it_ends);
	tcase_add_test(all, a_flipped_bit_is_found);
	tcase_add_test(all, a_flipped_bit_is_found_in_its_block);
	tcase_add_test(all, more_than_the_file_is_refused);
	tcase_add_loop_test(all, foreign_files_are_refused, 0, COUNT(foreign));
	tcase_add_test(all, no_file_is_not_a_broken_one);
	tcase_add_loop_test(all, what_cannot_be_is_refused_where_it_stands, 0, COUNT(impossible));
	tcase_add_test(all, random_changes_do_no_harm);
	tcase_add_test(all, a_crash_at_any_byte_leaves_the_one_before);
	tcase_add_test(all, kill_at_any_time_leaves_a_whole_one);
	tcase_add_test(all, a_failing_write_says_so_and_removes_the_part);
	tcase_add_test(all, a_full_disk_is_named);
	tcase_add_test(all, it_is_as_it_was_when_it_was_taken);
	tcase_add_test(all, small_items_need_little_beside_themselves);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	tcase_add_test(all, it_needs_little_memory);
#endif
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
