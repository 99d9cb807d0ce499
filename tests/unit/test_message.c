/* SPDX-License-Identifier: MIT */
#include "link/message.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool aligned(const void *pointer)
{
	return (uintptr_t)pointer % 64 == 0;
}

/* As a transport does it. */
static lpad_message *received(int kind, const void *data, size_t size, struct error *error)
{
	lpad_message *message = message_receive(kind, size, "replay/0", 0, 2);
	if (size)
		memcpy(message_room(message), data, size);
	return message_accept(message, error);
}

START_TEST(bytes_hold_a_copy)
{
	char data[100] = "hello";
	lpad_message *message = message_bytes(data, sizeof data);
	data[0] = 'j';
	ck_assert_int_eq(message_kind(message), LPAD_BYTES);
	ck_assert_uint_eq(message_size(message), sizeof data);
	ck_assert_str_eq(message_body(message, sizeof data), "hello");
	ck_assert(aligned(message_content(message)));
	ck_assert_str_eq(message_sender(message), "");
	ck_assert_int_eq(message_sender_index(message), -1);
	ck_assert_int_eq(message_sender_incarnation(message), 0);
	message_free(message);
}
END_TEST

START_TEST(bytes_of_null_are_zeroed)
{
	enum { SIZE = 100000 };
	lpad_message *message = message_bytes(NULL, SIZE);
	const char *body = message_body(message, SIZE);
	for (int i = 0; i < SIZE; i++)
		ck_assert_int_eq(body[i], 0);
	message_free(message);
}
END_TEST

START_TEST(empty_bytes_have_a_body)
{
	lpad_message *message = message_bytes(NULL, 0);
	ck_assert_ptr_nonnull(message_body(message, 0));
	ck_assert_ptr_null(message_body(message, 1));
	message_free(message);
	message = message_bytes("x", 0);
	ck_assert_uint_eq(message_size(message), 0);
	message_free(message);
}
END_TEST

START_TEST(filling_ends_with_sealing)
{
	lpad_message *message = message_bytes(NULL, 8);
	char *body = message_fill(message);
	ck_assert_ptr_nonnull(body);
	memcpy(body, "1234567", 8);
	message_seal(message);
	ck_assert_ptr_null(message_fill(message));
	ck_assert_str_eq(fault_text(), "the message was sent, shared or received: it can only be read");
	ck_assert_str_eq(message_body(message, 8), "1234567");
	message_free(message);
}
END_TEST

START_TEST(filling_ends_with_sharing)
{
	lpad_message *message = message_bytes("abc", 4);
	lpad_message *second = message_share(message);
	ck_assert_ptr_eq(message, second);
	ck_assert_ptr_null(message_fill(message));
	message_free(message);
	/* The other holder may have kept a pointer: it stays read-only. */
	ck_assert_ptr_null(message_fill(second));
	ck_assert_str_eq(message_body(second, 4), "abc");
	message_free(second);
}
END_TEST

START_TEST(only_bytes_are_filled_as_a_whole)
{
	lpad_tensor tensor = { .name = "a", .type = LPAD_F32, .rank = 1, .shape = { 2 } };
	lpad_message *json = message_json("{}"), *tensors = message_tensors(1, &tensor);
	ck_assert_ptr_null(message_fill(json));
	ck_assert_ptr_null(message_fill(tensors));
	ck_assert_ptr_null(message_data(json, "a"));
	message_free(json);
	message_free(tensors);
}
END_TEST

START_TEST(null_is_no_message)
{
	ck_assert_int_eq(message_kind(NULL), 0);
	ck_assert_uint_eq(message_size(NULL), 0);
	ck_assert_ptr_null(message_content(NULL));
	ck_assert_ptr_null(message_fill(NULL));
	ck_assert_ptr_null(message_data(NULL, "a"));
	ck_assert_ptr_null(message_body(NULL, 4));
	ck_assert_str_eq(fault_text(), "there is no message; expected 4 bytes");
	ck_assert_ptr_null(message_json_text(NULL));
	ck_assert_ptr_null(message_view(NULL, "a", LPAD_F32, 1, NULL));
	ck_assert_str_eq(fault_text(), "there is no message with a tensor \"a\"; expected f32[*]");
	ck_assert_int_eq(message_tensor_count(NULL), 0);
	ck_assert_ptr_null(message_meta(NULL, "a"));
	ck_assert_str_eq(message_sender(NULL), "");
	ck_assert_ptr_null(message_share(NULL));
	ck_assert_int_eq(message_set_meta(NULL, "a", "b"), LPAD_EINVALID);
	message_seal(NULL);
	message_free(NULL);
}
END_TEST

