/* SPDX-License-Identifier: MIT */
/* The module replay, with callers and a clock that the test moves. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lpad/test.h>

#define COUNT(array) (sizeof (array) / sizeof (array)[0])

static lpad_test *start(const char *tables)
{
	lpad_test *test = lpad_test_new(NULL);
	lpad_test_param(test, "tables", tables);
	int code = lpad_test_start(test);
	if (code)
		printf("start: %s\n", lpad_error());
	assert(!code);
	assert(lpad_test_step(test) != LPAD_TEST_ENDED);
	return test;
}

/* ---- requests ---- */

static lpad_message *item(const char *table, const char *priority, float value)
{
	lpad_tensor x = { .name = "x", .type = LPAD_F32 };
	lpad_message *message = lpad_tensors(1, &x);
	if (table)
		lpad_set_meta(message, "table", table);
	if (priority)
		lpad_set_meta(message, "priority", priority);
	*(float *)lpad_data(message, "x") = value;
	return message;
}

static int insert(lpad_test *test, float value)
{
	return lpad_test_send(test, "insert", item(NULL, NULL, value));
}

static int sample(lpad_test *test, int n)
{
	char text[60];
	snprintf(text, sizeof text, "{\"n\": %d}", n);
	return lpad_test_send(test, "sample", lpad_json(text));
}

/* An append: steps first .. first+steps-1 of a column x whose value is the step's number; items by number, first step, steps. */
struct wanted {
	int64_t number;
	int table;
	double priority;
	int64_t first;
	int steps;
};
struct writing {
	const char *stream, *tables;
	uint64_t writer;                /* 0: it does not say */
	int64_t first, steps, keep;
	const struct wanted *items;
	size_t count;
};

static lpad_message *append(const struct writing *from)
{
	int64_t m = (int64_t)from->count;
	lpad_tensor tensors[] = { { .name = "stream.first", .type = LPAD_I64 }, { .name = "stream.keep", .type = LPAD_I64 },
		{ .name = "item.number", .type = LPAD_I64, .rank = 1, .shape = { m } },
		{ .name = "item.table", .type = LPAD_I32, .rank = 1, .shape = { m } },
		{ .name = "item.priority", .type = LPAD_F64, .rank = 1, .shape = { m } },
		{ .name = "item.first", .type = LPAD_I64, .rank = 1, .shape = { m } },
		{ .name = "item.steps", .type = LPAD_I32, .rank = 1, .shape = { m } },
		{ .name = "x", .type = LPAD_F32, .rank = 2, .shape = { from->steps, 2 } } };
	lpad_tensor sent[COUNT(tensors) + 1];
	int count = from->steps ? 8 : 7;
	memcpy(sent, tensors, sizeof tensors);
	if (from->writer)
		sent[count++] = (lpad_tensor){ .name = "stream.writer", .type = LPAD_U64 };
	lpad_message *message = lpad_tensors(count, sent);
	if (from->writer)
		*(uint64_t *)lpad_data(message, "stream.writer") = from->writer;
	if (from->stream)
		lpad_set_meta(message, "stream", from->stream);
	if (from->tables)
		lpad_set_meta(message, "tables", from->tables);
	*(int64_t *)lpad_data(message, "stream.first") = from->first;
	*(int64_t *)lpad_data(message, "stream.keep") = from->keep;
	for (size_t i = 0; i < from->count; i++) {
		((int64_t *)lpad_data(message, "item.number"))[i] = from->items[i].number;
		((int32_t *)lpad_data(message, "item.table"))[i] = from->items[i].table;
		((double *)lpad_data(message, "item.priority"))[i] = from->items[i].priority;
		((int64_t *)lpad_data(message, "item.first"))[i] = from->items[i].first;
		((int32_t *)lpad_data(message, "item.steps"))[i] = from->items[i].steps;
	}
	for (int64_t i = 0; i < from->steps * 2; i++)
		((float *)lpad_data(message, "x"))[i] = (float)(from->first + i / 2);
	return message;
}

static lpad_message *steps(const char *stream, int64_t first, int64_t count, int64_t keep)
{
	return append(&(struct writing){ .stream = stream, .first = first, .steps = count, .keep = keep });
}

/* ---- answers ---- */

static lpad_message *answer(lpad_test *test, int call)
{
	lpad_message *reply;
	int code = lpad_test_reply(test, call, &reply);
	if (code)
		printf("call %d: %d: %s\n", call, code, code < 0 ? lpad_error() : "not answered");
	assert(!code);
	return reply;
}

static void done(lpad_test *test, int call)
{
	lpad_free(answer(test, call));
}

static void waits(lpad_test *test, int call)
{
	int code = lpad_test_reply(test, call, NULL);
	if (code != LPAD_LATER)
		printf("call %d does not wait: %d %s\n", call, code, code < 0 ? lpad_error() : "");
	assert(code == LPAD_LATER);
}

static void fails(lpad_test *test, int call, int code, const char *text)
{
	int got = lpad_test_reply(test, call, NULL);
	if (got != code || !strstr(lpad_error(), text))
		printf("expected %d, %s: %d, %s\n", code, text, got, lpad_error());
	assert(got == code && strstr(lpad_error(), text));
}

static void held(lpad_test *test, int call, const char *text)
{
	const char *why = lpad_test_held(test, call);
	if (!strstr(why, text))
		printf("expected %s: %s\n", text, why);
	assert(strstr(why, text));
}

/* In `lpad status`. */
static void said(lpad_test *test, const char *name, const char *text)
{
	const char *line = lpad_test_status(test, name);
	if (strcmp(line, text))
		printf("expected %s: %s\n", text, line);
	assert(!strcmp(line, text));
}

/* Keys of an append, or of a sample. */
static void keys(lpad_test *test, int call, int64_t count, uint64_t *out)
{
	lpad_message *reply = answer(test, call);
	const uint64_t *list = lpad_view(reply, "item.key", LPAD_U64, 1, &count);
	assert(list);
	memcpy(out, list, (size_t)count * sizeof *list);
	lpad_free(reply);
}

static uint64_t inserted(lpad_test *test, int call)
{
	lpad_message *reply = answer(test, call);
	const uint64_t *key = lpad_view(reply, "item.key", LPAD_U64, 0, NULL);
	uint64_t value = key ? *key : 0;
	lpad_free(reply);
	assert(value);
	return value;
}

/* The values of a sample of single steps of one number each. */
static void values(lpad_test *test, int call, int64_t count, float *out)
{
	lpad_message *reply = answer(test, call);
	const float *x = lpad_view(reply, "x", LPAD_F32, 1, &count);
	assert(x);
	memcpy(out, x, (size_t)count * sizeof *x);
	lpad_free(reply);
}

/* The number that stands behind a name in the status of the only table, or of what begins with `table`. */
static double status(lpad_test *test, const char *table, const char *name)
{
	lpad_message *reply;
	char wanted[80];
	assert(!lpad_test_ask(test, "status", NULL, &reply));
	const char *at = lpad_json_text(reply);
	assert(at);
	snprintf(wanted, sizeof wanted, "\"%s\": {", table);
	at = strstr(at, wanted);
	assert(at);
	snprintf(wanted, sizeof wanted, "\"%s\": ", name);
	at = strstr(at, wanted);
	assert(at);
	double value = strncmp(at + strlen(wanted), "null", 4) ? strtod(at + strlen(wanted), NULL) : INFINITY;
	lpad_free(reply);
	return value;
}

static bool status_has(lpad_test *test, const char *text)
{
	lpad_message *reply;
	assert(!lpad_test_ask(test, "status", NULL, &reply));
	bool has = strstr(lpad_json_text(reply), text);
	if (!has)
		printf("expected %s: %s\n", text, lpad_json_text(reply));
	lpad_free(reply);
	return has;
}

/* ---- tables ---- */

