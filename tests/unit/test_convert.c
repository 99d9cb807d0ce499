/* SPDX-License-Identifier: MIT */
/* Messages from JSON and to JSON, every type both ways. */
#include "link/message_convert.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "link/element.h"

/* ---- both ways ---- */

static const struct { const char *signature, *text, *printed; } whole[] = {
	{ "x bool[*]", "{\"x\": [true, false, 1, 0]}", "{\"x\": [true, false, true, false]}" },
	{ "x u8[*]", "{\"x\": [0, 255, 3.0, 1e2]}", "{\"x\": [0, 255, 3, 100]}" },
	{ "x i8[*]", "{\"x\": [-128, 127, -0]}", "{\"x\": [-128, 127, 0]}" },
	{ "x u16[*]", "{\"x\": [0, 65535]}", "{\"x\": [0, 65535]}" },
	{ "x i16[*]", "{\"x\": [-32768, 32767, -1]}", "{\"x\": [-32768, 32767, -1]}" },
	{ "x u32[*]", "{\"x\": [0, 4294967295]}", "{\"x\": [0, 4294967295]}" },
	{ "x i32[*]", "{\"x\": [-2147483648, 2147483647]}", "{\"x\": [-2147483648, 2147483647]}" },
	{ "x u64[*]", "{\"x\": [18446744073709551615, 9223372036854775808, 7]}", "{\"x\": [18446744073709551615, 9223372036854775808, 7]}" },
	{ "x i64[*]", "{\"x\": [-9223372036854775808, 9223372036854775807, 9007199254740993]}",
		"{\"x\": [-9223372036854775808, 9223372036854775807, 9007199254740993]}" },
	{ "x f16[*]", "{\"x\": [0.1, 65504, -1, 6e-8, 0, -0.0, 1e-30, \"NaN\", \"Infinity\", \"-inf\"]}",
		"{\"x\": [0.1, 65504, -1, 6e-08, 0, -0, 0, \"NaN\", \"Infinity\", \"-Infinity\"]}" },
	{ "x bf16[*]", "{\"x\": [0.1, 3e38, -2, 1e-40, \"nan\", \"inf\"]}", "{\"x\": [0.1, 3e+38, -2, 9e-41, \"NaN\", \"Infinity\"]}" },
	{ "x f32[*]", "{\"x\": [0.1, 16777217, 3.4028235e38, 1e-45, \"NaN\"]}",
		"{\"x\": [0.1, 16777216, 3.4028235e+38, 1.4013e-45, \"NaN\"]}" },
	{ "x f64[*]", "{\"x\": [0.1, 0.30000000000000004, 1e308, -0.0, \"-Infinity\"]}",
		"{\"x\": [0.1, 0.30000000000000004, 1e+308, -0, \"-Infinity\"]}" },
	{ "step i64, loss f32[]", " { \"loss\" : 0.5 , \"step\" : 3 } ", "{\"step\": 3, \"loss\": 0.5}" },
	{ "obs f32[*,2], action i64[*]", "{\"action\":[7],\"obs\":[[1,2],\n[3,4],[5,6]]}", "{\"obs\": [[1, 2], [3, 4], [5, 6]], \"action\": [7]}" },
	{ "x u8[2,*,2]", "{\"x\": [[[1,2],[3,4],[5,6]],[[7,8],[9,10],[11,12]]]}",
		"{\"x\": [[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12]]]}" },
	{ "x f32[*,4]", "{\"x\": []}", "{\"x\": []}" },
	{ "x f32[*,*]", "{\"x\": [[], []]}", "{\"x\": [[], []]}" },
	{ "größe u8, \xe2\x82\xac u8", "{\"gr\\u00f6\\u00dfe\": 1, \"\xe2\x82\xac\": 2}", "{\"größe\": 1, \"\xe2\x82\xac\": 2}" },
	{ "x u8", "{\"__metadata__\": {\"from\": \"a \\\"test\\\"\"}, \"x\": 1}", "{\"x\": 1, \"__metadata__\": {\"from\": \"a \\\"test\\\"\"}}" },
	{ "bytes", "{\"bytes\": \"aGVsbG8=\"}", "{\"bytes\": \"aGVsbG8=\"}" },
	{ "bytes", "{\"bytes\": \"aGVsbA==\"}", "{\"bytes\": \"aGVsbA==\"}" },
	{ "bytes[3]", "{\"bytes\": \"+/8A\"}", "{\"bytes\": \"+/8A\"}" },
	{ "bytes", "{\"bytes\": \"\"}", "null" }, { "bytes", "null", "null" }, { "bytes[0]", "null", "null" },
	{ "", "{\"obs\": [1, 2.50]}", "{\"obs\": [1, 2.50]}" }, { NULL, " 5", " 5" }, { "json", "null", "null" },
};

