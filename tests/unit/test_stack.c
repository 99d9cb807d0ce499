/* SPDX-License-Identifier: MIT */
#include "link/stack.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { MOST = 8 };

struct stacking {
	struct stack_part parts[MOST];
	size_t count, joined;
	lpad_message *out;
};

static void add(struct stacking *s, lpad_message *message)
{
	static const char *const names[MOST] = { "c/0", "c/1", "c/2", "c/3", "c/4", "c/5", "c/6", "c/7" };
	ck_assert_ptr_nonnull(message);
	s->parts[s->count] = (struct stack_part){ message, names[s->count], NULL };
	s->count++;
}

static void join(struct stacking *s, size_t rows)
{
	s->out = stack_join(s->parts, s->count, rows, &s->joined);
}

static void release(struct stacking *s)
{
	for (size_t i = 0; i < s->count; i++) {
		message_free(s->parts[i].message);
		free(s->parts[i].wrong);
	}
	message_free(s->out);
}

/* "x" of f32[2], and "step", a scalar of i64. */
static lpad_message *sample(float first, int64_t step)
{
	lpad_message *message = message_tensors(2, (lpad_tensor[]){ { "step", LPAD_I64, 0, { 0 } }, { "x", LPAD_F32, 1, { 2 } } });
	float *x = message_data(message, "x");
	x[0] = first;
	x[1] = first + 1;
	*(int64_t *)message_data(message, "step") = step;
	return message;
}

static lpad_message *vector(const char *name, int type, int64_t extent)
{
	return message_tensors(1, &(lpad_tensor){ name, type, 1, { extent } });
}

static const void *see(const lpad_message *message, const char *name, int type, int rank, int64_t first, int64_t second)
{
	const void *view = message_view(message, name, type, rank, (int64_t[]){ first, second });
	ck_assert_msg(view != NULL, "%s", fault_text());
	return view;
}

/* ---- joining ---- */

START_TEST(tensors_get_a_first_axis)
{
	struct stacking s = { 0 };
	for (int i = 0; i < 3; i++)
		add(&s, sample((float)(10 * i), i));
	join(&s, 0);
	ck_assert_uint_eq(s.joined, 3);
	const float *x = see(s.out, "x", LPAD_F32, 2, 3, 2);
	const int64_t *step = see(s.out, "step", LPAD_I64, 1, 3, 0);
	ck_assert_int_eq(message_tensor_count(s.out), 2);
	ck_assert_str_eq(message_sender(s.out), "");
	for (int i = 0; i < 3; i++) {
		ck_assert(x[2 * i] == (float)(10 * i) && x[2 * i + 1] == (float)(10 * i + 1));
		ck_assert_int_eq(step[i], i);
	}
	release(&s);
}
END_TEST

START_TEST(the_order_of_names_does_not_matter)
{
	struct stacking s = { 0 };
	lpad_message *other = message_tensors(2, (lpad_tensor[]){ { "x", LPAD_F32, 1, { 2 } }, { "step", LPAD_I64, 0, { 0 } } });
	*(int64_t *)message_data(other, "step") = 5;
	((float *)message_data(other, "x"))[1] = 7;
	add(&s, sample(1, 4));
	add(&s, other);
	join(&s, 0);
	ck_assert_uint_eq(s.joined, 2);
	ck_assert_int_eq(((const int64_t *)see(s.out, "step", LPAD_I64, 1, 2, 0))[1], 5);
	ck_assert(((const float *)see(s.out, "x", LPAD_F32, 2, 2, 2))[3] == 7);
	release(&s);
}
END_TEST

START_TEST(one_alone_is_a_batch)
{
	struct stacking s = { 0 };
	add(&s, sample(3, 4));
	join(&s, 1);
	ck_assert_uint_eq(s.joined, 1);
	ck_assert(((const float *)see(s.out, "x", LPAD_F32, 2, 1, 2))[0] == 3);
	release(&s);
}
END_TEST

