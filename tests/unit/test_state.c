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

int main(void)
{
	TCase *all = tcase_create("state");
	tcase_add_test(all, every_type_arrives);
	tcase_add_test(all, another_type_is_refused);
	Suite *suite = suite_create("state");
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
