/* SPDX-License-Identifier: MIT */
#include "topology/interface.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct interface *read_text(const char *text, struct error *error)
{
	json_error_t where;
	json_t *json = json_loads(text, 0, &where);
	ck_assert_msg(json, "%s", where.text);
	struct interface *interface = interface_from_json(json, "/modules/x.so", "x.c", error);
	json_decref(json);
	return interface;
}

START_TEST(reads_every_member)
{
	struct error error = { 0 };
	struct interface *interface = read_text("{\"globals\": \"cache, n_calls\", \"implementations\": [{"
		"\"name\": \"worker\", \"help\": \"works\", \"has_check\": true, \"has_run\": true, \"service\": true, \"mirrors\": \"peers\","
		"\"params\": [{\"name\": \"k\", \"help\": \"sizes\", \"type\": \"list\", \"element\": \"int\","
		"  \"value\": \"1, 2\", \"range\": \"1..\"},"
		"  {\"name\": \"tables\", \"type\": \"map\", \"element\": \"object\","
		"   \"fields\": [{\"name\": \"size\", \"type\": \"size\"}]}],"
		"\"handles\": [{\"name\": \"peers\", \"many\": 3, \"calls\": [\"get\", \"put\"]}],"
		"\"methods\": [{\"name\": \"get\", \"inbox\": true, \"idempotent\": true, \"threads\": 4, \"queue\": 16,"
		"  \"batch\": 8, \"request\": \"x f32[*]\", \"reply\": \"y f32[*]\"}],"
		"\"topics\": [{\"name\": \"weights\", \"signature\": \"w f32[*]\"}],"
		"\"subscriptions\": [{\"name\": \"in\", \"keep\": -2, \"optional\": true, \"callback\": true}]"
		"}]}", &error);
	ck_assert_msg(interface, "%s", error.text);
	ck_assert_str_eq(interface->path, "/modules/x.so");
	ck_assert_str_eq(interface->shown, "x.c");
	ck_assert_str_eq(interface->globals, "cache, n_calls");
	const struct implementation_spec *spec = interface_find(interface, "worker");
	ck_assert(spec && spec->has_check && spec->has_run && spec->service);
	ck_assert_str_eq(spec->mirrors, "peers");
	const struct param_spec *param = implementation_param(spec, "k");
	ck_assert_str_eq(param->element, "int");
	ck_assert_str_eq(param->value, "1, 2");
	ck_assert_str_eq(implementation_param(spec, "tables")->fields.at[0].type, "size");
	const struct handle_spec *handle = implementation_handle(spec, "peers");
	ck_assert_int_eq(handle->many, 3);
	ck_assert_str_eq(handle->calls.at[1], "put");
	const struct method_spec *method = implementation_method(spec, "get");
	ck_assert(method->inbox && method->idempotent);
	ck_assert_int_eq(method->threads * 10000 + method->queue * 100 + method->batch, 41608);
	ck_assert_str_eq(method->reply, "y f32[*]");
	ck_assert_str_eq(implementation_topic(spec, "weights")->signature, "w f32[*]");
	ck_assert_int_eq(implementation_subscription(spec, "in")->keep, -2);
	ck_assert_ptr_null(implementation_topic(spec, "in"));
	ck_assert_ptr_null(interface_find(interface, "actor"));
	interface_free(interface);
}
END_TEST

START_TEST(null_and_missing_members_are_empty)
{
	struct error error = { 0 };
	struct interface *interface = read_text("{\"globals\": null, \"implementations\": [{\"name\": \"hello\","
		"\"help\": null, \"params\": null, \"later\": 1}]}", &error);
	ck_assert_msg(interface, "%s", error.text);
	ck_assert_ptr_null(interface->globals);
	ck_assert_uint_eq(interface->implementations.at[0].params.count, 0);
	ck_assert(!interface->implementations.at[0].has_run);
	interface_free(interface);
}
END_TEST

static const struct { const char *json, *error; } broken[] = {
	{ "[]", "x.c: it offers no implementation" },
	{ "{\"implementations\": []}", "x.c: it offers no implementation" },
	{ "{\"implementations\": 7}", "x.c: `implementations` is no list" },
	{ "{\"globals\": 7, \"implementations\": [{\"name\": \"a\"}]}", "x.c: `globals` is no text" },
	{ "{\"implementations\": [7]}", "x.c: an entry is no object" },
	{ "{\"implementations\": [{\"name\": \"\"}]}", "x.c: an entry has no name" },
	{ "{\"implementations\": [{\"name\": \"a\", \"params\": [{\"name\": \"k\", \"type\": \"number\"}]}]}",
	  "x.c: implementation `a`: parameter `k`: unknown type `number`" },
	{ "{\"implementations\": [{\"name\": \"a\", \"params\": [{\"name\": \"k\", \"type\": \"list\"}]}]}",
	  "x.c: implementation `a`: parameter `k`: unknown type of elements ``" },
	{ "{\"implementations\": [{\"name\": \"a\", \"handles\": [{\"name\": \"h\"}]}]}",
	  "x.c: implementation `a`: handle `h` does not say how many servers it takes" },
	{ "{\"implementations\": [{\"name\": \"a\", \"handles\": [{\"name\": \"h\", \"many\": 4}]}]}",
	  "x.c: implementation `a`: handle `h`: `many` is no number from 1 to 3" },
	{ "{\"implementations\": [{\"name\": \"a\", \"handles\": [{\"name\": \"h\", \"many\": 1, \"calls\": [1]}]}]}",
	  "x.c: implementation `a`: handle `h`: `calls` holds something that is no text" },
	{ "{\"implementations\": [{\"name\": \"a\", \"methods\": [{\"name\": \"m\", \"threads\": -1}]}]}",
	  "x.c: implementation `a`: method `m`: `threads` is no number from 0 to 2147483647" },
	{ "{\"implementations\": [{\"name\": \"a\", \"topics\": [{\"name\": \"t\", \"help\": []}]}]}",
	  "x.c: implementation `a`: topic `t`: `help` is no text" },
	{ "{\"implementations\": [{\"name\": \"a\", \"subscriptions\": [{\"name\": \"s\"}]}]}",
	  "x.c: implementation `a`: subscription `s` does not say what it keeps: LPAD_LATEST, LPAD_ALL or a number" },
};

START_TEST(says_what_is_wrong_and_where)
{
	struct error error = { 0 };
	struct interface *interface = read_text(broken[_i].json, &error);
	ck_assert_ptr_null(interface);
	ck_assert_str_eq(error.text, broken[_i].error);
}
END_TEST

START_TEST(fields_end)
{
	struct error error = { 0 };
	json_t *param = json_pack("{s:s, s:s}", "name", "p", "type", "int");
	for (int i = 0; i < 30; i++)
		param = json_pack("{s:s, s:s, s:[o]}", "name", "p", "type", "object", "fields", param);
	json_t *json = json_pack("{s:[{s:s, s:[o]}]}", "implementations", "name", "a", "params", param);
	ck_assert_ptr_null(interface_from_json(json, "/x", "x.c", &error));
	ck_assert_ptr_nonnull(strstr(error.text, "is nested more than 8 deep"));
	json_decref(json);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("interface");
	TCase *cases = tcase_create("interface");
	tcase_add_test(cases, reads_every_member);
	tcase_add_test(cases, null_and_missing_members_are_empty);
	tcase_add_loop_test(cases, says_what_is_wrong_and_where, 0, sizeof broken / sizeof broken[0]);
	tcase_add_test(cases, fields_end);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