START_TEST(padding_repeats_the_first)
{
	struct stacking s = { 0 };
	add(&s, sample(1, 1));
	add(&s, sample(2, 2));
	join(&s, 4);
	ck_assert_uint_eq(s.joined, 2);
	const int64_t *step = see(s.out, "step", LPAD_I64, 1, 4, 0);
	const int64_t expected[] = { 1, 2, 1, 1 };
	ck_assert_mem_eq(step, expected, sizeof expected);
	release(&s);
}
END_TEST

START_TEST(empty_tensors_and_none_at_all)
{
	struct stacking s = { 0 }, none = { 0 };
	for (int i = 0; i < 2; i++) {
		add(&s, vector("x", LPAD_U8, 0));
		add(&none, message_tensors(0, NULL));
	}
	join(&s, 0);
	join(&none, 3);
	see(s.out, "x", LPAD_U8, 2, 2, 0);
	ck_assert_int_eq(message_kind(none.out), LPAD_TENSORS);
	ck_assert_int_eq(message_tensor_count(none.out), 0);
	release(&s);
	release(&none);
}
END_TEST

START_TEST(metadata_stays_where_all_agree)
{
	struct stacking s = { 0 };
	for (int i = 0; i < 2; i++) {
		lpad_message *message = message_tensors(1, &(lpad_tensor){ "x", LPAD_U8, 0, { 0 } });
		message_set_meta(message, "policy", "greedy");
		message_set_meta(message, "episode", i ? "2" : "1");
		add(&s, message);
	}
	join(&s, 0);
	ck_assert_str_eq(message_meta(s.out, "policy"), "greedy");
	ck_assert_ptr_null(message_meta(s.out, "episode"));
	release(&s);
}
END_TEST

START_TEST(json_becomes_an_array)
{
	struct stacking s = { 0 };
	add(&s, message_json("{\"a\": 1}"));
	add(&s, message_json(" [1, 2]"));
	add(&s, message_json("1.50"));
	join(&s, 4);
	ck_assert_uint_eq(s.joined, 3);
	ck_assert_int_eq(message_kind(s.out), LPAD_JSON);
	ck_assert_str_eq(message_json_text(s.out), "[{\"a\": 1}, [1, 2],1.50,{\"a\": 1}]");
	release(&s);
}
END_TEST

START_TEST(nothing_stays_nothing)
{
	struct stacking s = { 0 };
	add(&s, message_bytes(NULL, 0));
	add(&s, message_bytes(NULL, 0));
	join(&s, 0);
	ck_assert_uint_eq(s.joined, 2);
	ck_assert_ptr_nonnull(s.out);
	ck_assert_uint_eq(message_size(s.out), 0);
	release(&s);
}
END_TEST

START_TEST(bytes_are_refused_alone)
{
	struct stacking s = { 0 };
	add(&s, message_bytes("abc", 3));
	add(&s, sample(1, 1));
	join(&s, 0);
	ck_assert_uint_eq(s.joined, 1);
	ck_assert_str_eq(s.parts[0].wrong, "c/0 sent 3 bytes; a batched method takes tensors or json");
	ck_assert_ptr_null(s.parts[1].wrong);
	release(&s);
}
END_TEST

START_TEST(the_odd_one_is_refused_wherever_it_stands)
{
	struct stacking s = { 0 };
	lpad_message *const odd[] = { vector("x", LPAD_F32, 3), vector("x", LPAD_F64, 2), vector("y", LPAD_F32, 2),
		message_json("1"), message_bytes(NULL, 0) };
	size_t place = (size_t)_i % 3;
	for (size_t i = 0; i < 3; i++)
		add(&s, i == place ? odd[_i / 3] : vector("x", LPAD_F32, 2));
	for (int i = 0; i < 5; i++)
		if (i != _i / 3)
			message_free(odd[i]);
	join(&s, 0);
	ck_assert_uint_eq(s.joined, 2);
	see(s.out, "x", LPAD_F32, 2, 2, 2);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(s.parts[i].wrong != NULL, i == place);
	ck_assert_ptr_nonnull(strstr(s.parts[place].wrong, "which cannot be in one batch with the `x f32[2]` of "));
	release(&s);
}
END_TEST

