/* SPDX-License-Identifier: MIT */
#include "link/message.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static const struct { int type; const char *name, *shown; size_t size; } dtypes[] = {
	{ LPAD_BOOL8, "BOOL", "bool", 1 }, { LPAD_U8, "U8", "u8", 1 }, { LPAD_I8, "I8", "i8", 1 },
	{ LPAD_U16, "U16", "u16", 2 }, { LPAD_I16, "I16", "i16", 2 }, { LPAD_F16, "F16", "f16", 2 },
	{ LPAD_BF16, "BF16", "bf16", 2 }, { LPAD_U32, "U32", "u32", 4 }, { LPAD_I32, "I32", "i32", 4 },
	{ LPAD_F32, "F32", "f32", 4 }, { LPAD_U64, "U64", "u64", 8 }, { LPAD_I64, "I64", "i64", 8 },
	{ LPAD_F64, "F64", "f64", 8 }
};
enum { DTYPES = sizeof dtypes / sizeof dtypes[0] };

static bool aligned(const void *pointer, size_t to)
{
	return (uintptr_t)pointer % to == 0;
}

/* A body of header length, `header` and `size` bytes of data counting from 0; caller frees. */
static uint8_t *make_body(const char *header, size_t data, size_t *size)
{
	uint64_t length = strlen(header);
	*size = 8 + length + data;
	uint8_t *out = malloc(*size);
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(length >> (8 * i));
	memcpy(out + 8, header, length);
	for (size_t i = 0; i < data; i++)
		out[8 + length + i] = (uint8_t)i;
	return out;
}

static lpad_message *received(const void *data, size_t size, struct error *error)
{
	lpad_message *message = message_receive(LPAD_TENSORS, size, "replay/0", 0, 1);
	if (size)
		memcpy(message_room(message), data, size);
	return message_accept(message, error);
}

static lpad_message *received_header(const char *header, size_t data, struct error *error)
{
	size_t size;
	uint8_t *body = make_body(header, data, &size);
	lpad_message *message = received(body, size, error);
	free(body);
	return message;
}

/* Whatever was accepted: all tensors lie in the body, aligned, and can be read. */
static unsigned read_all(const lpad_message *message)
{
	unsigned sum = 0;
	const uint8_t *begin = message_content(message), *end = begin + message_size(message);
	for (int i = 0; i < message_tensor_count(message); i++) {
		lpad_tensor tensor;
		ck_assert_int_eq(message_tensor_at(message, i, &tensor), 0);
		const uint8_t *data = message_view(message, tensor.name, tensor.type, tensor.rank, tensor.shape);
		size_t size = dtypes[tensor.type - 1].size;
		for (int axis = 0; axis < tensor.rank; axis++)
			size *= (size_t)tensor.shape[axis];
		ck_assert_ptr_nonnull(data);
		ck_assert(data >= begin && data <= end && size <= (size_t)(end - data));
		ck_assert(aligned(data, dtypes[tensor.type - 1].size));
		for (size_t at = 0; at < size; at++)
			sum += data[at];
	}
	return sum;
}

/* One tensor of each type, of odd extents. */
static lpad_message *one_of_each(void)
{
	lpad_tensor list[DTYPES];
	for (int i = 0; i < DTYPES; i++)
		list[i] = (lpad_tensor){ .name = dtypes[i].name, .type = dtypes[i].type, .rank = 2, .shape = { 3, 1 + i % 3 } };
	return message_tensors(DTYPES, list);
}

START_TEST(new_tensors_are_zeroed_and_aligned)
{
	lpad_message *message = one_of_each();
	ck_assert_ptr_nonnull(message);
	ck_assert_int_eq(message_tensor_count(message), DTYPES);
	for (int i = 0; i < DTYPES; i++) {
		lpad_tensor tensor;
		ck_assert_int_eq(message_tensor_at(message, i, &tensor), 0);
		ck_assert_str_eq(tensor.name, dtypes[i].name);
		ck_assert_int_eq(tensor.type, dtypes[i].type);
		ck_assert_int_eq(tensor.rank, 2);
		ck_assert_int_eq(tensor.shape[1], 1 + i % 3);
		ck_assert(aligned(message_data(message, tensor.name), dtypes[i].size));
	}
	ck_assert_uint_eq(read_all(message), 0);
	message_free(message);
}
END_TEST