static void items_come_back(void)
{
	lpad_test *test = start("{main: {sampler: fifo, max_size: 3}}");
	float got[2];
	uint64_t first = inserted(test, insert(test, 1)), second = inserted(test, insert(test, 2)), list[2];
	assert(first != second);
	int call = sample(test, 2);
	keys(test, call, 2, list);
	assert(list[0] == first && list[1] == first);
	values(test, call, 2, got);
	assert(got[0] == 1 && got[1] == 1);
	lpad_message *reply = answer(test, call);
	const int64_t *times = lpad_view(reply, "item.times_sampled", LPAD_I64, 1, (int64_t[]){ 2 });
	const int64_t *size = lpad_view(reply, "item.table_size", LPAD_I64, 0, NULL);
	const double *probability = lpad_view(reply, "item.probability", LPAD_F64, 1, (int64_t[]){ 2 });
	assert(times[0] == 1 && times[1] == 2 && *size == 2 && probability[0] == 1);
	assert(!lpad_view(reply, "item.steps", LPAD_I32, 1, (int64_t[]){ 2 }));        /* columns have no axis of steps */
	lpad_free(reply);
	for (int i = 3; i < 6; i++)
		done(test, insert(test, (float)i));
	call = sample(test, 1);
	values(test, call, 1, got);
	assert(got[0] == 3);                            /* the oldest two were removed */
	assert(status(test, "main", "size") == 3 && status(test, "main", "deletes") == 2);
	lpad_test_free(test);
}

static void samples_wait_for_items_and_inserts_for_samples(void)
{
	lpad_test *test = start("{main: {max_size: 100, limiter: {samples_per_insert: 2, min_size: 3, error_buffer: 4}}}");
	int first = sample(test, 2), second = sample(test, 1), call = -1;
	held(test, first, "table main: 0 of 3 items, samples wait until there are 3");
	for (int i = 0; i < 2; i++)
		done(test, insert(test, (float)i));
	waits(test, first);
	assert(status_has(test, "{\"side\": \"sample\", \"caller\": \"test/0\", \"seconds\": 0.000}"));
	lpad_test_advance(1.5);
	assert(status_has(test, "\"seconds\": 1.500}"));
	done(test, insert(test, 2));
	done(test, first);
	done(test, second);
	assert(status(test, "main", "samples_waited") == 2 && status(test, "main", "samples_waited_seconds") == 3);
	/* diff 6 - 3, at most 6 + 4 */
	for (int i = 0; i < 3; i++)
		done(test, insert(test, 3));
	call = insert(test, 4);
	int behind = insert(test, 5);
	held(test, call, "table main: 3 samples behind (inserts wait until samples are drawn; range -4 to 4)");
	assert(status(test, "main", "error") == 3 && status(test, "main", "max_error") == 4);
	done(test, sample(test, 1));
	done(test, call);
	waits(test, behind);
	lpad_test_cancel(test, behind);
	fails(test, behind, LPAD_ECANCELLED, "nobody waits");
	/* diff 10, at least 2 */
	done(test, sample(test, 8));
	call = sample(test, 1);
	held(test, call, "table main: 4 samples ahead, and 1 more wanted (samples wait until items are inserted; range -4 to 4)");
	done(test, insert(test, 6));
	done(test, call);
	assert(status(test, "main", "error_min") == -4 && status(test, "main", "error_max") == 4);
	assert(status(test, "main", "inserts_waited") == 1);
	lpad_test_free(test);
}

/* The example of lpad-replay(7). */
static void the_limiter_of_the_manual(void)
{
	lpad_test *test = start("{main: {max_size: 100, limiter: {samples_per_insert: 4, min_size: 10, error_buffer: 8}}}");
	assert(status(test, "main", "error") == -40 && status(test, "main", "min_diff") == 32 && status(test, "main", "max_diff") == 48);
	for (int i = 0; i < 12; i++)
		done(test, insert(test, 1));
	int thirteenth = insert(test, 1);
	waits(test, thirteenth);
	lpad_test_cancel(test, thirteenth);
	fails(test, sample(test, 17), LPAD_EINVALID, "17 samples at once are more than the limiter's range of 16");
	done(test, sample(test, 16));
	int next[5];
	for (int i = 0; i < 5; i++)
		waits(test, next[i] = sample(test, 1));
	done(test, insert(test, 1));
	for (int i = 0; i < 4; i++)
		done(test, next[i]);
	waits(test, next[4]);
	lpad_test_free(test);
}

/* The first of a line holds back the others, also smaller ones; when it goes, they go on. */
static void lines_are_in_order(void)
{
	lpad_test *test = start("{main: {max_size: 100, limiter: {samples_per_insert: 1, min_size: 1, min_diff: 0, max_diff: 10}}}");
	int large = sample(test, 5), small = sample(test, 1), later = sample(test, 1);
	done(test, insert(test, 1));
	waits(test, large);
	waits(test, small);
	lpad_test_cancel(test, large);
	done(test, small);
	waits(test, later);
	lpad_test_cancel(test, later);
	for (int i = 0; i < 10; i++)
		done(test, insert(test, 2));
	int inserts[3];
	for (int i = 0; i < 3; i++)
		waits(test, inserts[i] = insert(test, 3));
	lpad_test_cancel(test, inserts[1]);
	held(test, inserts[0], "table main: 9 samples behind (inserts wait until samples are drawn; range -1 to 9); test/0 sampled last, 0 s ago");
	done(test, sample(test, 1));
	done(test, inserts[0]);
	waits(test, inserts[2]);
	done(test, sample(test, 1));
	done(test, inserts[2]);
	lpad_test_free(test);
}

static void what_can_never_be_is_refused(void)
{
	lpad_test *test = start("{main: {max_size: 10, limiter: {samples_per_insert: 1, min_size: 1, error_buffer: 4}}}");
	fails(test, sample(test, 9), LPAD_EINVALID, "more than the limiter's range");
	fails(test, sample(test, 0), LPAD_EINVALID, "0 items");
	fails(test, sample(test, -3), LPAD_EINVALID, "-3 items");
	done(test, insert(test, 1));
	lpad_test_free(test);
	test = start("{main: {max_size: 10}}");
	done(test, insert(test, 1));
	fails(test, lpad_test_send(test, "sample", lpad_json("{\"n\": 9000000000000000000}")), LPAD_ETOOBIG, "sample fewer");
	fails(test, lpad_test_send(test, "sample", lpad_json("{\"n\": 900000000}")), LPAD_ETOOBIG, "sample fewer");
	lpad_test_free(test);
}

/* Samples that wait are asked again: what could be had when they came, others may have taken; and items may be larger than thought. */
static void who_waits_in_vain_is_told(void)
{
	lpad_test *test = start("{main: {max_size: 1000, limiter: {samples_per_insert: 1, min_size: 100, min_diff: -10, max_diff: 10}}}");
	int first = sample(test, 60), second = sample(test, 60);
	for (int i = 0; i < 100; i++)
		done(test, insert(test, 1));
	done(test, first);
	fails(test, second, LPAD_EINVALID, "60 samples at once are more than the limiter's range of 50 lets through");
	done(test, sample(test, 20));
	lpad_test_free(test);
	test = start("{main: {max_size: 10}}");
	first = sample(test, 20000000);
	second = sample(test, 1);
	lpad_tensor large = { .name = "x", .type = LPAD_F32, .rank = 1, .shape = { 1000 } };
	done(test, lpad_test_send(test, "insert", lpad_tensors(1, &large)));
	fails(test, first, LPAD_ETOOBIG, "20000000 items of up to 1 steps of 4000 bytes");
	done(test, second);
	assert(status(test, "main", "samples") == 1);
	lpad_test_free(test);
}

/* Their calls may have ended: an item of a queue would be drawn for nobody, and gone. */
static void who_was_kept_is_not_served_while_it_stops(void)
{
	lpad_test *test = start("{main: {sampler: fifo, max_size: 2, limiter: {queue: 2}}}");
	int kept = sample(test, 1);
	lpad_test_stop(test);
	done(test, insert(test, 1));
	waits(test, kept);
	assert(status(test, "main", "size") == 1 && status(test, "main", "samples") == 0);
	done(test, insert(test, 2));
	kept = insert(test, 3);
	lpad_test_cancel(test, kept);
	fails(test, kept, LPAD_ECANCELLED, "nobody waits");
	assert(status(test, "main", "size") == 2);
	lpad_test_free(test);
}

