/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "supervise/lines.h"

/* Pieces as one text: "<one>" whole, "<one~" not, "+" in front of what goes on. */
static void write_down(void *context, const struct piece *piece)
{
	struct text *out = context;
	text_add(out, piece->continued ? "+<" : "<");
	text_add_span(out, piece->at, piece->length);
	text_add(out, piece->whole ? ">" : "~");
}

static const struct {
	const char *in, *out;
} rows[] = {
	{ "", "" },
	{ "one\n", "<one>" },
	{ "one\ntwo\n", "<one><two>" },
	{ "\n\n", "<><>" },
	{ "one", "<one>" },
	{ "12345678\n", "<12345678>" },
	{ "12345678", "<12345678>" },
	{ "123456789\n", "<12345678~+<9>" },
	{ "123456789", "<12345678~+<9>" },
	{ "1234567890123456\nx\n", "<12345678~+<90123456><x>" },
	{ "12345678901234567", "<12345678~+<90123456~+<7>" },
};

/* However the bytes come, in two parts or one by one, the pieces are the same. */
START_TEST(are_cut_alike)
{
	const char *in = rows[_i].in;
	size_t length = strlen(in);
	for (size_t cut = 0; cut <= length + 1; cut++) {
		struct lines lines = { .longest = 8 };
		struct text out = { 0 };
		if (cut > length) {
			for (size_t i = 0; i < length; i++)
				lines_feed(&lines, in + i, 1, write_down, &out);
		} else {
			lines_feed(&lines, in, cut, write_down, &out);
			lines_feed(&lines, in + cut, length - cut, write_down, &out);
		}
		lines_end(&lines, write_down, &out);
		ck_assert_str_eq(text_string(&out), rows[_i].out);
		text_release(&out);
		lines_release(&lines);
	}
}
END_TEST

static void add_up(void *context, const struct piece *piece)
{
	size_t *sums = context;
	sums[0] += piece->length;
	sums[1]++;
	ck_assert_uint_le(piece->length, 65536);
}

START_TEST(lose_nothing_of_a_long_one)
{
	struct lines lines = { .longest = 65536 };
	size_t sums[2] = { 0, 0 }, size = 1000;
	char *block = calloc(1, size);
	memset(block, 'x', size);
	for (int i = 0; i < 10000; i++)
		lines_feed(&lines, block, size, add_up, sums);
	ck_assert_uint_lt(lines.part.room, 200000);
	lines_end(&lines, add_up, sums);
	ck_assert_uint_eq(sums[0], 10000 * size);
	ck_assert_uint_eq(sums[1], 10000 * size / 65536 + 1);
	lines_release(&lines);
	free(block);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lines");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, are_cut_alike, 0, sizeof rows / sizeof rows[0]);
	tcase_add_test(tcase, lose_nothing_of_a_long_one);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
