/* SPDX-License-Identifier: MIT */
#include "base/signature.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* ---- reading and writing ---- */

static const struct { const char *text, *printed; } good[] = {
	{ "", "" }, { "  \t", "" }, { NULL, "" },
	{ "json", "json" }, { " json ", "json" },
	{ "bytes", "bytes" }, { "bytes[16]", "bytes[16]" }, { "bytes [ 16 ]", "bytes[16]" }, { "bytes[*]", "bytes" },
	{ "bytes[0]", "bytes[0]" },
	{ "obs f32[*,4], action i64[*]", "obs f32[*,4], action i64[*]" },
	{ "obs f32[ * , 4 ],action i64 [*] ", "obs f32[*,4], action i64[*]" },
	{ "step i64", "step i64" }, { "step i64[]", "step i64" },
	{ "json f32[2]", "json f32[2]" }, { "bytes u8, json u8", "bytes u8, json u8" },
	{ "layers.0.weight bf16[128,64]", "layers.0.weight bf16[128,64]" },
	{ "größe f64[0]", "größe f64[0]" },
	{ "x u8[1,2,3,4,5,6,7,8]", "x u8[1,2,3,4,5,6,7,8]" },
	{ "a bool, b u8, c i8, d u16, e i16, f f16, g bf16, h u32, i i32, j f32, k u64, l i64, m f64",
		"a bool, b u8, c i8, d u16, e i16, f f16, g bf16, h u32, i i32, j f32, k u64, l i64, m f64" },
	{ "x f32[9223372036854775807]", "x f32[9223372036854775807]" },
};

START_TEST(reads_what_may_be_written)
{
	struct signature signature;
	struct error error = { 0 };
	ck_assert_msg(!signature_parse(good[_i].text, &signature, &error), "%s: %s", good[_i].text, error.text);
	char *printed = signature_print(&signature);
	ck_assert_str_eq(printed, good[_i].printed);
	signature_release(&signature);
	/* What is printed is read as the same again. */
	ck_assert_int_eq(signature_parse(printed, &signature, &error), 0);
	char *again = signature_print(&signature);
	ck_assert_str_eq(again, printed);
	free(again);
	free(printed);
	signature_release(&signature);
}
END_TEST

static const struct { const char *text, *error; } bad[] = {
	{ "obs", "`obs` has no type: \"obs f32[...]\" (at character 4)" },
	{ "obs f32[*,4], action", "`action` has no type: \"action f32[...]\" (at character 21)" },
	{ "f32[3]", "the tensor of type f32 has no name: \"NAME f32[...]\" (at character 4)" },
	{ "obs[3]", "`obs` has no type: \"obs f32[...]\" (at character 4)" },
	{ "obs float32[3]", "`float32` is no type: did you mean f32? (at character 5)" },
	{ "größe double", "`double` is no type: did you mean f64? (at character 7)" },
	{ "obs f33", "`f33` is no type; there are bool u8 i8 u16 i16 f16 bf16 u32 i32 f32 u64 i64 f64 (at character 5)" },
	{ "obs f32[", "an extent is a number or * (at character 9)" },
	{ "obs f32[3", "`,` or `]` is missing (at character 10)" },
	{ "obs f32[3,]", "an extent is a number or * (at character 11)" },
	{ "obs f32[-1]", "an extent is a number or * (at character 9)" },
	{ "obs f32[n]", "an extent is a number or * (at character 9)" },
	{ "obs f32[3 4]", "`,` or `]` is missing (at character 11)" },
	{ "obs f32[9223372036854775808]", "the extent is too large (at character 9)" },
	{ "x u8[1,1,1,1,1,1,1,1,1]", "`x` has more than 8 extents (at character 22)" },
	{ "obs f32 action i64", "a comma stands between tensors, not `action i64` (at character 9)" },
	{ "obs f32,", "a tensor's name is missing (at character 9)" },
	{ ",", "a tensor's name is missing (at character 1)" },
	{ "a f32, a f64", "two tensors are named `a` (at character 8)" },
	{ "json[3]", "nothing may follow, but there is `[3]` (at character 5)" },
	{ "json, x f32", "`json` has no type: \"json f32[...]\" (at character 5)" },
	{ "bytes[", "an extent is a number or * (at character 7)" },
	{ "bytes[3", "`]` is missing (at character 8)" },
	{ "bytes[3] x", "nothing may follow, but there is `x` (at character 10)" },
};

START_TEST(says_what_is_wrong_and_where)
{
	struct signature signature;
	struct error error = { 0 };
	ck_assert_msg(signature_parse(bad[_i].text, &signature, &error), "%s", bad[_i].text);
	ck_assert_str_eq(error.text, bad[_i].error);
	ck_assert_int_eq(signature.kind, SIGNATURE_ANY);
	ck_assert_ptr_null(signature.names);
}
END_TEST

/* ---- comparing ---- */

static const struct { const char *sent, *expected, *difference; } pairs[] = {
	{ "", "json", NULL }, { "bytes[3]", "", NULL }, { "json", "json", NULL },
	{ "bytes", "bytes[3]", NULL }, { "bytes[3]", "bytes", NULL }, { "bytes[3]", "bytes[3]", NULL },
	{ "bytes[3]", "bytes[4]", "3 bytes are not 4" },
	{ "json", "bytes", "json sent, bytes expected" }, { "w f32[10]", "json", "tensors sent, json expected" },
	{ "w f32[10]", "w f32[10]", NULL }, { "w f32[*]", "w f32[10]", NULL }, { "w f32[10]", "w f32[*]", NULL },
	{ "w f32[10]", "w f32[20]", "`w f32[10]` is not `w f32[20]`" },
	{ "w f32[10]", "w f64[10]", "`w f32[10]` is not `w f64[10]`" },
	{ "w f32[10]", "w f32[10,1]", "`w f32[10]` is not `w f32[10,1]`" },
	{ "w f32", "w f32[*]", "`w f32` is not `w f32[*]`" },
	{ "a u8, b u8", "b u8, a u8", NULL },
	{ "a u8, b u8", "a u8", "`b` is sent, but not expected" },
	{ "a u8", "a u8, b u8", "`b` is expected, but not sent" },
	{ "a u8, b u8[*,3]", "b u8[4,*], a u8", NULL },
};