START_TEST(what_is_read_is_printed_again)
{
	struct error error = { 0 };
	lpad_message *message = message_from_json(whole[_i].text, whole[_i].signature, &error);
	ck_assert_msg(message, "%s: %s", whole[_i].text, error.text);
	char *printed = message_to_json(message, &error);
	ck_assert_str_eq(printed, whole[_i].printed);
	message_free(message);
	message = message_from_json(printed, whole[_i].signature, &error);
	ck_assert_msg(message, "%s: %s", printed, error.text);
	char *again = message_to_json(message, &error);
	ck_assert_str_eq(again, printed);
	message_free(message);
	free(printed);
	free(again);
}
END_TEST

START_TEST(tensors_have_the_declared_types)
{
	struct error error = { 0 };
	lpad_message *message = message_from_json("{\"obs\": [[1, 2], [3, 4.5]], \"action\": [-7]}", "obs f32[*,2], action i64[*]", &error);
	ck_assert_msg(message, "%s", error.text);
	const float *obs = message_view(message, "obs", LPAD_F32, 2, (int64_t[]){ 2, 2 });
	const int64_t *action = message_view(message, "action", LPAD_I64, 1, (int64_t[]){ 1 });
	ck_assert_float_eq(obs[3], 4.5f);
	ck_assert_int_eq(action[0], -7);
	ck_assert_ptr_nonnull(message_data(message, "obs"));    /* one's own, still to be written */
	message_free(message);
}
END_TEST

START_TEST(bytes_are_the_bytes)
{
	struct error error = { 0 };
	lpad_message *message = message_from_json("{\"bytes\": \"aGVsbG8=\"}", "bytes[5]", &error);
	ck_assert_msg(message, "%s", error.text);
	ck_assert_mem_eq(message_body(message, 5), "hello", 5);
	message_free(message);
}
END_TEST

/* ---- what cannot be ---- */

