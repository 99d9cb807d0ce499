/* SPDX-License-Identifier: MIT */
/* What batches refuse, and whom; sizes that cannot be; the signatures of methods. */
#include "link_batches.h"

/* ---- who is refused ---- */

START_TEST(the_odd_one_is_refused_alone)
{
	static const char *const texts[] = {
		"n0.full: n1 sent `x f32[3]`, which cannot be in one batch with the `x f32[2]` of n2",
		"n0.full: n1 sent `y f32[2]`, which cannot be in one batch with the `x f32[2]` of n2",
		"n0.full: n1 sent json, which cannot be in one batch with the `x f32[2]` of n2",
		"n0.full: n1 sent 3 bytes; a batched method takes tensors or json",
		"n0.full: n1 sent nothing, which cannot be in one batch with the `x f32[2]` of n2"
	};
	lpad_message *odd[] = { vector("x", 3, 0), vector("y", 2, 0), message_json("{}"), message_bytes("abc", 3), NULL };
	for (int round = 0; round < 5; round++) {
		lpad_future *bad = peer_start(&peers[1], 0, FULL, odd[round]), *good[3];
		await_calls("full", "n1", round + 1);
		for (int i = 0; i < 3; i++)
			good[i] = ask(2, FULL, (float)i);
		expect_error(bad, LPAD_EINVALID, texts[round]);
		for (int i = 0; i < 3; i++)
			expect_own(good[i], (float)i);
		ck_assert_int_eq(sizes[round], 3);
	}
	ck_assert_int_eq(peer_counters(&peers[0], "method", "full", "n1").errors, 5);
}
END_TEST

START_TEST(when_all_are_refused_the_next_batch_runs)
{
	lpad_future *futures[4];
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++)
			futures[i] = peer_start(&peers[1], 0, FULL, message_bytes("abc", 3));
		for (int i = 0; i < 4; i++)
			ck_assert_int_eq(future_wait(futures[i], NULL), LPAD_EINVALID);
	}
	ck_assert_int_eq(batches, 0);
	for (int i = 0; i < 4; i++)
		futures[i] = ask(1, FULL, (float)i);
	for (int i = 0; i < 4; i++)
		expect_own(futures[i], (float)i);
}
END_TEST

START_TEST(signatures_are_those_of_one_call)
{
	lpad_future *bad = peer_start(&peers[1], 0, TYPED, vector("y", 2, 0)), *one = ask(1, TYPED, 1), *two = ask(2, TYPED, 2);
	ck_assert_int_eq(future_wait(bad, NULL), LPAD_EINVALID);
	ck_assert_msg(!strncmp(fault_text(), "n0.typed: n1 sent ", 18) && strstr(fault_text(), "x f32[*]"), "%s", fault_text());
	expect_own(one, 1);
	expect_own(two, 2);
}
END_TEST

START_TEST(an_unfit_row_is_an_error_for_all)
{
	lpad_future *futures[3];
	for (int i = 0; i < 3; i++)
		futures[i] = peer_start(&peers[1], 0, TYPED, vector("x", 5, 0));
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(future_wait(futures[i], NULL), LPAD_EINVALID);
		ck_assert_msg(!strncmp(fault_text(), "n0.typed answered each of a batch `x f32[5]`", 44), "%s", fault_text());
	}
}
END_TEST

START_TEST(a_wrong_size_is_an_error_for_all)
{
	lpad_future *one = ask(1, SHORT, 1), *two = ask(2, SHORT, 2);
	const char *text = "n0.short answered a batch of 2 wrongly: tensor \"x\" has 3 rows where 2 are due";
	expect_error(one, LPAD_EINVALID, text);
	expect_error(two, LPAD_EINVALID, text);
	let_service_thread_pass();
	ck_assert_int_eq(second_code, LPAD_EINVALID);
}
END_TEST

START_TEST(an_error_goes_to_all)
{
	lpad_future *one = ask(1, FAILS, 1), *two = ask(2, FAILS, 2);
	expect_error(one, LPAD_ENOTFOUND, "n0.fails: nothing is there");
	expect_error(two, LPAD_ENOTFOUND, "n0.fails: nothing is there");
}
END_TEST

START_TEST(no_answer_content_is_none_for_each)
{
	lpad_future *one = ask(1, EMPTY, 1), *two = ask(2, EMPTY, 2);
	lpad_message *reply;
	ck_assert_int_eq(future_wait(one, &reply), 0);
	ck_assert_uint_eq(message_size(reply), 0);
	message_free(reply);
	ck_assert_int_eq(future_wait(two, NULL), 0);
}
END_TEST

/* ---- the size that init chooses ---- */