START_TEST(compares_two)
{
	struct signature sent, expected;
	ck_assert_int_eq(signature_parse(pairs[_i].sent, &sent, NULL), 0);
	ck_assert_int_eq(signature_parse(pairs[_i].expected, &expected, NULL), 0);
	char *difference = signature_difference(&sent, &expected);
	ck_assert_pstr_eq(difference, pairs[_i].difference);
	free(difference);
	/* What fits one way fits the other way round. */
	difference = signature_difference(&expected, &sent);
	ck_assert_int_eq(!difference, !pairs[_i].difference);
	free(difference);
	signature_release(&sent);
	signature_release(&expected);
}
END_TEST

/* ---- messages ---- */

#define TENSORS(...) { .kind = SIGNATURE_TENSORS, .tensors = (const struct signature_tensor[]){ __VA_ARGS__ }, \
	.count = sizeof((const struct signature_tensor[]){ __VA_ARGS__ }) / sizeof(struct signature_tensor) }

static const struct { const char *signature; struct signature_content content; const char *wrong; } messages[] = {
	{ "", { .kind = SIGNATURE_JSON }, NULL },
	{ "json", { .kind = SIGNATURE_JSON }, NULL },
	{ "json", { .kind = SIGNATURE_BYTES, .size = 12 }, "12 bytes where `json` is expected" },
	{ "json", TENSORS({ "a", "u8", 0, { 0 } }), "tensors where `json` is expected" },
	{ "a u8", { .kind = SIGNATURE_JSON }, "json where `a u8` is expected" },
	{ "bytes", { .kind = SIGNATURE_BYTES, .size = 12 }, NULL },
	{ "bytes[12]", { .kind = SIGNATURE_BYTES, .size = 12 }, NULL },
	{ "bytes[16]", { .kind = SIGNATURE_BYTES, .size = 12 }, "12 bytes where `bytes[16]` is expected" },
	{ "obs f32[*,4]", TENSORS({ "obs", "f32", 2, { 8, 4 } }), NULL },
	{ "obs f32[*,4]", TENSORS({ "obs", "f32", 2, { 8, 5 } }), "`obs f32[8,5]` where `obs f32[*,4]` is expected" },
	{ "obs f32[*,4]", TENSORS({ "obs", "f64", 2, { 8, 4 } }), "`obs f64[8,4]` where `obs f32[*,4]` is expected" },
	{ "obs f32[*,4]", TENSORS({ "obs", "f32", 1, { 4 } }), "`obs f32[4]` where `obs f32[*,4]` is expected" },
	{ "obs f32[*,4], action i64[*]", TENSORS({ "action", "i64", 1, { 2 } }, { "obs", "f32", 2, { 2, 4 } }), NULL },
	{ "obs f32[*,4], action i64[*]", TENSORS({ "action", "i64", 1, { 2 } }),
		"no tensor `obs`; expected `obs f32[*,4], action i64[*]`" },
	{ "obs f32", TENSORS({ "obs", "f32", 0, { 0 } }, { "extra\n", "u8", 0, { 0 } }),
		"a tensor `extra?` too many; expected `obs f32`" },
	{ "obs f32", { .kind = SIGNATURE_TENSORS }, "no tensor `obs`; expected `obs f32`" },
};

START_TEST(a_message_fits_or_a_sentence_says_why_not)
{
	struct signature signature;
	ck_assert_int_eq(signature_parse(messages[_i].signature, &signature, NULL), 0);
	char *wrong = signature_mismatch(&signature, &messages[_i].content);
	ck_assert_pstr_eq(wrong, messages[_i].wrong);
	free(wrong);
	signature_release(&signature);
}
END_TEST

START_TEST(a_long_foreign_name_is_cut_between_characters)
{
	struct signature signature;
	struct text name = { 0 };
	text_add(&name, "x");
	for (int i = 0; i < 200; i++)
		text_add(&name, "ö");
	struct signature_content content = TENSORS({ "obs", "f32", 0, { 0 } }, { name.data, "u8", 0, { 0 } });
	ck_assert_int_eq(signature_parse("obs f32", &signature, NULL), 0);
	char *wrong = signature_mismatch(&signature, &content);
	ck_assert_ptr_nonnull(strstr(wrong, "öö...` too many"));
	free(wrong);
	signature_release(&signature);
	text_release(&name);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

int main(void)
{
	Suite *suite = suite_create("signature");
	TCase *all = tcase_create("all");
	tcase_add_loop_test(all, reads_what_may_be_written, 0, COUNT(good));
	tcase_add_loop_test(all, says_what_is_wrong_and_where, 0, COUNT(bad));
	tcase_add_loop_test(all, compares_two, 0, COUNT(pairs));
	tcase_add_loop_test(all, a_message_fits_or_a_sentence_says_why_not, 0, COUNT(messages));
	tcase_add_test(all, a_long_foreign_name_is_cut_between_characters);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