static void queues_and_stacks(void)
{
	lpad_test *test = start("{q: {sampler: fifo, max_size: 3, limiter: {queue: 3}}, s: {sampler: lifo, max_size: 3, limiter: {stack: 3}}}");
	const char *const tables[] = { "q", "s" };
	const float expected[][3] = { { 1, 2, 3 }, { 3, 2, 1 } };
	for (int t = 0; t < 2; t++) {
		char text[60];
		float got;
		for (int i = 1; i <= 3; i++)
			done(test, lpad_test_send(test, "insert", item(tables[t], NULL, (float)i)));
		int call = lpad_test_send(test, "insert", item(tables[t], NULL, 4));
		waits(test, call);
		lpad_test_cancel(test, call);
		snprintf(text, sizeof text, "{\"table\": \"%s\"}", tables[t]);
		for (int i = 0; i < 3; i++) {
			values(test, lpad_test_send(test, "sample", lpad_json(text)), 1, &got);
			assert(got == expected[t][i]);
		}
		call = lpad_test_send(test, "sample", lpad_json(text));
		waits(test, call);
		assert(status(test, tables[t], "size") == 0 && status(test, tables[t], "steps") == 0);
		done(test, lpad_test_send(test, "insert", item(tables[t], NULL, 4)));
		done(test, call);
	}
	lpad_test_free(test);
}

static void items_go_after_max_times_sampled(void)
{
	lpad_test *test = start("{main: {sampler: uniform, max_size: 10, max_times_sampled: 2}}");
	done(test, insert(test, 1));
	int call = sample(test, 3);
	held(test, call, "its 1 items can be sampled less than 3 times more (max_times_sampled)");
	done(test, insert(test, 2));
	done(test, call);
	done(test, sample(test, 1));
	assert(status(test, "main", "size") == 0);
	fails(test, sample(test, 21), LPAD_EINVALID, "more than its at most 10 items give");
	lpad_test_free(test);
}

static int with_keys(lpad_test *test, const char *method, const uint64_t *list, const double *priorities, int64_t count, int64_t *known)
{
	lpad_tensor tensors[] = { { .name = "item.key", .type = LPAD_U64, .rank = 1, .shape = { count } },
		{ .name = "item.priority", .type = LPAD_F64, .rank = 1, .shape = { count } } };
	lpad_message *message = lpad_tensors(priorities ? 2 : 1, tensors), *reply;
	memcpy(lpad_data(message, "item.key"), list, (size_t)count * sizeof *list);
	if (priorities)
		memcpy(lpad_data(message, "item.priority"), priorities, (size_t)count * sizeof *priorities);
	int code = lpad_test_ask(test, method, message, &reply);
	if (!code)
		*known = *(const int64_t *)lpad_view(reply, "known", LPAD_I64, 0, NULL);
	lpad_free(reply);
	return code;
}

static void priorities_and_deletes(void)
{
	lpad_test *test = start("{main: {sampler: max_heap, max_size: 10}}");
	uint64_t list[3];
	int64_t known;
	float got;
	for (int i = 0; i < 3; i++) {
		char priority[20];
		snprintf(priority, sizeof priority, "%d.5", i);
		list[i] = inserted(test, lpad_test_send(test, "insert", item("main", priority, (float)i)));
	}
	values(test, sample(test, 1), 1, &got);
	assert(got == 2);
	uint64_t some[] = { list[0], 12345, list[1] };
	assert(!with_keys(test, "update", some, (const double[]){ 7, 1, 1e300 }, 3, &known) && known == 2);
	values(test, sample(test, 1), 1, &got);
	assert(got == 1);
	assert(with_keys(test, "update", some, (const double[]){ 7, -1, 0 }, 3, &known) == LPAD_EINVALID);
	assert(with_keys(test, "update", some, (const double[]){ 7, 1, NAN }, 3, &known) == LPAD_EINVALID);
	assert(!with_keys(test, "delete", &some[1], NULL, 2, &known) && known == 1);
	values(test, sample(test, 1), 1, &got);
	assert(got == 0);
	assert(status(test, "main", "unknown") == 2 && status(test, "main", "size") == 2);
	char text[100];
	snprintf(text, sizeof text, "{\"item.key\": [%llu], \"item.priority\": [0.25]}", (unsigned long long)list[0]);
	done(test, lpad_test_send(test, "update", lpad_json(text)));
	values(test, sample(test, 1), 1, &got);
	assert(got == 2);
	done(test, lpad_test_send(test, "reset", lpad_json("{\"table\": \"main\"}")));
	assert(status(test, "main", "size") == 0 && status(test, "main", "inserts") == 0);
	lpad_test_free(test);
}

/* A delete may let an insert in, a reset both sides. */
static void others_go_on_after_a_delete(void)
{
	lpad_test *test = start("{main: {max_size: 10, limiter: {samples_per_insert: 1, min_size: 2, error_buffer: 1}}}");
	uint64_t key = 0;
	int64_t known;
	for (int i = 0; i < 3; i++)
		key = inserted(test, insert(test, 1));
	int call = insert(test, 2);
	waits(test, call);
	assert(!with_keys(test, "delete", &key, NULL, 1, &known) && known == 1);
	waits(test, call);
	done(test, lpad_test_send(test, "reset", NULL));
	done(test, call);
	assert(status(test, "main", "size") == 1);
	lpad_test_free(test);
}

/* ---- streams ---- */

static int send_append(lpad_test *test, const char *caller, int incarnation, const struct writing *writing)
{
	return lpad_test_send_as(test, caller, incarnation, "append", append(writing));
}

#define ITEMS(...) .items = (const struct wanted[]){ __VA_ARGS__ }, .count = COUNT(((const struct wanted[]){ __VA_ARGS__ }))

static void sequences_are_padded(void)
{
	lpad_test *test = start("{main: {sampler: fifo, max_size: 10, max_times_sampled: 1}}");
	uint64_t list[3];
	int call = send_append(test, "actor/0", 1, &(struct writing){ .first = 0, .steps = 4, .keep = 2,
		ITEMS({ 1, 0, 1, 0, 3 }, { 2, 0, 2, 1, 3 }, { 3, 0, 1, 3, 1 }) });
	keys(test, call, 3, list);
	assert(list[0] && list[1] && list[2]);
	assert(status(test, "main", "steps") == 4 && status(test, "main", "size") == 3);
	lpad_message *reply = answer(test, sample(test, 3));
	const float *x = lpad_view(reply, "x", LPAD_F32, 3, (int64_t[]){ 3, 3, 2 });
	const int32_t *length = lpad_view(reply, "item.steps", LPAD_I32, 1, (int64_t[]){ 3 });
	const float expected[] = { 0, 0, 1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 3, 3, 0, 0, 0, 0 };
	assert(x && !memcmp(x, expected, sizeof expected));
	assert(length[0] == 3 && length[1] == 3 && length[2] == 1);
	lpad_free(reply);
	assert(status(test, "main", "size") == 0 && status(test, "main", "steps") == 2);        /* the stream keeps 2 and 3 */
	/* Later steps, with items over both. */
	call = send_append(test, "actor/0", 1, &(struct writing){ .first = 4, .steps = 1, .keep = 5, ITEMS({ 4, 0, 1, 2, 3 }) });
	keys(test, call, 1, list);
	reply = answer(test, sample(test, 1));
	x = lpad_view(reply, "x", LPAD_F32, 3, (int64_t[]){ 1, 3, 2 });
	assert(x && x[0] == 2 && x[4] == 4);
	lpad_free(reply);
	assert(status(test, "main", "steps") == 0);
	lpad_test_free(test);
}

static void repeats_are_not_inserted(void)
{
	lpad_test *test = start("{a: {max_size: 10}, b: {max_size: 10}}");
	struct writing first = { .stream = "s", .tables = "a,b", .first = 0, .steps = 2, .keep = 1,
		ITEMS({ 1, 0, 1, 0, 1 }, { 2, 1, 1, 0, 2 }) };
	uint64_t list[3];
	keys(test, send_append(test, "actor/0", 1, &first), 2, list);
	assert(list[0] && list[1]);
	keys(test, send_append(test, "actor/0", 1, &first), 2, list);
	assert(!list[0] && !list[1]);
	assert(status(test, "a", "repeated") == 1 && status(test, "b", "repeated") == 1 && status(test, "a", "size") == 1);
	/* Partly repeated: an overlap of steps and items. */
	struct writing second = { .stream = "s", .tables = "b,a", .first = 1, .steps = 2, .keep = 3,
		ITEMS({ 2, 0, 1, 1, 1 }, { 3, 1, 1, 1, 2 }) };
	keys(test, send_append(test, "actor/0", 1, &second), 2, list);
	assert(!list[0] && list[1]);
	assert(status(test, "a", "size") == 2 && status(test, "a", "steps") == 3);
	/* Another replica, another stream of the same one: their own numbers. */
	keys(test, send_append(test, "actor/1", 1, &first), 2, list);
	assert(list[0] && list[1]);
	first.stream = "t";
	keys(test, send_append(test, "actor/0", 1, &first), 2, list);
	assert(list[0] && list[1]);
	assert(status(test, "a", "size") == 4);
	lpad_test_free(test);
}