static const struct { const char *signature, *text, *error; } bad[] = {
	{ "x i8[*]", "{\"x\": [1, 300]}", "x[1]: 300 is no i8: -128 to 127" },
	{ "x i8[*,2]", "{\"x\": [[1, 2], [3, -129]]}", "x[1][1]: -129 is no i8: -128 to 127" },
	{ "x u8", "{\"x\": -1}", "x: -1 is no u8: 0 to 255" },
	{ "x u16", "{\"x\": 65536}", "x: 65536 is no u16: 0 to 65535" },
	{ "x u32", "{\"x\": 1e10}", "x: 1e10 is no u32: 0 to 4294967295" },
	{ "x i32", "{\"x\": 2147483648}", "x: 2147483648 is no i32: -2147483648 to 2147483647" },
	{ "x u64", "{\"x\": 18446744073709551616}", "x: 18446744073709551616 is no u64: 0 to 18446744073709551615" },
	{ "x i64", "{\"x\": 9223372036854775808}",
		"x: 9223372036854775808 is no i64: -9223372036854775808 to 9223372036854775807" },
	{ "x i64", "{\"x\": -9223372036854775809}",
		"x: -9223372036854775809 is no i64: -9223372036854775808 to 9223372036854775807" },
	{ "x i64", "{\"x\": 1.5}", "x: 1.5 is no whole number" },
	{ "x i64", "{\"x\": true}", "x: true is no whole number" },
	{ "x i64", "{\"x\": \"7\"}", "x: \"7\" is no whole number" },
	{ "x bool", "{\"x\": 2}", "x: 2 is no bool: 0 to 1" },
	{ "x bool", "{\"x\": null}", "x: null is no bool: true or false" },
	{ "x f32", "{\"x\": null}", "x: null is no number: \"NaN\" is" },
	{ "x f32", "{\"x\": \"7\"}", "x: \"7\" is no number" },
	{ "x f32", "{\"x\": \"wrong\\n\"}", "x: \"wrong?\" is no number" },
	{ "x f32", "{\"x\": true}", "x: true is no number" },
	{ "x f16", "{\"x\": 65520}", "x: 65520 is beyond the range of f16" },
	{ "x bf16", "{\"x\": -3.4e38}", "x: -3.4e38 is beyond the range of bf16" },
	{ "x f32", "{\"x\": 1e39}", "x: 1e39 is beyond the range of f32" },
	{ "x f64", "{\"x\": -1e999}", "x: -1e999 is beyond the range of f64" },
	{ "x f32[*,4]", "{\"x\": [[1,2,3,4],[1,2,3]]}", "x[1]: 3 items where 4 are expected" },
	{ "x f32[*,4]", "{\"x\": [[1]]}", "x[0]: 1 item where 4 are expected" },
	{ "x f32[*,*]", "{\"x\": [[1,2],[]]}", "x[1]: 0 items where 2 are expected" },
	{ "x f32[2]", "{\"x\": []}", "x: 0 items where 2 are expected" },
	{ "x f32[1000000000000]", "{\"x\": [1]}", "x: 1 item where 1000000000000 are expected" },
	{ "x f32[*]", "{\"x\": 5}", "x: one value where a list is expected" },
	{ "x f32[*,*]", "{\"x\": [5]}", "x[0]: one value where a list is expected" },
	{ "x f32[*,*]", "{\"x\": [[5], {\"a\": 1}]}", "x[1]: a map where a list is expected" },
	{ "x f32", "{\"x\": [5]}", "x: a list where a number is expected" },
	{ "x f32[*]", "{\"x\": [5, [6]]}", "x[1]: a list where a number is expected" },
	{ "x f32", "{\"y\": 5}", "there is no tensor `y`; expected `x f32`" },
	{ "observation f32", "{\"observaton\": 5}", "there is no tensor `observaton`: did you mean `observation`?" },
	{ "x f32, y i64", "{\"x\": 5}", "`y` is missing; expected `x f32, y i64`" },
	{ "x f32", "{\"x\": 5, \"x\": 5}", "`x` is given twice" },
	{ "x f32", "[5]", "a list where a map of tensors is expected: `x f32`" },
	{ "x f32", "", "nothing where a map of tensors is expected: `x f32`" },
	{ "x f32", NULL, "nothing where a map of tensors is expected: `x f32`" },
	{ "x f32", "{\"x\": 5", "not JSON, at byte 8: `,` or `}` is expected" },
	{ "x f32", "{\"x\": 5} 6", "not JSON, at byte 10: something follows the map" },
	{ "x f32", "{\"x\" 5}", "not JSON, at byte 6: `:` is expected" },
	{ "x f32", "{x: 5}", "not JSON, at byte 2: a name in quotes is expected" },
	{ "x f32", "{\"x\": 5,}", "not JSON, at byte 9: a name in quotes is expected" },
	{ "x f32", "{\"x\": }", "not JSON, at byte 8: `,` or `}` is expected" },
	{ "x f32", "{\"x\": 05}", "not JSON, at byte 7: a value is expected" },
	{ "x f32", "{\"x\": .5}", "not JSON, at byte 7: a value is expected" },
	{ "x f32", "{\"x\": 5.}", "not JSON, at byte 7: a value is expected" },
	{ "x f32", "{\"x\": 1e}", "not JSON, at byte 7: a value is expected" },
	{ "x f32", "{\"x\": nan}", "not JSON, at byte 7: a value is expected" },
	{ "x f32[*]", "{\"x\": [1 2]}", "not JSON, at byte 10: `,` or `]` is expected" },
	{ "x f32[*]", "{\"x\": [1,]}", "not JSON, at byte 10: a value is expected" },
	{ "x f32[*]", "{\"x\": [1", "not JSON, at byte 9: it ends here" },
	{ "x f32[*]", "{\"x\": [\"a", "not JSON, at byte 10: a string has no end" },
	{ "x f32", "{\"\\u12\": 5}", "not JSON, at byte 8: invalid escape near " },
	{ "x u8", "{\"__metadata__\": 5, \"x\": 1}", "__metadata__ is no map of texts" },
	{ "x u8", "{\"__metadata__\": {\"a\": 5}, \"x\": 1}", "__metadata__: metadata needs a key and a value in UTF-8" },
	{ "bytes", "\"aGVsbG8=\"", "bytes are written {\"bytes\": \"...\"}, in base64" },
	{ "bytes", "{\"bytes\": \"aGVsbG8=\", \"x\": 1}", "bytes are written {\"bytes\": \"...\"}, in base64" },
	{ "bytes", "{\"bytes\": \"aGVsbG8\"}", "bytes: what stands in quotes is no base64" },
	{ "bytes", "{\"bytes\": \"a=Vs\"}", "bytes: what stands in quotes is no base64" },
	{ "bytes", "{\"bytes\": \"====\"}", "bytes: what stands in quotes is no base64" },
	{ "bytes[4]", "{\"bytes\": \"aGVsbG8=\"}", "bytes: 5 where 4 are expected" },
	{ "", "{", "not one JSON text: " }, { "json", NULL, "no JSON text was given" },
	{ "x f33", "{}", "`f33` is no type" },
};

