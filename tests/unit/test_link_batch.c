/* SPDX-License-Identifier: MIT */
/* Batched methods between links of one process, and the signatures of methods. n0 serves; n1 and n2 call. */
#include <math.h>
#include <sched.h>

#include "link_peers.h"
#include "link/batch.h"

enum { FULL, PLACE, SOON, PADDED, LIMITED, PAIRS, HELD, SHORT, FAILS, EMPTY, INBOX, TYPED, PLAIN, LIAR, FREE, LET_GO, OWN_METHODS };

static struct peer peers[3];
enum { MOST = 64 };
static int sizes[MOST], rows[MOST];
static atomic_int batches, wrong_caller, second_code;
static pthread_barrier_t both;

/* ---- what n0 does ---- */

static void note(lpad_call *call)
{
	lpad_tensor tensor = { .shape = { 0 } };
	message_tensor_at(call_request(call), 0, &tensor);
	if (batches < MOST) {
		sizes[batches] = call_batch(call);
		rows[batches] = (int)tensor.shape[0];
	}
	wrong_caller += *call_caller(call) || call_caller_index(call) != -1;
	batches++;
}

static int do_full(struct peer *peer, lpad_call *call)
{
	(void)peer;
	note(call);
	return call_answer(call, message_share(call_request(call)));
}

/* Each caller hears its row. */
static int do_place(struct peer *peer, lpad_call *call)
{
	int64_t count = call_batch(call);
	lpad_message *reply = message_tensors(1, &(lpad_tensor){ "row", LPAD_I64, 1, { count } });
	int64_t *row = message_data(reply, "row");
	(void)peer;
	for (int64_t i = 0; i < count; i++)
		row[i] = i;
	note(call);
	return call_answer(call, reply);
}

static int do_gate(struct peer *peer, lpad_call *call)
{
	peer->entered++;
	while (sem_wait(&peer->gate))
		;
	return do_full(peer, call);
}

static int do_pairs(struct peer *peer, lpad_call *call)
{
	(void)peer;
	pthread_barrier_wait(&both);            /* returns only if two batches run at once */
	return call_answer(call, message_share(call_request(call)));
}

static int do_short(struct peer *peer, lpad_call *call)
{
	lpad_message *reply = message_tensors(1, &(lpad_tensor){ "x", LPAD_F32, 2, { call_batch(call) + 1, 2 } });
	(void)peer;
	second_code = call_answer(call, reply);
	return second_code;
}

static int do_fails(struct peer *peer, lpad_call *call)
{
	(void)peer;
	(void)call;
	return fault_set(LPAD_ENOTFOUND, "nothing is there");
}

static int do_empty(struct peer *peer, lpad_call *call)
{
	(void)peer;
	return call_answer(call, NULL);
}

static int do_liar(struct peer *peer, lpad_call *call)
{
	(void)peer;
	second_code = call_answer(call, message_tensors(1, &(lpad_tensor){ "x", LPAD_F32, 1, { 3 } }));
	return second_code;
}

static int (*const own_callbacks[OWN_METHODS])(struct peer *, lpad_call *) = {
	[FULL] = do_full, [PLACE] = do_place, [SOON] = do_full, [PADDED] = do_full, [LIMITED] = do_gate, [PAIRS] = do_pairs,
	[HELD] = do_hold, [SHORT] = do_short, [FAILS] = do_fails, [EMPTY] = do_empty, [TYPED] = do_full, [PLAIN] = do_echo,
	[LIAR] = do_liar, [FREE] = do_echo, [LET_GO] = do_release,
};
static const struct method_link own_methods[OWN_METHODS] = {
	[FULL] = { .name = "full", .batch = 4, .batch_wait = INFINITY },
	[PLACE] = { .name = "place", .batch = 4, .batch_wait = INFINITY },
	[SOON] = { .name = "soon", .batch = 8, .batch_wait = 0.02 },
	[PADDED] = { .name = "padded", .batch = 4, .batch_wait = 0.02, .pad = true },
	[LIMITED] = { .name = "limited", .batch = 3, .threads = 1, .queue = 3, .full = LPAD_REFUSE },
	[PAIRS] = { .name = "pairs", .batch = 2, .batch_wait = INFINITY, .threads = 2 },
	[HELD] = { .name = "held", .batch = 2, .batch_wait = INFINITY, .batches = 2, .has_gone = true },
	[SHORT] = { .name = "short", .batch = 2, .batch_wait = INFINITY },
	[FAILS] = { .name = "fails", .batch = 2, .batch_wait = INFINITY },
	[EMPTY] = { .name = "empty", .batch = 2, .batch_wait = INFINITY },
	[INBOX] = { .name = "inbox", .batch = 2, .batch_wait = INFINITY, .inbox = true },
	[TYPED] = { .name = "typed", .batch = 3, .batch_wait = INFINITY, .request = "x f32[*]", .reply = "x f32[2]" },
	[PLAIN] = { .name = "plain", .request = "x f32[2]" },
	[LIAR] = { .name = "liar", .reply = "x f32[2]" },
	[FREE] = { .name = "free" },
	[LET_GO] = { .name = "let_go" },
};