static void opened(lpad_test *test, const char *caller, int incarnation, int64_t number, int64_t next)
{
	lpad_message *reply = answer(test, lpad_test_send_as(test, caller, incarnation, "open", NULL));
	assert(*(const int64_t *)lpad_view(reply, "item.number", LPAD_I64, 0, NULL) == number);
	assert(*(const int64_t *)lpad_view(reply, "stream.next", LPAD_I64, 0, NULL) == next);
	lpad_free(reply);
}

static void a_restarted_actor_goes_on(void)
{
	lpad_test *test = start("{main: {max_size: 100, limiter: {samples_per_insert: 1, min_size: 2, error_buffer: 1}}}");
	uint64_t list[4];
	opened(test, "actor/0", 1, 0, 0);
	/* Two go in, two are held. */
	int call = send_append(test, "actor/0", 1, &(struct writing){ .first = 0, .steps = 5, .keep = 5,
		ITEMS({ 1, 0, 1, 0, 1 }, { 2, 0, 1, 1, 1 }, { 3, 0, 1, 2, 1 }, { 4, 0, 1, 3, 1 }, { 5, 0, 1, 4, 1 }) });
	int behind = lpad_test_send_as(test, "actor/0", 1, "append", steps(NULL, 5, 1, 6));
	waits(test, call);
	waits(test, behind);
	held(test, behind, "behind an earlier append of its stream: table main: 1 sample behind");
	opened(test, "actor/0", 1, 3, 5);
	opened(test, "actor/0", 2, 3, 5);
	fails(test, call, LPAD_ECANCELLED, "actor/0 was started again");
	fails(test, behind, LPAD_ECANCELLED, "actor/0 was started again");
	fails(test, lpad_test_send_as(test, "actor/0", 1, "append", steps(NULL, 5, 1, 6)), LPAD_ECANCELLED, "incarnation 2 of actor/0");
	fails(test, lpad_test_send_as(test, "actor/0", 1, "open", NULL), LPAD_ECANCELLED, "incarnation 2 of actor/0");
	done(test, sample(test, 2));
	keys(test, send_append(test, "actor/0", 2, &(struct writing){ .first = 5, .steps = 1, .keep = 6, ITEMS({ 4, 0, 1, 5, 1 }) }), 1, list);
	assert(list[0]);
	assert(status(test, "main", "inserts") == 4);
	lpad_test_free(test);
}

/* The writer opens the stream: the last item that is in, the next step. */
static void opened_by(lpad_test *test, uint64_t writer, int64_t number, int64_t next)
{
	lpad_message *request = lpad_tensors(1, &(lpad_tensor){ .name = "stream.writer", .type = LPAD_U64 });
	*(uint64_t *)lpad_data(request, "stream.writer") = writer;
	lpad_message *reply = answer(test, lpad_test_send_as(test, "actor/0", 1, "open", request));
	assert(*(const int64_t *)lpad_view(reply, "item.number", LPAD_I64, 0, NULL) == number);
	assert(*(const int64_t *)lpad_view(reply, "stream.next", LPAD_I64, 0, NULL) == next);
	lpad_free(reply);
}

/* One step, number - 1, which is an item. */
static int item_of(lpad_test *test, uint64_t writer, int64_t number)
{
	return send_append(test, "actor/0", 1, &(struct writing){ .writer = writer, .first = number - 1, .steps = 1, .keep = number,
		ITEMS({ number, 0, 1, number - 1, 1 }) });
}

static void two_writers_of_one_stream_are_noticed(void)
{
	static const char why[] = "stream \"\" of actor/0 is open in another writer of this node: give each its .stream";
	lpad_test *test = start("{main: {sampler: fifo, max_size: 3, limiter: {queue: 3}}}");
	opened_by(test, 7, 0, 0);
	done(test, item_of(test, 7, 1));
	opened_by(test, 7, 1, 1);               /* again: replay lost something */
	done(test, item_of(test, 7, 2));
	opened_by(test, 8, 2, 2);               /* the first one was closed, or is a mistake */
	done(test, item_of(test, 8, 3));
	int waiting = item_of(test, 8, 4);
	waits(test, waiting);
	fails(test, item_of(test, 7, 3), LPAD_EINVALID, why);
	fails(test, item_of(test, 7, 5), LPAD_EINVALID, why);
	waits(test, waiting);
	opened_by(test, 9, 3, 4);
	fails(test, waiting, LPAD_EINVALID, why);
	assert(status(test, "main", "inserts") == 3 && status(test, "main", "repeated") == 0);
	opened(test, "actor/0", 2, 3, 4);       /* started again, made by hand */
	done(test, sample(test, 1));
	done(test, send_append(test, "actor/0", 2, &(struct writing){ .first = 4, .steps = 1, .keep = 5, ITEMS({ 4, 0, 1, 4, 1 }) }));
	lpad_test_free(test);
}

static void a_held_append_holds_its_stream_only(void)
{
	lpad_test *test = start("{a: {sampler: fifo, max_size: 10, limiter: {queue: 1}}, b: {max_size: 10}}");
	uint64_t list[3];
	int first = send_append(test, "actor/0", 1, &(struct writing){ .tables = "a,b", .first = 0, .steps = 3, .keep = 3,
		ITEMS({ 1, 0, 1, 0, 1 }, { 2, 0, 1, 1, 1 }, { 3, 1, 1, 2, 1 }) });
	int second = send_append(test, "actor/0", 1, &(struct writing){ .tables = "b", .first = 3, .steps = 1, .keep = 4,
		ITEMS({ 4, 0, 1, 3, 1 }) });
	int other = send_append(test, "actor/1", 1, &(struct writing){ .tables = "b", .first = 0, .steps = 1, .keep = 1,
		ITEMS({ 1, 0, 1, 0, 1 }) });
	waits(test, first);
	waits(test, second);
	keys(test, other, 1, list);
	assert(status(test, "b", "size") == 1 && status(test, "a", "size") == 1);
	int plain = lpad_test_send(test, "insert", item("a", NULL, 1));
	fails(test, lpad_test_send(test, "insert", item("b", NULL, 1)), LPAD_EINVALID, "column x");
	done(test, lpad_test_send(test, "sample", lpad_json("{\"table\": \"a\"}")));
	keys(test, first, 3, list);
	assert(list[0] && list[1] && list[2]);
	keys(test, second, 1, list);
	assert(list[0]);
	waits(test, plain);
	done(test, lpad_test_send(test, "sample", lpad_json("{\"table\": \"a\"}")));
	fails(test, plain, LPAD_EINVALID, "column x");
	lpad_test_free(test);
}

/* What is in stays; what comes behind goes on. */
static void a_caller_goes_in_the_middle(void)
{
	lpad_test *test = start("{a: {sampler: fifo, max_size: 10, limiter: {queue: 1}}}");
	uint64_t list[2];
	struct writing writing = { .first = 0, .steps = 2, .keep = 0, ITEMS({ 1, 0, 1, 0, 1 }, { 2, 0, 1, 1, 1 }) };
	int first = send_append(test, "actor/0", 1, &writing), second = send_append(test, "actor/0", 1, &writing);
	waits(test, first);
	lpad_test_cancel(test, first);
	fails(test, first, LPAD_ECANCELLED, "nobody waits");
	waits(test, second);
	done(test, sample(test, 1));
	keys(test, second, 2, list);
	assert(!list[0] && list[1]);
	assert(status(test, "a", "inserts") == 2 && status(test, "a", "repeated") == 1);
	/* One that only waits behind. */
	writing = (struct writing){ .first = 2, .steps = 1, .keep = 3, ITEMS({ 3, 0, 1, 2, 1 }) };
	first = send_append(test, "actor/0", 1, &writing);
	second = lpad_test_send_as(test, "actor/0", 1, "append", steps(NULL, 3, 1, 4));
	int third = lpad_test_send_as(test, "actor/0", 1, "append", steps(NULL, 3, 1, 4));
	lpad_test_cancel(test, second);
	waits(test, third);
	done(test, sample(test, 1));
	keys(test, first, 1, list);
	done(test, third);
	lpad_test_free(test);
}