START_TEST(says_what_is_wrong_and_where)
{
	struct error error = { 0 };
	ck_assert_msg(!message_from_json(bad[_i].text, bad[_i].signature, &error), "%s", bad[_i].text);
	ck_assert_msg(text_starts(error.text, bad[_i].error), "%s\n  and not %s", error.text, bad[_i].error);
}
END_TEST

/* On one line, and cut where it is long. */
START_TEST(what_is_shown_is_short)
{
	static const struct {
		const char *signature, *text, *shown, *full;
	} shows[] = {
		{ "", "{\"a\":\n [1,\r\n2]}", "{\"a\":  [1,  2]}", "{\"a\":  [1,  2]}" },
		{ "bytes", "{\"bytes\": \"aGVsbG8=\"}", "{\"text\": \"hello\"}", "{\"text\": \"hello\"}" },
		{ "bytes", "{\"bytes\": \"aGVsbG//\"}", "{\"bytes\": \"aGVsbG//\"}", "{\"bytes\": \"aGVsbG//\"}" },
		{ "bytes", "null", "null", "null" },
		{ "x i32[2]", "{\"x\": [1, 2]}", "{\"x\": [1, 2]}", "{\"x\": [1, 2]}" },
		{ "x i32[17]", "{\"x\": [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]}",
		  "{\"x\": {\"dtype\": \"i32\", \"shape\": [17], \"first\": [0, 1, 2, 3, 4, 5, 6, 7]}}",
		  "{\"x\": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]}" },
		{ "x i32[2,0]", "{\"x\": [[], []]}", "{\"x\": {\"dtype\": \"i32\", \"shape\": [2, 0], \"first\": []}}",
		  "{\"x\": [[], []]}" },
	};
	for (size_t i = 0; i < sizeof shows / sizeof shows[0]; i++) {
		struct error error = { 0 };
		lpad_message *message = message_from_json(shows[i].text, shows[i].signature, &error);
		ck_assert_msg(message, "%s", error.text);
		char *shown = message_show(message, false), *full = message_show(message, true);
		ck_assert_str_eq(shown, shows[i].shown);
		ck_assert_str_eq(full, shows[i].full);
		free(shown);
		free(full);
		message_free(message);
	}
}
END_TEST

START_TEST(long_bytes_are_cut_between_characters)
{
	char long_text[1000];
	for (size_t i = 0; i < sizeof long_text; i++)
		long_text[i] = i ? i % 2 ? (char)0xc3 : (char)0xa4 : 'x';       /* x and many umlauts: 96 would cut one in two */
	lpad_message *message = message_bytes(long_text, sizeof long_text - 1);
	char *shown = message_show(message, false), *full = message_show(message, true);
	ck_assert_ptr_nonnull(strstr(shown, "\"text\": \"x"));
	ck_assert_ptr_nonnull(strstr(shown, ", \"size\": 999}"));
	ck_assert_uint_lt(strlen(shown), 200);
	ck_assert_uint_gt(strlen(full), 999);
	free(shown);
	free(full);
	message_free(message);
}
END_TEST

START_TEST(what_is_too_large_is_not_shown)
{
	struct error error = { 0 };
	lpad_message *message = message_bytes(NULL, CONVERT_MOST + 1);
	ck_assert_ptr_null(message_to_json(message, &error));
	ck_assert_int_eq(error.code, LPAD_ETOOBIG);
	message_free(message);
	/* Not one element, but more lists than could ever be printed. */
	message = message_tensors(1, &(lpad_tensor){ "x", LPAD_F32, 3, { 1, (int64_t)1 << 40, 0 } });
	ck_assert_ptr_null(message_to_json(message, &error));
	message_free(message);
	message = message_tensors(1, &(lpad_tensor){ "x", LPAD_F32, 2, { 0, (int64_t)1 << 40 } });
	char *text = message_to_json(message, &error);
	ck_assert_str_eq(text, "{\"x\": []}");
	free(text);
	message_free(message);
	text = message_to_json(NULL, &error);
	ck_assert_str_eq(text, "null");
	free(text);
}
END_TEST

/* ---- 16-bit floats ---- */

static double shown(int type, uint16_t bits)
{
	struct text text = { 0 };
	element_write(type, &bits, &text);
	double value = *text.data == '"' ? strtod(text.data + 1, NULL) : strtod(text.data, NULL);
	text_release(&text);
	return value;
}