START_TEST(of_equals_the_first_decides)
{
	struct stacking s = { 0 };
	add(&s, sample(1, 1));
	add(&s, vector("x", LPAD_F32, 3));
	join(&s, 0);
	ck_assert_uint_eq(s.joined, 1);
	ck_assert_ptr_null(s.parts[0].wrong);
	ck_assert_str_eq(s.parts[1].wrong,
		"c/1 sent `x f32[3]`, which cannot be in one batch with the `step i64, x f32[2]` of c/0");
	release(&s);
}
END_TEST

START_TEST(more_and_fewer_tensors_are_odd)
{
	struct stacking s = { 0 };
	add(&s, vector("x", LPAD_F32, 2));
	add(&s, vector("x", LPAD_F32, 2));
	add(&s, sample(1, 1));
	join(&s, 0);
	ck_assert_uint_eq(s.joined, 2);
	ck_assert_ptr_nonnull(s.parts[2].wrong);
	release(&s);
}
END_TEST

START_TEST(there_must_be_room_for_the_axis)
{
	struct stacking s = { 0 };
	add(&s, message_tensors(1, &(lpad_tensor){ "x", LPAD_U8, 8, { 1, 1, 1, 1, 1, 1, 1, 1 } }));
	join(&s, 0);
	ck_assert_ptr_null(s.out);
	ck_assert_uint_eq(s.joined, 0);
	ck_assert_str_eq(s.parts[0].wrong, "c/0 sent tensor \"x\" of rank 8, and a batch needs one axis more");
	release(&s);
}
END_TEST

START_TEST(those_left_out_stay_out)
{
	struct stacking s = { 0 };
	add(&s, sample(1, 1));
	s.parts[s.count++] = (struct stack_part){ .caller = "c/1" };
	join(&s, 0);
	ck_assert_uint_eq(s.joined, 1);
	ck_assert_ptr_null(s.parts[1].wrong);
	release(&s);
}
END_TEST

START_TEST(a_batch_beyond_memory_is_refused)
{
	struct stacking s = { 0 };
	add(&s, vector("x", LPAD_U8, 1 << 20));
	join(&s, (size_t)1 << 20);
	ck_assert_ptr_null(s.out);
	ck_assert_ptr_nonnull(s.parts[0].wrong);
	release(&s);
}
END_TEST

/* ---- splitting ---- */

static void assert_refused(lpad_message *reply, size_t count, size_t rows, const char *text)
{
	struct error error = { 0 };
	lpad_message *slices[MOST];
	ck_assert_ptr_nonnull(reply);
	ck_assert_int_eq(stack_split(reply, count, rows, slices, &error), -1);
	ck_assert_str_eq(error.text, text);
	message_free(reply);
}

START_TEST(each_gets_its_row)
{
	struct error error = { 0 };
	lpad_message *slices[MOST], *reply = message_tensors(2,
		(lpad_tensor[]){ { "step", LPAD_U8, 1, { _i } }, { "x", LPAD_F32, 2, { _i, 2 } } });
	for (int i = 0; i < _i; i++) {
		((uint8_t *)message_data(reply, "step"))[i] = (uint8_t)i;
		((float *)message_data(reply, "x"))[2 * i + 1] = (float)i;
	}
	ck_assert_int_eq(stack_split(reply, 3, 5, slices, &error), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(*(const uint8_t *)see(slices[i], "step", LPAD_U8, 0, 0, 0), i);
		ck_assert(((const float *)see(slices[i], "x", LPAD_F32, 1, 2, 0))[1] == (float)i);
		message_free(slices[i]);
	}
	message_free(reply);
}
END_TEST

START_TEST(what_was_joined_splits_into_the_same)
{
	struct stacking s = { 0 };
	struct error error = { 0 };
	lpad_message *slices[MOST];
	for (int i = 0; i < 4; i++)
		add(&s, sample((float)i, i));
	join(&s, 0);
	ck_assert_int_eq(stack_split(s.out, 4, 4, slices, &error), 0);
	for (int i = 0; i < 4; i++) {
		ck_assert_uint_eq(message_size(slices[i]), message_size(s.parts[i].message));
		ck_assert_mem_eq(message_content(slices[i]), message_content(s.parts[i].message), message_size(slices[i]));
		message_free(slices[i]);
	}
	release(&s);
}
END_TEST

