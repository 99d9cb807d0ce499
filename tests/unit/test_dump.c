/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>

#include "base/dump.h"

static const struct {
	const char *given, *expected;
} rows[] = {
	{ "0.022810275", "0.022810275" },
	{ "0.1", "0.1" },
	{ "1e300", "1e+300" },
	{ "-0.5", "-0.5" },
	{ "3.0", "3.0" },
	{ "100000000000000000000.0", "1e+20" },
	{ "0.30000000000000004", "0.30000000000000004" },
	{ "123456789012345678", "123456789012345678" },
	{ "[1,0.1,\"0.10000000000000001 \\\" 0.10000000000000001\",true,null,{\"-1.10\":[]}]",
		"[1,0.1,\"0.10000000000000001 \\\" 0.10000000000000001\",true,null,{\"-1.10\":[]}]" },
};

START_TEST(is_short_and_the_same)
{
	json_t *value = json_loads(rows[_i].given, JSON_DECODE_ANY, NULL);
	ck_assert_ptr_nonnull(value);
	char *text = dump_json(value, JSON_COMPACT | JSON_ENCODE_ANY);
	ck_assert_str_eq(text, rows[_i].expected);
	json_t *again = json_loads(text, JSON_DECODE_ANY, NULL);
	ck_assert(json_equal(value, again));
	json_decref(value);
	json_decref(again);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dump");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, is_short_and_the_same, 0, sizeof rows / sizeof rows[0]);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
