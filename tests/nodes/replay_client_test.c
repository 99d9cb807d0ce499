/* SPDX-License-Identifier: MIT */
/* lpad/replay.h with a model of replay that holds calls, dies and comes back with less than it had. */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lpad/test.h>

#include "replay_client.h"

enum { STEPS = 20000 };

/* ---- a model of one stream: ids of the steps by their numbers ---- */

struct stream {
	int64_t first, next, items;
	int64_t ids[STEPS];
};

struct model {
	struct stream now, saved;
	int inserted[MADE + 1];         /* by number: how often */
	bool lost[MADE + 1];            /* by number: with what replay forgot */
	int appends, missing, deaths, largest, most_under_way, longest;
};

static const int64_t *number_in(const lpad_message *message, const char *name)
{
	const int64_t *at = lpad_view(message, name, LPAD_I64, 0, NULL);
	assert(at);
	return at;
}

static lpad_message *opened(const struct stream *stream)
{
	lpad_tensor list[] = { { "item.number", LPAD_I64, 0, { 0 } }, { "stream.next", LPAD_I64, 0, { 0 } } };
	lpad_message *reply = lpad_tensors(2, list);
	*(int64_t *)lpad_data(reply, "item.number") = stream->items;
	*(int64_t *)lpad_data(reply, "stream.next") = stream->next;
	return reply;
}

static void add_steps(struct model *model, const lpad_message *request)
{
	struct stream *stream = &model->now;
	int64_t at = *number_in(request, "stream.first"), any[] = { -1, 3, 2 };
	lpad_tensor tensor;
	const int64_t *ids = NULL;
	const float *values = NULL;
	int64_t count = 0;
	for (int i = 0; i < lpad_tensor_count(request); i++)
		if (!lpad_tensor_at(request, i, &tensor) && !strcmp(tensor.name, "id")) {
			count = tensor.shape[0];
			ids = lpad_view(request, "id", LPAD_I64, 1, any);
			values = lpad_view(request, "values", LPAD_F32, 3, any);
			assert(ids && values && count > 0);
		}
	if (count > model->longest)
		model->longest = (int)count;
	for (int64_t i = 0; i < count; i++) {
		assert(values[6 * i] == (float)(ids[i] * 10) && values[6 * i + 5] == (float)(ids[i] * 10 + 5));
		if (at + i < stream->next)
			continue;
		assert(at + i == stream->next && stream->next < STEPS);
		stream->ids[stream->next++] = ids[i];
	}
}

static void add_items(struct model *model, const struct writer *writer, const lpad_message *request)
{
	struct stream *stream = &model->now;
	int64_t any[] = { -1 };
	const int64_t *number = lpad_view(request, "item.number", LPAD_I64, 1, any), *first = lpad_view(request, "item.first", LPAD_I64, 1, any);
	const int32_t *steps = lpad_view(request, "item.steps", LPAD_I32, 1, any), *table = lpad_view(request, "item.table", LPAD_I32, 1, any);
	const double *priority = lpad_view(request, "item.priority", LPAD_F64, 1, any);
	const char *tables = lpad_meta(request, "tables");
	lpad_tensor tensor = { 0 };
	for (int i = 0; number && i < lpad_tensor_count(request); i++)
		if (!lpad_tensor_at(request, i, &tensor) && !strcmp(tensor.name, "item.number"))
			break;
	int64_t count = number ? tensor.shape[0] : 0;
	if (count > model->largest)
		model->largest = (int)count;
	for (int64_t i = 0; i < count; i++) {
		if (number[i] <= stream->items)
			continue;
		const struct made *made = &writer->made[number[i] - 1];
		assert(made->steps == steps[i] && made->priority == priority[i]);
		const char *name = table[i] ? strchr(tables, ',') + 1 : tables;
		assert(!strncmp(name, made->table ? "other" : "main", 4));
		assert(first[i] >= stream->first && first[i] + steps[i] <= stream->next);
		for (int k = 0; k < steps[i]; k++)
			assert(stream->ids[first[i] + k] == made->last - steps[i] + 1 + k);
		model->inserted[number[i]]++;
		stream->items = number[i];
	}
}