START_TEST(data_comes_back_on_the_other_side)
{
	lpad_message *message = one_of_each();
	struct error error = { 0 };
	for (int i = 0; i < DTYPES; i++)
		memset(message_data(message, dtypes[i].name), i + 1, dtypes[i].size * 3 * (size_t)(1 + i % 3));
	lpad_message *other = received(message_content(message), message_size(message), &error);
	ck_assert_msg(other, "%s", error.text);
	ck_assert_uint_eq(message_size(other), message_size(message));
	ck_assert(!memcmp(message_content(other), message_content(message), message_size(message)));
	for (int i = 0; i < DTYPES; i++) {
		int64_t shape[] = { 3, 1 + i % 3 };
		const uint8_t *data = message_view(other, dtypes[i].name, dtypes[i].type, 2, shape);
		ck_assert_int_eq(data[0], i + 1);
		ck_assert_int_eq(data[dtypes[i].size * 3 - 1], i + 1);
		lpad_tensor tensor;
		ck_assert_int_eq(message_tensor_at(other, i, &tensor), 0);
		ck_assert_str_eq(tensor.name, dtypes[i].name);
	}
	ck_assert_ptr_null(message_data(other, "F32"));
	ck_assert_str_eq(fault_text(), "the message was sent, shared or received: it can only be read");
	message_free(message);
	message_free(other);
}
END_TEST

START_TEST(body_is_the_format)
{
	lpad_tensor list[] = { { .name = "b", .type = LPAD_U8, .rank = 1, .shape = { 3 } },
		{ .name = "a", .type = LPAD_F32, .rank = 2, .shape = { 2, 1 } } };
	lpad_message *message = message_tensors(2, list);
	const uint8_t *body = message_content(message);
	static const char header[] = "{\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[8,11]},"
		"\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}";
	uint64_t length = body[0] | (uint64_t)body[1] << 8;
	ck_assert_uint_eq((8 + length) % 64, 0);
	ck_assert_uint_eq(message_size(message), 8 + length + 11);
	ck_assert(!memcmp(body + 8, header, strlen(header)));
	for (size_t i = 8 + strlen(header); i < 8 + length; i++)
		ck_assert_int_eq(body[i], ' ');
	message_free(message);
}
END_TEST

START_TEST(empty_ones_are_fine)
{
	struct error error = { 0 };
	lpad_message *message = message_tensors(0, NULL);
	ck_assert_ptr_nonnull(message);
	ck_assert_int_eq(message_tensor_count(message), 0);
	message_free(message);
	lpad_tensor list[] = { { .name = "none", .type = LPAD_F64, .rank = 3, .shape = { 4, 0, 5 } },
		{ .name = "scalar", .type = LPAD_F32 }, { .name = "nothing", .type = LPAD_U8, .rank = 1, .shape = { 0 } } };
	message = message_tensors(3, list);
	lpad_message *other = received(message_content(message), message_size(message), &error);
	ck_assert_msg(other, "%s", error.text);
	ck_assert_ptr_nonnull(message_view(other, "none", LPAD_F64, 3, (int64_t[]){ 4, 0, 5 }));
	ck_assert_ptr_nonnull(message_view(other, "nothing", LPAD_U8, 1, (int64_t[]){ 0 }));
	ck_assert_ptr_nonnull(message_view(other, "scalar", LPAD_F32, 0, NULL));
	message_free(message);
	message_free(other);
}
END_TEST

START_TEST(names_may_be_anything)
{
	static const char *const names[] = { "a\"b", "back\\slash", "new\nline\x01", "caf\xc3\xa9", "{\"dtype\":", " ", "/", "\x7f" };
	enum { COUNT = sizeof names / sizeof names[0] };
	lpad_tensor list[COUNT];
	struct error error = { 0 };
	for (int i = 0; i < COUNT; i++)
		list[i] = (lpad_tensor){ names[i], LPAD_U16, 1, { i + 1 } };
	lpad_message *message = message_tensors(COUNT, list);
	for (int i = 0; i < COUNT; i++)
		*(uint16_t *)message_data(message, names[i]) = (uint16_t)(100 + i);
	lpad_message *other = received(message_content(message), message_size(message), &error);
	ck_assert_msg(other, "%s", error.text);
	for (int i = 0; i < COUNT; i++) {
		const uint16_t *data = message_view(other, names[i], LPAD_U16, 1, (int64_t[]){ i + 1 });
		ck_assert_ptr_nonnull(data);
		ck_assert_int_eq(*data, 100 + i);
	}
	message_free(message);
	message_free(other);
}
END_TEST

