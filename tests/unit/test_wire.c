/* SPDX-License-Identifier: MIT */
#include "link/wire.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { BODY = 5 };

static const struct wire every_field = {
	.kind = WIRE_CALL, .role = WIRE_OBSERVER, .content = 2, .flags = 0x04030201, .code = -17,
	.group = 0x11121314, .index = 0x21222324, .incarnation = 0x31323334, .port = 0x41424344,
	.token = 0x5152535455565758, .session = 0x6162636465666768, .number = 0x7172737475767778, .size = BODY,
	.retry = 0x8182838485868788, .deadline_ms = -1, .version = 0x9192939495969798,
	.signature = 0xa1a2a3a4a5a6a7a8, .batch = 0xb1b2b3b4
};

/* A header followed by a body of BODY bytes, for damage. */
static uint8_t *frame(void)
{
	uint8_t *out = calloc(1, WIRE_SIZE + BODY);
	wire_encode(&every_field, out);
	return out;
}

static void refused(const uint8_t *data, size_t length, const char *expected)
{
	/* A copy of exactly this length, so that reading past it is found. */
	uint8_t *copy = malloc(length ? length : 1);
	struct wire wire;
	const char *why = NULL;
	memcpy(copy, data, length);
	ck_assert(!wire_decode(copy, length, &wire, &why));
	ck_assert_str_eq(why, expected);
	free(copy);
}

START_TEST(bytes_are_those_of_the_page)
{
	static const uint8_t expected[WIRE_SIZE] = {
		'L', 'P', 'A', 'D', 1, 2, 2, 2,  1, 2, 3, 4,  0xef, 0xff, 0xff, 0xff,
		0x14, 0x13, 0x12, 0x11,  0x24, 0x23, 0x22, 0x21,  0x34, 0x33, 0x32, 0x31,  0x44, 0x43, 0x42, 0x41,
		0x58, 0x57, 0x56, 0x55, 0x54, 0x53, 0x52, 0x51,  0x68, 0x67, 0x66, 0x65, 0x64, 0x63, 0x62, 0x61,
		0x78, 0x77, 0x76, 0x75, 0x74, 0x73, 0x72, 0x71,  BODY, 0, 0, 0, 0, 0, 0, 0,
		0x88, 0x87, 0x86, 0x85, 0x84, 0x83, 0x82, 0x81,  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0x98, 0x97, 0x96, 0x95, 0x94, 0x93, 0x92, 0x91,  0xa8, 0xa7, 0xa6, 0xa5, 0xa4, 0xa3, 0xa2, 0xa1,
		0xb4, 0xb3, 0xb2, 0xb1
	};
	uint8_t out[WIRE_SIZE];
	memset(out, 0xee, sizeof out);
	wire_encode(&every_field, out);
	for (size_t i = 0; i < WIRE_SIZE; i++)
		ck_assert_msg(out[i] == expected[i], "byte %zu is 0x%02x, expected 0x%02x", i, out[i], expected[i]);
}
END_TEST

START_TEST(every_field_comes_back)
{
	uint8_t *data = frame();
	struct wire wire;
	const char *why = NULL;
	ck_assert(wire_decode(data, WIRE_SIZE + BODY, &wire, &why));
	ck_assert_int_eq(wire.kind, every_field.kind);
	ck_assert_int_eq(wire.role, every_field.role);
	ck_assert_int_eq(wire.content, every_field.content);
	ck_assert_int_eq(wire.code, every_field.code);
	ck_assert_int_eq(wire.deadline_ms, every_field.deadline_ms);
	uint8_t again[WIRE_SIZE];
	wire_encode(&wire, again);
	ck_assert(!memcmp(again, data, WIRE_SIZE));
	free(data);
}
END_TEST

START_TEST(reserved_bytes_are_ignored)
{
	uint8_t *data = frame();
	struct wire wire;
	const char *why = NULL;
	memset(data + 100, 0xff, WIRE_SIZE - 100);
	ck_assert(wire_decode(data, WIRE_SIZE + BODY, &wire, &why));
	free(data);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
	uint8_t *data = frame();
	for (size_t length = 0; length < WIRE_SIZE; length++)
		refused(data, length, "shorter than a header");
	for (size_t length = WIRE_SIZE; length < WIRE_SIZE + BODY; length++)
		refused(data, length, "its size is not what follows the header");
	free(data);
}
END_TEST

START_TEST(damage_is_named)
{
	static const struct { size_t at; uint8_t value; const char *why; } rows[] = {
		{ 0, 'l', "not a message of lpad" },
		{ 3, 0, "not a message of lpad" },
		{ 4, 0, "another version of the wire format" },
		{ 4, 2, "another version of the wire format" },
		{ 5, 0, "unknown kind" },
		{ 5, WIRE_RESEND + 1, "unknown kind" },
		{ 5, WIRE_ERROR + 1, "unknown kind" },
		{ 5, WIRE_TOPIC_HELLO - 1, "unknown kind" },
		{ 5, WIRE_END + 1, "unknown kind" },
		{ 5, 255, "unknown kind" },
		{ 6, 0, "unknown role" },
		{ 6, 3, "unknown role" },
		{ 7, 4, "unknown content" },
		{ 7, 255, "unknown content" },
		{ 56, BODY - 1, "its size is not what follows the header" },
		{ 56, BODY + 1, "its size is not what follows the header" },
		{ 59, 1, "its size is not what follows the header" },
		{ 63, 0x80, "its size is not what follows the header" },
		{ 63, 0xff, "its size is not what follows the header" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint8_t *data = frame();
		data[rows[i].at] = rows[i].value;
		refused(data, WIRE_SIZE + BODY, rows[i].why);
		free(data);
	}
}
END_TEST

START_TEST(every_kind_is_known)
{
	static const int kinds[] = { WIRE_HELLO, WIRE_CALL, WIRE_CANCEL, WIRE_SUBSCRIBE, WIRE_CONFIRM, WIRE_ACK, WIRE_FETCH,
		WIRE_END_ACK, WIRE_PROBE, WIRE_WHY, WIRE_RESEND, WIRE_REPLY, WIRE_ERROR, WIRE_TOPIC_HELLO, WIRE_PUBLISH, WIRE_NOTICE, WIRE_END };
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		uint8_t *data = frame();
		struct wire wire;
		const char *why = NULL;
		data[5] = (uint8_t)kinds[i];
		ck_assert(wire_decode(data, WIRE_SIZE + BODY, &wire, &why));
		ck_assert_int_eq(wire.kind, kinds[i]);
		free(data);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *cases = tcase_create("wire");
	suite_add_tcase(suite, cases);
	tcase_add_test(cases, bytes_are_those_of_the_page);
	tcase_add_test(cases, every_field_comes_back);
	tcase_add_test(cases, reserved_bytes_are_ignored);
	tcase_add_test(cases, every_truncation_is_refused);
	tcase_add_test(cases, damage_is_named);
	tcase_add_test(cases, every_kind_is_known);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