/* The oldest call. Without an answer, it comes again. */
static void execute(lpad_test *test, struct model *model, bool answered)
{
	const lpad_message *request = lpad_test_call_request(test, 0);
	struct stream *stream = &model->now;
	assert(!strcmp(lpad_meta(request, "stream"), "s"));
	if (!strcmp(lpad_test_call_method(test, 0), "open")) {
		lpad_test_answer(test, 0, opened(stream));
		return;
	}
	int64_t keep = *number_in(request, "stream.keep");
	assert(keep <= *number_in(request, "stream.first"));
	stream->first = keep > stream->first ? keep : stream->first;
	stream->next = keep > stream->next ? keep : stream->next;
	model->appends++;
	if (*number_in(request, "stream.first") > stream->next) {
		model->missing++;
		lpad_test_fail(test, 0, LPAD_EAGAIN, "steps are missing");
		return;
	}
	add_steps(model, request);
	add_items(model, lpad_test_state(test), request);
	if (answered)
		lpad_test_answer(test, 0, NULL);
}

static void serve(lpad_test *test, struct model *model)
{
	execute(test, model, true);
}

/* Comes back with what it had when it was saved last; calls under way come to it again, or are lost. */
static void die(lpad_test *test, struct model *model, bool lose)
{
	for (int64_t i = model->saved.items + 1; i <= model->now.items; i++)
		model->lost[i] = true;
	model->now = model->saved;
	model->deaths++;
	if (lose) {
		lpad_test_up(test, "replay", 0, 0);
		lpad_test_up(test, "replay", 0, 1 + model->deaths);
	}
}

static void disturb(lpad_test *test, struct model *model, lpad_rng *rng)
{
	uint64_t choice = lpad_random_below(rng, 100);
	if (choice < 3)
		model->saved = model->now;
	else if (choice < 6)
		die(test, model, choice == 5);
	else if (choice < 30)
		lpad_test_advance(1.1);
	else if (lpad_test_calls(test))
		execute(test, model, choice < 90);
}

static lpad_test *start(const char *implementation, const char *const *params)
{
	lpad_test *test = lpad_test_new(implementation);
	for (; params && *params; params += 2)
		lpad_test_param(test, params[0], params[1]);
	lpad_test_connect(test, "replay", 1);
	assert(!lpad_test_start(test));
	return test;
}

static int count_under_way(lpad_test *test)
{
	int calls = lpad_test_calls(test);
	return calls && !strcmp(lpad_test_call_method(test, 0), "append") ? calls : 0;
}

/* ---- the writer ---- */

struct totals {
	int made, deaths, missing, late, fresh, twice;
};

static void check_items(const struct writer *writer, const struct model *model, struct totals *totals)
{
	for (int i = 1; i <= writer->made_count; i++) {
		assert(model->inserted[i] >= 1);
		assert(model->inserted[i] == 1 || model->lost[i]);      /* again only what was forgotten */
		totals->twice += model->inserted[i] > 1;
	}
	totals->made += writer->made_count;
	totals->deaths += model->deaths;
	totals->missing += model->missing;
	totals->late += writer->late;
}

static void random_writer(int seed, struct totals *totals)
{
	static struct model model;
	char text[5][24];
	lpad_rng rng = { (uint64_t)seed };
	int most = (int)lpad_random_below(&rng, 4), batch = (int)lpad_random_below(&rng, 9);
	snprintf(text[0], sizeof text[0], "%d", seed);
	snprintf(text[1], sizeof text[1], "%d", (int)lpad_random_below(&rng, 12));
	snprintf(text[2], sizeof text[2], "%d", most);
	snprintf(text[3], sizeof text[3], "%d", batch);
	snprintf(text[4], sizeof text[4], "%d", (int)lpad_random_below(&rng, 2) * 32 * 40);
	const char *params[] = { "seed", text[0], "keep", text[1], "in_flight", text[2], "items_per_call", text[3], "room", text[4], NULL };
	memset(&model, 0, sizeof model);
	lpad_test *test = start("writer", params);
	const struct writer *writer = lpad_test_state(test);
	while (lpad_test_step(test) != LPAD_TEST_ENDED) {
		int under_way = count_under_way(test);
		model.most_under_way = under_way > model.most_under_way ? under_way : model.most_under_way;
		disturb(test, &model, &rng);
	}
	if (lpad_test_result(test))
		printf("seed %d: %d %s\n", seed, lpad_test_result(test), lpad_test_log(test));
	assert(lpad_test_result(test) == 0 && lpad_test_calls(test) == 0);
	assert(model.most_under_way <= (most ? most : 4) && model.largest <= (batch ? batch : 1));
	check_items(writer, &model, totals);
	totals->fresh += model.now.next > 0 && model.longest > 1;
	lpad_test_free(test);
}