START_TEST(wrong_lists_are_refused)
{
	static const struct { lpad_tensor tensor; int code; const char *text; } rows[] = {
		{ { NULL, LPAD_F32, 1, { 1 } }, LPAD_EINVALID, "tensor 0 needs a name in UTF-8" },
		{ { "", LPAD_F32, 1, { 1 } }, LPAD_EINVALID, "tensor 0 needs a name in UTF-8" },
		{ { "\xff", LPAD_F32, 1, { 1 } }, LPAD_EINVALID, "tensor 0 needs a name in UTF-8" },
		{ { "__metadata__", LPAD_F32, 1, { 1 } }, LPAD_EINVALID,
			"\"__metadata__\" cannot be a tensor's name; see lpad_set_meta" },
		{ { "a", 0, 1, { 1 } }, LPAD_EINVALID, "tensor \"a\": type 0 is unknown" },
		{ { "a", LPAD_F64 + 1, 1, { 1 } }, LPAD_EINVALID, "tensor \"a\": type 14 is unknown" },
		{ { "a", LPAD_F32, 9, { 1 } }, LPAD_EINVALID, "tensor \"a\": rank 9 is not 0 to 8" },
		{ { "a", LPAD_F32, -1, { 1 } }, LPAD_EINVALID, "tensor \"a\": rank -1 is not 0 to 8" },
		{ { "a", LPAD_F32, 2, { 4, -2 } }, LPAD_EINVALID, "tensor \"a\": extent 1 is -2" },
		{ { "a", LPAD_F32, 2, { INT64_MAX, 2 } }, LPAD_ETOOBIG, "tensor \"a\" has more bytes than can be counted" },
		{ { "a", LPAD_U8, 4, { 1 << 20, 1 << 20, 1 << 20, 1 << 20 } }, LPAD_ETOOBIG,
			"tensor \"a\" has more bytes than can be counted" },
		{ { "a", LPAD_U8, 1, { INT64_MAX } }, LPAD_ETOOBIG, "the tensors are larger than this machine's memory" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ck_assert_ptr_null(message_tensors(1, &rows[i].tensor));
		ck_assert_str_eq(fault_text(), rows[i].text);
		ck_assert_int_eq(fault_code(), rows[i].code);
	}
	lpad_tensor twice[] = { { "x", LPAD_F32, 1, { 1 } }, { "y", LPAD_F32, 1, { 1 } }, { "x", LPAD_U8, 1, { 1 } } };
	ck_assert_ptr_null(message_tensors(3, twice));
	ck_assert_str_eq(fault_text(), "two tensors are named \"x\"");
	lpad_tensor large[] = { { "x", LPAD_U8, 1, { INT64_MAX } }, { "y", LPAD_U8, 1, { INT64_MAX } },
		{ "z", LPAD_U8, 1, { INT64_MAX } } };
	ck_assert_ptr_null(message_tensors(3, large));
	ck_assert_int_eq(fault_code(), LPAD_ETOOBIG);
	ck_assert_ptr_null(message_tensors(-1, twice));
	ck_assert_ptr_null(message_tensors(1, NULL));
}
END_TEST

/* ---- views ---- */

START_TEST(views_are_exact)
{
	struct error error = { 0 };
	lpad_tensor list[] = { { "s", LPAD_F32, 2, { 64, 4 } }, { "a", LPAD_I64, 1, { 64 } } };
	lpad_message *own = message_tensors(2, list);
	lpad_message *message = received(message_content(own), message_size(own), &error);
	static const struct { const char *name; int type, rank; bool has_shape; int64_t shape[2]; const char *text; } rows[] = {
		{ "s", LPAD_F32, 2, true, { 64, 4 }, NULL },
		{ "s", LPAD_F32, 2, true, { -1, 4 }, NULL },
		{ "s", LPAD_F32, 2, true, { -1, -1 }, NULL },
		{ "s", LPAD_F32, 2, false, { 0 }, NULL },
		{ "s", LPAD_I64, 1, true, { -1 }, "replay/0 sent tensor \"s\" as f32[64,4]; expected i64[*]" },
		{ "s", LPAD_F64, 2, true, { 64, 4 }, "replay/0 sent tensor \"s\" as f32[64,4]; expected f64[64,4]" },
		{ "s", LPAD_F32, 2, true, { -1, 5 }, "replay/0 sent tensor \"s\" as f32[64,4]; expected f32[*,5]" },
		{ "s", LPAD_F32, 1, false, { 0 }, "replay/0 sent tensor \"s\" as f32[64,4]; expected f32[*]" },
		{ "s", LPAD_F32, 0, false, { 0 }, "replay/0 sent tensor \"s\" as f32[64,4]; expected f32[]" },
		{ "s", LPAD_F32, 99, false, { 0 }, "replay/0 sent tensor \"s\" as f32[64,4]; expected f32[*,*,*,*,*,*,*,*]" },
		{ "s", LPAD_F32, -3, false, { 0 }, "replay/0 sent tensor \"s\" as f32[64,4]; expected f32[]" },
		{ "s", 99, 1, false, { 0 }, "replay/0 sent tensor \"s\" as f32[64,4]; expected unknown[*]" },
		{ "b", LPAD_F32, 1, false, { 0 }, "replay/0 sent no tensor \"b\" but \"s\", \"a\"; expected f32[*]" },
		{ NULL, LPAD_F32, 1, false, { 0 }, "replay/0 sent no tensor \"\" but \"s\", \"a\"; expected f32[*]" },
	};
	ck_assert_msg(message, "%s", error.text);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const void *view = message_view(message, rows[i].name, rows[i].type, rows[i].rank,
			rows[i].has_shape ? rows[i].shape : NULL);
		ck_assert_int_eq(view != NULL, rows[i].text == NULL);
		if (rows[i].text)
			ck_assert_str_eq(fault_text(), rows[i].text);
	}
	ck_assert_ptr_null(message_view(own, "s", LPAD_I64, 1, NULL));
	ck_assert_str_eq(fault_text(), "tensor \"s\" is f32[64,4]; expected i64[*]");
	ck_assert_ptr_null(message_view(own, "b", LPAD_I64, 1, NULL));
	ck_assert_str_eq(fault_text(), "there is no tensor \"b\" but \"s\", \"a\"; expected i64[*]");
	message_free(own);
	message_free(message);
}
END_TEST

