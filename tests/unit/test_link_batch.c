/* SPDX-License-Identifier: MIT */
/* Batched methods: who gathers, who leaves, what is kept, taken by run, and drained. */
#include "link_batches.h"
#include "link/batch.h"

START_TEST(a_full_batch_runs_and_each_gets_its_own)
{
	lpad_future *futures[8];
	for (int i = 0; i < 8; i++)
		futures[i] = ask(1 + i % 2, FULL, (float)i);
	for (int i = 0; i < 8; i++)
		expect_own(futures[i], (float)i);
	ck_assert_int_eq(batches, 2);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(sizes[i] == 4 && rows[i] == 4, 1);
}
END_TEST

START_TEST(calls_stand_in_the_order_in_which_they_came)
{
	lpad_future *futures[4];
	for (int i = 0; i < 4; i++)
		futures[i] = peer_start(&peers[1], 0, PLACE, NULL);
	for (int i = 0; i < 4; i++) {
		lpad_message *reply;
		ck_assert_int_eq(future_wait(futures[i], &reply), 0);
		const int64_t *row = message_view(reply, "row", LPAD_I64, 0, NULL);
		ck_assert_ptr_nonnull(row);
		ck_assert_int_eq(*row, i);
		message_free(reply);
	}
}
END_TEST

START_TEST(json_goes_in_and_out_as_arrays)
{
	lpad_future *futures[4];
	for (int i = 0; i < 4; i++)
		futures[i] = peer_start(&peers[1], 0, FULL, message_json(i % 2 ? "{\"odd\": 1}" : "[2.50]"));
	for (int i = 0; i < 4; i++) {
		lpad_message *reply;
		ck_assert_int_eq(future_wait(futures[i], &reply), 0);
		ck_assert_str_eq(message_json_text(reply), i % 2 ? "{\"odd\": 1}" : "[2.50]");
		message_free(reply);
	}
}
END_TEST

START_TEST(nobody_waits_longer_than_the_first_may)
{
	lpad_future *futures[3];
	int sum = 0;
	for (int i = 0; i < 3; i++)
		futures[i] = ask(1, SOON, (float)i);
	for (int i = 0; i < 3; i++)
		expect_own(futures[i], (float)i);
	for (int i = 0; i < batches; i++)
		sum += sizes[i];
	ck_assert_int_eq(sum, 3);
}
END_TEST

START_TEST(padding_is_not_answered)
{
	lpad_future *one = ask(1, PADDED, 1), *two = ask(2, PADDED, 2);
	expect_own(one, 1);
	expect_own(two, 2);
	for (int i = 0; i < batches; i++)
		ck_assert(rows[i] == 4 && sizes[i] < 3);
}
END_TEST

START_TEST(what_waits_for_a_thread_goes_on_filling)
{
	lpad_future *futures[4];
	futures[0] = ask(1, LIMITED, 0);
	await_count(&peers[0].entered, 1);
	for (int i = 1; i < 4; i++)
		futures[i] = ask(1, LIMITED, (float)i);
	await_calls("limited", "n1", 4);
	sem_post(&peers[0].gate);
	sem_post(&peers[0].gate);
	for (int i = 0; i < 4; i++)
		expect_own(futures[i], (float)i);
	ck_assert_int_eq(batches, 2);
	ck_assert_int_eq(sizes[0], 1);
	ck_assert_int_eq(sizes[1], 3);
}
END_TEST

START_TEST(the_queue_counts_calls)
{
	lpad_future *futures[4];
	futures[0] = ask(1, LIMITED, 0);
	await_count(&peers[0].entered, 1);
	for (int i = 1; i < 4; i++)
		futures[i] = ask(1, LIMITED, (float)i);
	expect_error(ask(1, LIMITED, 9), LPAD_EBUSY, "n0.limited: the queue is full: 3 calls wait in it");
	sem_post(&peers[0].gate);
	sem_post(&peers[0].gate);
	for (int i = 0; i < 4; i++)
		expect_own(futures[i], (float)i);
}
END_TEST

START_TEST(threads_run_batches_at_once)
{
	lpad_future *futures[4];
	for (int i = 0; i < 4; i++)
		futures[i] = ask(1, PAIRS, (float)i);
	for (int i = 0; i < 4; i++)
		expect_own(futures[i], (float)i);
}
END_TEST

