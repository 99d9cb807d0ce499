/* SPDX-License-Identifier: MIT */
/* lib/node/bind.c: typed parameters into the members of a state. */
#include "node/bind.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

struct state {
	int64_t steps, bytes;
	double rate, wait;
	bool on;
	int32_t mode;
	const char *name, *path;
	lpad_ints ints;
	lpad_reals reals;
	lpad_texts texts, paths;
};

static const lpad_param params[] = {
	LPAD_INT(struct state, steps, NULL, NULL, ""),
	LPAD_SIZE(struct state, bytes, NULL, NULL, ""),
	LPAD_REAL(struct state, rate, NULL, NULL, ""),
	LPAD_DURATION(struct state, wait, NULL, NULL, ""),
	LPAD_BOOL(struct state, on, NULL, ""),
	LPAD_CHOICE(struct state, mode, NULL, "call topic cache", ""),
	LPAD_TEXT(struct state, name, NULL, ""),
	LPAD_PATH(struct state, path, NULL, ""),
	LPAD_INTS(struct state, ints, NULL, NULL, ""),
	LPAD_REALS(struct state, reals, NULL, NULL, ""),
	LPAD_TEXTS(struct state, texts, NULL, ""),
	LPAD_PATHS(struct state, paths, NULL, ""),
	LPAD_END
};
static const lpad_implementation implementation = { .name = "node", .state = sizeof(struct state), .params = params };

static json_t *values(void)
{
	return json_pack("{s:i, s:I, s:i, s:f, s:b, s:s, s:s, s:s, s:[i,i], s:[f,i,s], s:[s,s], s:[]}",
		"steps", -7, "bytes", (json_int_t)1 << 40, "rate", 3, "wait", 0.25, "on", 1, "mode", "cache", "name", "",
		"path", "/a/b", "ints", 10, 7, "reals", 0.5, 2, "-.inf", "texts", "x", "y z", "paths");
}

START_TEST(every_type_arrives)
{
	struct state state = { 0 };
	struct bound bound = { 0 };
	struct error error = { 0 };
	json_t *json = values();
	ck_assert_msg(!bind_state(&implementation, json, &state, &bound, &error), "%s", error.text);
	json_decref(json);      /* the texts are the bound's own */
	ck_assert_int_eq(state.steps, -7);
	ck_assert_int_eq(state.bytes, (int64_t)1 << 40);
	ck_assert_double_eq(state.rate, 3);
	ck_assert_double_eq(state.wait, 0.25);
	ck_assert(state.on);
	ck_assert_int_eq(state.mode, 2);
	ck_assert_str_eq(state.name, "");
	ck_assert_str_eq(state.path, "/a/b");
	ck_assert_uint_eq(state.ints.count, 2);
	ck_assert_int_eq(state.ints.at[1], 7);
	ck_assert_uint_eq(state.reals.count, 3);
	ck_assert_double_eq(state.reals.at[1], 2);
	ck_assert(isinf(state.reals.at[2]) && state.reals.at[2] < 0);
	ck_assert_uint_eq(state.texts.count, 2);
	ck_assert_str_eq(state.texts.at[1], "y z");
	ck_assert_uint_eq(state.paths.count, 0);
	bound_release(&bound);
}

/* A value of another type is named, not bent. */
static void refuse(const char *name, json_t *value)
{
	struct state state = { 0 };
	struct bound bound = { 0 };
	struct error error = { 0 };
	char prefix[64];
	json_t *json = values();
	if (value)
		json_object_set_new(json, name, value);
	else
		json_object_del(json, name);
	ck_assert_int_eq(bind_state(&implementation, json, &state, &bound, &error), -1);
	snprintf(prefix, sizeof prefix, "params.%s: ", name);
	ck_assert_msg(!strncmp(error.text, prefix, strlen(prefix)), "%s", error.text);
	bound_release(&bound);
	json_decref(json);
}

START_TEST(another_type_is_refused)
{
	refuse("steps", NULL);
	refuse("steps", json_string("7"));
	refuse("steps", json_real(7.0));
	refuse("bytes", json_true());
	refuse("rate", json_string("fast"));
	refuse("on", json_integer(1));
	refuse("mode", json_string("topi"));
	refuse("mode", json_integer(1));
	refuse("name", json_null());
	refuse("path", json_array());
	refuse("ints", json_integer(1));
	refuse("ints", json_pack("[i,s]", 1, "2"));
	refuse("reals", json_pack("[f,n]", 1.0));
	refuse("texts", json_pack("[s,i]", "a", 1));
}

/* ---- objects and maps ---- */

struct limiter {
	int64_t min_size;
	lpad_ints steps;
};
struct table {
	char padding[3];
	int32_t sampler;
	const char *label;
	struct limiter limiter;
};
struct replay {
	lpad_map tables, none;
	struct { struct limiter limiter; double every; } checkpoint;
};