START_TEST(wrong_places_and_names_are_refused)
{
	lpad_tensor tensor = { "a", LPAD_F32, 1, { 1 } }, out;
	lpad_message *message = message_tensors(1, &tensor), *bytes = message_bytes("a", 1);
	ck_assert_int_eq(message_tensor_at(message, 1, &out), LPAD_EINVALID);
	ck_assert_int_eq(message_tensor_at(message, -1, &out), LPAD_EINVALID);
	ck_assert_int_eq(message_tensor_at(bytes, 0, &out), LPAD_EINVALID);
	ck_assert_ptr_null(message_data(message, "b"));
	ck_assert_str_eq(fault_text(), "the message has no tensor \"b\"");
	ck_assert_ptr_null(message_data(message, NULL));
	message_free(message);
	message_free(bytes);
}
END_TEST

/* ---- metadata ---- */

START_TEST(metadata_travels)
{
	struct error error = { 0 };
	lpad_tensor tensor = { "a", LPAD_U8, 1, { 3 } };
	lpad_message *message = message_tensors(1, &tensor);
	ck_assert_ptr_null(message_meta(message, "step"));
	ck_assert_int_eq(message_set_meta(message, "step", "1"), 0);
	ck_assert_int_eq(message_set_meta(message, "step", "42"), 0);
	ck_assert_int_eq(message_set_meta(message, "note \"\xc3\xa9\"", "line\nbreak"), 0);
	memcpy(message_data(message, "a"), "xyz", 3);
	lpad_message *other = received(message_content(message), message_size(message), &error);
	ck_assert_msg(other, "%s", error.text);
	ck_assert_str_eq(message_meta(other, "step"), "42");
	ck_assert_str_eq(message_meta(other, "note \"\xc3\xa9\""), "line\nbreak");
	ck_assert_ptr_null(message_meta(other, "a"));
	ck_assert_ptr_null(message_meta(other, NULL));
	ck_assert_int_eq(message_tensor_count(other), 1);
	ck_assert(!memcmp(message_view(other, "a", LPAD_U8, 1, NULL), "xyz", 3));
	message_free(message);
	message_free(other);
}
END_TEST