START_TEST(init_chooses_the_size)
{
	struct link_spec spec = { .self = { .node = "n0", .incarnation = 1 }, .longest = LONGEST, .methods = own_methods,
		.method_count = OWN_METHODS };
	struct link_hooks hooks = { .wired = peer_wired, .drained = peer_drained, .note = peer_note, .wake = peer_wake };
	struct error error = { 0 };
	struct link *link = link_new(&spec, &hooks, &error);
	ck_assert_msg(link != NULL, "%s", error.text);
	ck_assert_int_eq(link_set_batch(link, "full", 1, 0), 0);
	ck_assert_int_eq(link_set_batch(link, "full", 4, INFINITY), 0);
	ck_assert_int_eq(link_set_batch(link, "full", 5, 0), LPAD_EINVALID);
	ck_assert_str_eq(fault_text(), "n0.full: a batch of 5 is not 1 to 4, as it was declared");
	ck_assert_int_eq(link_set_batch(link, "full", 0, 0), LPAD_EINVALID);
	ck_assert_int_eq(link_set_batch(link, "full", 2, -1), LPAD_EINVALID);
	ck_assert_int_eq(link_set_batch(link, "full", 2, NAN), LPAD_EINVALID);
	ck_assert_int_eq(link_set_batch(link, "plain", 2, 0), LPAD_EINVALID);
	ck_assert_int_eq(link_set_batch(link, "none", 2, 0), LPAD_ENOMETHOD);
	link_free(link);
	ck_assert_int_eq(link_set_batch(peers[0].link, "full", 2, 0), LPAD_EINVALID);
}
END_TEST

START_TEST(a_malformed_signature_makes_no_link)
{
	struct method_link method = { .name = "m", .reply = "x f99" };
	struct link_spec spec = { .self = { .node = "n0", .incarnation = 1 }, .longest = LONGEST, .methods = &method,
		.method_count = 1 };
	struct link_hooks hooks = { .wired = peer_wired };
	struct error error = { 0 };
	ck_assert_ptr_null(link_new(&spec, &hooks, &error));
	ck_assert_msg(!strncmp(error.text, "method \"m\": reply: ", 19), "%s", error.text);
}
END_TEST

/* ---- signatures of calls that are alone ---- */

START_TEST(a_request_that_does_not_fit_never_gets_there)
{
	lpad_message *reply;
	ck_assert_int_eq(peer_call(&peers[1], 0, PLAIN, vector("x", 3, 0), NULL), LPAD_EINVALID);
	ck_assert_str_eq(fault_text(), "n0.plain: n1 sent `x f32[3]` where `x f32[2]` is expected");
	ck_assert_int_eq(peer_call(&peers[1], 0, PLAIN, NULL, NULL), LPAD_EINVALID);
	ck_assert_int_eq(peers[0].executed, 0);
	ck_assert_int_eq(peer_call(&peers[1], 0, PLAIN, vector("x", 2, 0), &reply), 0);
	message_free(reply);
	ck_assert_int_eq(peers[0].executed, 1);
	ck_assert_int_eq(peer_counters(&peers[0], "method", "plain", "n1").errors, 2);
}
END_TEST

START_TEST(a_reply_that_does_not_fit_is_an_error_for_both)
{
	ck_assert_int_eq(peer_call(&peers[1], 0, LIAR, NULL, NULL), LPAD_EINVALID);
	ck_assert_str_eq(fault_text(), "n0.liar answered `x f32[3]` where `x f32[2]` is expected");
	let_service_thread_pass();
	ck_assert_int_eq(second_code, LPAD_EINVALID);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_batch_refusals");
	TCase *cases = tcase_create("batch");
	suite_add_tcase(suite, cases);
	tcase_add_checked_fixture(cases, open_all, close_all);
	tcase_set_timeout(cases, 120);
	tcase_add_test(cases, the_odd_one_is_refused_alone);
	tcase_add_test(cases, when_all_are_refused_the_next_batch_runs);
	tcase_add_test(cases, signatures_are_those_of_one_call);
	tcase_add_test(cases, an_unfit_row_is_an_error_for_all);
	tcase_add_test(cases, a_wrong_size_is_an_error_for_all);
	tcase_add_test(cases, an_error_goes_to_all);
	tcase_add_test(cases, no_answer_content_is_none_for_each);
	tcase_add_test(cases, init_chooses_the_size);
	tcase_add_test(cases, a_malformed_signature_makes_no_link);
	tcase_add_test(cases, a_request_that_does_not_fit_never_gets_there);
	tcase_add_test(cases, a_reply_that_does_not_fit_is_an_error_for_both);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
