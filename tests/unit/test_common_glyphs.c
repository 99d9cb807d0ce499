/* SPDX-License-Identifier: MIT */
#include "common/glyphs.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* The sums and pixels that an implementation in another language gave. */
START_TEST(test_the_same_everywhere)
{
	struct glyphs *glyphs = glyphs_new();
	ck_assert_ptr_nonnull(glyphs);
	double sum = 0, weighted = 0;
	for (int i = 0; i < GLYPHS; i++)
		for (int d = 0; d < GLYPH_PIXELS; d++) {
			sum += glyphs->x[i][d];
			weighted += (i * 100 + d) % 97 * (double)glyphs->x[i][d];
		}
	ck_assert_double_eq_tol(sum, 140040.41564564008, 0.01);
	ck_assert_double_eq_tol(weighted, 6721213.384179937, 0.5);
	ck_assert_float_eq_tol(glyphs->x[0][14], 0.19278103913820416f, 1e-6f);
	ck_assert_float_eq_tol(glyphs->x[0][99], 0.2800198063796216f, 1e-6f);
	ck_assert_float_eq_tol(glyphs->x[5999][44], 0.8877224307316258f, 1e-6f);
	ck_assert_float_eq_tol(glyphs->x[7999][55], 0.92164586675553f, 1e-6f);
	free(glyphs);
}
END_TEST

START_TEST(test_twice_the_same)
{
	struct glyphs *one = glyphs_new(), *two = glyphs_new();
	ck_assert_int_eq(memcmp(one, two, sizeof *one), 0);
	free(one);
	free(two);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("glyphs");
	TCase *tests = tcase_create("glyphs");
	tcase_add_test(tests, test_the_same_everywhere);
	tcase_add_test(tests, test_twice_the_same);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