/* ---- JSON ---- */

START_TEST(json_is_one_text)
{
	static const char *const good[] = { "{}", "[]", "null", "3", "-0.5e3", "\"a\"", " {\"a\": [1, 2, {\"b\": null}]}\n",
		"\"\\u00e9 \xc3\xa9\"", "18446744073709551615", "123456789012345678901234567890", "{\"a\":1,\"a\":2}" };
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		lpad_message *message = message_json(good[i]);
		ck_assert_msg(message, "%s: %s", good[i], fault_text());
		ck_assert_str_eq(message_json_text(message), good[i]);
		ck_assert_uint_eq(message_size(message), strlen(good[i]));
		ck_assert(aligned(message_content(message)));
		message_free(message);
	}
}
END_TEST

static const char *const bad_json[] = { "", " ", "{", "}", "{}{}", "[] 1", "[1,]", "{a: 1}", "'a'", "nul", "01", "1.", "\"\n\"",
	"\"\xff\"", "\xef\xbb\xbf{}", "\"\\u0000\"", "// no\n1", "NaN" };

START_TEST(json_that_is_none_is_refused)
{
	for (size_t i = 0; i < sizeof bad_json / sizeof bad_json[0]; i++) {
		struct error error = { 0 };
		ck_assert_msg(!message_json(bad_json[i]), "%s", bad_json[i]);
		ck_assert_int_eq(fault_code(), LPAD_EINVALID);
		ck_assert_ptr_nonnull(strstr(fault_text(), "not one JSON text: "));
		ck_assert_ptr_null(strchr(fault_text(), '\n'));
		ck_assert_ptr_null(received(LPAD_JSON, bad_json[i], strlen(bad_json[i]), &error));
		ck_assert_int_eq(error.code, LPAD_EBROKEN);
		ck_assert_ptr_nonnull(strstr(error.text, "replay/0 sent a malformed message (json, "));
	}
	ck_assert_ptr_null(message_json(NULL));
}
END_TEST

START_TEST(json_of_the_wire_has_no_nul)
{
	struct error error = { 0 };
	ck_assert_ptr_null(received(LPAD_JSON, "{}\0", 3, &error));
	ck_assert_ptr_null(received(LPAD_JSON, "\0{}", 3, &error));
	ck_assert_ptr_null(received(LPAD_JSON, "\"a\0b\"", 5, &error));
	lpad_message *message = received(LPAD_JSON, "[1]garbage", 3, &error);
	ck_assert_str_eq(message_json_text(message), "[1]");
	message_free(message);
}
END_TEST

START_TEST(deep_json_is_refused)
{
	enum { DEPTH = 1000000 };
	char *text = malloc(DEPTH + 1);
	memset(text, '[', DEPTH);
	text[DEPTH] = '\0';
	ck_assert_ptr_null(message_json(text));
	for (int i = 0; i < DEPTH; i++)
		text[i] = i % 5 ? "{\"a\":"[i % 5] : '{';
	ck_assert_ptr_null(message_json(text));
	free(text);
}
END_TEST

/* ---- receiving ---- */

START_TEST(received_messages_know_their_sender)
{
	struct error error = { 0 };
	lpad_message *message = received(LPAD_BYTES, "abcd", 4, &error);
	ck_assert_str_eq(message_sender(message), "replay/0");
	ck_assert_int_eq(message_sender_index(message), 0);
	ck_assert_int_eq(message_sender_incarnation(message), 2);
	ck_assert(aligned(message_content(message)));
	ck_assert_ptr_null(message_fill(message));
	ck_assert_ptr_null(message_body(message, 8));
	ck_assert_str_eq(fault_text(), "replay/0 sent 4 bytes; expected 8");
	ck_assert_ptr_null(message_json_text(message));
	ck_assert_str_eq(fault_text(), "replay/0 sent bytes; expected json");
	ck_assert_ptr_null(message_view(message, "s", LPAD_I64, 1, NULL));
	ck_assert_str_eq(fault_text(), "replay/0 sent no tensor \"s\" but bytes; expected i64[*]");
	message_free(message);
	message = received(LPAD_JSON, "4", 1, &error);
	ck_assert_ptr_null(message_body(message, 1));
	ck_assert_str_eq(fault_text(), "replay/0 sent json; expected 1 bytes");
	message_free(message);
}
END_TEST