/* The header grows in front of the data, or they move behind it; and it shrinks again. */
START_TEST(metadata_of_any_size)
{
	static const int lengths[] = { 0, 100, 500, 40, 600, 3000, 1, 3400, 100000, 10 };
	struct error error = { 0 };
	lpad_tensor tensors[] = { { "a", LPAD_U8, 1, { 1000 } }, { "b", LPAD_F64, 1, { 7 } } };
	lpad_message *message = message_tensors(2, tensors);
	char *value = memory_array(100001, 1);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		memset(value, 'v', (size_t)lengths[i]);
		value[lengths[i]] = '\0';
		ck_assert_int_eq(message_set_meta(message, i % 2 ? "odd" : "even", value), 0);
		lpad_message *other = received(message_content(message), message_size(message), &error);
		ck_assert_msg(other, "%s", error.text);
		ck_assert_str_eq(message_meta(other, i % 2 ? "odd" : "even"), value);
		const uint8_t *a = message_view(message, "a", LPAD_U8, 1, NULL), *b = message_view(message, "b", LPAD_F64, 1, NULL);
		ck_assert(aligned(message_content(message), 64) && aligned(b, 64));
		for (int k = 0; k < 1000; k++)
			ck_assert(!a[k] && (k >= 56 || !b[k]));
		message_free(other);
	}
	free(value);
	message_free(message);
}
END_TEST

START_TEST(metadata_comes_before_data)
{
	lpad_tensor tensor = { "a", LPAD_U8, 1, { 3 } };
	lpad_message *message = message_tensors(1, &tensor), *bytes = message_bytes("a", 1);
	ck_assert_int_eq(message_set_meta(message, "lpad.kind", "bytes"), LPAD_EINVALID);
	ck_assert_int_eq(message_set_meta(message, NULL, "1"), LPAD_EINVALID);
	ck_assert_int_eq(message_set_meta(message, "a", NULL), LPAD_EINVALID);
	ck_assert_int_eq(message_set_meta(message, "a", "\xff"), LPAD_EINVALID);
	ck_assert_int_eq(message_set_meta(bytes, "a", "b"), LPAD_EINVALID);
	ck_assert_str_eq(fault_text(), "the message has no tensors");
	message_data(message, "a");
	ck_assert_int_eq(message_set_meta(message, "step", "1"), LPAD_EINVALID);
	ck_assert_str_eq(fault_text(), "set the metadata \"step\" before lpad_data is used: it moves the data");
	message_seal(message);
	ck_assert_int_eq(message_set_meta(message, "step", "1"), LPAD_EINVALID);
	message_free(message);
	message_free(bytes);
}
END_TEST

/* ---- what others send ---- */

#define ONE(text) "{\"a\":" text "}"
#define F32_8 "\"dtype\":\"F32\",\"shape\":[2],"