/* ---- who leaves ---- */

START_TEST(a_cancelled_call_leaves_the_batch)
{
	lpad_future *left = ask(1, FULL, 9), *futures[4];
	await_calls("full", "n1", 1);
	future_cancel(left);
	for (int i = 0; i < 4; i++)
		futures[i] = ask(1, FULL, (float)i);
	for (int i = 0; i < 4; i++)
		expect_own(futures[i], (float)i);
	ck_assert_int_eq(batches, 1);
}
END_TEST

START_TEST(a_deadline_that_passes_leaves_the_batch)
{
	lpad_future *futures[4];
	ck_assert_int_eq(handle_call(peers[1].peers, 0, "full", vector("x", 2, 9), NULL, in_ms(20)), LPAD_ETIMEDOUT);
	for (int i = 0; i < 4; i++)
		futures[i] = ask(1, FULL, (float)i);
	for (int i = 0; i < 4; i++)
		expect_own(futures[i], (float)i);
	ck_assert_int_eq(batches, 1);
}
END_TEST

START_TEST(a_dead_caller_leaves_the_batch)
{
	lpad_future *dead = ask(2, FULL, 9), *futures[4];
	await_calls("full", "n2", 1);
	link_peer_lost(peers[0].link, 2, 0, 1, true);
	for (int i = 0; i < 4; i++)
		futures[i] = ask(1, FULL, (float)i);
	for (int i = 0; i < 4; i++)
		expect_own(futures[i], (float)i);
	ck_assert_int_eq(batches, 1);
	future_cancel(dead);
}
END_TEST

START_TEST(who_leaves_a_running_batch_leaves_alone)
{
	lpad_future *left = ask(1, HELD, 1), *stays = ask(2, HELD, 2);
	await_count(&peers[0].entered, 1);
	future_cancel(left);
	let_service_thread_pass();
	ck_assert_int_eq(peers[0].gone, 0);
	ck_assert_int_eq(peer_call(&peers[1], 0, LET_GO, NULL, NULL), 0);
	expect_own(stays, 2);
}
END_TEST

START_TEST(gone_is_told_when_all_have_left)
{
	lpad_future *one = ask(1, HELD, 1), *two = ask(1, HELD, 2);
	await_count(&peers[0].entered, 1);
	future_cancel(one);
	future_cancel(two);
	await_count(&peers[0].gone, 1);
	ck_assert_int_eq(peer_call(&peers[1], 0, LET_GO, NULL, NULL), 0);
	ck_assert_int_eq(peers[0].gone, 1);
	lpad_future *again[2] = { ask(1, HELD, 3), ask(1, HELD, 4) };
	await_count(&peers[0].entered, 2);
	ck_assert_int_eq(peer_call(&peers[1], 0, LET_GO, NULL, NULL), 0);
	expect_own(again[0], 3);
	expect_own(again[1], 4);
}
END_TEST

/* ---- kept, taken by run, drained ---- */

START_TEST(kept_batches_count_as_under_way)
{
	lpad_future *futures[6];
	for (int i = 0; i < 6; i++)
		futures[i] = ask(1, HELD, (float)i);
	await_calls("held", "n1", 6);
	await_count(&peers[0].entered, 2);
	let_service_thread_pass();
	ck_assert_int_eq(peers[0].entered, 2);
	ck_assert_int_eq(peer_call(&peers[1], 0, LET_GO, NULL, NULL), 0);
	for (int i = 0; i < 4; i++)
		expect_own(futures[i], (float)i);
	await_count(&peers[0].entered, 3);
	ck_assert_int_eq(peer_call(&peers[1], 0, LET_GO, NULL, NULL), 0);
	expect_own(futures[4], 4);
	expect_own(futures[5], 5);
}
END_TEST