START_TEST(own_messages_have_no_sender_in_texts)
{
	lpad_message *message = message_bytes("abcd", 4);
	ck_assert_ptr_null(message_body(message, 8));
	ck_assert_str_eq(fault_text(), "the message holds 4 bytes; expected 8");
	message_free(message);
}
END_TEST

START_TEST(no_content_is_empty_bytes)
{
	struct error error = { 0 };
	lpad_message *message = received(0, NULL, 0, &error);
	ck_assert_int_eq(message_kind(message), LPAD_BYTES);
	ck_assert_uint_eq(message_size(message), 0);
	message_free(message);
}
END_TEST

START_TEST(unknown_kinds_are_refused)
{
	static const int kinds[] = { -1, 4, 77, 1 << 30 };
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct error error = { 0 };
		ck_assert_ptr_null(received(kinds[i], "abcd", 4, &error));
		ck_assert_int_eq(error.code, LPAD_EBROKEN);
		ck_assert_ptr_nonnull(strstr(error.text, "replay/0 sent a malformed message (unknown, 4 bytes): kind "));
	}
}
END_TEST

/* ---- references ---- */

enum { THREADS = 4, ROUNDS = 20000 };

static void *share_and_free(void *context)
{
	lpad_message *message = context;
	for (int i = 0; i < ROUNDS; i++) {
		lpad_message *mine = message_share(message);
		if (*(const char *)message_body(mine, 2) != 'x')
			abort();
		message_free(mine);
	}
	message_free(message);
	return NULL;
}

START_TEST(references_are_counted_by_many_threads)
{
	pthread_t threads[THREADS];
	lpad_message *message = message_bytes("x", 2);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, share_and_free, message_share(message));
	message_free(message);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}
END_TEST

START_TEST(a_passed_message_shows_the_same_body)
{
	lpad_message *sent = message_bytes("hello", 6);
	lpad_message *passed = message_pass(sent, "actor/3", 3, 2);
	ck_assert_ptr_eq(message_content(passed), message_content(sent));
	ck_assert_ptr_null(message_fill(sent));
	ck_assert_ptr_null(message_fill(passed));
	ck_assert_str_eq(message_sender(passed), "actor/3");
	ck_assert_int_eq(message_sender_index(passed), 3);
	ck_assert_int_eq(message_sender_incarnation(passed), 2);
	ck_assert_str_eq(message_sender(sent), "");
	message_free(sent);
	ck_assert_str_eq(message_body(passed, 6), "hello");
	ck_assert_ptr_null(message_body(passed, 7));
	ck_assert_str_eq(fault_text(), "actor/3 sent 6 bytes; expected 7");
	lpad_message *kept = message_share(passed);
	message_free(passed);
	ck_assert_str_eq(message_body(kept, 6), "hello");
	message_free(kept);
}
END_TEST

START_TEST(what_was_passed_can_be_passed_on)
{
	lpad_message *sent = message_json("{\"a\": 1}");
	lpad_message *first = message_pass(sent, "first", 0, 1);
	lpad_message *second = message_pass(first, "second", -1, 4);
	const void *body = message_content(sent);
	message_free(sent);
	message_free(first);
	ck_assert_str_eq(message_json_text(second), "{\"a\": 1}");
	ck_assert_ptr_eq(message_content(second), body);
	ck_assert_str_eq(message_sender(second), "second");
	ck_assert_int_eq(message_sender_incarnation(second), 4);
	message_free(second);
}
END_TEST