static void missing_steps_are_asked_for(void)
{
	lpad_test *test = start("{a: {max_size: 10}}");
	uint64_t list[1];
	struct writing late = { .first = 7, .steps = 1, .keep = 8, ITEMS({ 9, 0, 1, 5, 3 }) };
	fails(test, send_append(test, "actor/0", 1, &late), LPAD_EAGAIN, "steps from 0 on are missing");
	fails(test, lpad_test_send_as(test, "actor/0", 1, "append", steps(NULL, 7, 1, 6)), LPAD_EAGAIN, "steps from 0 on are missing");
	done(test, lpad_test_send_as(test, "actor/0", 1, "append", steps(NULL, 5, 2, 5)));
	keys(test, send_append(test, "actor/0", 1, &late), 1, list);
	assert(list[0]);
	opened(test, "actor/0", 1, 9, 8);
	/* No steps, and one that was given up. */
	fails(test, send_append(test, "actor/0", 1, &(struct writing){ .first = 8, .keep = 8, ITEMS({ 10, 0, 1, 7, 1 }) }), LPAD_EINVALID,
		"those before 8 were not kept");
	fails(test, send_append(test, "actor/1", 1, &(struct writing){ .first = 2, .keep = 2, ITEMS({ 1, 0, 1, 1, 1 }) }), LPAD_EAGAIN,
		"steps from 0 on are missing");
	lpad_test_free(test);
}

/* ---- what liars send ---- */

static void bad_appends(void)
{
	const struct {
		struct writing writing;
		const char *text;
	} cases[] = {
		{ { .first = -1, .steps = 1, .keep = 0 }, "stream.first: -1" },
		{ { .first = INT64_MAX, .steps = 1, .keep = 0 }, "stream.first: 9223372036854775807" },
		{ { .first = 0, .steps = 1, .keep = 2 }, "stream.keep: 2" },
		{ { .first = 0, .steps = 1, .keep = -1 }, "stream.keep: -1" },
		{ { .first = 0, .steps = 1, .keep = 1, .tables = "a", .items = (const struct wanted[]){ { 0, 0, 1, 0, 1 } }, .count = 1 }, "begin at 1" },
		{ { .first = 0, .steps = 1, .keep = 1, .tables = "a", .items = (const struct wanted[]){ { 2, 0, 1, 0, 1 }, { 2, 0, 1, 0, 1 } }, .count = 2 },
			"item.number: 2" },
		{ { .first = 0, .steps = 1, .keep = 1, .tables = "a", .items = (const struct wanted[]){ { 1, 1, 1, 0, 1 } }, .count = 1 },
			"1 is no place in the 1 tables" },
		{ { .first = 0, .steps = 1, .keep = 1, .tables = "a", .items = (const struct wanted[]){ { 1, -1, 1, 0, 1 } }, .count = 1 },
			"-1 is no place" },
		{ { .first = 0, .steps = 1, .keep = 1, .tables = "a,c", .items = (const struct wanted[]){ { 1, 0, 1, 0, 1 } }, .count = 1 },
			"there is no table `c`; there are: a, b" },
		{ { .first = 0, .steps = 1, .keep = 1, .tables = "a,", .items = (const struct wanted[]){ { 1, 0, 1, 0, 1 } }, .count = 1 },
			"there is no table ``" },
		{ { .first = 0, .steps = 1, .keep = 1, .items = (const struct wanted[]){ { 1, 0, 1, 0, 1 } }, .count = 1 },
			"`table` must be said, there are several: a, b" },
		{ { .first = 0, .steps = 1, .keep = 1, .tables = "a", .items = (const struct wanted[]){ { 1, 0, -1, 0, 1 } }, .count = 1 }, "priority" },
		{ { .first = 0, .steps = 1, .keep = 1, .tables = "a", .items = (const struct wanted[]){ { 1, 0, (double)INFINITY, 0, 1 } }, .count = 1 },
			"priority" },
		{ { .first = 0, .steps = 1, .keep = 1, .tables = "a", .items = (const struct wanted[]){ { 1, 0, 1, 0, 0 } }, .count = 1 }, "0 steps" },
		{ { .first = 0, .steps = 1, .keep = 1, .tables = "a", .items = (const struct wanted[]){ { 1, 0, 1, 0, -5 } }, .count = 1 }, "-5 steps" },
		{ { .first = 0, .steps = 1, .keep = 1, .tables = "a", .items = (const struct wanted[]){ { 1, 0, 1, -4, 5 } }, .count = 1 }, "from step -4" },
		{ { .first = 0, .steps = 1, .keep = 1, .tables = "a", .items = (const struct wanted[]){ { 1, 0, 1, 0, 2 } }, .count = 1 },
			"the last step is 0" },
		{ { .first = 0, .steps = 1, .keep = 1, .tables = "a", .items = (const struct wanted[]){ { 1, 0, 1, INT64_MAX, INT32_MAX } }, .count = 1 },
			"the last step is 0" },
	};
	lpad_test *test = start("{a: {max_size: 10}, b: {max_size: 10}}");
	for (size_t i = 0; i < COUNT(cases); i++)
		fails(test, lpad_test_send(test, "append", append(&cases[i].writing)), LPAD_EINVALID, cases[i].text);
	assert(status(test, "a", "inserts") == 0);
	opened(test, "test/0", 1, 0, 0);
	lpad_test_free(test);
}

/* An append of these tensors, all zero. */
static void bad_tensors(lpad_test *test, const char *method, int count, const lpad_tensor *tensors, const char *text)
{
	fails(test, lpad_test_send(test, method, lpad_tensors(count, tensors)), LPAD_EINVALID, text);
}

#define FIRST { .name = "stream.first", .type = LPAD_I64 }
#define KEEP { .name = "stream.keep", .type = LPAD_I64 }
#define TENSORS(...) COUNT(((const lpad_tensor[]){ __VA_ARGS__ })), (const lpad_tensor[]){ __VA_ARGS__ }

static void too_many_columns(lpad_test *test)
{
	enum { COLUMNS = 2000 };
	static char names[COLUMNS][8];
	static lpad_tensor list[COLUMNS];
	for (int i = 0; i < COLUMNS; i++) {
		snprintf(names[i], sizeof names[i], "x%d", i);
		list[i] = (lpad_tensor){ .name = names[i], .type = LPAD_U8 };
	}
	bad_tensors(test, "insert", COLUMNS, list, "2000 tensors are more than the 1000 columns");
}