static void open_all(void)
{
	served = own_methods;
	served_by = own_callbacks;
	served_count = OWN_METHODS;
	batches = wrong_caller = 0;
	pthread_barrier_init(&both, NULL, 2);
	peers_open(peers, 3);
	link_run_thread(peers[0].link);
}

static void close_all(void)
{
	ck_assert_int_eq(wrong_caller, 0);
	peers_close(peers, 3);
	pthread_barrier_destroy(&both);
}

/* ---- what n1 and n2 do ---- */

static lpad_message *vector(const char *name, int64_t extent, float first)
{
	lpad_message *message = message_tensors(1, &(lpad_tensor){ name, LPAD_F32, 1, { extent } });
	((float *)message_data(message, name))[0] = first;
	return message;
}

static lpad_future *ask(int who, int method, float first)
{
	return peer_start(&peers[who], 0, method, vector("x", 2, first));
}

static void expect_own(lpad_future *future, float first)
{
	lpad_message *reply;
	int code = future_wait(future, &reply);
	ck_assert_msg(!code, "%s", fault_text());
	const float *x = message_view(reply, "x", LPAD_F32, 1, (int64_t[]){ 2 });
	ck_assert_msg(x != NULL, "%s", fault_text());
	ck_assert(x[0] == first);
	message_free(reply);
}

static void expect_error(lpad_future *future, int code, const char *text)
{
	ck_assert_int_eq(future_wait(future, NULL), code);
	ck_assert_str_eq(fault_text(), text);
}

/* Until n0 has that many calls of it. */
static void await_calls(const char *method, const char *caller, int64_t least)
{
	while (peer_counters(&peers[0], "method", method, caller).messages < least)
		sched_yield();
}

/* What was posted for the service thread before has been done. */
static void let_service_thread_pass(void)
{
	ck_assert_int_eq(peer_call(&peers[1], 0, FREE, NULL, NULL), 0);
}

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
	struct port_counters one = peer_counters(&peers[0], "method", "full", "n1"), two = peer_counters(&peers[0], "method", "full", "n2");
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

/* ---- all at once ---- */

static void *pound(void *context)
{
	int who = *(int *)context;
	for (int i = 0; i < 300; i++) {
		lpad_future *futures[8];
		for (int k = 0; k < 8; k++)
			futures[k] = k == 3 && i % 3 == 0 ? peer_start(&peers[who], 0, SOON, message_bytes("abc", 3)) : ask(who, SOON, (float)(8 * i + k));
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
	tcase_add_test(cases, the_odd_one_is_refused_alone);
	tcase_add_test(cases, when_all_are_refused_the_next_batch_runs);
	tcase_add_test(cases, signatures_are_those_of_one_call);
	tcase_add_test(cases, an_unfit_row_is_an_error_for_all);
	tcase_add_test(cases, a_wrong_size_is_an_error_for_all);
	tcase_add_test(cases, an_error_goes_to_all);
	tcase_add_test(cases, no_answer_content_is_none_for_each);
	tcase_add_test(cases, kept_batches_count_as_under_way);
	tcase_add_test(cases, run_takes_batches_from_an_inbox);
	tcase_add_test(cases, the_end_of_run_refuses_batches_and_what_gathers);
	tcase_add_test(cases, what_gathers_at_the_drain_runs_as_a_last_batch);
	tcase_add_test(cases, counters_count_calls);
	tcase_add_test(cases, it_says_for_what_a_call_waits);
	tcase_add_test(cases, init_chooses_the_size);
	tcase_add_test(cases, a_malformed_signature_makes_no_link);
	tcase_add_test(cases, a_request_that_does_not_fit_never_gets_there);
	tcase_add_test(cases, a_reply_that_does_not_fit_is_an_error_for_both);
	tcase_add_test(cases, many_of_all_kinds);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