static const lpad_param limiter_fields[] = {
	LPAD_INT(struct limiter, min_size, NULL, NULL, ""),
	LPAD_INTS(struct limiter, steps, "[]", NULL, ""),
	LPAD_END
};
static const lpad_param table_fields[] = {
	LPAD_CHOICE(struct table, sampler, "uniform", "uniform fifo", ""),
	LPAD_TEXT(struct table, label, "", ""),
	LPAD_OBJECT(struct table, limiter, limiter_fields, ""),
	LPAD_END
};
static const lpad_param checkpoint_fields[] = {
	LPAD_OBJECT(__typeof__(((struct replay *)0)->checkpoint), limiter, limiter_fields, ""),
	LPAD_DURATION(__typeof__(((struct replay *)0)->checkpoint), every, "1m", NULL, ""),
	LPAD_END
};
static const lpad_param replay_params[] = {
	LPAD_MAP(struct replay, tables, struct table, table_fields, ""),
	LPAD_MAP_OR(struct replay, none, struct table, "{}", table_fields, ""),
	LPAD_OBJECT(struct replay, checkpoint, checkpoint_fields, ""),
	LPAD_END
};
static const lpad_implementation replay = { .name = "replay", .state = sizeof(struct replay), .params = replay_params };

static int bind_text(const char *text, struct replay *state, struct bound *bound, struct error *error)
{
	json_t *json = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(json);
	int result = bind_state(&replay, json, state, bound, error);
	json_decref(json);
	return result;
}

START_TEST(objects_and_maps_arrive)
{
	struct replay state = { 0 };
	struct bound bound = { 0 };
	struct error error = { 0 };
	ck_assert_msg(!bind_text("{\"tables\": {"
		"\"z\": {\"sampler\": \"fifo\", \"label\": \"zed\", \"limiter\": {\"min_size\": 4, \"steps\": [1, 2]}},"
		"\"a\": {\"sampler\": \"uniform\", \"label\": \"\", \"limiter\": {\"min_size\": 5, \"steps\": []}}},"
		"\"none\": {}, \"checkpoint\": {\"limiter\": {\"min_size\": 6, \"steps\": [3]}, \"every\": 2.5}}",
		&state, &bound, &error), "%s", error.text);
	ck_assert_uint_eq(state.tables.count, 2);
	ck_assert_uint_eq((uintptr_t)state.tables.at % 64, 0);
	ck_assert_str_eq(state.tables.names[0], "z");
	ck_assert_str_eq(state.tables.names[1], "a");
	const struct table *tables = state.tables.at;
	ck_assert_int_eq(tables[0].sampler, 1);
	ck_assert_str_eq(tables[0].label, "zed");
	ck_assert_int_eq(tables[0].limiter.min_size, 4);
	ck_assert_int_eq(tables[0].limiter.steps.at[1], 2);
	ck_assert_int_eq(tables[1].sampler, 0);
	ck_assert_int_eq(tables[1].limiter.min_size, 5);
	ck_assert_uint_eq(state.none.count, 0);
	ck_assert_int_eq(state.checkpoint.limiter.min_size, 6);
	ck_assert_int_eq(state.checkpoint.limiter.steps.at[0], 3);
	ck_assert_double_eq(state.checkpoint.every, 2.5);
	bound_release(&bound);
}

static const struct { const char *values, *error; } bad_nested[] = {
	{ "{}", "params.tables: there is no value" },
	{ "{\"tables\": []}", "params.tables: the value is no map that fits" },
	{ "{\"tables\": {\"a\": 3}}", "params.tables.a: the value is no object that fits" },
	{ "{\"tables\": {\"a\": {\"sampler\": \"x\"}}}", "params.tables.a.sampler: the value is no choice that fits" },
	{ "{\"tables\": {\"a\": {\"sampler\": \"fifo\", \"label\": \"\", \"limiter\": {\"min_size\": 1.5}}}}",
		"params.tables.a.limiter.min_size: the value is no int that fits" },
	{ "{\"tables\": {}, \"none\": {}, \"checkpoint\": {\"limiter\": {\"min_size\": 1}}}",
		"params.checkpoint.limiter.steps: there is no value" },
};

START_TEST(nested_values_that_do_not_fit_are_named_by_their_path)
{
	struct replay state = { 0 };
	struct bound bound = { 0 };
	struct error error = { 0 };
	ck_assert_int_eq(bind_text(bad_nested[_i].values, &state, &bound, &error), -1);
	ck_assert_str_eq(error.text, bad_nested[_i].error);
	bound_release(&bound);
}

int main(void)
{
	TCase *all = tcase_create("state");
	tcase_add_test(all, every_type_arrives);
	tcase_add_test(all, another_type_is_refused);
	tcase_add_test(all, objects_and_maps_arrive);
	tcase_add_loop_test(all, nested_values_that_do_not_fit_are_named_by_their_path, 0,
		(int)(sizeof bad_nested / sizeof bad_nested[0]));
	Suite *suite = suite_create("state");
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
