/* SPDX-License-Identifier: MIT */
#include "supervise/globals.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/memory.h"

/* A random cut or changed byte of a real shared object must not be read beyond its end. */
START_TEST(damaged_files)
{
	struct text cleanup_text good = { 0 };
	const char *self = "/proc/self/exe";
	ck_assert_int_eq(files_read(self, &good, 0, NULL), 0);
	free(globals_of(self));
	unsigned seed = 1;
	for (int i = 0; i < 200; i++) {
		seed = seed * 1103515245u + 12345u;
		size_t length = i % 2 ? good.length : seed % good.length;
		char *cleanup_free copy = memory_copy_span(good.data, length ? length : 1);
		for (int k = 0; k < 20; k++) {
			seed = seed * 1103515245u + 12345u;
			copy[(seed >> 8) % (i % 3 && length > 64 ? 64 : length ? length : 1)] ^= (char)(seed >> 3);
		}
		ck_assert_int_eq(files_replace("damaged", copy, length, 0600, NULL), 0);
		free(globals_of("damaged"));
	}
	ck_assert_ptr_null(globals_of("nowhere"));
	ck_assert_ptr_null(globals_of("/"));
	ck_assert_int_eq(files_replace("empty", "", 0, 0600, NULL), 0);
	ck_assert_ptr_null(globals_of("empty"));
	ck_assert_int_eq(files_replace("text", "int a;\n", 7, 0600, NULL), 0);
	ck_assert_ptr_null(globals_of("text"));
}

int main(void)
{
	TCase *all = tcase_create("globals");
	tcase_set_timeout(all, 120);
	tcase_add_test(all, damaged_files);
	Suite *suite = suite_create("globals");
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
