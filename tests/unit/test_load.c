/* SPDX-License-Identifier: MIT */
/* lib/node/load.c and describe.c, on modules compiled here from tests/nodes. */
#include "node/load.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "node/describe.h"

/* Compiles tests/nodes/NAME.c into this folder. Caller frees. */
static char *compiled(const char *name)
{
	const char *compiler = getenv("CC"), *tests = getenv("TESTS") ? getenv("TESTS") : "tests";
	char *cleanup_free folder = getcwd(NULL, 0);
	char *object = memory_format("%s/%s.so", folder, name);
	char *cleanup_free command = memory_format("%s -std=gnu11 -fPIC -shared %s -I'%s/../lib/include' -o '%s' "
		"'%s/nodes/%s.c'", compiler ? compiler : "cc", LPAD_SANITIZE, tests, object, tests, name);
	ck_assert_msg(system(command) == 0, "%s", command);
	return object;
}

START_TEST(refusals)
{
	static const struct { const char *name, *sentence; } rows[] = {
		{ "no_symbol", "it exports no lpad_module" },
		{ "wrong_abi", "it was compiled for version 2 of the node contract" },
		{ "short_table", "its table has 12 bytes" },
		{ "bad_rows", "its table says that one param has 3 bytes" },
		{ "bad_declarations", "handle `server` is declared twice" },
		{ "endless", "parameter `a` is nested more than 8 deep" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct error error = { 0 };
		char *cleanup_free object = compiled(rows[i].name);
		ck_assert_ptr_null(module_load(object, NULL, &error));
		ck_assert_msg(strstr(error.text, rows[i].sentence) != NULL, "%s", error.text);
	}
	struct error error = { 0 };
	ck_assert_ptr_null(module_load("/nowhere/at/all.so", NULL, &error));
	ck_assert_msg(strstr(error.text, "No such file") != NULL, "%s", error.text);
}

START_TEST(shorter_rows_are_filled_up)
{
	struct error error = { 0 };
	char *cleanup_free object = compiled("short_rows");
	struct module *module = module_load(object, NULL, &error);
	ck_assert_msg(module != NULL, "%s", error.text);
	ck_assert_uint_eq(module_count(module), 2);
	const lpad_implementation *early = module_find(module, "early");
	ck_assert_ptr_eq(early, module_at(module, 0));
	ck_assert_str_eq(module_at(module, 1)->name, "late");
	ck_assert(!early->service);
	ck_assert_ptr_nonnull(early->run);
	ck_assert_str_eq(early->params[0].name, "first");
	ck_assert_str_eq(early->params[1].name, "second");
	ck_assert_uint_eq(early->params[1].into, sizeof(int64_t));
	ck_assert_ptr_null(early->params[1].fields);
	ck_assert_ptr_null(early->params[2].name);
	ck_assert_ptr_null(early->methods);
	ck_assert_ptr_null(module_find(module, "later"));
	module_free(module);
}

START_TEST(objects_lie_in_objects)
{
	struct error error = { 0 };
	char *cleanup_free object = compiled("nested_rows");
	struct module *module = module_load(object, NULL, &error);
	ck_assert_msg(module != NULL, "%s", error.text);
	json_t *json = describe_module(module), *param;
	param = json_object_get(json_array_get(json_object_get(json, "implementations"), 0), "params");
	for (int i = 0; i < 8; i++) {
		ck_assert_str_eq(json_string_value(json_object_get(json_array_get(param, 0), "type")), "object");
		param = json_object_get(json_array_get(param, 0), "fields");
	}
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(param, 0), "name")), "n");
	json_decref(json);
	module_free(module);
}

START_TEST(a_description_says_all)
{
	struct error error = { 0 };
	char *cleanup_free object = compiled("check_callback");
	struct module *module = module_load(object, NULL, &error);
	ck_assert_msg(module != NULL, "%s", error.text);
	json_t *json = describe_module(module);
	json_t *wanted = json_loads(
		"{\"implementations\": [{\"name\": \"node\", \"has_check\": true, \"has_run\": true, \"service\": false,"
		" \"params\": [{\"name\": \"rows\", \"help\": \"rows\", \"type\": \"int\", \"value\": \"12\", \"range\": \"1..\"},"
		" {\"name\": \"parts\", \"help\": \"parts\", \"type\": \"int\", \"value\": \"3\", \"range\": \"1..\"},"
		" {\"name\": \"mode\", \"help\": \"what check does\", \"type\": \"choice\", \"value\": \"complain\","
		" \"range\": \"complain crash hang call plain\"}],"
		" \"handles\": [{\"name\": \"server\", \"help\": \"a server\", \"many\": 3, \"calls\": [\"work\"]}],"
		" \"methods\": [], \"topics\": [], \"subscriptions\": []},"
		" {\"name\": \"server\", \"has_check\": false, \"has_run\": false, \"service\": false, \"params\": [],"
		" \"handles\": [], \"methods\": [{\"name\": \"work\", \"help\": \"does nothing\", \"inbox\": false,"
		" \"idempotent\": false, \"threads\": 0, \"queue\": 0, \"batch\": 0}], \"topics\": [],"
		" \"subscriptions\": []}]}", 0, NULL);
	char *cleanup_free text = json_dumps(json, JSON_SORT_KEYS);
	ck_assert_ptr_nonnull(wanted);
	ck_assert_msg(json_equal(json, wanted), "%s", text);
	json_decref(wanted);
	json_decref(json);
	module_free(module);
}

int main(void)
{
	TCase *all = tcase_create("load");
	tcase_set_timeout(all, 120);
	tcase_add_test(all, refusals);
	tcase_add_test(all, shorter_rows_are_filled_up);
	tcase_add_test(all, objects_lie_in_objects);
	tcase_add_test(all, a_description_says_all);
	Suite *suite = suite_create("load");
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