START_TEST(run_takes_batches_from_an_inbox)
{
	lpad_inbox *inbox = link_inbox(peers[0].link, INBOX);
	lpad_call *call;
	lpad_future *one = ask(1, INBOX, 1);
	ck_assert_int_eq(inbox_next(inbox, &call, in_ms(20)), LPAD_ETIMEDOUT);
	lpad_future *two = ask(2, INBOX, 2);
	ck_assert_int_eq(inbox_next(inbox, &call, never), 0);
	ck_assert_int_eq(call_batch(call), 2);
	ck_assert_str_eq(call_caller(call), "");
	ck_assert_int_eq(call_caller_index(call), -1);
	ck_assert_str_eq(call_method(call), "inbox");
	ck_assert_int_eq(call_answer(call, message_share(call_request(call))), 0);
	expect_own(one, 1);
	expect_own(two, 2);
	ck_assert_int_eq(call_answer(call, NULL), LPAD_EINVALID);
	ck_assert_int_eq(inbox_next_from(inbox, peers[0].peers, 1, &call, in_ms(0)), LPAD_EINVALID);
}
END_TEST

START_TEST(the_end_of_run_refuses_batches_and_what_gathers)
{
	lpad_inbox *inbox = link_inbox(peers[0].link, INBOX);
	lpad_call *call;
	lpad_future *taken[2] = { ask(1, INBOX, 1), ask(1, INBOX, 2) }, *gathers, *posted[2];
	ck_assert_int_eq(inbox_next(inbox, &call, never), 0);
	posted[0] = ask(1, INBOX, 3);
	posted[1] = ask(1, INBOX, 4);
	gathers = ask(1, INBOX, 5);
	await_calls("inbox", "n1", 5);
	link_end_run(peers[0].link);
	const char *text = "n0.inbox: the run of n0 has ended, nobody takes its calls";
	for (int i = 0; i < 2; i++) {
		expect_error(taken[i], LPAD_EGONE, text);
		expect_error(posted[i], LPAD_EGONE, text);
	}
	expect_error(gathers, LPAD_EGONE, text);
	ck_assert_int_eq(call_answer(call, NULL), LPAD_EINVALID);
}
END_TEST

START_TEST(what_gathers_at_the_drain_runs_as_a_last_batch)
{
	lpad_future *full[3] = { ask(1, FULL, 1), ask(2, FULL, 2), ask(1, FULL, 3) }, *held[2] = { ask(1, HELD, 4), ask(1, HELD, 5) };
	await_calls("full", "n1", 2);
	await_calls("full", "n2", 1);
	await_count(&peers[0].entered, 1);
	link_drain(peers[0].link, clock_ns() + INT64_C(60000000000));
	for (int i = 0; i < 3; i++)
		expect_own(full[i], (float)(i + 1));
	ck_assert_int_eq(sizes[0], 3);
	for (int i = 0; i < 2; i++)
		expect_error(held[i], LPAD_ESTOPPED, "n0.held: n0 is stopping");
	peer_await(&peers[0], &peers[0].drained);
}
END_TEST

START_TEST(counters_count_calls)
{
	lpad_future *futures[4];
	for (int i = 0; i < 4; i++)
		futures[i] = ask(1 + i / 3, FULL, (float)i);
	for (int i = 0; i < 4; i++)
		expect_own(futures[i], (float)i);
	struct port_counters one = peer_counters(&peers[0], "method", "full", "n1");
	struct port_counters two = peer_counters(&peers[0], "method", "full", "n2");
	ck_assert_int_eq(one.messages, 3);
	ck_assert_int_eq(one.received, 3);
	ck_assert_int_eq(one.delivered_bytes, one.bytes);
	ck_assert_int_eq(two.messages, 1);
	ck_assert_int_eq(peer_counters(&peers[0], "method", "full", "").messages, 0);
}
END_TEST

/* ---- why it is held ---- */

static void expect_why(int method, const char *expected)
{
	char text[100] = "";
	link_lock(peers[0].link);
	const struct gathering *gathering = peers[0].link->server->methods[method].gathering;
	ck_assert(gathering->calls.first && batch_why(gathering->calls.first, text, sizeof text));
	link_unlock(peers[0].link);
	ck_assert_str_eq(text, expected);
}