static uint16_t read_as(int type, double value)
{
	char number[40];
	uint16_t bits = 0xffff;
	struct error error = { 0 };
	bool infinite = isinf(value);
	snprintf(number, sizeof number, infinite ? "%f" : "%.17g", value);
	int result = element_read(type, number, infinite, &bits, &error);
	return result ? 0xffff : bits;
}

START_TEST(every_16_bit_float_is_read_as_it_is_printed)
{
	int type = _i;
	for (unsigned bits = 0; bits < 0x10000; bits++) {
		struct text text = { 0 };
		uint16_t element = (uint16_t)bits, again = 0;
		element_write(type, &element, &text);
		bool quoted = *text.data == '"';
		if (quoted)
			text.data[text.length - 1] = '\0';
		ck_assert_int_eq(element_read(type, text.data + quoted, quoted, &again, NULL), 0);
		if (strcmp(text.data, "\"NaN"))
			ck_assert_msg(again == element, "%04x became %s became %04x", bits, text.data, again);
		text_release(&text);
	}
}
END_TEST

static const struct { double value; uint16_t f16, bf16; } known[] = {
	{ 0, 0x0000, 0x0000 }, { 1, 0x3c00, 0x3f80 }, { -2, 0xc000, 0xc000 }, { 0.5, 0x3800, 0x3f00 },
	{ 65504, 0x7bff, 0x4780 }, { 0x1p-14, 0x0400, 0x3880 }, { 0x1p-24, 0x0001, 0x3380 }, { 0x1p-25, 0x0000, 0x3300 },
	{ 0x1.8p-25, 0x0001, 0x3340 }, { 1.0009765625, 0x3c01, 0x3f80 }, { 1.00048828125, 0x3c00, 0x3f80 },
	{ 1.00146484375, 0x3c02, 0x3f80 }, { 1.00390625, 0x3c04, 0x3f80 }, { 1.01171875, 0x3c0c, 0x3f82 },
	{ 0x1p-133, 0x0000, 0x0001 }, { 0x1p-126, 0x0000, 0x0080 }, { 1.9998779296875, 0x4000, 0x4000 },
	{ INFINITY, 0x7c00, 0x7f80 }, { -INFINITY, 0xfc00, 0xff80 },
};

START_TEST(rounding_goes_to_the_nearest_and_ties_to_even)
{
	ck_assert_uint_eq(read_as(LPAD_F16, known[_i].value), known[_i].f16);
	ck_assert_uint_eq(read_as(LPAD_BF16, known[_i].value), known[_i].bf16);
}
END_TEST

START_TEST(halfway_between_two_is_even)
{
	for (unsigned bits = 0; bits < 0x7bff; bits++) {
		float low = 0, high = 0;
		/* f16 by the definition, for the middle of two neighbours. */
		for (int i = 0; i < 2; i++) {
			unsigned one = bits + (unsigned)i, exponent = one >> 10, fraction = one & 0x3ff;
			float value = exponent ? ldexpf((float)(fraction + 1024), (int)exponent - 25) : ldexpf((float)fraction, -24);
			*(i ? &high : &low) = value;
		}
		uint16_t even = (uint16_t)(bits & 1 ? bits + 1 : bits);
		ck_assert_uint_eq(read_as(LPAD_F16, ((double)low + high) / 2), even);
		ck_assert_uint_eq(read_as(LPAD_F16, nextafter(((double)low + high) / 2, 0)), bits);
		ck_assert_uint_eq(read_as(LPAD_F16, nextafter(((double)low + high) / 2, 1e9)), bits + 1);
	}
	ck_assert_double_eq(shown(LPAD_F16, 0x7bff), 65504);
	ck_assert_double_eq(shown(LPAD_BF16, 0x3f80), 1);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

int main(void)
{
	Suite *suite = suite_create("convert");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 120);
	tcase_add_loop_test(all, what_is_read_is_printed_again, 0, COUNT(whole));
	tcase_add_test(all, tensors_have_the_declared_types);
	tcase_add_test(all, bytes_are_the_bytes);
	tcase_add_loop_test(all, says_what_is_wrong_and_where, 0, COUNT(bad));
	tcase_add_test(all, what_is_shown_is_short);
	tcase_add_test(all, long_bytes_are_cut_between_characters);
	tcase_add_test(all, what_is_too_large_is_not_shown);
	tcase_add_loop_test(all, every_16_bit_float_is_read_as_it_is_printed, LPAD_F16, LPAD_BF16 + 1);
	tcase_add_loop_test(all, rounding_goes_to_the_nearest_and_ties_to_even, 0, COUNT(known));
	tcase_add_test(all, halfway_between_two_is_even);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