START_TEST(rows_must_be_as_many_as_callers)
{
	assert_refused(vector("y", LPAD_F32, 3), 2, 2, "tensor \"y\" has 3 rows where 2 are due");
	assert_refused(vector("y", LPAD_F32, 3), 2, 4, "tensor \"y\" has 3 rows where 2, or 4 with the padding, are due");
	assert_refused(message_tensors(1, &(lpad_tensor){ "y", LPAD_F32, 0, { 0 } }), 2, 2,
		"tensor \"y\" is a scalar; its first axis is to be the batch's, 2");
	assert_refused(message_bytes("abc", 3), 2, 2,
		"it has 3 bytes; a batch is answered with tensors, json or nothing");
}
END_TEST

START_TEST(arrays_are_cut_at_their_commas)
{
	struct error error = { 0 };
	lpad_message *slices[MOST], *reply = message_json(" [ {\"a,]\": [1, \"\\\"]\"]} ,2.50,\n\"x\\\\\" , [] ] ");
	static const char *const expected[] = { "{\"a,]\": [1, \"\\\"]\"]}", "2.50", "\"x\\\\\"", "[]" };
	ck_assert_int_eq(stack_split(reply, 4, 4, slices, &error), 0);
	for (int i = 0; i < 4; i++) {
		ck_assert_str_eq(message_json_text(slices[i]), expected[i]);
		message_free(slices[i]);
	}
	ck_assert_int_eq(stack_split(reply, 2, 4, slices, &error), 0);
	message_free(slices[0]);
	message_free(slices[1]);
	message_free(reply);
	assert_refused(message_json("[1, 2]"), 3, 3, "its array has 2 elements where 3 are due");
	assert_refused(message_json("[ ]"), 1, 1, "its array has 0 elements where 1 is due");
	assert_refused(message_json("{\"a\": [1, 2]}"), 2, 2, "it is json, but no array of 2");
}
END_TEST

START_TEST(nothing_is_nothing_for_each)
{
	struct error error = { 0 };
	lpad_message *slices[MOST], *empty = message_bytes(NULL, 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(stack_split(i ? empty : NULL, 2, 2, slices, &error), 0);
		for (int k = 0; k < 2; k++) {
			ck_assert_uint_eq(message_size(slices[k]), 0);
			message_free(slices[k]);
		}
	}
	message_free(empty);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stack");
	TCase *joining = tcase_create("joining"), *splitting = tcase_create("splitting");
	suite_add_tcase(suite, joining);
	suite_add_tcase(suite, splitting);
	tcase_add_test(joining, tensors_get_a_first_axis);
	tcase_add_test(joining, the_order_of_names_does_not_matter);
	tcase_add_test(joining, one_alone_is_a_batch);
	tcase_add_test(joining, padding_repeats_the_first);
	tcase_add_test(joining, empty_tensors_and_none_at_all);
	tcase_add_test(joining, metadata_stays_where_all_agree);
	tcase_add_test(joining, json_becomes_an_array);
	tcase_add_test(joining, nothing_stays_nothing);
	tcase_add_test(joining, bytes_are_refused_alone);
	tcase_add_loop_test(joining, the_odd_one_is_refused_wherever_it_stands, 0, 15);
	tcase_add_test(joining, of_equals_the_first_decides);
	tcase_add_test(joining, more_and_fewer_tensors_are_odd);
	tcase_add_test(joining, there_must_be_room_for_the_axis);
	tcase_add_test(joining, those_left_out_stay_out);
	tcase_add_test(joining, a_batch_beyond_memory_is_refused);
	tcase_add_loop_test(splitting, each_gets_its_row, 3, 4);
	tcase_add_loop_test(splitting, each_gets_its_row, 5, 6);
	tcase_add_test(splitting, what_was_joined_splits_into_the_same);
	tcase_add_test(splitting, rows_must_be_as_many_as_callers);
	tcase_add_test(splitting, arrays_are_cut_at_their_commas);
	tcase_add_test(splitting, nothing_is_nothing_for_each);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