START_TEST(it_says_for_what_a_call_waits)
{
	lpad_future *futures[4], *held[6], *limited[3];
	futures[0] = ask(1, FULL, 0);
	await_calls("full", "n1", 1);
	expect_why(FULL, "waits for 3 more callers (batch of 4)");
	for (int i = 1; i < 3; i++)
		futures[i] = ask(1, FULL, (float)i);
	await_calls("full", "n1", 3);
	expect_why(FULL, "waits for 1 more caller (batch of 4)");
	for (int i = 0; i < 6; i++)
		held[i] = ask(1, HELD, (float)i);
	await_calls("held", "n1", 6);
	await_count(&peers[0].entered, 2);
	expect_why(HELD, "waits for one of the 2 batches before it");
	for (int i = 0; i < 3; i++) {
		limited[i] = ask(1, LIMITED, (float)i);
		await_count(&peers[0].entered, 3);
	}
	await_calls("limited", "n1", 3);
	expect_why(LIMITED, "waits for the batch before it");
	for (int i = 0; i < 2; i++)
		sem_post(&peers[0].gate);
	for (int i = 0; i < 3; i++)
		expect_own(limited[i], (float)i);
	lpad_future *taken[2] = { ask(1, INBOX, 1), ask(1, INBOX, 2) };
	await_calls("inbox", "n1", 2);
	expect_why(INBOX, "in a batch that run has not taken yet");
	for (int i = 0; i < 2; i++)
		future_cancel(taken[i]);
	for (int i = 0; i < 6; i++)
		future_cancel(held[i]);
	for (int i = 0; i < 3; i++)
		future_cancel(futures[i]);
}
END_TEST

/* ---- all at once ---- */

static void *pound(void *context)
{
	int who = *(int *)context;
	for (int i = 0; i < 300; i++) {
		lpad_future *futures[8];
		for (int k = 0; k < 8; k++)
			futures[k] = k == 3 && i % 3 == 0 ? peer_start(&peers[who], 0, SOON, message_bytes("abc", 3))
				: ask(who, SOON, (float)(8 * i + k));
		for (int k = 0; k < 8; k++) {
			if (k == 3 && i % 3 == 0)
				expect_error(futures[k], LPAD_EINVALID, who == 1
					? "n0.soon: n1 sent 3 bytes; a batched method takes tensors or json"
					: "n0.soon: n2 sent 3 bytes; a batched method takes tensors or json");
			else if (k == 5 && i % 5 == 0)
				future_cancel(futures[k]);
			else
				expect_own(futures[k], (float)(8 * i + k));
		}
	}
	return NULL;
}

START_TEST(many_of_all_kinds)
{
	pthread_t threads[2];
	int who[2] = { 1, 2 };
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, pound, &who[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_batch");
	TCase *cases = tcase_create("batch");
	suite_add_tcase(suite, cases);
	tcase_add_checked_fixture(cases, open_all, close_all);
	tcase_set_timeout(cases, 120);
	tcase_add_test(cases, a_full_batch_runs_and_each_gets_its_own);
	tcase_add_test(cases, calls_stand_in_the_order_in_which_they_came);
	tcase_add_test(cases, json_goes_in_and_out_as_arrays);
	tcase_add_test(cases, nobody_waits_longer_than_the_first_may);
	tcase_add_test(cases, padding_is_not_answered);
	tcase_add_test(cases, what_waits_for_a_thread_goes_on_filling);
	tcase_add_test(cases, the_queue_counts_calls);
	tcase_add_test(cases, threads_run_batches_at_once);
	tcase_add_test(cases, a_cancelled_call_leaves_the_batch);
	tcase_add_test(cases, a_deadline_that_passes_leaves_the_batch);
	tcase_add_test(cases, a_dead_caller_leaves_the_batch);
	tcase_add_test(cases, who_leaves_a_running_batch_leaves_alone);
	tcase_add_test(cases, gone_is_told_when_all_have_left);
	tcase_add_test(cases, kept_batches_count_as_under_way);
	tcase_add_test(cases, run_takes_batches_from_an_inbox);
	tcase_add_test(cases, the_end_of_run_refuses_batches_and_what_gathers);
	tcase_add_test(cases, what_gathers_at_the_drain_runs_as_a_last_batch);
	tcase_add_test(cases, counters_count_calls);
	tcase_add_test(cases, it_says_for_what_a_call_waits);
	tcase_add_test(cases, many_of_all_kinds);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