static void bad_shapes(void)
{
	lpad_test *test = start("{a: {max_size: 10}}");
	const int64_t huge = (int64_t)1 << 40;
	bad_tensors(test, "append", TENSORS({ .name = "x", .type = LPAD_F32, .rank = 1, .shape = { 1 } }), "stream.first");
	bad_tensors(test, "append", TENSORS(FIRST, { .name = "x", .type = LPAD_F32, .rank = 1, .shape = { 1 } }), "stream.keep");
	bad_tensors(test, "append", TENSORS({ .name = "stream.first", .type = LPAD_I32 }, KEEP), "stream.first");
	bad_tensors(test, "append", TENSORS(FIRST, KEEP, { .name = "stream.writer", .type = LPAD_I64 }), "stream.writer");
	bad_tensors(test, "append", TENSORS({ .name = "stream.first", .type = LPAD_I64, .rank = 1, .shape = { 1 } }, KEEP), "stream.first");
	bad_tensors(test, "append", TENSORS(FIRST, KEEP, { .name = "x", .type = LPAD_F32 }), "the first one is that of the steps");
	bad_tensors(test, "append", TENSORS(FIRST, KEEP, { .name = "x", .type = LPAD_U8, .rank = 1, .shape = { 2 } },
		{ .name = "y", .type = LPAD_U8, .rank = 1, .shape = { 3 } }), "has 3 steps");
	bad_tensors(test, "append", TENSORS(FIRST, KEEP, { .name = "x", .type = LPAD_U8, .rank = 2, .shape = { huge, 0 } }), "no bytes");
	bad_tensors(test, "append", TENSORS(FIRST, KEEP, { .name = "x", .type = LPAD_F64, .rank = 4, .shape = { 1, 0, huge, huge } }), "no bytes");
	bad_tensors(test, "append", TENSORS(FIRST, KEEP, { .name = "x", .type = LPAD_U8, .rank = 8, .shape = { 1, 1, 1, 1, 1, 1, 1, 1 } }),
		"may have 6");
	bad_tensors(test, "append", TENSORS(FIRST, KEEP, { .name = "item.what", .type = LPAD_U8 }), "reserved");
	bad_tensors(test, "append", TENSORS(FIRST, KEEP, { .name = "item.number", .type = LPAD_I64, .rank = 1, .shape = { 1 } }), "item.table");
	bad_tensors(test, "append", TENSORS(FIRST, KEEP, { .name = "item.number", .type = LPAD_F64, .rank = 1, .shape = { 1 } }), "item.number");
	bad_tensors(test, "append", TENSORS(FIRST, KEEP, { .name = "item.number", .type = LPAD_I64, .rank = 1, .shape = { 2 } },
		{ .name = "item.table", .type = LPAD_I32, .rank = 1, .shape = { 1 } }), "item.table");
	bad_tensors(test, "insert", TENSORS({ .name = "item.x", .type = LPAD_U8 }), "reserved");
	bad_tensors(test, "insert", TENSORS({ .name = "stream.x", .type = LPAD_U8 }), "reserved");
	bad_tensors(test, "insert", 0, NULL, "nothing to keep");
	bad_tensors(test, "insert", TENSORS({ .name = "x", .type = LPAD_U8, .rank = 1, .shape = { 0 } }), "nothing to keep");
	bad_tensors(test, "sample", TENSORS({ .name = "n", .type = LPAD_F32 }), "n");
	bad_tensors(test, "sample", TENSORS({ .name = "n", .type = LPAD_I64, .rank = 1, .shape = { 1 } }), "n");
	bad_tensors(test, "update", TENSORS({ .name = "item.key", .type = LPAD_I64, .rank = 1, .shape = { 1 } }), "item.key");
	bad_tensors(test, "update", TENSORS({ .name = "item.key", .type = LPAD_U64, .rank = 1, .shape = { 1 } },
		{ .name = "item.priority", .type = LPAD_F64, .rank = 1, .shape = { 2 } }), "item.priority");
	bad_tensors(test, "delete", TENSORS({ .name = "item.key", .type = LPAD_U64 }), "item.key");
	bad_tensors(test, "delete", 0, NULL, "item.key");
	too_many_columns(test);
	lpad_test_free(test);
}

static void bad_json(void)
{
	static const struct {
		const char *method, *text, *says;
	} cases[] = {
		{ "sample", "{\"m\": 2}", "there is no `m` here, only: table n" },
		{ "sample", "{\"n\": 2.5}", "`n` is a whole number" },
		{ "sample", "{\"n\": [1, 2]}", "`n` is a whole number" },
		{ "sample", "{\"n\": \"2\"}", "`n` is a whole number" },
		{ "sample", "{\"n\": 99999999999999999999}", "`n` is a whole number" },
		{ "sample", "{\"table\": 2}", "`table` is a text" },
		{ "sample", "{\"table\": \"b\"}", "there is no table `b`; there are: a" },
		{ "sample", "{\"table\": {}}", "flat JSON object" },
		{ "sample", "{\"table\": \"\\u0061\"}", "flat JSON object" },
		{ "sample", "[1]", "flat JSON object" },
		{ "reset", "{\"n\": 1}", "there is no `n` here, only: table" },
		{ "update", "{\"item.key\": 1}", "as many item.priority" },
		{ "update", "{\"item.key\": [1], \"item.priority\": [1, 2]}", "as many item.priority" },
		{ "update", "{\"item.key\": [-1], \"item.priority\": [1]}", "whole numbers" },
		{ "delete", "{\"item.key\": 1.5}", "whole numbers" },
		{ "delete", "{}", "item.key is wanted" },
		{ "insert", "{\"x\": 1}", "tensors message" },
		{ "append", "{\"x\": 1}", "tensors message" },
	};
	lpad_test *test = start("{a: {max_size: 10}}");
	for (size_t i = 0; i < COUNT(cases); i++)
		fails(test, lpad_test_send(test, cases[i].method, lpad_json(cases[i].text)), LPAD_EINVALID, cases[i].says);
	fails(test, lpad_test_send(test, "sample", lpad_bytes("x", 1)), LPAD_EINVALID, "not bytes");
	done(test, insert(test, 1));
	done(test, lpad_test_send(test, "sample", NULL));
	done(test, lpad_test_send(test, "sample", lpad_json("{}")));
	done(test, lpad_test_send(test, "sample", lpad_json("null")));
	done(test, lpad_test_send(test, "delete", lpad_json("{\"item.key\": 77}")));
	fails(test, lpad_test_send(test, "insert", item("a", "-1", 1)), LPAD_EINVALID, "priority");
	fails(test, lpad_test_send(test, "insert", item("a", "1x", 1)), LPAD_EINVALID, "priority");
	fails(test, lpad_test_send(test, "insert", item("a", "nan", 1)), LPAD_EINVALID, "priority");
	fails(test, lpad_test_send(test, "insert", item("b", NULL, 1)), LPAD_EINVALID, "there is no table `b`");
	lpad_test_free(test);
}

static void columns_must_be_the_same(void)
{
	lpad_test *test = start("{a: {max_size: 10}, b: {max_size: 10}}");
	lpad_tensor other = { .name = "x", .type = LPAD_F64 }, more = { .name = "y", .type = LPAD_F32 };
	done(test, lpad_test_send(test, "insert", item("a", NULL, 1)));
	lpad_message *message = lpad_tensors(1, &other);
	lpad_set_meta(message, "table", "a");
	fails(test, lpad_test_send(test, "insert", message), LPAD_EINVALID, "column x");
	message = lpad_tensors(1, &more);
	lpad_set_meta(message, "table", "a");
	fails(test, lpad_test_send(test, "insert", message), LPAD_EINVALID, "column");
	message = lpad_tensors(1, &other);
	lpad_set_meta(message, "table", "b");
	done(test, lpad_test_send(test, "insert", message));
	fails(test, send_append(test, "actor/0", 1, &(struct writing){ .tables = "b,a", .first = 0, .steps = 1, .keep = 1,
		ITEMS({ 1, 1, 1, 0, 1 }) }), LPAD_EINVALID, "table a: column x");
	opened(test, "actor/0", 1, 0, 0);
	lpad_test_free(test);
}

static void one_table(char *text, size_t room, const char *name)
{
	snprintf(text, room, "{\"table\": \"%s\"}", name);
}