static const struct { const char *header; size_t data; const char *why; } malformed[] = {
	{ "", 0, "the header does not begin with {" },
	{ " {}", 0, "the header does not begin with {" },
	{ "[]", 0, "the header does not begin with {" },
	{ "{", 0, "the header is not JSON" },
	{ "{}x", 0, "the header is not JSON" },
	{ "{\"a\":1,}", 0, "the header is not JSON" },
	{ "{\"a\":1,\"a\":1}", 0, "duplicate object key" },
	{ "{}", 1, "1 bytes behind the last tensor belong to none" },
	{ ONE("1"), 8, "dtype \"\" is unknown" },
	{ ONE("null"), 8, "dtype \"\" is unknown" },
	{ ONE("[]"), 8, "dtype \"\" is unknown" },
	{ ONE("{}"), 8, "dtype \"\" is unknown" },
	{ ONE("{\"dtype\":7,\"shape\":[2],\"data_offsets\":[0,8]}"), 8, "dtype \"\" is unknown" },
	{ ONE("{\"dtype\":\"f32\",\"shape\":[2],\"data_offsets\":[0,8]}"), 8, "dtype \"f32\" is unknown" },
	{ ONE("{\"dtype\":\"F8_E5M2\",\"shape\":[2],\"data_offsets\":[0,2]}"), 2, "dtype \"F8_E5M2\" is unknown" },
	{ ONE("{\"dtype\":\"F32\",\"data_offsets\":[0,8]}"), 8, "has no shape" },
	{ ONE("{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}"), 8, "has no shape" },
	{ ONE("{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}"), 8, "extent 0 is not a number from 0" },
	{ ONE("{\"dtype\":\"F32\",\"shape\":[\"2\"],\"data_offsets\":[0,8]}"), 8, "extent 0 is not a number from 0" },
	{ ONE("{\"dtype\":\"F32\",\"shape\":[1,-2],\"data_offsets\":[0,8]}"), 8, "extent 1 is not a number from 0" },
	{ ONE("{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}"), 8, "has rank 9, more than 8" },
	{ ONE("{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,8]}"), 8, "the header is not JSON" },
	{ ONE("{\"dtype\":\"F32\",\"shape\":[9223372036854775807],\"data_offsets\":[0,8]}"), 8, "which is not its type and shape" },
	{ ONE("{\"dtype\":\"F32\",\"shape\":[4611686018427387905],\"data_offsets\":[0,4]}"), 4, "which is not its type and shape" },
	{ ONE("{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}"), 0, "which is not its type and shape" },
	{ ONE("{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}"), 8, "has 8 bytes, which is not its type and shape" },
	{ ONE("{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,8]}"), 8, "has 8 bytes, which is not its type and shape" },
	{ ONE("{" F32_8 "\"x\":0}"), 8, "has no pair of data_offsets" },
	{ ONE("{" F32_8 "\"data_offsets\":8}"), 8, "has no pair of data_offsets" },
	{ ONE("{" F32_8 "\"data_offsets\":[8]}"), 8, "has no pair of data_offsets" },
	{ ONE("{" F32_8 "\"data_offsets\":[0,8,8]}"), 8, "has no pair of data_offsets" },
	{ ONE("{" F32_8 "\"data_offsets\":[0.0,8]}"), 8, "has no pair of data_offsets" },
	{ ONE("{" F32_8 "\"data_offsets\":[-8,0]}"), 8, "lies at -8 to 0, outside of the 8 bytes of data" },
	{ ONE("{" F32_8 "\"data_offsets\":[8,0]}"), 8, "lies at 8 to 0, outside" },
	{ ONE("{" F32_8 "\"data_offsets\":[0,8]}"), 7, "lies at 0 to 8, outside of the 7 bytes of data" },
	{ ONE("{" F32_8 "\"data_offsets\":[9223372036854775800,9223372036854775807]}"), 8, "outside of the 8 bytes" },
	{ ONE("{" F32_8 "\"data_offsets\":[4,12]}"), 12, "tensor \"a\" has a hole before it" },
	{ ONE("{" F32_8 "\"data_offsets\":[0,8]}"), 9, "1 bytes behind the last tensor belong to none" },
	{ "{\"a\":{" F32_8 "\"data_offsets\":[0,8]},\"b\":{" F32_8 "\"data_offsets\":[4,12]}}", 12, "tensor \"b\" overlaps another" },
	{ "{\"a\":{" F32_8 "\"data_offsets\":[0,8]},\"b\":{" F32_8 "\"data_offsets\":[0,8]}}", 8, "overlaps another" },
	{ "{\"a\":{" F32_8 "\"data_offsets\":[0,8]},\"b\":{" F32_8 "\"data_offsets\":[9,17]}}", 17, "tensor \"b\" has a hole before it" },
	{ "{\"__metadata__\":[]}", 0, "__metadata__ is not a map" },
	{ "{\"__metadata__\":{\"a\":1}}", 0, "__metadata__: \"a\" is not a text" },
	{ "{\"__metadata__\":{\"lpad.kind\":\"bytes\"}}", 0, "the metadata key \"lpad.kind\" is reserved for files" },
	{ "{\"a\\u0000b\":{" F32_8 "\"data_offsets\":[0,8]}}", 8, "the header is not JSON" },
	{ "{\"a\\nb\\u001b\":1}", 0, "tensor \"a?b?\": dtype" },
};

START_TEST(malformed_bodies_are_refused_by_name)
{
	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
		struct error error = { 0 };
		lpad_message *message = received_header(malformed[i].header, malformed[i].data, &error);
		ck_assert_msg(!message, "accepted: %s", malformed[i].header);
		ck_assert_int_eq(error.code, LPAD_EBROKEN);
		ck_assert_msg(strstr(error.text, "replay/0 sent a malformed message (tensors, ") == error.text, "%s", error.text);
		ck_assert_msg(strstr(error.text, malformed[i].why), "%s\n%s\nexpected: %s", malformed[i].header, error.text,
			malformed[i].why);
	}
}
END_TEST