static void writers_lose_nothing(void)
{
	struct totals totals = { 0 };
	for (int seed = 1; seed <= 60; seed++)
		random_writer(seed, &totals);
	/* All of it was tried. */
	assert(totals.made > 10000 && totals.deaths > 100 && totals.missing > 20 && totals.late > 100 && totals.fresh > 10 && totals.twice > 50);
}

/* Until it waits; each call is answered at once. */
static enum lpad_test_wait answer_all(lpad_test *test, struct model *model)
{
	enum lpad_test_wait wait;
	while ((wait = lpad_test_step(test)) == LPAD_TEST_REPLY && lpad_test_calls(test))
		serve(test, model);
	return wait;
}

/* After a restart of its own a writer goes on behind what replay has. */
static void goes_on_where_it_was(void)
{
	static struct model model;
	const char *params[] = { "actions", "50", "in_flight", "1", NULL };
	memset(&model, 0, sizeof model);
	model.now.first = model.now.next = 700;
	lpad_test *test = start("writer", params);
	struct writer *writer = lpad_test_state(test);
	answer_all(test, &model);
	assert(lpad_test_result(test) == 0);
	assert(model.now.items == writer->made_count && writer->made_count > 5 && model.now.next > 700);
	lpad_test_free(test);
}

/* Fails once and for all, with what was said. */
static void refusals_stay(void)
{
	static const struct {
		int code;
		const char *text;
	} rows[] = {
		{ LPAD_EINVALID, "column id: f32 expected, i64 came" },
		{ LPAD_ECANCELLED, "a newer incarnation writes" },
		{ LPAD_EGONE, "replay will never come back" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		lpad_test *test = start("writer", NULL);
		const struct writer *writer = lpad_test_state(test);
		lpad_message *reply = opened(&(struct stream){ .items = 0 });
		lpad_test_step(test);
		lpad_test_answer(test, 0, reply);
		assert(lpad_test_step(test) == LPAD_TEST_REPLY && lpad_test_calls(test) == 4);
		lpad_test_fail(test, 0, rows[i].code, rows[i].text);
		assert(lpad_test_step(test) == LPAD_TEST_ENDED && lpad_test_calls(test) == 0);
		assert(lpad_test_result(test) == rows[i].code && writer->again == rows[i].code);
		assert(strstr(lpad_test_log(test), rows[i].text));
		lpad_test_free(test);
	}
}

/* One that always misses steps would go round for ever. */
static void missing_for_ever(void)
{
	lpad_test *test = start("writer", NULL);
	int rounds = 0;
	while (lpad_test_step(test) != LPAD_TEST_ENDED) {
		if (!strcmp(lpad_test_call_method(test, 0), "open"))
			lpad_test_answer(test, 0, opened(&(struct stream){ .items = 0 }));
		else
			lpad_test_fail(test, 0, LPAD_EAGAIN, "steps from 0 on are missing");
		assert(++rounds < 100);
	}
	assert(lpad_test_result(test) == LPAD_EAGAIN && rounds > 10 && strstr(lpad_test_log(test), "steps from 0 on are missing"));
	lpad_test_free(test);
}

static void two_writers_of_one_stream(void)
{
	lpad_test *test = start("writer", NULL);
	lpad_test_step(test);
	lpad_test_answer(test, 0, opened(&(struct stream){ .items = 0 }));
	assert(lpad_test_step(test) == LPAD_TEST_REPLY);
	lpad_test_fail(test, 0, LPAD_EAGAIN, "steps are missing");
	lpad_test_step(test);
	lpad_test_answer(test, 0, opened(&(struct stream){ .items = 1000, .next = 5000 }));
	assert(lpad_test_step(test) == LPAD_TEST_ENDED && lpad_test_result(test) == LPAD_EINVALID);
	assert(strstr(lpad_test_log(test), "streams of different names"));
	lpad_test_free(test);
}

static void a_stop_ends_the_writer(void)
{
	for (int opened_first = 0; opened_first < 2; opened_first++) {
		lpad_test *test = start("writer", NULL);
		assert(lpad_test_step(test) == LPAD_TEST_REPLY);
		if (opened_first)
			lpad_test_answer(test, 0, opened(&(struct stream){ .items = 0 }));
		assert(lpad_test_step(test) == LPAD_TEST_REPLY);
		assert(lpad_test_end(test) == LPAD_ESTOPPED);
		assert(((struct writer *)lpad_test_state(test))->opened == opened_first);
		lpad_test_free(test);
	}
}

static void careless_ones_are_told(void)
{
	static struct model model;
	memset(&model, 0, sizeof model);
	lpad_test *test = start("careless", NULL);
	answer_all(test, &model);
	assert(lpad_test_result(test) == 0 && model.appends == 1);
	assert(!strcmp(lpad_test_log(test),
		"-5: column id: there is no such type of elements\n"
		"-5: column id: a step has 0 to 7 axes\n"
		"-5: writer of replay: the columns of a step have no bytes\n"
		"-5: writer of replay: a step has no columns\n"
		"-5: an item of 6 steps for table main: at most 5, the writer's .keep\n"
		"-5: an item of 5 steps for table main: the episode has only 1 step\n"
		"-5: an item of 0 steps for table main: an item has at least 1\n"
		"-5: an item for table main: priority -1 is not a number from 0 on\n"
		"-5: an item for table main: priority nan is not a number from 0 on\n"));
	lpad_test_free(test);
}

static bool has_tensor(const lpad_message *message, const char *name)
{
	lpad_tensor tensor;
	for (int i = 0; i < lpad_tensor_count(message); i++)
		if (!lpad_tensor_at(message, i, &tensor) && !strcmp(tensor.name, name))
			return true;
	return false;
}

/* What goes ahead of an item has its steps, and not a word of items or their tables. */
static void long_items_come_in_pieces(void)
{
	lpad_test *test = start("long", NULL);
	int64_t number = 0, next = 0, steps[] = { -1, LPAD_WRITER_CALL_ / 2 };
	lpad_test_step(test);
	lpad_test_answer(test, 0, opened(&(struct stream){ .items = 0 }));
	while (lpad_test_step(test) == LPAD_TEST_REPLY && lpad_test_calls(test)) {
		const lpad_message *request = lpad_test_call_request(test, 0);
		lpad_tensor tensor = { .shape = { 0 } };
		assert(*number_in(request, "stream.first") == next && *number_in(request, "stream.keep") == 0);
		assert(lpad_view(request, "x", LPAD_U8, 2, steps) && !lpad_tensor_at(request, lpad_tensor_count(request) - 1, &tensor));
		assert(tensor.shape[0] * tensor.shape[1] <= LPAD_WRITER_CALL_);
		next += tensor.shape[0];
		assert(has_tensor(request, "item.number") == (next == 3) && !lpad_meta(request, "tables") == (next < 3));
		number += next == 3;
		lpad_test_answer(test, 0, NULL);
	}
	assert(lpad_test_result(test) == 0 && next == 3 && number == 1);
	lpad_test_free(test);
}

/* ---- the sampler ---- */

static lpad_message *drawn(int64_t first_key, bool single)
{
	int64_t steps = single ? 1 : 4;
	lpad_tensor list[] = {
		{ "item.key", LPAD_U64, 1, { 3 } }, { "item.probability", LPAD_F64, 1, { 3 } }, { "item.priority", LPAD_F64, 1, { 3 } },
		{ "item.times_sampled", LPAD_I64, 1, { 3 } }, { "item.table_size", LPAD_I64, 0, { 0 } },
		{ "id", LPAD_I64, single ? 1 : 2, { 3, 4 } }, { "values", LPAD_F32, single ? 3 : 4, { 3, single ? 3 : 4, single ? 2 : 3, 2 } },
		{ "item.steps", LPAD_I32, 1, { 3 } },
	};
	lpad_message *message = lpad_tensors(single ? 7 : 8, list);
	for (int i = 0; i < 3; i++)
		((uint64_t *)lpad_data(message, "item.key"))[i] = (uint64_t)(first_key + i);
	*(int64_t *)lpad_data(message, "item.table_size") = 9;
	for (int64_t i = 0; i < 3 * steps; i++)
		((int64_t *)lpad_data(message, "id"))[i] = first_key * 100 + i;
	((float *)lpad_data(message, "values"))[3 * steps * 6 - 1] = 0.5f;
	for (int i = 0; i < 3 && !single; i++)
		((int32_t *)lpad_data(message, "item.steps"))[i] = 2 + i;
	return message;
}

static void asked(lpad_test *test, int i)
{
	const lpad_message *request = lpad_test_call_request(test, i);
	assert(!strcmp(lpad_test_call_method(test, i), "sample") && !strcmp(lpad_meta(request, "table"), "main"));
	assert(*number_in(request, "n") == 3);
}

static void samples_come_in_order(void)
{
	lpad_test *test = start("sampler", NULL);
	assert(lpad_test_step(test) == LPAD_TEST_REPLY && lpad_test_calls(test) == 2);
	asked(test, 0);
	asked(test, 1);
	lpad_test_answer(test, 1, drawn(20, false));    /* the second first */
	assert(lpad_test_step(test) == LPAD_TEST_REPLY && !*lpad_test_log(test));
	lpad_test_advance(1.5);
	assert(lpad_test_step(test) == LPAD_TEST_REPLY && !strcmp(lpad_test_log(test), "late\n") && lpad_test_calls(test) == 1);
	lpad_test_answer(test, 0, drawn(10, true));
	assert(lpad_test_step(test) == LPAD_TEST_REPLY && lpad_test_calls(test) == 2);
	assert(!strcmp(lpad_test_log(test), "late\nsingle 3: 1 of 9, last key 12, id 1002, value 0.5, steps 1\n"
		"sequences 3: 4 of 9, last key 22, id 2011, value 0.5, steps 2\n"));
	lpad_test_up(test, "replay", 0, 0);             /* lost: asked again */
	lpad_test_up(test, "replay", 0, 2);
	assert(lpad_test_step(test) == LPAD_TEST_REPLY && lpad_test_calls(test) == 2);
	lpad_test_fail(test, 0, LPAD_EINVALID, "a batch of 3 can never be");
	assert(lpad_test_step(test) == LPAD_TEST_REPLY && strstr(lpad_test_log(test), "a batch of 3 can never be") && lpad_test_calls(test) == 2);
	lpad_test_answer(test, 0, lpad_bytes("?", 1));
	assert(lpad_test_step(test) == LPAD_TEST_REPLY && strstr(lpad_test_log(test), "no sample: "));
	assert(lpad_test_end(test) == LPAD_ESTOPPED && lpad_test_calls(test) == 0);
	lpad_test_free(test);
}

/* ---- priorities ---- */

static void take_priorities(lpad_test *test, double *by_key)
{
	const lpad_message *request = lpad_test_call_request(test, 0);
	lpad_tensor tensor;
	int64_t any[] = { -1 };
	const uint64_t *keys = lpad_view(request, "item.key", LPAD_U64, 1, any);
	const double *priorities = lpad_view(request, "item.priority", LPAD_F64, 1, any);
	assert(keys && priorities && !strcmp(lpad_meta(request, "table"), "main") && !lpad_tensor_at(request, 0, &tensor));
	for (int64_t i = 0; i < tensor.shape[0]; i++)
		by_key[keys[i]] = priorities[i];
	lpad_test_answer(test, 0, NULL);
}

static void priorities_collect(void)
{
	static double by_key[1101];
	lpad_test *test = start("priorities", NULL);
	enum lpad_test_wait wait;
	int calls = 0;
	while ((wait = lpad_test_step(test)) != LPAD_TEST_ENDED) {
		assert(lpad_test_calls(test) <= 1);
		if (lpad_test_calls(test) && ++calls)
			take_priorities(test, by_key);
		else
			lpad_test_advance(1.1);
	}
	assert(lpad_test_result(test) == 0 && calls >= 10 && calls <= 40);
	for (int i = 1; i <= 100; i++)
		assert(by_key[i] == i / 2.0 && by_key[1000 + i] == i);
	lpad_test_free(test);
	test = start("priorities", NULL);
	lpad_test_step(test);
	lpad_test_fail(test, 0, LPAD_EINVALID, "no such table");
	lpad_test_advance(1.1);
	assert(lpad_test_step(test) == LPAD_TEST_ENDED && lpad_test_result(test) == LPAD_EINVALID);
	lpad_test_free(test);
}

int main(void)
{
	writers_lose_nothing();
	goes_on_where_it_was();
	refusals_stay();
	missing_for_ever();
	two_writers_of_one_stream();
	a_stop_ends_the_writer();
	careless_ones_are_told();
	long_items_come_in_pieces();
	samples_come_in_order();
	priorities_collect();
	puts("passed");
	return 0;
}