/* Why, in the words of a queue; and who could let it go on. */
static void queues_say_why(void)
{
	static const char *const names[] = { "queue", "stack" };
	lpad_test *test = start("{queue: {sampler: fifo, max_size: 2, limiter: {queue: 2}}, stack: {sampler: lifo, max_size: 2, limiter: {stack: 2}}}");
	for (int i = 0; i < 2; i++) {
		char text[200], table[60];
		one_table(table, sizeof table, names[i]);
		int taken = lpad_test_send(test, "sample", lpad_json(table));
		snprintf(text, sizeof text, "table %s: the %s is empty: samples wait until items are inserted; nobody has inserted yet", names[i], names[i]);
		held(test, taken, text);
		lpad_test_advance(1.1);
		lpad_test_step(test);
		snprintf(text, sizeof text, "the %s is empty, 0 of 2, 0 inserted, 0 sampled; 1 sample waits, test/0 for 1 s; nobody has inserted yet", names[i]);
		said(test, names[i], text);
		lpad_test_cancel(test, taken);
		done(test, lpad_test_send_as(test, "actor/1", 1, "insert", item(names[i], NULL, 1)));
		lpad_test_advance(1.1);
		lpad_test_step(test);
		snprintf(text, sizeof text, "1 of 2 items in the %s, 1 inserted, 0 sampled", names[i]);
		said(test, names[i], text);
		snprintf(text, sizeof text, "{\"table\": \"%s\", \"n\": 2}", names[i]);
		taken = lpad_test_send(test, "sample", lpad_json(text));
		snprintf(text, sizeof text, "table %s: the %s has 1 item: a sample of 2 waits until more are inserted; actor/1 inserted last, 1 s ago",
			names[i], names[i]);
		held(test, taken, text);
		lpad_test_cancel(test, taken);
		done(test, lpad_test_send(test, "insert", item(names[i], NULL, 2)));
		int call = lpad_test_send(test, "insert", item(names[i], NULL, 3));
		snprintf(text, sizeof text, "table %s: the %s is full, 2 of 2: inserts wait until items are taken; nobody has sampled yet", names[i], names[i]);
		held(test, call, text);
		lpad_test_cancel(test, call);
		done(test, lpad_test_send_as(test, "learner", 1, "sample", lpad_json(table)));
		done(test, lpad_test_send(test, "insert", item(names[i], NULL, 3)));
		waits(test, call = lpad_test_send_as(test, "actor/1", 1, "insert", item(names[i], NULL, 4)));
		lpad_test_advance(15);
		lpad_test_step(test);
		snprintf(text, sizeof text, "the %s is full, 2 of 2, 3 inserted, 1 sampled; 1 insert waits, actor/1 for 15 s; learner sampled last, 15 s ago",
			names[i]);
		said(test, names[i], text);
		lpad_test_cancel(test, call);
	}
	lpad_test_free(test);
}

/* What was deleted and never sampled fills the queue still: the limiter's words say so. */
static void a_queue_with_deletes_says_the_error(void)
{
	lpad_test *test = start("{main: {sampler: fifo, max_size: 2, limiter: {queue: 2}}}");
	uint64_t first = inserted(test, insert(test, 1));
	int64_t known;
	done(test, insert(test, 2));
	assert(!with_keys(test, "delete", &first, NULL, 1, &known) && known == 1);
	int call = insert(test, 3);
	held(test, call, "table main: 1 sample behind (inserts wait until samples are drawn; range -1 to 1); nobody has sampled yet");
	done(test, sample(test, 1));
	done(test, call);
	lpad_test_free(test);
}

static void what_is_sampled_again_and_again_is_said(void)
{
	lpad_test *test = start("{f: {sampler: fifo, max_size: 2}, l: {sampler: lifo, max_size: 2}, h: {sampler: max_heap, max_size: 2}, "
		"once: {sampler: fifo, max_size: 2, max_times_sampled: 1}, q: {sampler: fifo, max_size: 2, limiter: {queue: 2}}, "
		"u: {max_size: 2}, single: {sampler: fifo, max_size: 1}}");
	const char *log = lpad_test_log(test);
	assert(strstr(log, "table f: sampler fifo without max_times_sampled: the oldest item is sampled again and again; a queue is `limiter: {queue: 2}`"));
	assert(strstr(log, "table l: sampler lifo without max_times_sampled: the newest item is sampled again and again; a stack is `limiter: {stack: 2}`"));
	assert(strstr(log, "table h: sampler max_heap without max_times_sampled: the item of the largest priority is sampled again and again"));
	assert(!strstr(log, "once:") && !strstr(log, "table q:") && !strstr(log, "table u:") && !strstr(log, "single:"));
	lpad_test_free(test);
}

/* Many that wait, of two streams in turn: each stream's go on in its own order, and some go from their middle. */
static void many_appends_wait(void)
{
	enum { MANY = 400 };
	lpad_test *test = start("{main: {sampler: fifo, max_size: 1000, limiter: {queue: 1}}}");
	static int calls[MANY];
	for (int i = 0; i < MANY; i++)
		calls[i] = send_append(test, i % 2 ? "actor/1" : "actor/0", 1, &(struct writing){ .first = i / 2, .steps = 1, .keep = i / 2 + 1,
			ITEMS({ i / 2 + 1, 0, 1, i / 2, 1 }) });
	held(test, calls[MANY - 1], "behind an earlier append of its stream: table main: the queue is full, 1 of 1");
	for (int i = MANY - 1; i >= 100; i--) {
		lpad_test_cancel(test, calls[i]);
		fails(test, calls[i], LPAD_ECANCELLED, "nobody waits");
	}
	for (int i = 0; i < 100; i++) {
		done(test, calls[i]);
		done(test, sample(test, 1));
	}
	assert(status(test, "main", "inserts") == 100 && status(test, "main", "size") == 0);
	waits(test, sample(test, 1));
	lpad_test_free(test);
}

/* ---- life ---- */

static void numbers_are_reported(void)
{
	lpad_test *test = start("{a: {max_size: 10, limiter: {samples_per_insert: 1, min_size: 2, error_buffer: 5}}}");
	assert(!strcmp(lpad_test_status(test, "a"), "0 of 2 items that samples wait for, 0 inserted, 0 sampled, error -2 in -5 to 5"));
	done(test, insert(test, 1));
	waits(test, sample(test, 1));
	lpad_test_advance(2.1);
	lpad_test_step(test);
	assert(lpad_test_report(test, "a.inserts", lpad_test_reports(test, "a.inserts") - 1, NULL) == 1);
	assert(lpad_test_report(test, "a.error", lpad_test_reports(test, "a.error") - 1, NULL) == -1);
	assert(!strcmp(lpad_test_status(test, "a"),
		"1 of 2 items that samples wait for, 1 inserted, 0 sampled, error -1 in -5 to 5; 1 sample waits, test/0 for 2 s; test/0 inserted last, 2 s ago"));
	lpad_test_free(test);
}

/* ---- checkpoints ---- */

static lpad_test *start_in(const char *folder, const char *checkpoint, const char *tables)
{
	lpad_test *test = lpad_test_new(NULL);
	lpad_test_folder(test, folder);
	lpad_test_param(test, "tables", tables);
	lpad_test_param(test, "checkpoint", checkpoint);
	return test;
}

static lpad_test *goes_on(const char *folder, const char *checkpoint, const char *tables)
{
	lpad_test *test = start_in(folder, checkpoint, tables);
	int code = lpad_test_start(test);
	if (code)
		printf("start: %s\n", lpad_error());
	assert(!code);
	lpad_test_step(test);
	return test;
}

static const char rate[] = "{main: {sampler: fifo, max_size: 10, limiter: {samples_per_insert: 1, min_size: 1, error_buffer: 2}}}";