START_TEST(header_length_is_checked)
{
	static const uint64_t lengths[] = { 1, 3, 9, 1000, UINT32_MAX, INT64_MAX, UINT64_MAX - 8, UINT64_MAX - 7, UINT64_MAX };
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		uint8_t body[10] = { 0, 0, 0, 0, 0, 0, 0, 0, '{', '}' };
		struct error error = { 0 };
		for (int byte = 0; byte < 8; byte++)
			body[byte] = (uint8_t)(lengths[i] >> (8 * byte));
		ck_assert_ptr_null(received(body, sizeof body, &error));
	}
	for (size_t size = 0; size < 8; size++) {
		struct error error = { 0 };
		ck_assert_ptr_null(received("\0\0\0\0\0\0\0\0", size, &error));
		ck_assert_ptr_nonnull(strstr(error.text, "too short for a header"));
	}
}
END_TEST

START_TEST(long_foreign_names_are_cut_in_texts)
{
	enum { LENGTH = 100000 };
	char *header = malloc(LENGTH + 100);
	struct error error = { 0 };
	size_t used = (size_t)snprintf(header, LENGTH, "{\"");
	memset(header + used, 'n', LENGTH);
	snprintf(header + used + LENGTH, 90, "\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}");
	ck_assert_ptr_null(received_header(header, 8, &error));
	ck_assert_ptr_nonnull(strstr(error.text, "nnn...\" has 8 bytes, which is not its type and shape"));
	free(header);
}
END_TEST

START_TEST(nested_headers_are_refused)
{
	enum { DEPTH = 200000 };
	char *header = malloc(DEPTH * 5 + 1);
	struct error error = { 0 };
	for (int i = 0; i < DEPTH; i++)
		memcpy(header + i * 5, "{\"a\":", 5);
	header[DEPTH * 5] = '\0';
	ck_assert_ptr_null(received_header(header, 0, &error));
	free(header);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
	lpad_message *message = one_of_each();
	for (size_t size = 0; size < message_size(message); size++) {
		struct error error = { 0 };
		ck_assert_msg(!received(message_content(message), size, &error), "accepted %zu of %zu bytes", size, message_size(message));
	}
	message_free(message);
}
END_TEST

/* Damage is refused or harmless. The sanitizers watch. */
START_TEST(flipped_bytes_are_harmless)
{
	lpad_message *message = one_of_each();
	size_t size = message_size(message), accepted = 0;
	uint8_t *copy = malloc(size);
	for (size_t at = 0; at < size; at++)
		for (int bit = 0; bit < 9; bit++) {
			struct error error = { 0 };
			memcpy(copy, message_content(message), size);
			copy[at] ^= (uint8_t)(bit < 8 ? 1 << bit : 0xff);
			lpad_message *other = received(copy, size, &error);
			if (other) {
				accepted++;
				read_all(other);
			}
			message_free(other);
		}
	ck_assert_uint_gt(accepted, 0);
	ck_assert_uint_lt(accepted, size * 9 / 2);
	free(copy);
	message_free(message);
}
END_TEST

/* Digits are where offsets and extents live. */
START_TEST(changed_digits_are_harmless)
{
	lpad_message *message = one_of_each();
	size_t size = message_size(message);
	uint8_t *copy = malloc(size);
	for (size_t at = 8; at < size; at++)
		for (const char *digit = "0123456789-.e,\"[]{}: \\"; *digit; digit++) {
			struct error error = { 0 };
			memcpy(copy, message_content(message), size);
			copy[at] = (uint8_t)*digit;
			lpad_message *other = received(copy, size, &error);
			if (other)
				read_all(other);
			message_free(other);
		}
	free(copy);
	message_free(message);
}
END_TEST

/* ---- what other programs lay out in their own way ---- */