START_TEST(passed_tensors_keep_views_and_metadata)
{
	static const lpad_tensor list[] = {
		{ .name = "obs", .type = LPAD_F32, .rank = 2, .shape = { 2, 3 } }, { .name = "step", .type = LPAD_I64 },
	};
	lpad_message *sent = message_tensors(2, list), *loaded = NULL;
	char path[] = "passed.XXXXXX";
	lpad_tensor tensor;
	ck_assert_int_eq(message_set_meta(sent, "unit", "m"), 0);
	((float *)message_data(sent, "obs"))[5] = 2.5f;
	lpad_message *passed = message_pass(sent, "sensor", -1, 1);
	message_free(sent);
	const float *obs = message_view(passed, "obs", LPAD_F32, 2, (const int64_t[]){ -1, 3 });
	ck_assert_ptr_nonnull(obs);
	ck_assert(aligned(message_content(passed)));
	ck_assert_float_eq(obs[5], 2.5f);
	ck_assert_int_eq(message_tensor_count(passed), 2);
	ck_assert_int_eq(message_tensor_at(passed, 1, &tensor), 0);
	ck_assert_str_eq(tensor.name, "step");
	ck_assert_str_eq(message_meta(passed, "unit"), "m");
	ck_assert_ptr_null(message_data(passed, "obs"));
	ck_assert_int_eq(message_set_meta(passed, "unit", "km"), LPAD_EINVALID);
	close(mkstemp(path));
	ck_assert_int_eq(message_save(passed, path), 0);
	message_free(passed);
	ck_assert_int_eq(message_load(path, &loaded), 0);
	ck_assert_float_eq(((const float *)message_view(loaded, "obs", LPAD_F32, 2, NULL))[5], 2.5f);
	message_free(loaded);
	unlink(path);
}
END_TEST

START_TEST(nothing_and_what_is_broken_are_passed_too)
{
	lpad_message *passed = message_pass(NULL, "actor", 0, 1);
	ck_assert_int_eq(message_kind(passed), LPAD_BYTES);
	ck_assert_uint_eq(message_size(passed), 0);
	ck_assert_ptr_nonnull(message_body(passed, 0));
	message_free(passed);
	fault_set(LPAD_ETOOBIG, "%s", "far too big");
	lpad_message *broken = message_broken();
	passed = message_pass(broken, "actor", 0, 1);
	message_free(broken);
	fault_set(0, "%s", "");
	ck_assert_int_eq(message_refused(passed), LPAD_ETOOBIG);
	ck_assert_str_eq(fault_text(), "far too big");
	message_free(passed);
}
END_TEST

static void *pass_and_free(void *context)
{
	for (int i = 0; i < 1000; i++) {
		lpad_message *passed = message_pass(context, "actor", 0, 1);
		lpad_message *again = message_pass(passed, "cache", 0, 1);
		message_free(passed);
		ck_assert_str_eq(message_body(again, 2), "x");
		message_free(again);
	}
	message_free(context);
	return NULL;
}

START_TEST(many_threads_pass_one_message)
{
	pthread_t threads[THREADS];
	lpad_message *message = message_bytes("x", 2);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, pass_and_free, message_share(message));
	message_free(message);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("message");
	TCase *cases = tcase_create("message");
	suite_add_tcase(suite, cases);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, bytes_hold_a_copy);
	tcase_add_test(cases, bytes_of_null_are_zeroed);
	tcase_add_test(cases, empty_bytes_have_a_body);
	tcase_add_test(cases, filling_ends_with_sealing);
	tcase_add_test(cases, filling_ends_with_sharing);
	tcase_add_test(cases, only_bytes_are_filled_as_a_whole);
	tcase_add_test(cases, null_is_no_message);
	tcase_add_test(cases, json_is_one_text);
	tcase_add_test(cases, json_that_is_none_is_refused);
	tcase_add_test(cases, json_of_the_wire_has_no_nul);
	tcase_add_test(cases, deep_json_is_refused);
	tcase_add_test(cases, received_messages_know_their_sender);
	tcase_add_test(cases, own_messages_have_no_sender_in_texts);
	tcase_add_test(cases, no_content_is_empty_bytes);
	tcase_add_test(cases, unknown_kinds_are_refused);
	tcase_add_test(cases, references_are_counted_by_many_threads);
	tcase_add_test(cases, a_passed_message_shows_the_same_body);
	tcase_add_test(cases, what_was_passed_can_be_passed_on);
	tcase_add_test(cases, passed_tensors_keep_views_and_metadata);
	tcase_add_test(cases, nothing_and_what_is_broken_are_passed_too);
	tcase_add_test(cases, many_threads_pass_one_message);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