static void a_restart_goes_on(void)
{
	char folder[] = "lpad-replay.XXXXXX", path[100];
	uint64_t list[3];
	assert(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/replay.checkpoint", folder);
	lpad_test *test = goes_on(folder, "{}", rate);
	struct writing writing = { .first = 0, .steps = 4, .keep = 2, ITEMS({ 1, 0, 0.5, 0, 2 }, { 2, 0, 7, 1, 2 }, { 3, 0, 1, 2, 2 }) };
	keys(test, send_append(test, "actor/0", 3, &writing), 3, list);
	waits(test, insert(test, 1));
	lpad_test_free(test);

	test = goes_on(folder, "{at_stop: false}", rate);
	assert(strstr(lpad_test_log(test), "table main goes on with 3 items from"));
	assert(status(test, "main", "size") == 3 && status(test, "main", "inserts") == 3 && status(test, "main", "error") == 2);
	waits(test, lpad_test_send(test, "insert", item(NULL, NULL, 1)));               /* the limiter, too, goes on */
	opened(test, "actor/0", 3, 3, 4);
	fails(test, lpad_test_send_as(test, "actor/0", 2, "open", NULL), LPAD_ECANCELLED, "incarnation 3");
	int call = sample(test, 1);
	uint64_t key;
	keys(test, call, 1, &key);
	assert(key == list[0]);
	writing = (struct writing){ .first = 4, .steps = 1, .keep = 5, ITEMS({ 3, 0, 1, 2, 2 }, { 4, 0, 1, 3, 2 }) };
	call = send_append(test, "actor/0", 3, &writing);
	done(test, sample(test, 2));
	keys(test, call, 2, list);
	assert(!list[0] && list[1]);
	lpad_test_free(test);

	test = goes_on(folder, "{at_stop: false}", rate);               /* the one of before: no new one was written */
	assert(status(test, "main", "inserts") == 3);
	lpad_test_free(test);
	assert(!remove(path) && !remove(folder));
}

/* A new run begins with the items of another one, not with its writers; a restart of it goes on from its own checkpoint. */
static void a_run_begins_with_anothers(void)
{
	char old[] = "lpad-replay.XXXXXX", new[] = "lpad-replay.XXXXXX", path[100], own[100], checkpoint[140];
	assert(mkdtemp(old) && mkdtemp(new));
	snprintf(path, sizeof path, "%s/replay.checkpoint", old);
	snprintf(own, sizeof own, "%s/replay.checkpoint", new);
	snprintf(checkpoint, sizeof checkpoint, "{from: %s}", path);
	lpad_test *test = start_in(new, checkpoint, rate);
	assert(lpad_test_start(test) < 0 && strstr(lpad_error(), "cannot read ") && strstr(lpad_error(), path));
	lpad_test_free(test);
	test = goes_on(old, "{}", rate);
	done(test, send_append(test, "actor/0", 3, &(struct writing){ .first = 0, .steps = 2, .keep = 0, ITEMS({ 1, 0, 1, 0, 2 }) }));
	lpad_test_free(test);
	for (int size = 1; size < 3; size++) {
		test = goes_on(new, checkpoint, rate);
		assert(strstr(lpad_test_log(test), size == 1 ? path : own));
		assert(status(test, "main", "size") == size && status(test, "main", "inserts") == size);
		if (size == 1) {
			opened(test, "actor/0", 1, 0, 0);
			done(test, send_append(test, "actor/0", 1, &(struct writing){ .first = 0, .steps = 1, .keep = 1, ITEMS({ 1, 0, 1, 0, 1 }) }));
		}
		lpad_test_free(test);
	}
	assert(!remove(path) && !remove(own) && !remove(old) && !remove(new));
}

static void checkpoints_are_shared(void)
{
	char folder[] = "lpad-replay.XXXXXX", path[100];
	assert(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/replay.checkpoint", folder);
	lpad_test *test = goes_on(folder, "{every: 5s, at_stop: false}", rate);
	int first = lpad_test_send(test, "checkpoint", NULL), second = lpad_test_send(test, "checkpoint", NULL);
	waits(test, first);
	lpad_test_step(test);
	lpad_message *reply = answer(test, first);
	assert(strstr(lpad_json_text(reply), path) && strstr(lpad_json_text(reply), "\"bytes\": "));
	lpad_free(reply);
	done(test, second);
	assert(status_has(test, "\"written\": 1,"));
	done(test, insert(test, 1));
	lpad_test_advance(4);
	lpad_test_step(test);
	assert(status_has(test, "\"written\": 1,"));
	lpad_test_advance(1.5);
	lpad_test_step(test);
	assert(status_has(test, "\"written\": 2,"));
	lpad_test_advance(5);
	lpad_test_step(test);
	assert(status_has(test, "\"written\": 3,"));
	lpad_test_free(test);
	assert(!remove(path) && !remove(folder));
}

static void refuses_to_go_on(const char *folder, const char *tables, const char *text)
{
	lpad_test *test = start_in(folder, "{}", tables);
	assert(lpad_test_start(test) < 0);
	if (!strstr(lpad_error(), text))
		printf("expected %s: %s\n", text, lpad_error());
	assert(strstr(lpad_error(), text));
	lpad_test_free(test);
}

/* What cannot be gone on from is left as it is. */
static void bad_checkpoints_are_refused(void)
{
	char folder[] = "lpad-replay.XXXXXX", path[100], bytes[8192];
	assert(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/replay.checkpoint", folder);
	lpad_test *test = goes_on(folder, "{}", rate);
	done(test, insert(test, 1));
	lpad_test_free(test);
	refuses_to_go_on(folder, "{other: {max_size: 10}}", "table main of this checkpoint is not in params.tables");
	FILE *file = fopen(path, "rb");
	size_t size = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	assert(size > 20 && size < sizeof bytes);
	file = fopen(path, "wb");
	assert(fwrite(bytes, 1, size - 10, file) == size - 10 && !fclose(file));
	refuses_to_go_on(folder, rate, "byte ");
	refuses_to_go_on(folder, rate, path);
	file = fopen(path, "rb");
	assert(fread(bytes, 1, sizeof bytes, file) == size - 10 && !fclose(file));
	assert(!remove(path));
	assert(!mkdir(path, 0700));
	test = start_in(folder, "{}", rate);
	assert(lpad_test_start(test) < 0);
	lpad_test_free(test);
	assert(!rmdir(path) && !remove(folder));
}

static void a_checkpoint_that_cannot_be_written(void)
{
	char folder[] = "lpad-replay.XXXXXX";
	assert(mkdtemp(folder));
	lpad_test *test = goes_on(folder, "{every: 1s}", rate);
	assert(!rmdir(folder));
	int call = lpad_test_send(test, "checkpoint", NULL);
	lpad_test_step(test);
	fails(test, call, LPAD_EIO, "cannot write the checkpoint");
	lpad_test_advance(1.1);
	lpad_test_step(test);
	lpad_test_advance(1.1);
	lpad_test_step(test);
	assert(status_has(test, "\"failure\": \"cannot write the checkpoint"));
	assert(strstr(lpad_test_status(test, "last checkpoint"), "cannot write the checkpoint"));
	const char *log = strstr(lpad_test_log(test), "cannot write the checkpoint");
	assert(log && !strstr(log + 1, "cannot write the checkpoint"));
	done(test, insert(test, 1));
	lpad_test_end(test);            /* nothing comes after this one */
	log = strstr(lpad_test_log(test), "cannot write the checkpoint");
	assert(strstr(log + 1, "cannot write the checkpoint"));
	assert(strstr(lpad_test_status(test, "last checkpoint"), "cannot write the checkpoint"));
	lpad_test_free(test);
}

static void held_calls_end_with_the_program(void)
{
	lpad_test *test = start("{a: {sampler: fifo, max_size: 1, limiter: {queue: 1}}, b: {sampler: fifo, max_size: 1, limiter: {queue: 1}}}");
	done(test, lpad_test_send(test, "insert", item("a", NULL, 1)));
	waits(test, lpad_test_send(test, "insert", item("a", NULL, 2)));
	waits(test, lpad_test_send(test, "sample", lpad_json("{\"table\": \"b\"}")));
	waits(test, send_append(test, "actor/0", 1, &(struct writing){ .tables = "b", .first = 0, .steps = 3, .keep = 3,
		ITEMS({ 1, 0, 1, 0, 1 }, { 2, 0, 1, 1, 1 }, { 3, 0, 1, 2, 1 }) }));
	waits(test, lpad_test_send_as(test, "actor/0", 1, "append", steps(NULL, 3, 1, 4)));
	lpad_test_advance(1.1);
	lpad_test_step(test);
	assert(strstr(lpad_test_status(test, "a"), "1 insert waits"));
	lpad_test_stop(test);
	lpad_test_end(test);
	assert(strstr(lpad_test_status(test, "a"), "1 inserted") && !strstr(lpad_test_status(test, "a"), "wait"));
	lpad_test_free(test);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	items_come_back();
	samples_wait_for_items_and_inserts_for_samples();
	the_limiter_of_the_manual();
	lines_are_in_order();
	what_can_never_be_is_refused();
	who_waits_in_vain_is_told();
	who_was_kept_is_not_served_while_it_stops();
	queues_and_stacks();
	items_go_after_max_times_sampled();
	priorities_and_deletes();
	others_go_on_after_a_delete();
	sequences_are_padded();
	repeats_are_not_inserted();
	a_restarted_actor_goes_on();
	two_writers_of_one_stream_are_noticed();
	a_held_append_holds_its_stream_only();
	a_caller_goes_in_the_middle();
	missing_steps_are_asked_for();
	bad_appends();
	bad_shapes();
	bad_json();
	columns_must_be_the_same();
	queues_say_why();
	a_queue_with_deletes_says_the_error();
	what_is_sampled_again_and_again_is_said();
	many_appends_wait();
	numbers_are_reported();
	a_restart_goes_on();
	a_run_begins_with_anothers();
	checkpoints_are_shared();
	bad_checkpoints_are_refused();
	a_checkpoint_that_cannot_be_written();
	held_calls_end_with_the_program();
	puts("passed");
	return 0;
}