START_TEST(unaligned_tensors_are_laid_out_again)
{
	static const char header[] = "{\"__metadata__\":{\"step\":\"7\"},"
		"\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
		"\"a\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[3,19]},"
		"\"c\":{\"dtype\":\"I16\",\"shape\":[1],\"data_offsets\":[19,21]}}";
	/* Every start of the data section, aligned or not. */
	for (int pad = 0; pad < 130; pad++) {
		char text[sizeof header + 130];
		struct error error = { 0 };
		snprintf(text, sizeof text, "%s%*s", header, pad, "");
		lpad_message *message = received_header(text, 21, &error);
		ck_assert_msg(message, "%s", error.text);
		read_all(message);
		const uint8_t *a = message_view(message, "a", LPAD_F64, 1, NULL), *b = message_view(message, "b", LPAD_U8, 1, NULL);
		const uint8_t *c = message_view(message, "c", LPAD_I16, 1, NULL);
		for (int i = 0; i < 16; i++)
			ck_assert_int_eq(a[i], 3 + i);
		ck_assert(b[0] == 0 && b[1] == 1 && b[2] == 2);
		ck_assert(c[0] == 19 && c[1] == 20);
		ck_assert_str_eq(message_meta(message, "step"), "7");
		lpad_tensor tensor;
		ck_assert_int_eq(message_tensor_at(message, 0, &tensor), 0);
		ck_assert_str_eq(tensor.name, "b");
		/* What was laid out again is a body that everybody accepts. */
		lpad_message *other = received(message_content(message), message_size(message), &error);
		ck_assert_msg(other, "%s", error.text);
		ck_assert_uint_eq(message_size(other), message_size(message));
		message_free(other);
		message_free(message);
	}
}
END_TEST

START_TEST(aligned_bodies_stay_as_they_are)
{
	char text[200];
	struct error error = { 0 };
	snprintf(text, sizeof text, "%-120s", ONE("{" F32_8 "\"data_offsets\":[0,8]}"));
	lpad_message *message = received_header(text, 8, &error);
	ck_assert_uint_eq(message_size(message), 136);
	ck_assert(!memcmp((const char *)message_content(message) + 8, text, 120));
	message_free(message);
}
END_TEST

START_TEST(many_tensors_are_fine)
{
	enum { COUNT = 20000 };
	struct error error = { 0 };
	lpad_tensor *list = calloc(COUNT, sizeof *list);
	char (*names)[16] = calloc(COUNT, sizeof *names);
	for (int i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof names[i], "t%d", i);
		list[i] = (lpad_tensor){ .name = names[i], .type = dtypes[i % DTYPES].type, .rank = 1, .shape = { i % 4 } };
	}
	lpad_message *message = message_tensors(COUNT, list);
	lpad_message *other = received(message_content(message), message_size(message), &error);
	ck_assert_msg(other, "%s", error.text);
	ck_assert_int_eq(message_tensor_count(other), COUNT);
	ck_assert_ptr_null(message_view(other, "none", LPAD_F32, 1, NULL));
	ck_assert_str_eq(fault_text(), "replay/0 sent no tensor \"none\" but \"t0\", \"t1\", \"t2\", \"t3\", \"t4\" and 19995 more; "
		"expected f32[*]");
	message_free(message);
	message_free(other);
	free(names);
	free(list);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("message_tensors");
	TCase *cases = tcase_create("tensors");
	suite_add_tcase(suite, cases);
	tcase_set_timeout(cases, 120);
	tcase_add_test(cases, new_tensors_are_zeroed_and_aligned);
	tcase_add_test(cases, data_comes_back_on_the_other_side);
	tcase_add_test(cases, body_is_the_format);
	tcase_add_test(cases, empty_ones_are_fine);
	tcase_add_test(cases, names_may_be_anything);
	tcase_add_test(cases, wrong_lists_are_refused);
	tcase_add_test(cases, views_are_exact);
	tcase_add_test(cases, wrong_places_and_names_are_refused);
	tcase_add_test(cases, metadata_travels);
	tcase_add_test(cases, metadata_of_any_size);
	tcase_add_test(cases, metadata_comes_before_data);
	tcase_add_test(cases, malformed_bodies_are_refused_by_name);
	tcase_add_test(cases, header_length_is_checked);
	tcase_add_test(cases, long_foreign_names_are_cut_in_texts);
	tcase_add_test(cases, nested_headers_are_refused);
	tcase_add_test(cases, every_truncation_is_refused);
	tcase_add_test(cases, flipped_bytes_are_harmless);
	tcase_add_test(cases, changed_digits_are_harmless);
	tcase_add_test(cases, unaligned_tensors_are_laid_out_again);
	tcase_add_test(cases, aligned_bodies_stay_as_they_are);
	tcase_add_test(cases, many_tensors_are_fine);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
