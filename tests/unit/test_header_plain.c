/* SPDX-License-Identifier: MIT */
/* The short way through a header decides as the JSON parser does: over random headers, whole and damaged. */
#include "link/message.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "link/body.h"

enum { ROUNDS = 30000, NAMES = 10, PLAIN_NAMES = 7 };

static lpad_message *received(const void *data, size_t size, struct error *error)
{
	lpad_message *message = message_receive(LPAD_TENSORS, size, "replay/0", 0, 1);
	memcpy(message_room(message), data, size);
	return message_accept(message, error);
}

static lpad_message *random_message(lpad_rng *rng)
{
	static const char *const names[NAMES] = { "a", "obs", "item.key", "__metadat", "reward", "x y", "+", "with \"quotes\"", "caf\xc3\xa9", "tab\t" };
	lpad_tensor list[NAMES];
	uint64_t of = lpad_random_below(rng, 4) ? PLAIN_NAMES : NAMES;
	uint64_t count = lpad_random_below(rng, 6), begin = lpad_random_below(rng, of);
	for (uint64_t i = 0; i < count; i++) {
		list[i] = (lpad_tensor){ .name = names[(begin + i) % of], .type = 1 + (int)lpad_random_below(rng, 13) };
		list[i].rank = (int)lpad_random_below(rng, 4);
		for (int k = 0; k < list[i].rank; k++)
			list[i].shape[k] = (int64_t)lpad_random_below(rng, 12);
	}
	lpad_message *message = message_tensors((int)count, list);
	ck_assert_ptr_nonnull(message);
	for (uint64_t i = lpad_random_below(rng, 4); i-- > 0; )
		ck_assert_int_eq(message_set_meta(message, names[lpad_random_below(rng, of)], names[lpad_random_below(rng, of)]), 0);
	return message;
}

static void damage(lpad_rng *rng, unsigned char *header, size_t length)
{
	static const char pieces[] = "\"{}[]:,0123456789 -.eaF\\\t\x7f\xc3_";
	for (uint64_t i = lpad_random_below(rng, 4); i-- > 0; ) {
		size_t at = (size_t)lpad_random_below(rng, length), from = (size_t)lpad_random_below(rng, length);
		if (lpad_random_below(rng, 2))
			header[at] = (unsigned char)pieces[lpad_random_below(rng, sizeof pieces - 1)];
		else
			header[at] = header[from];
	}
}

static void expect_same(const lpad_message *a, const lpad_message *b)
{
	ck_assert_int_eq(message_tensor_count(a), message_tensor_count(b));
	for (size_t i = 0; i < a->tensors.list.count; i++) {
		const struct tensor *left = &a->tensors.list.at[i], *right = &b->tensors.list.at[i];
		ck_assert_str_eq(left->name, right->name);
		ck_assert(left->type == right->type && left->rank == right->rank && left->begin == right->begin && left->size == right->size);
		ck_assert(!memcmp(left->shape, right->shape, sizeof left->shape[0] * (size_t)left->rank));
	}
	ck_assert_uint_eq(a->tensors.meta.count, b->tensors.meta.count);
	for (size_t i = 0; i < a->tensors.meta.count; i++) {
		ck_assert_str_eq(a->tensors.meta.at[i].key, b->tensors.meta.at[i].key);
		ck_assert_str_eq(a->tensors.meta.at[i].value, b->tensors.meta.at[i].value);
	}
}

static bool is_plain(const unsigned char *body, size_t header, size_t size)
{
	struct tensors tensors = { 0 };
	bool plain = header_plain(&tensors, body + 8, header - 8, size - header);
	tensors_release(&tensors);
	return plain;
}

/* A tab at the end is nothing to JSON, and never plain. */
START_TEST(the_same_either_way)
{
	lpad_rng rng = { 11 };
	int plain = 0, accepted = 0, refused = 0;
	for (int i = 0; i < ROUNDS; i++) {
		struct error short_error = { 0 }, long_error = { 0 };
		lpad_message *message = random_message(&rng);
		size_t size = message_size(message), header = message->tensors.data;
		unsigned char *body = memory_array(size, 1);
		memcpy(body, message_content(message), size);
		message_free(message);
		if (body[header - 1] == ' ') {
			damage(&rng, body + 8, header - 9);
			plain += is_plain(body, header, size);
			lpad_message *one = received(body, size, &short_error);
			body[header - 1] = '\t';
			ck_assert(!is_plain(body, header, size));
			lpad_message *other = received(body, size, &long_error);
			ck_assert_msg(!one == !other, "%.*s: %s%s", (int)header - 8, body + 8, short_error.text, long_error.text);
			if (!strstr(short_error.text, "is not JSON"))   /* there the tab may be what is complained of */
				ck_assert_str_eq(short_error.text, long_error.text);
			if (one)
				expect_same(one, other);
			accepted += one != NULL;
			refused += !one;
			message_free(one);
			message_free(other);
		}
		free(body);
	}
	ck_assert_msg(plain > ROUNDS / 10 && accepted > plain && refused > ROUNDS / 10, "%d plain, %d accepted, %d refused", plain, accepted, refused);
}
END_TEST

/* What lpad writes is read the short way. */
START_TEST(ours_are_plain)
{
	lpad_tensor list[] = { { "item.key", LPAD_U64, 1, { 64 } }, { "obs", LPAD_F32, 3, { 64, 84, 0 } }, { "done", LPAD_BOOL8, 0, { 0 } } };
	lpad_message *message = message_tensors(3, list);
	for (int i = 0; i < 3; i++) {
		ck_assert(is_plain(message_content(message), message->tensors.data, message_size(message)));
		ck_assert_int_eq(message_set_meta(message, i ? "tables" : "stream", "transitions,other"), 0);
	}
	message_free(message);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("header_plain");
	TCase *cases = tcase_create("header_plain");
	tcase_set_timeout(cases, 120);
	tcase_add_test(cases, the_same_either_way);
	tcase_add_test(cases, ours_are_plain);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
